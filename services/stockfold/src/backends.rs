//! Where an engine keeps its log, its views and its keys: on this machine's disk, or on a cluster.
//!
//! The only place that knows which; everything else talks to the ports.

use crate::keyspaces::Keyspaces;
use anyhow::{Context as _, Result};
use event_log::{
    EventLog,
    kafka::{KafkaLog, KafkaOptions},
    sqlite::{SqliteLog, SqliteOptions},
};
use keys::{KeyStore, ScyllaKeyStore, SqliteKeyStore};
use read_model::scylla::ScyllaViews;
use read_model::{ViewStore, sqlite::SqliteViews, views};
use std::{path::Path, sync::Arc, time::Duration};

/// How long the log may take to write what was handed over, and its last checkpoint.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// Which backends an engine works on.
#[derive(Clone)]
pub enum Backing {
    /// Files in the data directory.
    Embedded(SqliteOptions),
    /// Kafka and ScyllaDB.
    Cluster(Box<Cluster>),
}

/// A Kafka cluster, and the keyspaces beside it.
#[derive(Clone)]
pub struct Cluster {
    /// How the log is opened.
    pub log: KafkaOptions,
    /// Where views and keys stand; none = in the data directory, of an engine that is thrown away.
    pub keyspaces: Option<Keyspaces>,
}

/// The open backends.
pub struct Backends {
    /// Commands in, events out.
    pub log: Arc<dyn EventLog>,
    /// The views.
    pub views: Arc<dyn ViewStore>,
    /// The keys of personal data.
    pub keys: Arc<dyn KeyStore>,
    closing: Closing,
}

/// Where views and keys stand.
type Stores = (Arc<dyn ViewStore>, Arc<dyn KeyStore>);

fn local(data: &Path) -> Result<Stores> {
    let views = SqliteViews::open(&data.join("views.sqlite"), &views::tables())?;
    Ok((Arc::new(views), Arc::new(SqliteKeyStore::open(&data.join("keys.sqlite"))?)))
}

/// What is left to do with a log once nobody writes to it any more.
enum Closing {
    Embedded(Arc<SqliteLog>),
    Cluster(Arc<KafkaLog>),
}

impl Backends {
    /// Opens what is in the data directory, or connects. Inside of a runtime that can block.
    pub async fn open(backing: &Backing, data: &Path) -> Result<Self> {
        match backing {
            Backing::Embedded(options) => Self::embedded(options.clone(), data),
            Backing::Cluster(cluster) => Self::cluster(cluster, data).await,
        }
    }

    fn embedded(options: SqliteOptions, data: &Path) -> Result<Self> {
        let log = SqliteLog::open(options)?;
        let (views, keys) = local(data)?;
        Ok(Self { log: log.clone(), views, keys, closing: Closing::Embedded(log) })
    }

    async fn cluster(cluster: &Cluster, data: &Path) -> Result<Self> {
        let (views, keys): Stores = match &cluster.keyspaces {
            Some(keyspaces) => {
                let views = ScyllaViews::open(&keyspaces.views, &views::tables()).await;
                let keys = ScyllaKeyStore::open(&keyspaces.keys).await;
                (Arc::new(views.context("the views in ScyllaDB")?), Arc::new(keys.context("the keys in ScyllaDB")?))
            }
            None => local(data)?,
        };
        let log = tokio::task::block_in_place(|| KafkaLog::open(cluster.log.clone())).context("the log on Kafka")?;
        Ok(Self { log: log.clone(), views, keys, closing: Closing::Cluster(log) })
    }

    /// The log, where it is on Kafka.
    pub fn kafka(&self) -> Option<&KafkaLog> {
        match &self.closing {
            Closing::Embedded(_) => None,
            Closing::Cluster(log) => Some(log),
        }
    }

    /// Closes the log, once the services have stopped. Blocks.
    pub fn close(self) {
        self.log.close();
        let is_whole = match self.closing {
            Closing::Embedded(log) => log.wait_closed(CLOSE_LIMIT),
            Closing::Cluster(log) => log.flush(CLOSE_LIMIT),
        };
        if !is_whole {
            tracing::warn!("the log was left before it was done; nothing that was answered is lost");
        }
    }
}
