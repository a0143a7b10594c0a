//! Whatever suppliers say, in whatever order it comes and however often, the item ends the same.
//!
//! Fixed are what each source says, with its numbers and times, and what is booked here, with its times and in its order. Free is
//! when a statement comes: at its own time or at any time after, before or behind what is booked in the same second, and again.

use super::{
    kit::*,
    model::Model,
    supply_kit::*,
    told::{places, told},
    transfers_kit::{forward, forward_arrives},
};
use proptest::prelude::*;
use schemas::{Caller, Event, LocationId, item::*};
use std::collections::BTreeMap;

/// Seconds from the beginning to the end.
const END: u32 = 60;
const PLACES: [&str; 2] = ["main", "shop"];

/// Something that is booked here and never refused, whatever suppliers said.
#[derive(Debug, Clone, Copy)]
enum Own {
    Receive { at: usize, units: u32 },
    Count { at: usize, units: u32 },
    Repair { at: usize, units: u32 },
    Ship { at: usize, units: u32 },
    Forward { from: usize, units: u32 },
    Return { units: u32 },
}

/// Holds come and go in between; what they get depends on what was said by then.
#[derive(Debug, Clone, Copy)]
enum Step {
    Own(Own),
    Hold(u32),
    Allocate { at: usize, units: u32 },
}

fn any_step() -> impl Strategy<Value = (u32, Step)> {
    let step = prop_oneof![
        (0..2usize, 1..9u32).prop_map(|(at, units)| Step::Own(Own::Receive { at, units })),
        (0..2usize, 0..9u32).prop_map(|(at, units)| Step::Own(Own::Count { at, units })),
        (0..2usize, 1..4u32).prop_map(|(at, units)| Step::Own(Own::Repair { at, units })),
        (0..2usize, 1..6u32).prop_map(|(at, units)| Step::Own(Own::Ship { at, units })),
        (0..2usize, 1..6u32).prop_map(|(from, units)| Step::Own(Own::Forward { from, units })),
        (1..4u32).prop_map(|units| Step::Own(Own::Return { units })),
        (1..30u32).prop_map(Step::Hold),
        (0..2usize, 1..9u32).prop_map(|(at, units)| Step::Allocate { at, units }),
    ];
    (1..END, step)
}

fn any_fact() -> impl Strategy<Value = SupplyFact> {
    let named = |n: u8| Catalog { name: format!("name {n}"), ..catalog() };
    prop_oneof![
        2 => (0..9u8, 1..9i64).prop_map(move |(n, price)| listed(named(n), gbp(price))),
        1 => (1..9i64).prop_map(|price| priced(gbp(price))),
        1 => Just(SupplyFact::Delisted),
        4 => (0..2usize, 0..20u64).prop_map(|(at, units)| reported(PLACES[at], units)),
        4 => (0..2usize, 1..9u32).prop_map(|(at, units)| came(PLACES[at], units)),
    ]
}

/// Statements of up to four sources, each with its own numbers, as of any time.
fn any_statements() -> impl Strategy<Value = Vec<Supply>> {
    proptest::collection::vec((0..4u8, 0..END, any_fact()), 1..16).prop_map(|said| {
        let number = |(n, (source, at, fact)): (usize, (u8, u32, SupplyFact))| {
            by(&format!("//source/{source}"), n as u64 * 3, NOW.plus_seconds(at), fact)
        };
        said.into_iter().enumerate().map(number).collect()
    })
}

/// How much later than it could each statement comes, and whether before what is booked in that second; a second time too.
fn any_arrivals() -> impl Strategy<Value = Vec<[(u32, bool); 2]>> {
    proptest::collection::vec([(0..END, any::<bool>()), (0..END, any::<bool>())], 16)
}

/// The times at which things come to the item: seconds, and what of a second goes first.
type Arrivals<'a> = BTreeMap<(u32, u8, usize), &'a Supply>;

fn arrivals<'a>(said: &'a [Supply], when: &[[(u32, bool); 2]]) -> Arrivals<'a> {
    let mut all = Arrivals::new();
    for (n, (c, times)) in said.iter().zip(when).enumerate() {
        let earliest = u32::try_from((c.at.millis() - NOW.millis()) / 1_000).expect("after the beginning");
        for (repeat, (later, first)) in times.iter().enumerate() {
            let second = earliest + later * (END - earliest) / END;
            all.insert((second, if *first { 0 } else { 2 }, n * 2 + repeat), c);
        }
    }
    all
}

/// An item with an order that takes whatever leaves, and damaged units to repair.
fn beginning() -> (Given, Model) {
    let mut given = given_nothing();
    given.caller = Caller::engine();
    let mut model = Model::default();
    // Its stock lies where no supplier looks; it is not listed by hand, so it is listed and taken out again before the beginning.
    let opening = [
        receive("far", "far", 1_000),
        receive("main", "main", 100),
        receive("shop", "shop", 100),
        move_stock("main", Bucket::Sellable, Bucket::Damaged, 100),
        hold(of_order("o"), 500),
        commit(of_order("o")),
    ];
    given = given.and(list(catalog(), gbp(999)));
    given.now = NOW.plus_millis(-1_000);
    for command in opening {
        step(&mut given, &mut model, &command);
    }
    given.now = NOW;
    (given, model)
}

/// Does what can be done, and holds every event to the naive reckoning; whether it was done.
fn step(given: &mut Given, model: &mut Model, command: &ItemCommand) -> bool {
    let Ok(decision) = given.decide(command) else { return false };
    given.apply(&decision);
    for event in &decision.events {
        let Event::Item(event) = event else { panic!("an item's event: {event:?}") };
        model.note(event);
        if let Some(stock) = told(event) {
            assert_eq!(stock, model.levels(), "the levels that {event:?} tells");
        }
        for place in places(event) {
            assert_eq!(*place, model.place(&place.location), "the levels that {event:?} tells");
        }
    }
    assert_eq!(given.item.levels(), model.levels());
    model.check();
    true
}

/// Does what is booked, as the `n`th.
fn own(given: &mut Given, model: &mut Model, n: usize, own: Own) -> bool {
    let (id, order) = (format!("own-{n}"), of_order("o"));
    let done = match own {
        Own::Receive { at, units } => step(given, model, &receive(&id, PLACES[at], units)),
        Own::Count { at, units } => step(given, model, &count(&id, PLACES[at], u64::from(units))),
        Own::Repair { at, units } => {
            let ItemCommand::Move(c) = move_stock(&id, Bucket::Damaged, Bucket::Sellable, units) else {
                unreachable!()
            };
            step(given, model, &ItemCommand::Move(MoveStock { location: location(PLACES[at]), ..c }))
        }
        Own::Ship { at, units } => step(given, model, &ship(&id, order, None, PLACES[at], Some(units))),
        Own::Forward { from, units } => {
            let way = (PLACES[from], PLACES[1 - from]);
            let (first, second) = (format!("a-{n}"), format!("b-{n}"));
            step(given, model, &forward(&id, order.clone(), (&first, &second), way, units))
                && step(given, model, &forward_arrives(&id, order))
        }
        Own::Return { units } => step(given, model, &restock(&id, order, Bucket::Sellable, units)),
    };
    done || matches!(own, Own::Repair { .. } | Own::Return { .. })
}

/// Runs steps and statements in the order of their times; answers what was booked.
fn run(steps: &[(u32, Step)], arriving: &Arrivals<'_>) -> (Given, Vec<(u32, Own)>) {
    let (mut given, mut model) = beginning();
    let mut booked = Vec::new();
    let mut arriving = arriving.iter().peekable();
    let mut say = |given: &mut Given, model: &mut Model, until: (u32, u8)| {
        while let Some(((second, _, _), c)) = arriving.next_if(|((second, first, _), _)| (*second, *first) <= until) {
            given.now = NOW.plus_seconds(*second);
            assert!(step(given, model, &ask((*c).clone())), "{c:?}");
        }
    };
    for (n, (second, todo)) in steps.iter().enumerate() {
        say(&mut given, &mut model, (*second, 0));
        given.now = NOW.plus_seconds(*second);
        match *todo {
            Step::Own(todo) => {
                let before = given.item.clone();
                assert!(own(&mut given, &mut model, n, todo), "{todo:?} is never refused");
                if given.item != before {
                    booked.push((*second, todo));
                }
            }
            Step::Hold(units) => _ = step(&mut given, &mut model, &hold(of_order(&format!("h{n}")), units)),
            Step::Allocate { at, units } => {
                step(&mut given, &mut model, &allocate(&format!("s{n}"), of_order("o"), PLACES[at], units));
            }
        }
    }
    say(&mut given, &mut model, (u32::MAX, 0));
    (given, booked)
}

/// What a statement or a booking does to the units of a location.
#[derive(Debug, Clone, Copy)]
enum Fact {
    Set(i64),
    Add(i64),
}

/// The newest of each source that `wanted` picks, and of those the latest.
fn believed<T>(said: &[Supply], wanted: impl Fn(&SupplyFact) -> Option<T>) -> Option<(i64, T)> {
    let mut newest = BTreeMap::new();
    for c in said {
        let Some(value) = wanted(&c.said) else { continue };
        let sources = newest.entry(c.source.as_str()).or_insert_with(Vec::new);
        sources.push((c.sequence, c.at.millis(), value));
    }
    let mut latest: Vec<_> = newest
        .into_iter()
        .map(|(source, mut said)| {
            said.sort_by_key(|(sequence, _, _)| *sequence);
            let (_, at, value) = said.pop().expect("somebody said it");
            (at, source, value)
        })
        .collect();
    latest.sort_by_key(|(at, source, _)| (*at, *source));
    latest.pop().map(|(at, _, value)| (at, value))
}

/// The sellable units of a location, walked in time from the beginning.
fn walked(said: &[Supply], booked: &[(u32, Own)], at: usize, opening: i64) -> i64 {
    let here = |location: &LocationId| location.as_str() == PLACES[at];
    let mut facts = vec![(i64::MIN, 0, Fact::Set(opening))];
    let report = believed(said, |fact| match fact {
        SupplyFact::StockReported { location, counted } if here(location) => Some(*counted as i64),
        _ => None,
    });
    facts.extend(report.map(|(at, counted)| (at, 1, Fact::Set(counted))));
    for c in said {
        if let SupplyFact::StockReceived { location, quantity, .. } = &c.said
            && here(location)
        {
            facts.push((c.at.millis(), 0, Fact::Add(i64::from(quantity.get()))));
        }
    }
    for (second, own) in booked {
        let fact = match *own {
            Own::Receive { at: place, units } | Own::Repair { at: place, units } if place == at => {
                Fact::Add(units.into())
            }
            Own::Count { at: place, units } if place == at => Fact::Set(units.into()),
            Own::Ship { at: place, units } if place == at => Fact::Add(-i64::from(units)),
            Own::Forward { from, units } if from == at => Fact::Add(-i64::from(units)),
            Own::Forward { units, .. } => Fact::Add(units.into()),
            // Returns come to the first of the places.
            Own::Return { units } if at == 0 => Fact::Add(units.into()),
            _ => continue,
        };
        facts.push((NOW.plus_seconds(*second).millis(), 2, fact));
    }
    // Stable: what is booked in one second keeps its order.
    facts.sort_by_key(|(at, rank, _)| (*at, *rank));
    facts.iter().fold(0, |units, (_, _, fact)| match fact {
        Fact::Set(units) => *units,
        Fact::Add(change) => (units + change).max(0),
    })
}

fn sorted(mut steps: Vec<(u32, Step)>) -> Vec<(u32, Step)> {
    steps.sort_by_key(|(second, _)| *second);
    steps
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_suppliers_say_ends_the_same_in_any_order(
        said in any_statements(),
        steps in proptest::collection::vec(any_step(), 0..14),
        ways in proptest::collection::vec(any_arrivals(), 3),
    ) {
        let steps = sorted(steps);
        for way in &ways {
            let (given, booked) = run(&steps, &arrivals(&said, way));
            for (at, place) in PLACES.iter().enumerate() {
                let opening = if at == 0 { 0 } else { 100 };
                let lies_there = given.item.buckets(&location(place)).sellable as i64;
                prop_assert_eq!(lies_there, walked(&said, &booked, at, opening), "{}", place);
            }
            let catalog = believed(&said, |fact| match fact {
                SupplyFact::Listed { catalog, .. } => Some((**catalog).clone()),
                _ => None,
            });
            let listed = believed(&said, |fact| match fact {
                SupplyFact::Listed { .. } => Some(true),
                SupplyFact::Delisted => Some(false),
                _ => None,
            });
            let price = believed(&said, |fact| match fact {
                SupplyFact::Listed { price, .. } | SupplyFact::PriceChanged { price } => Some(*price),
                _ => None,
            });
            // What was listed by hand stands where no supplier speaks of it.
            let by_hand = (super::kit::catalog(), true, gbp(999));
            prop_assert_eq!(given.item.catalog(), Some(&catalog.map_or(by_hand.0, |(_, catalog)| catalog)));
            prop_assert_eq!(given.item.listed, listed.map_or(by_hand.1, |(_, listed)| listed));
            prop_assert_eq!(given.item.price, Some(price.map_or(by_hand.2, |(_, price)| price)));
        }
    }

    #[test]
    fn an_item_that_only_suppliers_know_ends_the_same_in_any_order(
        said in any_statements(),
        ways in proptest::collection::vec(any_arrivals(), 3),
    ) {
        let ends: Vec<_> = ways.iter().map(|way| {
            let mut given = given_nothing();
            let mut model = Model::default();
            for ((second, _, _), c) in arrivals(&said, way) {
                given.now = NOW.plus_seconds(second);
                assert!(step(&mut given, &mut model, &ask(c.clone())), "{c:?}");
            }
            let item = given.item;
            let places: Vec<_> = item.places.iter().map(|(at, place)| (at.clone(), place.clone())).collect();
            (item.catalog.clone(), item.listed, item.price, item.levels(), places, item.feeds.clone())
        }).collect();
        prop_assert_eq!(&ends[0], &ends[1]);
        prop_assert_eq!(&ends[0], &ends[2]);
        let is_listed = said.iter().any(|c| matches!(c.said, SupplyFact::Listed { .. }));
        prop_assert_eq!(ends[0].0.is_some(), is_listed);
    }

    #[test]
    fn what_was_said_is_built_again_from_the_events(
        said in any_statements(),
        steps in proptest::collection::vec(any_step(), 0..14),
        way in any_arrivals(),
    ) {
        let (given, _) = run(&sorted(steps), &arrivals(&said, &way));
        let bytes = serde_json::to_vec(&given.item).expect("JSON");
        let restored: crate::item::Item = serde_json::from_slice(&bytes).expect("a stored state reads");
        prop_assert_eq!(restored, given.item);
    }
}
