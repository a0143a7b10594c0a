//! Who may know it reads what is sealed, until the person is forgotten.

use super::documented::{pasted, python};
use crate::e2e::{
    engine::{Ask, Engine},
    world::World,
};
use reqwest::Method;
use serde_json::json;
use std::path::Path;

/// What the documentation's program prints.
fn printed(engine: &Engine, program: &Path) -> String {
    let mut python = python(program, &[&format!("{}/v1", engine.url)]);
    let output = python.env("STOCKFOLD_TOKEN", engine.token("operator", "ops")).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_opened_with_the_key_that_an_operator_gives_until_it_is_destroyed() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = pasted("personal.py", folder.path());
    let engine = World::Embedded.start(&[]);
    let alice = engine.token("shopper", "alice");
    let me = Ask { token: Some(&alice), body: Some(json!({"email": "alice@people.example"})), ..Ask::default() };
    let said = engine.ask(Method::PUT, "/v1/me", me).await;
    assert!(said.status.is_success(), "{said:?}");
    let operator = engine.token("operator", "ops");
    let found = engine.get(Some(&operator), "/v1/subjects?sub=alice", "").await;
    let subject = found.body["subject"].as_str().expect("a pseudonym");
    assert_eq!(printed(&engine, &program), format!("{subject} alice@people.example\n"));
    let forgotten = engine.post(&operator, "f", &format!("/v1/subjects/{subject}/forget"), json!({})).await;
    assert!(forgotten.status.is_success(), "{forgotten:?}");
    assert_eq!(printed(&engine, &program), format!("{subject} None\n"));
}
