//! What could not be used is listed, looked at and used again, over HTTP and by the operator's tool.

use super::{
    engine::{Answer, Engine},
    world::{Home, World, in_both_worlds},
};
use event_log::{
    Batch, CommitOutcome, EventLog, LetterKind, NewDeadLetter, NewEvent,
    dead_letter::About,
    kafka::{KafkaConfig, KafkaLog, KafkaOptions},
    shard_of,
    sqlite::{SqliteLog, SqliteOptions},
};
use reqwest::StatusCode;
use schemas::{
    AggregateKey, Caller, Command, CommandEnvelope, CommandId, CorrelationId, Currency, Envelope, Event, ItemId,
    Metadata, Money, PositionToken, Role, SubjectId, Timestamp, Topic,
    item::{Catalog, ItemCommand, ItemEvent, ItemKind, ItemListed, ListItem, PriceChanged},
};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

in_both_worlds!(
    a_bad_line_of_an_import_runs_again_once_its_cause_is_mended,
    commands_that_could_not_be_decided_are_submitted_again,
    a_key_whose_event_cannot_be_read_is_parked_and_the_others_go_on,
);

/// How long something may take that takes a moment; on a busy machine it takes many.
const LIMIT: Duration = Duration::from_secs(180);

fn operator(engine: &Engine) -> String {
    engine.token("operator", "ops")
}

/// Waits until the list of letters, with this query, is as wanted.
async fn listed(engine: &Engine, query: &str, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let answer = engine.get(Some(&operator(engine)), &format!("/v1/dead-letters?{query}"), "").await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let letters = answer.body["deadLetters"].as_array().expect("a list").clone();
        if is_so(&letters) {
            return letters;
        }
        assert!(began.elapsed() < LIMIT, "?{query} does not come to what is wanted: {letters:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn id(letter: &Value) -> String {
    letter["letterId"].as_str().expect("an id").to_owned()
}

async fn redrive(engine: &Engine, id: &str, body: Value) -> Answer {
    let answer = engine.post(&operator(engine), "", &format!("/v1/dead-letters/{id}/redrive"), body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer
}

/// What the operator's tool prints as JSON.
fn tool(engine: &Engine, arguments: &[&str]) -> Value {
    let all = [&["dead-letters"], arguments, &["--json", "--url", &engine.url]].concat();
    serde_json::from_str(&engine.run(&all)).expect("JSON")
}

async fn a_bad_line_of_an_import_runs_again_once_its_cause_is_mended(world: World) {
    let engine = world.start(&[]);
    let list = |store: &str| json!({"name": "tea", "kind": "physical", "store": store, "price": {"amount": 100, "currency": "EUR"}});
    let put = async |store: &str| {
        let ask = super::engine::Ask { token: Some(&operator(&engine)), body: Some(list(store)), ..Default::default() };
        let listed = engine.ask(reqwest::Method::PUT, "/v1/items/tea", ask).await;
        assert!(listed.status.is_success(), "{listed:?}");
    };
    put("globex").await;
    // Acme sends stock of an item that is another store's by mistake.
    let acme = engine.run(&["token", "--role", "store", "--sub", "ann", "--store", "acme"]);
    let line = r#"{"op":"receive","itemId":"tea","receiptId":"r-1","location":"main","quantity":5,"document":"note"}"#;
    let import = reqwest::Client::new().post(format!("{}/v1/items:import", engine.url)).bearer_auth(&acme);
    let import = import.header("idempotency-key", "goods").header("content-type", "application/x-ndjson");
    let results = import.body(format!("{line}\n")).send().await.expect("an answer").text().await.expect("whole");
    let letters = listed(&engine, "kind=import_line&status=open", |letters| letters.len() == 1).await;
    let letter = id(&letters[0]);
    assert_eq!(letters[0]["from"]["line"], 1, "{letters:?} {results}");
    assert!(results.contains(letters[0]["code"].as_str().expect("a code")), "{letters:?} {results}");
    let shown = tool(&engine, &["show", &letter]);
    assert_eq!(shown["record"]["original"], line);

    // As long as nothing is mended it is refused again, and stays open.
    let dry = tool(&engine, &["redrive", &letter, "--dry-run"]);
    assert_eq!(dry["redriven"][0]["outcome"], "would_redrive", "{dry}");
    let refused = redrive(&engine, &letter, json!({})).await;
    assert_eq!(refused.body["outcome"], letters[0]["code"], "{refused:?}");
    let tried = |letters: &[Value]| letters.len() == 1 && letters[0]["redrive"]["outcome"].is_string();
    let open = listed(&engine, "status=open", tried).await;
    assert_eq!(open[0]["redrive"]["by"].as_str().expect("who").split_once(':').expect("a role").0, "operator");

    put("acme").await;
    let done = tool(&engine, &["redrive", "--kind", "import_line"]);
    assert_eq!(done["redriven"][0]["outcome"], "done", "{done}");
    listed(&engine, "status=redriven", |letters| letters.len() == 1).await;
    assert_eq!(tool(&engine, &["list"])["deadLetters"], json!([]));
    // It took effect once, whatever comes after.
    let left_alone = redrive(&engine, &letter, json!({})).await;
    assert_eq!(left_alone.body["outcome"], "already_redriven");
    let again = redrive(&engine, &letter, json!({"again": true})).await;
    assert_eq!(again.body["outcome"], "done", "{again:?}");
    let at = again.body["detail"].as_str().expect("a position");
    let stock = engine.get(Some(&operator(&engine)), "/v1/items/tea/stock", at).await;
    assert_eq!(stock.body["onHand"], 5, "{stock:?}");
    let table = engine.run(&["dead-letters", "list", "--status", "all", "--url", &engine.url]);
    assert!(table.contains(&letter) && table.contains("redriven"), "{table}");
}

/// The log of a home whose engine does not run.
fn log_of(world: World, home: &Home) -> (std::sync::Arc<dyn EventLog>, impl FnOnce()) {
    let (embedded, cluster) = match world {
        World::Embedded => {
            let options = SqliteOptions { disk_reserve_bytes: 0, ..SqliteOptions::new(home.data()) };
            (Some(SqliteLog::open(options).expect("it opens")), None)
        }
        World::Cluster => {
            let config = KafkaConfig {
                namespace: home.namespace.clone(),
                allow_unsafe: true,
                ..KafkaConfig::new(engines::kafka().bootstrap())
            };
            (None, Some(KafkaLog::open(KafkaOptions::new(config)).expect("it opens")))
        }
    };
    let log: std::sync::Arc<dyn EventLog> = match (&embedded, &cluster) {
        (Some(log), _) => log.clone(),
        (None, Some(log)) => log.clone(),
        (None, None) => unreachable!("it is one of them"),
    };
    let closed = log.clone();
    let close = move || {
        closed.close();
        assert!(embedded.is_none_or(|log| log.wait_closed(LIMIT)));
        assert!(cluster.is_none_or(|log| log.flush(LIMIT)));
    };
    (log, close)
}

fn item(id: &str) -> AggregateKey {
    AggregateKey::Item(ItemId::parse(id).expect("an id"))
}

fn catalog(name: &str) -> Catalog {
    Catalog {
        name: name.to_owned(),
        description: None,
        category: None,
        store: None,
        kind: ItemKind::Physical,
        attributes: Map::new(),
        images: Vec::new(),
        file: None,
        metadata: Metadata::default(),
    }
}

fn euros() -> Money {
    Money::new(100, Currency::parse("EUR").expect("a currency")).expect("an amount")
}

/// A command that lists an item, as it stands in a letter.
fn listing(id: &str) -> Value {
    let list = ListItem { catalog: catalog(id), price: euros(), source: None, expected_version: None };
    let subject = SubjectId::parse("somebody").expect("an id");
    let envelope = CommandEnvelope {
        id: CommandId::parse("c-1").expect("an id"),
        caller: Caller { role: Role::Operator, subject, store: None, location: None },
        correlation: CorrelationId::parse("r-1").expect("an id"),
        reply_to: None,
        positions: PositionToken::default(),
        sent_at: Timestamp::from_millis(1),
        traceparent: None,
        command: Command::Item { item: ItemId::parse(id).expect("an id"), command: ItemCommand::List(list) },
    };
    serde_json::to_value(envelope).expect("JSON")
}

async fn commands_that_could_not_be_decided_are_submitted_again(world: World) {
    let home = world.home();
    tokio::task::block_in_place(|| {
        let (log, close) = log_of(world, &home);
        let mut lease = log.acquire(shard_of(log.shards(), &item("later"))).expect("the shard is free");
        // One as older builds wrote them, and one of bytes that are no command at all.
        let value = json!({"reason": "the command made its aggregate panic twice", "command": listing("later")});
        let old = NewDeadLetter { key: "later".to_owned(), value: value.to_string().into_bytes() };
        let about = About {
            kind: LetterKind::Command,
            code: "unreadable_command".to_owned(),
            at: Timestamp::from_millis(1_700_000_000_000),
            from: About::place(Topic::Commands, lease.shard().0, 7),
        };
        let bytes = NewDeadLetter::new("later", "it is no command", &[0xff, 0, 0xfe], about.fields());
        let batch = Batch { dead_letters: vec![old, bytes], ..Batch::default() };
        assert_eq!(lease.commit(batch), CommitOutcome::Committed);
        drop(lease);
        close();
    });
    let engine = Engine::start(home, "up", &[]);
    let has_no_time = |letters: &[Value]| letters.iter().any(|letter| letter["at"].is_null());
    let letters = listed(&engine, "key=later", has_no_time).await;
    let old = letters.iter().find(|letter| letter["at"].is_null()).expect("the older one");
    let done = redrive(&engine, &id(old), json!({})).await;
    assert_eq!(done.body["outcome"], "done", "{done:?}");
    let at = done.body["detail"].as_str().expect("a position");
    let shown = engine.get(None, "/v1/items/later", at).await;
    assert_eq!((shown.status, &shown.body["name"]), (StatusCode::OK, &json!("later")));

    // The other one is too old to be listed among the new, and is found by its id.
    let (topic, place) = (Topic::DeadLetters.name(), "follow=false");
    let told = engine.get(Some(&operator(&engine)), &format!("/v1/log/{topic}?{place}"), "").await;
    assert!(told.body.to_string().contains("originalBase64"), "{told:?}");
    let redriven = listed(&engine, "key=later&status=redriven", |letters| letters.len() == 1).await;
    assert_eq!(id(&redriven[0]), id(old));
}

/// Two items of one shard.
fn neighbours(log: &dyn EventLog) -> (String, String) {
    let shard = shard_of(log.shards(), &item("bad-0"));
    let good = (0..).map(|n| format!("good-{n}")).find(|id| shard_of(log.shards(), &item(id)) == shard);
    ("bad-0".to_owned(), good.expect("every shard has items"))
}

/// A log in which the first event of an item cannot be read, and those of a neighbour can; the ids of both.
fn write_bad_event(world: World, home: &Home) -> (String, String) {
    let (log, close) = log_of(world, home);
    let (bad, good) = neighbours(&*log);
    let mut lease = log.acquire(shard_of(log.shards(), &item(&bad))).expect("the shard is free");
    let listed = Event::Item(ItemEvent::ItemListed(ItemListed {
        catalog: catalog(&good),
        catalog_version: 1,
        source: None,
        previous_category: None,
        previous_store: None,
        effect: None,
    }));
    let priced =
        Event::Item(ItemEvent::PriceChanged(PriceChanged { price: euros(), previous: None, catalog_version: 1 }));
    let unheard_of = "stockfold.inventory.unheard-of.v9";
    let event = |seq: u64, event_type: &str, subject: &str, event: &Event| NewEvent {
        topic: Topic::InventoryEvents,
        envelope: Envelope {
            event_type: event_type.to_owned().into(),
            subject: subject.to_owned(),
            time: Timestamp::from_millis(1_700_000_000_000),
            seq,
            epoch: lease.epoch(),
            actor: "operator:somebody".to_owned(),
            causation: CommandId::parse("cmd").expect("an id"),
            correlation: CorrelationId::parse("request").expect("an id"),
            traceparent: None,
        },
        value: serde_json::to_vec(event).expect("JSON"),
    };
    let events = vec![
        event(1, unheard_of, &bad, &listed),
        event(2, listed.event_type(), &good, &listed),
        event(3, listed.event_type(), &bad, &listed),
        event(4, priced.event_type(), &good, &priced),
    ];
    assert_eq!(lease.commit(Batch { events, ..Batch::default() }), CommitOutcome::Committed);
    drop(lease);
    close();
    (bad, good)
}

async fn a_key_whose_event_cannot_be_read_is_parked_and_the_others_go_on(world: World) {
    let home = world.home();
    let (bad, good) = tokio::task::block_in_place(|| write_bad_event(world, &home));
    let engine = Engine::start(home, "up", &[]);
    let began = Instant::now();
    while engine.get(None, &format!("/v1/items/{good}"), "").await.status != StatusCode::OK {
        assert!(began.elapsed() < LIMIT, "{good} is not shown");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(engine.get(None, &format!("/v1/items/{bad}"), "").await.status, StatusCode::NOT_FOUND);
    let status = engine.get(Some(&operator(&engine)), "/v1/status", "").await;
    let parked = &status.body["parked"];
    assert_eq!((parked.as_array().map(Vec::len), &parked[0]["key"]), (Some(1), &json!(bad)), "{parked}");
    let letter = parked[0]["letter"].as_str().expect("its letter").to_owned();
    let told = engine.run(&["status", "--port", engine.url.rsplit(':').next().expect("a port")]);
    assert!(told.contains(&letter) && told.contains("unheard-of"), "{told}");

    let began = Instant::now();
    let shown = loop {
        let shown = engine.get(Some(&operator(&engine)), &format!("/v1/dead-letters/{letter}"), "").await;
        if shown.status == StatusCode::OK {
            break shown;
        }
        assert!(began.elapsed() < LIMIT, "{shown:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!((&shown.body["kind"], &shown.body["code"]), (&json!("event"), &json!("unreadable_event")));
    let in_log =
        engine.get(Some(&operator(&engine)), "/v1/log/dead-letters.v1?follow=false", "").await.body.to_string();
    assert!(in_log.contains("behind_parked"), "{in_log}");

    // The same build cannot read it any better.
    assert_eq!(redrive(&engine, &letter, json!({"dryRun": true})).await.body["outcome"], "would_redrive");
    assert_eq!(redrive(&engine, &letter, json!({})).await.body["outcome"], "requested");
    let began = Instant::now();
    loop {
        let shown = engine.get(Some(&operator(&engine)), &format!("/v1/dead-letters/{letter}"), "").await.body;
        if shown["redrive"]["outcome"] == "still_parked" {
            assert_eq!(shown["status"], "open");
            assert!(shown["redrive"]["detail"].as_str().expect("why").contains("unheard-of"), "{shown}");
            break;
        }
        assert!(began.elapsed() < LIMIT, "nothing is told of the redrive: {shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
