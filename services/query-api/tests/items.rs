//! Items.

use crate::world::*;
use axum::{
    body::Body,
    http::{StatusCode, header},
};
use schemas::{
    Role, StoreId,
    item::{ItemDelisted, ItemKind},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

fn ids(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().expect("items").iter().map(|item| item["itemId"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn an_item_is_public_with_what_is_available() {
    let mut world = World::new();
    world.list("mug", |catalog| catalog.category = Some("kitchen".to_owned()));
    world.receive("mug", 7);
    world.fold().await;
    let item = world.get("/v1/items/mug", None).await;
    assert_eq!(item["name"], "Item mug");
    assert_eq!(item["price"], json!({"amount": 500, "currency": "EUR"}));
    assert_eq!(item["available"], 7);
    assert_eq!(item["listed"], true);
    assert!(item.get("onHand").is_none());
}

#[tokio::test]
async fn an_item_that_nobody_listed_is_not_found() {
    let mut world = World::new();
    world.receive("secret", 7);
    world.fold().await;
    world.refused("/v1/items/secret", None, 404, "item_not_found").await;
    world.refused("/v1/items/nothing", None, 404, "item_not_found").await;
    world.refused("/v1/items/a%00b", None, 400, "invalid_id").await;
}

#[tokio::test]
async fn an_unchanged_item_is_304_and_sales_change_the_row_version_only() {
    let mut world = World::new();
    world.list("mug", |_| {});
    world.fold().await;
    let first = world.send(world.request("/v1/items/mug", None)).await;
    let tag = first.headers()[header::ETAG].clone();
    let again = world.request("/v1/items/mug", None).header(header::IF_NONE_MATCH, tag.clone());
    let again = world.send(again).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.headers()[header::ETAG], tag);
    assert!(again.headers().contains_key(header::CACHE_CONTROL));
    world.receive("mug", 7);
    world.fold().await;
    let stale = world.request("/v1/items/mug", None).header(header::IF_NONE_MATCH, tag.clone());
    let changed = world.send(stale).await;
    assert_eq!(changed.status(), StatusCode::OK);
    let version = |tag: &axum::http::HeaderValue| tag.to_str().expect("text").split('.').next().map(str::to_owned);
    assert_eq!(version(&changed.headers()[header::ETAG]), version(&tag));
}

#[tokio::test]
async fn lists_page_by_category_store_and_availability() {
    let mut world = World::new();
    for n in 0..7 {
        world.list(&format!("i{n}"), |catalog| {
            catalog.category = Some(if n % 2 == 0 { "even" } else { "odd" }.to_owned());
            catalog.store = (n > 4).then(|| StoreId::parse("s1").expect("an id"));
            catalog.attributes.insert("size".to_owned(), json!(n));
        });
    }
    world.receive("i3", 1);
    world.list("ebook", |catalog| catalog.kind = ItemKind::Digital);
    world.fold().await;
    let page = world.get("/v1/items?limit=5", None).await;
    assert_eq!(ids(&page), ["ebook", "i0", "i1", "i2", "i3"]);
    let cursor = page["nextCursor"].as_str().expect("another page");
    let rest = world.get(&format!("/v1/items?limit=5&cursor={cursor}"), None).await;
    assert_eq!((ids(&rest), &rest["nextCursor"]), (vec!["i4", "i5", "i6"], &Value::Null));
    assert_eq!(ids(&world.get("/v1/items?category=odd", None).await), ["i1", "i3", "i5"]);
    assert_eq!(ids(&world.get("/v1/items?store=s1&category=even", None).await), ["i6"]);
    assert_eq!(ids(&world.get("/v1/items?available=true", None).await), ["ebook", "i3"]);
    assert_eq!(ids(&world.get("/v1/items?filter=size:4", None).await), ["i4"]);
    assert_eq!(ids(&world.get("/v1/items?ids=i6,nothing,i0", None).await), ["i6", "i0"]);
    assert_eq!(world.get("/v1/items/ebook", None).await["available"], Value::Null);
    let mixed = format!("/v1/items?limit=5&category=odd&cursor={cursor}");
    world.refused(&mixed, None, 400, "invalid_cursor").await;
    world.refused("/v1/items?ids=i6&cursor=abc", None, 400, "invalid_query").await;
    let many = format!("/v1/items?ids={}", vec!["a"; 201].join(","));
    world.refused(&many, None, 400, "invalid_query").await;
    world.refused("/v1/items?query=mug", None, 400, "invalid_query").await;
    world.refused("/v1/items?sort=price", None, 400, "invalid_query").await;
}

#[tokio::test]
async fn a_delisted_item_leaves_the_lists_and_stays_to_be_read() {
    let mut world = World::new();
    world.list("mug", |catalog| catalog.category = Some("kitchen".to_owned()));
    let delisted = ItemDelisted { catalog_version: 3, source: None, category: Some("kitchen".to_owned()), store: None };
    world.item("mug", delisted);
    world.fold().await;
    assert!(ids(&world.get("/v1/items", None).await).is_empty());
    assert!(ids(&world.get("/v1/items?category=kitchen", None).await).is_empty());
    assert_eq!(world.get("/v1/items/mug", None).await["listed"], false);
}

#[tokio::test]
async fn a_read_waits_until_the_view_is_there() {
    let mut world = World::new();
    world.list("mug", |_| {});
    world.fold().await;
    let position = world.receive("mug", 7);
    let request = world.request("/v1/items/mug", None).header("stockfold-at-least", token_of(&[position]));
    let fold = async {
        // The read is under way by then: nothing else lets it come back.
        tokio::task::yield_now().await;
        world.fold().await;
    };
    let (response, ()) = tokio::join!(world.send(request), fold);
    assert_eq!(body(response).await["available"], 7);
}

#[tokio::test]
async fn a_read_of_what_does_not_come_is_view_behind() {
    let mut world = World::new();
    world.list("mug", |_| {});
    world.fold().await;
    let position = world.receive("mug", 7);
    let request = world.request("/v1/items/mug", None).header("stockfold-at-least", token_of(&[position]));
    let request = request.body(Body::empty()).expect("a request");
    let problem = body(world.hasty.clone().oneshot(request).await.expect("a router does not fail")).await;
    assert_eq!((&problem["code"], &problem["retryable"]), (&json!("view_behind"), &json!(true)));
}

#[tokio::test]
async fn a_token_of_no_partition_is_refused() {
    let world = World::new();
    for token in ["inventory.events.v1/99@1", "commands.v1/0@1", "nonsense", "no.such.topic/0@1"] {
        let request = world.request("/v1/items", Some((Role::Shopper, "alice"))).header("stockfold-at-least", token);
        assert_eq!(body(world.send(request).await).await["code"], "invalid_position", "{token}");
    }
}

#[tokio::test]
async fn the_file_of_a_digital_item_is_shown_to_who_may_edit_it_and_kept_by_no_shared_cache() {
    let mut world = World::new();
    let file = "https://files.example/e.epub";
    let digital = |catalog: &mut schemas::item::Catalog| {
        catalog.kind = ItemKind::Digital;
        catalog.file = Some(file.to_owned());
    };
    world.list("shops", digital);
    world.list("stores", |catalog| {
        digital(catalog);
        catalog.store = Some(StoreId::parse("s1").expect("an id"));
    });
    world.fold().await;
    let sees = [(Role::Supplier, "sup"), (Role::Operator, "op"), (Role::Service, "erp")].map(|who| (who, [true, true]));
    let own = [((Role::Store, "s1"), [false, true]), ((Role::Store, "s2"), [false, false])];
    let not = [(Role::Shopper, "ann"), (Role::Warehouse, "main"), (Role::Analyst, "bi")].map(|who| (who, [false; 2]));
    let cases = sees.into_iter().chain(own).chain(not).map(|(who, seen)| (Some(who), seen));
    for (caller, [shops, stores]) in cases.chain([(None, [false, false])]) {
        for (item, seen) in [("shops", shops), ("stores", stores)] {
            let shown = world.get(&format!("/v1/items/{item}"), caller).await;
            assert_eq!(shown.get("file"), seen.then_some(&json!(file)), "{item} to {caller:?}");
        }
        let list = world.get("/v1/items?ids=shops,stores", caller).await;
        let paged = world.get("/v1/items", caller).await;
        for (n, seen) in [(0, shops), (1, stores)] {
            assert_eq!(list["items"][n].get("file"), seen.then_some(&json!(file)), "{n} to {caller:?}");
            assert_eq!(paged["items"][n].get("file"), seen.then_some(&json!(file)), "{n} to {caller:?}");
        }
        for path in ["/v1/items/shops", "/v1/items"] {
            let headers = world.send(world.request(path, caller)).await.headers().clone();
            let kept = if caller.is_some() { "private, no-cache" } else { "public, no-cache" };
            assert_eq!(headers[header::CACHE_CONTROL], kept);
            assert!(headers.get_all(header::VARY).iter().any(|vary| vary == "authorization"));
        }
    }
}
