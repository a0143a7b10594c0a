//! Events: the first seq and the epoch once, then per record a byte that says what equals the record before it, the
//! attributes that do not, and the value.

use super::{Cursor, Damage, Encoded, Kind, begin, open, put_bytes, put_number, seal};
use crate::{NewEvent, Record};
use schemas::{CommandId, CorrelationId, Envelope, Event, Timestamp, Topic};
use std::borrow::Cow;

const SAME_TYPE: u8 = 1;
const SAME_SUBJECT: u8 = 1 << 1;
const SAME_TIME: u8 = 1 << 2;
const SAME_ACTOR: u8 = 1 << 3;
const SAME_CAUSATION: u8 = 1 << 4;
const SAME_CORRELATION: u8 = 1 << 5;
const SAME_TRACE: u8 = 1 << 6;
const HAS_TRACE: u8 = 1 << 7;

/// Encodes the events of `topic`; `None` where there are none. Gives the first seq too.
pub(in crate::sqlite) fn encode(topic: Topic, events: &[NewEvent]) -> Option<(u64, Encoded)> {
    let mut of_topic = events.iter().filter(|event| event.topic == topic).peekable();
    let first = of_topic.peek()?.envelope.seq;
    let estimate = of_topic.clone().map(|event| event.value.len() + 160).sum();
    let mut bytes = begin(estimate);
    put_number(&mut bytes, first);
    put_number(&mut bytes, of_topic.peek()?.envelope.epoch);
    let (mut count, mut before): (u32, Option<&Envelope>) = (0, None);
    for event in of_topic {
        put_event(&mut bytes, before, event);
        before = Some(&event.envelope);
        count += 1;
    }
    Some((first, seal(Kind::Events, count, bytes)))
}

fn put_event(into: &mut Vec<u8>, before: Option<&Envelope>, event: &NewEvent) {
    let envelope = &event.envelope;
    let flags = before.map_or(0, |before| same_as(before, envelope));
    into.push(flags | if envelope.traceparent.is_some() { HAS_TRACE } else { 0 });
    let mut text = |flag: u8, text: &str| {
        if flags & flag == 0 {
            put_bytes(into, text.as_bytes());
        }
    };
    text(SAME_TYPE, &envelope.event_type);
    text(SAME_SUBJECT, &envelope.subject);
    text(SAME_ACTOR, &envelope.actor);
    text(SAME_CAUSATION, envelope.causation.as_str());
    text(SAME_CORRELATION, envelope.correlation.as_str());
    if let Some(trace) = &envelope.traceparent {
        text(SAME_TRACE, trace);
    }
    if flags & SAME_TIME == 0 {
        put_number(into, envelope.time.millis().cast_unsigned());
    }
    put_bytes(into, &event.value);
}

fn same_as(before: &Envelope, envelope: &Envelope) -> u8 {
    let flag = |same: bool, flag: u8| if same { flag } else { 0 };
    flag(before.event_type == envelope.event_type, SAME_TYPE)
        | flag(before.subject == envelope.subject, SAME_SUBJECT)
        | flag(before.time == envelope.time, SAME_TIME)
        | flag(before.actor == envelope.actor, SAME_ACTOR)
        | flag(before.causation == envelope.causation, SAME_CAUSATION)
        | flag(before.correlation == envelope.correlation, SAME_CORRELATION)
        | flag(before.traceparent.is_some() && before.traceparent == envelope.traceparent, SAME_TRACE)
}

/// Where a batch stood, and from where on it is wanted.
#[derive(Debug, Clone, Copy)]
pub(in crate::sqlite) struct Place {
    pub(in crate::sqlite) topic: Topic,
    pub(in crate::sqlite) partition: u32,
    /// The offset of its first record.
    pub(in crate::sqlite) first: u64,
    /// Records before this offset are skipped.
    pub(in crate::sqlite) from: u64,
}

/// Decodes a batch and gives the offset after it.
pub(in crate::sqlite) fn decode(bytes: &[u8], at: Place, out: &mut Vec<Record>) -> Result<u64, Damage> {
    let (count, mut cursor) = open(Kind::Events, bytes)?;
    let first_seq = cursor.number()?;
    let epoch = cursor.number()?;
    // The offset of an event is its seq less one; a row under another key than its own is damage.
    if first_seq != at.first + 1 {
        return Err(Damage::Malformed);
    }
    let start = out.len();
    for seq in (first_seq..).take(count as usize) {
        let before = out[start..].last().and_then(|record| record.envelope.as_ref());
        let (envelope, value) = take_event(&mut cursor, before, seq, epoch)?;
        out.push(Record {
            topic: at.topic,
            partition: at.partition,
            offset: seq - 1,
            key: envelope.subject.clone(),
            envelope: Some(envelope),
            headers: Vec::new(),
            value: Some(value.to_vec()),
        });
    }
    cursor.end()?;
    let unwanted = at.from.saturating_sub(at.first).min(u64::from(count));
    out.drain(start..start + unwanted as usize);
    Ok(at.first + u64::from(count))
}

fn take_event<'a>(
    cursor: &mut Cursor<'a>,
    before: Option<&Envelope>,
    seq: u64,
    epoch: u64,
) -> Result<(Envelope, &'a [u8]), Damage> {
    let flags = cursor.byte()?;
    let same = |flag: u8| if flags & flag == 0 { Ok(None) } else { before.map(Some).ok_or(Damage::Malformed) };
    let event_type = match same(SAME_TYPE)? {
        Some(before) => before.event_type.clone(),
        None => known_type(cursor.text()?),
    };
    let subject = match same(SAME_SUBJECT)? {
        Some(before) => before.subject.clone(),
        None => cursor.text()?.to_owned(),
    };
    let actor = match same(SAME_ACTOR)? {
        Some(before) => before.actor.clone(),
        None => cursor.text()?.to_owned(),
    };
    let causation = match same(SAME_CAUSATION)? {
        Some(before) => before.causation.clone(),
        None => CommandId::parse(cursor.text()?).map_err(|_| Damage::Malformed)?,
    };
    let correlation = match same(SAME_CORRELATION)? {
        Some(before) => before.correlation.clone(),
        None => CorrelationId::parse(cursor.text()?).map_err(|_| Damage::Malformed)?,
    };
    let traceparent = match (flags & HAS_TRACE != 0, same(SAME_TRACE)?) {
        (false, _) => None,
        (true, Some(before)) => before.traceparent.clone(),
        (true, None) => Some(cursor.text()?.to_owned()),
    };
    let time = match same(SAME_TIME)? {
        Some(before) => before.time,
        None => Timestamp::from_millis(cursor.number()?.cast_signed()),
    };
    let value = cursor.bytes()?;
    Ok((Envelope { event_type, subject, time, seq, epoch, actor, causation, correlation, traceparent }, value))
}

/// The type as this build names it, without a copy; a type that it does not know is the reader's business.
fn known_type(name: &str) -> Cow<'static, str> {
    let known = Event::types().find(|known| *known == name);
    known.map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64, subject: &str, trace: Option<&str>) -> NewEvent {
        let envelope = Envelope {
            event_type: "stockfold.inventory.item-listed.v1".into(),
            subject: subject.to_owned(),
            time: Timestamp::from_millis(1_790_000_000_000 + seq.cast_signed() / 2),
            seq,
            epoch: 3,
            actor: "service:shop".to_owned(),
            causation: CommandId::parse(&format!("c-{}", seq / 2)).expect("an id"),
            correlation: CorrelationId::parse("r-1").expect("an id"),
            traceparent: trace.map(str::to_owned),
        };
        NewEvent { topic: Topic::InventoryEvents, envelope, value: format!("{{\"seq\":{seq}}}").into_bytes() }
    }

    fn batch() -> Vec<NewEvent> {
        let traces = [None, Some("00-a"), Some("00-a"), None, Some("00-b")];
        (41..).zip(traces).map(|(seq, trace)| event(seq, if seq < 44 { "sku-1" } else { "sku-2" }, trace)).collect()
    }

    fn place(from: u64) -> Place {
        Place { topic: Topic::InventoryEvents, partition: 2, first: 40, from }
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let events = batch();
        let (first, encoded) = encode(Topic::InventoryEvents, &events).expect("events");
        assert_eq!((first, encoded.count), (41, 5));
        let mut records = Vec::new();
        assert_eq!(decode(&encoded.bytes, place(0), &mut records), Ok(45));
        let read: Vec<_> =
            records.iter().map(|r| (r.offset, r.key.clone(), r.envelope.clone(), r.value.clone())).collect();
        let written = events
            .into_iter()
            .map(|e| (e.envelope.seq - 1, e.envelope.subject.clone(), Some(e.envelope), Some(e.value)));
        assert_eq!(read, written.collect::<Vec<_>>());
    }

    #[test]
    fn a_reader_that_begins_in_the_middle_gets_the_rest() {
        let (_, encoded) = encode(Topic::InventoryEvents, &batch()).expect("events");
        let mut records = Vec::new();
        assert_eq!(decode(&encoded.bytes, place(43), &mut records), Ok(45));
        assert_eq!(records.iter().map(|record| record.offset).collect::<Vec<_>>(), [43, 44]);
    }

    #[test]
    fn bytes_under_another_key_are_damage() {
        let (_, encoded) = encode(Topic::InventoryEvents, &batch()).expect("events");
        let elsewhere = Place { first: 41, ..place(0) };
        assert_eq!(decode(&encoded.bytes, elsewhere, &mut Vec::new()), Err(Damage::Malformed));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let (_, encoded) = encode(Topic::InventoryEvents, &batch()).expect("events");
        for byte in 0..encoded.bytes.len() {
            for flip in [0x01, 0x10, 0x80, 0xff] {
                let mut damaged = encoded.bytes.clone();
                damaged[byte] ^= flip;
                let _ = decode(&damaged, place(0), &mut Vec::new());
            }
            assert!(decode(&encoded.bytes[..byte], place(0), &mut Vec::new()).is_err());
        }
    }
}
