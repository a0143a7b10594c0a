use crate::{
    contract::block_on,
    shop::{Shop, effect, euros, item_id, listed, quantity, subject},
};
use read_model::views::cart::{self, CartFlag, CartRow, ShownCart};
use schemas::{
    LineId, Metadata, OrderId,
    cart::{
        CartHandedOver, CartLine, CartLineRemoved, CartLineSet, CartMerged, CartOutcome, CartReply, CheckoutBegun,
        CheckoutEnded, MergeBegun,
    },
    item::PriceChanged,
    order::{HoldRefusal, OrderLine, OrderRefusal, SubmitMode},
};

fn order(id: &str) -> OrderId {
    OrderId::parse(id).expect("an id")
}

fn line(item: &str, units: u32) -> CartLine {
    CartLine { item_id: item_id(item), quantity: quantity(units), expected_unit_price: None }
}

fn set(item: &str, units: u32) -> CartLineSet {
    CartLineSet { effect: effect("set"), line: line(item, units) }
}

fn begun(id: &str, items: &[(&str, u32)], of_cart: bool) -> CheckoutBegun {
    let line = |(number, (item, units)): (usize, &(&str, u32))| OrderLine {
        line_id: LineId::parse(&(number + 1).to_string()).expect("an id"),
        item_id: item_id(item),
        quantity: quantity(*units),
        unit_price: None,
        expected_unit_price: None,
        metadata: Metadata::default(),
    };
    CheckoutBegun {
        effect: effect(id),
        order_id: order(id),
        lines: items.iter().enumerate().map(line).collect(),
        of_cart,
        submit: SubmitMode::Explicit,
        supersedes: Vec::new(),
        metadata: Metadata::default(),
    }
}

fn ended(id: &str, outcome: CartOutcome, lines: Vec<CartLine>) -> CheckoutEnded {
    CheckoutEnded { order_id: order(id), outcome, lines }
}

fn row(shop: &Shop) -> CartRow {
    block_on(cart::get(&shop.store, &subject("alice"))).expect("it reads")
}

fn shown(shop: &Shop) -> ShownCart {
    block_on(cart::shown(&shop.store, row(shop))).expect("it reads")
}

/// Item, units and flags of each line.
fn lines(row: &CartRow) -> Vec<(&str, u32, &[CartFlag])> {
    row.lines.iter().map(|it| (it.line.item_id.as_str(), it.line.quantity.get(), it.flags.as_slice())).collect()
}

/// Alice's cart of 2 tea and a cup, checked out as `o-1`.
fn locked() -> Shop {
    let mut shop = Shop::open();
    shop.cart("alice", set("tea", 2));
    shop.cart("alice", set("cup", 1));
    shop.cart("alice", begun("o-1", &[("cup", 1), ("tea", 2)], true));
    shop
}

#[test]
fn lines_are_ordered_by_item_and_the_newest_counts() {
    let mut shop = Shop::open();
    assert_eq!(row(&shop), CartRow::default());
    shop.cart("alice", set("tea", 2));
    shop.cart("alice", set("cup", 1));
    shop.cart("alice", set("tea", 5));
    shop.cart("bob", set("pot", 1));
    assert_eq!(lines(&row(&shop)), [("cup", 1, [].as_slice()), ("tea", 5, &[])]);
    shop.cart("alice", CartLineRemoved { effect: effect("r"), item_id: item_id("cup") });
    shop.cart("alice", CartLineRemoved { effect: effect("s"), item_id: item_id("tea") });
    assert_eq!(row(&shop), CartRow::default(), "an empty cart has no row");
}

#[test]
fn a_checkout_locks_it_and_counts_as_its_own_until_it_ends() {
    let mut shop = locked();
    shop.cart("alice", begun("o-2", &[("tea", 1), ("tea", 3)], false));
    let open = row(&shop);
    assert_eq!((open.locked_by, open.checkouts.len()), (Some(order("o-1")), 2));
    assert_eq!((row(&shop).own_units(&item_id("tea")), row(&shop).own_units(&item_id("pot"))), (6, 0));
    shop.cart("alice", ended("o-1", CartOutcome::Confirmed, Vec::new()));
    let bought = row(&shop);
    assert_eq!((bought.locked_by.clone(), bought.lines.len(), bought.own_units(&item_id("tea"))), (None, 0, 4));
    shop.cart("alice", ended("o-2", CartOutcome::Expired, Vec::new()));
    assert_eq!(row(&shop), CartRow::default());
}

#[test]
fn a_rejected_checkout_flags_each_line_that_was_refused() {
    let mut shop = locked();
    let refused = |item: &str, refusal| OrderRefusal::Item { item_id: item_id(item), refusal };
    let refusals = vec![
        refused("cup", HoldRefusal::PriceChanged { price: euros(7) }),
        refused("tea", HoldRefusal::InsufficientStock { asked: 2, available: 1 }),
    ];
    let both = vec![line("cup", 1), line("tea", 2)];
    shop.cart("alice", ended("o-1", CartOutcome::Rejected { refusals }, both));
    let (price, short) = (CartFlag::PriceChanged { price: euros(7) }, CartFlag::InsufficientStock { available: 1 });
    assert_eq!(lines(&row(&shop)), [("cup", 1, [price.clone()].as_slice()), ("tea", 2, &[short])]);
    shop.cart("alice", set("tea", 1));
    assert_eq!(lines(&row(&shop)), [("cup", 1, [price].as_slice()), ("tea", 1, &[])], "a change clears its line's");
    shop.cart("alice", begun("o-2", &[("cup", 1), ("tea", 1)], true));
    assert!(row(&shop).lines.iter().all(|line| line.flags.is_empty()), "a new checkout begins without");
}

#[test]
fn an_expired_checkout_flags_all_lines_and_a_cancelled_one_none() {
    let both = || vec![line("cup", 1), line("tea", 2)];
    for (outcome, flags) in [(CartOutcome::Expired, vec![CartFlag::CheckoutExpired]), (CartOutcome::Cancelled, vec![])]
    {
        let mut shop = locked();
        shop.cart("alice", ended("o-1", outcome, both()));
        assert!(row(&shop).lines.iter().all(|line| line.flags == flags));
    }
    let mut shop = locked();
    shop.cart("alice", begun("o-2", &[("pot", 1)], false));
    shop.cart("alice", ended("o-2", CartOutcome::Expired, both()));
    assert!(row(&shop).lines.iter().all(|line| line.flags.is_empty()), "it was not of the cart");
    assert_eq!(row(&shop).locked_by, Some(order("o-1")));
}

#[test]
fn a_merge_moves_the_lines() {
    let mut shop = Shop::open();
    shop.cart("guest", set("tea", 2));
    shop.cart("alice", MergeBegun { effect: effect("m"), guest: subject("guest") });
    let handed = CartHandedOver { effect: effect("m"), to: subject("alice"), lines: vec![line("tea", 2)] };
    shop.cart("guest", handed);
    shop.cart("alice", CartMerged { effect: effect("m"), guest: subject("guest"), lines: vec![line("tea", 2)] });
    assert_eq!(lines(&row(&shop)), [("tea", 2, [].as_slice())]);
    let guests = block_on(cart::get(&shop.store, &subject("guest"))).expect("it reads");
    assert_eq!(guests, CartRow::default());
}

#[test]
fn it_is_shown_with_what_its_items_say_now() {
    let mut shop = locked();
    for (item, cents) in [("cup", 300), ("tea", 500)] {
        shop.item(item, listed(1, None, None, None));
        shop.item(item, PriceChanged { price: euros(cents), previous: None, catalog_version: 2 });
    }
    let cart = shown(&shop);
    assert_eq!((cart.total, cart.locked_by), (Some(euros(1_300)), Some(order("o-1"))));
    let tea = &cart.lines[1];
    assert_eq!((tea.price, tea.available), (Some(euros(500)), Some(2)), "what she holds herself she can have");
    shop.cart("alice", ended("o-1", CartOutcome::Cancelled, vec![line("pot", 1), line("tea", 2)]));
    let cart = shown(&shop);
    assert_eq!((cart.total, cart.lines[0].price, cart.lines[1].available), (None, None, Some(0)));
    assert_eq!(cart.lines[0].flags, [CartFlag::ItemUnavailable], "there is no such item");
}

#[test]
fn what_the_cart_itself_tells_is_newer_and_keeps_the_flags_of_equal_lines() {
    let mut shop = locked();
    shop.cart("alice", ended("o-1", CartOutcome::Expired, vec![line("cup", 1), line("tea", 2)]));
    let lines_now = vec![line("cup", 1), line("tea", 3)];
    let reply = CartReply { shopper: subject("alice"), lines: lines_now, locked_by: None };
    let told = row(&shop).told(&reply);
    assert_eq!(lines(&told), [("cup", 1, [CartFlag::CheckoutExpired].as_slice()), ("tea", 3, &[])]);
}
