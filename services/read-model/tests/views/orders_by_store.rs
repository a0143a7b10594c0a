use super::order::placed;
use crate::{contract::block_on, shop::Shop};
use read_model::views::orders_by_store;
use schemas::{Role, StoreId, Timestamp};

fn place(shop: &mut Shop, order: &str, role: Role, store: Option<&str>, ordered_at: i64) {
    let mut event = placed();
    event.owner.placed_by.role = role;
    event.owner.placed_by.store = store.map(|store| StoreId::parse(store).expect("an id"));
    event.ordered_at = Timestamp::from_millis(ordered_at);
    shop.order(order, event);
}

#[test]
fn lists_what_a_store_has_placed_newest_first() {
    let mut shop = Shop::open();
    place(&mut shop, "o-old", Role::Store, Some("acme"), 1_000);
    place(&mut shop, "o-new", Role::Store, Some("acme"), 2_000);
    place(&mut shop, "o-other", Role::Store, Some("globex"), 1_500);
    place(&mut shop, "o-service", Role::Service, Some("acme"), 1_500);
    place(&mut shop, "o-shopper", Role::Shopper, None, 1_500);
    let page = |after, limit| {
        let acme = StoreId::parse("acme").expect("an id");
        let page = block_on(orders_by_store::page(&shop.store, &acme, after, limit)).expect("it reads");
        page.into_iter().map(|place| (place.order_id.to_string(), place)).collect::<Vec<_>>()
    };
    let all = page(None, 10);
    assert_eq!(all.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["o-new", "o-old"]);
    assert_eq!(page(Some(&all[0].1), 10)[0].0, "o-old");
}
