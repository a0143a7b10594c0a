use crate::{
    contract::block_on,
    shop::{Shop, effect, item_id, quantity},
};
use read_model::views::backorders::{self, Waiting};
use schemas::{
    LineId, OrderId,
    order::{DueLine, PlanInputs, ShipmentsBackordered, ShipmentsDue, SubOrdersPlanned},
};

fn lines(items: &[&str]) -> Vec<DueLine> {
    let line = |item: &&str| DueLine {
        line_id: LineId::parse(item).expect("an id"),
        item_id: item_id(item),
        quantity: quantity(2),
    };
    items.iter().map(line).collect()
}

fn missing(revision: u32, items: &[&str], gone: &[&str]) -> ShipmentsBackordered {
    ShipmentsBackordered { revision, lines: lines(items), gone: gone.iter().map(|id| item_id(id)).collect() }
}

fn planned(revision: u32, items: &[&str]) -> SubOrdersPlanned {
    let inputs = PlanInputs { lines: lines(items), ..PlanInputs::default() };
    SubOrdersPlanned { effect: effect("p"), revision, sub_orders: Vec::new(), inputs }
}

/// Who waits for an item, after a place.
fn waiting(shop: &Shop, item: &str, after: Option<&Waiting>, limit: usize) -> Vec<Waiting> {
    block_on(backorders::waiting(&shop.store, &item_id(item), after, limit)).expect("it reads")
}

fn ids(shop: &Shop, item: &str) -> Vec<String> {
    waiting(shop, item, None, 10).into_iter().map(|waiting| waiting.order_id.to_string()).collect()
}

/// The revision and the number of lines of what an order misses.
fn row(shop: &Shop, order: &str) -> Option<(u32, usize)> {
    let order = OrderId::parse(order).expect("an id");
    let mut rows = block_on(backorders::get_many(&shop.store, &[order])).expect("it reads");
    rows.pop().flatten().map(|row| (row.revision, row.lines.len()))
}

#[test]
fn an_order_stands_in_the_lists_of_what_it_misses_now() {
    let mut shop = Shop::open();
    shop.order("o-1", missing(2, &["cup", "pot"], &[]));
    assert_eq!(
        (ids(&shop, "cup"), ids(&shop, "pot"), row(&shop, "o-1")),
        (vec!["o-1".into()], vec!["o-1".into()], Some((2, 2)))
    );
    // The pots were cancelled.
    shop.order("o-1", missing(3, &["cup"], &["pot"]));
    assert_eq!((ids(&shop, "cup"), ids(&shop, "pot")), (vec!["o-1".to_owned()], Vec::new()));
    assert_eq!(row(&shop, "o-1"), Some((3, 1)));
    shop.order("o-1", missing(4, &[], &["cup"]));
    assert_eq!((ids(&shop, "cup"), row(&shop, "o-1")), (Vec::new(), None));
}

#[test]
fn an_order_that_is_planned_or_due_waits_for_nothing_and_what_is_left_of_the_plan_waits_again() {
    let mut shop = Shop::open();
    shop.order("o-1", missing(2, &["cup", "pot"], &[]));
    shop.order("o-1", planned(2, &["cup", "pot"]));
    assert_eq!((ids(&shop, "cup"), ids(&shop, "pot"), row(&shop, "o-1")), (Vec::new(), Vec::new(), None));
    shop.order("o-1", missing(3, &["pot"], &["cup"]));
    assert_eq!((ids(&shop, "cup"), ids(&shop, "pot")), (Vec::new(), vec!["o-1".to_owned()]));
    shop.order("o-1", ShipmentsDue { revision: 4, lines: lines(&["cup"]), gone: vec![item_id("pot")], refusals: 1 });
    assert_eq!((ids(&shop, "cup"), ids(&shop, "pot"), row(&shop, "o-1")), (Vec::new(), Vec::new(), None));
    shop.replay(3);
    assert_eq!((ids(&shop, "cup"), ids(&shop, "pot"), row(&shop, "o-1")), (Vec::new(), Vec::new(), None));
}

#[test]
fn who_waits_longest_comes_first_and_a_page_goes_on_after_a_place() {
    let mut shop = Shop::open();
    for order in ["o-3", "o-1", "o-2"] {
        shop.order(order, missing(2, &["cup"], &[]));
    }
    let first = waiting(&shop, "cup", None, 2);
    assert_eq!(first.iter().map(|waiting| waiting.order_id.as_str()).collect::<Vec<_>>(), ["o-3", "o-1"]);
    let rest = waiting(&shop, "cup", first.last(), 2);
    assert_eq!(rest.iter().map(|waiting| waiting.order_id.as_str()).collect::<Vec<_>>(), ["o-2"]);
    assert_eq!(waiting(&shop, "cup", rest.last(), 2), []);
}

#[test]
fn a_list_of_many_pages_is_read_to_its_end() {
    let mut shop = Shop::open();
    // The longest waits last by id.
    for n in (0..1_203).rev() {
        shop.order(&format!("o-{n:04}"), missing(2, &["cup"], &[]));
    }
    let first = waiting(&shop, "cup", None, 2);
    assert_eq!(first.iter().map(|waiting| waiting.order_id.as_str()).collect::<Vec<_>>(), ["o-1202", "o-1201"]);
}
