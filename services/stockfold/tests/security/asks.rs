//! A request for every operation of the contract, about a given target.

use super::{
    engine::{Ask, WEBHOOK_SECRET, token},
    targets::{Target, days},
};
use payments::WebhookSecret;
use serde_json::{Value, json};

/// The body that pays with a card that the sandbox takes.
pub fn payment() -> Value {
    let address = json!({"name": "Alice Example", "lines": ["1 High Street"], "city": "Leeds", "country": "GB"});
    json!({"paymentDetails": {"card": "4242424242424242"}, "shippingAddress": address})
}

/// The facts of an item.
pub fn facts() -> Value {
    json!({"name": "Tea", "kind": "physical", "price": {"amount": 500, "currency": "EUR"}})
}

fn price() -> Value {
    json!({"amount": 500, "currency": "EUR"})
}

fn warehouse(priority: u32) -> Value {
    let address = json!({"name": "Acme", "lines": ["1 Dock"], "city": "Leeds", "country": "GB"});
    json!({"name": "Main", "address": address, "latitude": 53.8, "longitude": -1.55, "priority": priority})
}

/// The valid body of an operation, named as in the contract with `?op=` behind it; `number` makes its own ids unique.
pub fn body(operation: &str, target: &Target, number: u32) -> Option<Value> {
    let Target { item, order, .. } = target;
    let id = format!("x-{number:08}");
    let line = json!({"lineId": "1", "itemId": item, "quantity": 1, "unitPrice": price(), "metadata": {"a": "b"}});
    Some(match operation {
        "POST /v1/checkout?op=BEGIN" => {
            json!({"cart": [{"lineId": "1", "itemId": item, "quantity": 1, "expectedUnitPrice": price()}],
                "submit": "explicit", "metadata": {"a": "b"}})
        }
        "POST /v1/dead-letters/{letterId}/redrive" => json!({"dryRun": true, "again": false}),
        "POST /v1/dead-letters:redrive" => json!({"key": id, "kind": "import_line", "dryRun": true}),
        "POST /v1/checkout?op=SUBMIT" | "POST /v1/checkout?op=CANCEL" => json!({"orderId": order}),
        "POST /v1/orders" => {
            let adjustment = json!({"adjustmentId": "a", "kind": "shipping", "lineId": "1", "amount": price(),
                "included": false, "label": "Postage"});
            json!({"orderId": id, "shopper": "dave", "channel": "market", "orderedAt": "2026-01-31T12:00:00Z",
                "lines": [line], "adjustments": [adjustment], "payment": "external", "submit": "auto",
                "expiresInSeconds": 600, "metadata": {"a": "b"}})
        }
        "POST /v1/orders/{orderId}/submit" => json!({}),
        "POST /v1/orders/{orderId}/cancel" => json!({"lines": [{"lineId": "1", "quantity": 1}], "reason": "unwanted"}),
        "POST /v1/orders/{orderId}/payments" => payment(),
        "PUT /v1/warehouses/{location}" => warehouse(number),
        "POST /v1/webhooks/payments" => json!({"type": "payment.authorized", "timestamp": "2026-01-31T12:00:00Z",
            "data": {"orderId": order, "paymentId": id, "amount": price(), "reference": "ref"}}),
        "POST /v1/orders/{orderId}/refunds" => json!({"amount": {"amount": 1, "currency": "EUR"}, "reason": "sorry"}),
        "POST /v1/orders/{orderId}/shipments" => {
            json!({"shipmentId": id, "lines": [{"lineId": "1", "quantity": 1}]})
        }
        "POST /v1/orders/{orderId}/shipments/{shipmentId}/receive" => json!({"receiptId": id}),
        "POST /v1/orders/{orderId}/deliveries" => json!({"deliveryId": id}),
        "POST /v1/orders/{orderId}/returns" => {
            json!({"lines": [{"lineId": "1", "quantity": 1}], "reason": "unwanted", "metadata": {"a": "b"}})
        }
        "POST /v1/orders/{orderId}/returns/{returnId}/receipts" => {
            json!({"receiptId": id, "location": "main", "condition": "sellable",
                "lines": [{"lineId": "1", "quantity": 1}]})
        }
        // Seconds after the engine's start: no deadline comes near.
        "POST /v1/test-clock/advance" => {
            let now = jsonwebtoken::get_current_timestamp();
            let millis = i64::try_from(now * 1_000).expect("a time of this era");
            json!({"to": schemas::Timestamp::from_millis(millis).to_string()})
        }
        _ => {
            let others = item_body(operation, item, number).or_else(|| shop_body(operation, item, number));
            return others.or_else(|| drop_body(operation, target, number));
        }
    })
}

/// Of items and their stock.
fn item_body(operation: &str, item: &str, number: u32) -> Option<Value> {
    let id = format!("x-{number:08}");
    Some(match operation {
        "PUT /v1/items/{itemId}" => facts(),
        "PATCH /v1/items/{itemId}" => {
            json!({"description": format!("Number {number}"), "attributes": {"colour": "red"}})
        }
        "DELETE /v1/items/{itemId}" => json!({}),
        "POST /v1/items/{itemId}/receipts" => {
            json!({"receiptId": id, "location": "main", "quantity": 1, "document": "note", "metadata": {"a": "b"},
                "occurredAt": "2026-01-31T12:00:00+01:00"})
        }
        "POST /v1/items/{itemId}/counts" => {
            json!({"countId": id, "location": "main", "counted": 1_000, "reason": "yearly"})
        }
        "POST /v1/items/{itemId}/moves" => {
            json!({"moveId": id, "location": "main", "from": "sellable", "to": "damaged", "quantity": 1,
                "reason": "broken", "reference": "claim"})
        }
        "POST /v1/items/{itemId}/moves/{moveId}/receive" => json!({"receiptId": id, "quantity": 1, "lost": 1}),
        "PUT /v1/items/{itemId}/safety" => json!({"quantity": 0}),
        "POST /v1/items/{itemId}/holds" => {
            json!({"holdId": id, "quantity": 1, "expiresInSeconds": 600, "reference": "r", "metadata": {"a": "b"}})
        }
        "POST /v1/items/{itemId}/holds/{holdId}/commit" | "POST /v1/items/{itemId}/holds/{holdId}/release" => json!({}),
        "POST /v1/items/{itemId}/holds/{holdId}/ship" => json!({"shipmentId": id, "location": "main", "quantity": 1}),
        "POST /v1/items:import" => {
            json!({"op": "receive", "itemId": item, "receiptId": id, "location": "main", "quantity": 1, "document": "n"})
        }
        // It says what is so already: other tests sell the item at this price.
        "POST /v1/supplier-events" => {
            json!({"specversion": "1.0", "type": "stockfold.supplier.price-changed.v1", "source": "//erp.example",
                "id": id, "subject": item, "time": "2026-01-31T12:00:00Z", "sequence": number.to_string(),
                "datacontenttype": "application/json", "data": {"price": price()}})
        }
        _ => return None,
    })
}

/// Of carts and stores.
fn shop_body(operation: &str, item: &str, number: u32) -> Option<Value> {
    Some(match operation {
        "PUT /v1/cart/lines/{itemId}" => json!({"quantity": 1, "expectedUnitPrice": price()}),
        "PATCH /v1/cart?op=ADD" | "PATCH /v1/cart?op=REMOVE" => json!({"itemId": item, "quantity": 1}),
        "POST /v1/cart/merge" => json!({"guestToken": token("shopper", &format!("guest-{number}"))}),
        "DELETE /v1/follows/{storeId}" | "PUT /v1/follows/{storeId}" => json!({}),
        "PUT /v1/me" => {
            json!({"email": format!("p-{number}@people.example"), "locale": "de-CH", "timeZone": "Europe/Zurich",
                "notifications": {"drops": {"inApp": true, "email": false}, "orders": {"inApp": false}},
                "mutedStores": ["globex"]})
        }
        "POST /v1/subjects/{subject}/forget" => json!({"dryRun": false, "force": true}),
        "PUT /v1/stores/{storeId}" => {
            json!({"name": "Acme", "email": "orders@acme.example", "profile": format!("Number {number}"),
                "images": ["https://acme.example/front.jpg"]})
        }
        _ => return None,
    })
}

/// Of drops.
fn drop_body(operation: &str, target: &Target, number: u32) -> Option<Value> {
    Some(match operation {
        "POST /v1/drops" => {
            let item = json!({"itemId": target.item, "quantity": 1, "price": price()});
            json!({"dropId": format!("x-{number:08}"), "store": "acme", "title": "Tea at noon", "items": [item],
                "startsAt": days(1), "endsAt": days(2), "limitPerShopper": 1, "queueOpensAt": days(1), "admitAtOnce": 5,
                "metadata": {"a": "b"}})
        }
        "PATCH /v1/drops/{dropId}" => {
            json!({"title": format!("Number {number}"), "endsAt": days(3), "limitPerShopper": 2, "queueOpensAt": null})
        }
        "POST /v1/drops/{dropId}/pause" | "POST /v1/drops/{dropId}/cancel" => json!({"reason": "rain"}),
        "POST /v1/drops/{dropId}/resume" | "POST /v1/drops/{dropId}/queue" => json!({}),
        "POST /v1/drops/{dropId}/claims" => {
            json!({"itemId": target.item, "quantity": 1, "submit": "auto", "metadata": {"a": "b"}})
        }
        _ => return None,
    })
}

/// The request for an operation, as [`body`] names it.
pub fn ask(operation: &str, target: &Target, number: u32) -> Ask {
    let (method, template) = operation.split_once(' ').expect("a method and a path");
    let path = template
        .replace("{itemId}", &target.item)
        .replace("{holdId}", &target.hold)
        .replace("{orderId}", &target.order)
        .replace("{shipmentId}", &target.parcel)
        .replace("{returnId}", &target.parcel)
        .replace("{moveId}", &target.parcel)
        .replace("{dropId}", &target.drop)
        .replace("{ticket}", &target.ticket)
        .replace("{storeId}", "acme")
        // Somebody whom nobody else has heard of.
        .replace("{subject}", &format!("{number:032x}"))
        .replace("{keyId}", "00000000-0000-4000-8000-000000000000")
        .replace("{letterId}", "command-0123456789abcdef01234567")
        .replace("{location}", "main")
        .replace("{topic}", "inventory.events.v1")
        .replace("{items}", &target.item);
    let mut ask = Ask::new(method, path).header("idempotency-key", format!("key-{number:08}"));
    if template.starts_with("/v1/live/drops/") {
        let upgrade = [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13")];
        ask = upgrade.into_iter().fold(ask, |ask, (name, value)| ask.header(name, value));
        ask = ask.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    }
    match body(operation, target, number) {
        Some(line) if template == "/v1/items:import" => ask.body("application/x-ndjson", format!("{line}\n")),
        Some(event) if template == "/v1/supplier-events" => ask.body("application/cloudevents+json", event.to_string()),
        Some(body) => signed(ask.json(&body)),
        None => ask,
    }
}

/// A webhook with the signature of its body, under an id of its own; any other request as it is.
pub fn signed(mut ask: Ask) -> Ask {
    if !ask.path.starts_with("/v1/webhooks/") {
        return ask;
    }
    ask.headers.retain(|(name, _)| !name.starts_with("webhook-"));
    let secret = WebhookSecret::parse(WEBHOOK_SECRET).expect("a secret");
    let seconds = i64::try_from(jsonwebtoken::get_current_timestamp()).expect("a time of this era");
    let signature = secret.sign("msg", seconds, &ask.body);
    let ask = ask.header("webhook-id", "msg").header("webhook-timestamp", seconds.to_string());
    ask.header("webhook-signature", signature)
}
