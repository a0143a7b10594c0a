//! Kafka brokers as processes of our own.

use std::{
    fmt::Write as _,
    fs,
    net::{SocketAddr, TcpStream},
    ops::Deref,
    path::{Path, PathBuf},
};

use crate::{
    EngineError,
    java::{JVM, KAFKA, QUICK, java_bin},
    net::{free_local_address, kafka_answers, random_hex},
    nodes::{Nodes, Ready},
    tls::{self, Keys},
};

const SETTINGS: &str = include_str!("../kafka/server.properties");

/// It writes this when the controllers have let it in.
const STARTED: &str = "Kafka Server started";

/// Kafka brokers, each with both roles, on ports of 127.0.0.1.
///
/// Topics have by default as many replicas as there are brokers, at most 3, and `min.insync.replicas` is one less than
/// that, at least 1. A dead broker's partitions move within 4 s. The log of transactions and the offsets have 4
/// partitions. Topics are not created by themselves.
#[derive(Debug)]
pub struct KafkaCluster {
    nodes: Nodes,
    ca_pem: Option<PathBuf>,
}

/// The one user that a broker lets in.
struct Login<'a> {
    user: &'a str,
    password: &'a str,
}

impl KafkaCluster {
    /// Starts this many brokers and returns once all of them serve.
    ///
    /// # Panics
    /// Where they cannot be started; the message says why.
    #[must_use]
    pub fn start(count: usize) -> Self {
        Self::try_start(count).unwrap_or_else(|error| panic!("no Kafka to test with: {error}"))
    }

    /// As [`start`](Self::start), for who wants the error.
    pub fn try_start(count: usize) -> Result<Self, EngineError> {
        Self::launch(count, None)
    }

    /// Starts one broker that takes clients by TLS only (`SASL_SSL`), and only this user, by `SCRAM-SHA-256`.
    ///
    /// Its certificate, for 127.0.0.1 and localhost, is signed by an authority of its own: see [`ca_pem`](Self::ca_pem). Name and
    /// password may not hold quotes, brackets and commas.
    ///
    /// # Panics
    /// Where it cannot be started; the message says why.
    #[must_use]
    pub fn with_scram(user: &str, password: &str) -> Self {
        let started = Self::launch(1, Some(Login { user, password }));
        started.unwrap_or_else(|error| panic!("no Kafka to test with: {error}"))
    }

    /// The addresses of all brokers, `host:port` with commas.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        self.nodes.addresses()
    }

    /// The certificate, a PEM file, by which clients know a broker that was started [`with_scram`](Self::with_scram).
    #[must_use]
    pub fn ca_pem(&self) -> Option<&Path> {
        self.ca_pem.as_deref()
    }

    fn launch(count: usize, login: Option<Login<'_>>) -> Result<Self, EngineError> {
        let answers = if login.is_some() { accepts } else { kafka_answers };
        let mut nodes = Nodes::new("kafka", Ready { word: STARTED, answers })?;
        let keys = login.as_ref().map(|_| tls::generate(nodes.folder())).transpose()?;
        let controllers: Vec<String> = (0..count).map(|_| free_local_address().to_string()).collect();
        // A cluster's id is 16 bytes in base64, for which these characters do.
        let id = format!("{}{}A", random_hex(), &random_hex()[..5]);
        for (at, controller) in controllers.iter().enumerate() {
            let (address, folder) = (free_local_address(), nodes.new_folder(at)?);
            let mut text = settings(at, &controllers)?;
            match &keys {
                None => {
                    writeln!(text, "listeners=PLAINTEXT://{address},CONTROLLER://{controller}")?;
                    writeln!(text, "advertised.listeners=PLAINTEXT://{address}")?;
                }
                Some(keys) => secure(&mut text, address, controller, keys)?,
            }
            writeln!(text, "log.dirs={}/data", folder.display())?;
            fs::write(folder.join("server.properties"), text)?;
            nodes.launch(address, script(&folder, &id, login.as_ref())?)?;
        }
        (0..count).try_for_each(|at| nodes.wait(at))?;
        Ok(Self { nodes, ca_pem: keys.map(|keys| keys.ca_pem) })
    }
}

impl Deref for KafkaCluster {
    type Target = Nodes;

    fn deref(&self) -> &Nodes {
        &self.nodes
    }
}

/// What can be asked where an answer would need TLS.
pub(crate) fn accepts(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

/// The settings of one broker among as many as there are controllers: all but its listeners and its folder.
pub(crate) fn settings(at: usize, controllers: &[String]) -> Result<String, EngineError> {
    let mut text = SETTINGS.to_owned();
    let factor = controllers.len().min(3);
    let in_sync = factor.saturating_sub(1).max(1);
    writeln!(text, "default.replication.factor={factor}\nmin.insync.replicas={in_sync}")?;
    writeln!(text, "offsets.topic.replication.factor={factor}")?;
    writeln!(text, "transaction.state.log.replication.factor={factor}\ntransaction.state.log.min.isr={in_sync}")?;
    let voters = controllers.iter().enumerate().map(|(at, address)| format!("{}@{address}", at + 1));
    let voters = voters.collect::<Vec<_>>().join(",");
    writeln!(text, "node.id={}\ncontroller.quorum.voters={voters}", at + 1)?;
    Ok(text)
}

/// One listener for clients, with TLS and SCRAM, and an open one for the broker itself.
fn secure(text: &mut String, address: SocketAddr, controller: &str, keys: &Keys) -> Result<(), EngineError> {
    let inside = free_local_address();
    writeln!(text, "listeners=SASL_SSL://{address},PLAINTEXT://{inside},CONTROLLER://{controller}")?;
    writeln!(text, "advertised.listeners=SASL_SSL://{address},PLAINTEXT://{inside}")?;
    writeln!(text, "sasl.enabled.mechanisms=SCRAM-SHA-256")?;
    writeln!(
        text,
        "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=\
         org.apache.kafka.common.security.scram.ScramLoginModule required;"
    )?;
    writeln!(text, "ssl.keystore.type=PKCS12\nssl.keystore.location={}", keys.store.display())?;
    writeln!(text, "ssl.keystore.password={}", tls::STORE_PASSWORD)?;
    Ok(())
}

/// Formats the folder at the first start, then becomes the broker.
fn script(folder: &Path, id: &str, login: Option<&Login<'_>>) -> Result<String, EngineError> {
    let (java, jars) = (java_bin()?.join("java"), KAFKA.folder()?);
    let (java, jars, folder) = (java.display(), jars.display(), folder.display());
    let scram = login.map_or(String::new(), |Login { user, password }| {
        format!("--add-scram 'SCRAM-SHA-256=[name={user},password={password}]'")
    });
    Ok(format!(
        "set -e\n\
         [ -f '{folder}/data/meta.properties' ] || '{java}' -Xmx128m {QUICK} -cp '{jars}/*' \
         -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
         kafka.tools.StorageTool format -t {id} -c '{folder}/server.properties' {scram}\n\
         exec '{java}' -Xms128m -Xmx512m {JVM} -cp '{jars}/*' kafka.Kafka '{folder}/server.properties'\n"
    ))
}
