//! The store in a real cluster: what only it must do, beside the contract.

mod faults;
mod many;
mod proxy;
mod schema;

use crate::contract::{TABLES, block_on};
use read_model::{
    RowWrite, StoreError, Table,
    scylla::{Applied, CqlConfig, Keyspace, Replication, ScyllaViews, migrate},
};
use scylla::client::{session::Session, session_builder::SessionBuilder};
use std::sync::OnceLock;
use tokio::runtime::{Builder, Runtime};

/// Where stores live: their connections outlast the runtime of a single call.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime"))
}

/// A keyspace of a test's own, without tables at first; it is dropped at the end.
pub struct Space {
    pub config: CqlConfig,
}

impl Space {
    pub fn new() -> Self {
        let name = format!("t{}", uuid::Uuid::new_v4().simple());
        let nodes = engines::cql().nodes().split(',');
        let mut config = CqlConfig::new(nodes, Keyspace::parse(&name).expect("a name"));
        // One node cannot keep three copies.
        config.allow_unsafe = true;
        Self { config }
    }

    /// With the tables of the contract.
    pub fn ready() -> Self {
        let space = Self::new();
        space.migrate(&TABLES).expect("it is migrated");
        space
    }

    pub fn migrate(&self, tables: &[Table]) -> Result<Applied, StoreError> {
        runtime().block_on(migrate(&self.config, &Replication::Everywhere(1), tables))
    }

    pub fn try_open(&self, tables: &[Table]) -> Result<ScyllaViews, StoreError> {
        runtime().block_on(ScyllaViews::open(&self.config, tables))
    }

    pub fn open(&self) -> ScyllaViews {
        self.try_open(&TABLES).expect("it opens")
    }

    /// A connection that is not ours.
    pub fn session(&self) -> Session {
        runtime()
            .block_on(SessionBuilder::new().known_nodes(&self.config.nodes).fetch_schema_metadata(false).build())
            .expect("it connects")
    }

    /// All rows of the first table: partition, clustering key, version, body (`None`: deleted).
    pub fn dump(&self) -> Vec<(String, String, i64, Option<Vec<u8>>)> {
        let select = format!("SELECT p, c, v, b FROM {}.\"{}\"", self.config.keyspace, TABLES[0].name);
        let session = self.session();
        let found = runtime().block_on(session.query_unpaged(select, ())).expect("it reads");
        let found = found.into_rows_result().expect("rows");
        let read = found.rows::<(String, String, i64, Vec<u8>)>().expect("of this shape").map(|row| {
            let (partition, clustering, version, body) = row.expect("of this shape");
            (partition, clustering, version, (!body.is_empty()).then_some(body))
        });
        let mut rows: Vec<_> = read.collect();
        rows.sort();
        rows
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        let drop = format!("DROP KEYSPACE IF EXISTS {}", self.config.keyspace);
        let dropped = runtime().block_on(self.session().query_unpaged(drop, ()));
        if !std::thread::panicking() {
            dropped.expect("it is dropped");
        }
    }
}

/// A row of the first table.
pub fn row(partition: &str, clustering: &str, version: u64, body: Option<&str>) -> RowWrite {
    let key = read_model::RowKey { partition: partition.to_owned(), clustering: clustering.to_owned() };
    RowWrite { table: TABLES[0], key, version, body: body.map(|body| body.as_bytes().to_vec()) }
}

#[test]
fn a_store_that_is_opened_again_has_what_was_written() {
    use read_model::{Checkpoints, ViewStore as _};
    let space = Space::ready();
    block_on(space.open().write("c", &[row("p", "", 16, Some("a"))], &Checkpoints::new())).expect("it writes");
    let found = block_on(space.open().get(TABLES[0], &[row("p", "", 0, None).key])).expect("it reads");
    assert_eq!(found[0].as_ref().map(|row| row.version), Some(16));
}
