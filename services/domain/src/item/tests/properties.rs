//! What holds after every command of every sequence.

use super::{
    kit::*,
    model::Model,
    told::{places, told},
    transfers_kit::{arrive, forward, forward_arrives, transfer},
};
use crate::item::{
    Item,
    holds::{Hold, Phase},
};
use proptest::prelude::*;
use schemas::{Caller, Command, Event, ItemId, Rejection, item::*, order::OrderCommand};

/// A step of a sequence. Ids and quantities are few, so that they meet.
#[derive(Debug, Clone)]
enum Step {
    Command(Box<ItemCommand>),
    Wait(u32),
}

fn asked(command: ItemCommand) -> Step {
    Step::Command(Box::new(command))
}

fn any_hold() -> impl Strategy<Value = HoldId> {
    prop_oneof![
        2 => (0..3u8).prop_map(|n| free(&format!("h{n}"))),
        4 => (0..3u8).prop_map(|n| of_order(&format!("o{n}"))),
        1 => (0..2u8).prop_map(|n| of_claim(&format!("d{n}"))),
    ]
}

fn any_bucket() -> impl Strategy<Value = Bucket> {
    prop_oneof![Just(Bucket::Sellable), Just(Bucket::Damaged), Just(Bucket::QualityControl)]
}

fn any_place() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("main"), Just("shop")]
}

/// Where something is said to leave; nothing ever comes to the moon.
fn any_place_of_departure() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just("main"), 4 => Just("shop"), 1 => Just("moon")]
}

/// Where something is sent; only so it comes to the depot.
fn any_target() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => Just("main"), 3 => Just("shop"), 1 => Just("depot")]
}

fn any_stock() -> impl Strategy<Value = ItemCommand> {
    let id = |prefix: &'static str| (0..12u8).prop_map(move |n| format!("{prefix}{n}"));
    prop_oneof![
        4 => (id("r"), any_place(), 1..20u32).prop_map(|(id, at, units)| receive(&id, at, units)),
        1 => (id("c"), any_place(), 0..12u64).prop_map(|(id, at, counted)| count(&id, at, counted)),
        2 => (id("m"), any_bucket(), any_bucket(), 1..8u32).prop_map(|(id, from, to, n)| move_stock(&id, from, to, n)),
        1 => (0..6u32).prop_map(set_safety),
        1 => (0..3u8, 1..8u32).prop_map(|(n, units)| ItemCommand::Allot(allot(&format!("a{n}"), units))),
        1 => (id("b"), 0..3u8, 1..4u32).prop_map(|(id, of, units)| return_allotment(&id, &format!("a{of}"), units)),
        1 => (0..3u8, any_hold(), 1..4u32).prop_map(|(of, hold, units)| commit_allotted(&format!("a{of}"), hold, units)),
        2 => (id("m"), any_place_of_departure(), any_target(), 1..8u32)
            .prop_map(|(id, from, to, units)| transfer(&id, from, to, units)),
        3 => (id("q"), id("m"), proptest::option::of(0..5u32), 0..2u32)
            .prop_map(|(id, of, units, lost)| arrive(&id, &of, units, lost)),
        1 => (0..4u8).prop_map(|n| if n == 0 { delist() } else { list(catalog(), gbp(5)) }),
        1 => (1..4i64).prop_map(|price| list(catalog(), gbp(price))),
    ]
}

fn any_holding() -> impl Strategy<Value = ItemCommand> {
    let sub = || (0..4u8).prop_map(|n| format!("s{n}"));
    let from = proptest::collection::vec((sub(), 1..4u32), 0..3);
    let ship_units = proptest::option::of(1..5u32);
    prop_oneof![
        6 => (any_hold(), 1..8u32).prop_map(|(id, units)| hold(id, units)),
        8 => any_hold().prop_map(commit),
        1 => any_hold().prop_map(release),
        3 => (0..9u8, any_hold(), 1..6u32, from, proptest::option::of(0..3u8)).prop_map(|(n, id, units, from, into)| {
            let from: Vec<_> = from.iter().map(|(id, units)| (id.as_str(), *units)).collect();
            let into = into.map(|n| allotment(&format!("a{n}")));
            ItemCommand::Uncommit(Uncommit { into, ..uncommit(&format!("x{n}"), id, units, &from) })
        }),
        9 => (sub(), any_hold(), any_place(), 1..4u32).prop_map(|(id, of, at, units)| allocate(&id, of, at, units)),
        4 => (0..9u8, any_hold(), proptest::option::of(sub()), any_place_of_departure(), ship_units)
            .prop_map(|(n, id, sub, at, units)| ship(&format!("p{n}"), id, sub.as_deref(), at, units)),
        4 => (0..9u8, any_hold(), sub(), sub(), any_place_of_departure(), any_target(), 1..5u32)
            .prop_map(|(n, id, a, b, from, to, units)| forward(&format!("f{n}"), id, (&a, &b), (from, to), units)),
        4 => (0..9u8, any_hold()).prop_map(|(n, id)| forward_arrives(&format!("f{n}"), id)),
        2 => (0..9u8, any_hold(), any_bucket(), 1..4u32).prop_map(|(n, id, to, units)| restock(&format!("t{n}"), id, to, units)),
        3 => any_hold().prop_map(close),
    ]
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => any_stock().prop_map(asked),
        12 => any_holding().prop_map(asked),
        1 => (1..500u32).prop_map(Step::Wait),
    ];
    let opening = [receive("r0", "main", 9), receive("r1", "shop", 6)].map(asked);
    proptest::collection::vec(step, 1..120).prop_map(move |steps| [&opening[..], &steps[..]].concat())
}

fn is_orders(hold: &HoldId) -> bool {
    matches!(hold, HoldId::Order { .. })
}

/// What no order ever asks: it commits what it holds, gives ordered units back by a cancellation, and closes what is gone.
fn no_order_asks(item: &Item, command: &ItemCommand) -> bool {
    let phase = |hold: &HoldId| item.holds.get(hold).map(|held| held.phase);
    if let ItemCommand::CommitHold(CommitHold { hold: hold @ HoldId::Order { .. } }) = command {
        return !matches!(phase(hold), Some(Phase::Active | Phase::Committed));
    }
    if let ItemCommand::ReleaseHold(ReleaseHold { hold: hold @ HoldId::Order { .. } }) = command {
        return phase(hold) == Some(Phase::Committed);
    }
    if let ItemCommand::CloseHold(CloseHold { hold }) = command {
        // What a drop's order cancels takes another way than this.
        let is_early = |held: &Hold| held.phase == Phase::Active || (is_orders(hold) && held.open() > 0);
        return item.holds.get(hold).is_some_and(is_early);
    }
    false
}

/// Runs a sequence and checks each step; answers the item and all its events with their times.
fn run(mut given: Given, steps: &[Step], mut model: Option<Model>) -> (Given, Vec<(ItemEvent, schemas::Timestamp)>) {
    let mut log = Vec::new();
    for step in steps {
        match step {
            Step::Wait(seconds) => {
                given = given.seconds_later(*seconds);
                while given.item.due().is_some_and(|due| due <= given.now) {
                    let decision = given.tick();
                    assert!(!decision.events.is_empty(), "what is due happens");
                    given.apply(&decision);
                    note(&given, &mut model, &mut log, &decision.events);
                }
            }
            Step::Command(command) if no_order_asks(&given.item, command) => {}
            Step::Command(command) => {
                let decided = given.decide(command);
                match &decided {
                    Ok(decision) => {
                        given.apply(decision);
                        note(&given, &mut model, &mut log, &decision.events);
                        let again = given.decide(command).expect("what took effect is not refused the second time");
                        assert_eq!(again.events, [], "again = no event: {command:?}");
                        // An order that was refused is granted when asked again after stock came; not in between.
                        let (answers, once): (Vec<_>, Vec<_>) = decision.sends.iter().partition(|send| is_answer(send));
                        let said_again: Vec<_> = again.sends.iter().collect();
                        assert_eq!((&again.answer, said_again), (&decision.answer, answers), "{command:?}");
                        tells_each_order(&decision.events, &once);
                    }
                    Err(Rejection::Item(ItemRejection::InsufficientStock { asked, available })) => {
                        let now = given.item.levels().available;
                        assert!(i64::from(*asked) > now, "a refusal for want of stock is true");
                        assert_eq!(*available, u64::try_from(now).unwrap_or(0));
                    }
                    Err(_) => {}
                }
            }
        }
    }
    (given, log)
}

/// What an order lost of its allocations it is told, with the events and once.
fn tells_each_order(events: &[Event], sends: &[&Command]) {
    let given_up = events.iter().filter_map(|event| match event {
        Event::Item(ItemEvent::UnitsDeallocated(e)) if matches!(e.hold, HoldId::Order { .. }) => {
            Some((e.sub_order.clone(), e.quantity))
        }
        _ => None,
    });
    // Units that came where their sub-order is not.
    let astray = events.iter().filter_map(|event| match event {
        Event::Item(ItemEvent::TransferReceived(e)) if events.len() == 1 => schemas::Quantity::new(e.ordered).ok(),
        _ => None,
    });
    let told = sends.iter().map(|send| match send {
        Command::Order { command: OrderCommand::ItemDeallocated(told), .. } => (told.sub_order.clone(), told.quantity),
        other => panic!("{other:?}"),
    });
    let told: Vec<_> = told.collect();
    let given_up: Vec<_> = given_up.collect();
    if given_up.is_empty() {
        let astray: Vec<_> = astray.collect();
        assert!(told.len() <= astray.len() && told.iter().all(|(_, quantity)| astray.contains(quantity)), "{told:?}");
    } else {
        assert_eq!(told, given_up);
    }
}

fn note(given: &Given, model: &mut Option<Model>, log: &mut Vec<(ItemEvent, schemas::Timestamp)>, events: &[Event]) {
    for event in events {
        let Event::Item(event) = event else { panic!("an item's event: {event:?}") };
        log.push((event.clone(), given.now));
        if let Some(model) = model {
            model.note(event);
            if let Some(stock) = told(event) {
                assert_eq!(stock, model.levels(), "the levels that {event:?} tells");
                for place in places(event) {
                    assert_eq!(*place, model.place(&place.location), "the levels that {event:?} tells");
                }
            }
        }
    }
    match model {
        Some(model) => {
            assert_eq!(given.item.levels(), model.levels());
            model.check();
            for (id, units) in &model.holds {
                let held = given.item.holds.get(id).expect("nothing leaves within a day");
                let allocated: i64 = units.allocated.values().map(|(_, n)| n).sum();
                assert_eq!(i64::from(held.allocated), allocated, "{id:?}");
                assert_eq!(i64::from(held.committed), units.committed, "{id:?}");
                assert_eq!(i64::from(held.forwarded), units.forwarded, "{id:?}");
                assert_eq!(i64::from(held.shipped), units.shipped, "{id:?}");
                assert_eq!(held.status() == HoldStatus::Active, units.held > 0, "{id:?}");
            }
        }
        None => assert_eq!(given.item.levels(), StockLevels::default(), "a digital item has no stock"),
    }
}

proptest! {
    #[test]
    fn stock_adds_up_after_every_command(steps in any_steps()) {
        run(given(), &steps, Some(Model::default()));
    }

    #[test]
    fn a_shipment_of_a_free_hold_leaves_available_as_it_was(steps in any_steps()) {
        let mut given = given();
        for step in steps {
            match step {
                Step::Wait(seconds) => given = given.seconds_later(seconds),
                Step::Command(command) if no_order_asks(&given.item, &command) => {}
                Step::Command(command) => {
                    let Ok(decision) = given.decide(&command) else { continue };
                    let before = given.item.levels().available;
                    given.apply(&decision);
                    if matches!(&*command, ItemCommand::Ship(ShipStock { hold: HoldId::Free { .. }, .. })) {
                        prop_assert_eq!(given.item.levels().available, before, "{:?}", command);
                    }
                }
            }
        }
    }

    #[test]
    fn a_digital_item_never_has_stock(steps in any_steps()) {
        let steps: Vec<_> = steps
            .into_iter()
            .filter(|step| !matches!(step, Step::Command(command) if matches!(**command, ItemCommand::List(_))))
            .collect();
        run(given_digital(), &steps, None);
    }

    #[test]
    fn replayed_and_restored_items_are_the_same(steps in any_steps(), cut in 0..80usize) {
        let listed = given_nothing();
        let (given, log) = run(listed.clone(), &[vec![asked(list(catalog(), gbp(5)))], steps].concat(), Some(Model::default()));
        let mut replayed = Item::new(ItemId::parse("sku-1").expect("id"));
        for (n, (event, time)) in log.iter().enumerate() {
            if n == cut {
                let bytes = serde_json::to_vec(&replayed).expect("JSON");
                replayed = serde_json::from_slice(&bytes).expect("a stored state reads");
            }
            crate::item::evolve(&mut replayed, event, *time, &given.policy);
        }
        prop_assert_eq!(&replayed, &given.item);
        prop_assert_eq!(replayed.due(), given.item.due());
    }

    #[test]
    fn what_leaves_after_a_while_leaves_nothing_wrong(steps in any_steps(), retention in 0..400u32) {
        let mut given = given();
        given.policy.retention_seconds = retention;
        given.caller = Caller::engine();
        given.caller.subject = schemas::SubjectId::parse("shop").expect("id");
        for step in steps {
            match step {
                Step::Wait(seconds) => given = given.seconds_later(seconds),
                Step::Command(command) if no_order_asks(&given.item, &command) => {}
                Step::Command(command) => {
                    if let Ok(decision) = given.decide(&command) {
                        given.apply(&decision);
                    }
                }
            }
        }
        let bytes = serde_json::to_vec(&given.item).expect("JSON");
        let restored: Item = serde_json::from_slice(&bytes).expect("a stored state reads");
        prop_assert_eq!(&restored, &given.item);
    }
}
