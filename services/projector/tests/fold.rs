//! What the fold core does with records that are not the next good event.

use crate::history::{fold_at, granted, record, shards};
use event_log::Record;
use projector::{Fold, StopReason};
use read_model::{Checkpoint, Checkpoints, fold::FedBy};
use schemas::{
    Event, Topic,
    item::{ItemEvent, StockLevels},
};

const TOPIC: Topic = Topic::InventoryEvents;
const ZERO: (Topic, u32) = (TOPIC, 0);

fn event(seq: u64, epoch: u64) -> Record {
    let event = Event::Item(ItemEvent::HoldGranted(granted(1, StockLevels::default())));
    record(TOPIC, 0, seq, epoch, "item", &event)
}

/// The same seq at another place of the log.
fn again(seq: u64, epoch: u64, offset: u64) -> Record {
    Record { offset, ..event(seq, epoch) }
}

fn fold_of(records: Vec<Record>) -> (Fold, usize, Option<Checkpoint>) {
    let mut fold = fold_at(&Checkpoints::new());
    let batch = fold.read(records);
    let len = batch.len();
    let (_, checkpoints) = fold.fold(batch).expect("the rows are JSON");
    (fold, len, checkpoints.get(&ZERO).copied())
}

fn reason(fold: &Fold) -> String {
    fold.stopped().map(ToString::to_string).collect()
}

#[test]
fn events_in_order_move_the_checkpoint() {
    let (fold, len, at) = fold_of(vec![event(1, 1), event(2, 1), event(3, 2)]);
    assert_eq!((len, at), (3, Some(Checkpoint { seq: 3, offset: 10, epoch: 2 })));
    assert!(fold.stopped().next().is_none());
}

#[test]
fn reading_begins_at_the_checkpoints_of_every_partition() {
    let checkpoints = Checkpoints::from([(ZERO, Checkpoint { seq: 3, offset: 10, epoch: 2 })]);
    let from = Fold::new(Vec::new(), shards(), &checkpoints).read_from();
    let places: Vec<_> = from.iter().map(|from| (from.topic, from.partition, from.offset)).collect();
    let all = Topic::EVENTS.into_iter().chain([Topic::DeadLetters]).flat_map(|topic| [(topic, 0), (topic, 1)]);
    let wanted: Vec<_> = all.map(|place| (place.0, place.1, if place == ZERO { 10 } else { 0 })).collect();
    assert_eq!(places, wanted);
}

#[test]
fn a_repeat_of_a_fenced_owner_is_ignored_and_counted() {
    let (fold, len, at) = fold_of(vec![event(1, 1), event(2, 2), again(2, 1, 30), again(1, 1, 31)]);
    assert_eq!((len, fold.ignored()), (2, 2));
    assert_eq!(at, Some(Checkpoint { seq: 2, offset: 32, epoch: 2 }));
    assert!(fold.stopped().next().is_none());
}

#[test]
fn a_record_that_was_read_before_is_nothing() {
    let (fold, len, _) = fold_of(vec![event(1, 1), event(2, 1), event(1, 1), event(2, 1)]);
    assert_eq!((len, fold.ignored()), (2, 0));
    assert!(fold.stopped().next().is_none());
}

#[test]
fn a_repeat_of_the_same_epoch_stops() {
    let (fold, len, at) = fold_of(vec![event(1, 1), event(2, 1), again(2, 1, 30), event(3, 1)]);
    assert_eq!((len, at.map(|at| at.seq)), (2, Some(2)));
    assert!(reason(&fold).contains("forked"), "{}", reason(&fold));
}

#[test]
fn a_repeat_of_a_higher_epoch_stops() {
    let (fold, ..) = fold_of(vec![event(1, 1), event(2, 1), again(1, 2, 30)]);
    assert!(reason(&fold).contains("forked"), "{}", reason(&fold));
}

#[test]
fn a_gap_stops_and_nothing_after_it_is_folded() {
    let (fold, len, at) = fold_of(vec![event(1, 1), event(3, 1), event(4, 1), event(2, 1)]);
    assert_eq!((len, at.map(|at| at.seq)), (1, Some(1)));
    assert!(matches!(fold.stopped().next().map(|s| &s.reason), Some(StopReason::Gap { newest: 1, found: 3 })));
}

#[test]
fn a_fenced_owner_that_goes_on_stops() {
    let (fold, len, _) = fold_of(vec![event(1, 2), event(2, 1)]);
    assert_eq!(len, 1);
    assert!(reason(&fold).contains("fenced"), "{}", reason(&fold));
}

#[test]
fn a_stopped_partition_is_not_read_and_the_others_go_on() {
    let mut fold = fold_at(&Checkpoints::new());
    fold.read(vec![event(2, 1)]);
    let elsewhere = Record { partition: 1, ..event(1, 1) };
    let batch = fold.read(vec![event(1, 1), elsewhere]);
    assert_eq!(batch.len(), 1);
    assert!(!fold.read_from().iter().any(|from| (from.topic, from.partition) == ZERO));
}

#[test]
fn what_cannot_be_read_parks_its_key_and_says_which_and_why() {
    let parked = |change: fn(&mut Record)| {
        let mut record = event(1, 1);
        change(&mut record);
        let (fold, len, _) = fold_of(vec![record, Record { partition: 1, ..event(1, 1) }]);
        assert_eq!(len, 1);
        let keys: Vec<_> = fold.parked().filter(|row| row.key.is_some()).collect();
        assert!(keys.len() == 1 && keys[0].first.seq == 1 && keys[0].offset == 3, "{keys:?}");
        keys[0].reason.clone()
    };
    fn envelope(record: &mut Record) -> &mut schemas::Envelope {
        record.envelope.as_mut().expect("an event has one")
    }
    type Case = (fn(&mut Record), &'static str);
    let cases: [Case; 5] = [
        (|record| record.value = None, "no value"),
        (|record| record.value = Some(b"{}".to_vec()), "hold-granted"),
        (|record| envelope(record).event_type = "stockfold.inventory.unheard-of.v1".into(), "unheard-of"),
        (|record| envelope(record).subject = "no id/".to_owned(), "not a key"),
        (|record| record.topic = Topic::OrdersEvents, "does not belong"),
    ];
    for (change, expected) in cases {
        let reason = parked(change);
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
}

#[test]
fn what_has_no_attributes_stops_its_partition() {
    let (fold, len, _) = fold_of(vec![Record { envelope: None, ..event(1, 1) }]);
    assert_eq!(len, 0);
    assert!(reason(&fold).contains("no attributes") && reason(&fold).contains("offset 3"), "{}", reason(&fold));
}

#[test]
fn each_view_says_whose_events_feed_it() {
    let several: Vec<_> = read_model::views::all()
        .iter()
        .filter_map(|view| match view.fed_by() {
            FedBy::OneKey => None,
            FedBy::ManyKeys(topics) => Some((view.table().name, topics)),
        })
        .collect();
    // A row of each other view is made by the events of one key, or by one event alone.
    assert_eq!(several, [("follower_counts_v1", &[Topic::FollowsEvents][..]), ("sale_v1", &[Topic::OrdersEvents])]);
}
