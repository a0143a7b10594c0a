use crate::{
    contract::block_on,
    shop::{Shop, item_id, listed},
};
use read_model::views::item_list::{self, ListFilter};
use schemas::{StoreId, item::ItemDelisted};

fn ids(shop: &Shop, filter: &ListFilter) -> Vec<String> {
    let page = block_on(item_list::page(&shop.store, filter, None, 100)).expect("it reads");
    page.iter().map(|id| id.as_str().to_owned()).collect()
}

fn category(name: &str) -> ListFilter {
    ListFilter::Category(name.to_owned())
}

fn store(id: &str) -> ListFilter {
    ListFilter::Store(StoreId::parse(id).expect("an id"))
}

#[test]
fn a_listed_item_stands_in_every_list_that_it_belongs_to() {
    let mut shop = Shop::open();
    shop.item("a", listed(1, Some("toys"), Some("s1"), None));
    shop.item("b", listed(1, None, None, None));
    assert_eq!(ids(&shop, &ListFilter::All), ["a", "b"]);
    assert_eq!(ids(&shop, &category("toys")), ["a"]);
    assert_eq!(ids(&shop, &store("s1")), ["a"]);
    assert!(ids(&shop, &category("books")).is_empty());
}

#[test]
fn an_item_that_moves_leaves_its_old_lists() {
    let mut shop = Shop::open();
    let first = listed(1, Some("toys"), Some("s1"), None);
    shop.item("a", first.clone());
    shop.item("a", listed(2, Some("books"), Some("s2"), Some(&first)));
    assert!(ids(&shop, &category("toys")).is_empty());
    assert!(ids(&shop, &store("s1")).is_empty());
    assert_eq!(ids(&shop, &category("books")), ["a"]);
    assert_eq!(ids(&shop, &store("s2")), ["a"]);
    assert_eq!(ids(&shop, &ListFilter::All), ["a"]);
}

#[test]
fn an_item_that_moves_back_is_listed_again() {
    let mut shop = Shop::open();
    let toys = listed(1, Some("toys"), None, None);
    let books = listed(2, Some("books"), None, Some(&toys));
    shop.item("a", toys);
    shop.item("a", books.clone());
    shop.item("a", listed(3, Some("toys"), None, Some(&books)));
    assert_eq!(ids(&shop, &category("toys")), ["a"]);
    assert!(ids(&shop, &category("books")).is_empty());
}

#[test]
fn an_item_that_loses_its_category_leaves_the_list() {
    let mut shop = Shop::open();
    let first = listed(1, Some("toys"), None, None);
    shop.item("a", first.clone());
    shop.item("a", listed(2, None, None, Some(&first)));
    assert!(ids(&shop, &category("toys")).is_empty());
}

#[test]
fn an_item_that_stays_stays_listed() {
    let mut shop = Shop::open();
    let first = listed(1, Some("toys"), Some("s1"), None);
    shop.item("a", first.clone());
    shop.item("a", listed(2, Some("toys"), Some("s1"), Some(&first)));
    assert_eq!(ids(&shop, &category("toys")), ["a"]);
    assert_eq!(ids(&shop, &store("s1")), ["a"]);
}

#[test]
fn a_delisted_item_stands_in_no_list() {
    let mut shop = Shop::open();
    shop.item("a", listed(1, Some("toys"), Some("s1"), None));
    let store_id = StoreId::parse("s1").expect("an id");
    let category_name = Some("toys".to_owned());
    shop.item("a", ItemDelisted { catalog_version: 2, source: None, category: category_name, store: Some(store_id) });
    for filter in [ListFilter::All, category("toys"), store("s1")] {
        assert!(ids(&shop, &filter).is_empty(), "{filter:?}");
    }
}

#[test]
fn a_page_goes_on_after_an_id() {
    let mut shop = Shop::open();
    for id in ["c", "a", "d", "b"] {
        shop.item(id, listed(1, None, None, None));
    }
    let page = |after: Option<&str>| {
        let after = after.map(item_id);
        block_on(item_list::page(&shop.store, &ListFilter::All, after.as_ref(), 2)).expect("it reads")
    };
    assert_eq!(page(None), ["a", "b"].map(item_id));
    assert_eq!(page(Some("b")), ["c", "d"].map(item_id));
    assert_eq!(page(Some("d")), []);
}
