//! Keys whose events cannot be read: they are parked alone, and redriven in order.

use crate::{
    history::{History, Step, fold_at, shards},
    parked_rig::{Crash, NEWER, OLD, Reads, Rig, fresh, old, seen},
};
use event_log::Record;
use read_model::{Checkpoints, views::parked::ParkedState};
use schemas::Topic;

/// A history, of which the events at these places are of a type that only a newer build knows.
pub fn history(steps: &[(u8, Step)], newer: &[(usize, &str)]) -> Vec<Record> {
    let mut history = History::default();
    steps.iter().for_each(|&(number, step)| history.step(number, step));
    let mut records = history.records;
    for (at, mark) in newer {
        old::mark(&mut records[*at], mark);
    }
    records
}

/// Items of one partition: the numbers of two of them.
fn neighbours() -> (u8, u8) {
    let partition = |number: u8| shards().of_key(&format!("item-{number}"));
    (1, (2..9).find(|number| partition(*number) == partition(1)).expect("there are two partitions"))
}

#[test]
fn an_event_that_cannot_be_read_parks_its_key_and_the_others_go_on() {
    let (bad, good) = neighbours();
    let steps = [
        (bad, Step::List(1)),
        (bad, Step::Price(2)),
        (good, Step::List(1)),
        (bad, Step::Price(3)),
        (good, Step::Price(4)),
    ];
    let records = history(&steps, &[(1, NEWER)]);
    let mut rig = Rig::new(records.clone(), OLD);
    rig.run(usize::MAX, None);
    let letters = rig.letters();
    let told: Vec<_> = letters.iter().map(|letter| (letter.text("code").unwrap_or(""), letter.key.clone())).collect();
    let key = format!("item-{bad}");
    assert_eq!(told, [("unreadable_event", key.clone()), ("behind_parked", key.clone())]);
    assert_eq!(letters[1].original(), records[3].value);
    let [parked] = &*rig.parked() else { panic!("one is parked: {:?}", rig.parked()) };
    assert_eq!((parked.key.as_deref(), parked.first.seq, parked.state), (Some(&*key), 2, ParkedState::Parked));
    assert!(parked.reason.contains("newer Stockfold"), "{}", parked.reason);
    // What is shown is what was before, and the others' all.
    let readable = [0, 2, 4].map(|at| records[at].clone());
    assert_eq!(seen(&rig), fresh(readable.to_vec()));
    assert!(rig.stopped().is_empty());
}

#[test]
fn a_parked_key_stays_parked_after_a_start_and_its_later_events_too() {
    let steps = [(1, Step::List(1)), (1, Step::Price(2)), (1, Step::Price(3)), (1, Step::Price(4))];
    let mut rig = Rig::new(history(&steps, &[(1, NEWER)]), OLD);
    rig.run(2, None);
    rig.start(Reads::Newer);
    rig.run(usize::MAX, None);
    assert_eq!(rig.parked().len(), 1, "nobody has asked for it");
    assert_eq!(seen(&rig), fresh(history(&steps[..1], &[])));
    assert_eq!(rig.letters().len(), 3);
}

#[test]
fn a_redrive_folds_what_is_parked_in_order_and_is_on_record() {
    let (bad, good) = neighbours();
    let steps = [
        (bad, Step::List(1)),
        (good, Step::List(1)),
        (bad, Step::Price(3)),
        (good, Step::Price(4)),
        (bad, Step::Price(5)),
    ];
    let mut rig = Rig::new(history(&steps, &[(0, NEWER)]), OLD);
    rig.run(usize::MAX, None);
    rig.redrive_all("r1");
    rig.run(usize::MAX, None);
    let (outcome, detail) = rig.outcome("r1");
    assert_eq!(outcome, "still_parked");
    assert!(detail.contains("inventory.events.v1") && detail.contains("@1 cannot be read"), "{detail}");

    rig.start(Reads::Newer);
    rig.redrive_all("r2");
    rig.run(usize::MAX, None);
    assert_eq!(rig.outcome("r2").0, "done");
    assert!(rig.parked().is_empty());
    assert_eq!(seen(&rig), fresh(history(&steps, &[])));
    let letters = rig.shown();
    let states: Vec<_> = letters.iter().map(|letter| (letter.row.kind.as_str(), letter.is_redriven())).collect();
    assert_eq!(states, [("event", true)]);
    // Later events go the common way.
    rig.append(history(&[steps.as_slice(), &[(bad, Step::Price(9))]].concat(), &[]).split_off(5));
    rig.run(usize::MAX, None);
    assert_eq!(rig.letters_of("behind_parked"), 2);
    assert_eq!(seen(&rig), fresh(history(&[steps.as_slice(), &[(bad, Step::Price(9))]].concat(), &[])));
}

#[test]
fn a_redrive_that_meets_another_unreadable_event_parks_the_key_again_from_there() {
    let steps = [(1, Step::List(1)), (1, Step::Price(2)), (1, Step::Price(3)), (1, Step::Price(4))];
    let mut rig = Rig::new(history(&steps, &[(1, NEWER), (3, "unheard-of.")]), OLD);
    rig.run(usize::MAX, None);
    rig.start(Reads::Newer);
    rig.redrive_all("r");
    rig.run(usize::MAX, None);
    assert_eq!(rig.outcome("r").0, "still_parked");
    assert_eq!(rig.parked().iter().map(|parked| parked.first.seq).collect::<Vec<_>>(), [4]);
    assert_eq!(seen(&rig), fresh(history(&steps[..3], &[])));
}

#[test]
fn views_that_are_fed_by_several_keys_stand_still_and_catch_up() {
    let partition = |number: u8| shards().of_key(&format!("shopper-{number}"));
    let other = (2..9).find(|number| partition(*number) == partition(1)).expect("there are two partitions");
    let steps = [(1, Step::Follow(1)), (other, Step::Follow(1)), (1, Step::Follow(2)), (other, Step::Follow(2))];
    let records = history(&steps, &[(1, NEWER)]);
    let mut rig = Rig::new(records.clone(), OLD);
    rig.run(usize::MAX, None);
    let stops: Vec<_> = rig.parked().iter().filter(|parked| parked.key.is_none()).map(|stop| stop.first.seq).collect();
    assert_eq!(stops, [2]);
    let counts = |rows: &[crate::history::Dumped]| rows.iter().filter(|row| row.0 == "follower_counts_v1").count();
    assert_eq!(counts(&seen(&rig)), 1, "store 2 is counted by nobody yet");
    rig.start(Reads::Newer);
    rig.redrive_all("r");
    rig.run(usize::MAX, None);
    assert!(rig.parked().is_empty(), "{:?}", rig.parked());
    assert_eq!(seen(&rig), fresh(history(&steps, &[])));
}

#[test]
fn the_letter_is_in_the_log_before_the_checkpoint_is_past_its_event() {
    let steps = [(1, Step::List(1)), (1, Step::Price(2))];
    for crash in [Crash::BeforeLetters, Crash::AfterLetters, Crash::HalfRows, Crash::NoCheckpoint] {
        let mut rig = Rig::new(history(&steps, &[(1, NEWER)]), OLD);
        rig.run(usize::MAX, Some(crash));
        rig.start(Reads::Old);
        rig.run(usize::MAX, None);
        assert_eq!(rig.letters_of("unreadable_event").min(1), 1, "{crash:?}");
        assert_eq!(rig.shown().len(), 1, "{crash:?}: repeats are one letter");
        assert_eq!(rig.parked().len(), 1, "{crash:?}");
        assert_eq!(seen(&rig), fresh(history(&steps[..1], &[])), "{crash:?}");
    }
}

#[test]
fn more_parked_keys_than_may_be_stop_the_partition() {
    let mut history = History::default();
    for number in 0..=projector::fold::MOST_PARKED {
        history.foreign(Topic::OrdersEvents, 0, &format!("order-{number}"));
    }
    let mut fold = fold_at(&Checkpoints::new());
    let batch = fold.read(history.records);
    assert_eq!((batch.len(), fold.parked().filter(|row| row.key.is_some()).count()), (0, projector::fold::MOST_PARKED));
    let stopped: Vec<_> = fold.stopped().map(ToString::to_string).collect();
    assert!(stopped.len() == 1 && stopped[0].contains("1000 keys"), "{stopped:?}");
}

#[test]
fn a_redrive_of_what_is_not_parked_is_answered_and_changes_nothing() {
    let steps = [(1, Step::List(1)), (1, Step::Price(2))];
    let mut rig = Rig::new(history(&steps, &[]), OLD);
    rig.run(usize::MAX, None);
    rig.ask("event-none", "r", &old::target("item-1"));
    rig.run(usize::MAX, None);
    assert_eq!(rig.outcome("r"), ("done".to_owned(), "it is not parked".to_owned()));
    // Views that are built anew read the request again, and its answer with it.
    let before = rig.on_record();
    rig.rebuild();
    rig.run(usize::MAX, None);
    assert_eq!(rig.on_record(), before);
}
