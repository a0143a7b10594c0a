//! A node that stands still while the projector writes to it, for longer than any statement may take.

use crate::{
    history::{dump, open},
    runner::{House, commit, event, lease},
    scylla::Space,
};
use engines::CqlCluster;
use std::{
    hash::{DefaultHasher, Hasher as _},
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a statement may take here.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Events before, while and after the node stands still. Each is a hold, so that a batch is many rows.
const EACH: u64 = 400;

fn hash(rows: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    rows.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn rows_of_a_node_that_stood_still_are_those_of_a_fresh_fold() {
    // A node of its own: others write to the shared one.
    let cql = CqlCluster::start(1);
    let mut space = Space::on(&cql.nodes());
    space.config.request_timeout = TIMEOUT;
    let house = House::over(Arc::new(space.open()), tempfile::tempdir().expect("a directory"));
    let projector = house.start().expect("it starts");
    let mut lease = lease(&house.log);
    let (shard, mut seq) = (lease.shard(), 0);
    let mut grant = |count: u64| {
        for _ in 0..count {
            seq += 1;
            let next = event(&*lease, seq, None);
            commit(&mut *lease, vec![next]);
        }
        seq
    };
    let seen = grant(EACH);
    house.wait(shard, seen);

    // It stops while rows are on their way to it, and what was sent stays in its sockets until it goes on.
    grant(EACH);
    cql.pause(0);
    grant(EACH);
    let begun = Instant::now();
    while projector.status().trouble.is_none() || begun.elapsed() < TIMEOUT * 4 {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing failed: {:?}", projector.status().trouble);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(projector.status().lag() > 0, "it says that it wrote to a node that stood still");
    cql.resume(0);
    let last = grant(EACH);
    house.wait(shard, last);
    projector.stop();

    let directory = tempfile::tempdir().expect("a directory");
    let fresh = house.with(Arc::new(open(directory.path())));
    let projector = fresh.start().expect("it starts");
    fresh.wait(shard, last);
    projector.stop();
    let (rows, expected) = (space.dump(), dump(directory.path()));
    assert_eq!(rows.len(), expected.len());
    let other = rows.iter().zip(&expected).find(|(row, expected)| row != expected);
    assert!(hash(&rows) == hash(&expected), "{other:?}");
}
