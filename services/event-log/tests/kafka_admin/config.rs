//! What a client is told.

use event_log::{
    LogError,
    kafka::{KafkaConfig, Sasl, SaslMechanism, Security, Tls},
};
use schemas::{Password, Topic};
use std::path::PathBuf;

const PASSWORD: &str = "correct horse battery staple";

fn sasl(mechanism: SaslMechanism) -> Option<Sasl> {
    Some(Sasl { mechanism, user: "shop".to_owned(), password: Password::new(PASSWORD.to_owned()) })
}

fn config(tls: Option<Tls>, sasl: Option<Sasl>) -> KafkaConfig {
    KafkaConfig { security: Security { tls, sasl }, ..KafkaConfig::new("broker-1:9092") }
}

#[test]
fn a_topic_stands_in_its_namespace() {
    let config = KafkaConfig { namespace: "shop".to_owned(), ..KafkaConfig::new("b:1") };
    assert_eq!(config.topic(Topic::OrdersEvents), "shop.orders.events.v1");
}

#[test]
fn the_protocol_follows_from_tls_and_user() {
    let of = |tls, sasl| config(tls, sasl).client().get("security.protocol").map(str::to_owned).expect("set");
    let scram = || sasl(SaslMechanism::ScramSha512);
    assert_eq!(of(None, None), "plaintext");
    assert_eq!(of(Some(Tls::default()), None), "ssl");
    assert_eq!(of(None, scram()), "sasl_plaintext");
    assert_eq!(of(Some(Tls::default()), scram()), "sasl_ssl");
}

#[test]
fn tls_knows_whom_to_trust_and_checks_names() {
    let client = config(Some(Tls::default()), None).client();
    assert_eq!(client.get("ssl.ca.location"), Some("probe"));
    assert_eq!(client.get("ssl.endpoint.identification.algorithm"), Some("https"));
    let path = |name: &str| Some(PathBuf::from(name));
    let client = config(Some(Tls { ca: path("ca"), certificate: path("cert"), key: path("key") }), None).client();
    let names = ["ssl.ca.location", "ssl.certificate.location", "ssl.key.location"];
    assert_eq!(names.map(|name| client.get(name)), [Some("ca"), Some("cert"), Some("key")]);
}

#[test]
fn every_mechanism_is_one_that_the_client_knows() {
    for mechanism in SaslMechanism::ALL {
        assert_eq!(SaslMechanism::from_name(&mechanism.name().to_lowercase()), Some(mechanism));
        let client = config(None, sasl(mechanism)).client();
        assert_eq!(client.get("sasl.mechanism"), Some(mechanism.name()));
        client.create_native_config().expect("librdkafka takes it");
    }
    assert_eq!(SaslMechanism::from_name("GSSAPI"), None);
}

#[test]
fn a_password_is_never_printed() {
    let config = config(None, sasl(SaslMechanism::ScramSha256));
    assert_eq!(config.client().get("sasl.password"), Some(PASSWORD));
    for printed in [format!("{config:?}"), format!("{config:#?}"), format!("{:?}", config.client())] {
        assert!(!printed.contains("horse"), "{printed}");
    }
}

#[test]
fn what_cannot_work_is_refused_before_it_is_tried() {
    let refused = |config: KafkaConfig| match config.validate() {
        Err(LogError::Mismatch(text)) => text,
        other => panic!("{other:?}"),
    };
    let good = || config(None, None);
    good().validate().expect("a good configuration");
    assert!(refused(KafkaConfig::new(" ")).contains("brokers"));
    for namespace in ["", "a b", "ä", &"x".repeat(201)] {
        assert!(refused(KafkaConfig { namespace: namespace.to_owned(), ..good() }).contains("namespace"));
    }
    let half = Tls { certificate: Some(PathBuf::from("cert")), ..Tls::default() };
    assert!(refused(config(Some(half), None)).contains("key"));
}

#[test]
fn a_plain_password_is_sent_over_tls_only() {
    let plain = || config(None, sasl(SaslMechanism::Plain));
    assert!(plain().validate().expect_err("refused").to_string().contains("TLS"));
    KafkaConfig { allow_unsafe: true, ..plain() }.validate().expect("allowed");
    config(Some(Tls::default()), sasl(SaslMechanism::Plain)).validate().expect("encrypted");
}
