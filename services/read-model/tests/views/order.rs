use crate::{
    contract::block_on,
    shop::{BEGIN_MS, Shop, caller, effect, euros, item_id, quantity, subject},
};
use read_model::views::order::{self, OrderRow};
use schemas::{
    LineId, Metadata, OrderId, PaymentId, Personal, RefundId, Timestamp,
    item::ItemKind,
    order::{
        CaptureDue, CaptureFailed, DigitalDelivered, HoldRefusal, HoldsGranted, ItemHeld, ItemRefused, LatePayment,
        LineQuantity, LinesCancelled, OperatorRefunded, OrderCancelled, OrderConfirmed, OrderExpired, OrderLine,
        OrderOwner, OrderPlaced, OrderRefusal, OrderRejected, OrderStatus, OrderSubmitted, PaymentAttemptFailed,
        PaymentAuthorized, PaymentCaptured, PaymentMode, PaymentStarted, PaymentStatus, PricedLine, RefundDue,
        RefundSettled, ReholdFailed, SubmitMode,
    },
};

pub fn line_id(id: &str) -> LineId {
    LineId::parse(id).expect("an id")
}

pub fn payment_id() -> PaymentId {
    PaymentId::parse("pay-1").expect("an id")
}

/// Two of `a` and one of `b`.
pub fn placed() -> OrderPlaced {
    let line = |id: &str, item: &str, units: u32| OrderLine {
        line_id: line_id(id),
        item_id: item_id(item),
        quantity: quantity(units),
        unit_price: None,
        expected_unit_price: None,
        metadata: Metadata::default(),
    };
    OrderPlaced {
        from_cart: false,
        drop: None,
        effect: effect("place"),
        owner: OrderOwner { shopper: Some(subject("alice")), placed_by: caller("alice") },
        channel: Some("web".to_owned()),
        ordered_at: Timestamp::from_millis(77),
        lines: vec![line("l-a", "a", 2), line("l-b", "b", 1)],
        adjustments: Vec::new(),
        payment: PaymentMode::Provider,
        submit: SubmitMode::Explicit,
        expires_in_seconds: 300,
        answers_due_at: Timestamp::from_millis(BEGIN_MS + 30_000),
        metadata: Metadata::default(),
    }
}

pub fn granted(kinds: [ItemKind; 2]) -> HoldsGranted {
    let priced = |(id, kind)| PricedLine { line_id: line_id(id), unit_price: euros(100), kind, store: None };
    HoldsGranted {
        lines: ["l-a", "l-b"].into_iter().zip(kinds).map(priced).collect(),
        total: euros(300),
        expires_at: Timestamp::from_millis(BEGIN_MS + 300_000),
        expires_for_good_at: Timestamp::from_millis(BEGIN_MS + 360_000),
        ordered_at: Some(placed().ordered_at),
    }
}

pub fn authorized() -> PaymentAuthorized {
    PaymentAuthorized { payment_id: payment_id(), amount: euros(300), provider_reference: "ref".to_owned() }
}

pub fn refund(amount: i64) -> (RefundDue, RefundSettled) {
    let refund_id = RefundId::parse("ref-1").expect("an id");
    let due = RefundDue { refund_id: refund_id.clone(), payment_id: payment_id(), amount: euros(amount) };
    (due, RefundSettled { refund_id, payment_id: payment_id(), amount: euros(amount) })
}

pub fn started() -> PaymentStarted {
    PaymentStarted {
        effect: effect("pay-1"),
        payment_id: payment_id(),
        amount: euros(300),
        method_token: "tok".to_owned(),
        shipping_address: Some(Personal::from_sealed(
            subject("alice"),
            "00000000-0000-0000-0000-000000000001".parse().expect("a uuid"),
            "x".to_owned(),
        )),
    }
}

pub fn cancelled(id: &str, units: u32) -> LinesCancelled {
    let lines = vec![LineQuantity { line_id: line_id(id), quantity: quantity(units) }];
    LinesCancelled {
        effect: Some(effect("cancel")),
        lines,
        sub_orders: Vec::new(),
        reason: Some("changed my mind".to_owned()),
    }
}

pub fn row(shop: &Shop) -> OrderRow {
    let id = OrderId::parse("o-1").expect("an id");
    block_on(order::get(&shop.store, &id)).expect("it reads").expect("it is there")
}

fn status(shop: &Shop) -> OrderStatus {
    row(shop).status
}

/// An order that awaits payment.
fn held(kinds: [ItemKind; 2]) -> Shop {
    let mut shop = Shop::open();
    shop.order("o-1", placed());
    shop.order("o-1", granted(kinds));
    shop
}

/// A paid and submitted order.
pub fn confirmed(kinds: [ItemKind; 2]) -> Shop {
    let mut shop = held(kinds);
    shop.order("o-1", started());
    shop.order("o-1", authorized());
    shop.order("o-1", OrderSubmitted { effect: None });
    shop.order("o-1", OrderConfirmed { attempt: 1 });
    shop
}

const PHYSICAL: [ItemKind; 2] = [ItemKind::Physical; 2];
const MIXED: [ItemKind; 2] = [ItemKind::Physical, ItemKind::Digital];

#[test]
fn placed_is_holding_and_shows_what_was_asked() {
    let mut shop = Shop::open();
    shop.order("o-1", placed());
    let (item_id, unit_price) = (item_id("a"), euros(100));
    let held = ItemHeld { attempt: 1, item_id, unit_price, kind: ItemKind::Physical, file: None, store: None };
    shop.order("o-1", held);
    let row = row(&shop);
    assert_eq!((row.status, row.ordered_at, row.total), (OrderStatus::Holding, Timestamp::from_millis(77), None));
    assert_eq!(row.placed_at, Timestamp::from_millis(BEGIN_MS));
    assert_eq!(row.owner.as_ref().and_then(|owner| owner.shopper.clone()), Some(subject("alice")));
    assert_eq!(row.channel.as_deref(), Some("web"));
    let line = row.line(&line_id("l-a")).expect("the line");
    assert_eq!((line.quantity, line.unit_price, line.kind), (quantity(2), None, None));
    assert_eq!(row.history.len(), 1, "what single items say is left out");
}

#[test]
fn granted_awaits_payment_with_prices_total_and_deadline() {
    let shop = held(MIXED);
    let row = row(&shop);
    assert_eq!((row.status, row.total), (OrderStatus::AwaitingPayment, Some(euros(300))));
    assert_eq!(row.expires_at, Some(Timestamp::from_millis(BEGIN_MS + 300_000)));
    let line = row.line(&line_id("l-b")).expect("the line");
    assert_eq!((line.unit_price, line.kind), (Some(euros(100)), Some(ItemKind::Digital)));
}

#[test]
fn rejected_shows_every_refusal() {
    let mut shop = Shop::open();
    shop.order("o-1", placed());
    let refusal = HoldRefusal::InsufficientStock { asked: 2, available: 1 };
    shop.order("o-1", ItemRefused { attempt: 1, item_id: item_id("a"), refusal: refusal.clone() });
    let refusals = vec![OrderRefusal::Item { item_id: item_id("a"), refusal }];
    shop.order("o-1", OrderRejected { refusals: refusals.clone() });
    assert_eq!((status(&shop), row(&shop).refusals), (OrderStatus::Rejected, refusals));
}

#[test]
fn a_payment_goes_from_pending_over_declined_or_authorized_to_captured() {
    let mut shop = held(PHYSICAL);
    let payment = |shop: &Shop| row(shop).payments.pop().expect("a payment");
    shop.order("o-1", started());
    assert_eq!((payment(&shop).status, payment(&shop).amount), (PaymentStatus::Pending, euros(300)));
    assert!(row(&shop).shipping_address.is_some());
    shop.order("o-1", PaymentAttemptFailed { payment_id: payment_id(), reason: "no cover".to_owned() });
    assert_eq!((payment(&shop).status, payment(&shop).reason.as_deref()), (PaymentStatus::Declined, Some("no cover")));
    assert_eq!(status(&shop), OrderStatus::AwaitingPayment);
    shop.order("o-1", authorized());
    assert_eq!(
        (payment(&shop).status, payment(&shop).authorized, payment(&shop).reason),
        (PaymentStatus::Authorized, 300, None)
    );
    shop.order("o-1", CaptureDue { payment_id: payment_id(), amount: euros(300) });
    shop.order("o-1", PaymentCaptured { payment_id: payment_id(), amount: euros(300) });
    assert_eq!(payment(&shop).captured, 300);
}

#[test]
fn a_capture_that_failed_shows_why() {
    let mut shop = confirmed(PHYSICAL);
    shop.order("o-1", CaptureFailed { payment_id: payment_id(), reason: "closed".to_owned() });
    assert_eq!(row(&shop).payments[0].reason.as_deref(), Some("closed"));
}

#[test]
fn confirmed_is_confirmed_while_anything_is_open() {
    let mut shop = confirmed(MIXED);
    assert!(row(&shop).submitted);
    shop.order("o-1", DigitalDelivered { line_ids: vec![line_id("l-b")] });
    assert_eq!(status(&shop), OrderStatus::Confirmed);
    assert_eq!(row(&shop).line(&line_id("l-b")).map(|line| line.shipped), Some(1));
}

#[test]
fn all_digital_is_delivered_at_once() {
    let mut shop = confirmed([ItemKind::Digital; 2]);
    shop.order("o-1", DigitalDelivered { line_ids: vec![line_id("l-a"), line_id("l-b")] });
    assert_eq!(status(&shop), OrderStatus::Delivered);
}

#[test]
fn what_is_left_after_a_cancellation_decides() {
    let mut shop = confirmed(MIXED);
    shop.order("o-1", DigitalDelivered { line_ids: vec![line_id("l-b")] });
    shop.order("o-1", cancelled("l-a", 1));
    assert_eq!(
        (status(&shop), row(&shop).line(&line_id("l-a")).map(|line| line.cancelled)),
        (OrderStatus::Confirmed, Some(1))
    );
    shop.restart();
    shop.order("o-1", cancelled("l-a", 1));
    assert_eq!(status(&shop), OrderStatus::Delivered);
}

#[test]
fn a_cancelled_checkout_is_cancelled() {
    let mut shop = held(PHYSICAL);
    shop.order("o-1", OrderCancelled { effect: Some(effect("c")), reason: Some("no".to_owned()) });
    assert_eq!(status(&shop), OrderStatus::Cancelled);
    assert_eq!(row(&shop).history.last().and_then(|entry| entry.reason.clone()).as_deref(), Some("no"));
}

#[test]
fn a_cancelled_and_paid_order_is_refunding_then_refunded() {
    let mut shop = confirmed(PHYSICAL);
    shop.order("o-1", cancelled("l-a", 2));
    shop.order("o-1", cancelled("l-b", 1));
    shop.order("o-1", OrderCancelled { effect: None, reason: None });
    assert_eq!(status(&shop), OrderStatus::Cancelled);
    let (due, settled) = refund(300);
    shop.order("o-1", due);
    assert_eq!(status(&shop), OrderStatus::Refunding);
    shop.order("o-1", settled);
    assert_eq!(status(&shop), OrderStatus::Refunded);
    let payment = row(&shop).payments.pop().expect("a payment");
    assert_eq!((payment.refund_due, payment.refunded), (300, 300));
}

#[test]
fn a_partial_refund_does_not_change_the_status() {
    let mut shop = confirmed(PHYSICAL);
    shop.order("o-1", OperatorRefunded { effect: effect("r"), amount: euros(50), reason: "late".to_owned() });
    let (due, settled) = refund(50);
    shop.order("o-1", due);
    shop.order("o-1", settled);
    assert_eq!(status(&shop), OrderStatus::Confirmed);
}

#[test]
fn an_expired_order_that_is_paid_late_holds_again() {
    let mut shop = held(PHYSICAL);
    shop.order("o-1", OrderExpired {});
    assert_eq!(status(&shop), OrderStatus::Expired);
    shop.order("o-1", authorized());
    shop.order("o-1", LatePayment { attempt: 2, answers_due_at: Timestamp::from_millis(1) });
    assert_eq!(status(&shop), OrderStatus::Holding);
    let refusals = vec![OrderRefusal::ItemsUnanswered { item_ids: vec![item_id("a")] }];
    shop.order("o-1", ReholdFailed { attempt: 2, refusals: refusals.clone(), effect: None });
    assert_eq!((status(&shop), row(&shop).refusals), (OrderStatus::Expired, refusals));
    shop.order("o-1", refund(300).0);
    assert_eq!(status(&shop), OrderStatus::Refunding);
}

#[test]
fn money_for_an_order_that_nobody_knows_is_shown_without_an_owner() {
    let mut shop = Shop::open();
    shop.order("o-1", authorized());
    assert_eq!((row(&shop).owner, status(&shop)), (None, OrderStatus::Expired));
    shop.order("o-1", refund(300).0);
    assert_eq!(status(&shop), OrderStatus::Refunding);
    shop.order("o-1", placed());
    assert_eq!((status(&shop), row(&shop).payments.len()), (OrderStatus::Holding, 1));
}

#[test]
fn the_history_tells_what_happened_when_by_whom() {
    let mut shop = confirmed(PHYSICAL);
    shop.order("o-1", cancelled("l-a", 1));
    let history = row(&shop).history;
    let names: Vec<_> = history.iter().map(|entry| entry.what.as_str()).collect();
    let expected = [
        "order_placed",
        "holds_granted",
        "payment_started",
        "payment_authorized",
        "order_submitted",
        "order_confirmed",
        "lines_cancelled",
    ];
    assert_eq!(names, expected);
    assert_eq!((history[3].payment_id.clone(), history[3].amount), (Some(payment_id()), Some(euros(300))));
    assert_eq!((history[6].reason.as_deref(), history[6].lines.len()), (Some("changed my mind"), 1));
    assert_eq!((history[0].position.seq, history[0].actor.as_str()), (1, "operator:op"));
}

#[test]
fn a_long_history_keeps_its_beginning_and_its_end() {
    let mut shop = held(PHYSICAL);
    for _ in 0..300 {
        shop.order("o-1", started());
    }
    let row = row(&shop);
    assert_eq!((row.history.len(), row.history_left_out), (256, 46));
    assert_eq!((row.history[0].position.seq, row.history[255].position.seq), (1, 302));
}
