//! A person is forgotten: nothing of them can be read anywhere, and nothing else is lost.
//!
//! Everything that an engine keeps is searched byte by byte: files, every record of every topic, every row of every table, log
//! lines and answers.

mod places;

use super::{
    checkout::{GOOD_CARD, settles_at},
    engine::{Answer, Ask, Engine},
    process::binary,
    world::{Home, World, in_both_worlds},
};
use places::{Places, delete_views};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Output},
    sync::Arc,
    time::{Duration, Instant},
};

in_both_worlds!(a_forgotten_person_is_nowhere);

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// What is known of a person, each text found nowhere else.
struct Person {
    sub: String,
    email: String,
    name: String,
    street: String,
    city: String,
    postal_code: String,
    phone: String,
}

impl Person {
    fn new() -> Self {
        let mark = format!("{:08x}", rand::random::<u32>());
        Self {
            sub: format!("sub-{mark}@login.example"),
            email: format!("mail-{mark}@people.example"),
            name: format!("Nomina Quill-{mark}"),
            street: format!("{mark} Verdigris Row"),
            city: format!("Quillbury-{mark}"),
            postal_code: format!("Q{mark}"),
            phone: format!("+4930{}", 10_000_000 + rand::random::<u32>() % 80_000_000),
        }
    }

    fn texts(&self) -> Vec<Vec<u8>> {
        let all = [&self.sub, &self.email, &self.name, &self.street, &self.city, &self.postal_code, &self.phone];
        all.into_iter().map(|text| text.clone().into_bytes()).collect()
    }

    fn payment(&self) -> Value {
        json!({"paymentDetails": {"card": GOOD_CARD}, "shippingAddress": {
            "name": self.name, "lines": [self.street], "city": self.city, "postalCode": self.postal_code, "country": "GB",
            "phone": self.phone,
        }})
    }
}

/// An engine whose log lines are kept, over several starts.
struct Kept {
    home: Arc<Home>,
    flags: Vec<String>,
    lines: tempfile::NamedTempFile,
}

impl Kept {
    fn start(&self) -> Engine {
        let lines = File::options().append(true).open(self.lines.path()).expect("the file of the log lines");
        Engine::start_logged(Arc::clone(&self.home), "up", &self.flags, lines).expect("it starts")
    }

    fn lines(&self) -> Vec<u8> {
        fs::read(self.lines.path()).expect("log lines")
    }
}

async fn call(engine: &Engine, method: Method, token: &str, path: &str, body: Option<Value>) -> Answer {
    let answer = engine.ask(method, path, Ask { token: Some(token), body, ..Ask::default() }).await;
    assert!(answer.status.is_success(), "{path}: {answer:?}");
    answer
}

/// Asks until an answer is as it is to be.
async fn until(engine: &Engine, token: &str, path: &str, is: impl Fn(&Answer) -> bool) -> Value {
    let deadline = Instant::now() + LIMIT;
    loop {
        let answer = engine.get(Some(token), path, "").await;
        if is(&answer) {
            return answer.body;
        }
        assert!(Instant::now() < deadline, "{path} stays {answer:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Buys a unit, with an address; answers the order.
async fn buys(engine: &Engine, person: &Person, token: &str, item: &str) -> String {
    let cart = json!({"cart": [{"itemId": item, "quantity": 1}]});
    let begun = engine.post(token, &format!("b-{item}"), "/v1/checkout?op=BEGIN", cart).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{begun:?}");
    let pay_at = begun.body["paymentInputUrl"].as_str().expect("a url");
    let paid = engine.post(token, &format!("p-{item}"), pay_at, person.payment()).await;
    assert_eq!(paid.status, StatusCode::OK, "{paid:?}");
    let order = begun.body["orderId"].as_str().expect("an id").to_owned();
    let submitted = engine.post(token, &format!("s-{item}"), &format!("/v1/orders/{order}/submit"), json!({})).await;
    assert_eq!(submitted.status, StatusCode::OK, "{submitted:?}");
    order
}

/// Runs `stockfold forget`.
fn forget(engine: &Engine, data: &Path, arguments: &[&str]) -> Output {
    let own = ["forget", "--url", &engine.url, "--data", data.to_str().expect("UTF-8")];
    Command::new(binary()).args(own).args(arguments).output().expect("stockfold can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// 32 bytes of base64url without padding.
fn key_bytes(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let value = LETTERS.iter().position(|known| *known == letter).expect("a letter of base64url");
        bits = bits << 6 | u32::try_from(value).expect("below 64");
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).expect("a byte"));
        }
    }
    assert_eq!(bytes.len(), 32, "{text}");
    bytes
}

/// What anybody may ask about the person, and all of the log.
async fn answers(engine: &Engine, operator: &str, person: &Person, orders: &[String], subject: &str) -> Places {
    let sub = person.sub.replace('@', "%40");
    let mut paths = vec![
        format!("/v1/orders?shopper={sub}"),
        format!("/v1/subjects?sub={sub}"),
        format!("/v1/subjects/{subject}/keys"),
        "/v1/warehouses/main/orders".to_owned(),
        "/v1/status".to_owned(),
    ];
    paths.extend(orders.iter().map(|order| format!("/v1/orders/{order}")));
    paths.extend(schemas::Topic::EVENTS.map(|topic| format!("/v1/log/{}?follow=false", topic.name())));
    let mut places = Places::default();
    for path in paths {
        let answer = call(engine, Method::GET, operator, &path, None).await;
        // What was asked is not what is known.
        places.add(path.replace(&sub, "SUB"), answer.body.to_string().into_bytes());
    }
    places
}

/// They shop, with an address, and are told of it in the app and by mail; answers the orders: a book that is read, and a mug
/// that is to be delivered.
async fn shops(engine: &Engine, person: &Person, operator: &str, token: &str) -> [String; 2] {
    engine.stock("mug", 900, 3).await;
    settles_at(engine, "mug", 3).await;
    let book = json!({"name": "Book", "kind": "digital", "price": {"amount": 500, "currency": "EUR"}});
    call(engine, Method::PUT, operator, "/v1/items/book", Some(book)).await;
    let me = json!({"email": person.email, "locale": "de-CH", "timeZone": "Europe/Zurich"});
    call(engine, Method::PUT, token, "/v1/me", Some(me)).await;
    call(engine, Method::PUT, token, "/v1/follows/acme", None).await;
    call(engine, Method::PUT, token, "/v1/cart/lines/mug", Some(json!({"quantity": 2}))).await;
    let orders = [buys(engine, person, token, "book").await, buys(engine, person, token, "mug").await];
    until(engine, token, "/v1/notifications", |answer| !answer.body["notifications"][0].is_null()).await;
    let (mailbox, deadline) = (engines::mail().mailbox(&person.email), Instant::now() + LIMIT);
    while mailbox.messages().is_empty() {
        assert!(Instant::now() < deadline, "no mail comes");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    orders
}

/// Not while something is to be delivered; then for good.
async fn is_forgotten_by_command(engine: &Engine, data: &Path, person: &Person, token: &str, open: &str) {
    let refused = forget(engine, data, &[&person.sub, "--yes"]);
    assert!(!refused.status.success() && text(&refused.stderr).contains(open), "{refused:?}");
    let would = forget(engine, data, &[&person.sub, "--dry-run", "--json"]);
    let would: Value = serde_json::from_slice(&would.stdout).unwrap_or_else(|error| panic!("{error}: {would:?}"));
    let counts = ["keys", "follows", "cartLines"].map(|name| would[name].as_u64());
    assert_eq!((counts, &would["openOrders"][0]["orderId"]), ([Some(1), Some(1), Some(1)], &json!(open)));
    let cancelled = engine.post(token, "c", &format!("/v1/orders/{open}/cancel"), json!({})).await;
    assert_eq!(cancelled.status, StatusCode::OK, "{cancelled:?}");
    until(engine, token, &format!("/v1/orders/{open}"), |answer| answer.body["status"] != "confirmed").await;
    let done = forget(engine, data, &[&person.sub, "--yes"]);
    assert!(done.status.success() && text(&done.stdout).contains("is forgotten"), "{done:?}");
}

async fn a_forgotten_person_is_nowhere(world: World) {
    let secret = tempfile::NamedTempFile::new().expect("a file");
    fs::write(secret.path(), format!("smtp://{}\n", engines::mail().smtp())).expect("written");
    let url = secret.path().to_str().expect("UTF-8");
    let flags = ["--smtp-url-file", url, "--mail-from", "Shop <shop@shop.example>"].map(str::to_owned).to_vec();
    let kept = Kept { home: world.home(), flags, lines: tempfile::NamedTempFile::new().expect("a file") };
    let (engine, person) = (kept.start(), Person::new());
    let (operator, token) = (engine.token("operator", "ops"), engine.token("shopper", &person.sub));
    let orders = shops(&engine, &person, &operator, &token).await;
    let open = orders[1].as_str();

    // Snapshots are taken at the end, and read at the start.
    assert!(engine.terminate(), "SIGTERM ends with success");
    let before = Places::at_rest(world, &kept.home).await;
    let kinds = world.choose(["views.sqlite", "orders.events.v1/", "snapshots.v1/"], ["topics", "order_v1", "sale_v1"]);
    before.have_in(&kinds, open.as_bytes());
    before.have_none(&person.texts());
    let engine = kept.start();
    let shown = until(&engine, &token, &format!("/v1/orders/{open}"), |answer| answer.status == StatusCode::OK).await;
    assert_eq!(shown["shippingAddress"]["phone"], person.phone, "{shown}");
    assert_eq!(call(&engine, Method::GET, &token, "/v1/me", None).await.body["email"], person.email);

    // Their key.
    let found = call(&engine, Method::GET, &operator, &format!("/v1/subjects?sub={}", person.sub), None).await.body;
    let subject = found["subject"].as_str().expect("a pseudonym").to_owned();
    let keys = call(&engine, Method::GET, &operator, &format!("/v1/subjects/{subject}/keys"), None).await.body;
    let key_path = format!("/v1/subjects/{subject}/keys/{}", keys["keys"][0]["keyId"].as_str().expect("an id"));
    let key = call(&engine, Method::GET, &operator, &key_path, None).await.body;
    let key = key["key"].as_str().expect("a key").to_owned();
    before.have_in(&[world.choose("keys.sqlite", "subject_keys")], &key_bytes(&key));

    is_forgotten_by_command(&engine, kept.home.data(), &person, &token, open).await;
    is_forgotten(&engine, &token, &orders).await;
    let gone = engine.get(Some(&operator), &key_path, "").await;
    assert_eq!((gone.status, gone.code()), (StatusCode::GONE, "key_destroyed"));
    answers(&engine, &operator, &person, &orders, &subject).await.have_none(&person.texts());
    let told = call(&engine, Method::GET, &operator, "/v1/log/shoppers.events.v1?follow=false", None).await;
    assert!(told.body.to_string().contains("stockfold.shoppers.shopper-forgotten.v1"), "it is on record");
    assert!(engine.terminate(), "SIGTERM ends with success");
    let mut needles = person.texts();
    needles.extend([key_bytes(&key), key.into_bytes()]);
    let after = Places::at_rest(world, &kept.home).await;
    after.have_in(&kinds, open.as_bytes());
    after.have_none(&needles);
    stays_forgotten(world, &kept, &person, &orders, &needles).await;
}

/// All of it again from the log: still nothing.
async fn stays_forgotten(world: World, kept: &Kept, person: &Person, orders: &[String], needles: &[Vec<u8>]) {
    delete_views(world, &kept.home).await;
    let engine = kept.start();
    let (operator, token) = (engine.token("operator", "ops"), engine.token("shopper", &person.sub));
    for order in orders {
        until(&engine, &token, &format!("/v1/orders/{order}"), |answer| answer.status == StatusCode::OK).await;
    }
    is_forgotten(&engine, &token, orders).await;
    answers(&engine, &operator, person, orders, "0123456789abcdef0123456789abcdef").await.have_none(&person.texts());
    assert!(engine.terminate(), "SIGTERM ends with success");
    let mut places = Places::at_rest(world, &kept.home).await;
    let lines = kept.lines();
    assert!(text(&lines).contains("a subject's key was given out"), "who was given a key is in the log lines");
    places.add("log lines".to_owned(), lines);
    places.have_none(needles);
}

/// What the person themselves sees: they are known no more, and their orders are without an address.
async fn is_forgotten(engine: &Engine, token: &str, orders: &[String]) {
    let me = until(engine, token, "/v1/me", |answer| answer.body["version"] == 2).await;
    assert_eq!((&me["email"], &me["locale"]), (&Value::Null, &Value::Null), "{me}");
    until(engine, token, "/v1/follows", |answer| answer.body["follows"] == json!([])).await;
    until(engine, token, "/v1/cart", |answer| answer.body["lines"] == json!([])).await;
    for order in orders {
        let shown = call(engine, Method::GET, token, &format!("/v1/orders/{order}"), None).await.body;
        assert_eq!(shown["shippingAddress"], Value::Null, "{shown}");
    }
}
