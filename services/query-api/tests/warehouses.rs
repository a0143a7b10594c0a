//! Warehouses.

use crate::world::*;
use schemas::{
    AggregateKey, Digest, Effect, EffectId, Event, LocationId, Role,
    order::Address,
    warehouse::{Coordinates, WarehouseEvent, WarehouseFacts, WarehouseSet},
};
use serde_json::json;

fn set() -> WarehouseSet {
    let address = Address {
        name: "Acme".to_owned(),
        lines: vec!["1 Dock".to_owned()],
        city: "Leeds".to_owned(),
        postal_code: None,
        region: None,
        country: "GB".to_owned(),
        phone: None,
        coordinates: None,
    };
    let coordinates = Coordinates { latitude_micro: 53_800_001, longitude_micro: -1_550_000 };
    let effect = Effect { id: EffectId::parse("w").expect("an id"), digest: Digest::default() };
    let facts = WarehouseFacts { name: "North".to_owned(), address, coordinates, priority: 3 };
    WarehouseSet { effect, version: 2, facts }
}

#[tokio::test]
async fn a_warehouse_is_seen_by_itself_and_by_who_acts_for_the_shop() {
    let mut world = World::new();
    for location in ["main", "north"] {
        let key = AggregateKey::Warehouse(LocationId::parse(location).expect("an id"));
        world.append(&key, &Event::Warehouse(WarehouseEvent::from(set())));
    }
    world.fold().await;
    // A warehouse of these tests acts for `main`.
    for caller in [(Role::Warehouse, "w"), (Role::Service, "erp"), (Role::Operator, "o")] {
        let shown = world.get("/v1/warehouses/main", Some(caller)).await;
        let address = json!({"name": "Acme", "lines": ["1 Dock"], "city": "Leeds", "country": "GB"});
        let expected = json!({"location": "main", "name": "North", "address": address, "latitude": 53.800_001,
            "longitude": -1.55, "priority": 3, "version": 2});
        assert_eq!(shown, expected);
    }
    world.refused("/v1/warehouses/north", Some((Role::Warehouse, "w")), 404, "warehouse_not_found").await;
    world.refused("/v1/warehouses/south", Some((Role::Operator, "o")), 404, "warehouse_not_found").await;
    world.refused("/v1/warehouses/main", Some((Role::Supplier, "s")), 403, "forbidden").await;
    world.refused("/v1/warehouses/main", None, 401, "unauthenticated").await;
}
