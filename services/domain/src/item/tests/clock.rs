use super::kit::*;
use schemas::item::*;

fn expired(id: &str, units: u32, stock: StockLevels) -> ItemEvent {
    HoldExpired { hold: free(id), quantity: quantity(units), stock }.into()
}

fn held_for(id: &str, seconds: u32) -> ItemCommand {
    ItemCommand::PlaceHold(PlaceHold { expires_in_seconds: Some(seconds), ..place(free(id), 1) })
}

#[test]
fn nothing_expires_before_the_grace_is_over() {
    let held = given_stock(5).and(hold(free("h"), 2)).seconds_later(659);
    assert_eq!(held.item.due(), Some(NOW.plus_seconds(660)));
    held.when_clock().then_nothing();
}

#[test]
fn a_free_hold_expires_after_its_deadline_and_the_grace() {
    let late = given_stock(5).and(hold(free("h"), 2)).seconds_later(660).when_clock();
    let late = late.then([expired("h", 2, levels(5, 5))]).answers_nobody();
    assert_eq!(late.given.item.due(), None);
    assert_eq!(late.given.item.hold_status(&free("h")), Some(HoldStatus::Expired));
}

#[test]
fn holds_expire_by_deadline_and_then_by_id() {
    let held = given_stock(5).and(held_for("b", 20)).and(held_for("c", 10)).and(held_for("a", 20));
    let mut late = held.seconds_later(1_000);
    let mut order = Vec::new();
    while late.item.due().is_some_and(|due| due <= late.now) {
        let decision = late.tick();
        late.apply(&decision);
        order.extend(decision.events);
    }
    let left = |held| StockLevels { held, ..levels(5 - i64::try_from(held).expect("small"), 5) };
    let expected = [expired("c", 1, left(2)), expired("a", 1, left(1)), expired("b", 1, left(0))];
    assert_eq!(order, expected.map(schemas::Event::Item));
}

#[test]
fn a_committed_hold_never_expires() {
    let committed = given_stock(5).and(hold(free("h"), 2)).and(commit(free("h"))).seconds_later(1_000_000);
    committed.when_clock().then_nothing();
}

#[test]
fn the_grace_is_that_of_the_grant() {
    let mut held = given_stock(5).and(hold(free("h"), 2));
    held.policy.grace_seconds = 0;
    assert_eq!(held.item.due(), Some(NOW.plus_seconds(660)));
}
