//! What the tests of one binary share.

use std::net::ToSocketAddrs;

const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";

#[test]
fn kafka_takes_topics_from_its_own_tools() {
    let bootstrap = engines::kafka().bootstrap();
    let topic = format!("engines.{}", std::process::id());
    let told = |args: &[&str]| {
        let output = engines::kafka_tool(TOPICS, &[&["--bootstrap-server", bootstrap], args].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    told(&["--create", "--topic", &topic]);
    assert!(told(&["--list"]).lines().any(|line| line == topic));
}

#[test]
fn the_cql_store_answers_in_its_protocol() {
    for node in engines::cql().nodes().split(',') {
        let addresses = node.to_socket_addrs().expect("an address");
        assert!(addresses.into_iter().any(engines::cql_answers), "{node} is silent");
    }
}

#[test]
fn who_asks_twice_gets_the_same_kafka() {
    assert_eq!(engines::kafka().bootstrap(), engines::kafka().bootstrap());
}
