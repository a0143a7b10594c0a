//! How an event is shown outside: the attributes of CloudEvents 1.0, whatever carries them.

use crate::{
    envelope::Envelope,
    ids::{CommandId, CorrelationId},
    position::Position,
    time::Timestamp,
};
use serde::Serialize;
use std::{borrow::Cow, fmt::Display};

const SPECVERSION: &str = "1.0";
const CONTENT_TYPE: &str = "application/json";

/// The header of Kafka's protocol binding, in binary mode, for each attribute that has one and is read back.
mod header {
    pub(super) const TYPE: &str = "ce_type";
    pub(super) const SUBJECT: &str = "ce_subject";
    pub(super) const TIME: &str = "ce_time";
    pub(super) const SEQUENCE: &str = "ce_sequence";
    pub(super) const EPOCH: &str = "ce_epoch";
    pub(super) const ACTOR: &str = "ce_actor";
    pub(super) const CAUSATION: &str = "ce_causationid";
    pub(super) const CORRELATION: &str = "ce_correlationid";
    /// Of W3C Trace Context, where tools look for it.
    pub(super) const TRACEPARENT: &str = "traceparent";
}

/// The attributes of an event. As JSON they are those of the structured mode, in the order of the specification.
#[derive(Debug, Serialize)]
pub struct CloudEvent<'a> {
    specversion: &'static str,
    id: Position,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    subject: &'a str,
    time: Timestamp,
    datacontenttype: &'static str,
    dataschema: String,
    sequence: String,
    epoch: u64,
    actor: &'a str,
    causationid: &'a CommandId,
    correlationid: &'a CorrelationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
}

/// The `source` of all events of a namespace.
#[must_use]
pub fn source(namespace: &str) -> String {
    format!("/{namespace}")
}

impl<'a> CloudEvent<'a> {
    /// The attributes of the event at that position; `source` is what [`source`] makes of the namespace.
    #[must_use]
    pub fn of(envelope: &'a Envelope, id: Position, source: &'a str) -> Self {
        let Envelope { event_type, subject, time, seq, epoch, actor, causation, correlation, traceparent } = envelope;
        Self {
            specversion: SPECVERSION,
            id,
            source,
            event_type,
            subject,
            time: *time,
            datacontenttype: CONTENT_TYPE,
            // The file of that name among the published schemas.
            dataschema: format!("urn:stockfold:schema:{event_type}"),
            sequence: format!("{seq:020}"),
            epoch: *epoch,
            actor,
            causationid: causation,
            correlationid: correlation,
            traceparent: traceparent.as_deref(),
        }
    }

    /// The position.
    #[must_use]
    pub const fn id(&self) -> Position {
        self.id
    }

    /// The headers of Kafka's protocol binding in binary mode.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, Cow<'a, str>)> {
        let text = |value: &dyn Display| Cow::Owned(value.to_string());
        let always = [
            ("content-type", Cow::Borrowed(self.datacontenttype)),
            ("ce_specversion", Cow::Borrowed(self.specversion)),
            ("ce_id", text(&self.id)),
            ("ce_source", Cow::Borrowed(self.source)),
            (header::TYPE, Cow::Borrowed(self.event_type)),
            (header::SUBJECT, Cow::Borrowed(self.subject)),
            (header::TIME, text(&self.time)),
            ("ce_dataschema", text(&self.dataschema)),
            (header::SEQUENCE, text(&self.sequence)),
            (header::EPOCH, text(&self.epoch)),
            (header::ACTOR, Cow::Borrowed(self.actor)),
            (header::CAUSATION, Cow::Borrowed(self.causationid.as_str())),
            (header::CORRELATION, Cow::Borrowed(self.correlationid.as_str())),
        ];
        always.into_iter().chain(self.traceparent.map(|value| (header::TRACEPARENT, Cow::Borrowed(value))))
    }
}

impl Envelope {
    /// Reads the headers that [`CloudEvent::headers`] writes; `None` where they are not those of an event of ours.
    pub fn from_headers<'h>(mut headers: impl FnMut(&str) -> Option<&'h str>) -> Option<Self> {
        Some(Self {
            event_type: headers(header::TYPE)?.to_owned().into(),
            subject: headers(header::SUBJECT)?.to_owned(),
            time: Timestamp::parse(headers(header::TIME)?).ok()?,
            seq: headers(header::SEQUENCE)?.parse().ok()?,
            epoch: headers(header::EPOCH)?.parse().ok()?,
            actor: headers(header::ACTOR)?.to_owned(),
            causation: CommandId::parse(headers(header::CAUSATION)?).ok()?,
            correlation: CorrelationId::parse(headers(header::CORRELATION)?).ok()?,
            traceparent: headers(header::TRACEPARENT).map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topic::Topic;

    fn envelope() -> Envelope {
        Envelope {
            event_type: "stockfold.inventory.hold-granted.v1".into(),
            subject: "sku-1".to_owned(),
            time: Timestamp::parse("2026-01-31T12:00:00.000Z").expect("a time"),
            seq: 42,
            epoch: 7,
            actor: "service:shop".to_owned(),
            causation: CommandId::parse("c-1").expect("an id"),
            correlation: CorrelationId::parse("r-1").expect("an id"),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        }
    }

    const AT: Position = Position { topic: Topic::InventoryEvents, partition: 3, seq: 42 };

    #[test]
    fn headers_carry_the_attributes_and_are_read_back() {
        for envelope in [envelope(), Envelope { traceparent: None, ..envelope() }] {
            let event = CloudEvent::of(&envelope, AT, "/stockfold");
            let headers: Vec<_> = event.headers().collect();
            let find = |name: &str| headers.iter().find(|(other, _)| *other == name).map(|(_, value)| &**value);
            assert_eq!(find("ce_id"), Some("inventory.events.v1/3@42"));
            assert_eq!(find("ce_sequence"), Some("00000000000000000042"));
            assert_eq!(Envelope::from_headers(find), Some(envelope));
        }
    }

    #[test]
    fn both_modes_have_the_same_attributes_and_values() {
        let envelope = envelope();
        let event = CloudEvent::of(&envelope, AT, "/stockfold");
        let json = serde_json::to_value(&event).expect("plain data");
        let json = json.as_object().expect("an object").iter().map(|(name, value)| {
            let name = match name.as_str() {
                "datacontenttype" => "content-type".to_owned(),
                "traceparent" => "traceparent".to_owned(),
                name => format!("ce_{name}"),
            };
            (name, value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        });
        let mut json: Vec<_> = json.collect();
        let mut headers: Vec<_> = event.headers().map(|(name, value)| (name.to_owned(), value.into_owned())).collect();
        json.sort_unstable();
        headers.sort_unstable();
        assert_eq!(json, headers);
    }

    #[test]
    fn what_lacks_an_attribute_is_no_event() {
        assert_eq!(Envelope::from_headers(|_| None), None);
    }
}
