use super::parcels::{Part, planned};
use crate::{contract::block_on, shop::Shop};
use read_model::views::orders_by_warehouse::{self, SubOrderPlace};
use schemas::LocationId;

fn page(shop: &Shop, at: &str, after: Option<&SubOrderPlace>, limit: usize) -> Vec<SubOrderPlace> {
    let location = LocationId::parse(at).expect("an id");
    block_on(orders_by_warehouse::page(&shop.store, &location, after, limit)).expect("it reads")
}

fn ids(page: &[SubOrderPlace]) -> Vec<String> {
    page.iter().map(|place| format!("{}/{}", place.order_id, place.sub_order_id)).collect()
}

fn shop() -> Shop {
    let mut shop = Shop::open();
    let parts: [Part<'_>; 2] = [("s1", "w1", None, &[("l-a", 1)], None), ("s2", "w2", None, &[("l-a", 1)], None)];
    shop.order("o-1", planned(&parts));
    shop.order("o-2", planned(&[("s1", "w1", None, &[("l-a", 1)], None), ("s2", "w1", None, &[("l-b", 1)], None)]));
    shop
}

#[test]
fn lists_the_sub_orders_of_a_location_newest_first() {
    let shop = shop();
    assert_eq!(ids(&page(&shop, "w1", None, 10)), ["o-2/s2", "o-2/s1", "o-1/s1"]);
    assert_eq!(ids(&page(&shop, "w2", None, 10)), ["o-1/s2"]);
    assert!(page(&shop, "w3", None, 10).is_empty());
}

#[test]
fn a_page_goes_on_after_a_place() {
    let shop = shop();
    let first = page(&shop, "w1", None, 2);
    assert_eq!(ids(&first), ["o-2/s2", "o-2/s1"]);
    assert_eq!(ids(&page(&shop, "w1", first.last(), 2)), ["o-1/s1"]);
}
