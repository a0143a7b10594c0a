//! Commands that cannot be decided.

use super::{Rig, item, item_id, names, receive, stocked};
use crate::{Input, Recovery, ShardOptions};
use domain::Policy;
use event_log::{CommandSource, Consumed};
use schemas::{
    AggregateKey, Command, OrderId, Rejection, ShardCount, ShardId, Topic,
    item::{CommitHold, HoldId, ItemCommand, PlaceHold, ReleaseHold},
    reply::Undecidable,
};

fn order_hold() -> HoldId {
    HoldId::Order { order: OrderId::parse("o").expect("an id"), attempt: 1, item: item_id("a") }
}

fn place() -> Command {
    let place = PlaceHold {
        hold: order_hold(),
        quantity: super::quantity(1),
        expected_price: None,
        only_store: None,
        expires_in_seconds: None,
        reference: None,
        metadata: schemas::Metadata::default(),
        effect: None,
    };
    item("a", ItemCommand::PlaceHold(place))
}

/// An order never releases what it has committed: `decide` panics.
fn impossible() -> Command {
    item("a", ItemCommand::ReleaseHold(ReleaseHold { hold: order_hold() }))
}

#[test]
fn a_command_that_panics_twice_is_refused_and_kept() {
    let mut rig = Rig::new();
    rig.send(stocked("a", 5));
    rig.send(vec![place(), item("a", ItemCommand::CommitHold(CommitHold { hold: order_hold() }))]);
    let knew = rig.knows();
    let batch = rig.send(vec![impossible(), receive("a", "second", 1)]);
    assert_eq!(batch.dead_letters.len(), 1);
    assert_eq!(batch.replies[0].outcome, Err(Rejection::Undecidable(Undecidable::CommandDeadLettered)));
    assert_eq!(names(&batch), ["stock-received"], "the next command is decided as if nothing had been");
    assert_ne!(rig.knows(), knew);
    assert_eq!(rig.shard.stats().dead_letters, 1);
}

/// A rig whose item `a` no event fits: its snapshot does not add up.
fn broken() -> Rig {
    let mut rig = Rig::new();
    rig.send(stocked("a", 5));
    rig.send(stocked("b", 5));
    rig.save_all();
    for record in rig.records.iter_mut().filter(|record| record.key.starts_with("item/a/")) {
        let text = String::from_utf8(record.value.take().expect("no tombstones")).expect("JSON");
        assert!(text.contains("\"received\":5"), "{text}");
        record.value = Some(text.replace("\"received\":5", "\"received\":6").into_bytes());
    }
    rig.recover().expect("a snapshot that can be read");
    rig
}

#[test]
fn an_evolve_that_panics_asks_for_a_new_shard_and_commits_what_came_before() {
    let mut rig = broken();
    let commands = [receive("b", "second", 1), receive("a", "second", 1), receive("b", "third", 1)];
    let commands = commands.map(|command| rig.received(command)).into();
    let effects = rig.step(Input::Commands { now: rig.now, commands });
    let batch = effects.batch.expect("the first command");
    assert_eq!((names(&batch), batch.replies.len()), (vec!["stock-received"], 1));
    let rebuild = effects.rebuild.expect("the state is not to be trusted");
    assert_eq!(rebuild.careful, AggregateKey::Item(item_id("a")));
    assert_eq!(rebuild.rest.len(), 2);
}

#[test]
fn a_careful_shard_refuses_that_command_and_goes_on() {
    let mut rig = broken();
    let mut options = ShardOptions::new(ShardId(0), ShardCount::new(1).expect("one"), Policy::default());
    options.careful.insert(AggregateKey::Item(item_id("a")));
    let mut recovery = Recovery::new(options, 9);
    let snapshots = rig.records.iter().filter(|record| record.topic == Topic::Snapshots);
    snapshots.for_each(|record| recovery.snapshot(record.clone()));
    rig.shard = recovery.replay().finish(Consumed::default()).expect("nothing to replay");
    let knew = rig.knows();

    let batch = rig.send(vec![receive("a", "second", 1)]);
    assert_eq!((batch.events.len(), batch.dead_letters.len()), (0, 1));
    assert_eq!(rig.knows(), knew);
    assert_eq!(names(&rig.send(vec![receive("b", "second", 1)])), ["stock-received"]);
}

#[test]
fn a_buried_internal_command_is_consumed_and_answers_nobody() {
    let mut rig = Rig::new();
    rig.send(stocked("a", 5));
    rig.send(vec![place(), item("a", ItemCommand::CommitHold(CommitHold { hold: order_hold() }))]);
    let mut received = rig.received(impossible());
    received.source = CommandSource::Internal(7);
    let batch = rig.deliver(vec![received]);
    assert_eq!((batch.dead_letters.len(), batch.replies.len()), (1, 0));
    assert_eq!(batch.consumed.internal, 8);
}
