//! The one table from rejections to problems. The rejection's own name is the code and its fields are the problem's.

use crate::problem::Problem;
use axum::http::StatusCode;
use schemas::{
    Rejection,
    cart::CartRejection,
    drop::DropRejection,
    follows::FollowsRejection,
    item::ItemRejection,
    order::{HoldRefusal, OrderRefusal, OrderRejection},
    reply::Undecidable,
    shopper::ShopperRejection,
    store::StoreRejection,
    warehouse::WarehouseRejection,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The problem that tells a rejection.
pub(crate) fn problem(rejection: &Rejection) -> Problem {
    match rejection {
        Rejection::Item(item) => told(item_status(item), item, &item.to_string()),
        Rejection::Order(OrderRejection::OrderRejected { refusals }) => rejected_order(refusals),
        Rejection::Order(order) => {
            let problem = told(order_status(order), order, &order.to_string());
            if matches!(order, OrderRejection::OrderNotReady { .. }) { problem.retryable() } else { problem }
        }
        Rejection::Cart(cart) => told(cart_status(cart), cart, &cart.to_string()),
        Rejection::Store(store @ StoreRejection::StoreNotFound) => {
            told(StatusCode::NOT_FOUND, store, &store.to_string())
        }
        Rejection::Warehouse(warehouse @ WarehouseRejection::WarehouseNotFound) => {
            told(StatusCode::NOT_FOUND, warehouse, &warehouse.to_string())
        }
        Rejection::Drop(drop) => {
            let problem = told_of("dropStatus", drop_status(drop), drop, &drop.to_string());
            if matches!(drop, DropRejection::DropNotReady) { problem.retryable() } else { problem }
        }
        Rejection::Follows(follows) => told(follows_status(follows), follows, &follows.to_string()),
        Rejection::Shopper(shopper @ ShopperRejection::ShopperNotFound) => {
            told(StatusCode::NOT_FOUND, shopper, &shopper.to_string())
        }
        Rejection::Shopper(shopper @ ShopperRejection::IdempotencyKeyReused) => {
            told(StatusCode::UNPROCESSABLE_ENTITY, shopper, &shopper.to_string())
        }
        Rejection::Undecidable(undecidable) => {
            told(undecidable_status(undecidable), undecidable, &undecidable.to_string())
        }
    }
}

fn told(status: StatusCode, rejection: &impl Serialize, detail: &str) -> Problem {
    told_of("orderStatus", status, rejection, detail)
}

/// The same, where a status of the thing itself is called so.
fn told_of(of_what: &str, status: StatusCode, rejection: &impl Serialize, detail: &str) -> Problem {
    let mut fields = match serde_json::to_value(rejection) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::new(),
    };
    let code = match fields.remove("code") {
        // RFC 9110 names the condition, whoever's it is.
        Some(_) if status == StatusCode::PRECONDITION_FAILED => "precondition_failed".to_owned(),
        Some(Value::String(code)) => code,
        Some(_) | None => "refused".to_owned(),
    };
    // A problem's `status` is the HTTP status.
    if let Some(status) = fields.remove("status") {
        fields.insert(of_what.to_owned(), status);
    }
    Problem::new(status, code, detail).with_all(fields)
}

const fn drop_status(drop: &DropRejection) -> StatusCode {
    match drop {
        DropRejection::DropNotFound => StatusCode::NOT_FOUND,
        DropRejection::IdempotencyKeyReused
        | DropRejection::TermsInvalid { .. }
        | DropRejection::ItemRequired
        | DropRejection::ItemNotOffered { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        DropRejection::ExistsWithDifferentContent
        | DropRejection::DropRejected { .. }
        | DropRejection::DropNotReady
        | DropRejection::DropStarted
        | DropRejection::DropOver { .. }
        | DropRejection::NoQueue
        | DropRejection::QueueClosed { .. }
        | DropRejection::QueueFull
        | DropRejection::NotLive { .. }
        | DropRejection::NotAdmitted
        | DropRejection::LimitReached { .. }
        | DropRejection::SoldOut
        | DropRejection::AllHeld { .. } => StatusCode::CONFLICT,
    }
}

const fn follows_status(follows: &FollowsRejection) -> StatusCode {
    match follows {
        FollowsRejection::FollowsNotFound => StatusCode::NOT_FOUND,
        FollowsRejection::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        FollowsRejection::TooManyFollows { .. } => StatusCode::CONFLICT,
    }
}

const fn undecidable_status(undecidable: &Undecidable) -> StatusCode {
    match undecidable {
        Undecidable::CommandDeadLettered => StatusCode::UNPROCESSABLE_ENTITY,
        Undecidable::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
    }
}

const fn item_status(rejection: &ItemRejection) -> StatusCode {
    match rejection {
        ItemRejection::ItemNotFound
        | ItemRejection::HoldNotFound
        | ItemRejection::TransferNotFound
        | ItemRejection::AllotmentNotFound => StatusCode::NOT_FOUND,
        ItemRejection::ItemOfAnotherStore | ItemRejection::TransferElsewhere { .. } => StatusCode::FORBIDDEN,
        ItemRejection::VersionMismatch { .. } => StatusCode::PRECONDITION_FAILED,
        ItemRejection::IdempotencyKeyReused
        | ItemRejection::KindImmutable
        | ItemRejection::InvalidPatch { .. }
        | ItemRejection::DigitalHasNoStock
        | ItemRejection::SameBucket
        | ItemRejection::SameLocation
        | ItemRejection::TimeInFuture
        | ItemRejection::TooManySources { .. }
        | ItemRejection::StockTooLarge
        | ItemRejection::TooManyLocations => StatusCode::UNPROCESSABLE_ENTITY,
        ItemRejection::ExistsWithDifferentQuantity { .. }
        | ItemRejection::ExistsWithDifferentContent
        | ItemRejection::ItemNotListed
        | ItemRejection::HoldReleased
        | ItemRejection::HoldExpired
        | ItemRejection::HoldCommitted
        | ItemRejection::HoldNotCommitted
        | ItemRejection::AlreadyShipped
        | ItemRejection::NotThatManyOpen { .. }
        | ItemRejection::PriceChanged { .. }
        | ItemRejection::InsufficientStock { .. }
        | ItemRejection::LocationNotFound { .. }
        | ItemRejection::InsufficientAtLocation { .. }
        | ItemRejection::BucketTooSmall { .. }
        | ItemRejection::NotThatManyOnTheWay { .. }
        | ItemRejection::ReportTooOld { .. }
        | ItemRejection::StaleCount { .. }
        | ItemRejection::AllotmentTooSmall { .. }
        | ItemRejection::NotShipped { .. } => StatusCode::CONFLICT,
    }
}

const fn order_status(rejection: &OrderRejection) -> StatusCode {
    match rejection {
        OrderRejection::OrderNotFound
        | OrderRejection::PaymentNotFound
        | OrderRejection::SubOrderNotFound
        | OrderRejection::ShipmentNotFound
        | OrderRejection::ReturnNotFound => StatusCode::NOT_FOUND,
        OrderRejection::PaymentRequired | OrderRejection::PaymentDeclined { .. } => StatusCode::PAYMENT_REQUIRED,
        OrderRejection::IdempotencyKeyReused
        | OrderRejection::ExpectedPricesDiffer { .. }
        | OrderRejection::ItemQuantityTooLarge { .. }
        | OrderRejection::PlanNotFitting
        | OrderRejection::SubOrderRequired
        | OrderRejection::LineNotFound { .. }
        | OrderRejection::NotReturnable { .. }
        | OrderRejection::CancelAsAWhole
        | OrderRejection::WrongCurrency => StatusCode::UNPROCESSABLE_ENTITY,
        OrderRejection::ExistsWithDifferentContent
        | OrderRejection::OrderRejected { .. }
        | OrderRejection::OrderNotReady { .. }
        | OrderRejection::CheckoutExpired
        | OrderRejection::OrderCancelled
        | OrderRejection::PaymentExternal
        | OrderRejection::AlreadyPaid
        | OrderRejection::TooManyPayments { .. }
        | OrderRejection::TooManyCancellations { .. }
        | OrderRejection::NotThatManyOpen { .. }
        | OrderRejection::AlreadyShipped
        | OrderRejection::NothingToShip
        | OrderRejection::NothingToDeliver
        | OrderRejection::ReturnWindowClosed
        | OrderRejection::ReturnComplete
        | OrderRejection::NotThatManyAllocated { .. }
        | OrderRejection::NotThatManyReturnable { .. }
        | OrderRejection::NotThatManyExpected { .. }
        | OrderRejection::TooManyShipments { .. }
        | OrderRejection::TooManyReturns { .. }
        | OrderRejection::RefundTooLarge { .. } => StatusCode::CONFLICT,
    }
}

const fn cart_status(rejection: &CartRejection) -> StatusCode {
    match rejection {
        CartRejection::CartNotFound => StatusCode::NOT_FOUND,
        CartRejection::IdempotencyKeyReused
        | CartRejection::ItemQuantityTooLarge { .. }
        | CartRejection::ExpectedPricesDiffer { .. }
        | CartRejection::CartEmpty
        | CartRejection::OwnCart => StatusCode::UNPROCESSABLE_ENTITY,
        CartRejection::CartLocked { .. }
        | CartRejection::TooManyLines { .. }
        | CartRejection::InsufficientStock { .. }
        | CartRejection::TooManyCheckouts { .. } => StatusCode::CONFLICT,
    }
}

/// A rejected order is told by what refused it: the first of these that occurs is the code, `lines` has all of them.
fn rejected_order(refusals: &[OrderRefusal]) -> Problem {
    let (_, code, detail) = refusals.iter().map(named).min_by_key(|(rank, _, _)| *rank).unwrap_or((
        u8::MAX,
        "order_rejected",
        "the order was rejected",
    ));
    let lines: Vec<Value> = refusals.iter().flat_map(lines).collect();
    let problem = Problem::new(StatusCode::CONFLICT, code, detail);
    if lines.is_empty() { problem } else { problem.with("lines", lines) }
}

const fn named(refusal: &OrderRefusal) -> (u8, &'static str, &'static str) {
    match refusal {
        OrderRefusal::Item { refusal: HoldRefusal::InsufficientStock { .. }, .. } => {
            (0, "insufficient_stock", "there is too little stock for some lines; nothing stays held")
        }
        OrderRefusal::Item { refusal: HoldRefusal::ItemUnavailable, .. } => {
            (1, "item_unavailable", "some items are not in sale; nothing stays held")
        }
        OrderRefusal::Item { refusal: HoldRefusal::PriceChanged { .. }, .. } => {
            (2, "price_changed", "some prices have changed; nothing stays held")
        }
        OrderRefusal::Item { refusal: HoldRefusal::Released, .. } => {
            (3, "hold_released", "a hold was released before it was placed; nothing stays held")
        }
        OrderRefusal::ItemsUnanswered { .. } => {
            (4, "items_unanswered", "some items did not answer in time; nothing stays held")
        }
        OrderRefusal::MixedCurrencies => (5, "mixed_currencies", "the prices are in more than one currency"),
        OrderRefusal::TotalNegative => (6, "total_negative", "the adjustments are more than the lines"),
        OrderRefusal::TotalTooLarge => (7, "total_too_large", "the total is too large"),
    }
}

fn lines(refusal: &OrderRefusal) -> Vec<Value> {
    match refusal {
        OrderRefusal::Item { item_id, refusal } => vec![match refusal {
            HoldRefusal::InsufficientStock { asked, available } => {
                json!({"itemId": item_id, "reason": "insufficient_stock", "asked": asked, "available": available})
            }
            HoldRefusal::PriceChanged { price } => {
                json!({"itemId": item_id, "reason": "price_changed", "price": price})
            }
            HoldRefusal::ItemUnavailable => json!({"itemId": item_id, "reason": "item_unavailable"}),
            HoldRefusal::Released => json!({"itemId": item_id, "reason": "hold_released"}),
        }],
        OrderRefusal::ItemsUnanswered { item_ids } => {
            item_ids.iter().map(|item_id| json!({"itemId": item_id, "reason": "items_unanswered"})).collect()
        }
        OrderRefusal::MixedCurrencies | OrderRefusal::TotalNegative | OrderRefusal::TotalTooLarge => Vec::new(),
    }
}
