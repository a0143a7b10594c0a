use super::kit::*;
use schemas::item::*;

const DAY: u32 = 24 * 3_600;

/// An order's three units have left.
fn shipped() -> Given {
    let ordered = given_stock(5).and(hold(of_order("o"), 3)).and(commit(of_order("o")));
    ordered.and(ship("s", of_order("o"), None, "main", None))
}

/// Events enough for all that is old to leave.
fn passing(given: Given) -> Given {
    (0..4).fold(given, |given, n| given.and(set_safety(n + 1)).and(set_safety(0)))
}

/// The hold was closed, and a day is over.
fn forgotten() -> Given {
    let given = passing(shipped().and(close(of_order("o"))).seconds_later(DAY));
    assert_eq!(given.item.hold_status(&of_order("o")), None);
    given
}

#[test]
fn closes_what_has_left_and_changes_no_stock() {
    let closed = HoldClosed { hold: of_order("o") };
    let when = shipped().when(close(of_order("o"))).then([closed.into()]).answers_nobody();
    assert_eq!(when.given.item.levels(), levels(2, 2));
    assert_eq!(when.given.item.hold_status(&of_order("o")), Some(HoldStatus::Shipped));
}

#[test]
fn closes_what_came_back_in_part_or_was_cancelled_in_part() {
    let part = shipped().and(restock("r", of_order("o"), Bucket::Sellable, 1));
    part.when(close(of_order("o"))).leaves(&["hold-closed"], levels(3, 3));
    let ordered = given_stock(5).and(hold(of_order("o"), 3)).and(commit(of_order("o")));
    let rest = ordered.and(ship("s", of_order("o"), None, "main", Some(1)));
    let cancelled = rest.and(ItemCommand::Uncommit(uncommit("x", of_order("o"), 2, &[])));
    cancelled.when(close(of_order("o"))).leaves(&["hold-closed"], levels(4, 4));
}

#[test]
fn is_nothing_new_of_what_is_over_or_unknown() {
    let over = shipped().and(restock("r", of_order("o"), Bucket::Sellable, 3)).and(release(of_order("p")));
    over.clone().when(close(of_order("o"))).then_nothing();
    over.clone().when(close(of_order("p"))).then_nothing();
    over.when(close(of_order("q"))).then_nothing().answers_nobody();
    forgotten().when(close(of_order("o"))).then_nothing();
    let ebook = given_digital().and(hold(of_order("o"), 1)).and(commit(of_order("o")));
    ebook.when(close(of_order("o"))).then_nothing();
}

#[test]
fn is_no_command_for_a_foreign_systems_hold() {
    given_stock(5).and(hold(free("h"), 2)).when(close(free("h"))).then_nothing();
}

#[test]
#[should_panic(expected = "is closed before it is ordered")]
fn is_a_bug_before_it_is_ordered() {
    let _ = given_stock(5).and(hold(of_order("o"), 3)).decide(&close(of_order("o")));
}

#[test]
fn a_hold_that_is_closed_before_its_cancelled_units_came_back_ends_with_them() {
    let lent = given_stock(5).and(ItemCommand::Allot(allot("a", 3)));
    let sold = lent.and(commit_allotted("a", of_claim("c"), 3));
    let part = sold.and(ship("s", of_claim("c"), None, "main", Some(1)));
    let when = part.when(close(of_claim("c"))).leaves(&["hold-closed"], StockLevels { committed: 2, ..levels(2, 4) });
    let later = passing(when.given.seconds_later(DAY));
    assert_eq!(later.item.hold_status(&of_claim("c")), Some(HoldStatus::Committed));
    let cancelled = later.and(ItemCommand::Uncommit(uncommit("x", of_claim("c"), 2, &[])));
    assert_eq!(cancelled.item.levels(), levels(4, 4));
    assert_eq!(passing(cancelled.seconds_later(DAY)).item.hold_status(&of_claim("c")), None);
}

#[test]
fn a_closed_hold_is_kept_for_a_day_and_leaves() {
    let closed = shipped().and(close(of_order("o")));
    let later = passing(closed.seconds_later(DAY - 1));
    assert_eq!(later.item.hold_status(&of_order("o")), Some(HoldStatus::Shipped));
    assert_eq!(passing(later.seconds_later(1)).item.hold_status(&of_order("o")), None);
    assert_eq!(forgotten().item.entries(), 0, "nothing is remembered of the order at all");
}

#[test]
fn a_return_that_comes_late_is_restocked_once_while_the_hold_is_remembered() {
    let closed = shipped().and(close(of_order("o"))).and(restock("r", of_order("o"), Bucket::Sellable, 1));
    assert_eq!(closed.item.levels(), levels(3, 3));
    closed.clone().when(restock("r", of_order("o"), Bucket::Sellable, 1)).then_nothing();
    let rejection = ItemRejection::NotShipped { open: 2 };
    closed.clone().when(restock("t", of_order("o"), Bucket::Sellable, 3)).refuses(rejection);
    let all = closed.and(restock("t", of_order("o"), Bucket::Damaged, 2));
    assert_eq!(passing(all.seconds_later(DAY)).item.entries(), 0);
}

#[test]
fn a_return_that_comes_when_the_hold_has_left_is_restocked_once() {
    let back = forgotten().and(restock("r", of_order("o"), Bucket::Sellable, 2));
    assert_eq!(back.item.levels(), levels(4, 4));
    let again = passing(back.seconds_later(DAY - 1));
    again.clone().when(restock("r", of_order("o"), Bucket::Sellable, 2)).then_nothing();
    let rejection = ItemRejection::ExistsWithDifferentQuantity { quantity: 2 };
    again.clone().when(restock("r", of_order("o"), Bucket::Sellable, 1)).refuses(rejection);
    again.when(restock("t", of_order("o"), Bucket::Sellable, 1)).leaves(&["stock-restocked"], levels(5, 5));
}

#[test]
fn what_the_order_asked_before_and_comes_again_finds_nothing() {
    let given = forgotten();
    given.clone().when(ItemCommand::Uncommit(uncommit("x", of_order("o"), 1, &[]))).then_nothing();
    let allocated = given.decide(&allocate("s1", of_order("o"), "main", 1)).expect("the order is answered");
    assert_eq!(allocated.events, []);
    given.when(ship("s", of_order("o"), None, "main", Some(3))).refuses(ItemRejection::HoldNotFound);
}

#[test]
fn an_item_with_closed_holds_is_restored_as_it_is() {
    for given in [shipped().and(close(of_order("o"))), forgotten()] {
        let stored = serde_json::to_vec(&given.item).expect("JSON");
        let mut restored = given.clone();
        restored.item = serde_json::from_slice(&stored).expect("a stored state reads");
        assert_eq!(restored.item, given.item);
        let (one, other) = (passing(restored.seconds_later(DAY)), passing(given.seconds_later(DAY)));
        assert_eq!(one.item, other.item, "both forget the same");
    }
}
