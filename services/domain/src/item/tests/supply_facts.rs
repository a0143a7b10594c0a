//! What a supplier says of catalog facts, price and listing, in the order of the checks.

use super::{kit::*, supply_kit::*};
use schemas::{Role, item::*};

fn named(name: &str) -> Catalog {
    Catalog { name: name.to_owned(), category: Some("pots".to_owned()), ..catalog() }
}

/// Name, whether in sale, and the price.
fn shown(given: &Given) -> (Option<&str>, bool, Option<i64>) {
    let item = &given.item;
    (item.catalog.as_ref().map(|catalog| catalog.name.as_str()), item.listed, item.price.map(schemas::Money::minor))
}

#[track_caller]
fn leaves(given: Given, c: Supply, types: &[&str], expected: (Option<&str>, bool, Option<i64>)) -> Given {
    let levels = given.item.levels();
    let types: Vec<_> = std::iter::once("supply-recorded").chain(types.iter().copied()).collect();
    let given = given.when(ask(c)).replies(ItemReply::Done).leaves(&types, levels).given;
    assert_eq!(shown(&given), expected);
    given
}

const LISTED: &[&str] = &["item-listed", "price-changed"];

#[test]
fn refuses_whoever_may_not_list() {
    let listing = || ask(said(1, 9, listed(catalog(), gbp(5))));
    for role in [Role::Warehouse, Role::Shopper, Role::Analyst] {
        given_nothing().by(caller(role)).when(listing()).refuses(ItemRejection::ItemNotFound);
        given().by(caller(role)).when(ask(said(1, 9, priced(gbp(5))))).refuses(ItemRejection::ItemNotFound);
        given().by(caller(role)).when(ask(said(1, 9, SupplyFact::Delisted))).refuses(ItemRejection::ItemNotFound);
    }
    given_nothing().by(caller(Role::Store)).when(listing()).refuses(ItemRejection::ItemOfAnotherStore);
    given_nothing().by(caller(Role::Supplier)).when(listing()).replies(ItemReply::Done);
}

#[test]
fn refuses_the_same_number_with_other_content() {
    let differs = ItemRejection::ExistsWithDifferentContent;
    let given = given_nothing().and(ask(said(1, 9, listed(catalog(), gbp(5)))));
    // Within the day that ids are kept, and after it, where it is the newest.
    let later = (0..8).fold(given.clone().seconds_later(30 * 3_600), |given, n| given.and(set_safety(n)));
    for given in [given, later] {
        given.clone().when(ask(said(1, 9, listed(named("Cup"), gbp(5))))).refuses(differs.clone());
        given.clone().when(ask(said(1, 9, priced(gbp(5))))).refuses(differs.clone());
        given.when(ask(said(1, 9, SupplyFact::Delisted))).refuses(differs.clone());
    }
}

#[test]
fn refuses_another_kind() {
    let digital = Catalog { kind: ItemKind::Digital, ..catalog() };
    given().when(ask(said(1, 9, listed(digital, gbp(5))))).refuses(ItemRejection::KindImmutable);
}

#[test]
fn lists_an_item() {
    let listing = said(1, 9, listed(named("Pot"), gbp(5)));
    let item = ItemListed {
        catalog: named("Pot"),
        catalog_version: 1,
        source: None,
        previous_category: None,
        previous_store: None,
        effect: None,
    };
    let price = PriceChanged { price: gbp(5), previous: None, catalog_version: 1 };
    given_nothing().when(ask(listing.clone())).then([on_record(&listing), item.into(), price.into()]);
}

#[test]
fn the_newest_of_a_source_counts() {
    let given = leaves(given_nothing(), said(2, 9, listed(named("Pot"), gbp(5))), LISTED, (Some("Pot"), true, Some(5)));
    let old = said(1, 1, listed(named("Cup"), gbp(4)));
    let given = given.when(ask(old)).then_nothing().replies(ItemReply::Done).given;
    let given = leaves(given, said(4, 8, priced(gbp(7))), &["price-changed"], (Some("Pot"), true, Some(7)));
    // Its facts are news, its price is not.
    let given = leaves(given, said(3, 7, listed(named("Can"), gbp(6))), &["item-listed"], (Some("Can"), true, Some(7)));
    let given = leaves(given, said(5, 6, SupplyFact::Delisted), &["item-delisted"], (Some("Can"), false, Some(7)));
    let back = said(6, 5, listed(named("Can"), gbp(7)));
    leaves(given, back, &["item-listed"], (Some("Can"), true, Some(7)));
}

#[test]
fn of_two_sources_the_one_that_is_as_of_later_is_believed() {
    let given = given_nothing().and(ask(by("a", 1, ago(9), listed(named("Pot"), gbp(5)))));
    let given = leaves(given, by("b", 1, ago(10), listed(named("Cup"), gbp(4))), &[], (Some("Pot"), true, Some(5)));
    let given = leaves(given, by("b", 2, ago(9), priced(gbp(4))), &["price-changed"], (Some("Pot"), true, Some(4)));
    let given =
        leaves(given, by("b", 3, ago(8), SupplyFact::Delisted), &["item-delisted"], (Some("Pot"), false, Some(4)));
    let given = leaves(given, by("a", 2, ago(9), priced(gbp(9))), &[], (Some("Pot"), false, Some(4)));
    // Who takes back what was believed leaves it to the next one.
    leaves(given, by("b", 4, ago(30), priced(gbp(3))), &["price-changed"], (Some("Pot"), false, Some(9)));
}

#[test]
fn what_is_said_before_it_is_listed_is_kept() {
    let given = leaves(given_nothing(), said(3, 7, priced(gbp(7))), &[], (None, false, None));
    let given = leaves(given, by("b", 1, ago(8), priced(gbp(6))), &[], (None, false, None));
    leaves(given.clone(), said(1, 9, listed(named("Pot"), gbp(5))), LISTED, (Some("Pot"), true, Some(7)));
    // Out of sale before it was known: it is known from then on, and not in sale.
    let given = leaves(given, said(4, 6, SupplyFact::Delisted), &[], (None, false, None));
    let types = ["item-listed", "price-changed", "item-delisted"];
    leaves(given, said(1, 9, listed(named("Pot"), gbp(5))), &types, (Some("Pot"), false, Some(7)));
}

#[test]
fn facts_of_an_item_that_is_out_of_sale_change_without_it_being_in_sale() {
    let given = given_nothing().and(ask(by("a", 1, ago(9), listed(named("Pot"), gbp(5)))));
    let given = given.and(ask(by("a", 2, ago(2), SupplyFact::Delisted)));
    let types = ["item-listed", "price-changed", "item-delisted"];
    let given = leaves(given, by("b", 1, ago(5), listed(named("Cup"), gbp(4))), &types, (Some("Cup"), false, Some(4)));
    given.when(hold(free("h"), 1)).refuses(ItemRejection::ItemNotListed);
}

#[test]
fn a_change_by_hand_stands_until_another_statement_is_believed() {
    let given = given_nothing().and(ask(by("a", 1, ago(9), listed(named("Pot"), gbp(5)))));
    let given = given.and(list(named("Hand"), gbp(1)));
    let given = leaves(given, by("b", 1, ago(10), listed(named("Cup"), gbp(4))), &[], (Some("Hand"), true, Some(1)));
    let given = leaves(given, by("b", 2, ago(8), priced(gbp(3))), &["price-changed"], (Some("Hand"), true, Some(3)));
    let given = given.and(delist());
    let given = leaves(given, by("b", 3, ago(7), priced(gbp(2))), &["price-changed"], (Some("Hand"), false, Some(2)));
    let back = by("a", 2, ago(6), listed(named("Pot"), gbp(5)));
    leaves(given, back, LISTED, (Some("Pot"), true, Some(5)));
}

#[test]
fn versions_of_sources_by_hand_are_another_matter() {
    let source = SourceVersion { source: schemas::SourceId::parse("erp").expect("id"), version: 7 };
    let by_hand = ListItem { catalog: named("Hand"), price: gbp(1), source: Some(source), expected_version: None };
    let given = given_nothing().and(ItemCommand::List(by_hand.clone()));
    let given = leaves(given, said(1, 9, listed(named("Pot"), gbp(5))), LISTED, (Some("Pot"), true, Some(5)));
    let stale = ItemReply::Catalog { created: false, catalog_version: 2, stale: true };
    given.when(ItemCommand::List(by_hand)).then_nothing().replies(stale);
}
