//! Where the cluster is, and how to talk to it.

use crate::LogError;
use rdkafka::ClientConfig;
use schemas::{Password, Topic};
use std::path::PathBuf;

/// The longest name of a topic is 249 characters.
const MOST_NAMESPACE: usize = 200;

/// The largest record that is written, in bytes: a little below `max.message.bytes` of the topics, which bounds a batch.
pub const MAX_RECORD_BYTES: u32 = 4_000_000;

/// A Kafka cluster, and this process's place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    /// Where to find the first brokers, `host:port`, separated by commas.
    pub brokers: String,
    /// The prefix of topics, groups and transactional ids.
    pub namespace: String,
    /// Encryption and who we are.
    pub security: Security,
    /// `group.instance.id`: a name that stays over a restart, so that a quick one keeps its shards (KIP-345).
    pub instance: Option<String>,
    /// Whether a cluster is taken that may lose what it acknowledged.
    pub allow_unsafe: bool,
}

/// How connections are protected. Neither part: plain text, for a machine of one's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Security {
    /// Encryption.
    pub tls: Option<Tls>,
    /// Who we are.
    pub sasl: Option<Sasl>,
}

/// Encryption, in PEM files. The brokers' names are verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Who vouches for the brokers; the operating system's authorities where it is `None`.
    pub ca: Option<PathBuf>,
    /// Our certificate, where brokers ask for one. Needs `key`.
    pub certificate: Option<PathBuf>,
    /// The key of our certificate.
    pub key: Option<PathBuf>,
}

/// A user of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sasl {
    /// How the password is shown to the broker.
    pub mechanism: SaslMechanism,
    /// The user.
    pub user: String,
    /// The password.
    pub password: Password,
}

/// How a password is shown to a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaslMechanism {
    /// SCRAM-SHA-256 (RFC 7677).
    ScramSha256,
    /// SCRAM-SHA-512.
    ScramSha512,
    /// The password itself (RFC 4616): only with TLS.
    Plain,
}

impl SaslMechanism {
    /// Every mechanism.
    pub const ALL: [Self; 3] = [Self::ScramSha256, Self::ScramSha512, Self::Plain];

    /// Its registered name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::Plain => "PLAIN",
        }
    }

    /// The mechanism of that name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }
}

impl KafkaConfig {
    /// A plain-text connection to these brokers, in the default namespace.
    #[must_use]
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            namespace: "stockfold".to_owned(),
            security: Security::default(),
            instance: None,
            allow_unsafe: false,
        }
    }

    /// Whether it makes sense, without asking the cluster.
    ///
    /// # Errors
    /// Says what to change.
    pub fn validate(&self) -> Result<(), LogError> {
        let wrong = |text: &str| Err(LogError::Mismatch(text.to_owned()));
        if self.brokers.trim().is_empty() {
            return wrong("no Kafka brokers are named: give `kafka`, such as broker-1:9092,broker-2:9092");
        }
        let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if self.namespace.is_empty() || self.namespace.len() > MOST_NAMESPACE || !self.namespace.chars().all(is_legal) {
            return wrong("the namespace begins the names of topics: 1 to 200 letters, digits, `.`, `_` and `-`");
        }
        if let Some(Tls { certificate, key, .. }) = &self.security.tls
            && certificate.is_some() != key.is_some()
        {
            return wrong("a TLS certificate and its key go together: name both or neither");
        }
        let is_plain = |sasl: &Sasl| sasl.mechanism == SaslMechanism::Plain;
        if self.security.tls.is_none() && !self.allow_unsafe && self.security.sasl.as_ref().is_some_and(is_plain) {
            return wrong("the mechanism PLAIN shows the password to the network: add TLS, or use SCRAM-SHA-512");
        }
        Ok(())
    }

    /// The full name of a topic.
    #[must_use]
    pub fn topic(&self, topic: Topic) -> String {
        format!("{}.{}", self.namespace, topic.name())
    }

    /// What every client of the cluster begins with. Its own `Debug` masks passwords.
    #[must_use]
    pub fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", self.instance.as_deref().unwrap_or(&self.namespace))
            .set("socket.keepalive.enable", "true")
            // A commit is a few small requests one after the other: none of them may wait to be joined with the next.
            .set("socket.nagle.disable", "true")
            .set("socket.connection.setup.timeout.ms", "5000")
            // A broker that restarts is wanted back within a second, not after the default's ten.
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("message.max.bytes", MAX_RECORD_BYTES.to_string())
            .set("security.protocol", self.protocol());
        if let Some(tls) = &self.security.tls {
            // The OpenSSL that is built in knows no authorities of its own: `probe` looks where systems keep theirs.
            let ca = tls.ca.as_ref().map_or_else(|| "probe".into(), |path| path.to_string_lossy());
            client.set("ssl.ca.location", ca).set("ssl.endpoint.identification.algorithm", "https");
            for (name, path) in [("ssl.certificate.location", &tls.certificate), ("ssl.key.location", &tls.key)] {
                if let Some(path) = path {
                    client.set(name, path.to_string_lossy());
                }
            }
        }
        if let Some(sasl) = &self.security.sasl {
            client
                .set("sasl.mechanism", sasl.mechanism.name())
                .set("sasl.username", &sasl.user)
                .set("sasl.password", sasl.password.expose());
        }
        client
    }

    const fn protocol(&self) -> &'static str {
        match (&self.security.tls, &self.security.sasl) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        }
    }
}
