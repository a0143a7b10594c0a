//! The table of an order's states, row by row, through HTTP.
//!
//! [`TABLE`] is the list: what a row says, and the scenario that plays it. Each is a test of its own on the embedded engine;
//! on both engines all of them are played in one shop, one after another, and then every kind of event that an order has
//! must stand in the log. What cannot be played there stands in [`ELSEWHERE`].

mod cancelling;
mod money;
mod paying;
mod placing;
mod returning;
mod shipping;
mod stage;

use super::world::World;
use stage::Shop;
use std::{collections::BTreeSet, fs, path::Path};

pub(super) use stage::{SECRET, logged_of, webhook};

/// Plays every row: in a test of its own, or all in one shop.
macro_rules! table {
    ($($flags:tt { $($row:literal => $file:ident::$scenario:ident),+ $(,)? })+) => {
        /// What a row says, and the scenario that plays it.
        const TABLE: &[(&str, &str)] = &[$($(($row, stringify!($scenario))),+),+];

        mod row {
            $($(
                #[tokio::test(flavor = "multi_thread")]
                async fn $scenario() {
                    let shop = super::Shop::open(super::World::Embedded, &$flags);
                    super::$file::$scenario(&shop.stage()).await;
                }
            )+)+
        }

        /// All rows in as few shops as there are settings; the kinds of events that came of them.
        async fn play(world: World) -> BTreeSet<String> {
            let mut kinds = BTreeSet::new();
            $(
                let shop = Shop::open(world, &$flags);
                $(
                    println!("{}: {}", $row, stringify!($scenario));
                    $file::$scenario(&shop.stage()).await;
                )+
                let logged = stage::logged(&shop.engine).await;
                kinds.extend(logged.iter().filter_map(|event| event["type"].as_str().map(str::to_owned)));
            )+
            kinds
        }
    };
}

table! {
    [] {
        "– | Place; Holding | one item's answer, all held => HoldsGranted => AwaitingPayment"
            => placing::every_item_is_asked_and_the_last_answer_grants,
        "Holding | any refused => OrderRejected with all refusals, every hold released"
            => placing::one_refusal_rejects_with_all_refusals_and_nothing_stays_held,
        "Holding | what breaks the rules of money at the last grant => OrderRejected by name"
            => placing::money_that_cannot_be_rejects_by_name,
        "AwaitingPayment | Submit, at once with submit: auto => OrderSubmitted"
            => placing::submit_auto_is_submitted_at_once,
        "AwaitingPayment | Submit without a payment => payment_required, unless the total is 0 or payment is external"
            => paying::nothing_unpaid_is_confirmed_but_what_is_free_or_paid_outside,
        "AwaitingPayment | payment refused => PaymentAttemptFailed, stays"
            => paying::a_refused_payment_leaves_the_order_to_be_paid_again,
        "AwaitingPayment | submitted and the sum of what is authorized is the total => OrderConfirmed, CommitHold"
            => paying::payments_that_come_to_the_total_together_confirm,
        "AwaitingPayment | a second payment => RefundDue of what is beyond the total"
            => paying::of_two_payments_one_is_given_back,
        "AwaitingPayment | now is past the deadline and the grace => OrderExpired, ReleaseHold"
            => placing::what_is_not_paid_expires_after_its_life_and_the_grace,
        "AwaitingPayment | now is past the deadline, paid and not submitted => OrderExpired, RefundDue"
            => paying::what_is_paid_and_never_submitted_is_given_back_when_it_expires,
        "AwaitingPayment | Cancel => OrderCancelled, ReleaseHold"
            => placing::a_cancelled_checkout_gives_all_back,
        "Expired | PaymentAuthorized, enough => LatePayment, held again without a price check => Confirmed"
            => paying::enough_and_late_holds_again_at_the_old_price_and_confirms,
        "Reholding | any refused => ReholdFailed, RefundDue"
            => paying::enough_and_late_is_given_back_where_the_units_are_gone,
        "Expired | PaymentAuthorized, not enough or not submitted => the money rule only"
            => paying::too_little_or_not_submitted_and_late_is_given_back_only,
        "Confirmed | PlanShipments, Allocate, Ship, Deliver => SubOrdersPlanned to ShipmentsDelivered"
            => shipping::a_confirmed_order_is_planned_allocated_shipped_and_delivered,
        "Confirmed | digital lines => DigitalDelivered at confirmation"
            => shipping::digital_lines_are_delivered_at_confirmation,
        "Confirmed | an item deallocated => SubOrderDeallocated, planned again, backordered where nobody has it"
            => shipping::units_that_are_taken_away_are_planned_again,
        "Confirmed | AllocationRefused => planned again, after three backordered until stock comes"
            => shipping::an_allocation_that_loses_the_race_is_planned_again_and_after_three_waits_for_stock,
        "Confirmed | Ship a part, Cancel the rest => LinesCancelled, Shipped"
            => shipping::a_part_ships_and_the_rest_is_cancelled,
        "Confirmed | Cancel some lines, then the others => LinesCancelled, then Cancelled"
            => cancelling::some_units_and_then_the_others,
        "Confirmed | Cancel while units wait for stock => LinesCancelled, Cancelled"
            => cancelling::while_it_waits_for_stock,
        "any state up to the confirmation | Cancel"
            => cancelling::before_it_is_confirmed,
        "any state from the confirmation on | Cancel"
            => cancelling::after_it_is_confirmed,
        "Shipped, Delivered | RequestReturn, ReceiveReturn => ReturnRequested, ReturnReceived, Restock"
            => returning::no_more_comes_back_than_shipped_and_each_unit_once,
        "Shipped, Delivered | ReceiveReturn => RefundDue, exact to the cent, and the parts are the whole"
            => returning::the_refund_of_each_unit_is_exact_and_all_of_them_are_the_whole,
        "Shipped, Delivered | RequestReturn after the window => ReturnWindowClosed"
            => returning::nothing_is_announced_after_the_window_and_what_was_may_still_come,
        "any | PaymentAuthorized, RefundSettled, also of an order that nobody knows"
            => money::an_authorization_is_recorded_in_every_state,
        "any | PaymentCaptured"
            => money::a_capture_is_recorded_in_every_state,
        "any | RefundByOperator"
            => money::an_operator_refunds_what_is_kept_and_no_more,
    }
    ["--consolidate"] {
        "Confirmed | Ship to the warehouse that ships on => ShipmentForwarded, ForwardReceived"
            => shipping::a_joined_parcel_is_forwarded_received_and_shipped_on,
    }
}

/// Rows that need more than one process, or that other files play: the file under `tests/`, and its test.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "Holding | 30 s without an answer => OrderRejected with items_unanswered, every hold released",
        "e2e/cluster/silent.rs",
        "orders_whose_item_does_not_answer_end_in_time_or_when_they_are_cancelled",
    ),
    (
        "Holding | Cancel => OrderCancelled, ReleaseHold",
        "e2e/cluster/silent.rs",
        "orders_whose_item_does_not_answer_end_in_time_or_when_they_are_cancelled",
    ),
    (
        "Reholding | 30 s without an answer, or Cancel => ReholdFailed, ReleaseHold, RefundDue",
        "e2e/cluster/silent.rs",
        "orders_whose_item_does_not_answer_end_in_time_or_when_they_are_cancelled",
    ),
    (
        "an item's answer to another attempt or in another state => no event",
        "e2e/cluster/silent.rs",
        "orders_whose_item_does_not_answer_end_in_time_or_when_they_are_cancelled",
    ),
    (
        "Confirmed | CaptureFailed for good => what is unshipped is cancelled",
        "e2e/cluster/silent.rs",
        "a_capture_that_fails_for_good_cancels_what_has_not_shipped",
    ),
    (
        "AwaitingPayment | two tabs that pay one order",
        "e2e/payments.rs",
        "two_tabs_that_pay_at_once_are_one_order_and_one_void",
    ),
    (
        "any | PaymentAuthorized of an order that nobody knows",
        "e2e/payments.rs",
        "a_payment_for_no_order_is_given_back",
    ),
    (
        "Confirmed | PlanShipments over several warehouses",
        "e2e/fulfilment.rs",
        "an_order_that_no_warehouse_has_is_split_over_as_few_as_can",
    ),
    (
        "Confirmed | Backordered until stock comes",
        "e2e/fulfilment.rs",
        "a_backorder_is_planned_when_stock_comes_also_after_a_kill",
    ),
    (
        "Holding | a price that changed => OrderRejected",
        "e2e/checkout.rs",
        "a_changed_price_is_told_and_nothing_stays_held",
    ),
];

/// Kinds of events that no row of [`TABLE`] makes: see [`ELSEWHERE`]. Those of drops are made by `e2e::drops`.
const OF_OTHERS: [&str; 2] = ["capture-failed", "drop-units-ordered"];

super::world::in_both_worlds!(every_row_in_one_shop_makes_every_kind_of_event);

async fn every_row_in_one_shop_makes_every_kind_of_event(world: World) {
    let kinds = play(world).await;
    let missing: Vec<String> = schemas::order::OrderEvent::TYPES
        .iter()
        .filter(|kind| !kinds.contains(**kind))
        .map(|kind| stage::short(kind))
        .filter(|kind| !OF_OTHERS.contains(&kind.as_str()))
        .collect();
    assert!(missing.is_empty(), "no row makes these events: {missing:?}");
}

#[test]
fn every_row_has_a_test_of_its_own() {
    let rows = TABLE.iter().map(|(row, _)| row).chain(ELSEWHERE.iter().map(|(row, ..)| row));
    let different: BTreeSet<&str> = rows.copied().collect();
    assert_eq!(different.len(), TABLE.len() + ELSEWHERE.len(), "a row stands twice");
    for (row, file, test) in ELSEWHERE {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(text.contains(&format!("async fn {test}(")), "`{row}`: {file} has no {test}");
    }
}
