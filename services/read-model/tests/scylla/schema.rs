//! What a keyspace is opened with, and what is made of other ones.

use super::{Space, runtime};
use crate::contract::TABLES;
use read_model::{
    StoreError, Table,
    scylla::{CqlConfig, Replication, migrate},
};

/// The error, which must be one that waiting does not cure, and its words.
fn refusal<T>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Corrupt(why)) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

fn execute(space: &Space, statement: &str) {
    let statement = statement.replace("KS", space.config.keyspace.as_str());
    runtime().block_on(space.session().query_unpaged(statement, ())).expect("it is executed");
}

#[test]
fn a_keyspace_that_is_not_ready_says_what_is_to_be_run() {
    let space = Space::new();
    assert!(refusal(space.try_open(&TABLES)).contains("run `stockfold schema apply`"), "no keyspace");
    execute(
        &space,
        "CREATE KEYSPACE KS WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': 1}",
    );
    assert!(refusal(space.try_open(&TABLES)).contains("run `stockfold schema apply`"), "no tables");
    space.migrate(&TABLES[..1]).expect("it is migrated");
    let why = refusal(space.try_open(&TABLES));
    assert!(why.contains("run `stockfold schema apply`") && why.contains("two_v1"), "{why}");
    space.migrate(&TABLES).expect("it is migrated");
    space.open();
}

#[test]
fn what_was_applied_is_not_applied_again() {
    let space = Space::new();
    let first = space.migrate(&TABLES).expect("it is migrated");
    assert_eq!(
        (first.new.as_slice(), first.present),
        (["checkpoints", "one_v1", "two_v1"].map(str::to_owned).as_slice(), 0)
    );
    let second = space.migrate(&TABLES).expect("it is migrated");
    assert_eq!((second.new, second.present), (Vec::new(), 3));
}

#[test]
fn of_two_that_apply_at_once_each_migration_is_applied_by_one() {
    let space = Space::new();
    let apply = || migrate(&space.config, &Replication::Everywhere(1), &TABLES);
    let (one, two, three) = runtime().block_on(async { tokio::join!(apply(), apply(), apply()) });
    let mut new: Vec<_> =
        [one, two, three].into_iter().flat_map(|applied| applied.expect("it is migrated").new).collect();
    new.sort();
    assert_eq!(new, ["checkpoints", "one_v1", "two_v1"]);
    space.open();
}

#[test]
fn tables_of_another_build_are_left_alone() {
    let space = Space::ready();
    let theirs = [TABLES[0], Table { name: "two_v2" }];
    space.migrate(&theirs).expect("it is migrated");
    space.open();
    space.try_open(&theirs).expect("both work on it");
}

#[test]
fn a_keyspace_of_a_newer_version_is_refused_and_kept() {
    let space = Space::ready();
    execute(&space, "INSERT INTO KS.migrations (part, version, name, checksum) VALUES ('views', 99, 'later', '0')");
    for refused in [refusal(space.try_open(&TABLES)), refusal(space.migrate(&TABLES))] {
        assert!(refused.contains("newer") && refused.contains("99"), "{refused}");
    }
    execute(&space, "DELETE FROM KS.migrations WHERE part = 'views' AND version = 99");
    space.open();
}

#[test]
fn a_migration_that_was_another_one_is_refused() {
    let space = Space::ready();
    execute(&space, "UPDATE KS.migrations SET checksum = '0' WHERE part = 'views' AND version = 1 AND name = 'one_v1'");
    for refused in [refusal(space.try_open(&TABLES)), refusal(space.migrate(&TABLES))] {
        assert!(refused.contains("one_v1"), "{refused}");
    }
}

#[test]
fn fewer_than_three_copies_are_refused_unless_allowed() {
    let space = Space::ready();
    let strict = Space { config: CqlConfig { allow_unsafe: false, ..space.config.clone() } };
    for refused in [refusal(strict.try_open(&TABLES)), refusal(strict.migrate(&TABLES))] {
        assert!(refused.contains("1 copies") && refused.contains("--allow-unsafe"), "{refused}");
    }
    // An old keyspace keeps what it was made with.
    let applied = runtime().block_on(migrate(&strict.config, &Replication::default(), &TABLES));
    assert!(refusal(applied).contains("1 copies"));
}

#[test]
fn the_lock_of_a_process_that_gave_up_does_not_stop_the_next() {
    let space = Space::ready();
    execute(&space, "INSERT INTO KS.migration_lock (part, holder) VALUES ('views', 'dead') USING TTL 2");
    let tables = [TABLES[0], TABLES[1], Table { name: "three_v1" }];
    assert_eq!(space.migrate(&tables).expect("it is migrated").new, ["three_v1"]);
}
