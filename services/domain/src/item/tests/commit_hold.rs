use super::kit::*;
use schemas::{FreeHoldId, Role, SubjectId, item::*};

#[test]
fn refuses_another_callers_hold() {
    let id = FreeHoldId::parse("h").expect("id");
    let other = HoldId::Free { caller: SubjectId::parse("somebody").expect("id"), id };
    given_stock(5).when(commit(other)).refuses(ItemRejection::HoldNotFound);
}

#[test]
fn refuses_an_unknown_item() {
    given_nothing().when(commit(free("h"))).refuses(ItemRejection::ItemNotFound);
}

#[test]
fn refuses_an_item_of_another_store() {
    let held = given_stock(5).and(hold(free("h"), 2)).by(caller(Role::Store));
    held.when(commit(free("h"))).refuses(ItemRejection::ItemOfAnotherStore);
}

#[test]
fn refuses_an_unknown_hold() {
    given_stock(5).when(commit(free("h"))).refuses(ItemRejection::HoldNotFound);
}

#[test]
fn refuses_a_released_hold() {
    let released = given_stock(5).and(hold(free("h"), 2)).and(release(free("h")));
    released.when(commit(free("h"))).refuses(ItemRejection::HoldReleased);
}

#[test]
fn refuses_an_expired_hold() {
    let expired = given_stock(5).and(hold(free("h"), 2)).seconds_later(660).when_clock().given;
    expired.when(commit(free("h"))).refuses(ItemRejection::HoldExpired);
}

#[test]
fn orders_the_units_and_ends_the_deadline() {
    let stock = StockLevels { committed: 2, ..levels(3, 5) };
    let committed = HoldCommitted { hold: free("h"), quantity: quantity(2), stock };
    let when = given_stock(5).and(hold(free("h"), 2)).when(commit(free("h"))).then([committed.into()]);
    assert_eq!(when.hold_reply().status, HoldStatus::Committed);
    assert_eq!(when.given.item.due(), None);
}

#[test]
fn commits_after_the_deadline_as_long_as_it_has_not_expired() {
    let late = given_stock(5).and(hold(free("h"), 2)).seconds_later(100_000);
    assert_eq!(late.when(commit(free("h"))).hold_reply().status, HoldStatus::Committed);
}

#[test]
fn commits_a_hold_of_a_delisted_item() {
    let held = given_stock(5).and(hold(free("h"), 2)).and(delist());
    held.when(commit(free("h"))).leaves(&["hold-committed"], StockLevels { committed: 2, ..levels(3, 5) });
}

#[test]
fn tells_what_is_available_now() {
    let held = given_stock(5).and(hold(free("h"), 2)).and(hold(free("g"), 1)).and(receive("r", "main", 7));
    let committed = held.when(commit(free("h")));
    assert_eq!(committed.hold_reply().available, Some(9));
    let again = committed.given.and(set_safety(4)).when(commit(free("h"))).then_nothing();
    assert_eq!(again.hold_reply().available, Some(5));
    let short = given_stock(5).and(hold(free("h"), 4)).and(count("c", "main", 1)).when(commit(free("h")));
    assert_eq!(short.hold_reply().available, Some(-3), "a shortfall shows");
}

#[test]
fn commits_an_orders_hold_and_tells_nobody() {
    let held = given_stock(5).and(hold(of_order("o"), 2)).by(caller(Role::Shopper));
    let stock = StockLevels { committed: 2, ..levels(3, 5) };
    held.when(commit(of_order("o"))).leaves(&["hold-committed"], stock).sends([]).answers_nobody();
}

#[test]
#[should_panic(expected = "commits what was not granted")]
fn an_order_never_commits_what_it_does_not_hold() {
    let _ = given_stock(5).decide(&commit(of_order("o")));
}

#[test]
#[should_panic(expected = "commits what was given back")]
fn an_order_never_commits_what_it_released() {
    let released = given_stock(5).and(hold(of_order("o"), 2)).and(release(of_order("o")));
    let _ = released.decide(&commit(of_order("o")));
}
