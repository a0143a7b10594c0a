use super::kit::*;
use schemas::item::*;

fn uncommitted(units: u32, allocated: &[(&str, u32)], stock: StockLevels, places: &[LocationLevels]) -> ItemEvent {
    let taken = uncommit("c", of_order("o"), 1, allocated);
    UnitsUncommitted {
        cancellation: taken.cancellation,
        hold: taken.hold,
        committed: units,
        allocated: taken.from,
        forwarded: Vec::new(),
        into: None,
        stock,
        places: places.to_vec(),
    }
    .into()
}

/// An order of five of ten, two of them allocated to `s1`, one to `s2`.
fn ordered() -> Given {
    given_stock(10)
        .and(hold(of_order("o"), 5))
        .and(commit(of_order("o")))
        .and(allocate("s1", of_order("o"), "main", 2))
        .and(allocate("s2", of_order("o"), "main", 1))
}

fn cancel(units: u32, from: &[(&str, u32)]) -> ItemCommand {
    ItemCommand::Uncommit(uncommit("c", of_order("o"), units, from))
}

fn main_with(allocated: u64) -> LocationLevels {
    LocationLevels { allocated, ..at_main(10) }
}

#[test]
fn takes_the_named_allocations_first() {
    let stock = StockLevels { committed: 2, ..levels(6, 10) };
    ordered()
        .when(cancel(1, &[("s1", 1)]))
        .then([uncommitted(0, &[("s1", 1)], stock, &[main_with(2)])])
        .sends([])
        .answers_nobody();
}

#[test]
fn takes_committed_units_then() {
    let stock = StockLevels { committed: 1, ..levels(7, 10) };
    ordered().when(cancel(2, &[("s2", 1)])).then([uncommitted(1, &[("s2", 1)], stock, &[main_with(2)])]);
}

#[test]
fn takes_other_allocations_last_and_the_newest_first() {
    let stock = StockLevels { committed: 0, ..levels(9, 10) };
    ordered().when(cancel(4, &[])).then([uncommitted(2, &[("s2", 1), ("s1", 1)], stock, &[main_with(1)])]);
}

#[test]
fn takes_the_rest_of_a_named_allocation_too() {
    let all = [("s1", 2), ("s2", 1)];
    ordered().when(cancel(5, &[("s1", 1)])).then([uncommitted(2, &all, levels(10, 10), &[main_with(0)])]);
}

#[test]
fn is_never_refused_for_what_is_not_open() {
    let all = [("s2", 1), ("s1", 2)];
    ordered().when(cancel(9, &[("s9", 3)])).then([uncommitted(2, &all, levels(10, 10), &[main_with(0)])]);
    given_stock(5).when(cancel(1, &[])).then_nothing().answers_nobody();
    given_nothing().when(cancel(1, &[])).then_nothing().answers_nobody();
}

#[test]
fn another_orders_cancellation_of_the_same_id_is_another() {
    let two = ordered().and(hold(of_order("p"), 2)).and(commit(of_order("p"))).and(cancel(1, &[]));
    let other = ItemCommand::Uncommit(uncommit("c", of_order("p"), 2, &[]));
    two.when(other).leaves(&["units-uncommitted"], StockLevels { committed: 1, ..levels(6, 10) });
}

#[test]
fn goes_into_the_allotment_that_is_named() {
    let lent = given_stock(10).and(ItemCommand::Allot(allot("a", 4))).and(commit_allotted("a", of_claim("d"), 3));
    let command = Uncommit { into: Some(allotment("a")), ..uncommit("c", of_claim("d"), 2, &[]) };
    let stock = StockLevels { committed: 1, allotted: 3, ..levels(6, 10) };
    lent.when(ItemCommand::Uncommit(command)).leaves(&["units-uncommitted"], stock);
}

#[test]
fn goes_back_on_sale_where_the_allotment_is_unknown() {
    let command = Uncommit { into: Some(allotment("gone")), ..uncommit("c", of_order("o"), 1, &[]) };
    ordered().when(ItemCommand::Uncommit(command)).then([uncommitted(
        1,
        &[],
        StockLevels { committed: 1, ..levels(6, 10) },
        &[],
    )]);
}

#[test]
fn a_digital_items_units_change_no_number() {
    let ordered = given_digital().and(hold(of_order("o"), 2)).and(commit(of_order("o")));
    ordered.when(cancel(1, &[])).leaves(&["units-uncommitted"], levels(0, 0));
}
