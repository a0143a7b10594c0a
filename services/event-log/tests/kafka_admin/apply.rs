//! On a real cluster of one broker.

use super::{ONE, options};
use event_log::{
    LogError,
    kafka::{
        KafkaConfig,
        admin::{Applied, Change, Copies, Options, apply, check, topics},
    },
};
use rdkafka::{
    admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
};
use schemas::{ShardCount, Topic};
use std::time::{Duration, Instant};

/// A namespace of its own on the shared broker.
fn fresh() -> KafkaConfig {
    let namespace = format!("topics-{}", uuid::Uuid::new_v4().simple());
    KafkaConfig { namespace, ..KafkaConfig::new(engines::kafka().bootstrap()) }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn admin(config: &KafkaConfig) -> AdminClient<DefaultClientContext> {
    config.client().create().expect("a client")
}

/// Sets these and no other settings on a topic, as an operator could.
fn alter(config: &KafkaConfig, topic: Topic, settings: &[(&str, &str)]) {
    let name = config.topic(topic);
    let alter = AlterConfig::new(ResourceSpecifier::Topic(&name));
    let alter = settings.iter().fold(alter, |alter, (setting, value)| alter.set(setting, value));
    let results = block_on(admin(config).alter_configs([&alter], &AdminOptions::new())).expect("an answer");
    results.into_iter().for_each(|result| drop(result.expect("it is set")));
}

fn own_setting(config: &KafkaConfig, topic: Topic, setting: &str) -> Option<String> {
    let name = config.topic(topic);
    let asked = [ResourceSpecifier::Topic(&name)];
    let described = block_on(admin(config).describe_configs(&asked, &AdminOptions::new())).expect("an answer");
    let resource = described.into_iter().next().expect("a topic").expect("described");
    resource.get(setting).and_then(|entry| entry.value.clone())
}

fn lines(applied: &Applied) -> Vec<String> {
    applied.changes.iter().map(|change| format!("{}: {change}", change.topic())).collect()
}

#[test]
fn makes_all_topics_once() {
    let config = fresh();
    let first = apply(&config, options(3, ONE)).expect("applied");
    assert!(first.applied);
    assert_eq!(first.changes.len(), Topic::ALL.len());
    assert!(first.changes.iter().all(|change| matches!(change, Change::Create { .. })), "{:?}", lines(&first));
    let second = apply(&config, options(3, ONE)).expect("applied");
    assert_eq!(lines(&second), [""; 0]);
    assert_eq!(second.topics, topics().topics.iter().map(|entry| config.topic(entry.topic)).collect::<Vec<_>>());
}

#[test]
fn a_dry_run_changes_nothing() {
    let config = fresh();
    let dry = Options { dry_run: true, ..options(2, ONE) };
    let told = apply(&config, dry).expect("told");
    assert!(!told.applied && told.changes.len() == Topic::ALL.len());
    let error = check(&config).expect_err("there are no topics").to_string();
    assert!(error.contains("topics are missing") && error.contains("`stockfold topics apply`"), "{error}");
}

#[test]
fn another_number_of_shards_is_refused_and_nothing_is_changed() {
    let config = fresh();
    apply(&config, options(2, ONE)).expect("applied");
    alter(&config, Topic::Commands, &[("retention.ms", "1000000")]);
    let refused = apply(&config, options(4, ONE)).expect("an answer");
    assert!(refused.is_refused() && !refused.applied);
    let text = ": has 2 partitions, needs 4: the number of shards is fixed when the cluster is created";
    assert!(lines(&refused).contains(&format!("{}{text}", config.topic(Topic::Commands))), "{:?}", lines(&refused));
    assert_eq!(own_setting(&config, Topic::Commands, "retention.ms").as_deref(), Some("1000000"));
}

#[test]
fn more_copies_than_a_topic_has_are_refused() {
    let config = fresh();
    let one = ONE;
    apply(&config, options(1, one)).expect("applied");
    let refused = apply(&config, options(1, Copies::default())).expect("an answer");
    assert!(refused.is_refused() && !refused.applied, "{:?}", lines(&refused));
}

#[test]
fn more_copies_than_brokers_are_refused_with_what_would_do() {
    let config = fresh();
    match apply(&config, options(1, Copies { replication: 9, min_isr: 2 })) {
        Err(LogError::Mismatch(text)) => {
            assert!(text.contains("9 brokers") && text.contains("--replication"), "{text}")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn more_acknowledging_copies_than_copies_are_refused() {
    let error =
        apply(&KafkaConfig::new("nowhere:1"), options(1, Copies { replication: 2, min_isr: 3 })).expect_err("refused");
    assert!(matches!(error, LogError::Mismatch(_)), "{error}");
}

#[test]
fn what_was_changed_by_hand_is_set_back_and_the_rest_is_kept() {
    let config = fresh();
    apply(&config, options(1, ONE)).expect("applied");
    // This drops what was set before: a topic that fell back to the brokers' own settings.
    alter(&config, Topic::OrdersEvents, &[("retention.ms", "60000"), ("flush.ms", "5000")]);
    let mended = apply(&config, options(1, ONE)).expect("applied");
    assert!(mended.changes.iter().all(|change| change.topic() == config.topic(Topic::OrdersEvents)));
    let changed = format!("{}: retention.ms: 60000 -> -1", config.topic(Topic::OrdersEvents));
    assert!(lines(&mended).contains(&changed), "{:?}", lines(&mended));
    assert_eq!(own_setting(&config, Topic::OrdersEvents, "retention.ms").as_deref(), Some("-1"));
    assert_eq!(own_setting(&config, Topic::OrdersEvents, "flush.ms").as_deref(), Some("5000"));
    assert_eq!(lines(&apply(&config, options(1, ONE)).expect("applied")), [""; 0]);
}

#[test]
fn replies_grow_where_there_are_too_few() {
    let config = fresh();
    let name = config.topic(Topic::Replies);
    let small = NewTopic::new(&name, 2, TopicReplication::Fixed(1));
    let made = block_on(admin(&config).create_topics([&small], &AdminOptions::new())).expect("an answer");
    made.into_iter().for_each(|result| drop(result.expect("made")));
    let grown = apply(&config, options(1, ONE)).expect("applied");
    assert!(grown.changes.contains(&Change::Grow { topic: name, from: 2, to: 32 }), "{:?}", lines(&grown));
    assert_eq!(lines(&apply(&config, options(1, ONE)).expect("applied")), [""; 0]);
}

#[test]
fn a_start_refuses_what_may_lose_records_unless_that_is_allowed() {
    let config = fresh();
    apply(&config, options(5, ONE)).expect("applied");
    let error = check(&config).expect_err("one broker").to_string();
    for text in ["fewer than 3 copies", "min.insync.replicas is below 2", "--allow-unsafe", "stockfold topics apply"] {
        assert!(error.contains(text), "`{text}` is not in: {error}");
    }
    let allowed = KafkaConfig { allow_unsafe: true, ..config };
    assert_eq!(check(&allowed).expect("allowed").get(), 5);
}

/// Asks until the answer is as expected: a change reaches one broker after the other.
fn check_until(config: &KafkaConfig, expected: impl Fn(&Result<ShardCount, String>) -> bool) {
    let start = Instant::now();
    loop {
        let answer = check(config).map_err(|error| error.to_string());
        if expected(&answer) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{answer:?}");
    }
}

#[test]
fn three_brokers_keep_what_they_acknowledge() {
    let cluster = engines::KafkaCluster::start(3);
    let config = KafkaConfig::new(cluster.bootstrap());
    assert!(apply(&config, options(2, Copies::default())).expect("applied").applied);
    check_until(&config, |answer| answer.as_ref().is_ok_and(|shards| shards.get() == 2));
    // As a later operator might, who knows of one broker only.
    let fewer = Copies { replication: 3, min_isr: 1 };
    assert!(apply(&config, options(2, fewer)).expect("applied").applied);
    let is_told = |error: &String| error.contains("min.insync.replicas is below 2") && !error.contains("copies");
    check_until(&config, |answer| answer.as_ref().is_err_and(is_told));
}

#[test]
fn brokers_that_do_not_answer_are_named() {
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
    let error = check(&KafkaConfig::new(format!("127.0.0.1:{port}"))).expect_err("nobody is there");
    assert!(matches!(error, LogError::Unavailable(_)));
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
}
