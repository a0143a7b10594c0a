//! The Kafka cluster that the settings name.

use crate::{credentials, settings::Settings};
use anyhow::{Context as _, Result};
use event_log::kafka::{KafkaConfig, Sasl, SaslMechanism, Security, Tls};

/// The cluster, and how to talk to it. Says which setting is wrong, and reads the password's file, but connects to nothing.
pub fn config(settings: &Settings) -> Result<KafkaConfig> {
    let brokers =
        settings.some("kafka").context("no Kafka cluster is named: give --kafka BROKERS, such as broker-1:9092")?;
    let config = KafkaConfig {
        namespace: settings.text("namespace").to_owned(),
        security: Security { tls: tls(settings)?, sasl: sasl(settings)? },
        instance: settings.some("kafka-instance").map(str::to_owned),
        allow_unsafe: settings.switch("allow-unsafe")?,
        ..KafkaConfig::new(brokers)
    };
    config.validate()?;
    Ok(config)
}

fn tls(settings: &Settings) -> Result<Option<Tls>> {
    let file = |key| credentials::pem(settings, key);
    let tls =
        Tls { ca: file("kafka-tls-ca")?, certificate: file("kafka-tls-certificate")?, key: file("kafka-tls-key")? };
    let is_wanted = settings.switch("kafka-tls")? || tls != Tls::default();
    Ok(is_wanted.then_some(tls))
}

fn sasl(settings: &Settings) -> Result<Option<Sasl>> {
    let Some((user, password)) = credentials::user(settings, "kafka")? else { return Ok(None) };
    let name = settings.text("kafka-sasl-mechanism");
    let mechanism = SaslMechanism::from_name(name).with_context(|| {
        let names = SaslMechanism::ALL.map(SaslMechanism::name).join(", ");
        format!("`kafka-sasl-mechanism` is one of {names}, not `{name}`")
    })?;
    Ok(Some(Sasl { mechanism, user, password }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(set: &[(&'static str, &str)]) -> Settings {
        let mut settings = Settings::load(&crate::settings::SettingFlags::default()).expect("loads");
        settings.set("kafka", "broker:9092");
        for (key, value) in set {
            settings.set(key, *value);
        }
        settings
    }

    fn refused(set: &[(&'static str, &str)]) -> String {
        config(&settings(set)).expect_err("refused").to_string()
    }

    #[test]
    fn brokers_alone_are_a_plain_connection() {
        let config = config(&settings(&[("namespace", "shop"), ("kafka-instance", "engine-0")])).expect("good");
        let expected = KafkaConfig {
            namespace: "shop".to_owned(),
            instance: Some("engine-0".to_owned()),
            ..KafkaConfig::new("broker:9092")
        };
        assert_eq!(config, expected);
    }

    #[test]
    fn no_brokers_are_refused() {
        assert!(refused(&[("kafka", "")]).contains("--kafka"));
    }

    #[test]
    fn a_password_comes_from_its_file_without_the_line_break() {
        let home = tempfile::tempdir().expect("a directory");
        let file = home.path().join("password");
        std::fs::write(&file, "a b \n").expect("written");
        let file = file.to_str().expect("UTF-8");
        let settings = settings(&[("kafka-user", "shop"), ("kafka-password-file", file)]);
        let sasl = config(&settings).expect("good").security.sasl.expect("a user");
        assert_eq!((sasl.mechanism, sasl.user.as_str()), (SaslMechanism::ScramSha512, "shop"));
        assert_eq!(sasl.password.expose(), "a b ");
    }

    #[test]
    fn user_and_password_go_together() {
        assert!(refused(&[("kafka-user", "shop")]).contains("STOCKFOLD_KAFKA_PASSWORD"));
        assert!(refused(&[("kafka-password", "x")]).contains("kafka-user"));
        assert!(refused(&[("kafka-password", "x"), ("kafka-password-file", "y")]).contains("both"));
    }

    #[test]
    fn an_unknown_mechanism_is_refused_with_those_that_there_are() {
        let text = refused(&[("kafka-user", "a"), ("kafka-password", "b"), ("kafka-sasl-mechanism", "GSSAPI")]);
        assert!(text.contains("SCRAM-SHA-256") && text.contains("GSSAPI"), "{text}");
    }

    #[test]
    fn tls_is_on_where_it_is_asked_for_or_a_file_of_it_is_named() {
        let of = |set: &[(&'static str, &str)]| config(&settings(set)).expect("good").security.tls;
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("kafka-tls", "true")]), Some(Tls::default()));
        let home = tempfile::tempdir().expect("a directory");
        let ca = home.path().join("ca.pem");
        std::fs::write(&ca, "").expect("written");
        let tls = of(&[("kafka-tls-ca", ca.to_str().expect("UTF-8"))]);
        assert_eq!(tls.and_then(|tls| tls.ca), Some(ca));
        assert!(refused(&[("kafka-tls-ca", "/nowhere")]).contains("/nowhere"));
        assert!(refused(&[("kafka-tls", "yes")]).contains("kafka-tls"));
    }
}
