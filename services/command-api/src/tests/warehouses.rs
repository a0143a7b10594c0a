use super::harness::Api;
use schemas::Role;
use serde_json::{Value, json};

fn facts() -> Value {
    let address = json!({"name": "Acme", "lines": ["1 Dock"], "city": "Leeds", "country": "GB"});
    json!({"name": "North", "address": address, "latitude": 53.800_001, "longitude": -180, "priority": 1_000_000})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warehouse_is_made_once_and_a_repeat_changes_nothing() {
    let api = Api::start().await;
    let put = |body: &Value| api.call(Role::Operator, "op", "PUT", "/v1/warehouses/north").json(body).send();
    assert_eq!(put(&facts()).await.expect(201), json!({"location": "north", "version": 1}));
    put(&facts()).await.expect(201);
    let mut other = facts();
    other["priority"] = json!(0);
    assert_eq!(put(&other).await.expect(200), json!({"location": "north", "version": 2}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warehouse_says_who_it_is_itself_and_nobody_else_of_its_kind() {
    let api = Api::start().await;
    let put = |role, sub: &'static str| api.call(role, sub, "PUT", "/v1/warehouses/north").json(&facts()).send();
    put(Role::Warehouse, "north").await.expect(201);
    put(Role::Service, "erp").await.expect(201);
    put(Role::Warehouse, "south").await.problem(404, "warehouse_not_found");
    for role in [Role::Supplier, Role::Store, Role::Shopper, Role::Analyst] {
        put(role, "s").await.problem(403, "forbidden");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_of_a_warehouse_are_told_at_once() {
    let api = Api::start().await;
    let put = |body: Value| api.call(Role::Operator, "op", "PUT", "/v1/warehouses/north").json(&body).send();
    let body = json!({"name": "", "address": {"name": "Acme", "lines": [], "city": "Leeds", "country": "gb"},
        "latitude": 90.000_001, "longitude": "east", "priority": -1, "colour": "red"});
    let answer = put(body).await;
    assert_eq!(answer.status, 400);
    let expected = ["/name", "/address/lines", "/address/country", "/latitude", "/longitude", "/priority", "/colour"];
    assert_eq!(answer.pointers(), expected);
    for (field, value) in [("latitude", json!(-90.1)), ("longitude", json!(180.000_1)), ("priority", json!(1_000_001))]
    {
        let mut body = facts();
        body[field] = value;
        assert_eq!(put(body).await.pointers(), [format!("/{field}")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_on_the_globe_has_both_its_degrees() {
    let api = Api::start().await;
    for (given, missing) in [("latitude", "longitude"), ("longitude", "latitude")] {
        let mut body = facts();
        body["address"][given] = json!(1.5);
        let put = api.call(Role::Operator, "op", "PUT", "/v1/warehouses/north").json(&body).send().await;
        assert_eq!(put.pointers(), [format!("/address/{missing}")]);
    }
}
