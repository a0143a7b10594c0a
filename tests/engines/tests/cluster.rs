//! Clusters whose nodes are killed, stopped and started again.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use engines::{CqlCluster, KafkaCluster, cql_answers, kafka_answers, kafka_tool};

const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";

/// Asks until the answer is the wanted one: a resumed process has other work first.
fn becomes(wanted: bool, answers: fn(SocketAddr) -> bool, address: SocketAddr) -> bool {
    let begun = Instant::now();
    while answers(address) != wanted {
        if begun.elapsed() > Duration::from_secs(60) {
            return false;
        }
    }
    true
}

fn described(bootstrap: &str, topic: &str) -> String {
    let output = kafka_tool(TOPICS, &["--bootstrap-server", bootstrap, "--describe", "--topic", topic]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn three_brokers_lose_one_and_take_it_back() {
    let kafka = KafkaCluster::start(3);
    let all = kafka.bootstrap();
    let created = kafka_tool(TOPICS, &["--bootstrap-server", &all, "--create", "--topic", "t", "--partitions", "1"]);
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    let before = described(&all, "t");
    assert!(before.contains("ReplicationFactor: 3") && before.contains("min.insync.replicas=2"), "{before}");

    kafka.kill(0);
    assert!(!kafka.are_alive() && !kafka_answers(kafka.address(0)));
    let survivors = format!("{},{}", kafka.address(1), kafka.address(2));
    let begun = Instant::now();
    while !described(&survivors, "t").lines().any(|line| in_sync(line) == Some(2)) {
        assert!(begun.elapsed() < Duration::from_secs(180), "{}", described(&survivors, "t"));
    }

    kafka.restart(0);
    assert!(kafka.are_alive() && kafka_answers(kafka.address(0)));
    while !described(&all, "t").lines().any(|line| in_sync(line) == Some(3)) {
        assert!(begun.elapsed() < Duration::from_secs(300), "{}", described(&all, "t"));
    }
}

/// How many replicas a line of the topic tool names as in sync.
fn in_sync(line: &str) -> Option<usize> {
    let replicas = line.split("Isr: ").nth(1)?.split_whitespace().next()?;
    Some(replicas.split(',').count())
}

#[test]
fn a_paused_broker_is_silent_until_it_is_resumed() {
    let kafka = KafkaCluster::start(1);
    kafka.pause(0);
    assert!(becomes(false, kafka_answers, kafka.address(0)) && kafka.are_alive());
    kafka.resume(0);
    assert!(becomes(true, kafka_answers, kafka.address(0)));
}

#[test]
fn a_broker_whose_disk_is_full_stops_itself_and_comes_back() {
    let kafka = KafkaCluster::start(1);
    kafka.fill_disk(0);
    let begun = Instant::now();
    while kafka.are_alive() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it goes on");
        std::thread::sleep(Duration::from_millis(50));
    }
    kafka.restart(0);
    assert!(kafka.serves(0));
    let created = kafka_tool(TOPICS, &["--bootstrap-server", &kafka.bootstrap(), "--create", "--topic", "t"]);
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
}

#[test]
fn two_cql_nodes_lose_one_and_take_it_back() {
    let cql = CqlCluster::start(2);
    assert_eq!(cql.address(0).port(), cql.address(1).port(), "drivers use one port for all nodes");
    cql.kill(1);
    assert!(!cql_answers(cql.address(1)) && cql_answers(cql.address(0)));
    cql.restart(1);
    assert!(cql_answers(cql.address(1)));
    cql.pause(0);
    assert!(becomes(false, cql_answers, cql.address(0)));
    cql.resume(0);
    assert!(becomes(true, cql_answers, cql.address(0)));
}
