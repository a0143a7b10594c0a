use crate::{
    contract::block_on,
    shop::{Shop, effect, euros, free_hold, item_id, levels, place, quantity, subject},
};
use read_model::views::hold::{self, HoldRow};
use schemas::{
    FreeHoldId, Metadata, OrderId, Timestamp,
    item::{HoldCommitted, HoldExpired, HoldGranted, HoldId, HoldReleased, HoldStatus, StockShipped},
};

fn granted(hold: HoldId) -> HoldGranted {
    HoldGranted {
        hold,
        quantity: quantity(3),
        unit_price: euros(250),
        expires_at: Some(Timestamp::from_millis(1_900_000_000_000)),
        reference: Some("PO-7".to_owned()),
        metadata: Metadata::default(),
        effect: None,
        stock: levels(4, 7, 3),
    }
}

fn ours() -> HoldId {
    free_hold("erp", "h-1")
}

fn get(shop: &Shop, caller: &str) -> Option<HoldRow> {
    let id = FreeHoldId::parse("h-1").expect("an id");
    block_on(hold::get(&shop.store, &item_id("a"), &subject(caller), &id)).expect("it reads")
}

fn status(shop: &Shop) -> HoldStatus {
    get(shop, "erp").expect("it is there").status
}

fn shipped(units: u32) -> StockShipped {
    StockShipped {
        effect: effect("s-1"),
        hold: ours(),
        sub_order: None,
        quantity: quantity(units),
        allocated: Vec::new(),
        forwarded: Vec::new(),
        committed: units,
        stock: levels(4, 4, 0),
        places: vec![place("ber", 4)],
    }
}

#[test]
fn granted_is_active_with_all_that_its_owner_said() {
    let mut shop = Shop::open();
    shop.item("a", granted(ours()));
    let row = get(&shop, "erp").expect("it is there");
    assert_eq!((row.status, row.quantity, row.unit_price), (HoldStatus::Active, quantity(3), euros(250)));
    assert_eq!((row.available, row.shipped, row.reference.as_deref()), (4, 0, Some("PO-7")));
    assert_eq!(row.expires_at, Some(Timestamp::from_millis(1_900_000_000_000)));
}

#[test]
fn another_callers_hold_of_that_id_is_another_hold() {
    let mut shop = Shop::open();
    shop.item("a", granted(ours()));
    assert_eq!(get(&shop, "other"), None);
}

#[test]
fn an_orders_hold_is_not_shown() {
    let mut shop = Shop::open();
    let order = OrderId::parse("h-1").expect("an id");
    shop.item("a", granted(HoldId::Order { order, attempt: 1, item: item_id("a") }));
    assert_eq!(get(&shop, "erp"), None);
}

#[test]
fn committed_then_shipped_in_parts() {
    let mut shop = Shop::open();
    shop.item("a", granted(ours()));
    shop.item("a", HoldCommitted { hold: ours(), quantity: quantity(3), stock: levels(4, 7, 0) });
    assert_eq!(status(&shop), HoldStatus::Committed);
    shop.restart();
    shop.item("a", shipped(2));
    assert_eq!((status(&shop), get(&shop, "erp").map(|row| row.shipped)), (HoldStatus::Committed, Some(2)));
    shop.item("a", shipped(1));
    assert_eq!((status(&shop), get(&shop, "erp").map(|row| row.shipped)), (HoldStatus::Shipped, Some(3)));
}

#[test]
fn released() {
    let mut shop = Shop::open();
    shop.item("a", granted(ours()));
    shop.item("a", HoldReleased { hold: ours(), held: 3, committed: 0, stock: levels(7, 7, 0) });
    assert_eq!(status(&shop), HoldStatus::Released);
}

#[test]
fn expired() {
    let mut shop = Shop::open();
    shop.item("a", granted(ours()));
    shop.item("a", HoldExpired { hold: ours(), quantity: quantity(3), stock: levels(7, 7, 0) });
    assert_eq!(status(&shop), HoldStatus::Expired);
}

#[test]
fn released_before_it_was_placed_is_not_shown() {
    let mut shop = Shop::open();
    shop.item("a", HoldReleased { hold: ours(), held: 0, committed: 0, stock: levels(7, 7, 0) });
    assert_eq!(get(&shop, "erp"), None);
}

#[test]
fn an_id_that_is_granted_again_begins_anew() {
    let mut shop = Shop::open();
    shop.item("a", granted(ours()));
    shop.item("a", HoldExpired { hold: ours(), quantity: quantity(3), stock: levels(7, 7, 0) });
    shop.item("a", granted(ours()));
    let row = get(&shop, "erp").expect("it is there");
    assert_eq!((row.status, row.seq), (HoldStatus::Active, 3));
}
