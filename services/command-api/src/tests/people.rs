use super::harness::Api;
use schemas::Role;
use serde_json::{Value, json};

async fn follow(api: &Api, method: &str, store: &str, key: Option<&str>) -> super::harness::Answer {
    let call = api.call(Role::Shopper, "alice", method, &format!("/v1/follows/{store}"));
    let call = if let Some(key) = key { call.key(key) } else { call };
    call.send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_followed_and_left_and_the_same_again_is_answered_the_same() {
    let api = Api::start().await;
    let is = |following: bool| json!({"storeId": "acme", "following": following});
    let made = follow(&api, "PUT", "acme", None).await;
    assert_eq!(made.expect(200), is(true));
    assert!(made.headers.contains_key("stockfold-position"));
    assert_eq!(follow(&api, "PUT", "acme", None).await.expect(200), is(true));
    assert_eq!(follow(&api, "DELETE", "acme", Some("k")).await.expect(200), is(false));
    assert_eq!(follow(&api, "DELETE", "acme", None).await.expect(200), is(false));
    assert_eq!(follow(&api, "PUT", "acme", None).await.expect(200), is(true));
    assert_eq!(follow(&api, "DELETE", "acme", Some("k")).await.expect(200), is(false), "as it was answered then");
    api.fold().await;
    let shopper = api.caller("alice");
    let page = read_model::views::follows::page(api.views(), &shopper, None, 9).await.expect("it reads");
    assert_eq!(page.len(), 1, "a request that comes again undoes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_shoppers_follow_and_have_settings() {
    let api = Api::start().await;
    for role in [Role::Store, Role::Service, Role::Operator, Role::Supplier, Role::Warehouse, Role::Analyst] {
        let calls = [("PUT", "/v1/follows/acme"), ("DELETE", "/v1/follows/acme"), ("PUT", "/v1/me")];
        for (method, path) in calls {
            api.call(role, "acme", method, path).json(&json!({})).send().await.problem(403, "forbidden");
        }
    }
}

async fn put_me(api: &Api, body: &Value) -> super::harness::Answer {
    api.call(Role::Shopper, "alice", "PUT", "/v1/me").json(body).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_made_replaced_and_left_where_they_are_the_same() {
    let api = Api::start().await;
    let facts = json!({"email": "alice@people.example", "locale": "de-CH", "timeZone": "Europe/Zurich",
        "notifications": {"drops": {"email": false}}, "mutedStores": ["acme", "acme"]});
    assert_eq!(put_me(&api, &facts).await.expect(201), json!({"version": 1}));
    assert_eq!(put_me(&api, &facts).await.json(), json!({"version": 1}), "the same again changes nothing");
    assert_eq!(put_me(&api, &json!({})).await.expect(200), json!({"version": 2}));
    assert_eq!(put_me(&api, &facts).await.expect(200), json!({"version": 3}));
    api.fold().await;
    let row = read_model::views::shoppers::get(api.views(), &api.caller("alice")).await.expect("it reads");
    let facts = row.expect("a shopper").facts;
    let (drops, orders) = (facts.notifications.drops, facts.notifications.orders);
    assert_eq!([drops.in_app, drops.email, orders.in_app, orders.email], [true, false, true, true]);
    assert_eq!((facts.muted_stores.len(), facts.email.is_some()), (1, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_in_no_file_and_in_no_fault() {
    let api = Api::start().await;
    put_me(&api, &json!({"email": "alice@people.example"})).await.expect(201);
    for entry in std::fs::read_dir(api.dir.path()).expect("listed") {
        let path = entry.expect("an entry").path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let secret = b"alice@people.example";
        let found = bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!found, "the address stands in {}", path.display());
    }
    let refused = put_me(&api, &json!({"email": "alice at home"})).await;
    refused.problem(400, "invalid_body");
    assert!(!refused.text.contains("at home"), "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_told_all_at_once() {
    let api = Api::start().await;
    let many: Vec<String> = (0..1_001).map(|number| format!("s-{number}")).collect();
    let body = json!({"email": "a@b@c", "locale": "d_CH", "timeZone": "Europe/Nowhere",
        "notifications": {"drops": {"inApp": 1}}, "mutedStores": many});
    let refused = put_me(&api, &body).await;
    refused.problem(400, "invalid_body");
    let expected = ["/email", "/locale", "/timeZone", "/notifications/drops/inApp", "/mutedStores"];
    assert_eq!(refused.pointers(), expected);
    for locale in ["d", "de-", "-de", "de-CH-superlongtag", "12", "de_CH", "de-ß"] {
        put_me(&api, &json!({"locale": locale})).await.problem(400, "invalid_body");
    }
    for locale in ["de", "gsw-CH", "zh-Hant-TW", "en-GB-oxendict", "es-419"] {
        assert!(put_me(&api, &json!({"locale": locale})).await.status.is_success(), "{locale}");
    }
    for zone in ["UTC", "Asia/Kolkata", "America/Argentina/Ushuaia"] {
        assert!(put_me(&api, &json!({"timeZone": zone})).await.status.is_success(), "{zone}");
    }
}
