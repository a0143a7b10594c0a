//! The sandbox provider: decides by card number, at once or later, and moves no money.

use crate::{
    courier::{Courier, Parcel},
    provider::{
        Authorization, Authorize, Capture, CaptureOutcome, CardDetails, GiveBack, Notice, Provider, ProviderError,
        ProviderFuture, VoidOutcome, WebhookError, WebhookMessage,
    },
    webhook::{WebhookEvent, Webhooks},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use schemas::{PaymentId, RefundId, Timestamp};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    future::ready,
    sync::Arc,
    time::Duration,
};

/// The token of a card that is authorized; a declined one's is `tok_` and the reason.
const AUTHORIZED: &str = "tok_authorized";
/// The token of a card that is authorized later.
const AUTHORIZED_LATER: &str = "tok_authorized_later";
/// The token of a card that is declined later.
const DECLINED_LATER: &str = "tok_declined_later";
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

/// Payments that are decided later: how long that takes, and who tells it.
#[derive(Clone)]
struct Later {
    courier: Courier,
    after: Duration,
}

/// What it remembers.
#[derive(Debug, Default)]
struct State {
    accounts: HashMap<PaymentId, Account>,
    /// Payments whose decision is told, or will be, by webhook.
    deferred: HashSet<PaymentId>,
}

/// A provider for trying things out: the number of the card decides.
///
/// `4242424242424242` authorizes, `4000000000000002` declines, `4000000000000259` authorizes later and
/// `4000000000000267` declines later, both by webhook. No other card is known.
///
/// It keeps all in memory: after a restart it takes every amount on its word, and what it had not decided it never
/// decides.
#[derive(Default)]
pub struct Sandbox {
    state: Arc<Mutex<State>>,
    webhooks: Option<Webhooks>,
    later: Option<Later>,
}

impl Sandbox {
    /// An empty sandbox. It neither sends nor takes webhooks: cards that decide later are declined.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, taking webhooks that are signed with one of these secrets.
    #[must_use]
    pub fn taking(self, webhooks: Webhooks) -> Self {
        Self { webhooks: Some(webhooks), ..self }
    }

    /// The same, deciding some payments later: after so long, and by this courier.
    #[must_use]
    pub fn deciding_later(self, courier: Courier, after: Duration) -> Self {
        Self { later: Some(Later { courier, after }), ..self }
    }

    /// What it has on a payment.
    #[must_use]
    pub fn account(&self, payment: &PaymentId) -> Option<Account> {
        self.state.lock().accounts.get(payment).cloned()
    }

    fn token_of(number: &str) -> String {
        match number {
            "4242424242424242" => AUTHORIZED.to_owned(),
            "4000000000000259" => AUTHORIZED_LATER.to_owned(),
            "4000000000000267" => DECLINED_LATER.to_owned(),
            "4000000000000002" => format!("tok_{}", REASONS[0]),
            _ => format!("tok_{}", REASONS[2]),
        }
    }

    /// Says that it decides later, and does.
    fn defer(&self, request: Authorize, later: &Later) -> Result<Authorization, ProviderError> {
        if self.state.lock().deferred.contains(&request.payment) {
            return Ok(Authorization::Pending);
        }
        let (state, courier, payment) = (Arc::clone(&self.state), later.courier.clone(), request.payment.clone());
        later.courier.send(later.after, move || {
            let event = decide(request, &mut state.lock());
            Parcel { id: message_id(&event), body: event.body(courier.now()) }
        })?;
        self.state.lock().deferred.insert(payment);
        Ok(Authorization::Pending)
    }
}

fn reference(payment: &PaymentId) -> String {
    format!("sandbox-{payment}")
}

/// Decides what was deferred.
fn decide(request: Authorize, state: &mut State) -> WebhookEvent {
    let Authorize { order: order_id, payment: payment_id, method_token, amount } = request;
    if method_token == DECLINED_LATER {
        return WebhookEvent::Declined { order_id, payment_id, reason: REASONS[0].to_owned() };
    }
    state.accounts.entry(payment_id.clone()).or_default().authorized = Some(amount.minor());
    let reference = reference(&payment_id);
    WebhookEvent::Authorized { order_id, payment_id, amount, reference }
}

/// The same for the same event, and without the dots that an id of ours may have.
fn message_id(event: &WebhookEvent) -> String {
    let text = serde_json::to_vec(event).expect("ids, texts and numbers are JSON");
    format!("msg_{}", URL_SAFE_NO_PAD.encode(Sha256::digest(text)))
}

impl Provider for Sandbox {
    fn tokenize(&self, card: CardDetails) -> ProviderFuture<'_, String> {
        Box::pin(ready(Ok(Self::token_of(&card.number))))
    }

    fn authorize(&self, request: Authorize) -> ProviderFuture<'_, Authorization> {
        let is_later = [AUTHORIZED_LATER, DECLINED_LATER].contains(&request.method_token.as_str());
        if let Some(later) = self.later.as_ref().filter(|_| is_later) {
            return Box::pin(ready(self.defer(request, later)));
        }
        if is_later {
            return Box::pin(ready(Ok(Authorization::Declined { reason: REASONS[1].to_owned() })));
        }
        if request.method_token != AUTHORIZED {
            let known = request.method_token.strip_prefix("tok_").and_then(|word| REASONS.iter().find(|r| **r == word));
            let reason = known.copied().unwrap_or("invalid_token").to_owned();
            return Box::pin(ready(Ok(Authorization::Declined { reason })));
        }
        let reference = reference(&request.payment);
        // A repeat reserves nothing more.
        self.state
            .lock()
            .accounts
            .entry(request.payment)
            .or_insert_with(|| Account { authorized: Some(request.amount.minor()), ..Account::default() });
        Box::pin(ready(Ok(Authorization::Authorized { reference })))
    }

    fn capture(&self, request: Capture) -> ProviderFuture<'_, CaptureOutcome> {
        let accounts = &mut self.state.lock().accounts;
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
        let accounts = &mut self.state.lock().accounts;
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
        let accounts = &mut self.state.lock().accounts;
        let account = accounts.entry(request.payment).or_default();
        if account.given_back.insert(request.refund) {
            account.refunded += request.amount.minor();
        }
        Box::pin(ready(Ok(())))
    }

    fn read_webhook(&self, message: WebhookMessage<'_>, now: Timestamp) -> Result<Option<Notice>, WebhookError> {
        self.webhooks.as_ref().map_or(Err(WebhookError::Forged), |webhooks| webhooks.read(message, now))
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
            // Without a way to tell it later.
            ("4000000000000259", Some("card_not_supported")),
            ("4000000000000267", Some("card_not_supported")),
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
