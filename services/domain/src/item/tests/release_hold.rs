use super::kit::*;
use schemas::{FreeHoldId, Role, SubjectId, item::*};

fn released(hold: HoldId, held: u32, committed: u32, stock: StockLevels) -> ItemEvent {
    HoldReleased { hold, held, committed, stock }.into()
}

#[test]
fn refuses_another_callers_hold() {
    let id = FreeHoldId::parse("h").expect("id");
    let somebody = schemas::Caller { subject: SubjectId::parse("somebody").expect("id"), ..caller(Role::Service) };
    let other = HoldId::Free { caller: somebody.subject.clone(), id };
    given_stock(5).when(release(other.clone())).refuses(ItemRejection::HoldNotFound);
    let theirs = given_stock(5).by(somebody).and(hold(other.clone(), 2)).by(caller(Role::Service));
    theirs.when(release(other)).refuses(ItemRejection::HoldNotFound);
}

#[test]
fn refuses_an_unknown_item() {
    given_nothing().when(release(free("h"))).refuses(ItemRejection::ItemNotFound);
}

#[test]
fn refuses_an_item_of_another_store() {
    let held = given_stock(5).and(hold(free("h"), 2)).by(caller(Role::Store));
    held.when(release(free("h"))).refuses(ItemRejection::ItemOfAnotherStore);
}

#[test]
fn refuses_an_unknown_hold() {
    given_stock(5).when(release(free("h"))).refuses(ItemRejection::HoldNotFound);
}

#[test]
fn refuses_when_all_has_shipped() {
    let committed = given_stock(5).and(hold(free("h"), 2)).and(commit(free("h")));
    let shipped = committed.and(ship("s", free("h"), None, "main", None));
    shipped.when(release(free("h"))).refuses(ItemRejection::AlreadyShipped);
}

#[test]
fn gives_held_units_back() {
    let when = given_stock(5).and(hold(free("h"), 2)).when(release(free("h")));
    let when = when.then([released(free("h"), 2, 0, levels(5, 5))]);
    assert_eq!(when.hold_reply().status, HoldStatus::Released);
    assert_eq!(when.given.item.due(), None);
}

#[test]
fn gives_committed_units_of_a_free_hold_back() {
    let committed = given_stock(5).and(hold(free("h"), 2)).and(commit(free("h")));
    committed.when(release(free("h"))).then([released(free("h"), 0, 2, levels(5, 5))]);
}

#[test]
fn gives_back_what_has_not_shipped() {
    let committed = given_stock(5).and(hold(free("h"), 3)).and(commit(free("h")));
    let shipped = committed.and(ship("s", free("h"), None, "main", Some(1)));
    let when = shipped.when(release(free("h"))).then([released(free("h"), 0, 2, levels(4, 4))]);
    assert_eq!(when.hold_reply().shipped, 1);
}

#[test]
fn an_expired_hold_is_given_back_already() {
    let expired = given_stock(5).and(hold(free("h"), 2)).seconds_later(660).when_clock().given;
    let when = expired.when(release(free("h"))).then_nothing();
    assert_eq!(when.hold_reply().status, HoldStatus::Expired);
}

#[test]
fn tells_what_is_available_now() {
    let released = given_stock(5).and(hold(free("h"), 2)).and(hold(free("g"), 1)).when(release(free("h")));
    assert_eq!(released.hold_reply().available, Some(4));
    let again = released.given.and(hold(free("i"), 4)).when(release(free("h"))).then_nothing();
    assert_eq!(again.hold_reply().available, Some(0));
}

#[test]
fn gives_an_orders_units_back() {
    let held = given_stock(5).and(hold(of_order("o"), 2));
    held.when(release(of_order("o"))).then([released(of_order("o"), 2, 0, levels(5, 5))]).sends([]).answers_nobody();
}

#[test]
fn leaves_a_tombstone_where_an_order_was_faster_with_the_release() {
    given_stock(5).when(release(of_order("o"))).then([released(of_order("o"), 0, 0, levels(5, 5))]).answers_nobody();
    given_nothing().when(release(of_order("o"))).then([released(of_order("o"), 0, 0, levels(0, 0))]);
}

#[test]
fn a_digital_items_hold_is_given_back_without_a_number_changing() {
    let held = given_digital().and(hold(of_order("o"), 2));
    held.when(release(of_order("o"))).then([released(of_order("o"), 2, 0, levels(0, 0))]);
}

#[test]
#[should_panic(expected = "releases what it has committed")]
fn an_order_never_releases_what_it_committed() {
    let committed = given_stock(5).and(hold(of_order("o"), 2)).and(commit(of_order("o")));
    let _ = committed.decide(&release(of_order("o")));
}
