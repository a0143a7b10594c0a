//! Cassandra nodes as processes of our own.

use std::{
    fmt::Write as _,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::Deref,
    path::{Path, PathBuf},
};

use crate::{
    EngineError,
    java::{CASSANDRA, JVM, java_bin},
    kafka::accepts,
    net::{cql_answers, free_port},
    nodes::{Nodes, Ready},
    tls,
};

const SETTINGS: &str = include_str!("../cassandra/cassandra.yaml");
const LOGGING: &str = include_str!("../cassandra/logback.xml");

/// When they let writes reach the disk.
const NOW_AND_THEN: &str = "commitlog_sync: periodic\ncommitlog_sync_period: 10000ms\n";
/// Before each answer. A log that is not compressed is mapped into memory: on a full disk it would go on up to the end of
/// its segment.
const AT_ONCE: &str = "commitlog_sync: batch\ncommitlog_compression:\n  - class_name: LZ4Compressor\n";

const LISTENING: &str = "Starting listening for CQL clients";
/// With passwords, nobody can log in before its first start writes this.
const LOGIN_READY: &str = "Created default superuser role 'cassandra'";

/// What Java 17 must open to Cassandra 5.0: the list of its own `jvm17-server.options`.
const EXPORTS: [&str; 7] = [
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.sql/java.sql",
];
const OPENS: [&str; 15] = [
    "java.base/java.lang.module",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "java.base/java.nio",
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "jdk.management/com.sun.management.internal",
];

/// Cassandra nodes: one on 127.0.0.1, or several on 127.0.0.2, 127.0.0.3, …, all with the same port and an even share of
/// the ring each.
#[derive(Debug)]
pub struct CqlCluster {
    nodes: Nodes,
    ca_pem: Option<PathBuf>,
}

/// Whom a node lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Password,
    PasswordOverTls,
}

impl CqlCluster {
    /// Starts this many nodes, one after the other, and returns once all of them serve.
    ///
    /// # Panics
    /// Where they cannot be started; the message says why.
    #[must_use]
    pub fn start(count: usize) -> Self {
        Self::try_start(count).unwrap_or_else(|error| panic!("no CQL store to test with: {error}"))
    }

    /// As [`start`](Self::start), for who wants the error.
    pub fn try_start(count: usize) -> Result<Self, EngineError> {
        let first = if count == 1 { 1 } else { 2 };
        let hosts: Vec<Ipv4Addr> = (first..).take(count).map(|last| Ipv4Addr::new(127, 0, 0, last)).collect();
        Self::launch(&hosts, Door::Open, SETTINGS)
    }

    /// Starts one node that answers a write once it is on disk, and stops serving where it cannot write. The others write to disk every ten seconds: killed, they
    /// lose up to a tenth of a second of what they had answered.
    ///
    /// # Panics
    /// Where it cannot be started; the message says why.
    #[must_use]
    pub fn durable() -> Self {
        assert!(SETTINGS.contains(NOW_AND_THEN), "the settings say when writes reach the disk");
        let settings = SETTINGS.replace(NOW_AND_THEN, AT_ONCE);
        let started = Self::launch(&[Ipv4Addr::LOCALHOST], Door::Open, &settings);
        started.unwrap_or_else(|error| panic!("no CQL store to test with: {error}"))
    }

    /// Starts one node that lets in users with passwords only: at first the superuser `cassandra`, with the password
    /// `cassandra`.
    ///
    /// # Panics
    /// Where it cannot be started; the message says why.
    #[must_use]
    pub fn with_passwords() -> Self {
        Self::guarded(Door::Password)
    }

    /// As [`with_passwords`](Self::with_passwords), and it takes clients by TLS only. Its certificate, for 127.0.0.1 and
    /// localhost, is signed by an authority of its own: see [`ca_pem`](Self::ca_pem).
    ///
    /// # Panics
    /// Where it cannot be started; the message says why.
    #[must_use]
    pub fn with_passwords_over_tls() -> Self {
        Self::guarded(Door::PasswordOverTls)
    }

    fn guarded(door: Door) -> Self {
        let started = Self::launch(&[Ipv4Addr::LOCALHOST], door, SETTINGS);
        let started = started.and_then(|cql| cql.nodes.wait_for(0, LOGIN_READY).map(|()| cql));
        started.unwrap_or_else(|error| panic!("no CQL store to test with: {error}"))
    }

    /// The certificate by which clients recognise a node that takes them by TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&Path> {
        self.ca_pem.as_deref()
    }

    /// The addresses of all nodes, `host:port` with commas.
    #[must_use]
    pub fn nodes(&self) -> String {
        self.nodes.addresses()
    }

    fn launch(hosts: &[Ipv4Addr], door: Door, settings: &str) -> Result<Self, EngineError> {
        let answers = if door == Door::PasswordOverTls { accepts } else { cql_answers };
        let mut nodes = Nodes::new("cassandra", Ready { word: LISTENING, answers })?;
        let (more, ca_pem) = door.settings(nodes.folder())?;
        fs::write(nodes.folder().join("logback.xml"), LOGGING)?;
        let ips: Vec<IpAddr> = hosts.iter().copied().map(IpAddr::V4).collect();
        let (port, storage) = (free_port(&ips), free_port(&ips));
        for (at, ip) in ips.iter().enumerate() {
            let folder = nodes.new_folder(at)?;
            // Even shares of the ring, by rule: nodes that start together need not agree on anything.
            let token = i128::from(i64::MIN) + (1_i128 << 64) * at as i128 / ips.len() as i128;
            let mut text = format!("{settings}{more}initial_token: {token}\n");
            writeln!(text, "listen_address: {ip}\nrpc_address: {ip}\nnative_transport_port: {port}")?;
            writeln!(text, "storage_port: {storage}\nssl_storage_port: {storage}")?;
            writeln!(text, "seed_provider:\n  - class_name: org.apache.cassandra.locator.SimpleSeedProvider")?;
            writeln!(text, "    parameters:\n      - seeds: \"{}:{storage}\"", ips[0])?;
            fs::write(folder.join("cassandra.yaml"), text)?;
            nodes.launch(SocketAddr::new(*ip, port), script(nodes.folder(), &folder)?)?;
            nodes.wait(at)?;
        }
        Ok(Self { nodes, ca_pem })
    }
}

impl Door {
    /// What it adds to the settings; and a certificate, made in the folder, where clients need one.
    fn settings(self, folder: &Path) -> Result<(String, Option<PathBuf>), EngineError> {
        let mut text = String::new();
        if self != Self::Open {
            writeln!(text, "authenticator: PasswordAuthenticator\nauthorizer: CassandraAuthorizer")?;
        }
        if self != Self::PasswordOverTls {
            return Ok((text, None));
        }
        let keys = tls::generate(folder)?;
        writeln!(text, "client_encryption_options:\n  enabled: true\n  optional: false\n  store_type: PKCS12")?;
        writeln!(text, "  keystore: {}\n  keystore_password: {}", keys.store.display(), tls::STORE_PASSWORD)?;
        Ok((text, Some(keys.ca_pem)))
    }
}

impl Deref for CqlCluster {
    type Target = Nodes;

    fn deref(&self) -> &Nodes {
        &self.nodes
    }
}

/// How a node is run. Each table takes most of a megabyte of its heap, and a run of all tests makes more than three thousand.
fn script(shared: &Path, folder: &Path) -> Result<String, EngineError> {
    let (java, jars) = (java_bin()?.join("java"), CASSANDRA.folder()?);
    let (java, jars, shared, folder) = (java.display(), jars.display(), shared.display(), folder.display());
    let exports = EXPORTS.map(|module| format!("--add-exports={module}=ALL-UNNAMED")).join(" ");
    let opens = OPENS.map(|module| format!("--add-opens={module}=ALL-UNNAMED")).join(" ");
    Ok(format!(
        "exec '{java}' -Xms256m -Xmx5g {JVM} {exports} {opens} \
         -Djava.security.manager=allow \
         -javaagent:'{jars}/jamm-0.4.0.jar' -Dcassandra.config='file://{folder}/cassandra.yaml' \
         -Dcassandra.storagedir='{folder}' -Dcassandra-foreground=yes -Dcassandra.superuser_setup_delay_ms=0 \
         -Dcassandra.skip_wait_for_gossip_to_settle=0 \
         -cp '{shared}:{jars}/*' org.apache.cassandra.service.CassandraDaemon\n"
    ))
}
