//! Kills, cuts and repetitions in the middle of an import.

use super::{
    Shop, World, gzip,
    relay::{After, Relay},
    stderr, summary, until, write_goods,
};
use serde_json::{Value, json};
use std::path::Path;

/// Lines of the files here.
const LINES: u64 = 6_000;
/// Bytes of a request that pass before something happens: some hundred lines.
const SOME: u64 = 120_000;

fn journal(file: &Path) -> Option<Value> {
    let path = file.with_file_name(format!("{}.import.json", file.file_name()?.to_str()?));
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn lines(told: &Value) -> (u64, u64) {
    let number = |field: &str| told[field].as_u64().expect("a number");
    (number("lines"), number("applied") + number("already") + number("refused"))
}

/// A file whose lines have no ids of their own: done twice, they would show.
fn write_counts(shop: &Shop, name: &str) -> std::path::PathBuf {
    let mut text = json!({"op": "list", "itemId": "tea", "name": "Tea", "kind": "physical",
        "price": {"amount": 1, "currency": "EUR"}})
    .to_string();
    text.push('\n');
    for n in 1..LINES {
        let count = json!({"op": "count", "itemId": "tea", "location": "main", "counted": n, "reason": "count"});
        text.push_str(&format!("{count}\n"));
    }
    let path = shop.path(name);
    std::fs::write(&path, text).expect("written");
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_import_goes_on_where_it_was_and_does_nothing_twice() {
    let shop = Shop::open(World::Embedded);
    let relay = Relay::open(&shop.engine.url).await;
    let file = write_counts(&shop, "counts.ndjson");
    let name = file.to_str().expect("UTF-8");
    relay.set(After::Hold(SOME));
    let mut import = shop.spawn(&relay.url, &["import", name, "--json"]);
    until("a line is answered", || journal(&file).is_some_and(|journal| journal["line"].as_u64() > Some(0))).await;
    import.kill().expect("kill -9");
    import.wait().expect("ended");
    let left = journal(&file).expect("a journal");
    assert!(left["line"].as_u64() < Some(LINES), "{left}");
    relay.set(After::Never);
    let told = summary(&shop.run(&["import", name, "--json"]));
    assert_eq!(told["resumedAfter"], left["line"], "{told}");
    assert_eq!(lines(&told), (LINES, LINES), "{told}");
    let counts = shop.log("inventory.events.v1").await;
    let counted = counts.values().filter(|event| event["type"] == "stockfold.inventory.stock-counted.v1").count();
    assert_eq!(counted as u64, LINES - 1, "each was counted once");
    // And once more, from the first line: it is the same import.
    let again = summary(&shop.run(&["import", name, "--json"]));
    assert_eq!((again["already"].as_u64(), again["import"].clone()), (Some(LINES), told["import"].clone()), "{again}");
    assert_eq!(shop.log("inventory.events.v1").await.len(), counts.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_dies_and_connections_that_are_cut_are_waited_for() {
    let mut shop = Shop::open(World::Embedded);
    let relay = Relay::open(&shop.engine.url).await;
    let file = shop.path("goods.ndjson");
    let refused = write_goods(&file, LINES);
    let packed = shop.path("goods.ndjson.gz");
    gzip(&file, &packed);
    relay.set(After::Hold(SOME));
    let import = shop.spawn(&relay.url, &["import", packed.to_str().expect("UTF-8"), "--json"]);
    until("a line is answered", || journal(&packed).is_some_and(|journal| journal["line"].as_u64() > Some(0))).await;
    shop.engine.kill();
    let Shop { engine, home, files } = shop;
    let engine = engine.restart();
    relay.lead_to(&engine.url);
    shop = Shop { engine, home, files };
    // Every further connection is cut as well.
    relay.set(After::Cut(SOME));
    let output = tokio::task::spawn_blocking(move || import.wait_with_output()).await.expect("waited").expect("ended");
    let told = summary(&output);
    assert!(relay.connections() > 3, "{} connections", relay.connections());
    assert_eq!(lines(&told), (LINES, LINES), "{told}");
    assert_eq!(told["refused"], refused.len(), "{told}");
    let received = shop.log("inventory.events.v1").await;
    let kinds: std::collections::BTreeSet<String> = received
        .values()
        .filter(|event| event["type"] == "stockfold.inventory.stock-received.v1")
        .map(|event| format!("{} {}", event["subject"], event["data"]))
        .collect();
    let all = received.values().filter(|event| event["type"] == "stockfold.inventory.stock-received.v1").count();
    assert_eq!(kinds.len(), all, "nothing was received twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changed_meanwhile_is_told_and_begun_anew_on_request() {
    let shop = Shop::open(World::Embedded);
    let relay = Relay::open(&shop.engine.url).await;
    let file = write_counts(&shop, "counts.ndjson");
    let name = file.to_str().expect("UTF-8");
    relay.set(After::Hold(SOME));
    let mut import = shop.spawn(&relay.url, &["import", name]);
    until("a line is answered", || journal(&file).is_some()).await;
    import.kill().expect("kill -9");
    import.wait().expect("ended");
    std::fs::write(&file, "{\"op\":\"delist\",\"itemId\":\"tea\"}\n").expect("written");
    let output = shop.run(&["import", name]);
    assert!(!output.status.success() && stderr(&output).contains("has changed"), "{}", stderr(&output));
    let told = summary(&shop.run(&["import", name, "--restart", "--json"]));
    assert_eq!((told["lines"].clone(), told["applied"].clone()), (json!(1), json!(1)), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_finds_what_is_wrong_and_changes_nothing() {
    let shop = Shop::open(World::Embedded);
    let file = shop.path("goods.ndjson");
    write_goods(&file, 2_000);
    let output = shop.run(&["import", file.to_str().expect("UTF-8"), "--dry-run", "--json"]);
    let told = summary(&output);
    assert!(!output.status.success() && told["dryRun"] == true, "{told}");
    // Of twenty kinds four are the items' to refuse: a dry run does not ask them.
    assert_eq!((told["lines"].clone(), told["refused"].clone()), (json!(2_000), json!(16)), "{told}");
    assert!(shop.log("inventory.events.v1").await.is_empty());
    assert!(shop.log("dead-letters.v1").await.is_empty());
    assert!(journal(&file).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_and_csv_are_taken_and_refused_lines_are_listed() {
    let shop = Shop::open(World::Embedded);
    let csv = "op,itemId,name,kind,price.amount,price.currency,receiptId,location,quantity,document\n\
        list,kettle,\"Kettle, big\",physical,250,EUR,,,,\n\
        receive,kettle,,,,,r1,main,7,\"note \"\"1\"\"\"\n\
        receive,kettle,,,,,r2,main,1.5,note\n";
    let file = shop.path("goods.csv");
    std::fs::write(&file, csv).expect("written");
    let list = shop.path("bad.ndjson");
    let output =
        shop.run(&["import", file.to_str().expect("UTF-8"), "--json", "--rejected", list.to_str().expect("UTF-8")]);
    assert_eq!(summary(&output)["refused"], 1, "{output:?}");
    let bad: Value = serde_json::from_str(&std::fs::read_to_string(&list).expect("listed")).expect("one line");
    assert_eq!((&bad["line"], &bad["original"]), (&json!(4), &json!("receive,kettle,,,,,r2,main,1.5,note")), "{bad}");
    assert_eq!(bad["errors"][0]["pointer"], "/quantity");
    let arguments = ["import", "-", "--format", "csv", "--import-id", "by-hand", "--json"];
    let mut command = shop.command(&shop.engine.url, &arguments);
    command.stdin(std::fs::File::open(&file).expect("there"));
    let told = summary(&command.output().expect("stockfold can be started"));
    assert_eq!((&told["import"], &told["already"]), (&json!("by-hand"), &json!(2)), "{told}");
}
