//! Carts: what stands in them, their checkout, and the merge at login.

use super::{
    checkout::{GOOD_CARD, payment, settles_at},
    engine::{Answer, Ask, Engine},
    patience::until,
    world::{World, in_both_worlds},
};
use reqwest::{Method, StatusCode};
use schemas::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;

in_both_worlds!(
    lines_are_set_added_to_and_taken_out,
    no_more_than_is_available_goes_into_a_cart,
    the_stored_cart_is_bought_and_empty_after_it,
    a_cart_is_locked_by_its_checkout_and_opens_when_that_ends,
    a_buyer_is_never_blocked_by_the_own_hold,
    two_lines_of_one_item_are_one_decision_on_the_sum,
    another_price_than_the_cart_saw_is_refused_and_flagged,
    an_expired_checkout_opens_the_cart_with_its_lines_flagged,
    the_same_key_fifty_times_at_once_is_one_order,
    carts_of_two_shoppers_never_meet,
    a_guest_buys_and_their_cart_is_merged_at_login_once,
);

/// A shop with tea for 5.00 and mugs for 9.00.
struct Shop {
    engine: Arc<Engine>,
}

impl Shop {
    async fn open(world: World, tea: u32, mugs: u32) -> Self {
        Self::with(world.start(&[]), tea, mugs).await
    }

    async fn with(engine: Engine, tea: u32, mugs: u32) -> Self {
        for (item, price, units) in [("tea", 500, tea), ("mug", 900, mugs)] {
            engine.stock(item, price, units).await;
            settles_at(&engine, item, i64::from(units)).await;
        }
        Self { engine: Arc::new(engine) }
    }

    fn shopper(&self, sub: &str) -> Shopper {
        Shopper { engine: Arc::clone(&self.engine), token: self.engine.token("shopper", sub) }
    }

    async fn guest(&self) -> Shopper {
        let made = self.engine.ask(Method::POST, "/v1/guests", Ask::default()).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        let token = made.body["token"].as_str().expect("a token").to_owned();
        Shopper { engine: Arc::clone(&self.engine), token }
    }
}

#[derive(Clone)]
struct Shopper {
    engine: Arc<Engine>,
    token: String,
}

impl Shopper {
    async fn put(&self, item: &str, body: Value) -> Answer {
        let ask = Ask { token: Some(&self.token), body: Some(body), ..Ask::default() };
        self.engine.ask(Method::PUT, &format!("/v1/cart/lines/{item}"), ask).await
    }

    async fn set(&self, item: &str, quantity: u32) -> Answer {
        let set = self.put(item, json!({"quantity": quantity})).await;
        assert_eq!(set.status, StatusCode::OK, "{set:?}");
        set
    }

    async fn patch(&self, op: &str, key: &str, item: &str, quantity: u32) -> Answer {
        let body = json!({"itemId": item, "quantity": quantity});
        let ask = Ask { token: Some(&self.token), key: Some(key), body: Some(body), ..Ask::default() };
        self.engine.ask(Method::PATCH, &format!("/v1/cart?op={op}"), ask).await
    }

    async fn post(&self, key: &str, path: &str, body: Value) -> Answer {
        self.engine.post(&self.token, key, path, body).await
    }

    /// Checks out the stored cart.
    async fn begin(&self, key: &str) -> Answer {
        self.post(key, "/v1/checkout?op=BEGIN", json!({})).await
    }

    /// Checks out so many of an item, whatever stands in the cart.
    async fn begin_of(&self, key: &str, item: &str, quantity: u32) -> Answer {
        self.post(key, "/v1/checkout?op=BEGIN", json!({"cart": [{"itemId": item, "quantity": quantity}]})).await
    }

    async fn cancel(&self, key: &str, begun: &Answer) -> Answer {
        let body = json!({"orderId": begun.body["orderId"]});
        let cancelled = self.post(key, "/v1/checkout?op=CANCEL", body).await;
        assert_eq!(cancelled.status, StatusCode::OK, "{cancelled:?}");
        cancelled
    }

    async fn buy(&self, begun: &Answer) -> Answer {
        assert_eq!(begun.status, StatusCode::CREATED, "{begun:?}");
        let pay_at = begun.body["paymentInputUrl"].as_str().expect("a url");
        let paid = self.post("pay", pay_at, payment(GOOD_CARD)).await;
        assert_eq!(paid.body["status"], "authorized", "{paid:?}");
        let submitted = self.post("submit", "/v1/checkout?op=SUBMIT", json!({"orderId": begun.body["orderId"]})).await;
        assert_eq!(submitted.body["status"], "confirmed", "{submitted:?}");
        submitted
    }

    async fn cart(&self, at: &str) -> Value {
        let shown = self.engine.get(Some(&self.token), "/v1/cart", at).await;
        assert_eq!(shown.status, StatusCode::OK, "{shown:?}");
        shown.body
    }

    /// The cart once this checkout locks it no longer: how an order ended reaches the cart after its client.
    async fn unlocked(&self, begun: &Answer) -> Value {
        let at = begun.position();
        until("an open cart", || self.cart(&at), |cart| cart["lockedBy"].is_null()).await
    }
}

fn refused(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.code())
}

/// Item and units of each line.
fn lines(cart: &Value) -> Vec<(&str, u64)> {
    let lines = cart["lines"].as_array().expect("lines").iter();
    lines.map(|line| (line["itemId"].as_str().expect("an id"), line["quantity"].as_u64().expect("units"))).collect()
}

async fn lines_are_set_added_to_and_taken_out(world: World) {
    let shop = Shop::open(world, 10, 10).await;
    let alice = shop.shopper("alice");
    let set = alice.set("tea", 2).await;
    let line = json!({"itemId": "tea", "name": "tea", "quantity": 2, "price": {"amount": 500, "currency": "EUR"},
        "available": 10, "flags": []});
    assert_eq!((&set.body["lines"][0], &set.body["lockedBy"]), (&line, &Value::Null), "{set:?}");
    assert_eq!(alice.cart(&set.position()).await, set.body, "GET shows what PUT answered");
    for _ in 0..2 {
        let added = alice.patch("ADD", "a", "mug", 3).await;
        assert_eq!(lines(&added.body), [("mug", 3), ("tea", 2)], "the same key adds once");
        assert_eq!(added.body["total"], json!({"amount": 3_700, "currency": "EUR"}));
    }
    assert_eq!(refused(&alice.patch("ADD", "a", "mug", 4).await), (422, "idempotency_key_reused"));
    let removed = alice.patch("REMOVE", "r", "mug", 1).await;
    assert_eq!(lines(&removed.body), [("mug", 2), ("tea", 2)]);
    alice.set("tea", 0).await;
    let last = alice.patch("REMOVE", "r2", "mug", 7).await;
    assert_eq!((lines(&last.body), &last.body["total"]), (Vec::new(), &Value::Null));
    assert_eq!(lines(&alice.cart(&last.position()).await), Vec::new());
    assert_eq!(refused(&alice.put("nil", json!({"quantity": 1})).await), (404, "item_not_found"));
    assert_eq!(refused(&alice.patch("ADD", "", "tea", 1).await), (400, "idempotency_key_missing"));
    assert_eq!(refused(&alice.patch("HALVE", "h", "tea", 1).await), (400, "invalid_query"));
    assert_eq!(refused(&alice.put("tea", json!({"quantity": 1_000_001})).await), (400, "invalid_body"));
}

async fn no_more_than_is_available_goes_into_a_cart(world: World) {
    let shop = Shop::open(world, 3, 10).await;
    let alice = shop.shopper("alice");
    let set = alice.set("tea", 2).await;
    let more = alice.patch("ADD", "a", "tea", 2).await;
    assert_eq!(
        (refused(&more), &more.body["available"], &more.body["asked"]),
        ((409, "insufficient_stock"), &json!(3), &json!(4))
    );
    assert_eq!(refused(&alice.put("tea", json!({"quantity": 4})).await), (409, "insufficient_stock"));
    assert_eq!(lines(&alice.cart(&set.position()).await), [("tea", 2)]);
    // What she holds herself is not counted against her, and is against others.
    let begun = alice.begin_of("b", "tea", 3).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{begun:?}");
    let shown = alice.cart(&begun.position()).await;
    assert_eq!(shown["lines"][0]["available"], 3, "{shown}");
    alice.set("tea", 3).await;
    let bobs = shop.shopper("bob").put("tea", json!({"quantity": 1})).await;
    assert_eq!((refused(&bobs), &bobs.body["available"]), ((409, "insufficient_stock"), &json!(0)));
}

async fn the_stored_cart_is_bought_and_empty_after_it(world: World) {
    let shop = Shop::open(world, 10, 10).await;
    let alice = shop.shopper("alice");
    assert_eq!(refused(&alice.begin("b0").await), (422, "cart_empty"));
    alice.set("tea", 2).await;
    alice.set("mug", 1).await;
    let begun = alice.begin("b").await;
    assert_eq!(begun.body["total"], json!({"amount": 1_900, "currency": "EUR"}), "{begun:?}");
    assert_eq!(alice.begin("b").await.body["orderId"], begun.body["orderId"], "the same key, the same order");
    alice.buy(&begun).await;
    assert_eq!(lines(&alice.unlocked(&begun).await), Vec::new());
    assert_eq!(alice.begin("b").await.body["orderId"], begun.body["orderId"], "and so after its end");
    assert_eq!(refused(&alice.begin("c").await), (422, "cart_empty"));
}

async fn a_cart_is_locked_by_its_checkout_and_opens_when_that_ends(world: World) {
    let shop = Shop::open(world, 10, 10).await;
    let alice = shop.shopper("alice");
    alice.set("tea", 2).await;
    let begun = alice.begin("b").await;
    let locked = alice.put("tea", json!({"quantity": 1})).await;
    assert_eq!((refused(&locked), &locked.body["orderId"]), ((409, "cart_locked"), &begun.body["orderId"]));
    for (op, key) in [("ADD", "a"), ("REMOVE", "r")] {
        assert_eq!(refused(&alice.patch(op, key, "tea", 1).await), (409, "cart_locked"));
    }
    let shown = alice.cart(&begun.position()).await;
    assert_eq!((lines(&shown), &shown["lockedBy"]), (vec![("tea", 2)], &begun.body["orderId"]));
    alice.cancel("x", &begun).await;
    let open = alice.unlocked(&begun).await;
    assert_eq!((lines(&open), &open["lines"][0]["flags"]), (vec![("tea", 2)], &json!([])));
    alice.set("tea", 1).await;
}

async fn a_buyer_is_never_blocked_by_the_own_hold(world: World) {
    let shop = Shop::open(world, 1, 1).await;
    let (alice, bob) = (shop.shopper("alice"), shop.shopper("bob"));
    // Begun, abandoned, and begun again under other keys: the last unit stays hers.
    let mut last = alice.begin_of("b0", "tea", 1).await;
    for n in 1..4 {
        let next = alice.begin_of(&format!("b{n}"), "tea", 1).await;
        assert_eq!(next.status, StatusCode::CREATED, "{next:?}");
        assert_ne!(next.body["orderId"], last.body["orderId"]);
        last = next;
    }
    assert_eq!(refused(&bob.begin_of("b", "tea", 1).await), (409, "insufficient_stock"));
    // So it is with what stands in the cart, which makes way for a request and the other way round.
    alice.set("tea", 1).await;
    let stored = alice.begin("s0").await;
    assert_eq!(stored.status, StatusCode::CREATED, "{stored:?}");
    assert_eq!(alice.begin("s1").await.body["orderId"], stored.body["orderId"], "the cart has one checkout");
    let request = alice.begin_of("b9", "tea", 1).await;
    assert_eq!(request.status, StatusCode::CREATED, "{request:?}");
    alice.unlocked(&stored).await;
    let again = alice.begin("s2").await;
    assert_eq!(again.status, StatusCode::CREATED, "{again:?}");
    alice.buy(&again).await;
    settles_at(&shop.engine, "tea", 0).await;
    assert_eq!(lines(&alice.unlocked(&again).await), Vec::new());
    // One that is being paid does not make way.
    let paying = alice.begin_of("m0", "mug", 1).await;
    let paid = alice.post("pay-mug", paying.body["paymentInputUrl"].as_str().expect("a url"), payment(GOOD_CARD)).await;
    assert_eq!(paid.status, StatusCode::OK, "{paid:?}");
    assert_eq!(refused(&alice.begin_of("m1", "mug", 1).await), (409, "insufficient_stock"));
    let submitted =
        alice.post("submit-mug", "/v1/checkout?op=SUBMIT", json!({"orderId": paying.body["orderId"]})).await;
    assert_eq!(submitted.body["status"], "confirmed", "{submitted:?}");
}

async fn two_lines_of_one_item_are_one_decision_on_the_sum(world: World) {
    let shop = Shop::open(world, 5, 1).await;
    let alice = shop.shopper("alice");
    let cart = |first: u32, second: u32| json!({"cart": [{"lineId": "gift", "itemId": "tea", "quantity": first}, {"lineId": "own", "itemId": "tea", "quantity": second}]});
    let short = alice.post("b0", "/v1/checkout?op=BEGIN", cart(3, 3)).await;
    assert_eq!(refused(&short), (409, "insufficient_stock"));
    let told = json!([{"itemId": "tea", "reason": "insufficient_stock", "asked": 6, "available": 5}]);
    assert_eq!(short.body["lines"], told, "{short:?}");
    settles_at(&shop.engine, "tea", 5).await;
    let begun = alice.post("b1", "/v1/checkout?op=BEGIN", cart(3, 2)).await;
    assert_eq!(
        (begun.status, begun.body["lines"].as_array().map(Vec::len)),
        (StatusCode::CREATED, Some(2)),
        "{begun:?}"
    );
    settles_at(&shop.engine, "tea", 0).await;
}

async fn another_price_than_the_cart_saw_is_refused_and_flagged(world: World) {
    let shop = Shop::open(world, 5, 5).await;
    let alice = shop.shopper("alice");
    let saw = |cents: i64| json!({"quantity": 2, "expectedUnitPrice": {"amount": cents, "currency": "EUR"}});
    assert_eq!(alice.put("tea", saw(450)).await.status, StatusCode::OK);
    alice.set("mug", 1).await;
    let changed = alice.begin("b").await;
    assert_eq!(refused(&changed), (409, "price_changed"));
    let price = json!({"amount": 500, "currency": "EUR"});
    assert_eq!(
        changed.body["lines"],
        json!([{"itemId": "tea", "reason": "price_changed", "price": price}]),
        "{changed:?}"
    );
    let open = alice.unlocked(&changed).await;
    let flags: Vec<&Value> = open["lines"].as_array().expect("lines").iter().map(|line| &line["flags"]).collect();
    assert_eq!(flags, [&json!([]), &json!([{"code": "price_changed", "price": price}])], "{open}");
    for (item, units) in [("tea", 5), ("mug", 5)] {
        settles_at(&shop.engine, item, units).await;
    }
    let seen = alice.put("tea", saw(500)).await;
    assert_eq!(alice.cart(&seen.position()).await["lines"][1]["flags"], json!([]), "a change of the line clears it");
    assert_eq!(refused(&alice.begin("b").await), (409, "price_changed"), "a recorded refusal is given again");
    assert_eq!(alice.begin("c").await.status, StatusCode::CREATED);
}

async fn an_expired_checkout_opens_the_cart_with_its_lines_flagged(world: World) {
    let shop = Shop::with(world.start(&["--test-clock"]), 5, 5).await;
    let alice = shop.shopper("alice");
    alice.set("tea", 2).await;
    let begun = alice.begin("b").await;
    let expires = Timestamp::parse(begun.body["expiresAt"].as_str().expect("a time")).expect("RFC 3339");
    let operator = shop.engine.token("operator", "ops");
    let to = json!({"to": expires.plus_seconds(61)});
    let moved = shop.engine.post(&operator, "later", "/v1/test-clock/advance", to).await;
    assert!(moved.status.is_success(), "{moved:?}");
    let open = alice.unlocked(&begun).await;
    assert_eq!(open["lines"][0]["flags"], json!([{"code": "checkout_expired"}]), "{open}");
    let again = alice.begin("c").await;
    assert_eq!(again.status, StatusCode::CREATED, "{again:?}");
    let locked = alice.cart(&again.position()).await;
    assert_eq!((&locked["lines"][0]["flags"], &locked["lockedBy"]), (&json!([]), &again.body["orderId"]));
}

async fn the_same_key_fifty_times_at_once_is_one_order(world: World) {
    let shop = Shop::open(world, 50, 50).await;
    let alice = shop.shopper("alice");
    alice.set("tea", 1).await;
    let mut tabs = JoinSet::new();
    for _ in 0..50 {
        let alice = alice.clone();
        tabs.spawn(async move { alice.begin("same").await });
    }
    let answers = tabs.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::CREATED), "{answers:?}");
    assert!(answers.iter().all(|answer| answer.body["orderId"] == answers[0].body["orderId"]));
    settles_at(&shop.engine, "tea", 49).await;
}

async fn carts_of_two_shoppers_never_meet(world: World) {
    let shop = Shop::open(world, 5, 5).await;
    let (alice, bob) = (shop.shopper("alice"), shop.shopper("bob"));
    alice.patch("ADD", "same", "tea", 2).await;
    let added = bob.patch("ADD", "same", "mug", 1).await;
    assert_eq!(lines(&added.body), [("mug", 1)]);
    let (first, second) = (alice.begin("b").await, bob.begin("b").await);
    assert_ne!(first.body["orderId"], second.body["orderId"]);
    bob.cancel("x", &second).await;
    bob.unlocked(&second).await;
    assert_eq!(alice.cart(&first.position()).await["lockedBy"], first.body["orderId"]);
    let store = shop.engine.token("service", "erp");
    let foreign = shop.engine.get(Some(&store), "/v1/cart", "").await;
    assert_eq!(refused(&foreign), (403, "forbidden"));
}

async fn a_guest_buys_and_their_cart_is_merged_at_login_once(world: World) {
    let shop = Shop::open(world, 10, 10).await;
    let (alice, guest, other) = (shop.shopper("alice"), shop.guest().await, shop.guest().await);
    guest.set("tea", 2).await;
    assert_eq!(lines(&other.cart("").await), Vec::new(), "each guest has a cart of their own");
    let begun = guest.begin("b").await;
    guest.buy(&begun).await;
    assert_eq!(lines(&guest.unlocked(&begun).await), Vec::new());
    guest.set("tea", 3).await;
    guest.set("mug", 1).await;
    alice.set("tea", 1).await;
    for key in ["m", "m", "n"] {
        let merged = alice.post(key, "/v1/cart/merge", json!({"guestToken": guest.token})).await;
        assert_eq!((merged.status, lines(&merged.body)), (StatusCode::OK, vec![("mug", 1), ("tea", 4)]), "{merged:?}");
        assert_eq!(lines(&guest.cart(&merged.position()).await), Vec::new());
    }
    let again = alice.post("m", "/v1/cart/merge", json!({"guestToken": other.token})).await;
    assert_eq!(refused(&again), (422, "idempotency_key_reused"));
    let own = alice.post("o", "/v1/cart/merge", json!({"guestToken": alice.token})).await;
    assert_eq!(refused(&own), (422, "own_cart"));
    let false_one = alice.post("f", "/v1/cart/merge", json!({"guestToken": format!("{}x", guest.token)})).await;
    assert_eq!(refused(&false_one), (422, "invalid_token"));
    let locked = alice.begin("b").await;
    other.set("mug", 1).await;
    let merge = alice.post("l", "/v1/cart/merge", json!({"guestToken": other.token})).await;
    assert_eq!((refused(&merge), &merge.body["orderId"]), ((409, "cart_locked"), &locked.body["orderId"]));
}
