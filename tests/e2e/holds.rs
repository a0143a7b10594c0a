//! Holds of a shop that keeps its own orders.

use super::{
    engine::{Answer, Engine},
    world::{World, in_both_worlds},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

in_both_worlds!(
    a_shipment_from_the_wrong_place_puts_nothing_on_sale,
    a_repeat_is_told_what_became_of_the_hold_also_after_a_crash,
);

/// A shop in front of one item, `tea`.
struct Shop {
    engine: Engine,
    token: String,
}

impl Shop {
    /// With so many units at `main`.
    async fn open(world: World, units: u32) -> Self {
        let engine = world.start(&[]);
        engine.stock("tea", 500, units).await;
        let token = engine.token("service", "shop");
        Self { engine, token }
    }

    async fn place(&self, hold: &str, quantity: u32) -> Answer {
        let body = json!({"holdId": hold, "quantity": quantity, "expiresInSeconds": 600});
        self.engine.post(&self.token, "", "/v1/items/tea/holds", body).await
    }

    async fn act(&self, hold: &str, verb: &str, body: Value) -> Answer {
        self.engine
            .post(&self.token, &format!("{hold}-{verb}"), &format!("/v1/items/tea/holds/{hold}/{verb}"), body)
            .await
    }

    async fn ship(&self, hold: &str, location: &str) -> Answer {
        self.act(hold, "ship", json!({"shipmentId": "s1", "location": location})).await
    }

    /// What everybody is shown, and what is on hand.
    async fn stock(&self, at: &Answer) -> (Value, Value) {
        let item = self.engine.get(None, "/v1/items/tea", &at.position()).await;
        let stock = self.engine.get(Some(&self.token), "/v1/items/tea/stock", &at.position()).await;
        (item.body["available"].clone(), stock.body["onHand"].clone())
    }
}

async fn a_shipment_from_the_wrong_place_puts_nothing_on_sale(world: World) {
    let shop = Shop::open(world, 3).await;
    assert_eq!(shop.place("h", 3).await.status, StatusCode::CREATED);
    let early = shop.ship("h", "main").await;
    assert_eq!((early.status, early.code()), (StatusCode::CONFLICT, "hold_not_committed"), "{early:?}");
    let committed = shop.act("h", "commit", json!({})).await;
    assert_eq!((committed.status, &committed.body["available"]), (StatusCode::OK, &json!(0)), "{committed:?}");
    let operator = shop.engine.token("operator", "ops");
    let receipt = json!({"receiptId": "r", "location": "shop", "quantity": 1, "document": "d"});
    let received = shop.engine.post(&operator, "", "/v1/items/tea/receipts", receipt).await;
    assert_eq!(received.status, StatusCode::CREATED, "{received:?}");
    for (location, code) in [("moon", "location_not_found"), ("shop", "insufficient_at_location")] {
        let refused = shop.ship("h", location).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, code), "{refused:?}");
        assert_eq!(refused.body["outcome"], "refused", "{refused:?}");
        assert_eq!(shop.stock(&received).await, (json!(1), json!(4)), "after {location}");
    }
    // The same shipment, from where the units are.
    let shipped = shop.ship("h", "main").await;
    assert_eq!((shipped.status, &shipped.body["status"]), (StatusCode::OK, &json!("shipped")), "{shipped:?}");
    assert_eq!((&shipped.body["available"], shop.stock(&shipped).await), (&json!(1), (json!(1), json!(1))));
    let second = shop.place("g", 2).await;
    assert_eq!((second.status, second.code()), (StatusCode::CONFLICT, "insufficient_stock"), "{second:?}");
}

async fn a_repeat_is_told_what_became_of_the_hold_also_after_a_crash(world: World) {
    let mut shop = Shop::open(world, 3).await;
    let placed = shop.place("h", 2).await;
    assert_eq!((placed.status, &placed.body["status"]), (StatusCode::CREATED, &json!("active")), "{placed:?}");
    let released = shop.act("h", "release", json!({})).await;
    assert_eq!((released.status, &released.body["available"]), (StatusCode::OK, &json!(3)), "{released:?}");
    for _ in 0..2 {
        let again = shop.place("h", 2).await;
        assert_eq!((again.status, &again.body["status"]), (StatusCode::CREATED, &json!("released")), "{again:?}");
        assert_eq!((&again.body["available"], &again.body["expiresAt"]), (&json!(3), &Value::Null), "{again:?}");
        let shown = shop.engine.get(Some(&shop.token), "/v1/items/tea/holds/h", &again.position()).await;
        assert_eq!(shown.body["status"], again.body["status"], "{shown:?}");
        let engine = shop.engine.restart();
        shop = Shop { token: engine.token("service", "shop"), engine };
    }
}
