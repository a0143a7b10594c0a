//! The contract of the port to the store: one suite over every implementation.

use crate::scylla::Space;
use read_model::{Checkpoint, Checkpoints, RowKey, RowWrite, Scan, StoreError, Table, ViewStore, sqlite::SqliteViews};
use schemas::Topic;
use std::future::Future;

/// The tables that a store under test is made with.
pub const TABLES: [Table; 2] = [Table { name: "one_v1" }, Table { name: "two_v1" }];

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
}

fn key(partition: &str, clustering: &str) -> RowKey {
    RowKey { partition: partition.to_owned(), clustering: clustering.to_owned() }
}

fn put(partition: &str, clustering: &str, version: u64, body: &str) -> RowWrite {
    let body = Some(body.as_bytes().to_vec());
    RowWrite { table: TABLES[0], key: key(partition, clustering), version, body }
}

fn delete(partition: &str, clustering: &str, version: u64) -> RowWrite {
    RowWrite { table: TABLES[0], key: key(partition, clustering), version, body: None }
}

fn write(store: &dyn ViewStore, rows: &[RowWrite]) {
    block_on(store.write("c", rows, &Checkpoints::new())).expect("the store writes");
}

fn read(store: &dyn ViewStore, partition: &str, clustering: &str) -> Option<(u64, String)> {
    let keys = [key(partition, clustering)];
    let row = block_on(store.get(TABLES[0], &keys)).expect("the store reads").pop().flatten()?;
    assert_eq!(row.clustering, clustering);
    Some((row.version, String::from_utf8(row.body).expect("text")))
}

fn scan(store: &dyn ViewStore, after: Option<&str>, descending: bool, limit: usize) -> Vec<String> {
    let scan = Scan { table: TABLES[0], partition: "p", after, descending, limit };
    let rows = block_on(store.scan(scan)).expect("the store reads");
    rows.into_iter().map(|row| row.clustering).collect()
}

fn at(seq: u64) -> Checkpoint {
    Checkpoint { seq, offset: seq + 7, epoch: 3 }
}

/// A clause of the contract: its words, and what checks them on an empty store.
type Clause = (&'static str, fn(&dyn ViewStore));

/// Every clause of the contract.
const CLAUSES: &[Clause] = &[
    ("a row is read as it was written", |store| {
        write(store, &[put("p", "", 16, "a"), put("p", "x", 17, "b")]);
        assert_eq!(read(store, "p", ""), Some((16, "a".to_owned())));
        assert_eq!(read(store, "p", "x"), Some((17, "b".to_owned())));
    }),
    ("what was never written is not there", |store| {
        write(store, &[put("p", "x", 16, "a")]);
        assert_eq!(read(store, "p", "y"), None);
        assert_eq!(read(store, "q", "x"), None);
    }),
    ("rows come in the order asked, absent ones too, and a key may be asked for twice", |store| {
        write(store, &[put("p", "a", 16, "a"), put("p", "b", 16, "b")]);
        let keys = [key("p", "b"), key("p", "none"), key("p", "a"), key("p", "b")];
        let rows = block_on(store.get(TABLES[0], &keys)).expect("the store reads");
        let found: Vec<_> = rows.iter().map(|row| row.as_ref().map(|row| row.clustering.as_str())).collect();
        assert_eq!(found, [Some("b"), None, Some("a"), Some("b")]);
    }),
    ("a higher version replaces, a lower one changes nothing", |store| {
        write(store, &[put("p", "", 32, "new")]);
        write(store, &[put("p", "", 16, "old")]);
        assert_eq!(read(store, "p", ""), Some((32, "new".to_owned())));
        write(store, &[put("p", "", 48, "newer")]);
        assert_eq!(read(store, "p", ""), Some((48, "newer".to_owned())));
    }),
    ("versions of one row in one write end with the highest", |store| {
        write(store, &[put("p", "", 16, "a"), put("p", "", 48, "c"), put("p", "", 32, "b")]);
        assert_eq!(read(store, "p", ""), Some((48, "c".to_owned())));
    }),
    ("a deleted row is gone, and its tombstone keeps the version", |store| {
        write(store, &[put("p", "", 16, "a")]);
        write(store, &[delete("p", "", 32)]);
        assert_eq!(read(store, "p", ""), None);
        write(store, &[put("p", "", 16, "a")]);
        assert_eq!(read(store, "p", ""), None, "an older write does not bring it back");
        write(store, &[put("p", "", 48, "b")]);
        assert_eq!(read(store, "p", ""), Some((48, "b".to_owned())), "a newer one does");
    }),
    ("an older delete changes nothing", |store| {
        write(store, &[put("p", "", 32, "a"), delete("p", "", 16)]);
        assert_eq!(read(store, "p", ""), Some((32, "a".to_owned())));
    }),
    ("a scan is ordered bytewise, in both directions, without tombstones", |store| {
        let rows = ["b", "a", "B", "a/1", "c"].map(|clustering| put("p", clustering, 16, "x"));
        write(store, &rows);
        write(store, &[delete("p", "c", 32), put("other", "a", 16, "x")]);
        assert_eq!(scan(store, None, false, 10), ["B", "a", "a/1", "b"]);
        assert_eq!(scan(store, None, true, 10), ["b", "a/1", "a", "B"]);
    }),
    ("a scan goes on after a key, which need not be there, and ends at the limit", |store| {
        write(store, &["a", "b", "c", "d"].map(|clustering| put("p", clustering, 16, "x")));
        assert_eq!(scan(store, Some("a"), false, 2), ["b", "c"]);
        assert_eq!(scan(store, Some("bb"), false, 9), ["c", "d"]);
        assert_eq!(scan(store, Some("c"), true, 9), ["b", "a"]);
        assert_eq!(scan(store, Some("d"), false, 9), Vec::<String>::new());
        assert_eq!(scan(store, None, false, 0), Vec::<String>::new());
    }),
    ("any text is a key, also an empty one", |store| {
        let texts = ["", "\0", "\0\0", "ä", "'\";--"];
        let rows: Vec<_> = texts.iter().flat_map(|p| texts.map(|c| put(p, c, 16, &format!("{p}|{c}")))).collect();
        write(store, &rows);
        for (partition, clustering) in texts.iter().flat_map(|p| texts.map(|c| (*p, c))) {
            let expected = Some((16, format!("{partition}|{clustering}")));
            assert_eq!(read(store, partition, clustering), expected);
        }
    }),
    ("the same version again changes nothing", |store| {
        write(store, &[put("p", "", 16, "a"), delete("q", "", 16)]);
        write(store, &[put("p", "", 16, "a"), delete("q", "", 16)]);
        assert_eq!(read(store, "p", ""), Some((16, "a".to_owned())));
        assert_eq!(read(store, "q", ""), None);
    }),
    ("tables do not meet", |store| {
        write(store, &[put("p", "", 16, "a")]);
        let found = block_on(store.get(TABLES[1], &[key("p", "")])).expect("the store reads");
        assert_eq!(found, [None]);
    }),
    ("checkpoints are those of the newest write, by consumer and partition", |store| {
        let zero = (Topic::InventoryEvents, 0);
        let one = (Topic::OrdersEvents, 1);
        block_on(store.write("c", &[], &Checkpoints::from([(zero, at(1)), (one, at(2))]))).expect("the store writes");
        block_on(store.write("c", &[], &Checkpoints::from([(one, at(9))]))).expect("the store writes");
        block_on(store.write("d", &[], &Checkpoints::from([(zero, at(4))]))).expect("the store writes");
        let of = |consumer| block_on(store.checkpoints(consumer)).expect("the store reads");
        assert_eq!(of("c"), Checkpoints::from([(zero, at(1)), (one, at(9))]));
        assert_eq!(of("d"), Checkpoints::from([(zero, at(4))]));
        assert_eq!(of("nobody"), Checkpoints::new());
    }),
    ("a write ends the waits that began before it", |store| {
        let changed = store.changed();
        let zero = (Topic::InventoryEvents, 0);
        block_on(store.write("c", &[], &Checkpoints::from([(zero, at(1))]))).expect("the store writes");
        block_on(changed);
    }),
];

fn on(make: impl Fn(&mut dyn FnMut(&dyn ViewStore))) {
    for (name, clause) in CLAUSES {
        eprintln!("{name}");
        make(&mut |store| clause(store));
    }
}

#[test]
fn sqlite_keeps_the_contract() {
    on(|clause| {
        let directory = tempfile::tempdir().expect("a directory");
        let store = SqliteViews::open(&directory.path().join("views.sqlite"), &TABLES).expect("it opens");
        clause(&store);
    });
}

#[test]
fn scylla_keeps_the_contract() {
    on(|clause| clause(&Space::ready().open()));
}

#[test]
fn a_write_that_fails_moves_no_checkpoint() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = SqliteViews::open(&directory.path().join("views.sqlite"), &TABLES[..1]).expect("it opens");
    let stray = RowWrite { table: TABLES[1], ..put("p", "", 16, "a") };
    let zero = (Topic::InventoryEvents, 0);
    let failed = block_on(store.write("c", &[put("p", "", 16, "a"), stray], &Checkpoints::from([(zero, at(1))])));
    assert!(matches!(failed, Err(StoreError::Corrupt(_))), "{failed:?}");
    assert_eq!(block_on(store.checkpoints("c")).expect("the store reads"), Checkpoints::new());
    assert_eq!(read(&store, "p", ""), None, "and none of its rows");
}

#[test]
fn a_table_that_the_store_was_not_opened_with_is_an_error() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = SqliteViews::open(&directory.path().join("views.sqlite"), &TABLES[..1]).expect("it opens");
    let found = block_on(store.get(TABLES[1], &[key("p", "")]));
    assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
}
