//! What must change, by cases.

use super::{existing_topics, set, wanted_topics};
use event_log::kafka::{
    KafkaConfig,
    admin::{Change, Existing, plan},
};

/// A cluster as it should be, but for one topic.
fn with(topic: &str, change: impl FnOnce(&mut Existing)) -> Vec<Change> {
    let config = KafkaConfig::new("");
    let mut existing = existing_topics(&config);
    change(existing.iter_mut().find(|existing| existing.name == topic).expect("it exists"));
    plan(&existing, &wanted_topics(&config))
}

#[test]
fn nothing_changes_where_all_is_as_wanted() {
    assert_eq!(with("stockfold.commands.v1", |_| {}), []);
}

#[test]
fn a_new_cluster_gets_every_topic() {
    let wanted = wanted_topics(&KafkaConfig::new(""));
    let changes = plan(&[], &wanted);
    assert_eq!(changes.len(), wanted.len());
    for (change, wanted) in changes.iter().zip(&wanted) {
        let Change::Create { topic, partitions, replication, settings } = change else { panic!("{change}") };
        assert_eq!((topic, partitions), (&wanted.name, &wanted.partitions));
        assert_eq!((replication, settings), (&3, &wanted.settings));
        assert_eq!(settings["min.insync.replicas"], "2");
    }
    assert_eq!(changes[0].topic(), "stockfold.commands.v1");
    assert_eq!(changes[0].to_string(), "create: 4 partitions, replication 3");
}

#[test]
fn topics_of_another_namespace_are_left_alone() {
    let theirs = KafkaConfig { namespace: "theirs".to_owned(), ..KafkaConfig::new("") };
    let wanted = wanted_topics(&KafkaConfig::new(""));
    assert_eq!(plan(&existing_topics(&theirs), &wanted), plan(&[], &wanted));
}

#[test]
fn a_setting_that_differs_is_set() {
    let changes = with("stockfold.inventory.events.v1", |topic| set(topic, "retention.ms", "604800000"));
    let change = Change::Set {
        topic: "stockfold.inventory.events.v1".to_owned(),
        setting: "retention.ms".to_owned(),
        from: Some("604800000".to_owned()),
        to: "-1".to_owned(),
    };
    assert_eq!(changes, [change]);
    assert_eq!(changes[0].to_string(), "retention.ms: 604800000 -> -1");
}

#[test]
fn a_setting_that_brokers_do_not_tell_is_set() {
    let changes = with("stockfold.snapshots.v1", |topic| drop(topic.settings.remove("cleanup.policy")));
    assert_eq!(changes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["cleanup.policy: ? -> compact"]);
}

#[test]
fn settings_that_the_list_does_not_name_are_left_alone() {
    assert_eq!(with("stockfold.snapshots.v1", |topic| set(topic, "flush.ms", "1000")), []);
}

#[test]
fn another_number_of_shards_is_refused() {
    for count in [3, 5] {
        let changes = with("stockfold.orders.events.v1", |topic| topic.partitions = count);
        assert!(changes[0].is_refusal());
        let text =
            format!("has {count} partitions, needs 4: the number of shards is fixed when the cluster is created");
        assert_eq!(changes.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
    }
}

#[test]
fn a_topic_that_is_no_shards_grows_and_never_shrinks() {
    let changes = with("stockfold.replies.v1", |topic| topic.partitions = 8);
    assert_eq!(changes, [Change::Grow { topic: "stockfold.replies.v1".to_owned(), from: 8, to: 32 }]);
    assert_eq!(with("stockfold.replies.v1", |topic| topic.partitions = 64), []);
}

#[test]
fn fewer_copies_are_refused_and_more_are_fine() {
    let changes = with("stockfold.commands.v1", |topic| topic.replication = 1);
    let [Change::Refuse { topic, reason }] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(topic, "stockfold.commands.v1");
    assert!(
        reason.starts_with("has replication 1, needs 3") && reason.contains("kafka-reassign-partitions"),
        "{reason}"
    );
    assert_eq!(with("stockfold.commands.v1", |topic| topic.replication = 5), []);
}
