//! How rejections are told.

use edge::Problem;
use schemas::{
    Currency, ItemId, Money, Rejection,
    item::ItemRejection,
    order::{HoldRefusal, OrderRefusal, OrderRejection, OrderStatus},
};
use serde_json::{Value, json};

fn told(rejection: Rejection) -> Value {
    serde_json::to_value(Problem::from(rejection).document("0".repeat(32))).expect("JSON")
}

fn expect(rejection: Rejection, status: u16, code: &str, fields: &Value) {
    let problem = told(rejection);
    assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)), "{problem}");
    assert_eq!(problem["outcome"], "refused");
    for (name, value) in fields.as_object().expect("fields") {
        assert_eq!(&problem[name], value, "{problem}");
    }
}

fn euros(amount: i64) -> Money {
    Money::new(amount, Currency::parse("EUR").expect("a currency")).expect("an amount")
}

#[test]
fn items_tell_their_rejections_by_name() {
    let price = json!({"amount": 5, "currency": "EUR"});
    let cases = [
        (ItemRejection::IdempotencyKeyReused, 422, "idempotency_key_reused", json!({})),
        (ItemRejection::ItemNotFound, 404, "item_not_found", json!({})),
        (ItemRejection::VersionMismatch { current: 4 }, 412, "precondition_failed", json!({"current": 4})),
        (ItemRejection::HoldExpired, 409, "hold_expired", json!({})),
        (ItemRejection::AlreadyShipped, 409, "already_shipped", json!({})),
        (ItemRejection::PriceChanged { price: euros(5) }, 409, "price_changed", json!({"price": price})),
        (
            ItemRejection::InsufficientStock { asked: 3, available: 1 },
            409,
            "insufficient_stock",
            json!({"asked": 3, "available": 1}),
        ),
        (ItemRejection::StaleCount { current: 9 }, 409, "stale_count", json!({"current": 9})),
    ];
    for (rejection, status, code, fields) in cases {
        expect(Rejection::Item(rejection), status, code, &fields);
    }
}

#[test]
fn orders_tell_their_rejections_by_name() {
    let declined = OrderRejection::PaymentDeclined { reason: "stolen_card".to_owned() };
    let cases = [
        (OrderRejection::OrderNotFound, 404, "order_not_found", json!({})),
        (OrderRejection::CheckoutExpired, 409, "checkout_expired", json!({})),
        (OrderRejection::PaymentRequired, 402, "payment_required", json!({})),
        (declined, 402, "payment_declined", json!({"reason": "stolen_card"})),
        (OrderRejection::AlreadyShipped, 409, "already_shipped", json!({})),
        (
            OrderRejection::OrderNotReady { status: OrderStatus::Holding },
            409,
            "order_not_ready",
            json!({"retryable": true, "orderStatus": "holding"}),
        ),
    ];
    for (rejection, status, code, fields) in cases {
        expect(Rejection::Order(rejection), status, code, &fields);
    }
}

#[test]
fn a_rejected_order_is_told_by_what_refused_it() {
    let item = |id: &str, refusal| OrderRefusal::Item { item_id: ItemId::parse(id).expect("an id"), refusal };
    let short = || item("a", HoldRefusal::InsufficientStock { asked: 5, available: 2 });
    let dearer = || item("b", HoldRefusal::PriceChanged { price: euros(7) });
    let rejected = |refusals| Rejection::Order(OrderRejection::OrderRejected { refusals });
    let short_line = json!({"itemId": "a", "reason": "insufficient_stock", "asked": 5, "available": 2});
    let dearer_line = json!({"itemId": "b", "reason": "price_changed", "price": {"amount": 7, "currency": "EUR"}});
    expect(rejected(vec![short()]), 409, "insufficient_stock", &json!({"lines": [short_line]}));
    expect(rejected(vec![dearer()]), 409, "price_changed", &json!({"lines": [dearer_line]}));
    expect(rejected(vec![dearer(), short()]), 409, "insufficient_stock", &json!({"lines": [dearer_line, short_line]}));
    expect(rejected(vec![OrderRefusal::TotalNegative]), 409, "total_negative", &json!({}));
    let unanswered = OrderRefusal::ItemsUnanswered { item_ids: vec![ItemId::parse("c").expect("an id")] };
    expect(rejected(vec![unanswered]), 409, "items_unanswered", &json!({}));
}
