//! `stockfold topics`, as an operator uses it, on a real broker.

use crate::{stockfold, text};
use serde_json::Value;

/// Runs `topics apply` for a namespace of the shared broker; what it printed, what it complained of, and whether it went well.
fn apply(namespace: &str, more: &[&str]) -> (String, String, bool) {
    let brokers = engines::kafka().bootstrap();
    let arguments = ["topics", "apply", "--kafka", brokers, "--namespace", namespace, "--replication", "1"];
    let output = stockfold(&[&arguments, more].concat(), &[]);
    (text(&output.stdout), text(&output.stderr), output.status.success())
}

fn fresh() -> String {
    format!("cli-{}", uuid::Uuid::new_v4().simple())
}

#[test]
fn apply_makes_the_topics_and_then_finds_nothing_to_do() {
    let (namespace, topics) = (fresh(), schemas::Topic::ALL.len());
    let (out, _, well) = apply(&namespace, &["--shards", "2", "--dry-run"]);
    assert!(well && out.contains(&format!("{topics} changes would be made.")), "{out}");
    let (out, _, well) = apply(&namespace, &["--shards", "2"]);
    assert!(well && out.contains(&format!("{topics} changes were made.")), "{out}");
    assert!(out.contains(&format!("{namespace}.orders.events.v1")), "{out}");
    assert!(out.contains("create: 2 partitions, replication 1"), "{out}");
    let (out, _, well) = apply(&namespace, &["--shards", "2", "--json"]);
    let told: Value = serde_json::from_str(&out).expect("JSON");
    assert!(well);
    assert_eq!((&told["applied"], &told["changes"]), (&true.into(), &Value::Array(vec![])));
}

#[test]
fn apply_refuses_another_number_of_shards() {
    let namespace = fresh();
    assert!(apply(&namespace, &["--shards", "2"]).2);
    let (out, error, well) = apply(&namespace, &["--shards", "3"]);
    assert!(!well && error.contains("nothing was changed"), "{error}");
    assert!(out.contains("refused: has 2 partitions, needs 3"), "{out}");
    let (out, _, well) = apply(&namespace, &["--shards", "3", "--json"]);
    let told: Value = serde_json::from_str(&out).expect("JSON");
    assert!(!well && told["applied"] == false, "{told}");
    assert!(told["changes"].as_array().expect("a list").iter().all(|change| change["change"] == "refuse"), "{told}");
}

#[test]
fn apply_without_a_cluster_says_which_setting_is_missing() {
    let output = stockfold(&["topics", "apply"], &[]);
    assert!(!output.status.success() && text(&output.stderr).contains("--kafka"), "{}", text(&output.stderr));
}

#[test]
fn list_tells_every_topic_without_a_cluster() {
    let output = stockfold(&["topics", "list", "--namespace", "shop", "--shards", "9", "--json"], &[]);
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let of =
        |name: &str| told.as_array().expect("a list").iter().find(|row| row["topic"] == name).expect("listed").clone();
    assert_eq!(of("shop.commands.v1")["partitions"], 9);
    assert_eq!(of("shop.orders.events.v1")["settings"]["retention.ms"], "-1");
    assert!(of("shop.orders.events.v1")["payloads"].to_string().contains("stockfold.orders.order-placed.v1"));
    let table = text(&stockfold(&["topics", "list"], &[]).stdout);
    assert!(table.contains("stockfold.dead-letters.v1"), "{table}");
}

#[test]
fn config_show_masks_the_password_of_kafka() {
    let environment =
        [("STOCKFOLD_KAFKA", "broker:9092"), ("STOCKFOLD_KAFKA_USER", "shop"), ("STOCKFOLD_KAFKA_PASSWORD", "horse")];
    let output = stockfold(&["config", "show", "--allow-unsafe", "--kafka-tls=true"], &environment);
    let shown = text(&output.stdout);
    assert!(!shown.contains("horse") && !text(&output.stderr).contains("horse"));
    for (key, value) in
        [("kafka-password", "********"), ("allow-unsafe", "true"), ("kafka-tls", "true"), ("kafka-user", "shop")]
    {
        let line = shown.lines().find(|line| line.split_whitespace().next() == Some(key)).expect("a line of it");
        assert_eq!(line.split_whitespace().nth(1), Some(value), "{line}");
    }
}

#[test]
fn a_user_without_a_password_is_refused_before_any_broker_is_asked() {
    let output = stockfold(&["topics", "apply", "--kafka", "broker:9092", "--kafka-user", "shop"], &[]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("STOCKFOLD_KAFKA_PASSWORD"), "{}", text(&output.stderr));
}
