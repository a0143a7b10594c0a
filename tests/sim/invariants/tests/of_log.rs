//! The log itself is changed.

use super::{Tampering, event, remove};
use serde_json::json;

pub const ALL: [Tampering; 8] = [
    ("seqs-are-dense", |e| remove(e, "stock-received", |event| event.seq > 1).map(drop)),
    ("seqs-are-dense", |e| event(e, "hold-granted", |event| event.seq > 1).map(|event| event.epoch = 0)),
    ("time-never-goes-back", |e| {
        let event = event(e, "hold-granted", |event| event.seq > 1)?;
        event.time = "2001-01-01T00:00:00.000Z".to_owned();
        Some(())
    }),
    ("one-writer-per-key", |e| {
        let event = e.events.iter_mut().rev().find(|event| event.name == "hold-granted")?;
        event.partition += 50;
        Some(())
    }),
    ("causes-are-known", |e| event(e, "stock-received", |_| true).map(|event| event.causation = "nobody".to_owned())),
    ("known-events", |e| event(e, "stock-moved", |_| true).map(|event| event.name = "stock-vanished".to_owned())),
    ("known-events", |e| {
        let mut event = e.events.first()?.clone();
        event.topic = "parcels.events.v1".to_owned();
        event.value = json!({});
        e.events.push(event);
        Some(())
    }),
    // An owner that was fenced writes after its successor.
    ("one-decision-per-id", |e| {
        let event = event(e, "stock-received", |_| true)?.clone();
        let last = e.events.iter().filter(|other| other.place() == event.place()).map(|other| other.seq).max()?;
        e.events.push(super::Event { seq: last + 1, ..event });
        Some(())
    }),
];
