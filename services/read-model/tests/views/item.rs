use crate::{
    contract::block_on,
    shop::{BEGIN_MS, Shop, effect, euros, item_id, levels, listed, place, quantity},
};
use read_model::views::item::{self, ItemRow};
use schemas::{
    Metadata, Timestamp,
    item::{FeedSource, ItemDelisted, PriceChanged, SafetySet, StockReceived, Supply, SupplyFact, SupplyRecorded},
};

fn row(shop: &Shop) -> ItemRow {
    block_on(item::get(&shop.store, &item_id("a"))).expect("it reads").expect("it is there")
}

fn list(shop: &mut Shop) {
    shop.item("a", listed(1, None, None, None));
    shop.item("a", PriceChanged { price: euros(500), previous: None, catalog_version: 1 });
}

fn received(available: i64) -> StockReceived {
    StockReceived {
        effect: effect("r-1"),
        quantity: quantity(5),
        document: "note".to_owned(),
        occurred_at: None,
        metadata: Metadata::default(),
        feed: None,
        stock: levels(available, 5, 0),
        place: place("ber", 5),
    }
}

#[test]
fn is_published_once_facts_and_price_are_known() {
    let mut shop = Shop::open();
    shop.item("a", listed(1, None, None, None));
    assert!(row(&shop).published().is_none());
    shop.item("a", PriceChanged { price: euros(500), previous: None, catalog_version: 1 });
    let row = row(&shop);
    let (catalog, price) = row.published().expect("facts and price");
    assert_eq!((catalog.name.as_str(), price, row.listed, row.catalog_version), ("a thing", euros(500), true, 1));
    assert_eq!((row.seq, row.changed_at), (2, Timestamp::from_millis(BEGIN_MS + 1_000)));
}

#[test]
fn shows_what_is_available_without_a_new_catalog_version() {
    let mut shop = Shop::open();
    list(&mut shop);
    shop.item("a", received(5));
    let row = row(&shop);
    assert_eq!((row.available, row.seq, row.catalog_version), (5, 3, 1));
    assert_eq!(row.changed_at, Timestamp::from_millis(BEGIN_MS + 1_000));
}

#[test]
fn shows_a_shortfall_as_less_than_nothing() {
    let mut shop = Shop::open();
    list(&mut shop);
    shop.item("a", SafetySet { quantity: 3, previous: 0, stock: levels(-3, 0, 0) });
    assert_eq!(row(&shop).available, -3);
}

#[test]
fn has_stock_before_it_is_listed() {
    let mut shop = Shop::open();
    shop.item("a", received(5));
    let row = row(&shop);
    assert_eq!((row.available, row.listed, row.catalog_version), (5, false, 0));
    assert!(row.published().is_none());
}

#[test]
fn shows_nothing_of_what_a_supplier_says_before_it_is_listed() {
    let mut shop = Shop::open();
    let source = FeedSource::parse("//erp").expect("a source");
    let said = SupplyFact::PriceChanged { price: euros(500) };
    let said = Supply::new(source, 1, Timestamp::from_millis(BEGIN_MS), said);
    let Supply { effect, source, sequence, at, said } = said;
    shop.item("a", SupplyRecorded { effect, source, sequence, at, said });
    let row = row(&shop);
    assert_eq!((row.price, row.listed, row.catalog_version, row.seq), (None, false, 0, 1));
    assert!(row.published().is_none());
}

#[test]
fn is_still_there_once_delisted_and_comes_back() {
    let mut shop = Shop::open();
    list(&mut shop);
    shop.item("a", ItemDelisted { catalog_version: 2, source: None, category: None, store: None });
    assert_eq!((row(&shop).listed, row(&shop).catalog_version), (false, 2));
    assert!(row(&shop).published().is_some());
    shop.item("a", listed(3, None, None, None));
    assert_eq!((row(&shop).listed, row(&shop).catalog_version), (true, 3));
}

#[test]
fn goes_on_from_the_stored_row_after_a_restart() {
    let mut shop = Shop::open();
    list(&mut shop);
    shop.restart();
    shop.item("a", received(5));
    assert!(row(&shop).published().is_some());
    assert_eq!(row(&shop).available, 5);
}

#[test]
fn many_come_in_the_order_asked() {
    let mut shop = Shop::open();
    shop.item("b", listed(1, None, None, None));
    shop.item("a", listed(1, None, None, None));
    let ids = ["a", "none", "b"].map(item_id);
    let rows = block_on(item::get_many(&shop.store, &ids)).expect("it reads");
    let found: Vec<_> = rows.iter().map(|row| row.as_ref().map(|row| row.item_id.as_str())).collect();
    assert_eq!(found, [Some("a"), None, Some("b")]);
}
