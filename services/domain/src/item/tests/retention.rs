//! What is over is kept for as long as ids are kept, and leaves with later events.

use super::kit::*;
use schemas::item::*;

const DAY: u32 = 24 * 3_600;

/// Events enough for all that is old to leave.
fn passing(given: Given) -> Given {
    (0..4).fold(given, |given, n| given.and(set_safety(n + 1)).and(set_safety(0)))
}

#[test]
fn an_effect_is_kept_for_a_day() {
    let later = passing(given_stock(5).seconds_later(DAY - 1));
    later.clone().when(receive("opening", "main", 5)).then_nothing();
    let after = passing(later.seconds_later(1));
    after.when(receive("opening", "main", 5)).replies(stock_reply(10, 10));
}

#[test]
fn a_finished_hold_is_kept_for_a_day() {
    let over = given_stock(5).and(hold(free("h"), 2)).and(release(free("h")));
    let later = passing(over.seconds_later(DAY - 1));
    assert_eq!(later.item.hold_status(&free("h")), Some(HoldStatus::Released));
    let after = passing(later.seconds_later(1));
    assert_eq!(after.item.hold_status(&free("h")), None);
}

#[test]
fn a_tombstone_is_kept_for_a_day() {
    let later = passing(given_stock(5).and(release(of_order("o"))).seconds_later(DAY));
    assert_eq!(later.item.hold_status(&of_order("o")), None);
}

#[test]
fn what_is_held_ordered_or_may_come_back_stays() {
    let busy = given_stock(9)
        .and(hold(of_order("held"), 1))
        .and(hold(of_order("ordered"), 1))
        .and(commit(of_order("ordered")))
        .and(hold(of_order("gone"), 1))
        .and(commit(of_order("gone")))
        .and(ship("s", of_order("gone"), None, "main", None))
        .and(hold(free("mine"), 1))
        .and(commit(free("mine")))
        .and(ship("s", free("mine"), None, "main", None));
    let mut later = passing(busy.seconds_later(30 * DAY));
    later.item = serde_json::from_value(serde_json::to_value(&later.item).expect("JSON")).expect("an item");
    let status = |id| later.item.hold_status(&id);
    assert_eq!(status(of_order("held")), Some(HoldStatus::Active));
    assert_eq!(status(of_order("ordered")), Some(HoldStatus::Committed));
    assert_eq!(status(of_order("gone")), Some(HoldStatus::Shipped));
    assert_eq!(status(free("mine")), None);
}

#[test]
fn an_id_that_comes_again_is_not_forgotten_with_its_predecessor() {
    let mut given = given_stock(5).and(hold(free("h"), 2)).and(release(free("h")));
    // Whoever replays with a longer retention than held then sees the grant before the old hold has left.
    let mut short = given.clone();
    short.policy.retention_seconds = 0;
    let short = passing(short.seconds_later(1));
    let regranted = short.decide(&hold(free("h"), 3)).expect("granted");
    given.now = short.now;
    given.apply(&regranted);
    let later = passing(given.seconds_later(2 * DAY));
    assert_eq!(later.item.hold_status(&free("h")), Some(HoldStatus::Active));
    assert_eq!(later.item.levels(), StockLevels { held: 3, ..levels(2, 5) });
}
