//! Each kind of incompatible change is refused, and what is only added passes: the contract in the tree, changed.

use super::{Contract, current};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

type Change = fn(&mut Contract);

/// What a change breaks of the contract as it is.
fn broken_by(change: Change) -> Vec<String> {
    static CURRENT: LazyLock<Contract> = LazyLock::new(current);
    let (old, mut new) = (&*CURRENT, CURRENT.clone());
    change(&mut new);
    assert!(
        new.schemas != old.schemas || new.openapi != old.openapi || new.asyncapi != old.asyncapi,
        "it changes nothing"
    );
    new.breaks(old)
}

/// That each of these changes is refused, with this among the faults.
fn refused(changes: &[(&str, Change)]) {
    for (fault, change) in changes {
        let found = broken_by(*change);
        assert!(found.iter().any(|found| found == fault), "`{fault}` is not among {found:#?}");
    }
}

fn passes(changes: &[(&str, Change)]) {
    for (what, change) in changes {
        let found = broken_by(*change);
        assert!(found.is_empty(), "{what}: {found:#?}");
    }
}

fn object<'v>(value: &'v mut Value, pointer: &str) -> &'v mut Map<String, Value> {
    let at = value.pointer_mut(pointer).unwrap_or_else(|| panic!("there is no {pointer}"));
    at.as_object_mut().expect("an object")
}

fn list<'v>(value: &'v mut Value, pointer: &str) -> &'v mut Vec<Value> {
    let at = value.pointer_mut(pointer).unwrap_or_else(|| panic!("there is no {pointer}"));
    at.as_array_mut().expect("a list")
}

fn schema<'c>(contract: &'c mut Contract, name: &str) -> &'c mut Value {
    contract.schemas.get_mut(name).expect("a type")
}

/// Of what is kept and read by others.
fn granted(contract: &mut Contract) -> &mut Value {
    schema(contract, "stockfold.inventory.hold-granted.v1")
}

/// Of what others write.
fn reported(contract: &mut Contract) -> &mut Value {
    schema(contract, "stockfold.supplier.stock-reported.v1")
}

fn listed(contract: &mut Contract) -> &mut Value {
    schema(contract, "stockfold.supplier.item-listed.v1")
}

/// Of what is told: a refusal of an item.
fn rejections(contract: &mut Contract) -> &mut Value {
    schema(contract, "stockfold.inventory.rejections.v1")
}

#[test]
fn what_readers_of_events_rely_on() {
    refused(&[
        ("stockfold.inventory.hold-granted.v1: is gone", |it| {
            it.schemas.remove("stockfold.inventory.hold-granted.v1");
        }),
        ("stockfold.inventory.hold-granted.v1/quantity: is gone", |it| {
            object(granted(it), "/properties").remove("quantity");
        }),
        ("stockfold.inventory.hold-granted.v1/quantity: is gone", |it| {
            let fields = object(granted(it), "/properties");
            let field = fields.remove("quantity").expect("a field");
            fields.insert("units".to_owned(), field);
        }),
        ("stockfold.inventory.hold-granted.v1/stock/held: was integer, is string", |it| {
            object(granted(it), "/$defs/StockLevels/properties").insert("held".to_owned(), json!({"type": "string"}));
        }),
        ("stockfold.inventory.hold-granted.v1/stock/held: may be null now", |it| {
            object(granted(it), "/$defs/StockLevels/properties/held")
                .insert("type".to_owned(), json!(["integer", "null"]));
        }),
        ("stockfold.inventory.hold-granted.v1/stock/held: the format was \"uint64\", is \"double\"", |it| {
            object(granted(it), "/$defs/StockLevels/properties/held").insert("format".to_owned(), json!("double"));
        }),
        ("stockfold.inventory.hold-granted.v1/stock/held: may be absent now", |it| {
            list(granted(it), "/$defs/StockLevels/required").retain(|name| name != "held");
        }),
        // What the log holds already has none.
        ("stockfold.inventory.hold-granted.v1/priority: is required now", |it| {
            object(granted(it), "/properties").insert("priority".to_owned(), json!({"type": "integer"}));
            list(granted(it), "/required").push(json!("priority"));
        }),
        ("stockfold.inventory.rejections.v1: is gone", |it| {
            it.schemas.remove("stockfold.inventory.rejections.v1");
        }),
    ]);
    let found = broken_by(|it| {
        list(rejections(it), "/oneOf").remove(0);
    });
    assert!(!found.is_empty(), "a refusal may go");
}

#[test]
fn what_readers_of_events_do_not_mind() {
    passes(&[
        ("another type", |it| {
            it.schemas.insert("stockfold.inventory.item-painted.v1".to_owned(), json!({"type": "object"}));
        }),
        ("an optional field", |it| {
            object(granted(it), "/properties").insert("note".to_owned(), json!({"type": ["string", "null"]}));
        }),
        ("another variant", |it| {
            let more = json!({"type": "object", "properties": {"code": {"const": "painted"}}, "required": ["code"]});
            list(rejections(it), "/oneOf").push(more);
        }),
        ("other words about it", |it| {
            object(granted(it), "").insert("description".to_owned(), json!("Somebody has reserved units."));
        }),
        ("a schema of another name", |it| {
            let text = granted(it).to_string().replace("StockLevels", "Levels");
            *granted(it) = serde_json::from_str(&text).expect("JSON");
        }),
    ]);
}

#[test]
fn what_suppliers_rely_on() {
    refused(&[
        ("stockfold.supplier.stock-reported.v1/quantity: is gone", |it| {
            object(reported(it), "/properties").remove("quantity");
        }),
        ("stockfold.supplier.stock-reported.v1/document: is required now", |it| {
            object(reported(it), "/properties").insert("document".to_owned(), json!({"type": "string"}));
            list(reported(it), "/required").push(json!("document"));
        }),
        ("stockfold.supplier.item-listed.v1/description: is required now", |it| {
            list(listed(it), "/required").push(json!("description"));
        }),
        ("stockfold.supplier.stock-reported.v1/quantity: was integer, is string", |it| {
            object(reported(it), "/properties").insert("quantity".to_owned(), json!({"type": "string"}));
        }),
        ("stockfold.supplier.stock-reported.v1/quantity: maximum is tighter", |it| {
            object(reported(it), "/properties/quantity").insert("maximum".to_owned(), json!(1_000));
        }),
        ("stockfold.supplier.item-listed.v1/name: pattern is tighter", |it| {
            object(listed(it), "/properties/name").insert("pattern".to_owned(), json!("^[A-Z]"));
        }),
        ("stockfold.supplier.item-listed.v1/kind: \"digital\" is gone", |it| {
            object(listed(it), "/properties").insert("kind".to_owned(), json!({"enum": ["physical"]}));
        }),
    ]);
    let found = broken_by(|it| {
        object(listed(it), "/properties/metadata").clear();
        object(listed(it), "/properties/metadata").insert("type".to_owned(), json!("array"));
    });
    assert!(!found.is_empty(), "a map may become a list");
}

#[test]
fn what_suppliers_do_not_mind() {
    passes(&[
        ("an optional field", |it| {
            object(reported(it), "/properties").insert("note".to_owned(), json!({"type": "string"}));
        }),
        ("a field that may be left out", |it| list(reported(it), "/required").retain(|name| name != "quantity")),
        ("a wider bound", |it| {
            object(reported(it), "/properties/quantity").insert("maximum".to_owned(), json!(2_000_000_000));
        }),
        ("another value", |it| {
            object(listed(it), "/properties")
                .insert("kind".to_owned(), json!({"enum": ["physical", "digital", "rented"]}));
        }),
        ("null too", |it| {
            object(reported(it), "/properties/quantity").insert("type".to_owned(), json!(["integer", "null"]));
        }),
        ("no bound", |it| {
            object(reported(it), "/properties/quantity").remove("maximum");
        }),
    ]);
}

/// A call with a body, as the document has it.
const HOLD: &str = "/paths/~1v1~1items~1{itemId}~1holds/post";

fn hold<'c>(it: &'c mut Contract, at: &str) -> &'c mut Map<String, Value> {
    object(&mut it.openapi, &format!("{HOLD}{at}"))
}

/// The schema of a body or an answer of that call.
fn part<'c>(it: &'c mut Contract, at: &str) -> &'c mut Value {
    let reference = it.openapi.pointer(&format!("{HOLD}{at}/content/application~1json/schema/$ref"));
    let pointer = reference.and_then(Value::as_str).expect("a reference")[1..].to_owned();
    it.openapi.pointer_mut(&pointer).expect("it leads there")
}

#[test]
fn what_clients_rely_on() {
    refused(&[
        ("POST /v1/items/{itemId}/holds: is gone", |it| {
            object(&mut it.openapi, "/paths/~1v1~1items~1{itemId}~1holds").remove("post");
        }),
        ("POST /v1/items/{itemId}/holds: is gone", |it| {
            object(&mut it.openapi, "/paths").remove("/v1/items/{itemId}/holds");
        }),
        ("POST /v1/items/{itemId}/holds: was called \"placeHold\", is \"reserve\"", |it| {
            hold(it, "").insert("operationId".to_owned(), json!("reserve"));
        }),
        ("POST /v1/items/{itemId}/holds body/colour: is required now", |it| {
            let body = part(it, "/requestBody");
            object(body, "/properties").insert("colour".to_owned(), json!({"type": "string"}));
            list(body, "/required").push(json!("colour"));
        }),
        ("POST /v1/items/{itemId}/holds body/quantity: is gone", |it| {
            object(part(it, "/requestBody"), "/properties").remove("quantity");
        }),
        ("POST /v1/items/{itemId}/holds body/quantity: was integer, is string", |it| {
            object(part(it, "/requestBody"), "/properties").insert("quantity".to_owned(), json!({"type": "string"}));
        }),
        ("POST /v1/items/{itemId}/holds query tenant: is required now", |it| {
            let more = json!({"in": "query", "name": "tenant", "required": true, "schema": {"type": "string"}});
            list(&mut it.openapi, &format!("{HOLD}/parameters")).push(more);
        }),
        ("POST /v1/items/{itemId}/holds path itemId: is gone", |it| {
            list(&mut it.openapi, &format!("{HOLD}/parameters")).retain(|parameter| parameter["name"] != "itemId");
        }),
        ("POST /v1/items/{itemId}/holds 201: is gone", |it| {
            hold(it, "/responses").remove("201");
        }),
        ("POST /v1/items/{itemId}/holds 201: application/json is gone", |it| {
            hold(it, "/responses/201/content").remove("application/json");
        }),
        ("POST /v1/items/{itemId}/holds 201: the header Stockfold-Position is gone", |it| {
            hold(it, "/responses/201/headers").remove("Stockfold-Position");
        }),
        ("POST /v1/items/{itemId}/holds 201/expiresAt: is gone", |it| {
            object(part(it, "/responses/201"), "/properties").remove("expiresAt");
        }),
        ("POST /v1/items/{itemId}/holds 201/status: was string, is integer", |it| {
            object(part(it, "/responses/201"), "/properties").insert("status".to_owned(), json!({"type": "integer"}));
        }),
        ("POST /v1/items/{itemId}/holds 201/status: may be absent now", |it| {
            list(part(it, "/responses/201"), "/required").retain(|name| name != "status");
        }),
    ]);
    let found = broken_by(|it| {
        object(&mut it.openapi, "/paths/~1v1~1items/get").insert("security".to_owned(), json!([{"bearer": []}]));
    });
    assert_eq!(found, ["GET /v1/items: needs a token now"]);
}

#[test]
fn what_clients_do_not_mind() {
    passes(&[
        ("another call", |it| {
            object(&mut it.openapi, "/paths").insert("/v1/new".to_owned(), json!({"get": {"operationId": "new"}}));
        }),
        ("an optional field of a body", |it| {
            object(part(it, "/requestBody"), "/properties").insert("colour".to_owned(), json!({"type": "string"}));
        }),
        ("a field of an answer", |it| {
            let answer = part(it, "/responses/201");
            object(answer, "/properties").insert("colour".to_owned(), json!({"type": "string"}));
            list(answer, "/required").push(json!("colour"));
        }),
        ("an optional parameter", |it| {
            let more = json!({"in": "query", "name": "tenant", "schema": {"type": "string"}});
            list(&mut it.openapi, &format!("{HOLD}/parameters")).push(more);
        }),
        ("another status", |it| {
            hold(it, "/responses").insert("207".to_owned(), json!({"description": "Some of it."}));
        }),
    ]);
}

#[test]
fn what_readers_of_topics_rely_on() {
    refused(&[
        ("orders.events.v1: is gone", |it| {
            object(&mut it.asyncapi, "/channels").remove("orders.events.v1");
        }),
        ("orders.events.v1: another address", |it| {
            object(&mut it.asyncapi, "/channels/orders.events.v1").insert("address".to_owned(), json!("orders"));
        }),
        ("orders.events.v1: another key", |it| {
            object(&mut it.asyncapi, "/channels/orders.events.v1").insert("x-key".to_owned(), json!("the shopper"));
        }),
        ("orders.events.v1: another cleanup", |it| {
            let at = "/channels/orders.events.v1/bindings/kafka/topicConfiguration";
            object(&mut it.asyncapi, at).insert("cleanup.policy".to_owned(), json!(["compact"]));
        }),
        ("orders.events.v1: stockfold.orders.order-confirmed.v1 is gone", |it| {
            object(&mut it.asyncapi, "/channels/orders.events.v1/messages")
                .remove("stockfold.orders.order-confirmed.v1");
        }),
        ("stockfold.orders.order-confirmed.v1 headers/ce_epoch: is gone", |it| {
            object(&mut it.asyncapi, "/components/schemas/eventHeaders/properties").remove("ce_epoch");
        }),
        ("stockfold.supplier.price-changed.v1 headers/ce_subject: is required now", |it| {
            list(&mut it.asyncapi, "/components/schemas/supplierHeaders/required").push(json!("ce_subject"));
        }),
    ]);
    passes(&[
        ("another topic", |it| {
            object(&mut it.asyncapi, "/channels").insert("prices.events.v1".to_owned(), json!({}));
        }),
        ("another header", |it| {
            let more = json!({"type": "string"});
            object(&mut it.asyncapi, "/components/schemas/eventHeaders/properties").insert("ce_new".to_owned(), more);
        }),
    ]);
}
