//! The log itself: dense, of one writer, in the order of time, and every event with a cause.

use crate::sim::{
    checker::evidence::{Evidence, text},
    model::Violations,
};
use std::collections::{BTreeMap, BTreeSet};

pub fn check(evidence: &Evidence, found: &mut Violations) {
    let mut newest: BTreeMap<String, (u64, u64, &str)> = BTreeMap::new();
    let mut homes: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    let mut causes: BTreeSet<&str> = evidence.calls.iter().map(|call| call.id.as_str()).collect();
    causes.extend(evidence.internal.iter().map(|command| text(command, "id")));
    for event in &evidence.events {
        let place = event.place();
        let (seq, epoch, time) = newest.get(&place).copied().unwrap_or((0, 0, ""));
        found.must(event.seq == seq + 1 && event.epoch >= epoch, "seqs-are-dense", || {
            format!("{place}@{} of epoch {} follows @{seq} of epoch {epoch}", event.seq, event.epoch)
        });
        found.must(event.time.as_str() >= time, "time-never-goes-back", || {
            format!("{place}@{} is of {}, after {time}", event.seq, event.time)
        });
        newest.insert(place, (event.seq, event.epoch, &event.time));
        let home = *homes.entry((&event.topic, &event.subject)).or_insert(event.partition);
        found.must(home == event.partition, "one-writer-per-key", || format!("{} in {home}: {event:?}", event.subject));
        let cause = event.causation.as_str();
        let known = causes.contains(cause) || cause.starts_with("clock-");
        found.must(known, "causes-are-known", || format!("nobody sent {cause}: {event:?}"));
    }
}
