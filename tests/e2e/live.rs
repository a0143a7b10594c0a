//! What is told live, by the real process to clients that are not ours.

use super::{
    engine::{Ask, Engine},
    world::{World, in_both_worlds},
};
use futures_util::StreamExt as _;
use reqwest::{Method, StatusCode};
use schemas::Timestamp;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};

in_both_worlds!(stock_is_told_until_the_engine_stops, a_drop_is_told_to_who_has_a_ticket);

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The events of a stream, as far as they have come.
struct Events {
    answer: reqwest::Response,
    text: String,
}

impl Events {
    async fn of(engine: &Engine, path: &str) -> Self {
        let answer = reqwest::get(format!("{}{path}", engine.url)).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        Self { answer, text: String::new() }
    }

    /// The next event's name and data; none at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let told = field("event: ").zip(field("data: "));
                self.text = rest.to_owned();
                match told {
                    Some((name, data)) => return Some((name, serde_json::from_str(&data).expect("JSON"))),
                    None => continue,
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.answer.chunk()).await.expect("in time");
            self.text.push_str(std::str::from_utf8(&chunk.expect("it is not cut")?).expect("text"));
        }
    }

    /// Waits until an item is told with so many units.
    async fn available(&mut self, item: &str, units: u64) {
        loop {
            let (name, data) = self.next().await.expect("it goes on");
            if name == "stock" && data == json!({"itemId": item, "available": units}) {
                return;
            }
        }
    }
}

async fn stock_is_told_until_the_engine_stops(world: World) {
    let engine = world.start(&[]);
    engine.stock("tea", 500, 7).await;
    let received = engine.get(None, "/v1/items/tea", "").await;
    let mut events = Events::of(&engine, "/v1/live/stock?items=tea,none").await;
    let (name, first) = events.next().await.expect("it begins");
    assert_eq!((name.as_str(), &first["items"][1]), ("snapshot", &json!({"itemId": "none", "unknown": true})));
    let service = engine.token("service", "shop");
    for (hold, left) in [("h-1", 5), ("h-2", 3)] {
        let body = json!({"holdId": hold, "quantity": 2, "expiresInSeconds": 600});
        let held = engine.post(&service, "", "/v1/items/tea/holds", body).await;
        assert_eq!(held.status, StatusCode::CREATED, "{held:?} {received:?}");
        events.available("tea", left).await;
    }
    let is_whole = tokio::task::spawn_blocking(move || engine.terminate());
    let (name, last) = events.next().await.expect("it says that it ends");
    assert_eq!((name.as_str(), &last["reason"]), ("closing", &json!("stopping")));
    assert_eq!(events.next().await, None);
    assert!(is_whole.await.expect("it ends"), "the engine stops as it should");
}

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// Opens a socket; the status where there is none.
async fn open(engine: &Engine, path: &str) -> Result<Socket, u16> {
    let url = format!("{}{path}", engine.url.replacen("http", "ws", 1));
    match connect_async(url.into_client_request().expect("a URL")).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(fault) => panic!("{fault}"),
    }
}

/// Waits for a message that is so.
async fn told(socket: &mut Socket, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let told = async {
        loop {
            let message = socket.next().await.expect("it goes on").expect("a message");
            let Message::Text(text) = message else { continue };
            let message = serde_json::from_str(&text).expect("JSON");
            if is_so(&message) {
                return message;
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("nobody tells of {what}"))
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp::from_millis(i64::try_from(now.as_millis()).expect("this era"))
}

/// A drop of three units that opens in a moment.
async fn schedule(engine: &Engine) {
    let acme = engine.run(&["token", "--role", "store", "--sub", "ann", "--store", "acme"]);
    let facts = json!({"name": "Shoe", "kind": "physical", "price": {"amount": 9_900, "currency": "EUR"}});
    let ask = Ask { token: Some(&acme), body: Some(facts), ..Ask::default() };
    assert_eq!(engine.ask(Method::PUT, "/v1/items/shoe", ask).await.status, StatusCode::CREATED);
    let receipt = json!({"receiptId": "r", "location": "main", "quantity": 10, "document": "d"});
    let received = engine.post(&acme, "", "/v1/items/shoe/receipts", receipt).await;
    assert_eq!(received.status, StatusCode::CREATED, "{received:?}");
    let item = json!({"itemId": "shoe", "quantity": 3, "price": {"amount": 5_000, "currency": "EUR"}});
    let terms = json!({"dropId": "shoe", "items": [item], "limitPerShopper": 1, "queueOpensAt": now().plus_seconds(2),
        "startsAt": now().plus_seconds(6), "endsAt": now().plus_seconds(86_400)});
    let scheduled = engine.post(&acme, "", "/v1/drops", terms).await;
    assert_eq!(scheduled.status, StatusCode::CREATED, "{scheduled:?}");
    engine.get(None, "/v1/drops/shoe", &scheduled.position()).await;
}

async fn a_drop_is_told_to_who_has_a_ticket(world: World) {
    let engine = world.start(&[]);
    schedule(&engine).await;
    let alice = engine.token("shopper", "alice");
    let made = engine.post(&alice, "", "/v1/live/tickets", json!({})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let path = format!("/v1/live/drops/shoe?ticket={}", made.body["ticket"].as_str().expect("a ticket"));
    let mut socket = open(&engine, &path).await.expect("a socket");
    assert_eq!(open(&engine, &path).await.err(), Some(401), "it was for one");
    let mut anybody = open(&engine, "/v1/live/drops/shoe").await.expect("a socket");
    let first = told(&mut socket, "the drop", |told| told["type"] == "snapshot").await;
    assert_eq!((&first["items"][0]["remaining"], &first["dropId"]), (&json!(3), &json!("shoe")));
    let is_queueing = |told: &Value| told["status"] == "queueing" || told["status"] == "live";
    told(&mut anybody, "the waiting room", is_queueing).await;
    let joined = engine.post(&alice, "join", "/v1/drops/shoe/queue", json!({})).await;
    assert_eq!(joined.status, StatusCode::CREATED, "{joined:?}");
    let is_admitted = |told: &Value| told["type"] == "place" && told["place"]["status"] == "admitted";
    told(&mut socket, "alice's turn", is_admitted).await;
    let claimed = engine.post(&alice, "claim", "/v1/drops/shoe/claims", json!({"quantity": 1})).await;
    assert_eq!(claimed.status, StatusCode::CREATED, "{claimed:?}");
    for socket in [&mut socket, &mut anybody] {
        let told = told(socket, "the claim", |told| told["items"][0]["held"] == 1).await;
        assert_eq!((&told["type"], &told["items"][0]["remaining"]), (&json!("change"), &json!(2)));
    }
    told(&mut socket, "alice's claim", |told| told["place"]["status"] == "claimed").await;
}
