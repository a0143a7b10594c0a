use super::{kit::*, transfers_kit::*};
use schemas::item::*;

/// An order of four of five in the shop, three of them on their way to main for `s2`.
fn sent() -> Given {
    given()
        .and(receive("opening", "shop", 5))
        .and(hold(of_order("o"), 4))
        .and(commit(of_order("o")))
        .and(allocate("s1", of_order("o"), "shop", 3))
        .and(forward("x", of_order("o"), ("s1", "s2"), ("shop", "main"), 3))
}

fn arrives() -> ItemCommand {
    forward_arrives("x", of_order("o"))
}

fn main_has(sellable: u64, allocated: u64) -> LocationLevels {
    LocationLevels { allocated, ..at_main(sellable) }
}

fn bound(units: u32, stock: StockLevels, place: LocationLevels) -> ItemEvent {
    let (sub_order, hold, quantity) = (sub_order("s2"), of_order("o"), quantity(units));
    UnitsAllocated { sub_order, hold, quantity, shipment: Some(effect_id("x")), stock, place }.into()
}

#[test]
fn arrives_allocated_to_the_sub_order_that_ships_on() {
    let received = TransferReceived {
        effect: effect_of("x", 0),
        transfer: effect_id("x"),
        quantity: quantity(3),
        hold: Some(of_order("o")),
        ordered: 3,
        stock: StockLevels { committed: 4, ..levels(1, 5) },
        place: main_has(3, 0),
    };
    let stock = StockLevels { committed: 1, ..levels(1, 5) };
    sent().when(arrives()).then([received.into(), bound(3, stock, main_has(3, 3))]).sends([]).answers_nobody();
}

#[test]
fn ships_on_what_has_arrived() {
    let shipped = sent().and(arrives()).when(ship("y", of_order("o"), Some("s2"), "main", Some(3)));
    shipped.leaves(&["stock-shipped"], StockLevels { committed: 1, ..levels(1, 2) });
}

#[test]
fn joins_what_the_sub_order_has_there() {
    let has = given_stock(1)
        .and(receive("more", "shop", 4))
        .and(hold(of_order("o"), 4))
        .and(commit(of_order("o")))
        .and(allocate("s2", of_order("o"), "main", 1))
        .and(allocate("s1", of_order("o"), "shop", 3))
        .and(forward("x", of_order("o"), ("s1", "s2"), ("shop", "main"), 3));
    let when = has.when(arrives());
    assert_eq!(when.decision().events.last(), Some(&schemas::Event::Item(bound(3, levels(1, 5), main_has(4, 4)))));
    when.given
        .when(allocate("s2", of_order("o"), "main", 1))
        .then_nothing()
        .sends([answered("o", "s2", None)])
        .given
        .when(ship("y", of_order("o"), Some("s2"), "main", Some(4)))
        .leaves(&["stock-shipped"], levels(1, 1));
}

#[test]
fn joins_what_is_left_of_an_allocation_that_was_given_up() {
    let has = given_stock(1)
        .and(receive("more", "shop", 4))
        .and(hold(of_order("o"), 4))
        .and(commit(of_order("o")))
        .and(allocate("s2", of_order("o"), "main", 1))
        .and(forward("x", of_order("o"), ("s1", "s2"), ("shop", "main"), 3))
        .and(count("c", "main", 0));
    has.when(arrives()).leaves(&["transfer-received", "units-allocated"], StockLevels { committed: 1, ..levels(0, 4) });
}

#[test]
fn an_allocation_may_follow_what_came_from_elsewhere() {
    let arrived = sent().and(arrives()).and(receive("more", "main", 1));
    let asked = allocate("s2", of_order("o"), "main", 1);
    arrived.clone().when(asked).leaves(&["units-allocated"], levels(2, 6));
    let elsewhere = allocate("s2", of_order("o"), "shop", 1);
    let refused = answered("o", "s2", Some(ItemRejection::ExistsWithDifferentContent));
    arrived.when(elsewhere).then_nothing().sends([refused]);
}

#[test]
fn what_comes_where_the_sub_order_is_not_stays_committed() {
    let elsewhere = given()
        .and(receive("opening", "shop", 5))
        .and(hold(of_order("o"), 4))
        .and(commit(of_order("o")))
        .and(allocate("s2", of_order("o"), "shop", 1))
        .and(forward("x", of_order("o"), ("s1", "s2"), ("shop", "main"), 3));
    let stock = StockLevels { committed: 3, ..levels(1, 5) };
    elsewhere.when(arrives()).leaves(&["transfer-received"], stock).sends([deallocated("o", "s2", 3)]);
}

#[test]
fn arrives_once_and_never_out_of_nothing() {
    sent().and(arrives()).when(forward_arrives("x", of_order("o"))).then_nothing();
    sent().when(forward_arrives("y", of_order("o"))).then_nothing();
    sent().when(forward_arrives("x", of_order("p"))).then_nothing();
    given_nothing().when(arrives()).then_nothing();
}

#[test]
fn is_not_received_as_a_move_is() {
    sent().when(arrive("r", "x", None, 0)).refuses(ItemRejection::TransferNotFound);
}

#[test]
fn a_hold_whose_units_are_on_the_way_is_kept() {
    let all = sent().and(forward("y", of_order("o"), ("s1", "s2"), ("shop", "main"), 1));
    let later = all.seconds_later(30 * 24 * 3_600);
    let later = (0..4).fold(later, |given, n| given.and(set_safety(n + 1)).and(set_safety(0)));
    assert_eq!(later.item.hold_status(&of_order("o")), Some(HoldStatus::Committed));
    later.when(arrives()).leaves(&["transfer-received", "units-allocated"], levels(1, 4));
}
