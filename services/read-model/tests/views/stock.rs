use crate::{
    contract::block_on,
    shop::{BEGIN_MS, Shop, effect, euros, free_hold, item_id, levels, listed, place, quantity},
};
use read_model::views::{
    stock::{self, StockRow},
    stock_history::{self, AsOf},
};
use schemas::{
    Metadata, Position, Timestamp, Topic,
    item::{
        HoldGranted, LocationLevels, StockCounted, StockDispatched, StockReceived, StockShipped, TransferLost,
        TransferReceived,
    },
};

fn received(location: &str, units: u32, stock: schemas::item::StockLevels, sellable: u64) -> StockReceived {
    StockReceived {
        effect: effect("r-1"),
        quantity: quantity(units),
        document: "note".to_owned(),
        occurred_at: None,
        metadata: Metadata::default(),
        feed: None,
        stock,
        place: place(location, sellable),
    }
}

fn granted(stock: schemas::item::StockLevels) -> HoldGranted {
    HoldGranted {
        hold: free_hold("erp", "h"),
        quantity: quantity(1),
        unit_price: euros(1),
        expires_at: None,
        reference: None,
        metadata: Metadata::default(),
        effect: None,
        stock,
    }
}

/// Two receipts at Berlin, one at Hamburg, a hold, a count at Berlin: events 1 to 6 with a listing at 3.
fn shop() -> Shop {
    let mut shop = Shop::open();
    shop.item("a", received("ber", 5, levels(5, 5, 0), 5));
    shop.item("a", received("ham", 2, levels(7, 7, 0), 2));
    shop.item("a", listed(1, None, None, None));
    shop.item("a", received("ber", 1, levels(8, 8, 0), 6));
    shop.item("a", granted(levels(7, 8, 1)));
    let counted = StockCounted {
        effect: effect("c-1"),
        delta: -2,
        reason: "yearly".to_owned(),
        shipment_of: None,
        feed: None,
        stock: levels(5, 6, 1),
        place: place("ber", 4),
    };
    shop.item("a", counted);
    shop
}

fn sellable(row: &StockRow) -> Vec<(&str, u64)> {
    row.locations.iter().map(|(location, place)| (location.as_str(), place.sellable)).collect()
}

#[test]
fn shows_all_locations_and_their_sum() {
    let shop = shop();
    let row = block_on(stock::get(&shop.store, &item_id("a"))).expect("it reads").expect("it is there");
    assert_eq!(row.levels, levels(5, 6, 1));
    assert_eq!(sellable(&row), [("ber", 4), ("ham", 2)]);
    assert_eq!(row.position, Position { topic: Topic::InventoryEvents, partition: 0, seq: 6 });
}

#[test]
fn shows_every_location_that_a_shipment_touched() {
    let mut shop = shop();
    let shipped = StockShipped {
        effect: effect("s-1"),
        hold: free_hold("erp", "h"),
        sub_order: None,
        quantity: quantity(2),
        allocated: Vec::new(),
        forwarded: Vec::new(),
        committed: 2,
        stock: levels(3, 4, 1),
        places: vec![place("ber", 3), place("ham", 1)],
    };
    shop.item("a", shipped);
    let row = block_on(stock::get(&shop.store, &item_id("a"))).expect("it reads").expect("it is there");
    assert_eq!(sellable(&row), [("ber", 3), ("ham", 1)]);
}

#[test]
fn shows_what_is_on_its_way_and_what_of_it_is_ordered() {
    let mut shop = shop();
    let sent = |units: u64| LocationLevels { incoming: units, forwarded: units.min(1), ..place("kiel", 0) };
    let dispatched = StockDispatched {
        effect: effect("m-1"),
        quantity: quantity(2),
        reason: None,
        reference: None,
        forward: None,
        stock: levels(3, 4, 1),
        places: vec![place("ber", 2), sent(2)],
    };
    shop.item("a", dispatched);
    let kiel = |shop: &Shop| {
        let row = block_on(stock::get(&shop.store, &item_id("a"))).expect("it reads").expect("it is there");
        (row.levels, row.locations.into_values().find(|place| place.location.as_str() == "kiel").expect("known"))
    };
    assert_eq!(kiel(&shop), (levels(3, 4, 1), sent(2)));
    let (effect, transfer) = (effect("r-1"), schemas::EffectId::parse("m-1").expect("an id"));
    let lost = TransferLost {
        effect: effect.clone(),
        transfer: transfer.clone(),
        quantity: quantity(1),
        stock: levels(3, 4, 1),
        place: sent(1),
    };
    shop.item("a", lost);
    assert_eq!(kiel(&shop), (levels(3, 4, 1), sent(1)));
    let stock = levels(4, 5, 1);
    let place = place("kiel", 1);
    let received = TransferReceived {
        effect,
        transfer,
        quantity: quantity(1),
        hold: None,
        ordered: 0,
        stock,
        place: place.clone(),
    };
    shop.item("a", received);
    assert_eq!(kiel(&shop), (stock, place.clone()));
    let kiel_at = |at| {
        let row = as_of(&shop, seq(at)).expect("there was stock");
        row.locations.into_values().find(|place| place.location.as_str() == "kiel")
    };
    assert_eq!([kiel_at(6), kiel_at(7), kiel_at(8), kiel_at(9)], [None, Some(sent(2)), Some(sent(1)), Some(place)]);
}

#[test]
fn is_not_there_for_an_item_without_stock() {
    let mut shop = Shop::open();
    shop.item("a", listed(1, None, None, None));
    assert_eq!(block_on(stock::get(&shop.store, &item_id("a"))).expect("it reads"), None);
}

fn as_of(shop: &Shop, at: AsOf) -> Option<StockRow> {
    block_on(stock_history::as_of(&shop.store, &item_id("a"), at)).expect("it reads")
}

fn seq(seq: u64) -> AsOf {
    AsOf::Position(Position { topic: Topic::InventoryEvents, partition: 0, seq })
}

#[test]
fn tells_what_was_there_after_an_event() {
    let shop = shop();
    let row = as_of(&shop, seq(2)).expect("there was stock");
    assert_eq!((row.levels, sellable(&row)), (levels(7, 7, 0), vec![("ber", 5), ("ham", 2)]));
    let row = as_of(&shop, seq(5)).expect("there was stock");
    assert_eq!((row.levels, sellable(&row)), (levels(7, 8, 1), vec![("ber", 6), ("ham", 2)]));
    // The listing did not touch stock: what was before holds.
    assert_eq!(as_of(&shop, seq(3)), as_of(&shop, seq(2)));
    assert_eq!(as_of(&shop, seq(999)).map(|row| row.position.seq), Some(6));
}

#[test]
fn tells_what_was_there_at_a_time() {
    let shop = shop();
    let at = |seconds: i64| as_of(&shop, AsOf::Time(Timestamp::from_millis(BEGIN_MS + seconds * 1_000)));
    assert_eq!(at(-1), None);
    for (seconds, seq) in [(0, 1), (1, 2), (2, 2), (3, 4), (4, 5), (5, 6), (999, 6)] {
        assert_eq!(at(seconds).map(|row| row.position.seq), Some(seq), "after {seconds} s");
    }
}

#[test]
fn was_nothing_before_the_first_event_or_in_another_partition() {
    let shop = shop();
    assert_eq!(as_of(&shop, seq(0)), None);
    let elsewhere = Position { topic: Topic::InventoryEvents, partition: 1, seq: 3 };
    assert_eq!(as_of(&shop, AsOf::Position(elsewhere)), None);
}
