//! Live stock and the live inbox, over server-sent events.

use crate::world::*;
use axum::{body::BodyDataStream, http::header, response::Response};
use futures_util::StreamExt as _;
use query_api::LiveLimits;
use schemas::{
    AggregateKey, EffectId, Event, Position, Role, Topic,
    item::{ItemEvent, ItemKind, SafetySet, StockLevels},
    shopper::{Channels, Notification, NotificationKind, ShopperEvent, ShopperNotified},
};
use serde_json::{Value, json};
use std::{collections::VecDeque, time::Duration};

const ALICE: Option<(Role, &str)> = Some((Role::Shopper, "alice"));

/// An event of a stream.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    name: String,
    id: String,
    data: Value,
}

/// Reads a stream as a browser would (WHATWG HTML, 9.2.6), as far as it is used here.
struct Events {
    body: BodyDataStream,
    text: String,
    told: VecDeque<Told>,
}

impl Events {
    fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        Self { body: response.into_body().into_data_stream(), text: String::new(), told: VecDeque::new() }
    }

    /// The next event; none at the end.
    async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some(told) = self.told.pop_front() {
                return Some(told);
            }
            let chunk = tokio::time::timeout(Duration::from_secs(60), self.body.next()).await.expect("something")?;
            self.text.push_str(std::str::from_utf8(&chunk.expect("it is not cut")).expect("text"));
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let lines = block.lines().filter_map(|line| line.split_once(": "));
                    lines.filter(|(field, _)| *field == name).map(|(_, value)| value.to_owned()).next_back()
                };
                if let Some(data) = field("data") {
                    let data = serde_json::from_str(&data).expect("JSON");
                    let (name, id) = (field("event").unwrap_or_default(), field("id").unwrap_or_default());
                    self.told.push_back(Told { name, id, data });
                }
                self.text = rest.to_owned();
            }
        }
    }

    async fn named(&mut self, name: &str) -> Told {
        let told = self.next().await.expect("it goes on");
        assert_eq!(told.name, name, "{told:?}");
        told
    }

    /// All events until the end.
    async fn rest(&mut self) -> Vec<Told> {
        let mut rest = Vec::new();
        while let Some(told) = self.next().await {
            rest.push(told);
        }
        rest
    }
}

async fn follow(world: &World, path: &str) -> Events {
    Events::of(world.send(world.request(path, None)).await)
}

fn levels(available: i64) -> ItemEvent {
    let stock = StockLevels { available, on_hand: available.unsigned_abs(), ..StockLevels::default() };
    ItemEvent::SafetySet(SafetySet { quantity: 0, previous: 0, stock })
}

fn set(world: &mut World, item: &str, available: i64) -> Position {
    world.append(&AggregateKey::Item(item_id(item)), &Event::Item(levels(available)))
}

/// A tea with 7 units, an e-book, and what nobody has listed.
async fn shop() -> World {
    shop_with(LiveLimits::default()).await
}

async fn shop_with(limits: LiveLimits) -> World {
    let mut world = World::limited(limits);
    world.list("tea", |_| {});
    world.receive("tea", 7);
    world.list("book", |catalog| catalog.kind = ItemKind::Digital);
    world.receive("stray", 3);
    world.fold().await;
    world
}

#[tokio::test]
async fn first_comes_all_then_what_changes() {
    let mut world = shop().await;
    let mut events = follow(&world, "/v1/live/stock?items=tea,book,stray,nothing,tea").await;
    let first = events.named("snapshot").await;
    let unknown = |item: &str| json!({"itemId": item, "unknown": true});
    let book = json!({"itemId": "book", "available": null});
    let tea = |available: i64| json!({"itemId": "tea", "available": available});
    assert_eq!(first.data, json!({"items": [tea(7), book, unknown("stray"), unknown("nothing")]}));
    let at = set(&mut world, "tea", 5);
    let told = events.named("stock").await;
    assert_eq!(told.data, tea(5));
    assert!(told.id.split('~').any(|position| position == at.to_string()), "{told:?}");
    // What nobody outside may know: that there is less than nothing.
    set(&mut world, "tea", -2);
    assert_eq!(events.named("stock").await.data, tea(0));
    world.list("nothing", |_| {});
    assert_eq!(events.named("stock").await.data, json!({"itemId": "nothing", "available": 0}));
}

#[tokio::test]
async fn a_client_that_comes_again_is_told_what_it_missed_and_no_more() {
    let mut world = shop().await;
    world.list("cup", |_| {});
    world.receive("cup", 4);
    world.fold().await;
    let path = "/v1/live/stock?items=tea,cup";
    let first = follow(&world, path).await.named("snapshot").await;
    let again = |id: &str| world.request(path, None).header("last-event-id", id);
    // Nothing has changed: it is told that it is connected.
    let mut events = Events::of(world.send(again(&first.id)).await);
    assert_eq!(events.named("heartbeat").await.id, first.id);
    set(&mut world, "cup", 1);
    assert_eq!(events.named("stock").await.data, json!({"itemId": "cup", "available": 1}));
    let again = |id: &str| world.request(path, None).header("last-event-id", id);
    let told = Events::of(world.send(again(&first.id)).await).named("stock").await;
    assert_eq!(told.data, json!({"itemId": "cup", "available": 1}));
    // EventSource cannot set the header when it is made anew.
    let told = follow(&world, &format!("{path}&lastEventId={}", first.id)).await.named("stock").await;
    assert_eq!(told.data, json!({"itemId": "cup", "available": 1}));
    // What nobody here has told says nothing.
    Events::of(world.send(again("yesterday")).await).named("snapshot").await;
}

#[tokio::test]
async fn what_happens_while_the_views_are_behind_is_told() {
    let mut world = shop().await;
    // Somebody watches, so that the node has heard of it; the views have not.
    let mut early = follow(&world, "/v1/live/stock?items=tea").await;
    early.named("snapshot").await;
    let at = set(&mut world, "tea", 2);
    assert_eq!(early.named("stock").await.data["available"], 2);
    drop(early);
    let late = async {
        let mut late = follow(&world, "/v1/live/stock?items=tea").await;
        late.named("snapshot").await
    };
    let fold = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.fold().await;
    };
    let (late, ()) = tokio::join!(late, fold);
    assert_eq!((late.data["items"][0]["available"].as_i64(), late.id), (Some(2), at.to_string()));
}

#[tokio::test]
async fn what_happens_while_nobody_watches_is_told_to_who_comes_then() {
    let mut world = shop_with(LiveLimits { linger: Duration::ZERO, ..LiveLimits::default() }).await;
    let tea = |available: i64| json!({"itemId": "tea", "available": available});
    for round in 1..=3 {
        // The reader of the log rests by now, and has not heard of any of this.
        tokio::time::sleep(Duration::from_millis(600)).await;
        set(&mut world, "tea", 10 * round);
        world.fold().await;
        set(&mut world, "tea", 10 * round + 1);
        let mut events = follow(&world, "/v1/live/stock?items=tea").await;
        world.fold().await;
        let mut told = events.next().await.expect("it goes on");
        // Views that are behind what was heard of the item are waited for.
        while told.name != "snapshot" {
            told = events.next().await.expect("it goes on");
        }
        if told.data == json!({"items": [tea(10 * round)]}) {
            assert_eq!(events.named("stock").await.data, tea(10 * round + 1));
        } else {
            assert_eq!(told.data, json!({"items": [tea(10 * round + 1)]}));
        }
        set(&mut world, "tea", 10 * round + 2);
        assert_eq!(events.named("stock").await.data, tea(10 * round + 2));
    }
}

#[tokio::test]
async fn without_following_it_ends_after_the_snapshot() {
    let world = shop().await;
    let told = follow(&world, "/v1/live/stock?items=tea&follow=false").await.rest().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].name, "snapshot");
}

/// Waits until the node has heard of a change.
async fn heard(world: &World, available: i64) {
    loop {
        let told = follow(world, "/v1/live/stock?items=tea&follow=false").await.rest().await;
        if told[0].data["items"][0]["available"] == available {
            return;
        }
    }
}

/// Changes of the tea's stock to each of these, in batches; the views have them too.
async fn change_often(world: &mut World, to: std::ops::RangeInclusive<i64>) {
    let key = AggregateKey::Item(item_id("tea"));
    let all: Vec<Event> = to.clone().map(|available| Event::Item(levels(available))).collect();
    all.chunks(5_000).for_each(|chunk| world.append_all(&key, chunk));
    world.fold().await;
    heard(world, *to.end()).await;
}

#[tokio::test]
async fn who_stops_reading_is_dropped_to_a_snapshot_and_closed() {
    let patience = (Duration::from_millis(100), Duration::from_secs(300));
    let mut world = shop_with(LiveLimits { patience, ..LiveLimits::default() }).await;
    let mut slow = follow(&world, "/v1/live/stock?items=tea").await;
    slow.named("snapshot").await;
    change_often(&mut world, 8..=50_000).await;
    // Many times what is between two messages and what a write waits, on the same timer.
    tokio::time::sleep(Duration::from_secs(3)).await;
    change_often(&mut world, 50_001..=100_000).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let rest = slow.rest().await;
    let names: Vec<&str> = rest.iter().map(|told| told.name.as_str()).collect();
    assert_eq!(names, ["stock", "snapshot", "closing"], "of 100,000 changes no more was kept for it");
    assert_eq!(rest[1].data["items"][0]["available"], 100_000);
    assert_eq!(rest[2].data["reason"], "slow");
}

#[tokio::test]
async fn who_never_reads_is_given_up_and_one_chunk_was_kept_for_it() {
    let patience = (Duration::from_millis(10), Duration::from_millis(10));
    let mut world = shop_with(LiveLimits { per_caller: 1, patience, ..LiveLimits::default() }).await;
    let mut idle = Events::of(world.send(world.request("/v1/live/stock?items=tea", ALICE)).await);
    change_often(&mut world, 8..=1_000).await;
    change_often(&mut world, 1_001..=2_000).await;
    while world.send(world.request("/v1/live/stock?items=tea", ALICE)).await.status() != 200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let all = idle.rest().await;
    assert_eq!((all.len(), all[0].name.as_str()), (1, "snapshot"), "{all:?}");
}

/// A token of alice's that ends so many seconds after now.
fn session(world: &World, seconds: u32) -> edge::Session {
    let until = schemas::Timestamp::from_millis(START_MS).plus_seconds(seconds);
    edge::Session { caller: world.caller(Role::Shopper, "alice"), until }
}

#[tokio::test]
async fn the_end_of_the_token_ends_the_stream() {
    let world = shop().await;
    let (ticket, _) = world.edge.tickets().issue(&session(&world, 1));
    let mut events = follow(&world, &format!("/v1/live/stock?items=tea&ticket={ticket}")).await;
    events.named("snapshot").await;
    let rest = events.rest().await;
    assert_eq!(rest.iter().map(|told| told.name.as_str()).collect::<Vec<_>>(), ["expired"]);
}

#[tokio::test]
async fn the_end_of_the_process_ends_every_stream_at_once() {
    let world = shop().await;
    let mut events = follow(&world, "/v1/live/stock?items=tea").await;
    events.named("snapshot").await;
    world.stop.send(true).expect("somebody listens");
    let rest = events.rest().await;
    assert_eq!((rest[0].name.as_str(), &rest[0].data["reason"], rest.len()), ("closing", &json!("stopping"), 1));
}

#[tokio::test]
async fn a_ticket_opens_one_stream_of_its_owner() {
    let world = shop().await;
    let session = session(&world, 60);
    let (ticket, _) = world.edge.tickets().issue(&session);
    let path = format!("/v1/live/notifications?ticket={ticket}");
    let mut events = follow(&world, &path).await;
    events.named("snapshot").await;
    let problem = world.refused(&path, None, 401, "invalid_ticket").await;
    assert!(!problem.to_string().contains(&ticket), "{problem}");
    let (ticket, _) = world.edge.tickets().issue(&session);
    // Nowhere else, and not beside a token.
    world.refused(&format!("/v1/stock?items=tea&ticket={ticket}"), None, 400, "invalid_query").await;
    world.refused(&format!("/v1/live/notifications?ticket={ticket}"), ALICE, 400, "two_credentials").await;
    let forged = format!("{}A", &ticket[..ticket.len() - 1]);
    world.refused(&format!("/v1/live/stock?items=tea&ticket={forged}"), None, 401, "invalid_ticket").await;
    follow(&world, &format!("/v1/live/stock?items=tea&ticket={ticket}")).await.named("snapshot").await;
}

#[tokio::test]
async fn one_address_and_one_caller_have_so_many_streams_and_no_more() {
    let world = World::limited(LiveLimits { streams: 4, per_caller: 2, per_address: 1, ..LiveLimits::default() });
    let path = "/v1/live/stock?items=tea";
    let (bob, carol) = (Some((Role::Shopper, "bob")), Some((Role::Shopper, "carol")));
    let first = follow(&world, path).await;
    world.refused(path, None, 429, "too_many_streams").await;
    let alices = [world.send(world.request(path, ALICE)).await, world.send(world.request(path, ALICE)).await];
    world.refused(path, ALICE, 429, "too_many_streams").await;
    let bobs = world.send(world.request(path, bob)).await;
    assert_eq!(bobs.status(), 200);
    world.refused(path, carol, 503, "too_many_streams").await;
    drop(first);
    // That the body is gone is noticed by a task.
    while world.send(world.request(path, carol)).await.status() != 200 {
        tokio::task::yield_now().await;
    }
    drop((alices, bobs));
}

#[tokio::test]
async fn a_shopper_is_told_at_once_and_nobody_else() {
    let mut world = shop().await;
    world.refused("/v1/live/notifications", None, 401, "unauthenticated").await;
    world.refused("/v1/live/notifications", Some((Role::Operator, "ops")), 403, "forbidden").await;
    let mut alice = Events::of(world.send(world.request("/v1/live/notifications", ALICE)).await);
    let bob = world.request("/v1/live/notifications", Some((Role::Shopper, "bob")));
    let mut bob = Events::of(world.send(bob).await);
    assert_eq!((alice.named("snapshot").await.data, bob.named("snapshot").await.data), (json!({}), json!({})));
    let mut tell = |sub: &str, id: &str, in_app| {
        let notification = Notification {
            notification_id: EffectId::parse(id).expect("an id"),
            kind: NotificationKind::OrderConfirmed,
            occurred_at: schemas::Timestamp::from_millis(START_MS),
            store: None,
            drop: None,
            order_id: None,
        };
        let told = ShopperNotified { notification, channels: Channels { in_app, email: true } };
        let key = AggregateKey::Shopper(world.subject(sub));
        world.append(&key, &Event::Shopper(ShopperEvent::from(told)))
    };
    tell("alice", "by-mail", false);
    tell("bob", "bobs", true);
    let at = tell("alice", "alices", true);
    let told = alice.named("notification").await;
    assert_eq!((&told.data["notificationId"], &told.data["kind"]), (&json!("alices"), &json!("order_confirmed")));
    assert!(told.data["toldAt"].is_string(), "as in the list: {told:?}");
    assert_eq!((told.id, at.topic), (at.to_string(), Topic::ShoppersEvents));
    assert_eq!(bob.named("notification").await.data["notificationId"], "bobs");
}
