use super::harness::Api;
use schemas::Role;
use serde_json::{Value, json};

fn facts() -> Value {
    json!({"name": "Teapot", "kind": "physical", "price": {"amount": 2495, "currency": "EUR"},
        "attributes": {"colour": "blue"}, "images": ["https://example.com/a.jpg"]})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_listed_then_replaced_patched_and_delisted() {
    let api = Api::start().await;
    let put = || api.call(Role::Supplier, "s", "PUT", "/v1/items/teapot").json(&facts());
    let listed = put().send().await;
    let body = listed.expect(201);
    assert_eq!(body["itemId"], "teapot");
    assert_eq!(body["applied"], true);
    assert!(listed.headers.contains_key("stockfold-position"));
    assert_eq!(put().send().await.expect(201), body, "the same again is the same answer");
    let patch = json!({"price": {"amount": 1995}, "attributes": {"colour": null}});
    let patched = api
        .call(Role::Supplier, "s", "PATCH", "/v1/items/teapot")
        .raw("application/merge-patch+json", patch.to_string())
        .send()
        .await;
    patched.expect(200);
    api.call(Role::Supplier, "s", "DELETE", "/v1/items/teapot").send().await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editor_of_an_older_version_is_refused() {
    let api = Api::start().await;
    api.list("teapot", 100).await;
    let put = |name: &str| {
        let mut facts = facts();
        facts["name"] = json!(name);
        api.call(Role::Supplier, "s", "PUT", "/v1/items/teapot").header("if-match", "\"1.99\"").json(&facts)
    };
    put("One").send().await.expect(200);
    put("Two").send().await.problem(412, "precondition_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_of_a_source_changes_nothing() {
    let api = Api::start().await;
    for (version, applied) in [(7, true), (6, false), (8, true)] {
        let mut facts = facts();
        facts["source"] = json!("erp");
        facts["sourceVersion"] = json!(version);
        let answer = api.call(Role::Supplier, "s", "PUT", "/v1/items/teapot").json(&facts).send().await;
        assert_eq!(answer.json()["applied"], applied, "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_of_a_body_are_told_at_once() {
    let api = Api::start().await;
    let body = json!({"name": "", "kind": "liquid", "price": {"amount": 1.5, "currency": "XYZ"}, "colour": "blue",
        "images": ["ftp://x", "https://ok/1", "a\u{202e}b"], "source": "erp", "metadata": {"a": 1}});
    let answer = api.call(Role::Operator, "op", "PUT", "/v1/items/teapot").json(&body).send().await;
    answer.problem(400, "invalid_body");
    let pointers = answer.pointers();
    let expected = [
        "/name",
        "/kind",
        "/price/amount",
        "/price/currency",
        "/colour",
        "/images/0",
        "/images/2",
        "/sourceVersion",
        "/metadata/a",
    ];
    for pointer in expected {
        assert!(pointers.iter().any(|found| found == pointer), "{pointer}: {}", answer.text);
    }
    assert_eq!(pointers.len(), expected.len(), "{pointers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_a_patch_are_told_at_once() {
    let api = Api::start().await;
    api.list("teapot", 100).await;
    let body = json!({"name": null, "price": {"amount": -1}, "colour": 1, "category": "no spaces"});
    let answer = api.call(Role::Operator, "op", "PATCH", "/v1/items/teapot").json(&body).send().await;
    answer.problem(400, "invalid_body");
    assert_eq!(answer.pointers().len(), 4, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_lists_its_own_items_only() {
    let api = Api::start().await;
    api.call(Role::Store, "acme", "PUT", "/v1/items/teapot").json(&facts()).send().await.expect(201);
    let mut other = facts();
    other["store"] = json!("globex");
    let put = |body: &Value| api.call(Role::Store, "acme", "PUT", "/v1/items/kettle").json(body);
    put(&other).send().await.problem(403, "forbidden");
    let call = api.call(Role::Store, "globex", "PUT", "/v1/items/teapot").json(&facts());
    assert!(call.send().await.status.is_client_error());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_delists_by_its_own_versions() {
    let api = Api::start().await;
    let mut sourced = facts();
    (sourced["source"], sourced["sourceVersion"]) = (json!("erp"), json!(5));
    api.call(Role::Supplier, "s", "PUT", "/v1/items/teapot").json(&sourced).send().await.expect(201);
    let delist = |body: Value| api.call(Role::Supplier, "s", "DELETE", "/v1/items/teapot").json(&body).send();
    delist(json!({"source": "erp"})).await.problem(400, "invalid_body");
    let old = delist(json!({"source": "erp", "sourceVersion": 4})).await.expect(200);
    assert_eq!(old["applied"], false);
    let newer = delist(json!({"source": "erp", "sourceVersion": 6})).await.expect(200);
    assert_eq!((&newer["applied"], &newer["catalogVersion"]), (&json!(true), &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shopper_lists_nothing() {
    let api = Api::start().await;
    api.call(Role::Shopper, "ada", "PUT", "/v1/items/teapot").json(&facts()).send().await.problem(403, "forbidden");
    api.anonymous("PUT", "/v1/items/teapot").json(&facts()).send().await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_digital_item_has_a_file_and_only_over_tls() {
    let api = Api::start().await;
    let facts = |kind: &str, file: &str| json!({"name": "E", "kind": kind, "price": {"amount": 1, "currency": "EUR"}, "file": file});
    let put =
        |item: &str, body: Value| api.call(Role::Supplier, "s", "PUT", &format!("/v1/items/{item}")).json(&body).send();
    let good = "https://files.example/e.epub?v=1";
    let long = format!("https://files.example/{}", "x".repeat(2_048 - 22));
    let longer = format!("{long}x");
    for bad in ["http://files.example/e", "https://", "https:///e", "ftp://x", "e.epub", "https://a b", &longer] {
        let answer = put("ebook", facts("digital", bad)).await;
        answer.problem(400, "invalid_body");
        assert_eq!(answer.pointers(), ["/file"], "{bad}");
    }
    let answer = put("teapot", facts("physical", good)).await;
    answer.problem(400, "invalid_body");
    assert_eq!(answer.pointers(), ["/file"]);
    put("ebook", facts("digital", &long)).await.expect(201);
    put("teapot", json!({"name": "T", "kind": "physical", "price": {"amount": 1, "currency": "EUR"}}))
        .await
        .expect(201);
    let patch = |item: &str, file: Value| {
        let patch = json!({"file": file}).to_string();
        let call = api.call(Role::Supplier, "s", "PATCH", &format!("/v1/items/{item}"));
        call.raw("application/merge-patch+json", patch).send()
    };
    assert_eq!(patch("ebook", json!(good)).await.expect(200)["catalogVersion"], 2);
    assert_eq!(patch("ebook", json!(null)).await.expect(200)["catalogVersion"], 3);
    patch("ebook", json!("http://files.example/e")).await.problem(400, "invalid_body");
    patch("teapot", json!(good)).await.problem(422, "invalid_patch");
}
