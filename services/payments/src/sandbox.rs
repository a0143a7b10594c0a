//! The sandbox provider: decides by card number, at once, and moves no money.

use crate::provider::{
    Authorization, Authorize, Capture, CaptureOutcome, CardDetails, GiveBack, Provider, ProviderFuture, VoidOutcome,
};
use parking_lot::Mutex;
use schemas::{PaymentId, RefundId};
use std::{
    collections::{BTreeSet, HashMap},
    future::ready,
};

/// The token of a card that is authorized; a declined one's is `tok_` and the reason.
const AUTHORIZED: &str = "tok_authorized";
/// The reasons that a token may carry.
const REASONS: [&str; 3] = ["card_declined", "card_not_supported", "unknown_test_card"];

/// What the sandbox has on a payment, in minor units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Reserved in all; `None` where that was before a restart.
    pub authorized: Option<i64>,
    /// Taken of it.
    pub captured: i64,
    /// Released of it.
    pub voided: i64,
    /// Given back of what was taken.
    pub refunded: i64,
    /// Keys that were acted on.
    captures: BTreeSet<String>,
    given_back: BTreeSet<RefundId>,
}

impl Account {
    /// Reserved, and neither taken nor released; `None` where nobody knows.
    fn left(&self) -> Option<i64> {
        self.authorized.map(|authorized| authorized - self.captured - self.voided)
    }
}

/// A provider for trying things out: `4242424242424242` authorizes, `4000000000000002` declines, no other card is known.
///
/// It keeps its accounts in memory: after a restart it takes every amount on its word.
#[derive(Debug, Default)]
pub struct Sandbox {
    accounts: Mutex<HashMap<PaymentId, Account>>,
}

impl Sandbox {
    /// An empty sandbox.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What it has on a payment.
    #[must_use]
    pub fn account(&self, payment: &PaymentId) -> Option<Account> {
        self.accounts.lock().get(payment).cloned()
    }

    fn token_of(number: &str) -> String {
        match number {
            "4242424242424242" => AUTHORIZED.to_owned(),
            "4000000000000002" => format!("tok_{}", REASONS[0]),
            // Its answer comes by webhook, which this provider does not send.
            "4000000000000259" => format!("tok_{}", REASONS[1]),
            _ => format!("tok_{}", REASONS[2]),
        }
    }
}

impl Provider for Sandbox {
    fn tokenize(&self, card: CardDetails) -> ProviderFuture<'_, String> {
        Box::pin(ready(Ok(Self::token_of(&card.number))))
    }

    fn authorize(&self, request: Authorize) -> ProviderFuture<'_, Authorization> {
        if request.method_token != AUTHORIZED {
            let known = request.method_token.strip_prefix("tok_").and_then(|word| REASONS.iter().find(|r| **r == word));
            let reason = known.copied().unwrap_or("invalid_token").to_owned();
            return Box::pin(ready(Ok(Authorization::Declined { reason })));
        }
        let reference = format!("sandbox-{}", request.payment);
        // A repeat reserves nothing more.
        self.accounts
            .lock()
            .entry(request.payment)
            .or_insert_with(|| Account { authorized: Some(request.amount.minor()), ..Account::default() });
        Box::pin(ready(Ok(Authorization::Authorized { reference })))
    }

    fn capture(&self, request: Capture) -> ProviderFuture<'_, CaptureOutcome> {
        let mut accounts = self.accounts.lock();
        let account = accounts.entry(request.payment).or_default();
        let outcome = if account.captures.contains(&request.key) {
            CaptureOutcome::Captured
        } else if account.left().is_none_or(|left| request.amount.minor() <= left) {
            account.captured += request.amount.minor();
            account.captures.insert(request.key);
            CaptureOutcome::Captured
        } else {
            CaptureOutcome::Failed { reason: "amount_too_large".to_owned() }
        };
        Box::pin(ready(Ok(outcome)))
    }

    fn void(&self, request: GiveBack) -> ProviderFuture<'_, VoidOutcome> {
        let mut accounts = self.accounts.lock();
        let outcome = match accounts.get_mut(&request.payment) {
            Some(account) if account.given_back.contains(&request.refund) => VoidOutcome::Voided,
            Some(account) if account.left().is_some_and(|left| request.amount.minor() <= left) => {
                account.voided += request.amount.minor();
                account.given_back.insert(request.refund);
                VoidOutcome::Voided
            }
            // From before a restart: whether it was taken is not known, and a refund serves for both.
            Some(_) | None => VoidOutcome::NotReserved,
        };
        Box::pin(ready(Ok(outcome)))
    }

    fn refund(&self, request: GiveBack) -> ProviderFuture<'_, ()> {
        let mut accounts = self.accounts.lock();
        let account = accounts.entry(request.payment).or_default();
        if account.given_back.insert(request.refund) {
            account.refunded += request.amount.minor();
        }
        Box::pin(ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::{Currency, Money, OrderId};
    use zeroize::Zeroizing;

    fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::parse("EUR").expect("a currency")).expect("an amount")
    }

    fn payment() -> PaymentId {
        PaymentId::parse("pay-1").expect("an id")
    }

    fn order() -> OrderId {
        OrderId::parse("order-1").expect("an id")
    }

    fn give_back(id: &str, minor: i64) -> GiveBack {
        let refund = RefundId::parse(id).expect("an id");
        GiveBack { refund, order: order(), payment: payment(), amount: eur(minor) }
    }

    async fn authorize(sandbox: &Sandbox, number: &str) -> (String, Authorization) {
        let card = CardDetails { number: Zeroizing::new(number.to_owned()), expiry: None, security_code: None };
        let token = sandbox.tokenize(card).await.expect("a token");
        let request = Authorize { order: order(), payment: payment(), method_token: token.clone(), amount: eur(1_000) };
        (token, sandbox.authorize(request).await.expect("an answer"))
    }

    #[tokio::test]
    async fn the_card_number_decides_and_does_not_stand_in_the_token() {
        let cases = [
            ("4242424242424242", None),
            ("4000000000000002", Some("card_declined")),
            ("4000000000000259", Some("card_not_supported")),
            ("5555555555554444", Some("unknown_test_card")),
        ];
        for (number, declined) in cases {
            let (token, answer) = authorize(&Sandbox::new(), number).await;
            assert!(!token.contains(&number[..4]), "{token}");
            match (declined, answer) {
                (None, Authorization::Authorized { .. }) => {}
                (Some(expected), Authorization::Declined { reason }) => assert_eq!(reason, expected),
                (_, answer) => panic!("{number}: {answer:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_token_that_it_did_not_make_is_declined() {
        let request =
            Authorize { order: order(), payment: payment(), method_token: "tok_free".to_owned(), amount: eur(1) };
        let answer = Sandbox::new().authorize(request).await;
        assert_eq!(answer, Ok(Authorization::Declined { reason: "invalid_token".to_owned() }));
    }

    #[tokio::test]
    async fn after_a_restart_every_amount_is_taken_on_its_word() {
        let sandbox = Sandbox::new();
        let capture =
            |key: &str, minor| Capture { key: key.to_owned(), order: order(), payment: payment(), amount: eur(minor) };
        assert_eq!(sandbox.void(give_back("r1", 200)).await, Ok(VoidOutcome::NotReserved));
        sandbox.refund(give_back("r1", 200)).await.expect("refunded");
        assert_eq!(sandbox.capture(capture("k1", 500)).await, Ok(CaptureOutcome::Captured));
        assert_eq!(sandbox.capture(capture("k2", 300)).await, Ok(CaptureOutcome::Captured));
        assert_eq!(sandbox.void(give_back("r2", 100)).await, Ok(VoidOutcome::NotReserved));
    }

    #[tokio::test]
    async fn repeats_move_nothing() {
        let sandbox = Sandbox::new();
        for _ in 0..2 {
            authorize(&sandbox, "4242424242424242").await;
        }
        let capture = Capture { key: "k".to_owned(), order: order(), payment: payment(), amount: eur(600) };
        for _ in 0..2 {
            assert_eq!(sandbox.capture(capture.clone()).await, Ok(CaptureOutcome::Captured));
        }
        for _ in 0..2 {
            assert_eq!(sandbox.void(give_back("r1", 400)).await, Ok(VoidOutcome::Voided));
        }
        assert_eq!(sandbox.void(give_back("r2", 100)).await, Ok(VoidOutcome::NotReserved));
        for _ in 0..2 {
            sandbox.refund(give_back("r2", 100)).await.expect("refunded");
        }
        let account = sandbox.account(&payment()).expect("an account");
        let sums = (account.authorized, account.captured, account.voided, account.refunded);
        assert_eq!(sums, (Some(1_000), 600, 400, 100));
    }
}
