//! A batch of commands of one shard.

use super::{Rig, available, free_hold, hold, item, list, names, receive, stocked};
use schemas::{
    Position, Rejection, Topic,
    item::{CommitHold, ItemCommand, ItemRejection},
};

#[test]
fn events_are_stamped_densely_with_the_epoch_of_the_lease() {
    let mut rig = Rig::new();
    let batch = rig.send(vec![list("a"), list("b"), receive("a", "r", 5)]);
    let seqs: Vec<_> = batch.events.iter().map(|event| event.envelope.seq).collect();
    assert_eq!(seqs, (1..=batch.events.len() as u64).collect::<Vec<_>>());
    assert!(batch.events.iter().all(|event| event.envelope.epoch == 1 && event.envelope.time == rig.now));
    assert_eq!(rig.shard.seq(Topic::InventoryEvents), batch.events.len() as u64);
}

#[test]
fn an_answer_names_the_position_of_its_last_event() {
    let mut rig = Rig::new();
    let batch = rig.send(stocked("a", 5));
    let position = Position { topic: Topic::InventoryEvents, partition: 0, seq: batch.events.len() as u64 };
    assert_eq!(batch.replies[1].positions.positions().collect::<Vec<_>>(), [position]);
    assert_eq!(available(&batch.replies[1]), Some(5));
}

#[test]
fn the_same_command_again_is_answered_without_an_event() {
    let mut rig = Rig::new();
    rig.send(stocked("a", 5));
    let first = rig.send(vec![hold("a", "h", 3, 60)]);
    let again = rig.send(vec![hold("a", "h", 3, 60)]);
    assert_eq!(names(&first), ["hold-granted"]);
    assert!(again.events.is_empty());
    assert_eq!(again.replies[0].outcome, first.replies[0].outcome);
    assert_eq!(again.replies[0].positions, first.replies[0].positions);
}

#[test]
fn a_refusal_waits_for_a_commit_like_any_answer() {
    let mut rig = Rig::new();
    rig.send(stocked("a", 5));
    let batch = rig.send(vec![hold("a", "h", 6, 60)]);
    let refusal = ItemRejection::InsufficientStock { asked: 6, available: 5 };
    assert!(batch.events.is_empty());
    assert_eq!(batch.replies[0].outcome, Err(Rejection::Item(refusal)));
    assert!(!batch.replies[0].positions.is_empty(), "a view may not show more than the refusal knew");
}

#[test]
fn the_last_unit_goes_to_the_first_of_a_batch() {
    let mut rig = Rig::new();
    rig.send(stocked("a", 1));
    let batch = rig.send((0..64).map(|n| hold("a", &format!("h{n}"), 1, 60)).collect());
    assert_eq!(names(&batch), ["hold-granted"]);
    assert!(batch.replies[0].outcome.is_ok());
    assert!(batch.replies[1..].iter().all(|reply| reply.outcome.is_err()));
    assert_eq!(rig.shard.stats().refused, 63);
}

#[test]
fn commands_on_unknown_aggregates_leave_nothing_in_memory() {
    let mut rig = Rig::new();
    let commit = |n: u32| item(&format!("i{n}"), ItemCommand::CommitHold(CommitHold { hold: free_hold("h") }));
    let batch = rig.send((0..100).map(commit).collect());
    assert!(batch.replies.iter().all(|reply| reply.outcome.is_err() && reply.positions.is_empty()));
    assert_eq!(rig.shard.aggregates(), (0, 0));
}
