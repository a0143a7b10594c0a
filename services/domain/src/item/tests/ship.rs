use super::{
    kit::*,
    transfers_kit::{deallocated, forward, forward_arrives},
};
use schemas::{FreeHoldId, Role, SubjectId, item::*};

fn free_ship(id: &str, units: Option<u32>) -> ItemCommand {
    ship(id, free("h"), None, "main", units)
}

fn held(units: u32) -> Given {
    given_stock(5).and(hold(free("h"), units))
}

fn committed(units: u32) -> Given {
    held(units).and(commit(free("h")))
}

#[test]
fn refuses_another_callers_hold() {
    let id = FreeHoldId::parse("h").expect("id");
    let other = HoldId::Free { caller: SubjectId::parse("somebody").expect("id"), id };
    held(2).when(ship("s", other, None, "main", None)).refuses(ItemRejection::HoldNotFound);
}

#[test]
fn refuses_the_same_shipment_with_another_quantity() {
    let rejection = ItemRejection::ExistsWithDifferentQuantity { quantity: 1 };
    committed(3).and(free_ship("s", Some(1))).when(free_ship("s", Some(2))).refuses(rejection);
}

#[test]
fn refuses_an_unknown_item_and_one_of_another_store() {
    given_nothing().when(free_ship("s", None)).refuses(ItemRejection::ItemNotFound);
    held(1).by(caller(Role::Store)).when(free_ship("s", None)).refuses(ItemRejection::ItemOfAnotherStore);
}

#[test]
fn refuses_a_digital_item() {
    let digital = given_digital().and(hold(free("h"), 1));
    digital.when(free_ship("s", None)).refuses(ItemRejection::DigitalHasNoStock);
}

#[test]
fn refuses_an_unknown_hold() {
    given_stock(5).when(free_ship("s", None)).refuses(ItemRejection::HoldNotFound);
}

#[test]
fn refuses_a_hold_that_was_given_back() {
    held(2).and(release(free("h"))).when(free_ship("s", None)).refuses(ItemRejection::HoldReleased);
    let expired = held(2).seconds_later(660).when_clock().given;
    expired.when(free_ship("s", None)).refuses(ItemRejection::HoldExpired);
}

#[test]
fn refuses_a_hold_that_is_not_committed() {
    held(2).when(free_ship("s", None)).refuses(ItemRejection::HoldNotCommitted);
    let of_order_held = given_stock(5).and(hold(of_order("o"), 2));
    let command = ship("s", of_order("o"), None, "main", Some(1));
    of_order_held.when(command).refuses(ItemRejection::HoldNotCommitted);
}

#[test]
fn what_was_refused_uncommitted_ships_after_the_commit_and_never_expires() {
    let held = held(2);
    held.clone().when(free_ship("s", None)).refuses(ItemRejection::HoldNotCommitted);
    let shipped = held.and(commit(free("h"))).when(free_ship("s", None)).leaves(&["stock-shipped"], levels(3, 3));
    assert_eq!(shipped.given.item.due(), None);
    shipped.given.seconds_later(100_000).when_clock().then_nothing();
}

#[test]
fn refuses_when_all_has_shipped() {
    committed(2).and(free_ship("s", None)).when(free_ship("t", None)).refuses(ItemRejection::AlreadyShipped);
}

#[test]
fn refuses_more_than_is_open() {
    committed(2).when(free_ship("s", Some(3))).refuses(ItemRejection::NotThatManyOpen { open: 2 });
}

#[test]
fn refuses_a_location_where_the_item_never_was() {
    let moon = ItemRejection::LocationNotFound { location: location("moon") };
    committed(2).when(ship("s", free("h"), None, "moon", None)).refuses(moon);
}

fn short(asked: u32, available: u64) -> ItemRejection {
    ItemRejection::InsufficientAtLocation { location: location("main"), asked, available }
}

#[test]
fn refuses_more_than_the_location_has() {
    let elsewhere = given_stock(1).and(receive("r", "shop", 4)).and(hold(free("h"), 3)).and(commit(free("h")));
    elsewhere.clone().when(free_ship("s", None)).refuses(short(3, 1));
    elsewhere.clone().and(count("c", "main", 0)).when(free_ship("s", Some(1))).refuses(short(1, 0));
    let damaged = elsewhere.and(move_stock("m", Bucket::Sellable, Bucket::Damaged, 1));
    damaged.when(free_ship("s", Some(1))).refuses(short(1, 0));
}

#[test]
fn refuses_units_that_are_allocated_to_an_order() {
    let allocated = given_stock(3)
        .and(receive("r", "shop", 4))
        .and(hold(of_order("o"), 2))
        .and(commit(of_order("o")))
        .and(allocate("s1", of_order("o"), "main", 2))
        .and(hold(free("h"), 2))
        .and(commit(free("h")));
    allocated.clone().when(free_ship("s", None)).refuses(short(2, 1));
    allocated.when(free_ship("s", Some(1))).leaves(&["stock-shipped"], StockLevels { committed: 1, ..levels(3, 6) });
}

#[test]
fn ships_what_was_refused_once_the_location_was_counted() {
    let few = committed(4).and(receive("r", "shop", 4)).and(count("c", "main", 3));
    few.clone().when(free_ship("s", None)).refuses(short(4, 3));
    few.and(count("d", "main", 4)).when(free_ship("s", None)).leaves(&["stock-shipped"], levels(4, 4));
}

#[test]
fn ships_a_free_hold() {
    let shipped = StockShipped {
        effect: effect_of("s", 0),
        hold: free("h"),
        sub_order: None,
        quantity: quantity(2),
        allocated: Vec::new(),
        forwarded: Vec::new(),
        committed: 2,
        stock: levels(3, 3),
        places: vec![at_main(3)],
    };
    let when = committed(2).when(free_ship("s", None)).then([shipped.into()]);
    assert_eq!((when.hold_reply().status, when.hold_reply().shipped), (HoldStatus::Shipped, 2));
}

#[test]
fn ships_a_committed_hold_in_parts() {
    let when = committed(3).when(free_ship("s", Some(1)));
    assert_eq!((when.hold_reply().status, when.hold_reply().shipped), (HoldStatus::Committed, 1));
    let when = when.given.when(free_ship("t", None)).leaves(&["stock-shipped"], levels(2, 2));
    assert_eq!((when.hold_reply().status, when.hold_reply().shipped), (HoldStatus::Shipped, 3));
    let again = when.given.when(free_ship("s", Some(1))).then_nothing();
    assert_eq!((again.hold_reply().status, again.hold_reply().shipped), (HoldStatus::Shipped, 3));
}

#[test]
fn tells_what_is_available_now() {
    let shipped = committed(2).and(receive("r", "main", 4)).when(free_ship("s", None));
    assert_eq!(shipped.hold_reply().available, Some(7));
    let again = shipped.given.and(hold(free("g"), 3)).when(free_ship("s", None)).then_nothing();
    assert_eq!(again.hold_reply().available, Some(4));
}

#[test]
fn a_repeat_is_told_the_hold_as_it_is_now() {
    let released = committed(3).and(free_ship("s", Some(1))).and(release(free("h")));
    let again = released.when(free_ship("s", Some(1))).then_nothing();
    let told = again.hold_reply();
    assert_eq!((told.status, told.shipped, told.available), (HoldStatus::Released, 1, Some(4)));
}

#[test]
fn the_same_shipment_of_two_holds_is_two() {
    let two = committed(2).and(hold(free("g"), 1)).and(commit(free("g"))).and(free_ship("s", None));
    two.when(ship("s", free("g"), None, "main", None)).leaves(&["stock-shipped"], levels(2, 2));
}

#[test]
fn corrects_the_record_where_more_of_an_order_left_than_it_has() {
    let ordered = given_stock(5).and(hold(of_order("o"), 4)).and(commit(of_order("o")));
    let elsewhere = ordered.and(receive("r", "shop", 1));
    let when = elsewhere.when(ship("s", of_order("o"), None, "shop", None));
    when.leaves(&["stock-counted", "stock-shipped"], levels(5, 5))
        .given
        .when(count("s", "shop", 1))
        .leaves(&["stock-counted"], levels(6, 6));
}

fn ordered() -> Given {
    given_stock(5)
        .and(receive("more", "shop", 5))
        .and(hold(of_order("o"), 4))
        .and(commit(of_order("o")))
        .and(allocate("s1", of_order("o"), "main", 1))
        .and(allocate("s2", of_order("o"), "shop", 2))
}

fn taken(when: &When) -> (u32, Vec<(String, u32)>) {
    let Some(schemas::Event::Item(ItemEvent::StockShipped(e))) = when.decision().events.first() else {
        panic!("{:?}", when.decision());
    };
    let allocated = e.allocated.iter().map(|taken| (taken.sub_order.to_string(), taken.quantity.get()));
    (e.committed, allocated.collect())
}

#[test]
fn takes_the_sub_orders_allocation_then_committed_then_the_others() {
    let when = ordered().when(ship("x", of_order("o"), Some("s1"), "main", Some(1)));
    assert_eq!(taken(&when), (0, vec![("s1".to_owned(), 1)]));
    let when = ordered().when(ship("x", of_order("o"), Some("s1"), "main", Some(3)));
    assert_eq!(taken(&when), (1, vec![("s1".to_owned(), 1), ("s2".to_owned(), 1)]));
    let when = ordered().when(ship("x", of_order("o"), Some("s1"), "main", None));
    assert_eq!(taken(&when), (1, vec![("s1".to_owned(), 1), ("s2".to_owned(), 2)]));
    when.answers_nobody().leaves(&["stock-shipped"], levels(6, 6));
}

#[test]
fn ships_from_another_location_than_was_planned() {
    let when = ordered().when(ship("x", of_order("o"), Some("s2"), "main", Some(2)));
    let Some(schemas::Event::Item(ItemEvent::StockShipped(e))) = when.decision().events.first() else {
        panic!("{:?}", when.decision());
    };
    let shop = LocationLevels { location: location("shop"), ..at_main(5) };
    assert_eq!(e.places, [LocationLevels { allocated: 1, ..at_main(3) }, shop]);
}

#[test]
fn gives_up_allocations_of_others_that_it_leaves_without_units() {
    let other = given_stock(3)
        .and(receive("more", "shop", 5))
        .and(hold(of_order("p"), 3))
        .and(commit(of_order("p")))
        .and(allocate("p1", of_order("p"), "main", 3))
        .and(hold(of_order("o"), 2))
        .and(commit(of_order("o")));
    let when = other.when(ship("x", of_order("o"), None, "main", Some(2)));
    let when = when.leaves(&["stock-shipped", "units-deallocated"], StockLevels { committed: 2, ..levels(3, 6) });
    when.sends([deallocated("p", "p1", 2)]);
}

#[test]
fn takes_what_is_on_its_way_to_another_warehouse_last() {
    let sent = given_stock(5)
        .and(hold(of_order("o"), 3))
        .and(commit(of_order("o")))
        .and(forward("f", of_order("o"), ("s1", "s2"), ("main", "shop"), 2))
        .and(hold(free("h"), 2));
    let when = sent.when(ship("x", of_order("o"), Some("s2"), "main", Some(2)));
    let stock = StockLevels { held: 2, ..levels(-1, 1) };
    let when = when.leaves(&["stock-shipped", "shortfall-detected"], stock);
    let stock = StockLevels { held: 2, ..levels(0, 3) };
    when.given.when(forward_arrives("f", of_order("o"))).leaves(&["transfer-received", "units-allocated"], stock);
}
