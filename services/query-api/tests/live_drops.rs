//! Live drops, over WebSockets, with a client that is not ours.

use crate::world::*;
use futures_util::{SinkExt as _, StreamExt as _};
use query_api::LiveLimits;
use schemas::{
    AggregateKey, Digest, DropId, Effect, EffectId, Event, Metadata, Quantity, Role, StoreId, Timestamp, drop::*,
};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tokio::net::{TcpListener, TcpSocket};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest as _, protocol::frame::coding::CloseCode},
};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// The API on a port, as the engine serves it.
async fn serve(world: &World) -> SocketAddr {
    serve_on(world, TcpListener::bind("127.0.0.1:0").await.expect("a port"))
}

fn serve_on(world: &World, listener: TcpListener) -> SocketAddr {
    let address = listener.local_addr().expect("bound");
    let service = world.router.clone().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// Opens a socket; the status and code of the answer where that is none.
async fn open(
    world: &World,
    at: SocketAddr,
    path: &str,
    caller: Option<(Role, &str)>,
    origin: Option<&str>,
) -> Result<Socket, (u16, String)> {
    let mut request = format!("ws://{at}{path}").into_client_request().expect("a URL");
    let signed = world.request(path, caller).body(()).expect("a request");
    request.headers_mut().extend(signed.headers().clone());
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().expect("a value"));
    }
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(answer)) => {
            let body: Value = serde_json::from_slice(answer.body().as_deref().unwrap_or_default()).unwrap_or_default();
            Err((answer.status().as_u16(), body["code"].as_str().unwrap_or_default().to_owned()))
        }
        Err(fault) => panic!("{fault}"),
    }
}

async fn next(socket: &mut Socket) -> Message {
    let next = tokio::time::timeout(Duration::from_secs(60), socket.next()).await.expect("something");
    next.expect("it goes on").expect("a message")
}

/// The next message of that type; others pass.
async fn told(socket: &mut Socket, kind: &str) -> Value {
    loop {
        if let Message::Text(text) = next(socket).await {
            let message: Value = serde_json::from_str(&text).expect("JSON");
            if message["type"] == kind {
                return message;
            }
        }
    }
}

async fn close_code(socket: &mut Socket) -> CloseCode {
    loop {
        if let Message::Close(frame) = next(socket).await {
            return frame.expect("it says why").code;
        }
    }
}

fn effect(id: &str) -> Effect {
    Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::default() }
}

fn terms() -> DropTerms {
    let item = |id: &str, units| DropItem {
        item_id: item_id(id),
        quantity: Quantity::new(units).expect("a quantity"),
        price: euros(900),
    };
    DropTerms {
        title: None,
        items: vec![item("shoe-41", 2), item("shoe-42", 3)],
        starts_at: Timestamp::from_millis(START_MS).plus_seconds(60),
        ends_at: Timestamp::from_millis(START_MS).plus_seconds(600),
        limit_per_shopper: Quantity::new(1).expect("a quantity"),
        queue_opens_at: Some(Timestamp::from_millis(START_MS)),
        admit_at_once: None,
    }
}

/// A drop as its events make it.
struct Story<'w> {
    world: &'w mut World,
}

impl Story<'_> {
    fn tell(&mut self, event: impl Into<DropEvent>) {
        let key = AggregateKey::Drop(DropId::parse("shoe").expect("an id"));
        self.world.append(&key, &Event::Drop(event.into()));
    }

    fn draft(&mut self) {
        let store = StoreId::parse("acme").expect("an id");
        let answers_due_at = Timestamp::from_millis(START_MS);
        let metadata = Metadata::default();
        self.tell(DropDrafted { effect: effect("schedule"), store, terms: terms(), answers_due_at, metadata });
    }

    fn schedule(&mut self) {
        self.draft();
        let store = StoreId::parse("acme").expect("an id");
        self.tell(DropScheduled { store, terms: terms(), seed_hash: SeedHash([7; 32]) });
        self.tell(QueueOpened { status: DropStatus::Queueing });
    }

    fn join(&mut self, sub: &str, number: u64) {
        let shopper = self.world.subject(sub);
        let queue = QueueLevels { next_rank: 1, places: number, admitted: 0 };
        self.tell(QueueJoined { effect: effect(&format!("join-{number}")), shopper, number, rank: None, queue });
    }
}

#[tokio::test]
async fn everybody_is_told_of_the_drop_and_a_shopper_of_the_own_place() {
    let mut world = World::new();
    Story { world: &mut world }.schedule();
    Story { world: &mut world }.join("alice", 1);
    world.fold().await;
    let at = serve(&world).await;
    let path = "/v1/live/drops/shoe";
    let mut anybody = open(&world, at, path, None, None).await.expect("a socket");
    let mut alice = open(&world, at, path, Some((Role::Shopper, "alice")), None).await.expect("a socket");
    let mut bob = open(&world, at, path, Some((Role::Shopper, "bob")), None).await.expect("a socket");
    let first = told(&mut anybody, "snapshot").await;
    assert_eq!((&first["status"], &first["dropId"]), (&json!("queueing"), &json!("shoe")));
    let shoe =
        json!({"itemId": "shoe-41", "remaining": 2, "held": 0, "sold": 0, "price": {"amount": 900, "currency": "EUR"}});
    assert_eq!(first["items"][0], shoe);
    assert_eq!((&first["seedHash"], &first["seed"]), (&json!("07".repeat(32)), &Value::Null));
    assert_eq!(told(&mut alice, "snapshot").await, first);
    assert_eq!(told(&mut alice, "place").await["place"]["status"], "waiting");
    told(&mut bob, "snapshot").await;
    let (alices, bobs) = (world.subject("alice"), world.subject("bob"));
    Story { world: &mut world }.join("bob", 2);
    assert_eq!(told(&mut bob, "place").await["place"]["drawn"], false);
    let mut story = Story { world: &mut world };
    story.tell(DropOpened { seed: Seed([1; 32]), early: 2, status: DropStatus::Live });
    story.tell(PlacesDrawn { first_rank: 1, shoppers: vec![bobs.clone(), alices.clone()] });
    // The last of what happens in one moment is told; what alice is told until then may be less.
    loop {
        let place = told(&mut alice, "place").await["place"].clone();
        if place["drawn"] == true {
            assert_eq!((&place["status"], &place["position"]), (&json!("waiting"), &json!(2)));
            break;
        }
    }
    let queue = QueueLevels { next_rank: 2, places: 2, admitted: 1 };
    let until = Timestamp::from_millis(START_MS).plus_seconds(300);
    Story { world: &mut world }.tell(ShoppersAdmitted { shoppers: vec![bobs], until, queue, stood_still_ms: 0 });
    loop {
        let place = told(&mut bob, "place").await["place"].clone();
        if place["status"] == "admitted" {
            assert_eq!(place["admittedUntil"], until.to_string());
            break;
        }
    }
    // Nothing of hers has changed but who is in front.
    while told(&mut alice, "place").await["place"]["position"] != 1 {}
    while told(&mut anybody, "change").await["queue"]["admitted"] != 1 {}
    world.stop.send(true).expect("somebody listens");
    for socket in [&mut anybody, &mut alice, &mut bob] {
        assert_eq!(close_code(socket).await, CloseCode::Away);
    }
}

#[tokio::test]
async fn what_is_no_web_socket_no_drop_or_of_another_page_is_refused() {
    let mut world = World::new();
    Story { world: &mut world }.draft();
    world.fold().await;
    let at = serve(&world).await;
    let path = "/v1/live/drops/shoe";
    let refused = |status: u16, code: &str| Some((status, code.to_owned()));
    // Its items have not all lent their units.
    assert_eq!(open(&world, at, path, None, None).await.err(), refused(404, "drop_not_found"));
    assert_eq!(open(&world, at, "/v1/live/drops/none", None, None).await.err(), refused(404, "drop_not_found"));
    let evil = Some("https://evil.example");
    assert_eq!(open(&world, at, path, None, evil).await.err(), refused(403, "origin_not_allowed"));
    world.refused(path, None, 426, "upgrade_required").await;
    let store = StoreId::parse("acme").expect("an id");
    Story { world: &mut world }.tell(DropScheduled { store, terms: terms(), seed_hash: SeedHash([7; 32]) });
    world.fold().await;
    let own = format!("http://{at}");
    assert!(open(&world, at, path, None, Some(&own)).await.is_ok());
}

#[tokio::test]
async fn who_talks_too_much_or_too_long_is_closed() {
    let mut world = World::new();
    Story { world: &mut world }.schedule();
    world.fold().await;
    let at = serve(&world).await;
    let mut chatty = open(&world, at, "/v1/live/drops/shoe", None, None).await.expect("a socket");
    told(&mut chatty, "snapshot").await;
    for _ in 0..100 {
        // It may be closed already.
        _ = chatty.send(Message::text("hello")).await;
    }
    assert_eq!(close_code(&mut chatty).await, CloseCode::Policy);
    let mut long = open(&world, at, "/v1/live/drops/shoe", None, None).await.expect("a socket");
    told(&mut long, "snapshot").await;
    _ = long.send(Message::text("x".repeat(100_000))).await;
    // Whether it hears why or not, it is over.
    while let Some(Ok(_)) = long.next().await {}
}

/// Small buffers of the kernel stand for a reader that is far behind.
#[tokio::test]
async fn who_stops_reading_is_dropped_to_a_snapshot_and_closed() {
    const CHANGES: usize = 400;
    let patience = (Duration::from_millis(100), Duration::from_secs(300));
    let mut world = World::limited(LiveLimits { patience, ..LiveLimits::default() });
    Story { world: &mut world }.schedule();
    world.fold().await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_send_buffer_size(4_096).expect("a size");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let at = serve_on(&world, socket.listen(8).expect("it listens"));
    let slow = TcpSocket::new_v4().expect("a socket");
    slow.set_recv_buffer_size(4_096).expect("a size");
    let slow = MaybeTlsStream::Plain(slow.connect(at).await.expect("connected"));
    let url = format!("ws://{at}/v1/live/drops/shoe");
    let (mut slow, _) = client_async(url, slow).await.expect("a socket");
    told(&mut slow, "snapshot").await;
    let pause = |n: usize| DropPaused { effect: effect("pause"), reason: Some(format!("{n} {}", "x".repeat(60_000))) };
    for round in 0..8 {
        (0..CHANGES / 8).for_each(|n| Story { world: &mut world }.tell(pause(round * CHANGES / 8 + n + 1)));
        // More than what is between two messages and what a write waits, on the same timer.
        tokio::time::sleep(Duration::from_millis(1_000)).await;
    }
    let (mut messages, mut last) = (0, Value::Null);
    let code = loop {
        match next(&mut slow).await {
            Message::Text(text) => {
                messages += 1;
                last = serde_json::from_str(&text).expect("JSON");
            }
            Message::Close(frame) => break frame.expect("it says why").code,
            _ => {}
        }
    };
    assert_eq!(code, CloseCode::from(4_408), "too slow");
    assert!(messages < 8, "{messages} messages were kept of {CHANGES}");
    let newest = last["reason"].as_str().is_some_and(|reason| reason.starts_with(&format!("{CHANGES} ")));
    assert!(last["type"] == "snapshot" && newest, "the last is all anew: {}", last["type"]);
}
