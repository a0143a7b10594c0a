//! What suppliers send, as the documentation shows it.

use super::documented::{LIMIT, blocks, pasted, python};
use crate::e2e::{engine::Engine, world::World};
use schemas::dead_letter::DeadLetterData;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, time::Instant};

/// The block for a shell whose first line begins so.
fn shell(name: &str) -> String {
    let begins = |code: &str| code.starts_with(&format!("# {name}"));
    let found = blocks().into_iter().find(|(language, code)| language == "sh" && begins(code));
    found.unwrap_or_else(|| panic!("docs/integrators.md has no `# {name}`")).1
}

/// Waits until the engine answers so.
async fn shows(engine: &Engine, path: &str, so: impl Fn(&Value) -> bool) {
    let (token, begun) = (engine.token("operator", "ops"), Instant::now());
    loop {
        let shown = engine.get(Some(&token), path, "").await.body;
        if so(&shown) {
            return;
        }
        assert!(begun.elapsed() < LIMIT, "{path} does not come to it: {shown}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

async fn has(engine: &Engine, on_hand: u32) {
    shows(engine, "/v1/items/kettle/stock", |stock| stock["onHand"] == json!(on_hand)).await;
}

/// Runs a block that posts, as it stands there, but for the address and the token.
fn posts(engine: &Engine, code: &str) {
    let script = format!("set -eu\nAPI={}/v1\nSUPPLIER={}\n{code}", engine.url, engine.token("supplier", "erp"));
    let output = Command::new("bash").args(["-c", &script]).output().expect("bash");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.contains("\"events\""), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_supplier_posts_is_in_sale_and_in_stock() {
    let engine = World::Embedded.start(&[]);
    let (lists, reports) = (shell("structured:"), shell("binary:"));
    for post in [&lists, &reports, &lists, &reports] {
        posts(&engine, post);
    }
    has(&engine, 40).await;
    shows(&engine, "/v1/items/kettle", |item| item["name"] == "Kettle" && item["available"] == json!(40)).await;
    // Another count under a sequence that was used.
    posts(&engine, &reports.replace("\"quantity\":40", "\"quantity\":41"));
    shows(&engine, "/v1/log/dead-letters.v1?follow=false", |letter| {
        let read = serde_json::from_value::<DeadLetterData>(letter["data"].clone());
        read.is_ok_and(|letter| {
            letter.kind.as_deref() == Some("supplier_record")
                && letter.code.as_deref() == Some("exists_with_different_content")
                && letter.original.is_some_and(|original| original.contains("41"))
                && letter.at.is_some()
        })
    })
    .await;
    has(&engine, 40).await;
}

/// Runs a block that calls Kafka's console producer: what that is given goes to the real one, on the tests' brokers.
fn produces(code: &str, namespace: &str, folder: &Path) {
    let stand_in = folder.join("kafka-console-producer.sh");
    fs::write(&stand_in, "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$KEPT/arguments\"\ncat > \"$KEPT/input\"\n")
        .expect("written");
    fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).expect("a program");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").expect("PATH"));
    let ran = Command::new("bash").args(["-euc", code]).env("KEPT", folder).env("PATH", path).status().expect("bash");
    assert!(ran.success());
    let arguments = fs::read_to_string(folder.join("arguments")).expect("arguments");
    let arguments = arguments.replace("127.0.0.1:9092", engines::kafka().bootstrap());
    let arguments = arguments.replace("stockfold.supplier", &format!("{namespace}.supplier"));
    let arguments: Vec<&str> = arguments.lines().collect();
    let input = fs::read(folder.join("input")).expect("input");
    let output = engines::kafka_tool_fed("org.apache.kafka.tools.ConsoleProducer", &arguments, &input);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && !said.contains("ERROR"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_supplier_produces_is_in_sale_and_in_stock() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = World::Cluster.home();
    let (namespace, program) = (home.namespace.clone(), pasted("supply.py", folder.path()));
    let topic = format!("{namespace}.supplier.items.v1");
    let engine = Engine::start(home, "up", &[]);
    posts(&engine, &shell("structured:"));
    produces(&shell("console producer:"), &namespace, folder.path());
    shows(&engine, "/v1/items/kettle", |item| item["price"]["amount"] == json!(3_795)).await;
    for (sequence, quantity) in [("4", "120"), ("5", "90")] {
        let arguments = [engines::kafka().bootstrap(), &topic, "kettle", "main", quantity, sequence];
        let output = python(&program, &arguments).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        has(&engine, quantity.parse().expect("a number")).await;
    }
}
