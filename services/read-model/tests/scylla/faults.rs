//! Nodes that hang, are gone, or were never there.

use super::{Space, proxy::Proxy, row, runtime};
use crate::contract::TABLES;
use read_model::{
    Checkpoint, Checkpoints, RowWrite, StoreError, ViewStore as _,
    scylla::{CqlConfig, ScyllaViews},
};
use schemas::Topic;
use std::time::{Duration, Instant};

const ZERO: (Topic, u32) = (Topic::InventoryEvents, 0);
const TIMEOUT: Duration = Duration::from_millis(700);

fn checkpoint(seq: u64) -> Checkpoints {
    Checkpoints::from([(ZERO, Checkpoint { seq, offset: seq, epoch: 1 })])
}

fn rows(count: u64) -> Vec<RowWrite> {
    let body = "x".repeat(300);
    (1..=count).map(|number| row(&format!("p-{number}"), "", number * 16, Some(&body))).collect()
}

/// A store whose node is behind a proxy.
fn behind_a_proxy(space: &Space) -> (Proxy, ScyllaViews) {
    let proxy = Proxy::to(&space.config.nodes[0]);
    let config = CqlConfig { nodes: vec![proxy.address()], request_timeout: TIMEOUT, ..space.config.clone() };
    let store = runtime().block_on(ScyllaViews::open(&config, &TABLES)).expect("it opens");
    (proxy, store)
}

/// The error of a write that cannot succeed, and that it came in time.
fn unavailable(store: &ScyllaViews, rows: &[RowWrite], at: &Checkpoints) {
    let begun = Instant::now();
    let written = runtime().block_on(store.write("c", rows, at));
    assert!(matches!(written, Err(StoreError::Unavailable(_))), "{written:?}");
    assert!(begun.elapsed() < TIMEOUT * 3, "{:?}", begun.elapsed());
}

/// Writes until it succeeds, as a projector does.
fn insist(store: &ScyllaViews, rows: &[RowWrite], at: &Checkpoints) {
    let until = Instant::now() + Duration::from_secs(30);
    while let Err(error) = runtime().block_on(store.write("c", rows, at)) {
        assert!(matches!(error, StoreError::Unavailable(_)) && Instant::now() < until, "{error}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_node_that_hangs_in_a_write_is_unavailable_in_time_and_the_same_again_converges() {
    let space = Space::ready();
    let (proxy, store) = behind_a_proxy(&space);
    let (rows, at) = (rows(3_000), checkpoint(3_000));
    proxy.hang_after(300_000);
    unavailable(&store, &rows, &at);
    let half = space.dump().len();
    assert!((1..3_000).contains(&half), "{half} rows were written: the node did not hang in the middle");
    let other = space.open();
    let seen = runtime().block_on(other.checkpoints("c")).expect("it reads");
    assert_eq!(seen, Checkpoints::new(), "no checkpoint before its rows");
    proxy.come_back();
    insist(&store, &rows, &at);
    let stored: Vec<_> = space.dump().into_iter().map(|(partition, _, version, _)| (partition, version)).collect();
    let mut expected: Vec<_> = (1..=3_000).map(|number| (format!("p-{number}"), number * 16)).collect();
    expected.sort();
    assert_eq!(stored, expected);
    assert_eq!(runtime().block_on(store.checkpoints("c")).expect("it reads"), at);
}

#[test]
fn a_node_that_is_gone_is_unavailable_in_time_and_found_again_when_it_is_back() {
    let space = Space::ready();
    let (proxy, store) = behind_a_proxy(&space);
    proxy.go();
    unavailable(&store, &rows(10), &checkpoint(10));
    let read = runtime().block_on(store.get(TABLES[0], &[rows(1)[0].key.clone()]));
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    let begun = Instant::now();
    let asked = runtime().block_on(store.checkpoints("c"));
    assert!(matches!(asked, Err(StoreError::Unavailable(_))) && begun.elapsed() < TIMEOUT * 3, "{asked:?}");
    proxy.come_back();
    insist(&store, &rows(10), &checkpoint(10));
    assert_eq!(space.dump().len(), 10);
}

#[test]
fn who_waits_while_the_node_hangs_is_woken_to_see_it() {
    let space = Space::ready();
    let (proxy, store) = behind_a_proxy(&space);
    runtime().block_on(store.checkpoints("c")).expect("it reads");
    proxy.hang_after(0);
    let changed = store.changed();
    let woken = runtime().block_on(async { tokio::time::timeout(TIMEOUT * 5, changed).await });
    assert!(woken.is_ok(), "nobody told it");
    proxy.come_back();
}

#[test]
fn nobody_at_the_port_is_unavailable_and_named() {
    let space = Space::new();
    let config = CqlConfig { nodes: vec!["127.0.0.1:1".to_owned()], ..space.config.clone() };
    let refused = runtime().block_on(ScyllaViews::open(&config, &TABLES)).err().expect("nobody is there");
    assert!(matches!(&refused, StoreError::Unavailable(why) if why.contains("127.0.0.1:1")), "{refused}");
}
