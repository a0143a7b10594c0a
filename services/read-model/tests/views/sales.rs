use super::order::{cancelled, line_id, placed};
use crate::{
    contract::block_on,
    shop::{Shop, effect, euros, item_id, quantity},
};
use read_model::views::sales::{
    most_bought,
    together::{self, MOST_OF_ORDER, MOST_OTHERS},
    turnover::{self, Day, Takings},
};
use schemas::{
    AdjustmentId, ItemId, LocationId, Metadata, ReturnId, ShardCount, StoreId,
    item::{Bucket, ItemKind},
    order::{
        Adjustment, AdjustmentKind, HoldsGranted, LineQuantity, OperatorRefunded, OrderCancelled, OrderConfirmed,
        OrderLine, OrderPlaced, PricedLine, ReturnReceived,
    },
};
use std::collections::BTreeMap;

fn shards() -> ShardCount {
    ShardCount::new(4).expect("a count")
}

fn line(id: &str, units: u32) -> OrderLine {
    OrderLine {
        line_id: line_id(id),
        item_id: item_id(id),
        quantity: quantity(units),
        unit_price: None,
        expected_unit_price: None,
        metadata: Metadata::default(),
    }
}

fn adjustment(id: &str, of: Option<&str>, cents: i64, included: bool) -> Adjustment {
    Adjustment {
        adjustment_id: AdjustmentId::parse(id).expect("an id"),
        kind: AdjustmentKind::Discount,
        line_id: of.map(line_id),
        amount: euros(cents),
        included,
        label: "less".to_owned(),
    }
}

/// Orders these lines, each an item of its own at one euro; `acme` sells what begins with an `a`.
fn buy(shop: &mut Shop, order: &str, lines: &[(&str, u32)], adjustments: Vec<Adjustment>) {
    let lines: Vec<_> = lines.iter().map(|(id, units)| line(id, *units)).collect();
    let priced = lines.iter().map(|line| PricedLine {
        line_id: line.line_id.clone(),
        unit_price: euros(100),
        kind: ItemKind::Physical,
        store: line.item_id.as_str().starts_with('a').then(|| StoreId::parse("acme").expect("an id")),
    });
    let granted = HoldsGranted { lines: priced.collect(), ..super::order::granted([ItemKind::Physical; 2]) };
    shop.order(order, OrderPlaced { lines, adjustments, ..placed() });
    shop.order(order, granted);
    shop.order(order, OrderConfirmed { attempt: 1 });
}

fn returned(id: &str, units: u32) -> ReturnReceived {
    ReturnReceived {
        effect: effect("back"),
        return_id: ReturnId::parse("r-1").expect("an id"),
        location: LocationId::parse("ber").expect("an id"),
        condition: Bucket::Sellable,
        lines: vec![LineQuantity { line_id: line_id(id), quantity: quantity(units) }],
    }
}

fn top(shop: &Shop) -> Vec<(String, u64)> {
    let top = block_on(most_bought::top(&shop.store, shards(), shop.now(), 30, 10)).expect("it reads");
    top.into_iter().map(|(item, units)| (item.to_string(), units)).collect()
}

fn beside(shop: &Shop, item: &str) -> Vec<(String, u64)> {
    let top = block_on(together::top(&shop.store, shards(), &item_id(item), 10)).expect("it reads");
    top.into_iter().map(|(item, orders)| (item.to_string(), orders)).collect()
}

/// Today's takings in euros, by store.
fn today(shop: &Shop) -> BTreeMap<String, Takings> {
    let found = block_on(turnover::of_all(&shop.store, shards(), Day::of(shop.now()))).expect("it reads");
    let of = |(store, by): (Option<StoreId>, turnover::ByCurrency)| {
        assert_eq!(by.keys().collect::<Vec<_>>(), ["EUR"]);
        (store.map_or_else(String::new, |store| store.to_string()), by["EUR"])
    };
    found.into_iter().map(of).collect()
}

fn names(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
    pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn what_is_confirmed_is_counted_and_nothing_before() {
    let mut shop = Shop::open();
    shop.order("o-0", placed());
    assert_eq!((top(&shop), today(&shop).len()), (Vec::new(), 0));
    let less = vec![
        adjustment("one", Some("a1"), -50, false),
        adjustment("tax", Some("a1"), 19, true),
        adjustment("post", None, 30, false),
    ];
    buy(&mut shop, "o-1", &[("a1", 2), ("b", 3)], less);
    buy(&mut shop, "o-2", &[("b", 1)], Vec::new());
    assert_eq!(top(&shop), names(&[("b", 4), ("a1", 2)]));
    assert_eq!((beside(&shop, "b"), beside(&shop, "a1")), (names(&[("a1", 1)]), names(&[("b", 1)])));
    let acme = Takings { orders: 1, units: 2, gross: 150, ..Takings::default() };
    let own = Takings { orders: 2, units: 4, gross: 430, ..Takings::default() };
    assert_eq!(today(&shop), BTreeMap::from([("acme".to_owned(), acme), (String::new(), own)]));
    let acme_id = StoreId::parse("acme").expect("an id");
    let alone = block_on(turnover::of_store(&shop.store, shards(), Day::of(shop.now()), &acme_id)).expect("it reads");
    assert_eq!(alone["EUR"], acme);
}

#[test]
fn what_is_cancelled_or_comes_back_is_taken_back_to_the_cent() {
    let mut shop = Shop::open();
    let less = vec![adjustment("one", Some("a1"), -1, false), adjustment("post", None, 30, false)];
    buy(&mut shop, "o-1", &[("a1", 3)], less);
    // 299 cents in three parts.
    for (back, cents) in [(1, 99), (2, 199)] {
        shop.order("o-1", cancelled("a1", 1));
        let acme = today(&shop)["acme"];
        assert_eq!((acme.units_back, acme.cancelled, acme.net()), (back, cents, 299 - cents));
    }
    assert_eq!(top(&shop), names(&[("a1", 1)]));
    assert_eq!(today(&shop)[""].net(), 30, "the postage goes with the last unit");
    shop.order("o-1", returned("a1", 1));
    let acme = today(&shop)["acme"];
    assert_eq!((acme.units_back, acme.cancelled, acme.returned, acme.net()), (3, 199, 100, 0));
    let own = today(&shop)[""];
    assert_eq!((own.returned, own.net()), (30, 0));
    assert_eq!(top(&shop), names(&[("a1", 1)]), "what comes back was bought");
    shop.order("o-1", OrderCancelled { effect: None, reason: None });
    assert_eq!(today(&shop)["acme"], acme, "its lines were taken back before");
    let refunded = OperatorRefunded { effect: effect("sorry"), amount: euros(7), reason: "sorry".to_owned() };
    shop.order("o-1", refunded);
    assert_eq!((today(&shop)[""].refunded, today(&shop)[""].net()), (7, -7));
}

#[test]
fn what_was_never_confirmed_takes_nothing_back() {
    let mut shop = Shop::open();
    shop.order("o-1", placed());
    shop.order("o-1", OrderCancelled { effect: None, reason: None });
    let refunded = OperatorRefunded { effect: effect("sorry"), amount: euros(7), reason: "sorry".to_owned() };
    shop.order("o-1", refunded);
    assert_eq!((top(&shop), today(&shop).len()), (Vec::new(), 0));
}

#[test]
fn a_cancellation_counts_on_its_own_day() {
    let mut shop = Shop::open();
    buy(&mut shop, "o-1", &[("b", 2)], Vec::new());
    shop.wait(86_400);
    shop.order("o-1", cancelled("b", 2));
    assert_eq!((today(&shop)[""].gross, today(&shop)[""].net()), (0, -200));
}

#[test]
fn minutes_leave_the_window_and_their_place_is_taken_again() {
    let mut shop = Shop::open();
    buy(&mut shop, "o-1", &[("b", 2)], Vec::new());
    shop.wait(29 * 60);
    assert_eq!(top(&shop), names(&[("b", 2)]));
    shop.wait(60);
    assert_eq!(top(&shop), Vec::new());
    shop.wait(34 * 60);
    buy(&mut shop, "o-2", &[("c", 1)], Vec::new());
    // The minute of `b` has left, and `c` may stand in its place.
    shop.order("o-1", cancelled("b", 2));
    assert_eq!(top(&shop), names(&[("c", 1)]));
}

/// Some orders, with what was cancelled and came back.
fn trade(shop: &mut Shop, orders: std::ops::Range<u32>) {
    for order in orders {
        let less = vec![adjustment("one", Some("a1"), -7, false)];
        buy(shop, &format!("o-{order}"), &[("a1", 3), ("b", order + 1)], less);
        shop.order(&format!("o-{order}"), cancelled("a1", 1));
        shop.order(&format!("o-{order}"), returned("b", 1));
        shop.wait(40);
    }
}

#[test]
fn a_replay_counts_nothing_twice() {
    let told = |shop: &Shop| (top(shop), today(shop), beside(shop, "a1"));
    let (mut once, half) = (Shop::open(), 4);
    trade(&mut once, 0..half);
    let in_between = told(&once);
    trade(&mut once, half..7);
    for batch in [1, 2, 5, 100] {
        let mut shop = Shop::open();
        trade(&mut shop, 0..half);
        shop.replay(batch);
        assert_eq!(told(&shop), in_between, "in batches of {batch}");
        // What comes after it builds on what was folded again.
        trade(&mut shop, half..7);
        assert_eq!(told(&shop), told(&once), "in batches of {batch}");
    }
}

#[test]
fn of_a_very_long_order_the_first_items_are_paired() {
    let mut shop = Shop::open();
    let ids: Vec<String> = (0..=MOST_OF_ORDER).map(|number| format!("b{number:02}")).collect();
    let lines: Vec<(&str, u32)> = ids.iter().map(|id| (id.as_str(), 1)).collect();
    buy(&mut shop, "o-1", &lines, Vec::new());
    assert_eq!(beside(&shop, "b00").len(), 10);
    assert_eq!(beside(&shop, &format!("b{MOST_OF_ORDER:02}")), Vec::new());
    let all = block_on(together::top(&shop.store, shards(), &item_id("b00"), 1_000)).expect("it reads");
    assert_eq!(all.len(), MOST_OF_ORDER - 1);
}

#[test]
fn in_a_full_row_the_rarest_gives_way() {
    let mut shop = Shop::open();
    for round in 0..2 {
        buy(&mut shop, &format!("often-{round}"), &[("b", 1), ("often", 1)], Vec::new());
    }
    for other in 0..MOST_OTHERS {
        buy(&mut shop, &format!("o-{other}"), &[("b", 1), (&format!("x{other:03}"), 1)], Vec::new());
    }
    let all = block_on(together::top(&shop.store, shards(), &item_id("b"), 1_000)).expect("it reads");
    let has = |id: &str| all.iter().any(|(item, _): &(ItemId, u64)| item.as_str() == id);
    assert_eq!((all.len(), all[0].1), (MOST_OTHERS, 2));
    assert!(has("often") && has("x199"));
    assert!(!has("x000"));
}
