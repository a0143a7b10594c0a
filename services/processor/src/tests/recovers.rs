//! A shard is rebuilt from what stands in the log.

use super::{Rig, hold, list, receive, stocked};
use crate::{Input, RecoveryError};
use schemas::Topic;

fn busy() -> Rig {
    let mut rig = Rig::new();
    rig.send(stocked("a", 50));
    rig.send(stocked("b", 50));
    rig.send((0..20).map(|n| hold("a", &format!("h{n}"), 1, 60 + n)).collect());
    rig
}

#[test]
fn the_state_is_the_same_after_a_full_replay() {
    let mut rig = busy();
    let (knew, deadlines, seq) = (rig.knows(), rig.shard.deadlines(), rig.shard.seq(Topic::InventoryEvents));
    assert_eq!(rig.recover().expect("a sound log"), seq);
    assert_eq!((rig.knows(), rig.shard.deadlines(), rig.shard.seq(Topic::InventoryEvents)), (knew, deadlines, seq));
}

#[test]
fn only_what_follows_the_snapshots_is_replayed() {
    let mut rig = busy();
    rig.save_all();
    rig.send(vec![hold("b", "after", 2, 60)]);
    let (knew, deadlines) = (rig.knows(), rig.shard.deadlines());
    assert_eq!(rig.recover().expect("a sound log"), 1);
    assert_eq!((rig.knows(), rig.shard.deadlines()), (knew, deadlines));
    assert_eq!(rig.recover().expect("again"), 1);
}

#[test]
fn writing_goes_on_where_it_ended() {
    let mut rig = busy();
    let seq = rig.shard.seq(Topic::InventoryEvents);
    rig.save_all();
    rig.recover().expect("a sound log");
    let batch = rig.send(vec![hold("b", "after", 2, 60)]);
    assert_eq!((batch.events[0].envelope.seq, batch.events[0].envelope.epoch), (seq + 1, 2));
}

#[test]
fn a_snapshot_that_is_missing_means_a_full_replay() {
    let mut rig = busy();
    rig.save_all();
    let (knew, seq) = (rig.knows(), rig.shard.seq(Topic::InventoryEvents));
    rig.records.retain(|record| record.key != "item/b/0");
    assert_eq!(rig.recover().expect("a sound log"), seq);
    assert_eq!(rig.knows(), knew);
}

#[test]
fn a_snapshot_of_another_state_format_is_ignored() {
    let mut rig = busy();
    rig.save_all();
    let seq = rig.shard.seq(Topic::InventoryEvents);
    for record in rig.records.iter_mut().filter(|record| record.topic == Topic::Snapshots) {
        let text = String::from_utf8(record.value.take().expect("no tombstones")).expect("JSON");
        record.value = Some(text.replacen("\"format\":", "\"format\":9", 1).into_bytes());
    }
    assert_eq!(rig.recover().expect("a sound log"), seq);
}

#[test]
fn a_large_aggregate_is_saved_in_parts_and_shrinks_without_remains() {
    let mut rig = Rig::new();
    rig.send(vec![list("a"), receive("a", "r", 900_000)]);
    rig.send((0..4_000).map(|n| hold("a", &format!("h{n}"), 1, 60)).collect());
    rig.save_all();
    let parts = |rig: &Rig| rig.records.iter().filter(|record| record.key.starts_with("item/a/")).count();
    assert!(parts(&rig) > 1, "{} parts", parts(&rig));
    assert!(rig.records.iter().all(|record| record.value.as_ref().is_none_or(|value| value.len() <= 256 * 1_024)));
    let knew = rig.knows();
    assert_eq!(rig.recover().expect("a sound log"), 0);
    assert_eq!(rig.knows(), knew);
}

#[test]
fn a_large_aggregate_that_has_only_grown_is_replayed_instead_of_saved() {
    let mut rig = Rig::new();
    rig.send(vec![list("a"), receive("a", "r", 900_000), list("b")]);
    rig.send((0..8_000).map(|n| hold("a", &format!("h{n}"), 1, 60)).collect());
    for all in [false, true] {
        while let Some(batch) = rig.step(Input::Snapshot { all }).batch {
            assert!(batch.snapshots.iter().all(|snapshot| !snapshot.key.starts_with("item/a/")), "all: {all}");
        }
    }
    let knew = rig.knows();
    rig.recover().expect("a sound log");
    assert_eq!(rig.knows(), knew);
    // In the end a start would read too much for want of it.
    rig.send((0..12_000).map(|n| receive("b", &format!("r{n}"), 1)).collect());
    let mut saved = false;
    while let Some(batch) = rig.step(Input::Snapshot { all: false }).batch {
        saved |= batch.snapshots.iter().any(|snapshot| snapshot.key.starts_with("item/a/"));
    }
    assert!(saved);
    let knew = rig.knows();
    rig.recover().expect("a sound log");
    assert_eq!(rig.knows(), knew);
}

#[test]
fn a_large_aggregate_is_not_written_again_for_a_few_events() {
    let mut rig = Rig::new();
    rig.send(vec![list("a"), receive("a", "r", 900_000)]);
    rig.send((0..2_000).map(|n| hold("a", &format!("h{n}"), 1, 60)).collect());
    rig.save_all();
    rig.send(vec![hold("a", "one-more", 1, 60), list("b")]);
    let batch = rig.step(Input::Snapshot { all: false }).batch.expect("`b` is small");
    let keys: Vec<_> = batch.snapshots.iter().map(|snapshot| snapshot.key.as_str()).collect();
    assert_eq!(keys, ["item/b/0", "checkpoint"]);
    let knew = rig.knows();
    assert!(rig.recover().expect("a sound log") >= 1, "the one hold is replayed");
    assert_eq!(rig.knows(), knew);
}

#[test]
fn a_gap_stops_the_shard() {
    let mut rig = busy();
    let lost = rig.records.iter().position(|record| record.envelope.as_ref().is_some_and(|e| e.seq == 3));
    rig.records.remove(lost.expect("an event 3"));
    assert!(matches!(rig.recover(), Err(RecoveryError::Gap { expected: 3, found: 4, .. })));
}

#[test]
fn a_repeat_by_a_fenced_owner_is_ignored() {
    let mut rig = busy();
    let zombie = rig.records.last().cloned().expect("events");
    rig.recover().expect("a sound log");
    rig.send(vec![hold("b", "after", 2, 60)]);
    rig.records.push(zombie);
    let knew = rig.knows();
    rig.recover().expect("a repeat of epoch 1 after one of epoch 2");
    assert_eq!(rig.knows(), knew);
}

#[test]
fn a_repeat_of_the_same_epoch_is_a_fork() {
    let mut rig = busy();
    let twice = rig.records.last().cloned().expect("events");
    rig.records.push(twice);
    assert!(matches!(rig.recover(), Err(RecoveryError::Fork { epoch: 1, previous: 1, .. })));
}

#[test]
fn an_event_that_cannot_be_read_stops_the_shard() {
    let mut rig = busy();
    rig.records[4].value = Some(b"{}".to_vec());
    assert!(matches!(rig.recover(), Err(RecoveryError::Unreadable { seq: 5, .. })));
}

#[test]
fn a_log_that_ends_before_its_checkpoint_stops_the_shard() {
    let mut rig = Rig::new();
    rig.send(vec![list("a"), receive("a", "r", 900_000)]);
    rig.send((0..2_000).map(|n| hold("a", &format!("h{n}"), 1, 60)).collect());
    rig.save_all();
    rig.send(vec![hold("a", "one-more", 1, 60), list("b")]);
    rig.step(Input::Snapshot { all: false });
    let seq = rig.shard.seq(Topic::InventoryEvents);
    rig.records.retain(|record| record.envelope.as_ref().is_none_or(|envelope| envelope.seq < seq));
    let outcome = rig.recover();
    assert!(matches!(outcome, Err(RecoveryError::Truncated { expected, .. }) if expected == seq), "{outcome:?}");
}
