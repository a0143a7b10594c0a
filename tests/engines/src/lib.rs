//! Real Kafka, CQL and mail servers for the tests.
//!
//! [`kafka`] and [`cql`] give one of each to a test binary, started at the first call: what `KAFKA_BROKERS` and
//! `SCYLLA_NODES` name, else a container where Docker runs, else Apache Kafka and Apache Cassandra on Java. Whatever is
//! started ends with the process, also when that is killed. A test keeps to topics and a keyspace of its own.

mod cassandra;
mod clients;
mod docker;
mod error;
mod given;
mod guardian;
mod java;
mod kafka;
mod mail;
mod net;
mod nodes;
mod tls;

use std::{
    any::Any,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

pub use cassandra::CqlCluster;
pub use error::EngineError;
pub use kafka::KafkaCluster;
pub use mail::{MailServer, Mailbox};
pub use net::{cql_answers, kafka_answers};
pub use nodes::Nodes;

/// What ends a server when it is dropped; nothing for one that was there before.
type Keeper = Option<Box<dyn Any + Send + Sync>>;

/// A Kafka that the tests of one binary share.
#[derive(Debug)]
pub struct Kafka {
    bootstrap: String,
    _keeper: Keeper,
}

impl Kafka {
    /// The addresses of its brokers, `host:port` with commas.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }
}

/// A CQL store, ScyllaDB or Cassandra, that the tests of one binary share.
#[derive(Debug)]
pub struct Cql {
    nodes: String,
    _keeper: Keeper,
}

impl Cql {
    /// The addresses of its nodes, `host:port` with commas.
    #[must_use]
    pub fn nodes(&self) -> &str {
        &self.nodes
    }
}

/// The Kafka of this test binary.
///
/// # Panics
/// When there is none to be had; the message says what is missing.
pub fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Result<Kafka, String>> = OnceLock::new();
    let found = KAFKA.get_or_init(|| find_kafka().map_err(|error| error.to_string()));
    found.as_ref().unwrap_or_else(|error| panic!("no Kafka to test with: {error}"))
}

fn find_kafka() -> Result<Kafka, EngineError> {
    if let Some(bootstrap) = given::servers("KAFKA_BROKERS", 9092, kafka_answers)? {
        return Ok(Kafka { bootstrap, _keeper: None });
    }
    if docker::answers() {
        let container = docker::kafka()?;
        return Ok(Kafka { bootstrap: container.address.to_string(), _keeper: Some(Box::new(container)) });
    }
    let cluster = KafkaCluster::try_start(1)?;
    Ok(Kafka { bootstrap: cluster.bootstrap(), _keeper: Some(Box::new(cluster)) })
}

/// The CQL store of this test binary.
///
/// # Panics
/// When there is none to be had; the message says what is missing.
pub fn cql() -> &'static Cql {
    static CQL: OnceLock<Result<Cql, String>> = OnceLock::new();
    let found = CQL.get_or_init(|| find_cql().map_err(|error| error.to_string()));
    found.as_ref().unwrap_or_else(|error| panic!("no CQL store to test with: {error}"))
}

fn find_cql() -> Result<Cql, EngineError> {
    if let Some(nodes) = given::servers("SCYLLA_NODES", 9042, cql_answers)? {
        return Ok(Cql { nodes, _keeper: None });
    }
    if docker::answers() {
        let container = docker::scylla()?;
        return Ok(Cql { nodes: container.address.to_string(), _keeper: Some(Box::new(container)) });
    }
    let cluster = CqlCluster::try_start(1)?;
    Ok(Cql { nodes: cluster.nodes(), _keeper: Some(Box::new(cluster)) })
}

/// The mail server of this test binary.
///
/// # Panics
/// When there is none to be had; the message says what is missing.
pub fn mail() -> &'static MailServer {
    static MAIL: OnceLock<Result<MailServer, String>> = OnceLock::new();
    let found = MAIL.get_or_init(|| MailServer::try_start().map_err(|error| error.to_string()));
    found.as_ref().unwrap_or_else(|error| panic!("no mail server to test with: {error}"))
}

/// Runs one of Kafka's own command line tools, by the name of its class, and waits for its end: a client that is not
/// ours. For example `kafka_tool("org.apache.kafka.tools.TopicCommand", &["--bootstrap-server", …, "--list"])`.
///
/// # Panics
/// Without Java, or without the jars.
pub fn kafka_tool(class: &str, args: &[&str]) -> Output {
    kafka_tool_fed(class, args, &[])
}

/// As [`kafka_tool`], with `input` on its standard input.
///
/// # Panics
/// Without Java, or without the jars.
pub fn kafka_tool_fed(class: &str, args: &[&str], input: &[u8]) -> Output {
    java::kafka_tool(class, args, input).unwrap_or_else(|error| panic!("{class} cannot be run: {error}"))
}

/// A command that compiles and runs a Java source of one file with Kafka's client on its class path; arguments may follow.
///
/// # Panics
/// Without a Java that has its compiler, or without the jars.
#[must_use]
pub fn java_program(source: &Path) -> Command {
    clients::java_program(source).unwrap_or_else(|error| panic!("{} cannot be run: {error}", source.display()))
}

/// A Python that has Kafka's client (`confluent_kafka`).
///
/// # Panics
/// Without Python, or where the client cannot be installed.
pub fn python() -> &'static Path {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = PYTHON.get_or_init(|| clients::python().map_err(|error| error.to_string()));
    found.as_ref().unwrap_or_else(|error| panic!("no Python to test with: {error}"))
}
