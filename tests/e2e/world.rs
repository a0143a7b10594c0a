//! What an engine is made on: this machine's disk, or a cluster. The same scenarios run on both.

use super::{engine::Engine, patience::PATIENCE, process::binary};
use std::{
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

/// Shards of an engine on a cluster.
pub const SHARDS: u32 = 4;

/// Where an engine keeps its log, its views and its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// In its data directory.
    Embedded,
    /// On Kafka and a CQL store, in a namespace of its own.
    Cluster,
}

impl World {
    /// A fresh place for one engine.
    pub fn home(self) -> Arc<Home> {
        match self {
            Self::Embedded => Home::new(String::new(), Vec::new()),
            Self::Cluster => Home::on(engines::kafka().bootstrap(), 1),
        }
    }

    /// A fresh engine with these flags, all in one process.
    pub fn start(self, flags: &[&str]) -> Engine {
        Engine::start(self.home(), "up", flags)
    }

    /// The first where an engine is embedded, the second where it is on a cluster.
    pub fn choose<T>(self, embedded: T, cluster: T) -> T {
        match self {
            Self::Embedded => embedded,
            Self::Cluster => cluster,
        }
    }
}

/// A data directory, and the cluster beside it if there is one.
#[derive(Debug)]
pub struct Home {
    data: tempfile::TempDir,
    /// Prefix of the cluster's topics.
    pub namespace: String,
    /// The flags that name the cluster.
    pub flags: Vec<String>,
}

impl Home {
    fn new(namespace: String, flags: Vec<String>) -> Arc<Self> {
        Arc::new(Self { data: tempfile::tempdir().expect("a scratch directory"), namespace, flags })
    }

    /// A fresh namespace on these brokers, with so many copies of each topic, and beside it in the tests' CQL store.
    pub fn on(brokers: &str, copies: u32) -> Arc<Self> {
        Self::on_both(brokers, copies, engines::cql().nodes())
    }

    /// A fresh namespace on these brokers, with so many copies of each topic, and on these nodes.
    pub fn on_both(brokers: &str, copies: u32, nodes: &str) -> Arc<Self> {
        let namespace = format!("e{:08x}", rand::random::<u32>());
        let flags =
            [("--kafka", brokers), ("--scylla", nodes), ("--namespace", &namespace), ("--shards", &SHARDS.to_string())];
        let mut flags: Vec<String> = flags.iter().flat_map(|(flag, value)| [(*flag).into(), (*value).into()]).collect();
        flags.push("--allow-unsafe".to_owned());
        for (what, copies) in [("topics", copies), ("schema", 1)] {
            let mut arguments = [what, "apply", "--replication", &copies.to_string()].map(str::to_owned).to_vec();
            arguments.extend_from_slice(&flags);
            apply(&arguments);
        }
        Self::new(namespace, flags)
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }
}

/// Makes what a cluster lacks: again while it does not answer, as a store does that collects garbage on a busy machine. What was
/// made before is passed over then.
fn apply(arguments: &[String]) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let output = Command::new(binary()).args(arguments).output().expect("stockfold can be started");
        if output.status.success() {
            return;
        }
        let told = String::from_utf8_lossy(&output.stderr);
        let may_pass = told.contains("store is not available");
        assert!(may_pass && Instant::now() < deadline, "{arguments:?}: {told}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Runs each of these scenarios, async functions of a [`World`], on both worlds.
macro_rules! in_both_worlds {
    ($($scenario:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                super::$scenario(crate::e2e::world::World::Embedded).await;
            })+
        }

        mod cluster {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                super::$scenario(crate::e2e::world::World::Cluster).await;
            })+
        }
    };
}
pub(super) use in_both_worlds;
