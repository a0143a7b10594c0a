//! Numbers of the shop.

use crate::world::*;
use axum::http::header;
use schemas::{
    Effect, EffectId, LineId, Metadata, Quantity, Role, StoreId, SubjectId,
    item::ItemKind,
    order::{
        HoldsGranted, LineQuantity, LinesCancelled, OrderConfirmed, OrderLine, OrderOwner, OrderPlaced, PaymentMode,
        PricedLine, SubmitMode,
    },
};
use serde_json::{Value, json};

const OPERATOR: Option<(Role, &str)> = Some((Role::Operator, "ops"));

/// A confirmed order of these items, each at 5.00 and of the store `acme` where it begins with an `a`.
fn buy(world: &mut World, order: &str, items: &[(&str, u32)]) {
    let line_id = |id: &str| LineId::parse(id).expect("an id");
    let line = |(item, units): &(&str, u32)| OrderLine {
        line_id: line_id(item),
        item_id: item_id(item),
        quantity: Quantity::new(*units).expect("units"),
        unit_price: None,
        expected_unit_price: None,
        metadata: Metadata::default(),
    };
    let priced = |(item, _): &(&str, u32)| PricedLine {
        line_id: line_id(item),
        unit_price: euros(500),
        kind: ItemKind::Physical,
        store: item.starts_with('a').then(|| StoreId::parse("acme").expect("an id")),
    };
    let shopper = SubjectId::parse("alice").expect("an id");
    let placed_by = schemas::Caller { role: Role::Shopper, subject: shopper.clone(), store: None, location: None };
    let now = world.time;
    world.order(
        order,
        OrderPlaced {
            from_cart: false,
            drop: None,
            effect: Effect { id: EffectId::parse("place").expect("an id"), digest: schemas::Digest::default() },
            owner: OrderOwner { shopper: Some(shopper), placed_by },
            channel: None,
            ordered_at: now,
            lines: items.iter().map(line).collect(),
            adjustments: Vec::new(),
            payment: PaymentMode::Provider,
            submit: SubmitMode::Explicit,
            expires_in_seconds: 300,
            answers_due_at: now.plus_seconds(30),
            metadata: Metadata::default(),
        },
    );
    let lines = items.iter().map(priced).collect();
    let total = euros(1);
    let granted = HoldsGranted { lines, total, expires_at: now, expires_for_good_at: now, ordered_at: Some(now) };
    world.order(order, granted);
    world.order(order, OrderConfirmed { attempt: 1 });
}

fn cancel(world: &mut World, order: &str, line: &str, units: u32) {
    let lines = vec![LineQuantity {
        line_id: LineId::parse(line).expect("an id"),
        quantity: Quantity::new(units).expect("units"),
    }];
    world.order(order, LinesCancelled { effect: None, lines, sub_orders: Vec::new(), reason: None });
}

/// Items with what is told of their number.
fn items(answer: &Value) -> Vec<(String, Value)> {
    let items = answer["items"].as_array().expect("a list").iter();
    items.map(|found| (found["item"]["itemId"].as_str().expect("an id").to_owned(), found["count"].clone())).collect()
}

fn named(found: &[(&str, Value)]) -> Vec<(String, Value)> {
    found.iter().map(|(item, count)| ((*item).to_owned(), count.clone())).collect()
}

async fn shop() -> World {
    let mut world = World::new();
    for item in ["a1", "b", "c"] {
        world.list(item, |_| {});
    }
    buy(&mut world, "o-1", &[("a1", 2), ("b", 1)]);
    buy(&mut world, "o-2", &[("b", 4), ("c", 9), ("gone", 50)]);
    cancel(&mut world, "o-2", "c", 8);
    world.fold().await;
    world
}

#[tokio::test]
async fn what_is_popular_is_public_and_its_numbers_are_not() {
    let world = shop().await;
    let most = "/v1/analytics/most-bought";
    let told = named(&[("b", json!(5)), ("a1", json!(2)), ("c", json!(1))]);
    for reader in [Role::Operator, Role::Analyst, Role::Service] {
        assert_eq!(items(&world.get(most, Some((reader, "x"))).await), told, "{reader:?}");
    }
    let names: Vec<(String, Value)> = told.iter().map(|(item, _)| (item.clone(), Value::Null)).collect();
    for reader in [None, Some((Role::Shopper, "alice")), Some((Role::Store, "acme")), Some((Role::Supplier, "s"))] {
        assert_eq!(items(&world.get(most, reader).await), names, "{reader:?}");
    }
    let answer = world.send(world.request(most, None)).await;
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "public, max-age=5");
    let first = items(&world.get("/v1/analytics/most-bought?limit=1&minutes=60", OPERATOR).await);
    assert_eq!(first, named(&[("b", json!(5))]));
    for wrong in ["minutes=0", "minutes=61", "limit=0", "limit=51", "page=1"] {
        world.refused(&format!("{most}?{wrong}"), None, 400, "invalid_query").await;
    }
}

#[tokio::test]
async fn what_is_bought_together_is_told_of_items_in_sale() {
    let world = shop().await;
    let of = |item: &str| format!("/v1/items/{item}/bought-together");
    assert_eq!(items(&world.get(&of("b"), OPERATOR).await), named(&[("a1", json!(1)), ("c", json!(1))]));
    assert_eq!(items(&world.get(&of("a1"), None).await), named(&[("b", Value::Null)]));
    world.refused(&of("never"), None, 404, "item_not_found").await;
}

#[tokio::test]
async fn turnover_is_for_who_runs_the_shop_and_a_store_sees_its_own() {
    let world = shop().await;
    let euros = |cents: i64| json!({"amount": cents, "currency": "EUR"});
    let own = json!({"day": "2026-01-01", "orders": 2, "units": 64, "unitsBack": 8, "gross": euros(32_000),
        "cancelled": euros(4_000), "returned": euros(0), "refunded": euros(0), "net": euros(28_000)});
    let acme = json!({"day": "2026-01-01", "store": "acme", "orders": 1, "units": 2, "unitsBack": 0,
        "gross": euros(1_000), "cancelled": euros(0), "returned": euros(0), "refunded": euros(0),
        "net": euros(1_000)});
    let path = "/v1/analytics/turnover";
    for reader in [Role::Operator, Role::Analyst] {
        let told = world.get(path, Some((reader, "x"))).await;
        assert_eq!(told, json!({"turnover": [own, acme], "nextCursor": null, "limit": 50}), "{reader:?}");
    }
    let staff = Some((Role::Store, "acme"));
    for asked in [path.to_owned(), format!("{path}?store=acme")] {
        assert_eq!(world.get(&asked, staff).await["turnover"], json!([acme]), "{asked}");
    }
    assert_eq!(world.get(path, Some((Role::Store, "globex"))).await["turnover"], json!([]));
    world.refused(&format!("{path}?store=globex"), staff, 403, "forbidden").await;
    for other in [Role::Shopper, Role::Supplier, Role::Warehouse, Role::Service] {
        world.refused(path, Some((other, "x")), 403, "forbidden").await;
    }
    world.refused(path, None, 401, "unauthenticated").await;
    let none = world.get(&format!("{path}?currency=USD"), OPERATOR).await;
    assert_eq!(none["turnover"], json!([]));
    assert_eq!(world.get(&format!("{path}?to=2025-12-31"), OPERATOR).await["turnover"], json!([]));
    for wrong in ["from=2026-1-1", "to=yesterday", "from=2026-01-02&to=2026-01-01", "from=2024-12-30", "currency=X"] {
        world.refused(&format!("{path}?{wrong}"), OPERATOR, 400, "invalid_query").await;
    }
}

#[tokio::test]
async fn turnover_comes_in_pages() {
    let mut world = shop().await;
    world.time = world.time.plus_seconds(3 * 86_400);
    buy(&mut world, "o-3", &[("b", 1)]);
    world.fold().await;
    let mut path = "/v1/analytics/turnover?from=2025-11-01&to=2026-01-05&limit=1".to_owned();
    let (mut days, mut pages) = (Vec::new(), 0);
    loop {
        let page = world.get(&path, OPERATOR).await;
        let entries = page["turnover"].as_array().expect("a list").iter();
        days.extend(entries.map(|entry| (entry["day"].clone(), entry["store"].clone())));
        pages += 1;
        let Some(next) = page["nextCursor"].as_str() else { break };
        path = format!("/v1/analytics/turnover?from=2025-11-01&to=2026-01-05&limit=1&cursor={next}");
    }
    let first = json!("2026-01-01");
    let told = [(first.clone(), Value::Null), (first, json!("acme")), (json!("2026-01-04"), Value::Null)];
    assert_eq!(days, told);
    assert!(pages > 3, "two of them have read 31 days without any");
}
