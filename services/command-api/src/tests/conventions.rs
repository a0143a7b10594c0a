use super::harness::Api;
use crate::Origin;
use schemas::{
    Caller, Command, CorrelationId, ItemId, Role,
    item::{DelistItem, ItemCommand},
};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_in_time_is_unknown_and_retryable() {
    let api = Api::undecided().await;
    let call = api.call(Role::Operator, "op", "DELETE", "/v1/items/teapot").header("prefer", "wait=0");
    let answer = call.send().await;
    let problem = answer.problem(503, "outcome_unknown");
    assert_eq!((&problem["outcome"], &problem["retryable"]), (&json!("unknown"), &json!(true)));
    assert!(answer.headers.contains_key("retry-after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_wait_is_told_where_to_look() {
    let api = Api::undecided().await;
    let call = api.call(Role::Operator, "op", "DELETE", "/v1/items/teapot").header("prefer", "respond-async");
    let answer = call.send().await;
    assert_eq!(answer.expect(202), json!({"status": "accepted", "location": "/v1/items/teapot"}));
    assert_eq!(answer.headers["location"], "/v1/items/teapot");
    assert!(!answer.headers.contains_key("stockfold-position"), "nothing is written that one could wait for");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_not_wait_learns_answer_and_position_by_asking_again() {
    let api = Api::start().await;
    api.list("teapot", 100).await;
    api.receive("teapot", 5).await;
    let hold = |quantity: u32, prefer: &'static str| {
        let body = json!({"holdId": format!("h{quantity}"), "quantity": quantity, "expiresInSeconds": 600});
        api.call(Role::Service, "shop", "POST", "/v1/items/teapot/holds").json(&body).header("prefer", prefer).send()
    };
    hold(2, "respond-async").await.expect(202);
    let again = hold(2, "wait=30").await;
    assert_eq!(
        (again.expect(201)["available"].clone(), again.expect(201)["status"].clone()),
        (json!(3), json!("active"))
    );
    assert!(again.headers.contains_key("stockfold-position"));
    // What was refused is refused again, by its name.
    hold(9, "respond-async").await.expect(202);
    hold(9, "wait=30").await.problem(409, "insufficient_stock");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_says_that_a_202_has_a_location_and_no_position() {
    let api = Api::undecided().await;
    let document = serde_json::to_value(&api.document).expect("JSON");
    for (path, method) in [("/v1/items/{itemId}/holds", "post"), ("/v1/orders/{orderId}/submit", "post")] {
        let accepted = &document["paths"][path][method]["responses"]["202"];
        assert!(accepted["headers"]["Location"].is_object(), "{path}: {accepted}");
        let said = accepted["description"].as_str().expect("a text");
        assert!(said.contains("without `Stockfold-Position`"), "{path}: {said}");
        assert_eq!(said.contains("payment is pending"), path.ends_with("submit"), "{path}: {said}");
        let schema = accepted["content"]["application/json"]["schema"].to_string();
        assert!(schema.contains("location"), "{path}: {schema}");
        assert_eq!(schema.contains("oneOf"), path.ends_with("submit"), "{path}: {schema}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_inbox_refuses_and_says_when_to_come_again() {
    let api = Api::undecided().await;
    let origin = || Origin {
        correlation: CorrelationId::parse("c").expect("an id"),
        traceparent: None,
        wait: Duration::from_secs(1),
    };
    let item = ItemId::parse("teapot").expect("an id");
    let command = || Command::Item { item: item.clone(), command: ItemCommand::Delist(DelistItem { source: None }) };
    let mut taken = Vec::new();
    while let Ok(pending) = api.submitter.begin(Caller::engine(), command(), origin()) {
        taken.push(pending);
        assert!(taken.len() <= 512, "the inbox is bounded");
    }
    let answer = api.call(Role::Operator, "op", "DELETE", "/v1/items/teapot").send().await;
    let problem = answer.problem(503, "too_many_commands");
    assert_eq!((&problem["outcome"], &problem["retryable"]), (&json!("refused"), &json!(true)));
    assert!(answer.headers.contains_key("retry-after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_object_is_a_problem() {
    let api = Api::start().await;
    let put = |media_type: &str, body: String| {
        api.call(Role::Operator, "op", "PUT", "/v1/items/teapot").raw(media_type, body).send()
    };
    put("application/json", "{".to_owned()).await.problem(400, "invalid_json");
    let list = put("application/json", "[]".to_owned()).await.problem(400, "invalid_body");
    assert_eq!(list["detail"], "the body must be a JSON object");
    put("application/json", "{\"name\":1,\"name\":2}".to_owned()).await.problem(400, "invalid_json");
    put("text/plain", "{}".to_owned()).await.problem(415, "unsupported_media_type");
    put("application/json", " ".repeat(2 << 20)).await.problem(413, "body_too_large");
    let unknown = api.call(Role::Operator, "op", "POST", "/v1/nothing");
    unknown.send().await.problem(404, "unknown_path");
    let method = api.call(Role::Operator, "op", "POST", "/v1/items/teapot");
    method.send().await.problem(405, "method_not_allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_in_the_contract() {
    let api = Api::undecided().await;
    let paths: Vec<&str> = api.document.paths.paths.keys().map(String::as_str).collect();
    for path in [
        "/v1/items/{itemId}",
        "/v1/items:import",
        "/v1/items/{itemId}/receipts",
        "/v1/items/{itemId}/holds/{holdId}/ship",
        "/v1/cart",
        "/v1/cart/lines/{itemId}",
        "/v1/cart/merge",
        "/v1/guests",
        "/v1/stores/{storeId}",
        "/v1/drops/{dropId}",
        "/v1/drops/{dropId}/queue",
        "/v1/drops/{dropId}/claims",
        "/v1/checkout",
        "/v1/orders",
        "/v1/orders/{orderId}/payments",
        "/v1/orders/{orderId}/refunds",
        "/v1/webhooks/payments",
    ] {
        assert!(paths.contains(&path), "{path}: {paths:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_the_contract_has_a_name_a_token_a_position_and_its_problem() {
    let api = Api::undecided().await;
    let document = serde_json::to_value(&api.document).expect("JSON");
    let mut names = std::collections::BTreeSet::new();
    for (path, calls) in document["paths"].as_object().expect("paths") {
        for (method, call) in calls.as_object().expect("calls") {
            let name = call["operationId"].as_str().expect("a name");
            assert!(names.insert(name), "{name} twice");
            // A webhook has a signature in place of a token, and a guest has none yet; neither reads what it did.
            let is_open = matches!(name, "paymentWebhook" | "makeGuest");
            let security = if is_open { json!([{}]) } else { json!([{"bearer": []}]) };
            assert_eq!(call["security"], security, "{method} {path}");
            let tag = call["tags"][0].as_str().expect("a tag");
            assert!(tag.starts_with(char::is_uppercase), "{tag}: as the queries name it");
            for (status, answer) in call["responses"].as_object().expect("answers") {
                assert!(answer["description"].is_string(), "{method} {path} {status}");
                let is_problem = answer["content"]["application/problem+json"].is_object();
                assert_eq!(is_problem, status == "default", "{method} {path} {status}");
            }
            let told = call["responses"]["default"]["headers"]["Stockfold-Position"].is_object();
            // Of what takes effect later, or line by line, there is no position to tell.
            let has_none = matches!(
                name,
                "importItems"
                    | "advanceTestClock"
                    | "makeLiveTicket"
                    | "publishSupplierEvents"
                    | "redriveDeadLetter"
                    | "redriveDeadLetters"
            );
            assert_eq!(told, !is_open && !has_none, "{name}");
        }
    }
    let hold = &document["components"]["schemas"]["Hold"]["properties"]["holdId"];
    assert_eq!(hold["$ref"], "#/components/schemas/Id", "{hold}");
    let buckets = &document["components"]["schemas"]["Bucket"]["enum"];
    assert_eq!(buckets, &json!(["sellable", "damaged", "quality_control"]));
    let card = &document["components"]["schemas"]["CardOrNumber"]["oneOf"];
    assert_eq!(card.as_array().map(Vec::len), Some(2), "{card}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_parameters_are_refused_by_every_call_that_writes() {
    let api = Api::undecided().await;
    let document = serde_json::to_value(&api.document).expect("JSON");
    for (path, calls) in document["paths"].as_object().expect("paths") {
        let path: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "a" } else { part }).collect();
        let path = path.join("/");
        for method in calls.as_object().expect("calls").keys() {
            let call = api.call(Role::Operator, "op", &method.to_uppercase(), &format!("{path}?op=BEGIN&colour=red"));
            let problem = call.send().await;
            problem.problem(400, "invalid_query");
            assert!(problem.pointers().contains(&"?colour".to_owned()), "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_of_the_contract_leads_somewhere() {
    fn references(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(|path| path.as_str()).map(str::to_owned));
                fields.values().for_each(|value| references(value, found));
            }
            serde_json::Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let api = Api::undecided().await;
    let document = serde_json::to_value(&api.document).expect("JSON");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("inside of the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_moves_the_test_clock() {
    let api = Api::undecided().await;
    let advance = |role, to: &str| api.call(role, "x", "POST", "/v1/test-clock/advance").json(&json!({"to": to}));
    let to = "2030-01-01T00:00:00Z";
    assert_eq!(advance(Role::Operator, to).send().await.expect(200)["now"], "2030-01-01T00:00:00.000Z");
    advance(Role::Shopper, to).send().await.problem(403, "forbidden");
    advance(Role::Operator, "tomorrow").send().await.problem(400, "invalid_body");
    let past = advance(Role::Operator, "2029-12-31T23:59:59Z").send().await;
    let past = past.problem(409, "clock_moves_forward_only");
    assert_eq!((&past["now"], &past["outcome"]), (&json!("2030-01-01T00:00:00.000Z"), &json!("refused")));
    for (to, code, outcome) in
        [("2040-01-01T00:00:00Z", "clock_not_moved", "refused"), ("2041-01-01T00:00:00Z", "engine_restless", "unknown")]
    {
        let problem = advance(Role::Operator, to).send().await.problem(503, code);
        assert_eq!((&problem["outcome"], &problem["retryable"]), (&json!(outcome), &json!(true)), "{to}");
    }
}
