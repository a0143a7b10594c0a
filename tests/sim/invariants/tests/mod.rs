//! Tampered runs: each invariant is shown to fail.
//!
//! A run of the simulation is changed in one place, as a bug would have changed it, and the checker must name the
//! invariant. An invariant without a tampering fails the last test.

mod of_clients;
mod of_drops;
mod of_items;
mod of_log;
mod of_orders;
mod of_shop;

use super::ALL;
use crate::sim::{
    checker::{
        check,
        evidence::{Answer, Call, Event, Evidence},
    },
    swarm::Swarm,
    world,
};
use std::{
    collections::BTreeSet,
    sync::{LazyLock, Mutex},
};

/// A change of a run, and the invariant that must not bear it; `None` where the run has no place for it.
type Tampering = (&'static str, fn(&mut Evidence) -> Option<()>);

/// The most seeds that are looked through for a place.
const SEEDS: u64 = 200;

/// Runs that nothing was changed in, made when they are needed.
static RUNS: LazyLock<Mutex<Vec<Evidence>>> = LazyLock::new(Mutex::default);

fn good(index: u64) -> Evidence {
    let index = usize::try_from(index).expect("a few");
    let mut runs = RUNS.lock().expect("no panic holds it");
    while runs.len() <= index {
        let evidence = world::run(&Swarm::of(1 + runs.len() as u64)).0;
        assert_eq!(check(&evidence), Vec::new(), "a good run");
        runs.push(evidence);
    }
    runs[index].clone()
}

fn all() -> impl Iterator<Item = Tampering> {
    let of_shop = of_items::ALL.into_iter().chain(of_orders::ALL).chain(of_shop::ALL).chain(of_drops::ALL);
    of_log::ALL.into_iter().chain(of_shop).chain(of_clients::ALL)
}

#[test]
fn every_tampering_is_found_under_its_name() {
    for (number, (invariant, tamper)) in all().enumerate() {
        let tampered = (0..SEEDS).find_map(|index| {
            let mut evidence = good(index);
            tamper(&mut evidence).map(|()| evidence)
        });
        let tampered = tampered.unwrap_or_else(|| panic!("no run has a place for tampering {number} of {invariant}"));
        let found = check(&tampered);
        let names: BTreeSet<_> = found.iter().map(|violation| violation.invariant).collect();
        assert!(
            names.contains(invariant),
            "tampering {number} broke {names:?}, and not {invariant}: {:?}",
            found.first()
        );
        let known: BTreeSet<_> = ALL.iter().map(|(name, _)| *name).collect();
        assert!(names.is_subset(&known), "{names:?} are not all on the list");
    }
}

#[test]
fn every_invariant_has_a_tampering() {
    let tampered: BTreeSet<_> = all().map(|(invariant, _)| invariant).collect();
    let known: BTreeSet<_> = ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(tampered, known);
}

/// The first event of that name for which something is true.
fn event<'e>(evidence: &'e mut Evidence, name: &str, is: impl Fn(&Event) -> bool) -> Option<&'e mut Event> {
    evidence.events.iter_mut().find(|event| event.name == name && is(event))
}

/// Takes the first event of that name out.
fn remove(evidence: &mut Evidence, name: &str, is: impl Fn(&Event) -> bool) -> Option<Event> {
    let at = evidence.events.iter().position(|event| event.name == name && is(event))?;
    Some(evidence.events.remove(at))
}

/// The first answer for which something is true of its call, with it.
fn answer(evidence: &mut Evidence, is: impl Fn(&Call, &Answer) -> bool) -> Option<(Call, &mut Answer)> {
    let calls = &evidence.calls;
    evidence.answers.iter_mut().find_map(|answer| {
        let call = calls.iter().find(|call| call.request == answer.request)?;
        is(call, answer).then(|| (call.clone(), answer))
    })
}
