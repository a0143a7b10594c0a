//! The waiting room: a fair draw, the order of admission, and tickets.

use super::{Shop, refused, units};
use crate::e2e::{
    engine::Answer,
    world::{World, in_both_worlds},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

in_both_worlds!(
    early_joiners_are_drawn_and_admitted_as_anybody_can_recompute,
    a_unit_that_returns_goes_to_the_next_in_line,
    an_admission_that_is_let_pass_goes_to_the_next_in_line,
    a_ticket_is_of_use_to_its_shopper_alone_and_not_after_its_place,
);

impl Shop {
    /// Schedules a drop whose waiting room opens half an hour before it does, and opens the room.
    async fn queueing(&mut self, units: u32, admit_at_once: Option<u32>) {
        let (mut terms, opens) = (self.terms(&[("shoe-41", units)], 1), self.now.plus_seconds(1_800));
        (terms["queueOpensAt"], terms["admitAtOnce"]) = (json!(opens), json!(admit_at_once));
        self.schedule(terms).await;
        let early = self.join("early", "e").await;
        assert_eq!((refused(&early), &early.body["dropStatus"]), ((409, "queue_closed"), &json!("scheduled")));
        self.pass_to(opens).await;
    }

    /// Opens the drop itself, and waits for the draw: it takes its steps one after the other, a moment apart.
    async fn opens(&mut self) {
        let drop = self.drop_at("").await;
        let start = drop["startsAt"].as_str().expect("a time");
        self.pass_to(schemas::Timestamp::parse(start).expect("RFC 3339")).await;
        for _ in 0..2 {
            self.pass(1).await;
        }
    }

    async fn join(&self, shopper: &str, key: &str) -> Answer {
        self.engine.post(&self.shopper(shopper), key, "/v1/drops/shoe/queue", json!({})).await
    }

    /// Joins and answers the ticket.
    async fn joins(&self, shopper: &str, key: &str) -> String {
        let joined = self.join(shopper, key).await;
        assert_eq!(joined.status, StatusCode::CREATED, "{joined:?}");
        joined.body["ticket"].as_str().expect("a ticket").to_owned()
    }

    async fn place(&self, shopper: &str, ticket: &str) -> Answer {
        let path = format!("/v1/drops/shoe/queue/{ticket}");
        self.engine.get(Some(&self.shopper(shopper)), &path, "").await
    }

    async fn claim_with(&self, shopper: &str, ticket: &str) -> Answer {
        self.claim(shopper, &format!("with {ticket}"), json!({"quantity": 1, "ticket": ticket})).await
    }

    async fn status(&self, shopper: &str, ticket: &str) -> String {
        let place = self.place(shopper, ticket).await;
        place.body["status"].as_str().unwrap_or_else(|| panic!("{place:?}")).to_owned()
    }

    /// The events of the drop as the log tells them: type and data.
    async fn log(&self) -> Vec<(String, Value)> {
        let operator = self.engine.token("operator", "ops");
        let read = self.engine.get(Some(&operator), "/v1/log/drops.events.v1?follow=false", "").await.body;
        // A single line is JSON as it is.
        let text = read.as_str().map_or_else(|| read.to_string(), str::to_owned);
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("an event"));
        let events = events.filter(|event| event["subject"] == "shoe");
        events.map(|event| (event["type"].as_str().expect("a type").to_owned(), event["data"].clone())).collect()
    }
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().expect("hexadecimal digits");
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn of_type<'e>(log: &'e [(String, Value)], name: &str) -> Vec<&'e Value> {
    let name = format!("stockfold.drops.{name}.v1");
    log.iter().filter(|(kind, _)| *kind == name).map(|(_, data)| data).collect()
}

fn names(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().map(|name| name.as_str().expect("a name").to_owned()).collect()
}

async fn early_joiners_are_drawn_and_admitted_as_anybody_can_recompute(world: World) {
    const EARLY: usize = 25;
    let mut shop = Shop::open(world, &["shoe-41"]).await;
    shop.queueing(5, Some(3)).await;
    let mut tickets = BTreeMap::new();
    for n in 0..EARLY {
        let name = format!("s-{n:02}");
        tickets.insert(name.clone(), shop.joins(&name, "j").await);
    }
    let again = shop.join("s-03", "another key").await;
    assert_eq!(again.body["ticket"], json!(tickets["s-03"]), "one place for each: {again:?}");
    assert_eq!((&again.body["position"], &again.body["drawn"]), (&Value::Null, &json!(false)));
    let secret = shop.drop_is("joined", |drop| drop["queue"]["places"] == EARLY).await;
    assert_eq!(secret["seed"], Value::Null);
    shop.opens().await;
    let late = shop.join("late", "j").await;
    assert_eq!(late.body["position"], json!(EARLY + 1 - 3), "behind all who were early: {late:?}");

    // The draw, by the log alone.
    let log = shop.log().await;
    let (scheduled, opened) = (of_type(&log, "drop-scheduled"), of_type(&log, "drop-opened"));
    let seed = bytes(&opened[0]["seed"]);
    assert_eq!(Sha256::digest(&seed)[..], bytes(&scheduled[0]["seedHash"]), "it is the seed that was promised");
    assert_eq!(secret["seedHash"], scheduled[0]["seedHash"]);
    let until_opened = log.iter().take_while(|(kind, _)| kind != "stockfold.drops.drop-opened.v1");
    let joined = until_opened.filter(|(kind, _)| kind == "stockfold.drops.queue-joined.v1");
    let mut expected: Vec<(Vec<u8>, String)> = joined
        .map(|(_, data)| data["shopper"].as_str().expect("a pseudonym").to_owned())
        .map(|shopper| (Sha256::digest([&seed, shopper.as_bytes()].concat()).to_vec(), shopper))
        .collect();
    expected.sort();
    let expected: Vec<String> = expected.into_iter().map(|(_, shopper)| shopper).collect();
    assert_eq!(expected.len(), EARLY);
    let drawn: Vec<String> = of_type(&log, "places-drawn").iter().flat_map(|data| names(&data["shoppers"])).collect();
    assert_eq!(drawn, expected);
    let admitted: Vec<String> =
        of_type(&log, "shoppers-admitted").iter().flat_map(|data| names(&data["shoppers"])).collect();
    assert_eq!(admitted, expected[..3], "three at once, the first of the draw");

    // And as the shoppers see it.
    let (mut positions, mut may_claim) = (Vec::new(), 0);
    for (name, ticket) in &tickets {
        let place = shop.place(name, ticket).await.body;
        assert_eq!(place["drawn"], true, "{place}");
        let claimed = shop.claim(name, "c", json!({"quantity": 1, "ticket": ticket})).await;
        match place["status"].as_str() {
            Some("admitted") => {
                may_claim += 1;
                assert!(place["admittedUntil"].is_string() && place["position"].is_null(), "{place}");
                // The unit of who claims before may be the one that admits the next: positions were read before.
                assert_eq!(claimed.status, StatusCode::CREATED, "{claimed:?}");
            }
            _ => positions.push((place["rank"].as_u64().expect("a rank"), place["position"].clone())),
        }
    }
    assert!((3..=5).contains(&may_claim), "no more than units: {may_claim}");
    assert!(positions.iter().all(|(rank, position)| position.as_u64().is_some_and(|at| at <= *rank)), "{positions:?}");
}

async fn a_unit_that_returns_goes_to_the_next_in_line(world: World) {
    let mut shop = Shop::open(world, &["shoe-41"]).await;
    shop.queueing(1, None).await;
    let mut tickets = BTreeMap::new();
    for name in ["ada", "bob", "cid"] {
        tickets.insert(name, shop.joins(name, "j").await);
    }
    shop.opens().await;
    let mut line: Vec<(u64, &str)> = Vec::new();
    for (name, ticket) in &tickets {
        line.push((shop.place(name, ticket).await.body["rank"].as_u64().expect("a rank"), name));
    }
    line.sort_unstable();
    let [(_, first), (_, second), (_, third)] = line[..] else { panic!("three: {line:?}") };
    let early = shop.claim(second, "c0", json!({"quantity": 1, "ticket": tickets[second]})).await;
    assert_eq!(refused(&early), (409, "not_admitted"));
    shop.claims(first, "c", 1).await;
    shop.drop_is("all held", |drop| drop["status"] == "all_held").await;
    assert_eq!(shop.status(first, &tickets[first]).await, "claimed");
    assert_eq!(refused(&shop.claim(second, "c1", json!({"quantity": 1})).await), (409, "not_admitted"));
    // The order expires: the unit is free, and the next in line may claim it.
    shop.pass(361).await;
    assert_eq!(shop.status(second, &tickets[second]).await, "admitted");
    assert_eq!(shop.status(third, &tickets[third]).await, "waiting");
    assert_eq!(shop.place(third, &tickets[third]).await.body["position"], 1);
    assert_eq!(refused(&shop.claim(first, "c2", json!({"quantity": 1})).await), (409, "not_admitted"));
    let bought = shop.claims(second, "c2", 1).await;
    shop.pays(second, &bought).await;
    assert_eq!(units(&shop.drop_is("sold out", |drop| drop["status"] == "sold_out").await), [0, 0, 1]);
    assert_eq!(shop.status(third, &tickets[third]).await, "waiting", "a sold unit may still come back");
}

async fn an_admission_that_is_let_pass_goes_to_the_next_in_line(world: World) {
    let mut shop = Shop::open(world, &["shoe-41"]).await;
    shop.queueing(1, None).await;
    shop.opens().await;
    let (ada, bob) = (shop.joins("ada", "j").await, shop.joins("bob", "j").await);
    shop.drop_is("joined", |drop| drop["queue"]["places"] == 2).await;
    let until = shop.place("ada", &ada).await.body["admittedUntil"].clone();
    assert_eq!(until, json!(shop.now.plus_seconds(120)));
    assert_eq!(shop.place("bob", &bob).await.body["position"], 1);
    // While it is paused her clock stands still.
    assert_eq!(shop.tell("pause", "p").await.status, StatusCode::OK);
    shop.pass(600).await;
    assert_eq!(shop.status("ada", &ada).await, "admitted");
    assert_eq!(shop.tell("resume", "r").await.status, StatusCode::OK);
    shop.pass(119).await;
    let place = shop.place("ada", &ada).await.body;
    assert_eq!((&place["status"], &place["admittedUntil"]), (&json!("admitted"), &json!(shop.now.plus_seconds(1))));
    shop.pass(1).await;
    assert_eq!((shop.status("ada", &ada).await, shop.status("bob", &bob).await), ("expired".into(), "admitted".into()));
    assert_eq!(refused(&shop.claim("ada", "c", json!({"quantity": 1})).await), (409, "not_admitted"));
    let again = shop.join("ada", "j2").await;
    assert_eq!((&again.body["number"], &again.body["position"]), (&json!(3), &json!(1)), "a new place, at the end");
    shop.claims("bob", "c", 1).await;
}

async fn a_ticket_is_of_use_to_its_shopper_alone_and_not_after_its_place(world: World) {
    let mut shop = Shop::open(world, &["shoe-41"]).await;
    shop.queueing(2, None).await;
    shop.opens().await;
    let (ada, bob) = (shop.joins("ada", "j").await, shop.joins("bob", "j").await);
    shop.drop_is("joined", |drop| drop["queue"]["places"] == 2).await;
    let forged = ada.replace('A', "B");
    for (shopper, ticket) in [("bob", &ada), ("ada", &bob), ("ada", &forged), ("ada", &"x".to_owned()), ("cid", &ada)] {
        let place = shop.place(shopper, ticket).await;
        assert_eq!(refused(&place), (404, "place_not_found"), "{shopper} {ticket}");
        assert_eq!(refused(&shop.claim_with(shopper, ticket).await), (409, "not_admitted"), "{shopper} {ticket}");
    }
    assert_eq!(shop.place("ada", &ada).await.status, StatusCode::OK);
    // Her place passes, and she takes another: the old ticket is as good as none.
    shop.pass(121).await;
    let again = shop.joins("ada", "j2").await;
    assert_ne!(again, ada);
    shop.drop_is("joined", |drop| drop["queue"]["places"] == 3).await;
    assert_eq!(refused(&shop.place("ada", &ada).await), (404, "place_not_found"));
    assert_eq!(refused(&shop.claim_with("ada", &ada).await), (409, "not_admitted"));
    assert_eq!(shop.claim_with("ada", &again).await.status, StatusCode::CREATED);
}
