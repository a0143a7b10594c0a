//! People: whom they follow, how they want to be told, and that they are, in the app and by mail, once.

use super::{
    engine::{Answer, Ask, Engine},
    world::{World, in_both_worlds},
};
use reqwest::{Method, StatusCode};
use schemas::Timestamp;
use serde_json::{Value, json};
use std::{
    future::Future,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

in_both_worlds!(
    who_follows_a_store_hears_of_its_drop_in_the_app_and_by_mail_as_they_wish,
    followers_are_told_once_though_the_notifier_is_killed_in_the_middle,
);

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

async fn call(engine: &Engine, method: Method, token: &str, path: &str, body: Option<Value>) -> Answer {
    let answer = engine.ask(method, path, Ask { token: Some(token), body, ..Ask::default() }).await;
    assert!(answer.status.is_success(), "{path}: {answer:?}");
    answer
}

/// Asks until there is an answer.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} does not come");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What a shopper was told, newest first: kind and id.
async fn inbox(engine: &Engine, token: &str) -> Vec<(String, String)> {
    let shown = call(engine, Method::GET, token, "/v1/notifications?limit=200", None).await;
    let text = |entry: &Value, field: &str| entry[field].as_str().expect("a text").to_owned();
    let entries = shown.body["notifications"].as_array().expect("a list").iter();
    entries.map(|entry| (text(entry, "kind"), text(entry, "notificationId"))).collect()
}

/// Waits until a shopper was told so many things, and answers their kinds and ids.
async fn told(engine: &Engine, token: &str, count: usize) -> Vec<(String, String)> {
    until("a message", || async {
        let inbox = inbox(engine, token).await;
        (inbox.len() >= count).then_some(inbox)
    })
    .await
}

fn tomorrow(days: u32) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let now = Timestamp::from_millis(i64::try_from(since.as_millis()).expect("a time of this era"));
    now.plus_seconds(days * 86_400).to_string()
}

/// The store `acme` offers its anvils tomorrow; answers its token.
async fn offers(engine: &Engine) -> String {
    let acme = engine.run(&["token", "--role", "store", "--sub", "ann", "--store", "acme"]);
    let facts = json!({"name": "Acme", "email": "orders@acme.example"});
    call(engine, Method::PUT, &acme, "/v1/stores/acme", Some(facts)).await;
    let facts = json!({"name": "Anvil", "kind": "physical", "price": {"amount": 9_900, "currency": "EUR"}});
    call(engine, Method::PUT, &acme, "/v1/items/anvil", Some(facts)).await;
    let receipt = json!({"receiptId": "r", "location": "main", "quantity": 5, "document": "d"});
    call(engine, Method::POST, &acme, "/v1/items/anvil/receipts", Some(receipt)).await;
    acme
}

async fn schedule(engine: &Engine, acme: &str) {
    let item = json!({"itemId": "anvil", "quantity": 5, "price": {"amount": 5_000, "currency": "EUR"}});
    let drop = json!({"dropId": "anvils", "title": "The anvil", "items": [item], "startsAt": tomorrow(1),
        "endsAt": tomorrow(2), "limitPerShopper": 1});
    call(engine, Method::POST, acme, "/v1/drops", Some(drop)).await;
}

async fn cancel(engine: &Engine, acme: &str) {
    let cancelled = engine.post(acme, "rain", "/v1/drops/anvils/cancel", json!({"reason": "rain"})).await;
    assert_eq!(cancelled.status, StatusCode::OK, "{cancelled:?}");
}

async fn who_follows_a_store_hears_of_its_drop_in_the_app_and_by_mail_as_they_wish(world: World) {
    let mail = engines::mail();
    let secret = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(secret.path(), format!("smtp://{}\n", mail.smtp())).expect("written");
    let url = secret.path().to_str().expect("UTF-8").to_owned();
    let engine = world.start(&["--smtp-url-file", &url, "--mail-from", "Shop <shop@shop.example>"]);
    let address = format!("alice-{:08x}@people.example", rand::random::<u32>());
    let acme = offers(&engine).await;
    let [alice, bob, carl] = ["alice", "bob", "carl"].map(|sub| engine.token("shopper", sub));
    let me = json!({"email": address, "locale": "de-CH", "timeZone": "Europe/Zurich"});
    let said = call(&engine, Method::PUT, &alice, "/v1/me", Some(me)).await;
    let shown = engine.get(Some(&alice), "/v1/me", &said.position()).await;
    assert_eq!((&shown.body["email"], &shown.body["version"]), (&json!(address), &json!(1)));
    call(&engine, Method::PUT, &bob, "/v1/me", Some(json!({"mutedStores": ["acme"]}))).await;
    let mut position = String::new();
    for token in [&alice, &bob, &carl] {
        position = call(&engine, Method::PUT, token, "/v1/follows/acme", None).await.position();
    }
    until("three followers", || async {
        let store = engine.get(None, "/v1/stores/acme", &position).await;
        (store.body["followers"] == 3).then_some(())
    })
    .await;

    schedule(&engine, &acme).await;
    let first = told(&engine, &alice, 1).await;
    assert_eq!(first[0].0, "drop_scheduled");
    told(&engine, &carl, 1).await;
    let mailbox = mail.mailbox(&address);
    let sent = until("a mail", || async { Some(mailbox.messages()).filter(|mails| !mails.is_empty()) }).await;
    assert!(sent[0].contains(&format!("Message-ID: <{}@shop.example>", first[0].1)), "{}", sent[0]);
    assert!(sent[0].contains("Subject: Acme: The anvil") && sent[0].contains("Er beginnt am"), "{}", sent[0]);

    // News of one drop come in their order: who hears of its end was passed over at its begin.
    call(&engine, Method::PUT, &bob, "/v1/me", Some(json!({}))).await;
    cancel(&engine, &acme).await;
    let kinds = |inbox: Vec<(String, String)>| inbox.into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
    assert_eq!(kinds(told(&engine, &bob, 1).await), ["drop_cancelled"]);
    assert_eq!(kinds(told(&engine, &alice, 2).await), ["drop_cancelled", "drop_scheduled"]);

    // Of orders they hear who have said how.
    for (number, sub) in ["alice", "carl"].into_iter().enumerate() {
        let order = json!({"orderId": format!("o-{number}"), "shopper": sub, "payment": "external", "submit": "auto",
            "lines": [{"lineId": "1", "itemId": "anvil", "quantity": 1}]});
        call(&engine, Method::POST, &engine.token("service", "erp"), "/v1/orders", Some(order)).await;
    }
    let newest = told(&engine, &alice, 3).await.swap_remove(0);
    assert_eq!(newest.0, "order_confirmed");
    let sent =
        until("its mail", || async { mailbox.messages().into_iter().find(|mail| mail.contains(&newest.1)) }).await;
    assert!(sent.contains("Bestellung o-0"), "{sent}");
    let operator = engine.token("operator", "ops");
    let log = engine.get(Some(&operator), "/v1/log/shoppers.events.v1?follow=false", "").await;
    assert!(!log.body.to_string().contains(&address), "the log holds ciphertext");
}

/// Guests who follow the store, by their tokens.
async fn crowd(engine: &Engine, count: usize) -> Vec<String> {
    let mut tokens = Vec::with_capacity(count);
    while tokens.len() < count {
        let arrive = (0..100.min(count - tokens.len())).map(|_| async {
            let guest = engine.ask(Method::POST, "/v1/guests", Ask::default()).await;
            let token = guest.body["token"].as_str().expect("a token").to_owned();
            call(engine, Method::PUT, &token, "/v1/follows/acme", None).await;
            token
        });
        tokens.extend(futures_util::future::join_all(arrive).await);
    }
    tokens
}

async fn followers_are_told_once_though_the_notifier_is_killed_in_the_middle(world: World) {
    // Chunks have 1,000 followers of one shard: here most shards have more than one.
    let (shards, count) = world.choose((&["--shards", "2"][..], 5_000), (&[][..], 3_000));
    let flags: Vec<&str> = shards.iter().copied().chain(["--notify-per-second", "500"]).collect();
    let engine = world.start(&flags);
    let acme = offers(&engine).await;
    let crowd = crowd(&engine, count).await;
    schedule(&engine, &acme).await;
    // Somebody has heard of it; at this pace most have not.
    until("the first message", || async {
        for token in crowd.iter().step_by(100) {
            if !inbox(&engine, token).await.is_empty() {
                return Some(());
            }
        }
        None
    })
    .await;
    let engine = engine.restart();
    for (number, token) in crowd.iter().enumerate() {
        let inbox = told(&engine, token, 1).await;
        assert_eq!(inbox.len(), 1, "follower {number}: {inbox:?}");
    }
    // Whoever was told twice would show it by now: the end of the drop comes behind all of its begin.
    cancel(&engine, &acme).await;
    for token in crowd.iter().step_by(50) {
        let kinds: Vec<String> = told(&engine, token, 2).await.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, ["drop_cancelled", "drop_scheduled"]);
    }
}
