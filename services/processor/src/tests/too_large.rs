//! Commands of which the log cannot hold what follows: they are refused, and nobody decides them again.

use super::{Rig, euros, hold, item, list, names, stocked};
use event_log::{Batch, CommandSource, MAX_RECORD_BYTES, Received};
use schemas::{
    Command, Rejection,
    item::{ItemCommand, ListItem},
    reply::Undecidable,
};
use serde_json::Value;
use std::sync::Arc;

const MOST: usize = MAX_RECORD_BYTES as usize;

fn described(id: &str, bytes: usize) -> Command {
    let Command::Item { command: ItemCommand::List(ListItem { mut catalog, .. }), .. } = list(id) else {
        panic!("a listing")
    };
    catalog.description = Some("x".repeat(bytes));
    item(id, ItemCommand::List(ListItem { catalog, price: euros(500), source: None, expected_version: None }))
}

/// Its one letter, which fits into a record.
fn letter(batch: &Batch) -> Value {
    let [letter] = &*batch.dead_letters else { panic!("one letter, not {}", batch.dead_letters.len()) };
    assert!(letter.value.len() + 1_024 < MOST, "{}", letter.value.len());
    let told: Value = serde_json::from_slice(&letter.value).expect("JSON");
    assert_eq!(told["reason"], "no record of the log can hold what follows from the command");
    told
}

fn refused() -> Result<schemas::ReplyBody, Rejection> {
    Err(Rejection::Undecidable(Undecidable::TooLarge))
}

#[test]
fn a_command_whose_event_no_record_holds_is_refused_and_its_beginning_is_kept() {
    let mut rig = Rig::new();
    rig.send(stocked("a", 5));
    let (knew, seq) = (rig.knows(), rig.shard.seq(schemas::Topic::InventoryEvents));
    let batch = rig.send(vec![described("a", MOST), described("new", MOST)]);
    assert_eq!(batch.replies.iter().map(|reply| &reply.outcome).collect::<Vec<_>>(), [&refused(), &refused()]);
    assert_eq!((batch.events.len(), batch.internal.len(), batch.dead_letters.len()), (0, 0, 2));
    assert_eq!((rig.knows(), rig.shard.seq(schemas::Topic::InventoryEvents)), (knew, seq));
    let told = letter(&Batch { dead_letters: batch.dead_letters[1..].to_vec(), ..Batch::default() });
    assert!(told["originalBytes"].as_u64() > Some(MOST as u64), "{}", told["originalBytes"]);
    assert!(told["original"].as_str().expect("text").starts_with("{\"id\":\"c4\""));

    let batch = rig.send(vec![hold("a", "h", 1, 60)]);
    assert_eq!(names(&batch), ["hold-granted"]);
    rig.recover().expect("what was written is dense");
}

#[test]
fn what_a_client_sends_along_counts_too() {
    let mut rig = Rig::new();
    let mut received = rig.received(list("a"));
    Arc::make_mut(&mut received.envelope).traceparent = Some("t".repeat(MOST));
    let batch = rig.deliver(vec![received]);
    assert_eq!((batch.events.len(), &batch.replies[0].outcome), (0, &refused()));
    letter(&batch);
}

#[test]
fn an_internal_command_is_consumed_and_answers_nobody() {
    let mut rig = Rig::new();
    let Received { envelope, .. } = rig.received(described("a", MOST));
    let batch = rig.deliver(vec![Received { source: CommandSource::Internal(7), envelope }]);
    assert_eq!((batch.events.len(), batch.replies.len(), batch.consumed.internal), (0, 0, 8));
    letter(&batch);
}
