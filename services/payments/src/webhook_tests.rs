//! What webhooks say: every type, and bodies that say nothing.

use crate::{
    provider::{Notice, WebhookError, WebhookMessage},
    signature::WebhookSecret,
    webhook::{WebhookEvent, Webhooks},
};
use schemas::{
    Currency, Money, OrderId, PaymentId, RefundId, Timestamp,
    order::{OrderCommand, RecordAuthorization, RecordCapture, RecordCaptureFailure, RecordDecline, SettleRefund},
};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn read(body: &[u8]) -> Result<Option<Notice>, WebhookError> {
    let secret = WebhookSecret::derived(b"a deployment");
    let signatures = secret.sign("m", 1_700_000_000, body);
    let message = WebhookMessage { id: "m", timestamp: "1700000000", signatures: &signatures, body };
    Webhooks::new(secret, None).read(message, NOW)
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").expect("a currency")).expect("an amount")
}

fn order_id() -> OrderId {
    OrderId::parse("o-1").expect("an id")
}

fn payment_id() -> PaymentId {
    PaymentId::parse("p-1").expect("an id")
}

fn authorized() -> Value {
    json!({"type": "payment.authorized", "timestamp": "2026-01-31T12:00:00Z", "data": {"orderId": "o-1",
        "paymentId": "p-1", "amount": {"amount": 500, "currency": "EUR"}, "reference": "r-1"}})
}

#[test]
fn every_type_becomes_the_command_of_a_direct_answer() {
    let (order_id, payment_id, amount) = (order_id(), payment_id(), eur(500));
    let refund_id = RefundId::parse("r-1").expect("an id");
    let (reference, reason) = ("ref".to_owned(), "no_funds".to_owned());
    let authorization = OrderCommand::RecordAuthorization(RecordAuthorization {
        payment_id: payment_id.clone(),
        amount,
        provider_reference: reference.clone(),
    });
    let decline = RecordDecline { payment_id: payment_id.clone(), reason: reason.clone() };
    let failure = RecordCaptureFailure { payment_id: payment_id.clone(), reason: reason.clone() };
    let cases = [
        (
            WebhookEvent::Authorized {
                order_id: order_id.clone(),
                payment_id: payment_id.clone(),
                amount,
                reference: reference.clone(),
            },
            authorization.clone(),
            None,
        ),
        (
            WebhookEvent::Declined {
                order_id: order_id.clone(),
                payment_id: payment_id.clone(),
                reason: reason.clone(),
            },
            OrderCommand::RecordDecline(decline),
            None,
        ),
        (
            WebhookEvent::Captured { order_id: order_id.clone(), payment_id: payment_id.clone(), amount, reference },
            OrderCommand::RecordCapture(RecordCapture { payment_id: payment_id.clone(), amount }),
            Some(authorization),
        ),
        (
            WebhookEvent::CaptureFailed { order_id: order_id.clone(), payment_id, reason },
            OrderCommand::RecordCaptureFailure(failure),
            None,
        ),
        (
            WebhookEvent::RefundSettled { order_id: order_id.clone(), refund_id: refund_id.clone() },
            OrderCommand::SettleRefund(SettleRefund { refund_id }),
            None,
        ),
    ];
    for (event, command, before) in cases {
        assert_eq!(read(&event.body(NOW)), Ok(Some(Notice { order: order_id.clone(), command, before })), "{event:?}");
    }
}

#[test]
fn what_is_sent_says_its_type_and_its_time() {
    let event = WebhookEvent::Declined { order_id: order_id(), payment_id: payment_id(), reason: "no".to_owned() };
    let body: Value = serde_json::from_slice(&event.body(NOW)).expect("JSON");
    let expected = json!({"type": "payment.declined", "timestamp": "2023-11-14T22:13:20.000Z",
        "data": {"orderId": "o-1", "paymentId": "p-1", "reason": "no"}});
    assert_eq!(body, expected);
}

#[test]
fn types_and_fields_of_others_are_passed_over() {
    for other in ["payment.disputed", "", "PAYMENT.AUTHORIZED", "payment.authorized "] {
        let mut body = authorized();
        body["type"] = json!(other);
        assert_eq!(read(body.to_string().as_bytes()), Ok(None), "{other:?}");
    }
    assert_eq!(read(br#"{"type":"payout.paid","data":[1,2]}"#), Ok(None));
    let mut body = authorized();
    (body["livemode"], body["data"]["method"]) = (json!(false), json!({"brand": "visa"}));
    assert!(matches!(read(body.to_string().as_bytes()), Ok(Some(_))));
}

#[test]
fn what_cannot_be_read_is_told_so() {
    let changed = |path: &[&str], value: Value| {
        let mut body = authorized();
        *path.iter().fold(&mut body, |at, name| &mut at[*name]) = value;
        body.to_string()
    };
    let data = |name: &str, value: Value| changed(&["data", name], value);
    let bad = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "{\"type\":1}".to_owned(),
        authorized().to_string().replace('}', ""),
        format!("{} x", authorized()),
        format!("\u{feff}{}", authorized()),
        format!("{}{}", "[".repeat(100_000), authorized()),
        changed(&["data"], Value::Null),
        changed(&["data"], json!([])),
        data("orderId", json!("not an id")),
        data("orderId", json!("x".repeat(65))),
        data("orderId", Value::Null),
        data("paymentId", json!(7)),
        data("amount", json!(500)),
        data("amount", json!({"amount": 500})),
        data("amount", json!({"amount": 0, "currency": "EUR"})),
        data("amount", json!({"amount": -1, "currency": "EUR"})),
        data("amount", json!({"amount": 1.5, "currency": "EUR"})),
        data("amount", json!({"amount": 9_007_199_254_740_992_i64, "currency": "EUR"})),
        data("amount", json!({"amount": 500, "currency": "eur"})),
        data("reference", json!("")),
        data("reference", json!("x".repeat(256))),
        data("reference", json!("a\u{0}b")),
        authorized().to_string().replace(r#""paymentId""#, r#""orderId":"o-2","paymentId""#),
        authorized().to_string().replace(r#""type""#, r#""type":"payment.declined","type""#),
    ];
    for body in bad {
        assert!(matches!(read(body.as_bytes()), Err(WebhookError::Unreadable(_))), "{body:.200}");
    }
    assert!(matches!(read(b"\xff\xfe"), Err(WebhookError::Unreadable(_))));
}
