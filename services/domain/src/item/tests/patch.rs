use super::kit::*;
use schemas::{Role, item::*};
use serde_json::{Value, json};

fn patch(fields: Value) -> ItemCommand {
    patch_as("patch-1", fields)
}

fn patch_as(id: &str, fields: Value) -> ItemCommand {
    let Value::Object(patch) = fields else { panic!("a patch is an object") };
    let content =
        patch.len() as u64 + serde_json::to_vec(&patch).expect("JSON").iter().map(|b| u64::from(*b)).sum::<u64>();
    ItemCommand::Patch(PatchItem { patch, effect: Some(effect_of(id, content)), expected_version: None })
}

fn reply(catalog_version: u64) -> ItemReply {
    ItemReply::Catalog { created: false, catalog_version, stale: false }
}

#[test]
fn refuses_the_same_key_with_another_patch() {
    let patched = given().and(patch(json!({"name": "A"})));
    patched.when(patch(json!({"name": "B"}))).refuses(ItemRejection::ExistsWithDifferentContent);
}

#[test]
fn refuses_an_unknown_item() {
    given_nothing().when(patch(json!({"name": "A"}))).refuses(ItemRejection::ItemNotFound);
}

#[test]
fn refuses_an_item_of_another_store() {
    given().by(caller(Role::Store)).when(patch(json!({"name": "A"}))).refuses(ItemRejection::ItemOfAnotherStore);
}

#[test]
fn refuses_a_store_that_gives_its_item_away() {
    let own = Catalog { store: Some(store("own")), ..catalog() };
    for to in [json!("other"), json!(null)] {
        let given = given_nothing().and(list(own.clone(), gbp(1))).by(caller(Role::Store));
        given.when(patch(json!({"store": to}))).refuses(ItemRejection::ItemOfAnotherStore);
    }
}

#[test]
fn refuses_an_editor_who_saw_another_version() {
    let ItemCommand::Patch(c) = patch(json!({"name": "A"})) else { panic!("a patch") };
    let c = PatchItem { expected_version: Some(9), ..c };
    given().when(ItemCommand::Patch(c)).refuses(ItemRejection::VersionMismatch { current: 1 });
}

#[test]
fn refuses_another_kind() {
    for kind in [json!("digital"), json!(null)] {
        given().when(patch(json!({"kind": kind}))).refuses(ItemRejection::KindImmutable);
    }
    given().when(patch(json!({"kind": "physical", "name": "A"}))).replies(reply(2));
}

#[test]
fn refuses_what_is_no_item_after_it() {
    let bad = [
        json!({"name": null}),
        json!({"name": ""}),
        json!({"name": "a\u{0}b"}),
        json!({"name": 7}),
        json!({"colour": "blue"}),
        json!({"source": "erp"}),
        json!({"category": "not an id"}),
        json!({"price": {"amount": -1}}),
        json!({"price": {"amount": 1.5}}),
        json!({"price": {"currency": "XXZ"}}),
        json!({"price": null}),
        json!({"images": ["https://a", "https://b", "https://c", "https://d", "https://e", "https://f"]}),
        json!({"images": ["javascript:alert(1)"]}),
        json!({"attributes": {"a": "x".repeat(17_000)}}),
        json!({"attributes": 7}),
        json!({"description": "x".repeat(10_001)}),
        json!({"metadata": {"a": "x".repeat(501)}}),
    ];
    for fields in bad {
        let refused = given().decide(&patch(fields.clone()));
        let refused = refused.expect_err("no item");
        let schemas::Rejection::Item(ItemRejection::InvalidPatch { .. }) = refused else {
            panic!("{fields}: {refused:?}");
        };
    }
}

#[test]
fn refuses_a_delisted_item() {
    given().and(delist()).when(patch(json!({"name": "A"}))).refuses(ItemRejection::ItemNotListed);
}

#[test]
fn merges_as_rfc_7396_says() {
    let before = json!({"size": {"w": 1, "h": 2}, "colour": "blue", "tags": [1, 2]});
    let Value::Object(attributes) = before else { panic!("an object") };
    let after = json!({"size": {"h": 3, "d": {"mm": 4}}, "tags": [3]});
    let when = given_nothing().and(list(Catalog { attributes, ..catalog() }, gbp(1295))).when(patch(
        json!({"attributes": {"size": {"w": null, "h": 3, "d": {"mm": 4, "cm": null}}, "colour": null, "tags": [3]}}),
    ));
    assert_eq!(when.decision().events.len(), 1);
    let patched = when.given.item.catalog().expect("listed");
    assert_eq!(Value::Object(patched.attributes.clone()), after);
}

#[test]
fn tells_facts_and_price_with_one_version() {
    let listed = ItemListed {
        catalog: catalog(),
        catalog_version: 2,
        source: None,
        previous_category: None,
        previous_store: None,
        effect: match patch(json!({"price": {"amount": 5}})) {
            ItemCommand::Patch(c) => c.effect,
            other => panic!("{other:?}"),
        },
    };
    let price = PriceChanged { price: gbp(5), previous: Some(gbp(1295)), catalog_version: 2 };
    given().when(patch(json!({"price": {"amount": 5}}))).then([listed.into(), price.into()]).replies(reply(2));
}

#[test]
fn a_patch_that_changes_nothing_makes_no_event() {
    given().when(patch(json!({"name": "Teapot"}))).then_nothing().replies(reply(1));
}

#[test]
fn a_repeat_after_other_changes_is_answered_as_it_was() {
    let changed = given().and(patch(json!({"name": "A"}))).and(patch_as("patch-2", json!({"name": "B"})));
    changed.when(patch(json!({"name": "A"}))).then_nothing().replies(reply(2));
}
