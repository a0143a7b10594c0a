use super::order::placed;
use crate::{
    contract::block_on,
    shop::{Shop, subject},
};
use read_model::views::orders_by_shopper::{self, OrderPlace};
use schemas::{OrderId, Timestamp};

fn place(shop: &mut Shop, order: &str, shopper: Option<&str>, ordered_at: i64) {
    let mut event = placed();
    event.owner.shopper = shopper.map(subject);
    event.ordered_at = Timestamp::from_millis(ordered_at);
    shop.order(order, event);
}

fn page(shop: &Shop, after: Option<&OrderPlace>, limit: usize) -> Vec<OrderPlace> {
    block_on(orders_by_shopper::page(&shop.store, &subject("alice"), after, limit)).expect("it reads")
}

fn ids(page: &[OrderPlace]) -> Vec<&str> {
    page.iter().map(|place| place.order_id.as_str()).collect()
}

#[test]
fn lists_a_shoppers_own_orders_by_business_time_newest_first() {
    let mut shop = Shop::open();
    place(&mut shop, "o-new", Some("alice"), 3_000);
    place(&mut shop, "o-old", Some("alice"), 1_000);
    place(&mut shop, "o-mid", Some("alice"), 2_000);
    place(&mut shop, "o-bob", Some("bob"), 2_500);
    place(&mut shop, "o-guest", None, 2_500);
    let all = page(&shop, None, 10);
    assert_eq!(ids(&all), ["o-new", "o-mid", "o-old"]);
    assert_eq!(all[1].ordered_at, Timestamp::from_millis(2_000));
}

#[test]
fn a_page_goes_on_after_a_place_also_among_orders_of_one_time() {
    let mut shop = Shop::open();
    for order in ["o-1", "o-2", "o-3"] {
        place(&mut shop, order, Some("alice"), 1_000);
    }
    let first = page(&shop, None, 2);
    assert_eq!(ids(&first), ["o-3", "o-2"]);
    assert_eq!(ids(&page(&shop, first.last(), 2)), ["o-1"]);
    let gone =
        OrderPlace { ordered_at: Timestamp::from_millis(1_000), order_id: OrderId::parse("o-2x").expect("an id") };
    assert_eq!(ids(&page(&shop, Some(&gone), 2)), ["o-2", "o-1"]);
}
