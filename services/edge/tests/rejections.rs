//! How rejections are told.

use edge::Problem;
use schemas::{
    Currency, ItemId, LocationId, Money, OrderId, Rejection, Timestamp,
    cart::CartRejection,
    drop::{AllotRefusal, DropRejection, DropStatus, LoanRefused},
    item::ItemRejection,
    order::{HoldRefusal, OrderRefusal, OrderRejection, OrderStatus},
    reply::Undecidable,
    store::StoreRejection,
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
    let north = LocationId::parse("north").expect("an id");
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
        (ItemRejection::TimeInFuture, 422, "time_in_future", json!({})),
        (ItemRejection::TooManySources { limit: 16 }, 422, "too_many_sources", json!({"limit": 16})),
        (
            ItemRejection::ReportTooOld { location: north.clone(), oldest: Timestamp::from_millis(0) },
            409,
            "report_too_old",
            json!({"location": "north", "oldest": "1970-01-01T00:00:00.000Z"}),
        ),
        (ItemRejection::SameLocation, 422, "same_location", json!({})),
        (ItemRejection::TransferNotFound, 404, "transfer_not_found", json!({})),
        (ItemRejection::TransferElsewhere { location: north }, 403, "transfer_elsewhere", json!({"location": "north"})),
        (ItemRejection::NotThatManyOnTheWay { on_the_way: 2 }, 409, "not_that_many_on_the_way", json!({"onTheWay": 2})),
    ];
    for (rejection, status, code, fields) in cases {
        expect(Rejection::Item(rejection), status, code, &fields);
    }
}

#[test]
fn carts_and_stores_tell_their_rejections_by_name() {
    let (item_id, order_id) = (ItemId::parse("tea").expect("an id"), OrderId::parse("o-1").expect("an id"));
    let cases = [
        (CartRejection::CartNotFound, 404, "cart_not_found", json!({})),
        (CartRejection::IdempotencyKeyReused, 422, "idempotency_key_reused", json!({})),
        (CartRejection::CartLocked { order_id }, 409, "cart_locked", json!({"orderId": "o-1"})),
        (CartRejection::TooManyLines { limit: 500 }, 409, "too_many_lines", json!({"limit": 500})),
        (
            CartRejection::ItemQuantityTooLarge { item_id: item_id.clone() },
            422,
            "item_quantity_too_large",
            json!({"itemId": "tea"}),
        ),
        (CartRejection::ExpectedPricesDiffer { item_id }, 422, "expected_prices_differ", json!({"itemId": "tea"})),
        (
            CartRejection::InsufficientStock { asked: 3, available: 1 },
            409,
            "insufficient_stock",
            json!({"asked": 3, "available": 1}),
        ),
        (CartRejection::CartEmpty, 422, "cart_empty", json!({})),
        (CartRejection::TooManyCheckouts { limit: 100 }, 409, "too_many_checkouts", json!({"limit": 100})),
        (CartRejection::OwnCart, 422, "own_cart", json!({})),
    ];
    for (rejection, status, code, fields) in cases {
        expect(Rejection::Cart(rejection), status, code, &fields);
    }
    expect(Rejection::Store(StoreRejection::StoreNotFound), 404, "store_not_found", &json!({}));
}

#[test]
fn drops_tell_their_rejections_by_name() {
    let item_id = ItemId::parse("shoe").expect("an id");
    let refused = LoanRefused { item_id: item_id.clone(), refusal: AllotRefusal::Unanswered };
    let (status, pointer, detail) = (DropStatus::Paused, "/endsAt".to_owned(), "too late".to_owned());
    let paused = json!({"dropStatus": "paused", "orderStatus": null});
    let refusals = json!({"refusals": [{"itemId": "shoe", "refusal": {"reason": "unanswered"}}]});
    let cases = [
        (DropRejection::DropNotFound, 404, "drop_not_found", json!({})),
        (DropRejection::IdempotencyKeyReused, 422, "idempotency_key_reused", json!({})),
        (DropRejection::ExistsWithDifferentContent, 409, "exists_with_different_content", json!({})),
        (DropRejection::TermsInvalid { pointer, detail }, 422, "terms_invalid", json!({"pointer": "/endsAt"})),
        (DropRejection::DropRejected { refusals: vec![refused] }, 409, "drop_rejected", refusals),
        (DropRejection::DropNotReady, 409, "drop_not_ready", json!({"retryable": true})),
        (DropRejection::DropStarted, 409, "drop_started", json!({})),
        (DropRejection::DropOver { status }, 409, "drop_over", paused.clone()),
        (DropRejection::NoQueue, 409, "no_queue", json!({})),
        (DropRejection::QueueClosed { status }, 409, "queue_closed", paused.clone()),
        (DropRejection::QueueFull, 409, "queue_full", json!({})),
        (DropRejection::NotLive { status }, 409, "not_live", paused),
        (DropRejection::ItemRequired, 422, "item_required", json!({})),
        (DropRejection::ItemNotOffered { item_id }, 422, "item_not_offered", json!({"itemId": "shoe"})),
        (DropRejection::NotAdmitted, 409, "not_admitted", json!({})),
        (DropRejection::LimitReached { limit: 2, has: 1 }, 409, "limit_reached", json!({"limit": 2, "has": 1})),
        (DropRejection::SoldOut, 409, "sold_out", json!({"retryable": false})),
        (DropRejection::AllHeld { remaining: 1 }, 409, "all_held", json!({"remaining": 1})),
    ];
    for (rejection, status, code, fields) in cases {
        expect(Rejection::Drop(rejection), status, code, &fields);
    }
}

#[test]
fn what_cannot_be_decided_is_told_by_name() {
    expect(Rejection::Undecidable(Undecidable::CommandDeadLettered), 422, "command_dead_lettered", &json!({}));
    expect(Rejection::Undecidable(Undecidable::TooLarge), 413, "too_large", &json!({}));
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
