//! From the schedule to the end, and what becomes of every unit.

use super::{Shop, order_id, refused, units};
use crate::e2e::{
    checkout::settles_at,
    engine::Ask,
    patience::until,
    world::{World, in_both_worlds},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

in_both_worlds!(
    a_drop_lives_by_the_clock_and_gives_the_rest_back,
    a_drop_whose_items_do_not_lend_all_is_rejected_and_nothing_stays_lent,
    the_limit_counts_all_orders_also_unpaid_ones,
    all_held_is_not_sold_out_and_a_cancellation_reopens_what_is,
    a_pause_stops_claims_and_resume_goes_on,
    of_a_drop_that_is_called_off_what_is_held_may_still_be_paid,
);

async fn a_drop_lives_by_the_clock_and_gives_the_rest_back(world: World) {
    let mut shop = Shop::open(world, &["shoe-41", "shoe-42"]).await;
    let terms = shop.terms(&[("shoe-41", 3), ("shoe-42", 2)], 2);
    let scheduled = shop.schedule(terms.clone()).await;
    assert_eq!(scheduled.headers["location"], "/v1/drops/shoe");
    assert_eq!(scheduled.body["status"], "scheduled");
    let again = shop.schedule(terms).await;
    assert_eq!(again.body["seedHash"], scheduled.body["seedHash"], "the same request again is the same drop");
    settles_at(&shop.engine, "shoe-41", 7).await;
    settles_at(&shop.engine, "shoe-42", 8).await;
    let listed = shop.engine.get(None, "/v1/drops?status=scheduled", &scheduled.position()).await;
    assert_eq!(listed.body["drops"][0]["dropId"], "shoe", "{listed:?}");
    let early = shop.claim("ada", "c0", json!({"itemId": "shoe-41", "quantity": 1})).await;
    assert_eq!((refused(&early), &early.body["dropStatus"]), ((409, "not_live"), &json!("scheduled")));

    let patch = |body: Value| {
        let ask = Ask { token: Some(&shop.acme), key: Some("patch"), body: Some(body), ..Ask::default() };
        shop.engine.ask(Method::PATCH, "/v1/drops/shoe", ask)
    };
    let end = shop.start().plus_seconds(7_200);
    let changed = patch(json!({"title": "Two shoes", "endsAt": end})).await;
    assert_eq!((changed.status, &changed.body["title"]), (StatusCode::OK, &json!("Two shoes")), "{changed:?}");
    let start = shop.start();
    shop.pass_to(start).await;
    let live = shop.drop_at("").await;
    assert_eq!((&live["status"], &live["endsAt"]), (&json!("live"), &json!(end)));
    let ask = Ask { token: Some(&shop.acme), key: Some("late"), body: Some(json!({"title": "No"})), ..Ask::default() };
    assert_eq!(refused(&shop.engine.ask(Method::PATCH, "/v1/drops/shoe", ask).await), (409, "drop_started"));

    assert_eq!(refused(&shop.claim("ada", "c1", json!({"quantity": 1})).await), (422, "item_required"));
    let other = shop.claim("ada", "c2", json!({"itemId": "hat", "quantity": 1})).await;
    assert_eq!(refused(&other), (422, "item_not_offered"));
    let body = json!({"itemId": "shoe-41", "quantity": 2, "submit": "auto"});
    let claimed = shop.claim("ada", "c3", body.clone()).await;
    assert_eq!(claimed.status, StatusCode::CREATED, "{claimed:?}");
    assert_eq!(claimed.body["total"], json!({"amount": 10_000, "currency": "EUR"}), "the price of the drop");
    assert_eq!(shop.claim("ada", "c3", body).await.body["orderId"], claimed.body["orderId"]);
    assert_eq!(units(&shop.drop_is("claimed", |drop| units(drop)[1] == 2).await), [1, 2, 0]);
    shop.pays("ada", &claimed).await;
    assert_eq!(units(&shop.drop_is("sold", |drop| units(drop)[2] == 2).await), [1, 0, 2]);

    shop.pass_to(end).await;
    let ended = shop.drop_at("").await;
    assert_eq!((&ended["status"], units(&ended)), (&json!("ended"), [0, 0, 2]));
    settles_at(&shop.engine, "shoe-41", 8).await;
    settles_at(&shop.engine, "shoe-42", 10).await;
    let late = shop.claim("bob", "c4", json!({"itemId": "shoe-41", "quantity": 1})).await;
    assert_eq!((refused(&late), &late.body["dropStatus"]), ((409, "not_live"), &json!("ended")));
    // A unit that is cancelled after the end is everybody's.
    shop.cancels("ada", &claimed).await;
    settles_at(&shop.engine, "shoe-41", 10).await;
}

async fn a_drop_whose_items_do_not_lend_all_is_rejected_and_nothing_stays_lent(world: World) {
    let shop = Shop::open(world, &["shoe-41", "shoe-42"]).await;
    let terms = shop.terms(&[("shoe-41", 3), ("shoe-42", 11), ("shoe-43", 1)], 2);
    for _ in 0..2 {
        let rejected = shop.engine.post(&shop.acme, "", "/v1/drops", terms.clone()).await;
        assert_eq!(refused(&rejected), (409, "drop_rejected"), "{rejected:?}");
        let of = |item: &str| {
            let refusals = rejected.body["refusals"].as_array().expect("refusals").iter();
            refusals.filter(|refusal| refusal["itemId"] == item).map(|one| one["refusal"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(of("shoe-41"), Vec::<Value>::new());
        assert_eq!(of("shoe-42"), [json!({"reason": "insufficient_stock", "asked": 11, "available": 10})]);
        assert_eq!(of("shoe-43"), [json!({"reason": "item_unavailable"})]);
    }
    settles_at(&shop.engine, "shoe-41", 10).await;
    settles_at(&shop.engine, "shoe-42", 10).await;
    assert_eq!(refused(&shop.engine.get(None, "/v1/drops/shoe", "").await), (404, "drop_not_found"));
    // The views follow.
    let look = || async { shop.engine.get(Some(&shop.acme), "/v1/drops/shoe", "").await.body };
    until("a drop that its store sees rejected", look, |own| own["status"] == "rejected").await;
}

async fn the_limit_counts_all_orders_also_unpaid_ones(world: World) {
    let mut shop = Shop::open(world, &["shoe-41", "shoe-42"]).await;
    shop.live(&[("shoe-41", 5), ("shoe-42", 5)], 2).await;
    let claim = |item: &'static str, key: &'static str, quantity: u32| {
        let body = json!({"itemId": item, "quantity": quantity, "submit": "auto"});
        shop.claim("ada", key, body)
    };
    let paid = claim("shoe-41", "a", 1).await;
    shop.pays("ada", &paid).await;
    let unpaid = claim("shoe-42", "b", 1).await;
    assert_eq!(unpaid.status, StatusCode::CREATED, "{unpaid:?}");
    for (item, key) in [("shoe-41", "c"), ("shoe-42", "d")] {
        let more = claim(item, key, 1).await;
        assert_eq!(refused(&more), (409, "limit_reached"), "{more:?}");
        assert_eq!((&more.body["limit"], &more.body["has"]), (&json!(2), &json!(2)));
    }
    // What is given back may be claimed again.
    shop.cancels("ada", &unpaid).await;
    shop.drop_is("free again", |drop| drop["items"][1]["held"] == 0).await;
    assert_eq!(refused(&claim("shoe-42", "e", 2).await), (409, "limit_reached"));
    assert_eq!(claim("shoe-42", "f", 1).await.status, StatusCode::CREATED);
    let bobs = shop.claim("bob", "a", json!({"itemId": "shoe-41", "quantity": 2})).await;
    assert_eq!(bobs.status, StatusCode::CREATED, "the limit is each shopper's: {bobs:?}");
}

async fn all_held_is_not_sold_out_and_a_cancellation_reopens_what_is(world: World) {
    let mut shop = Shop::open(world, &["shoe-41"]).await;
    shop.live(&[("shoe-41", 1)], 1).await;
    shop.claims("ada", "a", 1).await;
    let bob = |key: &'static str| shop.claim("bob", key, json!({"quantity": 1, "submit": "auto"}));
    let held = bob("b1").await;
    assert_eq!((refused(&held), &held.body["remaining"]), ((409, "all_held"), &json!(0)));
    assert_eq!(shop.drop_is("all held", |drop| units(drop)[1] == 1).await["status"], "all_held");
    // Her order expires, and the unit is free.
    shop.pass(361).await;
    let free = shop.drop_at("").await;
    assert_eq!((&free["status"], units(&free)), (&json!("live"), [1, 0, 0]));
    let bob = |key: &'static str| shop.claim("bob", key, json!({"quantity": 1, "submit": "auto"}));
    let bought = bob("b2").await;
    shop.pays("bob", &bought).await;
    shop.drop_is("sold out", |drop| drop["status"] == "sold_out").await;
    let late = shop.claim("cid", "c1", json!({"quantity": 1})).await;
    assert_eq!(refused(&late), (409, "sold_out"));
    shop.cancels("bob", &bought).await;
    shop.drop_is("open again", |drop| drop["status"] == "live" && units(drop) == [1, 0, 0]).await;
    shop.claims("cid", "c2", 1).await;
}

async fn a_pause_stops_claims_and_resume_goes_on(world: World) {
    let mut shop = Shop::open(world, &["shoe-41"]).await;
    shop.live(&[("shoe-41", 3)], 1).await;
    let body = json!({"reason": "The till is on fire"});
    let paused = shop.engine.post(&shop.acme, "p", "/v1/drops/shoe/pause", body).await;
    assert_eq!((paused.status, &paused.body["status"]), (StatusCode::OK, &json!("paused")), "{paused:?}");
    let shown = shop.drop_at(&paused.position()).await;
    assert_eq!((&shown["status"], &shown["reason"]), (&json!("paused"), &json!("The till is on fire")));
    let claim = shop.claim("ada", "a", json!({"quantity": 1})).await;
    assert_eq!((refused(&claim), &claim.body["dropStatus"]), ((409, "not_live"), &json!("paused")));
    assert_eq!(shop.tell("resume", "r").await.body["status"], "live");
    shop.claims("ada", "a", 1).await;
    let globex = shop.engine.run(&["token", "--role", "store", "--sub", "gil", "--store", "globex"]);
    let foreign = shop.engine.post(&globex, "p", "/v1/drops/shoe/pause", json!({})).await;
    assert_eq!(refused(&foreign), (404, "drop_not_found"));
}

async fn of_a_drop_that_is_called_off_what_is_held_may_still_be_paid(world: World) {
    let mut shop = Shop::open(world, &["shoe-41"]).await;
    shop.live(&[("shoe-41", 5)], 2).await;
    let (kept, let_go) = (shop.claims("ada", "a", 2).await, shop.claims("bob", "b", 1).await);
    let called_off = shop.tell("cancel", "x").await;
    assert_eq!(
        (called_off.status, &called_off.body["status"]),
        (StatusCode::OK, &json!("cancelled")),
        "{called_off:?}"
    );
    assert_eq!(shop.tell("cancel", "x").await.status, StatusCode::OK);
    assert_eq!(refused(&shop.claim("cid", "c", json!({"quantity": 1})).await), (409, "not_live"));
    settles_at(&shop.engine, "shoe-41", 7).await;
    shop.pays("ada", &kept).await;
    assert_eq!(units(&shop.drop_is("paid", |drop| units(drop)[2] == 2).await), [0, 1, 2]);
    assert_eq!(shop.order("ada", &kept).await["status"], "confirmed", "{}", order_id(&kept));
    shop.pass(361).await;
    assert_eq!(shop.order("bob", &let_go).await["status"], "expired");
    assert_eq!(units(&shop.drop_at("").await), [0, 0, 2]);
    settles_at(&shop.engine, "shoe-41", 8).await;
}
