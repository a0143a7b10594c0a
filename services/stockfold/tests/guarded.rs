//! A CQL store that lets in by password only, over TLS, as an operator meets it.

use crate::{stockfold, text};
use engines::CqlCluster;
use read_model::{
    Checkpoints, RowKey, RowWrite, ViewStore as _,
    scylla::{CqlConfig, Credentials, Keyspace, ScyllaViews, Tls},
    views,
};
use schemas::Password;
use std::{fs, path::Path, process::Output, sync::LazyLock};
use tempfile::TempDir;

/// The user that a new Cassandra has, and the password.
const SUPERUSER: &str = "cassandra";

/// An authority that vouches for nobody here.
const STRANGER: &str = include_str!("stranger.pem");

/// One node for all tests of this file.
static STORE: LazyLock<CqlCluster> = LazyLock::new(CqlCluster::with_passwords_over_tls);

fn ca() -> &'static str {
    path(STORE.ca_pem().expect("it speaks TLS"))
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn fresh() -> String {
    format!("g{}", uuid::Uuid::new_v4().simple())
}

/// Runs `schema apply` for a keyspace with these flags and variables.
fn apply(keyspace: &str, flags: &[&str], environment: &[(&str, &str)]) -> Output {
    let nodes = STORE.nodes();
    let own = ["schema", "apply", "--scylla", &nodes, "--namespace", keyspace, "--replication", "1", "--allow-unsafe"];
    stockfold(&[&own, flags].concat(), environment)
}

/// What it says where it must fail.
fn refused(flags: &[&str], environment: &[(&str, &str)]) -> String {
    let output = apply(&fresh(), flags, environment);
    let said = text(&output.stderr);
    assert!(!output.status.success(), "{flags:?} were taken: {said}");
    assert!(said.contains(&STORE.nodes()), "it does not say who refused: {said}");
    said
}

/// A file of that content, in a directory that goes with the first value.
fn file(content: &str) -> (TempDir, String) {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("file");
    fs::write(&file, content).expect("written");
    let name = path(&file).to_owned();
    (home, name)
}

#[test]
fn who_has_password_and_certificate_makes_tables_and_keeps_rows_in_them() {
    let keyspace = fresh();
    let (_home, password_file) = file("cassandra\n");
    let by_file = ["--scylla-user", SUPERUSER, "--scylla-password-file", &password_file, "--scylla-tls-ca", ca()];
    let made = apply(&keyspace, &by_file, &[]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stdout).contains(&format!("{keyspace}: made checkpoints")), "{}", text(&made.stdout));
    let environment = [
        ("STOCKFOLD_SCYLLA_USER", SUPERUSER),
        ("STOCKFOLD_SCYLLA_PASSWORD", "cassandra"),
        ("STOCKFOLD_SCYLLA_TLS_CA", ca()),
    ];
    let again = apply(&keyspace, &[], &environment);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert!(text(&again.stdout).contains(&format!("{keyspace}: all ")), "{}", text(&again.stdout));

    let mut config = CqlConfig::new([STORE.nodes()], Keyspace::parse(&keyspace).expect("a name"));
    config.allow_unsafe = true;
    config.tls = Some(Tls { ca: ca().into(), certificate: None, key: None });
    let password = Password::new("cassandra".to_owned());
    config.credentials = Some(Credentials { user: SUPERUSER.to_owned(), password });
    let tables = views::tables();
    let key = RowKey { partition: "p".to_owned(), clustering: String::new() };
    let row = RowWrite { table: tables[0], key: key.clone(), version: 16, body: Some(b"{}".to_vec()) };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let found = runtime.block_on(async {
        let open = async || ScyllaViews::open(&config, &tables).await.expect("it opens");
        open().await.write("c", &[row], &Checkpoints::new()).await.expect("it writes");
        open().await.get(tables[0], &[key]).await.expect("it reads")
    });
    assert_eq!(found[0].as_ref().map(|row| row.version), Some(16));
}

#[test]
fn a_wrong_password_is_told_with_the_user_and_where_the_password_is_set() {
    let environment = [("STOCKFOLD_SCYLLA_PASSWORD", "hunter2")];
    let said = refused(&["--scylla-user", SUPERUSER, "--scylla-tls-ca", ca()], &environment);
    assert!(said.contains("`cassandra`") && said.contains("STOCKFOLD_SCYLLA_PASSWORD"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn who_gives_no_user_is_told_that_one_is_wanted() {
    let said = refused(&["--scylla-tls-ca", ca()], &[]);
    assert!(said.contains("scylla-user") && said.contains("STOCKFOLD_SCYLLA_PASSWORD"), "{said}");
}

#[test]
fn a_certificate_that_a_stranger_signed_is_told_with_the_setting_that_names_who_vouches() {
    let (_home, stranger) = file(STRANGER);
    let environment = [("STOCKFOLD_SCYLLA_USER", SUPERUSER), ("STOCKFOLD_SCYLLA_PASSWORD", "cassandra")];
    let said = refused(&["--scylla-tls-ca", &stranger], &environment);
    assert!(said.contains("scylla-tls-ca") && said.to_lowercase().contains("certificate"), "{said}");
}

#[test]
fn who_speaks_plainly_to_a_node_with_tls_is_told_of_the_setting() {
    let environment = [("STOCKFOLD_SCYLLA_USER", SUPERUSER), ("STOCKFOLD_SCYLLA_PASSWORD", "cassandra")];
    let said = refused(&[], &environment);
    assert!(said.contains("scylla-tls-ca"), "{said}");
}
