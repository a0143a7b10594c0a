//! One call of the provider, within its time.

use crate::{
    call::{Call, Said},
    provider::{Provider, ProviderError, VoidOutcome},
};
use std::time::Duration;

/// How long the provider may take for one call.
const WITHIN: Duration = Duration::from_secs(30);

/// Asks, and waits for the answer. What was not taken is released, which costs nothing and shows on no statement.
pub(crate) async fn ask(provider: &dyn Provider, call: Call) -> Result<Said, ProviderError> {
    let answer = async {
        match call {
            Call::Authorize(request) => provider.authorize(request).await.map(Said::Authorization),
            Call::Capture(request) => provider.capture(request).await.map(Said::Capture),
            Call::GiveBack(request) => {
                let is_refund = planted::bug!("refund-of-uncaptured-as-refund")
                    || provider.void(request.clone()).await? == VoidOutcome::NotReserved;
                if is_refund {
                    provider.refund(request).await?;
                }
                Ok(Said::GivenBack)
            }
        }
    };
    match tokio::time::timeout(WITHIN, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(ProviderError::Unavailable("no answer in time".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::ask;
    use crate::{
        call::{Call, Said},
        provider::{Authorize, Capture, GiveBack},
        sandbox::Sandbox,
    };
    use schemas::{Currency, Money, OrderId, PaymentId, RefundId};

    fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::parse("EUR").expect("a currency")).expect("an amount")
    }

    fn order() -> OrderId {
        OrderId::parse("o-1").expect("an id")
    }

    fn payment() -> PaymentId {
        PaymentId::parse("p-1").expect("an id")
    }

    async fn give_back(sandbox: &Sandbox, refund: &str, minor: i64) {
        let refund = RefundId::parse(refund).expect("an id");
        let call = Call::GiveBack(GiveBack { refund, order: order(), payment: payment(), amount: eur(minor) });
        assert_eq!(ask(sandbox, call).await, Ok(Said::GivenBack));
    }

    /// What was released and what was refunded.
    fn given(sandbox: &Sandbox) -> (i64, i64) {
        let account = sandbox.account(&payment()).expect("an account");
        (account.voided, account.refunded)
    }

    #[tokio::test]
    async fn what_was_not_taken_is_released_and_what_was_taken_is_refunded() {
        let sandbox = Sandbox::new();
        let method_token = "tok_authorized".to_owned();
        let asked = Authorize { order: order(), payment: payment(), method_token, amount: eur(1_000) };
        ask(&sandbox, Call::Authorize(asked)).await.expect("an answer");
        give_back(&sandbox, "r1", 400).await;
        assert_eq!(given(&sandbox), (400, 0));
        let capture = Capture { key: "k".to_owned(), order: order(), payment: payment(), amount: eur(600) };
        ask(&sandbox, Call::Capture(capture)).await.expect("an answer");
        give_back(&sandbox, "r2", 100).await;
        assert_eq!(given(&sandbox), (400, 100));
    }
}
