//! `topics.yaml` says what is true of this build.

use event_log::kafka::{
    MAX_RECORD_BYTES,
    admin::{Cleanup, Retention, TopicEntry, TopicList, topics},
};
use schemas::{
    Topic, cart::CartEvent, drop::DropEvent, follows::FollowsEvent, item::ItemEvent, order::OrderEvent,
    shopper::ShopperEvent, store::StoreEvent, warehouse::WarehouseEvent,
};
use std::{collections::BTreeSet, path::Path};

const HOUR_MS: u64 = 3_600_000;

fn entry(topic: Topic) -> &'static TopicEntry {
    topics().topics.iter().find(|entry| entry.topic == topic).expect("it is in the list")
}

fn number(entry: &TopicEntry, setting: &str) -> u64 {
    topics().settings(entry)[setting].parse().expect("a number")
}

#[test]
fn names_every_topic_once() {
    let listed: Vec<_> = topics().topics.iter().map(|entry| entry.topic).collect();
    let set: BTreeSet<_> = listed.iter().copied().collect();
    assert_eq!(set, Topic::ALL.into_iter().collect());
    assert_eq!(listed.len(), set.len(), "a topic stands twice in the list");
}

#[test]
fn only_what_keeps_the_newest_record_of_a_key_is_compacted() {
    for entry in &topics().topics {
        assert_eq!(entry.cleanup == Cleanup::Compact, entry.topic.is_compacted(), "{}", entry.topic);
    }
}

#[test]
fn names_every_type_of_event_in_its_topic() {
    for topic in Topic::EVENTS {
        let types: &[&str] = match topic {
            Topic::InventoryEvents => ItemEvent::TYPES,
            Topic::OrdersEvents => OrderEvent::TYPES,
            Topic::CartsEvents => CartEvent::TYPES,
            Topic::StoresEvents => StoreEvent::TYPES,
            Topic::WarehousesEvents => WarehouseEvent::TYPES,
            Topic::DropsEvents => DropEvent::TYPES,
            Topic::FollowsEvents => FollowsEvent::TYPES,
            Topic::ShoppersEvents => ShopperEvent::TYPES,
            other => panic!("{other} carries events that this test does not know"),
        };
        assert_eq!(entry(topic).payloads, types, "{topic}");
    }
}

#[test]
fn every_payload_has_its_schema() {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/json");
    for entry in &topics().topics {
        for payload in &entry.payloads {
            assert!(schemas.join(format!("{payload}.json")).exists(), "{}: {payload} has no schema", entry.topic);
        }
    }
    assert_eq!(entry(Topic::Commands).payloads, entry(Topic::InternalCommands).payloads);
}

#[test]
fn events_are_kept_for_ever() {
    for topic in Topic::EVENTS {
        assert_eq!((entry(topic).retention, entry(topic).cleanup), (Retention::Forever, Cleanup::Delete), "{topic}");
        assert_eq!(topics().settings(entry(topic))["retention.ms"], "-1", "{topic}");
    }
}

/// An aggregate remembers the ids of commands for 24 h; Kafka looks what it may remove every five minutes.
#[test]
fn a_clients_command_is_gone_before_its_id_is_forgotten() {
    let commands = entry(Topic::Commands);
    assert!(number(commands, "retention.ms") + number(commands, "segment.ms") + HOUR_MS < 24 * HOUR_MS);
}

#[test]
fn a_topic_takes_the_largest_record_that_is_written() {
    for entry in &topics().topics {
        assert!(number(entry, "max.message.bytes") > u64::from(MAX_RECORD_BYTES), "{}", entry.topic);
    }
}

#[test]
fn no_topic_prefers_being_available_to_being_right() {
    for entry in &topics().topics {
        let settings = topics().settings(entry);
        assert_eq!(settings["unclean.leader.election.enable"], "false", "{}", entry.topic);
        assert_eq!(settings["retention.bytes"], "-1", "{}", entry.topic);
        assert_eq!(settings["message.timestamp.type"], "LogAppendTime", "{}", entry.topic);
    }
}

#[test]
fn every_writer_is_a_service() {
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for entry in &topics().topics {
        assert!(!entry.writers.is_empty(), "{} has no writer", entry.topic);
        // The others publish what suppliers said.
        for writer in entry.writers.iter().filter(|writer| *writer != "suppliers") {
            assert!(services.join(writer).is_dir(), "{}: there is no service `{writer}`", entry.topic);
        }
    }
}

const GOOD: &str = "
settings: {compression.type: producer}
topics:
  - name: commands.v1
    holds: Commands.
    writers: [command-api]
    key: the aggregate
    partitions: shards
    retention: 90m
    cleanup: delete
    payloads: []
";

fn refusal(replace: &str, with: &str) -> String {
    assert!(GOOD.contains(replace));
    TopicList::parse(&GOOD.replace(replace, with)).expect_err("refused")
}

#[test]
fn a_list_is_read_as_it_stands() {
    let list = TopicList::parse(GOOD).expect("a good list");
    let [commands] = list.topics.as_slice() else { panic!("one topic") };
    assert_eq!(commands.topic, Topic::Commands);
    assert_eq!(commands.retention.to_string(), "90m");
    let settings = list.settings(commands);
    let settings: Vec<_> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(settings, ["cleanup.policy=delete", "compression.type=producer", "retention.ms=5400000"]);
}

#[test]
fn an_unknown_field_is_refused() {
    assert!(refusal("holds:", "owner: nobody\n    holds:").contains("owner"));
    assert!(refusal("topics:", "topic: 1\ntopics:").contains("topic"));
}

#[test]
fn an_unknown_topic_or_value_is_refused() {
    assert!(refusal("commands.v1", "comands.v1").contains("there is no topic `comands.v1`"));
    assert!(refusal("90m", "90").contains("retention"));
    assert!(refusal("90m", "always").contains("retention"));
    assert!(refusal("partitions: shards", "partitions: 0").contains("partitions"));
    assert!(refusal("cleanup: delete", "cleanup: both").contains("both"));
}
