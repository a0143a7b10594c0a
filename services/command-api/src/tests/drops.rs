use super::harness::{Answer, Api, SystemClock};
use schemas::{Clock as _, Role, Timestamp};
use serde_json::{Value, json};
use std::time::Duration;

fn from_now(seconds: i64) -> Timestamp {
    SystemClock.now().plus_millis(seconds * 1_000)
}

/// Five units of a shoe, from tomorrow on.
fn terms() -> Value {
    let item = json!({"itemId": "shoe", "quantity": 5, "price": {"amount": 5_000, "currency": "EUR"}});
    json!({"dropId": "d", "items": [item], "startsAt": from_now(86_400), "endsAt": from_now(90_000),
        "limitPerShopper": 2, "metadata": {"campaign": "spring"}})
}

fn with(mut terms: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().expect("changes") {
        terms[name] = value.clone();
    }
    terms
}

/// An engine with ten shoes of the store `acme`.
async fn shop() -> Api {
    let api = Api::start().await;
    let facts = json!({"name": "shoe", "kind": "physical", "price": {"amount": 9_900, "currency": "EUR"}});
    api.call(Role::Store, "acme", "PUT", "/v1/items/shoe").json(&facts).send().await.expect(201);
    api.receive("shoe", 10).await;
    api
}

async fn schedule(api: &Api, terms: &Value) -> Answer {
    api.call(Role::Store, "acme", "POST", "/v1/drops").json(terms).send().await
}

async fn post(api: &Api, (role, sub): (Role, &str), key: &str, path: &str, body: &Value) -> Answer {
    api.call(role, sub, "POST", &format!("/v1/drops/d/{path}")).key(key).json(body).send().await
}

const ACME: (Role, &str) = (Role::Store, "acme");
const ADA: (Role, &str) = (Role::Shopper, "ada");
const BOB: (Role, &str) = (Role::Shopper, "bob");

/// Schedules a drop that starts at once.
async fn live(api: &Api) {
    loop {
        let terms = with(terms(), &json!({"startsAt": from_now(1)}));
        let scheduled = schedule(api, &terms).await;
        // Where the machine took longer than that, the start is over.
        if scheduled.status.as_u16() == 201 {
            return;
        }
        scheduled.problem(422, "terms_invalid");
    }
}

/// Asks again until the answer has another code.
async fn not(api: &Api, code: &str, caller: (Role, &str), path: &str, body: &Value) -> Answer {
    for n in 0..1_200 {
        let answer = post(api, caller, &format!("{path}-{n}"), path, body).await;
        if answer.json()["code"] != code {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it stays {code}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_schedules_a_drop_and_a_repeat_is_the_same_one() {
    let api = shop().await;
    let made = schedule(&api, &terms()).await;
    let body = made.expect(201);
    assert_eq!(made.headers["location"], "/v1/drops/d");
    assert!(made.headers.contains_key("stockfold-position"));
    assert_eq!(
        (&body["store"], &body["status"], &body["metadata"]),
        (&json!("acme"), &json!("scheduled"), &terms()["metadata"])
    );
    assert_eq!((&body["items"][0]["quantity"], &body["items"][0]["remaining"]), (&json!(5), &json!(5)));
    assert_eq!(body["seedHash"].as_str().map(str::len), Some(64));
    assert_eq!(body["seed"], Value::Null);
    // Without an id it is named by caller and key.
    let mut unnamed = with(
        terms(),
        &json!({"items": [{"itemId": "shoe", "quantity": 1, "price": {"amount": 1, "currency": "EUR"}}]}),
    );
    unnamed.as_object_mut().expect("an object").remove("dropId");
    schedule(&api, &unnamed).await.problem(400, "idempotency_key_missing");
    let send = |body: &Value| api.call(Role::Store, "acme", "POST", "/v1/drops").key("k").json(body).send();
    let first = send(&unnamed).await.expect(201);
    assert_eq!(send(&unnamed).await.expect(201)["dropId"], first["dropId"]);
    send(&with(unnamed, &json!({"limitPerShopper": 1}))).await.problem(422, "idempotency_key_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_of_the_terms_are_told_at_once() {
    let api = shop().await;
    let price = json!({"amount": 1, "currency": "EUR"});
    let body = json!({"dropId": "a b", "title": "", "items": [{"itemId": "shoe", "quantity": 0, "price": price}],
        "startsAt": "soon", "endsAt": from_now(60), "limitPerShopper": 0, "queueOpensAt": 7, "admitAtOnce": 0, "colour": 1});
    let refused = schedule(&api, &body).await;
    refused.problem(400, "invalid_body");
    let expected = [
        "/dropId",
        "/title",
        "/items/0/quantity",
        "/startsAt",
        "/limitPerShopper",
        "/queueOpensAt",
        "/admitAtOnce",
        "/colour",
    ];
    assert_eq!(refused.pointers(), expected);
    let item =
        |id: &str, currency: &str| json!({"itemId": id, "quantity": 1, "price": {"amount": 1, "currency": currency}});
    let terms = terms();
    let wrong: [(&[&str], Value); 8] = [
        (&["/items"], json!({"items": []})),
        (&["/items"], json!({"items": (0..21).map(|n| item(&format!("i-{n}"), "EUR")).collect::<Vec<_>>()})),
        (&["/items"], json!({"items": [item("a", "EUR"), item("a", "EUR")]})),
        (&["/items"], json!({"items": [item("a", "EUR"), item("b", "USD")]})),
        (&["/endsAt"], json!({"endsAt": terms["startsAt"]})),
        (&["/endsAt"], json!({"endsAt": from_now(86_400 + 30 * 86_400 + 60)})),
        (&["/queueOpensAt"], json!({"queueOpensAt": from_now(90_000)})),
        (&["/admitAtOnce"], json!({"admitAtOnce": 1})),
    ];
    for (pointers, change) in wrong {
        let refused = schedule(&api, &with(terms.clone(), &change)).await;
        assert_eq!(refused.status.as_u16(), 400, "{change}: {}", refused.text);
        assert_eq!(refused.pointers(), pointers, "{change}");
    }
    let past = with(terms, &json!({"startsAt": from_now(-60)}));
    assert_eq!(schedule(&api, &past).await.problem(422, "terms_invalid")["pointer"], "/startsAt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_has_drops_of_its_own_and_who_acts_for_the_shop_names_the_store() {
    let api = shop().await;
    for role in [Role::Shopper, Role::Supplier, Role::Warehouse, Role::Analyst] {
        api.call(role, "x", "POST", "/v1/drops").json(&terms()).send().await.problem(403, "forbidden");
    }
    let foreign = with(terms(), &json!({"store": "globex"}));
    schedule(&api, &foreign).await.problem(403, "forbidden");
    let operator = |body: Value| {
        let call = api.call(Role::Operator, "op", "POST", "/v1/drops").json(&body);
        async move { call.send().await }
    };
    assert_eq!(operator(terms()).await.pointers(), ["/store"]);
    operator(with(terms(), &json!({"store": "acme"}))).await.expect(201);
    for path in ["pause", "resume", "cancel"] {
        post(&api, (Role::Store, "globex"), path, path, &json!({})).await.problem(404, "drop_not_found");
        post(&api, ADA, path, path, &json!({})).await.problem(403, "forbidden");
        api.call(ACME.0, ACME.1, "POST", &format!("/v1/drops/d/{path}"))
            .json(&json!({}))
            .send()
            .await
            .problem(400, "idempotency_key_missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_do_not_lend_are_told_with_the_rejection() {
    let api = shop().await;
    let item =
        |id: &str, units: u32| json!({"itemId": id, "quantity": units, "price": {"amount": 1, "currency": "EUR"}});
    let body = with(terms(), &json!({"items": [item("shoe", 11), item("hat", 1)]}));
    let refused = schedule(&api, &body).await.problem(409, "drop_rejected");
    let mut items: Vec<&str> = refused["refusals"]
        .as_array()
        .expect("refusals")
        .iter()
        .map(|one| one["itemId"].as_str().expect("an id"))
        .collect();
    items.sort_unstable();
    assert_eq!(items, ["hat", "shoe"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_change_before_the_start_but_for_the_items() {
    let api = shop().await;
    schedule(&api, &terms()).await.expect(201);
    let patch = |key: &str, body: &Value| api.call(ACME.0, ACME.1, "PATCH", "/v1/drops/d").key(key).json(body).send();
    let changed = patch("a", &json!({"title": "The shoe", "queueOpensAt": from_now(80_000), "admitAtOnce": 3})).await;
    let changed = changed.expect(200);
    assert_eq!((&changed["title"], &changed["admitAtOnce"]), (&json!("The shoe"), &json!(3)));
    let changed = patch("b", &json!({"title": null, "queueOpensAt": null, "admitAtOnce": null})).await.expect(200);
    assert_eq!(
        (&changed["title"], &changed["queueOpensAt"], &changed["admitAtOnce"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    let wrong = json!({"items": [], "startsAt": null, "endsAt": "late", "limitPerShopper": null, "title": 1});
    let refused = patch("c", &wrong).await;
    refused.problem(400, "invalid_body");
    let mut pointers = refused.pointers();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/endsAt", "/items", "/limitPerShopper", "/startsAt", "/title"]);
    // Only the drop knows the other time.
    patch("d", &json!({"endsAt": from_now(60)})).await.problem(422, "terms_invalid");
    let paused = post(&api, ACME, "p", "pause", &json!({"reason": "rain"})).await.expect(200);
    assert_eq!(paused["status"], "paused");
    assert_eq!(post(&api, ACME, "r", "resume", &json!({})).await.expect(200)["status"], "scheduled");
    assert_eq!(post(&api, ACME, "x", "cancel", &json!({})).await.expect(200)["status"], "cancelled");
    let over = patch("e", &json!({"title": "No"})).await.problem(409, "drop_over");
    assert_eq!(over["dropStatus"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_answered_by_its_order_and_a_refusal_by_the_drop() {
    let api = shop().await;
    live(&api).await;
    let one = json!({"quantity": 1, "submit": "auto"});
    let claimed = not(&api, "not_live", ADA, "claims", &one).await;
    let order = claimed.expect(201);
    assert_eq!(order["status"], "awaiting_payment");
    assert_eq!(order["total"], json!({"amount": 5_000, "currency": "EUR"}));
    let id = order["orderId"].as_str().expect("an id");
    assert_eq!(claimed.headers["location"], format!("/v1/orders/{id}"));
    assert_eq!(order["paymentInputUrl"], format!("/v1/orders/{id}/payments"));
    let again = post(&api, BOB, "same", "claims", &one).await.expect(201);
    assert_eq!(post(&api, BOB, "same", "claims", &one).await.expect(201)["orderId"], again["orderId"]);
    post(&api, BOB, "same", "claims", &json!({"quantity": 2})).await.problem(422, "idempotency_key_reused");
    let limited = post(&api, BOB, "more", "claims", &json!({"quantity": 2})).await.problem(409, "limit_reached");
    assert_eq!((&limited["limit"], &limited["has"]), (&json!(2), &json!(1)));
    post(&api, ADA, "hat", "claims", &json!({"itemId": "hat", "quantity": 1})).await.problem(422, "item_not_offered");
    post(&api, ADA, "q", "queue", &json!({})).await.problem(409, "no_queue");
    for role in [Role::Store, Role::Operator, Role::Service] {
        for (path, body) in [("claims", &one), ("queue", &json!({}))] {
            post(&api, (role, "acme"), "x", path, body).await.problem(403, "forbidden");
        }
    }
    api.call(ADA.0, ADA.1, "POST", "/v1/drops/d/claims")
        .json(&one)
        .send()
        .await
        .problem(400, "idempotency_key_missing");
    let faulty = post(&api, ADA, "f", "claims", &json!({"itemId": "", "ticket": "", "submit": "never"})).await;
    assert_eq!(faulty.pointers(), ["/itemId", "/quantity", "/ticket", "/submit"]);
    api.call(ADA.0, ADA.1, "POST", "/v1/drops/none/claims")
        .key("n")
        .json(&one)
        .send()
        .await
        .problem(404, "drop_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shopper_has_one_place_and_a_ticket_that_nobody_else_can_use() {
    let api = shop().await;
    schedule(&api, &with(terms(), &json!({"queueOpensAt": from_now(-60)}))).await.expect(201);
    let joined = not(&api, "queue_closed", ADA, "queue", &json!({})).await;
    let place = joined.expect(201);
    let ticket = place["ticket"].as_str().expect("a ticket");
    assert_eq!(joined.headers["location"], format!("/v1/drops/d/queue/{ticket}"));
    assert_eq!(joined.headers["cache-control"], "private, no-store");
    assert_eq!(
        (&place["number"], &place["status"], &place["dropStatus"]),
        (&json!(1), &json!("waiting"), &json!("queueing"))
    );
    assert_eq!((&place["drawn"], &place["position"]), (&json!(false), &Value::Null), "before the draw nobody has one");
    api.fold().await;
    let again = post(&api, ADA, "again", "queue", &json!({})).await.expect(201);
    assert_eq!((&again["ticket"], &again["number"]), (&json!(ticket), &json!(1)));
    let wait = again["estimatedWaitSeconds"].as_u64().expect("until it starts");
    assert!((1..=86_400).contains(&wait), "{wait}");
    let bobs = post(&api, BOB, "join", "queue", &json!({})).await.expect(201);
    assert_eq!(bobs["number"], 2);
    assert_ne!(bobs["ticket"], place["ticket"]);
    for ticket in [ticket, "forged"] {
        let body = json!({"quantity": 1, "ticket": ticket});
        post(&api, BOB, ticket, "claims", &body).await.problem(409, "not_admitted");
    }
    // Her own is sound, and the drop is not live.
    post(&api, ADA, "early", "claims", &json!({"quantity": 1, "ticket": ticket})).await.problem(409, "not_live");
}
