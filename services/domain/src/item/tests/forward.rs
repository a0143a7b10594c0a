use super::{kit::*, transfers_kit::*};
use schemas::item::*;

/// An order of five of nine: two are allocated to `s1` in the shop, which has four, and two to `s2` in main.
fn ordered() -> Given {
    given_stock(5)
        .and(receive("more", "shop", 4))
        .and(hold(of_order("o"), 5))
        .and(commit(of_order("o")))
        .and(allocate("s1", of_order("o"), "shop", 2))
        .and(allocate("s2", of_order("o"), "main", 2))
}

fn sent(units: u32) -> ItemCommand {
    forward("x", of_order("o"), ("s1", "s2"), ("shop", "main"), units)
}

fn units(committed: u32, allocated: &[(&str, u32)], forwarded: &[(&str, u32)]) -> Option<ForwardedUnits> {
    let taken = uncommit("c", of_order("o"), 1, allocated);
    let part = |(id, units): &(&str, u32)| ForwardedQuantity { shipment: effect_id(id), quantity: quantity(*units) };
    Some(ForwardedUnits {
        hold: taken.hold,
        sub_order: sub_order("s1"),
        to_sub_order: sub_order("s2"),
        allocated: taken.from,
        committed,
        forwarded: forwarded.iter().map(part).collect(),
    })
}

fn dispatched(when: &When) -> &StockDispatched {
    let dispatched = when.decision().events.iter().find_map(|event| match event {
        schemas::Event::Item(ItemEvent::StockDispatched(e)) => Some(e),
        _ => None,
    });
    dispatched.expect("something left")
}

#[test]
fn leaves_with_the_sub_orders_units_which_stay_ordered() {
    let dispatched = StockDispatched {
        effect: effect_of("x", 2),
        quantity: quantity(2),
        reason: None,
        reference: None,
        forward: units(0, &[("s1", 2)], &[]),
        stock: StockLevels { committed: 1, ..levels(4, 7) },
        places: vec![at("shop", 2), LocationLevels { allocated: 2, incoming: 2, forwarded: 2, ..at_main(5) }],
    };
    assert_eq!(ordered().item.levels().available, 4, "and is the same after it");
    ordered().when(sent(2)).then([dispatched.into()]).sends([]).answers_nobody();
}

#[test]
fn takes_committed_units_and_others_where_the_sub_order_has_too_few() {
    let when = ordered().when(sent(4));
    assert_eq!(dispatched(&when).forward, units(1, &[("s1", 2), ("s2", 1)], &[]));
    when.leaves(&["stock-dispatched"], levels(4, 5));
}

#[test]
fn what_is_not_ordered_any_more_goes_as_anybodys() {
    let cancelled = ordered().and(ItemCommand::Uncommit(uncommit("c", of_order("o"), 4, &[("s1", 1)])));
    assert_eq!(cancelled.item.levels(), levels(8, 9));
    let when = cancelled.when(sent(3));
    assert_eq!(dispatched(&when).forward, units(0, &[("s1", 1)], &[]));
    let when = when.leaves(&["stock-dispatched"], levels(6, 6));
    when.given
        .when(forward_arrives("x", of_order("o")))
        .leaves(&["transfer-received", "units-allocated"], levels(8, 9));
}

#[test]
fn records_what_it_leaves_missing_to_sell() {
    let held = ordered().and(ItemCommand::Uncommit(uncommit("c", of_order("o"), 5, &[]))).and(hold(free("h"), 8));
    let stock = StockLevels { held: 8, ..levels(-1, 7) };
    held.when(sent(2)).leaves(&["stock-dispatched", "shortfall-detected"], stock);
}

#[test]
fn corrects_the_record_where_it_has_too_few() {
    let few = ordered().and(count("c", "shop", 1));
    let when = few.when(sent(2));
    let counted = StockLevels { committed: 2, ..levels(2, 7) };
    let Some(schemas::Event::Item(ItemEvent::StockCounted(e))) = when.decision().events.first() else {
        panic!("{:?}", when.decision());
    };
    assert_eq!((e.delta, e.shipment_of.as_ref(), e.stock), (1, Some(&of_order("o")), counted));
    when.leaves(&["stock-counted", "stock-dispatched"], StockLevels { committed: 1, ..levels(2, 5) });
}

#[test]
fn gives_up_allocations_of_others_that_it_leaves_without_units() {
    let other = ordered().and(hold(of_order("p"), 2)).and(commit(of_order("p")));
    let other = other.and(allocate("p1", of_order("p"), "shop", 2));
    let stock = StockLevels { committed: 1, ..levels(2, 6) };
    let when = other.when(sent(3));
    when.leaves(&["stock-dispatched", "units-deallocated"], stock).sends([deallocated("p", "p1", 1)]);
}

#[test]
fn takes_what_is_on_its_way_last() {
    let all = ordered().and(sent(5));
    let when = all.when(forward("y", of_order("o"), ("s1", "s2"), ("main", "depot"), 2));
    assert_eq!(dispatched(&when).forward, units(0, &[], &[("x", 2)]));
    assert_eq!(dispatched(&when).places[0], LocationLevels { incoming: 5, forwarded: 3, ..at_main(3) });
}

#[test]
fn leaves_nothing_twice() {
    let again = ordered().and(sent(2)).and(forward_arrives("x", of_order("o")));
    again.when(sent(2)).then_nothing();
    let two = ordered().and(sent(1)).and(hold(of_order("p"), 1)).and(commit(of_order("p")));
    let other = forward("x", of_order("p"), ("s1", "s2"), ("shop", "main"), 1);
    two.when(other).leaves(&["stock-dispatched"], StockLevels { committed: 1, ..levels(3, 7) });
}

#[test]
fn goes_from_nowhere_to_the_same_place_and_not_for_a_free_hold_or_a_digital_item() {
    ordered().when(forward("x", of_order("o"), ("s1", "s2"), ("shop", "shop"), 1)).then_nothing();
    let held = given_stock(3).and(hold(free("h"), 2)).and(commit(free("h")));
    held.when(forward("x", free("h"), ("s1", "s2"), ("main", "shop"), 1)).then_nothing();
    let digital = given_digital().and(hold(of_order("o"), 1)).and(commit(of_order("o")));
    digital.when(sent(1)).then_nothing();
}

#[test]
fn a_cancellation_frees_units_on_the_way_which_arrive_as_anybodys() {
    let cancel = |units, away| {
        let forwarded =
            if away { vec![ForwardedQuantity { shipment: effect_id("x"), quantity: quantity(1) }] } else { Vec::new() };
        ItemCommand::Uncommit(Uncommit { forwarded, ..uncommit("c", of_order("o"), units, &[]) })
    };
    let when = ordered().and(sent(2)).when(cancel(1, true));
    let Some(schemas::Event::Item(ItemEvent::UnitsUncommitted(e))) = when.decision().events.first() else {
        panic!("{:?}", when.decision());
    };
    assert_eq!(e.forwarded, [ForwardedQuantity { shipment: effect_id("x"), quantity: quantity(1) }]);
    assert_eq!(e.places, [LocationLevels { allocated: 2, incoming: 2, forwarded: 1, ..at_main(5) }]);
    let when = when.leaves(&["units-uncommitted"], StockLevels { committed: 1, ..levels(4, 7) });
    let stock = StockLevels { committed: 1, ..levels(5, 9) };
    when.given.when(forward_arrives("x", of_order("o"))).leaves(&["transfer-received", "units-allocated"], stock);
    let all = ordered().and(sent(2)).and(cancel(5, false));
    all.when(forward_arrives("x", of_order("o"))).leaves(&["transfer-received"], levels(9, 9));
}

#[test]
fn a_cancellation_takes_what_it_names_on_the_way_and_not_what_the_same_sub_order_has_here() {
    let forwarded = vec![ForwardedQuantity { shipment: effect_id("x"), quantity: quantity(1) }];
    let cancel = Uncommit { forwarded: forwarded.clone(), ..uncommit("c", of_order("o"), 1, &[]) };
    let when = ordered().and(sent(1)).when(ItemCommand::Uncommit(cancel));
    let Some(schemas::Event::Item(ItemEvent::UnitsUncommitted(e))) = when.decision().events.first() else {
        panic!("{:?}", when.decision());
    };
    assert_eq!((e.committed, e.allocated.len(), &e.forwarded), (0, 0, &forwarded));
}

#[test]
fn units_of_a_drop_that_are_cancelled_on_the_way_are_lent_before_they_are_there() {
    let claim = || of_claim("d");
    let lent = given_stock(3).and(ItemCommand::Allot(allot("a", 3))).and(commit_allotted("a", claim(), 3));
    let sent = lent.and(forward("x", claim(), ("s1", "s2"), ("main", "shop"), 3));
    let back = Uncommit { into: Some(allotment("a")), ..uncommit("c", claim(), 2, &[]) };
    let stock = StockLevels { allotted: 2, ..levels(-2, 0) };
    let when = sent.when(ItemCommand::Uncommit(back)).leaves(&["units-uncommitted", "shortfall-detected"], stock);
    let stock = StockLevels { allotted: 2, ..levels(0, 3) };
    when.given.when(forward_arrives("x", claim())).leaves(&["transfer-received", "units-allocated"], stock);
}
