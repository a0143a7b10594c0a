use super::kit::*;
use schemas::{Role, SourceId, item::*};

fn reply(created: bool, catalog_version: u64, stale: bool) -> ItemReply {
    ItemReply::Catalog { created, catalog_version, stale }
}

fn listed(catalog: Catalog, catalog_version: u64) -> ItemListed {
    ItemListed { catalog, catalog_version, source: None, previous_category: None, previous_store: None, effect: None }
}

fn from_source(catalog: Catalog, version: u64) -> ItemCommand {
    let source = SourceVersion { source: SourceId::parse("erp").expect("id"), version };
    ItemCommand::List(ListItem { catalog, price: gbp(1295), source: Some(source), expected_version: None })
}

fn named(name: &str) -> Catalog {
    Catalog { name: name.to_owned(), ..catalog() }
}

fn of_store(id: &str) -> Catalog {
    Catalog { store: Some(store(id)), ..catalog() }
}

#[test]
fn refuses_an_item_of_another_store() {
    let other = given_nothing().and(list(of_store("other"), gbp(1295))).by(caller(Role::Store));
    other.when(list(of_store("own"), gbp(1295))).refuses(ItemRejection::ItemOfAnotherStore);
}

#[test]
fn refuses_a_store_that_names_another_owner() {
    for owner in [of_store("other"), catalog()] {
        let new = given_nothing().by(caller(Role::Store));
        new.when(list(owner.clone(), gbp(1295))).refuses(ItemRejection::ItemOfAnotherStore);
        let own = given_nothing().by(caller(Role::Store)).and(list(of_store("own"), gbp(1295)));
        own.when(list(owner, gbp(1295))).refuses(ItemRejection::ItemOfAnotherStore);
    }
}

#[test]
fn refuses_whoever_edits_no_catalog() {
    for role in [Role::Shopper, Role::Analyst, Role::Warehouse] {
        given().by(caller(role)).when(list(catalog(), gbp(1))).refuses(ItemRejection::ItemNotFound);
    }
}

#[test]
fn refuses_an_editor_who_saw_another_version() {
    let ItemCommand::List(c) = list(named("Pot"), gbp(1295)) else { panic!("a list") };
    let command = |expected_version| ItemCommand::List(ListItem { expected_version, ..c.clone() });
    given().when(command(Some(7))).refuses(ItemRejection::VersionMismatch { current: 1 });
    given_nothing().when(command(Some(1))).refuses(ItemRejection::VersionMismatch { current: 0 });
    given().when(command(Some(1))).replies(reply(false, 2, false));
}

#[test]
fn refuses_another_kind() {
    let digital = Catalog { kind: ItemKind::Digital, ..catalog() };
    given().when(list(digital, gbp(1295))).refuses(ItemRejection::KindImmutable);
}

#[test]
fn lists_a_new_item_at_its_price() {
    let price = PriceChanged { price: gbp(1295), previous: None, catalog_version: 1 };
    given_nothing()
        .when(list(catalog(), gbp(1295)))
        .then([listed(catalog(), 1).into(), price.into()])
        .replies(reply(true, 1, false));
}

#[test]
fn tells_the_category_and_store_before() {
    let before = Catalog { category: Some("pots".to_owned()), ..of_store("own") };
    let after = ItemListed {
        previous_category: Some("pots".to_owned()),
        previous_store: Some(store("own")),
        ..listed(named("Pot"), 2)
    };
    given_nothing()
        .and(list(before, gbp(1295)))
        .when(list(named("Pot"), gbp(1295)))
        .then([after.into()])
        .replies(reply(false, 2, false));
}

#[test]
fn changes_only_the_price_where_only_that_differs() {
    let price = PriceChanged { price: gbp(1300), previous: Some(gbp(1295)), catalog_version: 2 };
    given().when(list(catalog(), gbp(1300))).then([price.into()]).replies(reply(false, 2, false));
}

#[test]
fn lists_again_what_was_delisted() {
    given().and(delist()).when(list(catalog(), gbp(1295))).then([listed(catalog(), 3).into()]);
}

#[test]
fn ignores_an_older_version_of_the_source() {
    let known = given_nothing().and(from_source(named("B"), 5));
    known.clone().when(from_source(named("A"), 4)).then_nothing().replies(reply(false, 1, true));
    known.clone().when(from_source(named("A"), 5)).then_nothing().replies(reply(false, 1, true));
    known.when(from_source(named("B"), 5)).then_nothing().replies(reply(true, 1, false));
}

#[test]
fn remembers_a_newer_version_that_changes_nothing() {
    let known = given_nothing().and(from_source(named("B"), 5)).and(from_source(named("B"), 7));
    known.when(from_source(named("A"), 6)).then_nothing().replies(reply(false, 1, true));
}
