use super::*;
use crate::{contract, open, seal};
use ::scylla::{client::session::Session, client::session_builder::SessionBuilder};
use tokio::runtime::Handle;

fn subject() -> SubjectId {
    SubjectId::parse("somebody").expect("an id")
}

/// A keyspace of a test's own; it is dropped at the end.
struct Space {
    config: CqlConfig,
}

impl Space {
    fn new() -> Self {
        let name = format!("k{}", Uuid::new_v4().simple());
        let nodes = engines::cql().nodes().split(',');
        let mut config = CqlConfig::new(nodes, Keyspace::parse(&name).expect("a name"));
        // One node cannot keep three copies.
        config.allow_unsafe = true;
        Self { config }
    }

    async fn ready() -> Self {
        let space = Self::new();
        migrate(&space.config, &Replication::Everywhere(1)).await.expect("migrated");
        space
    }

    async fn open(&self) -> ScyllaKeyStore {
        ScyllaKeyStore::open(&self.config).await.expect("opened")
    }

    async fn session(&self) -> Session {
        SessionBuilder::new()
            .known_nodes(&self.config.nodes)
            .fetch_schema_metadata(false)
            .build()
            .await
            .expect("connected")
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        wait(async {
            let drop = format!("DROP KEYSPACE IF EXISTS {}", self.config.keyspace);
            _ = self.session().await.query_unpaged(drop, ()).await;
        });
    }
}

/// Waits where waiting is not asynchronous.
fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| Handle::current().block_on(future))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    let space = Space::ready().await;
    contract::all(&|| Box::new(wait(space.open()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_another_process_destroyed_seals_nothing_more() {
    let space = Space::ready().await;
    let (one, two) = (space.open().await, space.open().await);
    let before = one.key_for(&subject()).await.expect("made").id();
    assert_eq!(two.key_for(&subject()).await.expect("found").id(), before);
    two.destroy(&subject()).await.expect("destroyed");
    assert_ne!(one.key_for(&subject()).await.expect("made anew").id(), before);
    assert_eq!(one.key(&subject(), before).await.map(|key| key.id()), Err(KeyError::Destroyed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_two_processes_made_at_once_all_open_and_are_all_destroyed() {
    let space = Space::ready().await;
    let stores = [space.open().await, space.open().await, space.open().await];
    let text = "a secret".to_owned();
    let [one, two, three] = &stores;
    let who = subject();
    let (a, b, c) = tokio::join!(seal(one, &who, &text), seal(two, &who, &text), seal(three, &who, &text));
    let sealed = [a, b, c].map(|sealed| sealed.expect("sealed"));
    for (store, sealed) in stores.iter().flat_map(|store| sealed.iter().map(move |sealed| (store, sealed))) {
        assert_eq!(open(store, sealed).await.expect("opened"), text);
    }
    one.destroy(&who).await.expect("destroyed");
    for (store, sealed) in stores.iter().flat_map(|store| sealed.iter().map(move |sealed| (store, sealed))) {
        assert_eq!(open(store, sealed).await, Err(KeyError::Destroyed));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destroyed_key_stays_destroyed_when_its_making_arrives_late() {
    let space = Space::ready().await;
    let store = space.open().await;
    let key = store.key_for(&subject()).await.expect("made").id();
    let read = "SELECT secret FROM {keyspace}.subject_keys WHERE subject = ? AND key_id = ?";
    let read = store.inner.cql.prepare(read).await.expect("prepared");
    let secret: Vec<(Vec<u8>,)> = store.inner.cql.read(&read, ("somebody", key)).await.expect("read");
    store.destroy(&subject()).await.expect("destroyed");
    let again = ("somebody", key, secret[0].0.as_slice());
    store.inner.cql.write(&store.inner.insert, again).await.expect("written");
    assert_eq!(store.key(&subject(), key).await.map(|key| key.id()), Err(KeyError::Destroyed));
    // No tombstone either: it would be forgotten.
    let left = format!("SELECT secret, WRITETIME(secret) FROM {}.subject_keys", space.config.keyspace);
    let left = space.session().await.query_unpaged(left, ()).await.expect("read").into_rows_result().expect("rows");
    assert_eq!(left.single_row::<(Vec<u8>, i64)>().expect("one"), (Vec::new(), 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keyspace_that_is_not_ready_says_what_is_to_be_run() {
    let space = Space::new();
    let refused = ScyllaKeyStore::open(&space.config).await.err().expect("refused");
    assert!(matches!(&refused, KeyError::Corrupt(why) if why.contains("stockfold schema apply")), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_and_views_may_share_a_keyspace_and_do_not_mix() {
    let space = Space::ready().await;
    let theirs = Migration {
        version: 7,
        name: "theirs".to_owned(),
        statement: "CREATE TABLE IF NOT EXISTS {keyspace}.theirs (k int PRIMARY KEY)".to_owned(),
    };
    cql::migrate(&space.config, &Replication::Everywhere(1), "views", &[theirs]).await.expect("migrated");
    space.open().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_at_the_port_is_unavailable() {
    let config = CqlConfig { nodes: vec!["127.0.0.1:1".to_owned()], ..Space::new().config.clone() };
    let refused = ScyllaKeyStore::open(&config).await.err().expect("refused");
    assert!(matches!(refused, KeyError::Unavailable(_)), "{refused}");
}
