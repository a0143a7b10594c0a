//! What the views file is opened with, and what is made of other files.

use crate::contract::{TABLES, block_on};
use read_model::{Checkpoint, Checkpoints, RowKey, RowWrite, StoreError, Table, ViewStore, sqlite::SqliteViews};
use rusqlite::Connection;
use schemas::Topic;
use std::path::Path;

const ZERO: (Topic, u32) = (Topic::InventoryEvents, 0);

fn fill(path: &Path) {
    let store = SqliteViews::open(path, &TABLES).expect("it opens");
    let key = RowKey { partition: "p".to_owned(), clustering: String::new() };
    let row = RowWrite { table: TABLES[0], key, version: 16, body: Some(b"{}".to_vec()) };
    let checkpoints = Checkpoints::from([(ZERO, Checkpoint { seq: 1, offset: 1, epoch: 1 })]);
    block_on(store.write("c", &[row], &checkpoints)).expect("it writes");
}

/// Rows of the first table, and checkpoints.
fn content(store: &SqliteViews) -> (usize, usize) {
    let keys = [RowKey { partition: "p".to_owned(), clustering: String::new() }];
    let rows = block_on(store.get(TABLES[0], &keys)).expect("it reads");
    let checkpoints = block_on(store.checkpoints("c")).expect("it reads");
    (rows.iter().flatten().count(), checkpoints.len())
}

#[test]
fn rows_and_checkpoints_are_there_after_opening_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("views.sqlite");
    fill(&path);
    assert_eq!(content(&SqliteViews::open(&path, &TABLES).expect("it opens")), (1, 1));
}

#[test]
fn other_views_begin_from_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("views.sqlite");
    fill(&path);
    let tables = [TABLES[0], Table { name: "two_v2" }];
    assert_eq!(content(&SqliteViews::open(&path, &tables).expect("it opens")), (0, 0));
}

#[test]
fn an_older_format_begins_from_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("views.sqlite");
    fill(&path);
    Connection::open(&path).and_then(|file| file.pragma_update(None, "user_version", 0)).expect("it is changed");
    assert_eq!(content(&SqliteViews::open(&path, &TABLES).expect("it opens")), (0, 0));
}

#[test]
fn a_newer_format_is_refused_and_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("views.sqlite");
    fill(&path);
    let set = |format: i32| {
        Connection::open(&path)
            .and_then(|file| file.pragma_update(None, "user_version", format))
            .expect("it is changed");
    };
    set(999);
    let refused = SqliteViews::open(&path, &TABLES).err().expect("it is refused");
    assert!(matches!(&refused, StoreError::Corrupt(why) if why.contains("newer")), "{refused}");
    set(1);
    assert_eq!(content(&SqliteViews::open(&path, &TABLES).expect("it opens")), (1, 1));
}

#[test]
fn another_database_is_refused_and_not_touched() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("views.sqlite");
    Connection::open(&path).and_then(|file| file.execute_batch("CREATE TABLE theirs (a)")).expect("a database");
    let before = std::fs::read(&path).expect("it is there");
    assert!(matches!(SqliteViews::open(&path, &TABLES), Err(StoreError::Corrupt(_))));
    assert_eq!(std::fs::read(&path).expect("it is there"), before);
}

#[test]
fn what_is_no_database_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("views.sqlite");
    std::fs::write(&path, "a text that is longer than the header of a database ".repeat(40)).expect("a file");
    let refused = SqliteViews::open(&path, &TABLES).err().expect("it is refused");
    assert!(matches!(&refused, StoreError::Corrupt(why) if why.contains("delete")), "{refused}");
}
