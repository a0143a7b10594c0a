//! On a real broker that shows who it is and asks who we are.

use super::{ONE, options};
use engines::KafkaCluster;
use event_log::kafka::{
    KafkaConfig, Sasl, SaslMechanism, Security, Tls,
    admin::{apply, check},
};
use schemas::Password;
use std::{path::PathBuf, sync::LazyLock};

const PASSWORD: &str = "correct-horse";

static BROKER: LazyLock<KafkaCluster> = LazyLock::new(|| KafkaCluster::with_scram("shop", PASSWORD));

fn config(ca: Option<PathBuf>, password: &str) -> KafkaConfig {
    let sasl = Sasl {
        mechanism: SaslMechanism::ScramSha256,
        user: "shop".to_owned(),
        password: Password::new(password.to_owned()),
    };
    let tls = Tls { ca, ..Tls::default() };
    KafkaConfig {
        security: Security { tls: Some(tls), sasl: Some(sasl) },
        allow_unsafe: true,
        ..KafkaConfig::new(BROKER.bootstrap())
    }
}

fn ca() -> Option<PathBuf> {
    Some(BROKER.ca_pem().expect("its certificate").to_owned())
}

#[test]
fn topics_are_made_and_checked_over_tls_by_a_user_with_a_password() {
    let config = config(ca(), PASSWORD);
    assert!(apply(&config, options(2, ONE)).expect("applied").applied);
    assert_eq!(check(&config).expect("usable").get(), 2);
}

#[test]
fn a_wrong_password_is_told_and_not_shown() {
    let error = check(&config(ca(), "wrong-staple")).expect_err("refused").to_string();
    assert!(error.to_lowercase().contains("authentication failed"), "{error}");
    assert!(!error.contains("staple"), "{error}");
}

#[test]
fn a_broker_that_nobody_vouches_for_is_refused() {
    let error = check(&config(None, PASSWORD)).expect_err("refused").to_string();
    assert!(error.contains("certificate"), "{error}");
}
