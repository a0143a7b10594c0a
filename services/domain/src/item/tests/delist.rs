use super::kit::*;
use schemas::{Role, SourceId, item::*};

fn delist_from(version: u64) -> ItemCommand {
    let source = SourceVersion { source: SourceId::parse("erp").expect("id"), version };
    ItemCommand::Delist(DelistItem { source: Some(source) })
}

fn reply(catalog_version: u64, stale: bool) -> ItemReply {
    ItemReply::Catalog { created: false, catalog_version, stale }
}

#[test]
fn refuses_an_unknown_item() {
    given_nothing().when(delist()).refuses(ItemRejection::ItemNotFound);
}

#[test]
fn refuses_an_item_of_another_store() {
    given().by(caller(Role::Store)).when(delist()).refuses(ItemRejection::ItemOfAnotherStore);
}

#[test]
fn ignores_an_older_version_of_the_source() {
    let known = given().and(delist_from(5)).and(list(catalog(), gbp(1295)));
    known.when(delist_from(4)).then_nothing().replies(reply(3, true));
}

#[test]
fn takes_the_item_out_of_sale_and_keeps_its_stock() {
    let catalog = Catalog { category: Some("pots".to_owned()), ..catalog() };
    let delisted = ItemDelisted { catalog_version: 2, source: None, category: Some("pots".to_owned()), store: None };
    let when = given_nothing()
        .and(list(catalog, gbp(1295)))
        .and(receive("r", "main", 3))
        .when(delist())
        .then([delisted.into()])
        .replies(reply(2, false));
    assert_eq!(when.given.item.levels(), levels(3, 3));
}

#[test]
fn remembers_a_newer_version_of_what_is_delisted() {
    let delisted = given().and(delist_from(5)).and(delist_from(7)).and(list(catalog(), gbp(1295)));
    delisted.when(delist_from(6)).then_nothing().replies(reply(3, true));
}
