use super::harness::Api;
use schemas::Role;
use serde_json::{Value, json};

fn facts(name: &str) -> Value {
    json!({"name": name, "email": "orders@acme.example", "profile": "All for coyotes",
        "images": ["https://acme.example/front.jpg"]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_writes_itself_and_who_acts_for_the_shop_any() {
    let api = Api::start().await;
    let put = |role, sub: &str, name: &str| api.call(role, sub, "PUT", "/v1/stores/acme").json(&facts(name)).send();
    let made = put(Role::Store, "acme", "Acme").await;
    assert_eq!(made.expect(201), json!({"storeId": "acme", "version": 1}));
    assert!(made.headers.contains_key("stockfold-position"));
    assert_eq!(put(Role::Store, "acme", "Acme").await.json()["version"], 1, "the same again changes nothing");
    assert_eq!(put(Role::Operator, "op", "Acme & Sons").await.expect(200)["version"], 2);
    assert_eq!(put(Role::Service, "erp", "Acme").await.expect(200)["version"], 3);
    put(Role::Store, "globex", "Ours now").await.problem(404, "store_not_found");
    for role in [Role::Shopper, Role::Supplier, Role::Warehouse, Role::Analyst] {
        put(role, "acme", "Mine").await.problem(403, "forbidden");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_address_is_in_no_file_and_in_no_fault() {
    let api = Api::start().await;
    api.call(Role::Store, "acme", "PUT", "/v1/stores/acme").json(&facts("Acme")).send().await.expect(201);
    for entry in std::fs::read_dir(api.dir.path()).expect("listed") {
        let path = entry.expect("an entry").path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let secret = b"orders@acme.example";
        let found = bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!found, "the address stands in {}", path.display());
    }
    for wrong in ["ada", "@acme.example", "ada@", "a da@acme.example", "ada@acme@example"] {
        let body = json!({"name": "Acme", "email": wrong});
        let refused = api.call(Role::Store, "acme", "PUT", "/v1/stores/acme").json(&body).send().await;
        refused.problem(400, "invalid_body");
        assert_eq!(refused.pointers(), ["/email"]);
        assert!(!refused.text.contains(&format!("\"{wrong}\"")), "{}", refused.text);
    }
}
