//! What stands in the way of a start, by cases.

use super::{existing_topics, set, shards};
use event_log::kafka::{
    KafkaConfig,
    admin::{Existing, Findings, findings, topics},
};

fn of(change: impl FnOnce(&mut Vec<Existing>)) -> Findings {
    let config = KafkaConfig::new("");
    let mut existing = existing_topics(&config);
    change(&mut existing);
    findings(&existing, topics(), &config)
}

fn topic<'a>(existing: &'a mut [Existing], name: &str) -> &'a mut Existing {
    existing.iter_mut().find(|topic| topic.name == name).expect("it exists")
}

#[test]
fn a_cluster_as_wanted_passes_and_tells_its_shards() {
    let findings = of(|_| {});
    assert_eq!(findings, Findings { shards: Some(shards(4)), unusable: vec![], may_lose: vec![] });
}

#[test]
fn a_missing_topic_is_named_with_the_command_that_makes_it() {
    let findings = of(|existing| existing.retain(|topic| topic.name != "stockfold.replies.v1"));
    let [fault] = findings.unusable.as_slice() else { panic!("{findings:?}") };
    assert!(fault.contains("stockfold.replies.v1") && fault.contains("`stockfold topics apply`"), "{fault}");
    assert_eq!(of(Vec::clear).shards, None);
}

#[test]
fn topics_that_differ_in_shards_are_unusable() {
    let findings = of(|existing| topic(existing, "stockfold.snapshots.v1").partitions = 3);
    assert_eq!(findings.shards, None);
    let [fault] = findings.unusable.as_slice() else { panic!("{findings:?}") };
    assert!(fault.contains("stockfold.snapshots.v1 has 3") && fault.contains("topics apply"), "{fault}");
}

#[test]
fn another_number_of_reply_partitions_is_fine() {
    let findings = of(|existing| topic(existing, "stockfold.replies.v1").partitions = 3);
    assert_eq!((findings.shards, findings.unusable), (Some(shards(4)), vec![]));
}

#[test]
fn more_shards_than_there_may_be_are_unusable() {
    let findings = of(|existing| existing.iter_mut().for_each(|topic| topic.partitions = 5_000));
    assert!(findings.shards.is_none() && findings.unusable[0].contains("4,096"), "{findings:?}");
}

fn only_risk(change: impl FnOnce(&mut Vec<Existing>)) -> String {
    let findings = of(change);
    assert_eq!((findings.shards, findings.unusable), (Some(shards(4)), vec![]));
    let [risk] = findings.may_lose.as_slice() else { panic!("one risk: {:?}", findings.may_lose) };
    assert!(risk.contains("stockfold topics apply"), "{risk}");
    risk.clone()
}

#[test]
fn fewer_than_three_copies_may_lose_records() {
    let risk = only_risk(|existing| topic(existing, "stockfold.commands.v1").replication = 2);
    assert!(risk.contains("stockfold.commands.v1 has 2"), "{risk}");
    assert!(!risk.contains("orders.events"), "{risk}");
}

#[test]
fn copies_of_kafkas_own_topics_count_too() {
    let settings = std::collections::BTreeMap::new();
    let own = |replication| Existing { name: "__transaction_state".to_owned(), partitions: 50, replication, settings };
    let risk = only_risk(|existing| existing.push(own.clone()(1)));
    assert!(risk.contains("__transaction_state has 1"), "{risk}");
    assert_eq!(of(|existing| existing.push(own(3))).may_lose, [""; 0]);
}

#[test]
fn one_acknowledging_copy_may_lose_records() {
    let risk = only_risk(|existing| set(topic(existing, "stockfold.orders.events.v1"), "min.insync.replicas", "1"));
    assert!(risk.contains("stockfold.orders.events.v1 has 1"), "{risk}");
}

#[test]
fn what_brokers_do_not_tell_counts_as_wrong() {
    let findings = of(|existing| topic(existing, "stockfold.commands.v1").settings.clear());
    let told = findings.may_lose.join("\n");
    for setting in ["min.insync.replicas", "unclean.leader.election.enable", "cleanup.policy"] {
        assert!(told.contains(setting), "{setting} is not in: {told}");
    }
}

#[test]
fn an_unclean_election_may_lose_records() {
    let unclean = "unclean.leader.election.enable";
    let risk = only_risk(|existing| set(topic(existing, "stockfold.commands.v1"), unclean, "true"));
    assert!(risk.contains(unclean) && risk.contains("stockfold.commands.v1"), "{risk}");
}

#[test]
fn events_that_are_removed_are_lost_records() {
    for (setting, value) in
        [("retention.ms", "604800000"), ("retention.bytes", "1073741824"), ("cleanup.policy", "compact")]
    {
        let risk = only_risk(|existing| set(topic(existing, "stockfold.inventory.events.v1"), setting, value));
        assert!(risk.contains(&format!("stockfold.inventory.events.v1 has {setting} {value} instead of")), "{risk}");
    }
}

#[test]
fn another_retention_of_commands_is_the_operators_choice() {
    let findings = of(|existing| set(topic(existing, "stockfold.commands.v1"), "retention.ms", "3600000"));
    assert_eq!(findings.may_lose, [""; 0]);
}

#[test]
fn a_topic_may_take_larger_records_and_not_smaller_ones() {
    let of =
        |bytes: &'static str| of(|existing| set(topic(existing, "stockfold.snapshots.v1"), "max.message.bytes", bytes));
    assert_eq!(of("99999999").may_lose, [""; 0]);
    assert!(of("1048588").may_lose[0].contains("max.message.bytes 1048588 instead of"));
}
