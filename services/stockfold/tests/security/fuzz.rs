//! Requests that no client would send. Each is answered, by a problem with a code where it is refused, and never by a
//! fault of the server.

use super::{
    answer::Answer,
    asks::{ask, body, signed},
    engine::{Ask, Engine, engine, token},
    mutate::{mutated, odd},
    targets::{Kind, Maker, number, staff},
};
use proptest::{prelude::*, sample::select, test_runner::TestRunner};
use serde_json::Value;
use std::sync::Arc;

fn runner(cases: u32) -> TestRunner {
    let config =
        ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() };
    TestRunner::new(config)
}

/// Fails where the answer is no answer of the contract.
fn check(ask: &Ask, answer: &Answer) -> Result<(), TestCaseError> {
    // An answer to HEAD has the head of a problem only.
    let is_head = ask.method == reqwest::Method::HEAD && answer.status < 500;
    prop_assert_eq!(answer.fault().filter(|_| !is_head), None, "{:?}", ask);
    // A command that came through the edge and made the engine panic is refused with this code.
    prop_assert_ne!(answer.code(), "command_dead_lettered", "{:?}", ask);
    Ok(())
}

/// Sends a request. Who is refused before the body was read may lose the connection and with it the answer, and asks again.
fn send(engine: &Engine, ask: &Ask) -> Result<Answer, TestCaseError> {
    let again = |_| engine.try_send(ask);
    let answer = engine.try_send(ask).or_else(again).or_else(again);
    let answer = answer.map_err(|error| TestCaseError::fail(format!("{ask:?}: {error}")))?;
    check(ask, &answer)?;
    Ok(answer)
}

/// Bytes as a part of a path or of a query.
fn encoded(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

/// What may stand in the place of an id.
fn segment() -> impl Strategy<Value = String> {
    let known =
        ["", ".", "..", "%2e%2e", "a", "-", "%00", "%E2%80%AE", "%ff", "a;b", "a%2Fb", "tea", "a:b", "+", "%", "%zz"];
    prop_oneof![
        select(known.to_vec()).prop_map(str::to_owned),
        proptest::collection::vec(any::<u8>(), 0..80).prop_map(|bytes| encoded(&bytes)),
        "[A-Za-z0-9_.:-]{1,70}",
    ]
}

/// What may be the value of a parameter or of a header.
fn value() -> impl Strategy<Value = String> {
    let known = [
        "",
        "0",
        "-1",
        "1",
        "200",
        "201",
        "99999999999999999999",
        "true",
        "TRUE",
        "null",
        "NaN",
        "a,b",
        ",",
        ",,,,",
        ":",
        "a:",
        ":b",
        "colour:red,size:M",
        "confirmed",
        "confirmed,nonsense",
        "itemId",
        "price",
        "beginning",
        "end",
        "inventory.events.v1/0@1",
        "inventory.events.v1/99@1",
        "orders.events.v1/0@1",
        "inventory.events.v1/0@-1",
        "inventory.events.v1/4294967296@18446744073709551616",
        "commands.v1/0@0",
        "~~~",
        "a/b@c",
        "BEGIN",
        "DANCE",
        "2026-01-31T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "2016-12-31T23:59:60Z",
        "yesterday",
        "\"1.2\"",
        "W/\"1.2\"",
        "*",
        "\"",
        "\"18446744073709551616.0\"",
        "\"1.2\", \"3.4\"",
        "bytes=0-",
        "text/event-stream",
        "*/*",
        "application/json;q=0",
        "respond-async",
        "wait=-1",
        "wait=1e9",
        "a=b=c",
        "gzip",
    ];
    prop_oneof![
        3 => select(known.to_vec()).prop_map(str::to_owned),
        1 => "[ -~]{0,60}",
        1 => (1_usize..6_000).prop_map(|length| "y".repeat(length)),
        1 => (1_usize..400).prop_map(|length| "a,".repeat(length)),
    ]
}

const PARAMETERS: [&str; 20] = [
    "limit",
    "cursor",
    "category",
    "store",
    "available",
    "ids",
    "filter",
    "sort",
    "asOf",
    "since",
    "status",
    "shopper",
    "items",
    "partition",
    "from",
    "follow",
    "op",
    "query",
    "",
    "%00",
];

const HEADERS: [&str; 16] = [
    "accept",
    "if-none-match",
    "if-match",
    "if-modified-since",
    "range",
    "idempotency-key",
    "stockfold-at-least",
    "last-event-id",
    "traceparent",
    "tracestate",
    "content-type",
    "content-encoding",
    "x-forwarded-for",
    "origin",
    "accept-encoding",
    "prefer",
];

/// A part of a query: a parameter that some call takes, and any value.
fn parameter() -> impl Strategy<Value = String> {
    (select(PARAMETERS.to_vec()), value()).prop_map(|(name, value)| format!("{name}={}", encoded(value.as_bytes())))
}

fn anybody() -> impl Strategy<Value = Option<String>> {
    let tokens = ["shopper", "service", "analyst", "operator", "supplier"].map(|role| Some(token(role, "fuzz")));
    select([&tokens[..], &[None, Some(staff("fuzz", "acme")), Some("a.b.c".to_owned())]].concat())
}

/// The path of an operation with the parts that are ids filled in.
fn filled(template: &str, segments: &[String]) -> String {
    let mut segments = segments.iter();
    let parts = template
        .split('/')
        .map(|part| if part.starts_with('{') { segments.next().cloned().unwrap_or_default() } else { part.to_owned() });
    parts.collect::<Vec<_>>().join("/")
}

/// Any call of the contract, or to nowhere.
fn call(contract: &Value) -> impl Strategy<Value = Ask> + use<> {
    let mut paths: Vec<String> = contract["paths"].as_object().expect("paths").keys().cloned().collect();
    // The clock is everybody's: nobody moves it by accident.
    paths.retain(|path| !path.contains("test-clock"));
    paths.extend(
        ["/", "/v1", "/v1/", "//v1/items", "/docs/{a}", "/{a}/{b}", "/v1/items/{a}/{b}/{c}/{d}"].map(str::to_owned),
    );
    let methods = ["GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];
    let headers = proptest::collection::vec((select(HEADERS.to_vec()), value()), 0..4);
    let segments = proptest::collection::vec(segment(), 4);
    let query = proptest::collection::vec(parameter(), 0..4);
    let body = prop_oneof![Just(Vec::new()), odd().prop_map(|value| value.to_string().into_bytes())];
    (select(methods.to_vec()), select(paths), segments, query, headers, anybody(), body).prop_map(
        |(method, path, segments, mut query, headers, token, body)| {
            if path.contains("/log/") {
                // It would follow the log for ever.
                query.retain(|parameter| !parameter.starts_with("follow"));
                query.push("follow=false".to_owned());
            }
            let mut ask = Ask::new(method, format!("{}?{}", filled(&path, &segments), query.join("&")));
            (ask.token, ask.body) = (token, body);
            headers.into_iter().fold(ask, |ask, (name, value)| ask.header(name, value))
        },
    )
}

#[test]
fn whatever_is_called_is_answered() {
    let engine = engine();
    let contract = engine.done(&Ask::get("/openapi.json")).body;
    let called = runner(800).run(&call(&contract), |ask| send(&engine, &ask).map(drop));
    called.unwrap_or_else(|fault| panic!("{fault}"));
    engine.assert_unharmed();
}

/// Every command but that of the clock: as the tests of who may what name it, of what, and by whom it is sent.
const COMMANDS: &[(&str, Kind, &str)] = &[
    ("PUT /v1/items/{itemId}", Kind::Item, "operator"),
    ("PATCH /v1/items/{itemId}", Kind::Item, "operator"),
    ("DELETE /v1/items/{itemId}", Kind::Item, "operator"),
    ("PUT /v1/items/{itemId}/safety", Kind::Item, "operator"),
    ("POST /v1/items/{itemId}/receipts", Kind::Item, "operator"),
    ("POST /v1/items/{itemId}/counts", Kind::Item, "operator"),
    ("POST /v1/items/{itemId}/moves", Kind::Item, "operator"),
    ("POST /v1/items/{itemId}/moves/{moveId}/receive", Kind::Transfer, "operator"),
    ("POST /v1/items:import", Kind::Item, "operator"),
    ("POST /v1/supplier-events", Kind::Item, "supplier"),
    ("POST /v1/subjects/{subject}/forget", Kind::Store, "operator"),
    ("POST /v1/items/{itemId}/holds", Kind::Item, "service"),
    ("POST /v1/items/{itemId}/holds/{holdId}/commit", Kind::Hold, "service"),
    ("POST /v1/items/{itemId}/holds/{holdId}/release", Kind::Hold, "service"),
    ("POST /v1/items/{itemId}/holds/{holdId}/ship", Kind::CommittedHold, "service"),
    ("PUT /v1/cart/lines/{itemId}", Kind::Item, "shopper"),
    ("PATCH /v1/cart?op=ADD", Kind::Item, "shopper"),
    ("POST /v1/cart/merge", Kind::Item, "shopper"),
    ("PUT /v1/stores/{storeId}", Kind::Store, "operator"),
    ("PUT /v1/follows/{storeId}", Kind::Store, "shopper"),
    ("DELETE /v1/follows/{storeId}", Kind::Store, "shopper"),
    ("PUT /v1/me", Kind::Store, "shopper"),
    ("POST /v1/drops", Kind::Item, "operator"),
    ("PATCH /v1/drops/{dropId}", Kind::Drop, "operator"),
    ("POST /v1/drops/{dropId}/pause", Kind::Drop, "operator"),
    ("POST /v1/drops/{dropId}/resume", Kind::Drop, "operator"),
    ("POST /v1/drops/{dropId}/cancel", Kind::Drop, "operator"),
    ("POST /v1/drops/{dropId}/queue", Kind::QueueingDrop, "shopper"),
    ("POST /v1/drops/{dropId}/claims", Kind::LiveDrop, "shopper"),
    ("PUT /v1/warehouses/{location}", Kind::Warehouse, "operator"),
    ("POST /v1/checkout?op=BEGIN", Kind::Item, "shopper"),
    ("POST /v1/checkout?op=SUBMIT", Kind::Order, "shopper"),
    ("POST /v1/orders", Kind::Item, "service"),
    ("POST /v1/orders/{orderId}/submit", Kind::Order, "shopper"),
    ("POST /v1/orders/{orderId}/cancel", Kind::Order, "shopper"),
    ("POST /v1/orders/{orderId}/payments", Kind::Order, "shopper"),
    ("POST /v1/orders/{orderId}/refunds", Kind::ConfirmedOrder, "operator"),
    ("POST /v1/orders/{orderId}/shipments", Kind::AllocatedOrder, "operator"),
    ("POST /v1/orders/{orderId}/shipments/{shipmentId}/receive", Kind::ShippedOrder, "operator"),
    ("POST /v1/orders/{orderId}/deliveries", Kind::ShippedOrder, "operator"),
    ("POST /v1/orders/{orderId}/returns", Kind::ShippedOrder, "shopper"),
    ("POST /v1/orders/{orderId}/returns/{returnId}/receipts", Kind::ReturnedOrder, "operator"),
    ("POST /v1/webhooks/payments", Kind::Order, "operator"),
];

/// Who owns the targets in a role.
fn owner(operation: &str, role: &str) -> &'static str {
    match role {
        // A cart that is checked out by accident is locked: not that of alice, whom other tests need.
        "shopper" if operation.contains("cart") || operation.contains("BEGIN") => "fay",
        "shopper" => "alice",
        "service" => "erp",
        _ => "operator",
    }
}

#[test]
fn whatever_a_command_says_is_answered() {
    let engine = engine();
    let maker = Maker::new(&engine);
    for &(operation, kind, role) in COMMANDS {
        let (target, token) = (maker.make(kind), token(role, owner(operation, role)));
        let valid = body(operation, &target, number()).expect("every command has a body");
        let told = runner(60).run(&mutated(valid), |body| {
            let mut ask = ask(operation, &target, number()).by(&token);
            ask.body = body;
            send(&engine, &signed(ask)).map(drop)
        });
        told.unwrap_or_else(|fault| panic!("{operation}: {fault}"));
    }
    engine.assert_unharmed();
}

/// The lines of an answer to an import, each of which must be a result.
fn results(answer: &Answer) -> Result<Vec<Value>, TestCaseError> {
    let text = answer.body.as_str().map_or_else(|| answer.body.to_string(), str::to_owned);
    let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
    let lines = lines.map_err(|error| TestCaseError::fail(format!("{error} in {text}")))?;
    for line in lines.iter().filter(|line| !line.is_null() && **line != "") {
        let status = line["status"].as_u64().unwrap_or(0);
        prop_assert!((200..500).contains(&status), "{}", line);
        prop_assert_ne!(&line["problem"]["code"], "command_dead_lettered", "{}", line);
    }
    Ok(lines)
}

fn import(engine: &Arc<Engine>, media_type: &str, body: &[u8]) -> Result<(), TestCaseError> {
    let operator = token("operator", "operator");
    let key = format!("import-{:08}", number());
    let ask = Ask::new("POST", "/v1/items:import").by(&operator).header("idempotency-key", key);
    let answer = send(engine, &ask.body(media_type, body))?;
    results(&answer).map(drop)
}

#[test]
fn whatever_is_imported_is_answered_line_by_line() {
    let engine = engine();
    let line =
        r#"\{"op":"(list|receive|count|move|safety|delist|dance)","itemId":"[a-c ]{0,2}","quantity":[0-9-]{0,3}\}"#;
    let lines = proptest::collection::vec(prop_oneof![line, "[ -~]{0,40}", "\\PC{0,20}", Just(String::new())], 0..8);
    let ndjson = runner(100).run(&lines, |lines| import(&engine, "application/x-ndjson", lines.join("\n").as_bytes()));
    ndjson.unwrap_or_else(|fault| panic!("{fault}"));
    let cell = prop_oneof!["[a-z]{0,4}", "[0-9-]{0,5}", "\"[a-z\n\"]{0,6}\"?", "\\PC{0,5}", Just("main".to_owned())];
    let names = "(op|itemId|quantity|price|price\\.amount|price\\.|\\.|metadata\\.a\\.b|location|op)";
    let rows = (
        proptest::collection::vec(names, 1..6),
        proptest::collection::vec(proptest::collection::vec(cell, 0..7), 0..6),
    );
    let csv = runner(100).run(&rows, |(head, rows)| {
        let rows: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
        import(&engine, "text/csv", format!("{}\n{}", head.join(","), rows.join("\n")).as_bytes())
    });
    csv.unwrap_or_else(|fault| panic!("{fault}"));
    let bytes = proptest::collection::vec(any::<u8>(), 0..400);
    let raw = runner(50).run(&(bytes, select(vec!["text/csv", "application/x-ndjson"])), |(bytes, media_type)| {
        import(&engine, media_type, &bytes)
    });
    raw.unwrap_or_else(|fault| panic!("{fault}"));
    engine.assert_unharmed();
}
