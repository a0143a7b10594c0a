//! Every kind of bad line: refused alone, told why, and kept as a dead letter with its bytes.

use super::harness::Api;
use crate::{asker::Asker, import};
use event_log::{ReadFrom, Record};
use schemas::{Role, Topic};
use serde_json::{Value, json};
use std::time::Duration;

/// A bad line, the code of its refusal, and where its fault is.
struct Bad {
    what: &'static str,
    line: Vec<u8>,
    code: &'static str,
    pointer: Option<&'static str>,
}

fn bad(what: &'static str, line: impl Into<Vec<u8>>, code: &'static str, pointer: Option<&'static str>) -> Bad {
    Bad { what, line: line.into(), code, pointer }
}

fn receive(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut line = json!({"op": "receive", "itemId": "mug", "receiptId": "r-9", "location": "main", "quantity": 5,
        "document": "note"});
    change(&mut line);
    line.to_string().into_bytes()
}

fn list(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut line = json!({"op": "list", "itemId": "mug", "name": "Mug", "kind": "physical",
        "price": {"amount": 100, "currency": "EUR"}});
    change(&mut line);
    line.to_string().into_bytes()
}

/// Lines that nobody could read.
fn unreadable() -> Vec<Bad> {
    let mut bad_utf8 = receive(|_| {});
    let at = bad_utf8.iter().position(|byte| *byte == b'n').expect("a letter");
    bad_utf8[at] = 0xff;
    let deep = format!("{{\"op\":\"list\",\"attributes\":{}{}}}", "[".repeat(200), "]".repeat(200));
    vec![
        bad("not JSON", "sku-1;5;main", "invalid_json", None),
        bad("truncated", "{\"op\":\"receive\",\"itemId\":\"mug\",", "invalid_json", None),
        bad("not an object", "[1,2]", "invalid_body", Some("")),
        bad("bad UTF-8", bad_utf8, "invalid_json", None),
        bad("duplicate key", "{\"op\":\"delist\",\"itemId\":\"mug\",\"itemId\":\"cup\"}", "invalid_json", None),
        bad("deep", deep, "invalid_json", None),
        bad("two values", "{\"op\":\"delist\",\"itemId\":\"mug\"} {}", "invalid_json", None),
        bad("too long", list(|line| line["name"] = "x".repeat(70_000).into()), "line_too_long", None),
    ]
}

/// Lines that break a rule which needs no look at the item.
fn unlawful() -> Vec<Bad> {
    let without = |mut line: Value, field: &str| {
        line.as_object_mut().expect("an object").remove(field);
        line.to_string().into_bytes()
    };
    let of = |line: &[u8]| serde_json::from_slice::<Value>(line).expect("JSON");
    vec![
        bad("unknown op", receive(|line| line["op"] = "hold".into()), "invalid_body", Some("/op")),
        bad("no op", without(of(&receive(|_| {})), "op"), "invalid_body", Some("/op")),
        bad("no item", without(of(&receive(|_| {})), "itemId"), "invalid_body", Some("/itemId")),
        bad("bad id", receive(|line| line["itemId"] = "a b".into()), "invalid_body", Some("/itemId")),
        bad("unknown field", receive(|line| line["color"] = "red".into()), "invalid_body", Some("/color")),
        bad("negative", receive(|line| line["quantity"] = (-5).into()), "invalid_body", Some("/quantity")),
        bad("zero", receive(|line| line["quantity"] = 0.into()), "invalid_body", Some("/quantity")),
        bad("too many", receive(|line| line["quantity"] = 1_000_001.into()), "invalid_body", Some("/quantity")),
        bad("text for number", receive(|line| line["quantity"] = "5".into()), "invalid_body", Some("/quantity")),
        bad("float money", list(|line| line["price"]["amount"] = 1.5.into()), "invalid_body", Some("/price/amount")),
        bad(
            "bad currency",
            list(|line| line["price"]["currency"] = "EURO".into()),
            "invalid_body",
            Some("/price/currency"),
        ),
        bad("no price", without(of(&list(|_| {})), "price"), "invalid_body", Some("/price")),
        bad("bad image", list(|line| line["images"] = json!(["ftp://a/1"])), "invalid_body", Some("/images/0")),
        bad("half a source", list(|line| line["source"] = "erp".into()), "invalid_body", Some("/sourceVersion")),
        bad("foreign store", list(|line| line["store"] = "other".into()), "forbidden", None),
    ]
}

/// Lines that the item refuses: `mug` is physical with five in stock, `song` is digital.
fn refused() -> Vec<Bad> {
    let count = json!({"op": "count", "itemId": "mug", "countId": "c-1", "location": "main", "counted": 4, "expected": 9,
        "reason": "count"});
    let moved = json!({"op": "move", "itemId": "mug", "moveId": "m-1", "location": "main", "from": "sellable",
        "to": "damaged", "quantity": 50, "reason": "broken", "reference": "x"});
    vec![
        bad("unknown item", receive(|line| line["itemId"] = "nothing".into()), "item_not_found", None),
        bad("wrong kind", list(|line| line["kind"] = "digital".into()), "kind_immutable", None),
        bad("digital stock", receive(|line| line["itemId"] = "song".into()), "digital_has_no_stock", None),
        bad("stale count", count.to_string(), "stale_count", None),
        bad("more than there is", moved.to_string(), "bucket_too_small", None),
        bad(
            "the same receipt, other content",
            receive(|line| line["receiptId"] = "r-1".into()),
            "exists_with_different_content",
            None,
        ),
    ]
}

fn all() -> Vec<Bad> {
    [unreadable(), unlawful(), refused()].into_iter().flatten().collect()
}

impl Api {
    /// The dead letters, and the keys of their records.
    fn letters(&self) -> Vec<(String, Value)> {
        let log = self.submitter.log();
        let place = |shard: schemas::ShardId| ReadFrom { topic: Topic::DeadLetters, partition: shard.0, offset: 0 };
        let mut reader = log.reader(&log.shards().all().map(place).collect::<Vec<_>>()).expect("a reader");
        let is_read = |reader: &dyn event_log::Reader| {
            reader.places().iter().all(|at| at.offset >= log.end(at.topic, at.partition).expect("an end"))
        };
        let mut letters: Vec<Record> = Vec::new();
        while !is_read(&*reader) {
            letters.extend(reader.poll(1 << 20, Duration::from_millis(10)).expect("records"));
        }
        let read =
            |record: Record| (record.key, serde_json::from_slice(&record.value.expect("a value")).expect("JSON"));
        let mut letters: Vec<(String, Value)> = letters.into_iter().map(read).collect();
        letters.sort_by_key(|(_, letter)| letter["from"]["line"].as_u64());
        letters
    }
}

async fn shop() -> Api {
    let api = Api::start().await;
    api.list("mug", 100).await;
    let receipt = json!({"receiptId": "r-1", "location": "main", "quantity": 5, "document": "first"});
    api.call(Role::Operator, "op", "POST", "/v1/items/mug/receipts").json(&receipt).send().await.expect(201);
    let song = json!({"name": "Song", "kind": "digital", "price": {"amount": 100, "currency": "EUR"}});
    assert!(api.call(Role::Operator, "op", "PUT", "/v1/items/song").json(&song).send().await.status.is_success());
    api
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a result")).collect()
}

/// What each bad line is answered, and the body that they make.
fn body(bads: &[Bad]) -> Vec<u8> {
    bads.iter().flat_map(|bad| [&bad.line[..], b"\n"].concat()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_is_refused_with_its_reason_and_kept_with_its_bytes() {
    let api = shop().await;
    let bads = all();
    assert!(bads.len() >= 20);
    // Items of no store are the operator's, so a store's lines are all foreign: the one of the table is sent by a store.
    let call = api.call(Role::Operator, "op", "POST", "/v1/items:import").key("file-1");
    let call = call.header("stockfold-import-file", "goods.ndjson");
    let (own, foreign): (Vec<Bad>, Vec<Bad>) = bads.into_iter().partition(|bad| bad.what != "foreign store");
    let answer = call.raw("application/x-ndjson", body(&own)).send().await;
    assert_eq!((answer.status.as_u16(), answer.headers.get("stockfold-import")), (200, None));
    let results = lines(&answer.text);
    assert_eq!(results.len(), own.len());
    let letters = api.letters();
    assert_eq!(letters.len(), own.len(), "a letter each");
    for (i, bad) in own.iter().enumerate() {
        let (result, (key, letter)) = (&results[i], &letters[i]);
        let what = bad.what;
        assert_eq!((&result["line"], &result["deadLetter"]), (&json!(i + 1), &json!(true)), "{what}: {result}");
        assert_eq!(result["problem"]["code"], bad.code, "{what}: {result}");
        assert_eq!(letter["code"], bad.code, "{what}: {letter}");
        assert_eq!(letter["reason"], result["problem"]["detail"], "{what}");
        assert_eq!(letter["kind"], "import_line", "{what}");
        if let Some(pointer) = bad.pointer {
            let pointers =
                |errors: &Value| errors.as_array().is_some_and(|all| all.iter().any(|e| e["pointer"] == pointer));
            assert!(pointers(&result["problem"]["errors"]), "{what}: {result}");
            assert!(pointers(&letter["errors"]), "{what}: {letter}");
        }
        let from = json!({"import": "file-1", "line": i + 1, "format": "ndjson", "file": "goods.ndjson"});
        assert_eq!(letter["from"], from, "{what}");
        assert_eq!((&letter["caller"]["role"], letter["at"].is_string()), (&json!("operator"), true), "{what}");
        let kept = &bad.line[..bad.line.len().min(64 * 1_024)];
        if let Ok(text) = std::str::from_utf8(kept) {
            assert_eq!(letter["original"], text, "{what}");
        }
        let expected = result["itemId"].as_str().unwrap_or("file-1");
        assert_eq!(key, expected, "{what}: the key is the item where there is one");
    }
    let answer = api.call(Role::Store, "mine", "POST", "/v1/items:import").raw("application/x-ndjson", body(&foreign));
    let answer = answer.send().await;
    let results = lines(&answer.text);
    assert_eq!(results[0]["problem"]["code"], foreign[0].code, "{results:?}");
    let letters = api.letters();
    assert_eq!(letters.len(), own.len() + foreign.len());
    // An import without a name is told the one that its letters have.
    let unnamed = answer.headers["stockfold-import"].to_str().expect("text");
    assert_eq!(letters.iter().filter(|(_, letter)| letter["from"]["import"] == unnamed).count(), foreign.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_import_again_makes_the_same_letters_and_changes_nothing() {
    let api = shop().await;
    let good = [list(|line| line["itemId"] = "cup".into()), receive(|line| line["itemId"] = "cup".into())];
    let mut file = good.iter().flat_map(|line| [&line[..], b"\n"].concat()).collect::<Vec<u8>>();
    file.extend(body(&refused()));
    let send = || {
        api.call(Role::Operator, "op", "POST", "/v1/items:import").key("k").raw("application/x-ndjson", file.clone())
    };
    let first = lines(&send().send().await.text);
    assert_eq!((&first[0]["changed"], &first[1]["changed"]), (&json!(true), &json!(true)), "{first:?}");
    let again = lines(&send().send().await.text);
    assert_eq!((&again[0]["changed"], &again[1]["changed"]), (&json!(false), &json!(false)), "{again:?}");
    assert_eq!(again[1]["result"], first[1]["result"]);
    // A reader knows a repeat by import, line and bytes.
    let identity = |letter: &Value| format!("{} {}", letter["from"], letter["original"]);
    let letters: Vec<String> = api.letters().iter().map(|(_, letter)| identity(letter)).collect();
    let kinds = letters.iter().collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!((letters.len(), kinds), (2 * refused().len(), refused().len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_has_the_numbers_and_the_effects_of_the_whole() {
    let api = shop().await;
    let count = |counted: u64| {
        json!({"op": "count", "itemId": "mug", "location": "main", "counted": counted, "reason": "count"}).to_string()
    };
    let file = [count(9), "{".to_owned(), count(7)].join("\n");
    let send = |from: Option<(&str, &str)>, body: &str| {
        let call = api.call(Role::Operator, "op", "POST", "/v1/items:import").key("k");
        let call = from.into_iter().fold(call, |call, (name, value)| call.header(name, value));
        call.raw("application/x-ndjson", body.to_owned())
    };
    let whole = lines(&send(None, &file).send().await.text);
    assert_eq!(whole[2]["changed"], true);
    // The whole body from a line on, and the lines from there on, are the same: nothing is counted again.
    for (header, body) in
        [("stockfold-import-from", &file[..]), ("stockfold-import-first", file.lines().last().expect("a line"))]
    {
        let part = lines(&send(Some((header, "3")), body).send().await.text);
        assert_eq!((part.len(), &part[0]["line"], &part[0]["changed"]), (1, &json!(3), &json!(false)), "{part:?}");
    }
    for wrong in ["0", "x", "-1"] {
        send(Some(("stockfold-import-from", wrong)), &file).send().await.problem(400, "invalid_import_header");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_checks_and_does_nothing() {
    let api = shop().await;
    let mut file = body(&unlawful()[..3]);
    file.extend(list(|line| line["name"] = "Another name".into()));
    let call = api.call(Role::Operator, "op", "POST", "/v1/items:import?dryRun=true").key("k");
    let results = lines(&call.raw("application/x-ndjson", file).send().await.text);
    assert_eq!(results.len(), 4);
    assert_eq!(results[0]["problem"]["errors"][0]["pointer"], "/op");
    assert_eq!(results[3], json!({"line": 4, "itemId": "mug", "status": 200, "dryRun": true}));
    assert!(api.letters().is_empty());
    let ends = || -> u64 {
        let log = api.submitter.log();
        log.shards().all().map(|shard| log.end(Topic::InventoryEvents, shard.0).expect("an end")).sum()
    };
    let before = ends();
    api.list("mug", 100).await;
    assert_eq!(ends(), before, "the name is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_without_a_head_ends_the_import_and_letters_carry_the_head() {
    let api = shop().await;
    let send =
        |body: &'static str| api.call(Role::Operator, "op", "POST", "/v1/items:import").key("k").raw("text/csv", body);
    let results = lines(&send("op,,\nlist,a,b\n").send().await.text);
    assert_eq!(
        (results.len(), &results[0]["ended"], &results[0]["problem"]["code"]),
        (1, &json!(true), &json!("invalid_csv"))
    );
    assert!(api.letters().is_empty());
    let body =
        "op,itemId,receiptId,location,quantity,document\nreceive,mug,r-2,main,1,\"a\nb\"\nreceive,mug,r-3,main,x,d\n";
    let results = lines(&send(body).send().await.text);
    assert_eq!(results.iter().map(|result| result["line"].as_u64()).collect::<Vec<_>>(), [Some(2), Some(3)]);
    let letters = api.letters();
    assert_eq!(letters[1].1["from"]["head"], "op,itemId,receiptId,location,quantity,document");
    assert_eq!(letters[0].1["original"], "receive,mug,r-2,main,1,\"a\nb\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_runs_again_as_whoever_imported_it_with_the_same_effect() {
    let api = shop().await;
    let line =
        json!({"op": "count", "itemId": "later", "location": "main", "counted": 7, "reason": "count"}).to_string();
    let send =
        || api.call(Role::Supplier, "s", "POST", "/v1/items:import").key("k").raw("application/x-ndjson", line.clone());
    assert_eq!(lines(&send().send().await.text)[0]["problem"]["code"], "item_not_found");
    let (_, letter) = api.letters().pop().expect("a letter");
    let trace = edge::Trace { id: 7, traceparent: None };
    let asker = Asker::of(schemas::Caller::engine(), "redrive".to_owned(), trace);
    let again = |dry_run| import::redrive(&api.state, &asker, &letter, dry_run);
    assert_eq!(again(false).await.expect_err("still unknown").code(), "item_not_found");
    api.list("later", 5).await;
    assert_eq!(again(true).await.expect("well")["dryRun"], true);
    assert_eq!(again(false).await.expect("counted")["result"]["onHand"], 7);
    // The import again is the same effect: it was counted once, by whom and under what it was sent.
    let result = lines(&send().send().await.text).remove(0);
    assert_eq!((&result["result"]["onHand"], &result["changed"]), (&json!(7), &json!(false)), "{result}");
    let cut = json!({"kind": "import_line", "originalBytes": 70_000});
    assert_eq!(
        import::redrive(&api.state, &asker, &cut, false).await.expect_err("a part only").code(),
        "not_redrivable"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_whose_letters_cannot_be_written_ends_and_says_where_to_go_on() {
    let api = shop().await;
    // What is published from here on fails.
    api.submitter.log().close();
    let call = api.call(Role::Operator, "op", "POST", "/v1/items:import").key("k");
    let results = lines(&call.raw("application/x-ndjson", body(&unlawful()[..3])).send().await.text);
    assert_eq!(results.len(), 1, "no line is told as refused whose letter is not there: {results:?}");
    let (end, problem) = (&results[0], &results[0]["problem"]);
    assert_eq!((&end["ended"], &end["line"], &end["status"]), (&json!(true), &json!(1), &json!(503)));
    assert_eq!((&problem["code"], &problem["retryable"]), (&json!("dead_letters_unavailable"), &json!(true)));
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("Stockfold-Import-From: 1")), "{end}");
    assert!(api.letters().is_empty());
}
