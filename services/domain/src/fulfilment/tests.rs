//! Plans of small orders, against what counting by hand says.

use super::plan;
use proptest::prelude::*;
use schemas::{
    ItemId, LineId, LocationId, Quantity, SubOrderId,
    order::{DueLine, Offer, Origin, PlanInputs, PlannedSubOrder},
};
use std::collections::BTreeMap;

fn location(id: &str) -> LocationId {
    LocationId::parse(id).expect("an id")
}

fn due(line: &str, item: &str, units: u32) -> DueLine {
    DueLine {
        line_id: LineId::parse(line).expect("an id"),
        item_id: ItemId::parse(item).expect("an id"),
        quantity: Quantity::new(units).expect("a quantity"),
    }
}

fn offer(item: &str, at: &str, units: u64) -> Offer {
    Offer { item_id: ItemId::parse(item).expect("an id"), location: location(at), units }
}

fn origin(at: &str, priority: u32, distance_km: Option<u32>) -> Origin {
    Origin { location: location(at), priority: Some(priority), distance_km, same_country: None }
}

fn planned(inputs: &PlanInputs) -> Vec<PlannedSubOrder> {
    plan(inputs, |at| SubOrderId::parse(&format!("s-{at}")).expect("an id"))
}

/// Location and (line, units) of each part, in order.
fn shown(inputs: &PlanInputs) -> Vec<(String, Vec<(String, u32)>)> {
    let lines = |part: &PlannedSubOrder| {
        part.lines.iter().map(|line| (line.line_id.to_string(), line.quantity.get())).collect()
    };
    planned(inputs).iter().map(|part| (part.location.to_string(), lines(part))).collect()
}

fn locations(inputs: &PlanInputs) -> Vec<String> {
    shown(inputs).into_iter().map(|(location, _)| location).collect()
}

#[test]
fn one_warehouse_ships_if_one_has_everything_however_far_it_is() {
    let inputs = PlanInputs {
        lines: vec![due("1", "cup", 2), due("2", "pot", 1)],
        offers: vec![offer("cup", "near", 9), offer("pot", "mid", 9), offer("cup", "far", 2), offer("pot", "far", 1)],
        origins: vec![origin("near", 0, Some(1)), origin("mid", 0, Some(2)), origin("far", 9, Some(9_000))],
        consolidate: false,
    };
    assert_eq!(shown(&inputs), [("far".to_owned(), vec![("1".to_owned(), 2), ("2".to_owned(), 1)])]);
}

#[test]
fn of_those_that_have_everything_priority_then_distance_then_country_then_id_decides() {
    let mut inputs = PlanInputs {
        lines: vec![due("1", "cup", 1)],
        offers: ["a", "b", "c", "d", "e", "f"].map(|at| offer("cup", at, 5)).into(),
        origins: vec![
            // No known warehouse: f. Then the others, each better by what stands first.
            Origin { priority: Some(1), ..origin("e", 1, None) },
            Origin { same_country: Some(true), ..origin("d", 1, None) },
            origin("c", 1, Some(900)),
            origin("b", 1, Some(20)),
            origin("a", 0, Some(5_000)),
        ],
        consolidate: false,
    };
    for expected in ["a", "b", "c", "d", "e", "f"] {
        assert_eq!(locations(&inputs), [expected]);
        inputs.offers.retain(|offer| offer.location.as_str() != expected);
    }
    assert_eq!(locations(&inputs), Vec::<String>::new());
    inputs.offers = vec![offer("cup", "y", 1), offer("cup", "x", 1)];
    assert_eq!(locations(&inputs), ["x"]);
}

#[test]
fn an_item_is_not_split_where_one_of_the_parcels_can_hold_all_of_it() {
    let inputs = PlanInputs {
        lines: vec![due("1", "cup", 4), due("2", "pot", 1)],
        offers: vec![offer("cup", "a", 3), offer("pot", "a", 1), offer("cup", "b", 4)],
        origins: vec![origin("a", 0, None), origin("b", 1, None)],
        consolidate: false,
    };
    let expected = [("a".to_owned(), vec![("2".to_owned(), 1)]), ("b".to_owned(), vec![("1".to_owned(), 4)])];
    assert_eq!(shown(&inputs), expected);
}

#[test]
fn lines_of_one_item_are_filled_in_order_and_what_nobody_has_is_left_out() {
    let inputs = PlanInputs {
        lines: vec![due("2", "cup", 2), due("1", "cup", 2), due("3", "pot", 1)],
        offers: vec![offer("cup", "a", 1), offer("cup", "b", 2), offer("tea", "a", 7), offer("pot", "b", 0)],
        origins: vec![origin("a", 0, None), origin("b", 1, None)],
        consolidate: false,
    };
    let b = vec![("1".to_owned(), 1), ("2".to_owned(), 1)];
    assert_eq!(shown(&inputs), [("a".to_owned(), vec![("1".to_owned(), 1)]), ("b".to_owned(), b)]);
}

fn inputs() -> impl Strategy<Value = PlanInputs> {
    let lines = prop::collection::vec((0..3_usize, 1..5_u32), 1..5);
    let offers = prop::collection::btree_map((0..3_usize, 0..5_usize), 0..6_u64, 0..12);
    let origins = prop::collection::btree_map(0..5_usize, (0..3_u32, prop::option::of(0..3_u32), any::<bool>()), 0..5);
    (lines, offers, origins, any::<bool>()).prop_map(|(lines, offers, origins, consolidate)| PlanInputs {
        lines: lines
            .into_iter()
            .enumerate()
            .map(|(at, (item, units))| due(&format!("l{at}"), &format!("i{item}"), units))
            .collect(),
        offers: offers
            .into_iter()
            .map(|((item, at), units)| offer(&format!("i{item}"), &format!("w{at}"), units))
            .collect(),
        origins: origins
            .into_iter()
            .map(|(at, (priority, km, is_same))| Origin {
                same_country: Some(is_same),
                ..origin(&format!("w{at}"), priority, km)
            })
            .collect(),
        consolidate,
    })
}

/// Units by (item, location) of a plan.
fn taken(inputs: &PlanInputs, plan: &[PlannedSubOrder]) -> BTreeMap<(ItemId, LocationId), u64> {
    let items: BTreeMap<_, _> = inputs.lines.iter().map(|line| (&line.line_id, &line.item_id)).collect();
    let mut taken = BTreeMap::new();
    for part in plan {
        for line in &part.lines {
            let key = (items[&line.line_id].clone(), part.location.clone());
            *taken.entry(key).or_default() += u64::from(line.quantity.get());
        }
    }
    taken
}

/// The smallest number of locations that have all that can be shipped.
fn fewest(inputs: &PlanInputs) -> usize {
    let mut wanted: BTreeMap<&ItemId, u64> = BTreeMap::new();
    for line in &inputs.lines {
        *wanted.entry(&line.item_id).or_default() += u64::from(line.quantity.get());
    }
    let at: Vec<&LocationId> = inputs
        .offers
        .iter()
        .map(|offer| &offer.location)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    let shipped = |set: u32, item: &ItemId| {
        let is_in = |offer: &&Offer| at.iter().position(|l| **l == offer.location).is_some_and(|n| set & (1 << n) != 0);
        let units: u64 =
            inputs.offers.iter().filter(|o| o.item_id == *item).filter(is_in).map(|offer| offer.units).sum();
        units.min(wanted[item])
    };
    let all = (1_u32 << at.len()) - 1;
    let is_enough = |set: &u32| wanted.keys().all(|item| shipped(*set, item) == shipped(all, item));
    (0..=all).filter(is_enough).map(|set| set.count_ones() as usize).min().expect("all of them are enough")
}

proptest! {
    #[test]
    fn a_plan_takes_no_more_than_is_offered_and_ordered_and_all_that_can_be_shipped(inputs in inputs()) {
        let plan = planned(&inputs);
        let taken = taken(&inputs, &plan);
        for ((item, at), units) in &taken {
            let offered = inputs.offers.iter().find(|o| o.item_id == *item && o.location == *at).map(|o| o.units);
            prop_assert!(Some(*units) <= offered, "{units} of {item} at {at}, of {offered:?}");
        }
        for line in &inputs.lines {
            let planned: u32 =
                plan.iter().flat_map(|part| &part.lines).filter(|l| l.line_id == line.line_id).map(|l| l.quantity.get()).sum();
            prop_assert!(planned <= line.quantity.get());
        }
        let sum = |item: &ItemId| taken.iter().filter(|((of, _), _)| of == item).map(|(_, units)| units).sum::<u64>();
        for item in inputs.lines.iter().map(|line| &line.item_id) {
            let wanted: u64 = inputs.lines.iter().filter(|l| l.item_id == *item).map(|l| u64::from(l.quantity.get())).sum();
            let offered: u64 = inputs.offers.iter().filter(|o| o.item_id == *item).map(|o| o.units).sum();
            prop_assert_eq!(sum(item), wanted.min(offered));
        }
    }

    #[test]
    fn a_plan_has_the_fewest_parcels_each_with_something_in_it(inputs in inputs()) {
        let plan = planned(&inputs);
        prop_assert_eq!(plan.len(), fewest(&inputs));
        prop_assert!(plan.iter().all(|part| !part.lines.is_empty()));
    }

    #[test]
    fn the_order_of_the_inputs_does_not_matter(inputs in inputs(), turn in 0..12_usize) {
        let mut other = inputs.clone();
        other.lines.reverse();
        let turn_by = |len: usize| if len == 0 { 0 } else { turn % len };
        other.offers.rotate_left(turn_by(inputs.offers.len()));
        other.origins.rotate_left(turn_by(inputs.origins.len()));
        prop_assert_eq!(planned(&inputs), planned(&other));
    }

    #[test]
    fn consolidation_only_joins(inputs in inputs()) {
        let apart = planned(&PlanInputs { consolidate: false, ..inputs.clone() });
        let joined = planned(&PlanInputs { consolidate: true, ..inputs });
        prop_assert!(apart.iter().all(|part| part.parent.is_none()));
        let parents: Vec<_> = joined.iter().map(|part| part.parent.clone()).collect();
        let hub = joined.first().map(|part| part.sub_order_id.clone());
        prop_assert!(parents.iter().enumerate().all(|(at, parent)| *parent == hub.clone().filter(|_| at > 0)));
        let without = |part: PlannedSubOrder| PlannedSubOrder { parent: None, ..part };
        prop_assert_eq!(joined.into_iter().map(without).collect::<Vec<_>>(), apart);
    }
}
