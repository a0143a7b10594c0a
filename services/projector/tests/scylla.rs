//! The same over views in a real cluster, whose rows and checkpoints are not written together.

use crate::{
    history::{Dumped, dump, fold_at, fold_batch, open},
    replay::{checkpoints, history, mishaps, play, steps},
    runner::{House, commits_are_seen_after_a_wait},
};
use proptest::prelude::*;
use read_model::{
    Checkpoints,
    scylla::{CqlConfig, Keyspace, Replication, ScyllaViews, migrate},
    views,
};
use scylla::client::session_builder::SessionBuilder;
use std::sync::{Arc, OnceLock};
use tokio::runtime::{Builder, Runtime};

/// Where stores live: their connections outlast the runtime of a single call.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime"))
}

/// A keyspace of a test's own; it is dropped at the end.
pub struct Space {
    pub config: CqlConfig,
}

impl Space {
    fn new() -> Self {
        Self::on(engines::cql().nodes())
    }

    /// On these nodes.
    pub fn on(nodes: &str) -> Self {
        let name = format!("p{}", uuid::Uuid::new_v4().simple());
        let mut config = CqlConfig::new(nodes.split(','), Keyspace::parse(&name).expect("a name"));
        // One node cannot keep three copies.
        config.allow_unsafe = true;
        let space = Self { config };
        let tables = views::tables();
        runtime().block_on(migrate(&space.config, &Replication::Everywhere(1), &tables)).expect("it is migrated");
        space
    }

    pub fn open(&self) -> ScyllaViews {
        runtime().block_on(ScyllaViews::open(&self.config, &views::tables())).expect("it opens")
    }

    /// All rows of all tables, as [`dump`] has them.
    pub fn dump(&self) -> Vec<Dumped> {
        let read = async {
            let session = SessionBuilder::new()
                .known_nodes(&self.config.nodes)
                .fetch_schema_metadata(false)
                .build()
                .await
                .expect("it connects");
            let mut rows = Vec::new();
            for table in views::tables() {
                let select = format!("SELECT p, c, v, b FROM {}.\"{}\"", self.config.keyspace, table.name);
                let found = session.query_unpaged(select, ()).await.expect("it reads").into_rows_result();
                let found = found.expect("rows");
                let typed = found.rows::<(String, String, i64, Vec<u8>)>().expect("of this shape");
                let mut of_table: Vec<_> = typed.map(|row| row.expect("of this shape")).collect();
                of_table.sort();
                rows.extend(of_table.into_iter().map(|(partition, clustering, version, body)| {
                    (table.name.to_owned(), partition, clustering, version, (!body.is_empty()).then_some(body))
                }));
            }
            rows
        };
        runtime().block_on(read)
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        runtime().block_on(async {
            let session =
                SessionBuilder::new().known_nodes(&self.config.nodes).fetch_schema_metadata(false).build().await;
            let drop = format!("DROP KEYSPACE IF EXISTS {}", self.config.keyspace);
            if let Ok(session) = session {
                _ = session.query_unpaged(drop, ()).await;
            }
        });
    }
}

proptest! {
    // Each makes tables of its own, which takes seconds.
    #![proptest_config(ProptestConfig { max_shrink_iters: 16, ..ProptestConfig::with_cases(6) })]

    #[test]
    fn any_cut_repetition_or_restart_gives_the_rows_that_sqlite_has(steps in steps(), mishaps in mishaps()) {
        let records = history(&steps);
        let whole = tempfile::tempdir().expect("a directory");
        fold_batch(&mut fold_at(&Checkpoints::new()), &open(whole.path()), records.clone());
        let space = Space::new();
        let store = space.open();
        play(&records, &mishaps, &store)?;
        prop_assert_eq!(dump(whole.path()), space.dump());
        prop_assert_eq!(checkpoints(&open(whole.path())), checkpoints(&store));
    }
}

#[test]
fn what_is_committed_is_in_the_cluster_once_a_wait_for_it_ends() {
    let space = Space::new();
    let directory = tempfile::tempdir().expect("a directory");
    commits_are_seen_after_a_wait(&House::over(Arc::new(space.open()), directory));
}
