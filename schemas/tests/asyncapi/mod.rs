//! `schemas/asyncapi.yaml`: every topic for others, made from `topics.yaml` and the types.

mod headers;
mod message;
mod topics;

use crate::is_checked_in;
use schemas::Topic;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use topics::Entry;

/// Of the bindings to Kafka.
const BINDING: &str = "0.5.0";

/// The document, in the order in which one reads it.
#[derive(Serialize)]
struct Document {
    asyncapi: &'static str,
    id: &'static str,
    info: Value,
    #[serde(rename = "defaultContentType")]
    default_content_type: &'static str,
    servers: Value,
    channels: BTreeMap<&'static str, Value>,
    operations: BTreeMap<String, Value>,
    components: Value,
}

/// How the records of a topic look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// CloudEvents of an aggregate.
    Events,
    /// Rows of a view.
    State,
    /// CloudEvents that suppliers write.
    Supplier,
    /// Commands: the engine's own.
    Commands,
    DeadLetters,
}

impl Kind {
    /// None of what is nobody else's business.
    fn of(topic: Topic) -> Option<Self> {
        match topic {
            Topic::Commands | Topic::InternalCommands => Some(Self::Commands),
            Topic::DeadLetters => Some(Self::DeadLetters),
            Topic::SupplierItems => Some(Self::Supplier),
            Topic::ItemsState | Topic::StockState | Topic::OrdersState => Some(Self::State),
            Topic::InventoryEvents
            | Topic::OrdersEvents
            | Topic::CartsEvents
            | Topic::StoresEvents
            | Topic::WarehousesEvents
            | Topic::DropsEvents
            | Topic::FollowsEvents
            | Topic::ShoppersEvents => Some(Self::Events),
            Topic::Snapshots | Topic::Replies => None,
        }
    }

    /// What holds for every topic of the kind, besides what `topics.yaml` says of each.
    const fn about(self) -> &'static str {
        match self {
            Self::Events => {
                "CloudEvents 1.0 in Kafka's binary mode, written in transactions: read with \
                 `isolation.level=read_committed`. `ce_id` is `topic/partition@seq`; `ce_sequence` is dense in each \
                 partition, from 1: what is not above the last one handled is a repeat. Ignore types and fields that you \
                 do not know."
            }
            Self::State => {
                "The newest row of each key: a newer record replaces an older one, and a tombstone (no value) ends it. \
                 `ce_sequence` is that of the last event folded into the row: a record that is not above what you have \
                 of its key is older, and to be ignored."
            }
            Self::Supplier => {
                "Written by suppliers: CloudEvents 1.0, in binary mode (`ce_` headers, the data as value) or in \
                 structured mode (`content-type: application/cloudevents+json`). The key is the item's id, put into its \
                 partition by murmur2, as Java's default does (librdkafka: `partitioner=murmur2_random`). A repeat, by \
                 `source` and `sequence`, changes nothing. What cannot be used goes to dead-letters.v1."
            }
            Self::Commands => {
                "Of the engine's own services: nobody else writes here, and commands are sent over HTTP. A value is the \
                 command with what travels with it."
            }
            Self::DeadLetters => {
                "For operators, who read and redrive them over HTTP. `isolation.level=read_committed`. The value is \
                 JSON; `topic/partition@offset` is its id."
            }
        }
    }
}

fn document() -> Document {
    let entries = topics::entries();
    let shown = || entries.iter().filter_map(|entry| Some((entry, entry.topic(), Kind::of(entry.topic())?)));
    let messages: BTreeMap<String, Value> = shown()
        .flat_map(|(entry, _, kind)| message::of(entry, kind))
        .map(|(name, message)| (name, message.json))
        .collect();
    Document {
        asyncapi: "3.1.0",
        id: "urn:stockfold",
        info: info(),
        default_content_type: "application/json",
        servers: servers(),
        channels: shown().map(|(entry, topic, kind)| (topic.name(), channel(entry, topic, kind))).collect(),
        operations: shown().map(|(_, topic, kind)| (operation_name(topic, kind), operation(topic, kind))).collect(),
        components: json!({"messages": messages, "schemas": headers::schemas()}),
    }
}

fn info() -> Value {
    json!({
        "title": "Stockfold",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "The topics of Stockfold on Kafka. Which calls there are besides is in openapi.json, how to write a \
                        consumer or a producer in docs/integrators.md. Payloads are JSON Schemas of 2020-12, a file each in \
                        schemas/json. A version of a type never changes but by optional fields; what is incompatible is a \
                        new type.",
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
    })
}

fn servers() -> Value {
    json!({"kafka": {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "A cluster of three brokers or more.",
        "variables": {"bootstrap": {"default": "127.0.0.1:9092", "description": "`host:port` of a broker."}},
        "bindings": {"kafka": {"bindingVersion": BINDING}},
    }})
}

fn channel(entry: &Entry, topic: Topic, kind: Kind) -> Value {
    let messages: BTreeMap<String, Value> = message::of(entry, kind)
        .map(|(name, _)| (name.clone(), json!({"$ref": format!("#/components/messages/{name}")})))
        .collect();
    let partitions = "One partition per shard (16 unless the cluster was made for another number).";
    let order = format!("Records of one key are in one partition, in order. The key: {}.", entry.key);
    json!({
        "address": format!("{{namespace}}.{topic}"),
        "title": topic.name(),
        "summary": entry.holds,
        "description": format!("{} {partitions} {order}", kind.about()),
        "parameters": {"namespace": {"default": "stockfold", "description": "The engine's `namespace` setting."}},
        "messages": messages,
        "bindings": {"kafka": {"topicConfiguration": entry.configuration(), "bindingVersion": BINDING}},
        "x-key": entry.key,
        "x-writers": entry.writers,
    })
}

/// `InventoryEvents` of `inventory.events.v1`.
fn words(topic: Topic) -> String {
    let words = topic.name().split(['.', '-']).filter(|word| *word != "v1");
    words.map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..])).collect()
}

fn operation_name(topic: Topic, kind: Kind) -> String {
    let verb = if kind == Kind::Supplier { "receive" } else { "send" };
    format!("{verb}{}", words(topic))
}

/// What Stockfold does with a topic; others do the opposite, with the settings that it says.
fn operation(topic: Topic, kind: Kind) -> Value {
    let channel = json!({"$ref": format!("#/channels/{topic}")});
    let bindings = json!({"kafka": {"bindingVersion": BINDING}});
    if kind == Kind::Supplier {
        let settings = json!({"acks": "all", "enable.idempotence": true, "partitioner": "murmur2_random"});
        return json!({"action": "receive", "channel": channel, "bindings": bindings, "x-producer-settings": settings,
            "summary": "Suppliers write, Stockfold reads."});
    }
    let summary = if kind == Kind::Commands { "Within Stockfold." } else { "Stockfold writes, others read." };
    json!({"action": "send", "channel": channel, "bindings": bindings, "summary": summary,
        "x-consumer-settings": {"isolation.level": "read_committed", "auto.offset.reset": "earliest"}})
}

/// The document as text.
pub fn text() -> String {
    let yaml = serde_saphyr::to_string(&document()).expect("a document is YAML");
    format!("# Made by `make schemas` from topics.yaml and the Rust types: edit those.\n{yaml}")
}

#[test]
fn asyncapi_is_that_of_the_topics_and_types() {
    is_checked_in("asyncapi.yaml", &text());
}

#[test]
fn every_payload_of_a_topic_is_published() {
    for entry in topics::entries() {
        for payload in &entry.payloads {
            assert!(crate::registry::all().contains_key(payload), "{payload} of {} is not published", entry.name);
        }
    }
}
