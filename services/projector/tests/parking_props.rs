//! However projectors of several builds park, redrive and die, the views come to be those of all that can be read.

use crate::{
    history::Step,
    parked_rig::{Crash, NEWER, NEWEST, Reads, Rig, differences, fresh, seen},
    parking::history,
    replay::steps,
};
use proptest::{collection::vec, prelude::*};

#[derive(Debug, Clone, Copy)]
enum Act {
    /// The projector takes a turn with so many records.
    Turn(usize),
    /// It takes one and dies there, if it comes there.
    Die(usize, Crash),
    /// It starts again, of that build.
    Start(Reads),
    /// Another one does the same beside it.
    Other(usize),
    OtherDies(usize, Crash),
    OtherStarts(Reads),
    /// Whatever is parked is asked to be redriven.
    Redrive,
}

fn reads() -> impl Strategy<Value = Reads> {
    prop_oneof![Just(Reads::Old), Just(Reads::Newer), Just(Reads::Newest)]
}

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![
        Just(Crash::BeforeLetters),
        Just(Crash::AfterLetters),
        Just(Crash::HalfRows),
        Just(Crash::NoCheckpoint),
        Just(Crash::BeforeAfter),
        Just(Crash::HalfAfter),
        Just(Crash::BeforeOutcome),
    ]
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (1..12usize).prop_map(Act::Turn),
        2 => (1..12usize, crash()).prop_map(|(most, crash)| Act::Die(most, crash)),
        1 => reads().prop_map(Act::Start),
        3 => (1..12usize).prop_map(Act::Other),
        1 => (1..12usize, crash()).prop_map(|(most, crash)| Act::OtherDies(most, crash)),
        1 => reads().prop_map(Act::OtherStarts),
        2 => Just(Act::Redrive),
    ];
    vec(act, 0..30)
}

fn more_steps() -> impl Strategy<Value = Vec<(u8, Step)>> {
    let follow = prop_oneof![(0..2u8).prop_map(Step::Follow), (0..2u8).prop_map(Step::Unfollow)];
    (steps(), vec((0..4u8, follow), 0..20)).prop_map(|(mut steps, follows)| {
        // Both kinds in turn, so that every partition has some of each.
        for (at, follow) in follows.into_iter().enumerate() {
            steps.insert((at * 2).min(steps.len()), follow);
        }
        steps
    })
}

/// Lets the other projector act in the place of the first.
fn other(rig: &mut Rig, other: &mut Option<projector::Fold>, act: impl FnOnce(&mut Rig)) {
    let Some(mut fold) = other.take() else { return };
    rig.swap(&mut fold);
    act(rig);
    if rig.is_dead() {
        rig.put_back(fold);
    } else {
        rig.swap(&mut fold);
        *other = Some(fold);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_parked_is_folded_in_the_end_as_if_it_never_had_been(
        steps in more_steps(),
        marks in vec((any::<prop::sample::Index>(), prop_oneof![Just(NEWER), Just(NEWEST)]), 0..6),
        acts in acts(),
    ) {
        let mut marks: Vec<_> = marks.into_iter().map(|(at, mark)| (at.index(steps.len()), mark)).collect();
        marks.sort_unstable();
        marks.dedup_by_key(|(at, _)| *at);
        let records = history(&steps, &marks);
        let mut rig = Rig::new(records.clone(), Reads::Old);
        let mut beside = Some(rig.started(Reads::Old));
        for (number, act) in acts.into_iter().enumerate() {
            match act {
                Act::Turn(most) => _ = rig.turn(most, None),
                Act::Die(most, crash) => _ = rig.turn(most, Some(crash)),
                Act::Start(reads) => rig.start(reads),
                Act::Other(most) => other(&mut rig, &mut beside, |rig| _ = rig.turn(most, None)),
                Act::OtherDies(most, crash) => other(&mut rig, &mut beside, |rig| _ = rig.turn(most, Some(crash))),
                Act::OtherStarts(reads) => beside = Some(rig.started(reads)),
                Act::Redrive => _ = rig.redrive_all(&format!("r{number}")),
            }
            if rig.is_dead() {
                rig.start(Reads::Newer);
            }
        }
        drop(beside);
        // The newest build reads all of it.
        rig.start(Reads::Newest);
        rig.run(7, None);
        for turn in 0..10 {
            if rig.redrive_all(&format!("last-{turn}")) == 0 {
                break;
            }
            rig.run(7, None);
        }
        prop_assert!(rig.parked().is_empty(), "{:?}", rig.parked());
        prop_assert_eq!(rig.stopped(), Vec::<String>::new());
        prop_assert_eq!(differences(&seen(&rig), &fresh(records)), Vec::<String>::new());
    }
}
