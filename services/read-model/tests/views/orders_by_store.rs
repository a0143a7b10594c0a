use super::order::{granted, placed};
use crate::{contract::block_on, shop::Shop};
use read_model::views::{orders_by_shopper::OrderPlace, orders_by_store};
use schemas::{Role, StoreId, Timestamp, item::ItemKind};

fn store(id: &str) -> StoreId {
    StoreId::parse(id).expect("an id")
}

fn place(shop: &mut Shop, order: &str, role: Role, by: Option<&str>, ordered_at: i64) {
    let mut event = placed();
    event.owner.placed_by.role = role;
    event.owner.placed_by.store = by.map(store);
    event.ordered_at = Timestamp::from_millis(ordered_at);
    shop.order(order, event);
}

/// The order's two items grant, each of that store.
fn grant(shop: &mut Shop, order: &str, sellers: [Option<&str>; 2], ordered_at: Option<i64>) {
    let mut event = granted([ItemKind::Physical; 2]);
    event.ordered_at = ordered_at.map(Timestamp::from_millis);
    event.lines.iter_mut().zip(sellers).for_each(|(line, seller)| line.store = seller.map(store));
    shop.order(order, event);
}

fn page(shop: &Shop, of: &str, after: Option<&OrderPlace>, limit: usize) -> Vec<OrderPlace> {
    block_on(orders_by_store::page(&shop.store, &store(of), after, limit)).expect("it reads")
}

fn ids(page: &[OrderPlace]) -> Vec<&str> {
    page.iter().map(|place| place.order_id.as_str()).collect()
}

#[test]
fn lists_what_a_store_has_placed_newest_first() {
    let mut shop = Shop::open();
    place(&mut shop, "o-old", Role::Store, Some("acme"), 1_000);
    place(&mut shop, "o-new", Role::Store, Some("acme"), 2_000);
    place(&mut shop, "o-other", Role::Store, Some("globex"), 1_500);
    place(&mut shop, "o-service", Role::Service, Some("acme"), 1_500);
    place(&mut shop, "o-shopper", Role::Shopper, None, 1_500);
    let all = page(&shop, "acme", None, 10);
    assert_eq!(ids(&all), ["o-new", "o-old"]);
    assert_eq!(ids(&page(&shop, "acme", Some(&all[0]), 10)), ["o-old"]);
}

#[test]
fn lists_every_order_with_a_line_of_the_store_once_it_is_granted() {
    let mut shop = Shop::open();
    for (order, ordered_at) in [("o-1", 1_000), ("o-2", 2_000), ("o-3", 3_000), ("o-4", 4_000)] {
        place(&mut shop, order, Role::Shopper, None, ordered_at);
    }
    assert!(page(&shop, "acme", None, 10).is_empty(), "nobody has said who sells it");
    grant(&mut shop, "o-3", [Some("acme"), Some("acme")], Some(3_000));
    grant(&mut shop, "o-1", [Some("globex"), Some("acme")], Some(1_000));
    grant(&mut shop, "o-2", [Some("globex"), None], Some(2_000));
    grant(&mut shop, "o-4", [None, None], Some(4_000));
    assert_eq!(ids(&page(&shop, "acme", None, 10)), ["o-3", "o-1"]);
    assert_eq!(ids(&page(&shop, "globex", None, 10)), ["o-2", "o-1"]);
    let first = page(&shop, "acme", None, 1);
    assert_eq!(ids(&page(&shop, "acme", first.last(), 10)), ["o-1"]);
    shop.replay(3);
    assert_eq!(ids(&page(&shop, "acme", None, 10)), ["o-3", "o-1"]);
}

#[test]
fn what_a_store_has_placed_of_its_own_items_is_listed_once() {
    let mut shop = Shop::open();
    place(&mut shop, "o-1", Role::Store, Some("acme"), 1_000);
    grant(&mut shop, "o-1", [Some("acme"), Some("acme")], Some(1_000));
    assert_eq!(ids(&page(&shop, "acme", None, 10)), ["o-1"]);
}

#[test]
fn an_order_of_an_older_log_is_listed_by_nobody_but_who_placed_it() {
    let mut shop = Shop::open();
    place(&mut shop, "o-1", Role::Shopper, None, 1_000);
    grant(&mut shop, "o-1", [None, None], None);
    assert!(page(&shop, "acme", None, 10).is_empty());
}
