use crate::{
    contract::block_on,
    shop::{BEGIN_MS, Shop, effect, euros, free_hold, item_id, levels, listed, place, quantity},
};
use read_model::views::ledger::{self, LedgerBucket, LedgerKind, LedgerRow};
use schemas::{
    AllotmentId, CancellationId, ClaimId, DropId, Metadata, OrderId, Position, ReturnId, SubOrderId, Timestamp, Topic,
    item::{
        AllotmentReturned, AllottedCommitted, Bucket, FeedSource, ForwardedQuantity, ForwardedUnits, HoldClosed,
        HoldCommitted, HoldExpired, HoldGranted, HoldId, HoldReleased, ItemDelisted, LocationLevels, PriceChanged,
        SafetySet, ShortfallDetected, StockCounted, StockDispatched, StockMoved, StockReceived, StockRestocked,
        StockShipped, SubOrderQuantity, TransferLost, TransferReceived, UnitsAllocated, UnitsAllotted,
        UnitsDeallocated, UnitsUncommitted,
    },
};

fn page(shop: &Shop, before: Option<u64>, limit: usize) -> Vec<LedgerRow> {
    block_on(ledger::page(&shop.store, &item_id("a"), before, limit)).expect("it reads")
}

fn newest(shop: &Shop) -> LedgerRow {
    page(shop, None, 1).pop().expect("an entry")
}

fn order_hold() -> HoldId {
    HoldId::Order { order: OrderId::parse("o-1").expect("an id"), attempt: 2, item: item_id("a") }
}

fn allotment() -> AllotmentId {
    AllotmentId::parse("al-1").expect("an id")
}

fn sub_order() -> SubOrderId {
    SubOrderId::parse("so-1").expect("an id")
}

/// Checks kind, quantity, hold, effect, reference and reason of the newest entry.
///
/// Every entry also tells the levels after it.
fn tells(shop: &Shop, kind: LedgerKind, quantity: i64, texts: [Option<&str>; 4]) {
    let row = newest(shop);
    let [hold, effect, reference, reason] = texts;
    assert_eq!((row.kind, row.quantity), (kind, quantity));
    assert_eq!(row.hold.as_deref(), hold, "the hold of {kind:?}");
    assert_eq!(row.effect.as_ref().map(|id| id.as_str()), effect, "the effect of {kind:?}");
    assert_eq!(row.reference.as_deref(), reference, "the reference of {kind:?}");
    assert_eq!(row.reason.as_deref(), reason, "the reason of {kind:?}");
    assert_eq!(row.levels, levels(4, 9, 5), "the levels after {kind:?}");
}

#[test]
fn tells_position_time_actor_and_cause_and_the_place_touched() {
    let mut shop = Shop::open();
    let position = shop.item("a", received());
    let row = newest(&shop);
    assert_eq!(row.position, position);
    assert_eq!(row.time, Timestamp::from_millis(BEGIN_MS));
    assert_eq!((row.actor.as_str(), row.cause.as_str()), ("operator:op", "cmd-1"));
    assert_eq!(row.places, [place("ber", 9)]);
}

fn received() -> StockReceived {
    StockReceived {
        effect: effect("r-1"),
        quantity: quantity(9),
        document: "DN 7".to_owned(),
        occurred_at: None,
        metadata: Metadata::default(),
        feed: None,
        stock: levels(4, 9, 5),
        place: place("ber", 9),
    }
}

#[test]
fn tells_of_receipts_counts_and_moves() {
    let mut shop = Shop::open();
    let stock = levels(4, 9, 5);
    shop.item("a", received());
    tells(&shop, LedgerKind::StockReceived, 9, [None, Some("r-1"), Some("DN 7"), None]);
    let counted = StockCounted {
        effect: effect("c-1"),
        delta: -2,
        reason: "yearly".to_owned(),
        shipment_of: None,
        feed: None,
        stock,
        place: place("ber", 9),
    };
    shop.item("a", counted);
    tells(&shop, LedgerKind::StockCounted, -2, [None, Some("c-1"), None, Some("yearly")]);
    let moved = StockMoved {
        effect: effect("m-1"),
        from: Bucket::Sellable,
        to: Bucket::Damaged,
        quantity: quantity(1),
        reason: "broken".to_owned(),
        reference: "REF".to_owned(),
        stock,
        place: place("ber", 9),
    };
    shop.item("a", moved);
    tells(&shop, LedgerKind::StockMoved, 1, [None, Some("m-1"), Some("REF"), Some("broken")]);
    goes(&shop, Some(LedgerBucket::Sellable), Some(LedgerBucket::Damaged));
}

/// Checks what the units of the newest entry were counted as, and are.
fn goes(shop: &Shop, from: Option<LedgerBucket>, to: Option<LedgerBucket>) {
    assert_eq!((newest(shop).from, newest(shop).to), (from, to));
}

#[test]
fn tells_which_suppliers_system_said_so() {
    let mut shop = Shop::open();
    let feed = Some(FeedSource::parse("https://erp.example/feeds/7").expect("a source"));
    shop.item("a", StockReceived { feed: feed.clone(), ..received() });
    assert_eq!(newest(&shop).actor, "supplier:https://erp.example/feeds/7");
    let counted = StockCounted {
        effect: effect("r-1"),
        delta: -9,
        reason: "counted before".to_owned(),
        shipment_of: None,
        feed: feed.clone(),
        stock: levels(4, 9, 5),
        place: place("ber", 0),
    };
    shop.item("a", counted);
    assert_eq!(newest(&shop).actor, "supplier:https://erp.example/feeds/7");
    tells(&shop, LedgerKind::StockCounted, -9, [None, Some("r-1"), None, Some("counted before")]);
    shop.item("a", received());
    assert_eq!(newest(&shop).actor, "operator:op");
}

#[test]
fn tells_of_units_between_locations() {
    let mut shop = Shop::open();
    let (stock, quantity) = (levels(4, 9, 5), quantity(2));
    let sent = StockDispatched {
        effect: effect("m-1"),
        quantity,
        reason: Some("empty".to_owned()),
        reference: Some("REF".to_owned()),
        forward: None,
        stock,
        places: vec![place("ber", 7), LocationLevels { incoming: 2, ..place("ham", 0) }],
    };
    shop.item("a", sent.clone());
    tells(&shop, LedgerKind::StockDispatched, 2, [None, Some("m-1"), Some("REF"), Some("empty")]);
    assert_eq!(newest(&shop).places, sent.places);
    let forward = ForwardedUnits {
        hold: order_hold(),
        sub_order: sub_order(),
        to_sub_order: SubOrderId::parse("so-2").expect("an id"),
        allocated: Vec::new(),
        committed: 2,
        forwarded: Vec::new(),
    };
    let forwarded = StockDispatched { reason: None, reference: None, forward: Some(forward), ..sent };
    shop.item("a", forwarded);
    let hold = Some("order/o-1/2");
    tells(&shop, LedgerKind::StockDispatched, 2, [hold, Some("m-1"), Some("so-2"), None]);
    let transfer = schemas::EffectId::parse("m-1").expect("an id");
    let received = TransferReceived {
        effect: effect("r-1"),
        transfer: transfer.clone(),
        quantity,
        hold: Some(order_hold()),
        ordered: 2,
        stock,
        place: place("ham", 2),
    };
    shop.item("a", received);
    tells(&shop, LedgerKind::TransferReceived, 2, [hold, Some("r-1"), Some("m-1"), None]);
    shop.item("a", TransferLost { effect: effect("r-2"), transfer, quantity, stock, place: place("ham", 2) });
    tells(&shop, LedgerKind::TransferLost, 2, [None, Some("r-2"), Some("m-1"), None]);
}

#[test]
fn tells_of_holds_of_all_kinds() {
    let mut shop = Shop::open();
    let stock = levels(4, 9, 5);
    let granted = |hold, reference: Option<&str>| HoldGranted {
        hold,
        quantity: quantity(2),
        unit_price: euros(1),
        expires_at: None,
        reference: reference.map(str::to_owned),
        metadata: Metadata::default(),
        effect: None,
        stock,
    };
    shop.item("a", granted(order_hold(), None));
    tells(&shop, LedgerKind::HoldGranted, 2, [Some("order/o-1/2"), None, None, None]);
    shop.item("a", granted(free_hold("erp", "h"), Some("PO")));
    tells(&shop, LedgerKind::HoldGranted, 2, [Some("free/erp/h"), None, Some("PO"), None]);
    shop.item("a", HoldCommitted { hold: order_hold(), quantity: quantity(2), stock });
    tells(&shop, LedgerKind::HoldCommitted, 2, [Some("order/o-1/2"), None, None, None]);
    for (held, committed, from) in
        [(3, 0, Some(LedgerBucket::Held)), (0, 2, Some(LedgerBucket::Committed)), (0, 0, None)]
    {
        shop.item("a", HoldReleased { hold: order_hold(), held, committed, stock });
        let units = i64::from(held + committed);
        tells(&shop, LedgerKind::HoldReleased, units, [Some("order/o-1/2"), None, None, None]);
        goes(&shop, from, None);
    }
    shop.item("a", HoldExpired { hold: order_hold(), quantity: quantity(2), stock });
    tells(&shop, LedgerKind::HoldExpired, 2, [Some("order/o-1/2"), None, None, None]);
}

#[test]
fn a_hold_that_is_closed_is_no_entry() {
    let mut shop = Shop::open();
    shop.item("a", HoldCommitted { hold: order_hold(), quantity: quantity(2), stock: levels(4, 9, 5) });
    let before = page(&shop, None, 9);
    shop.item("a", HoldClosed { hold: order_hold() });
    assert_eq!(page(&shop, None, 9), before, "no unit went anywhere");
}

#[test]
fn tells_of_units_on_their_way_out_and_back() {
    let mut shop = Shop::open();
    let (stock, hold) = (levels(4, 9, 5), Some("order/o-1/2"));
    let place = || place("ber", 9);
    let part = SubOrderQuantity { sub_order: sub_order(), quantity: quantity(2) };
    let (effect, quantity) = (effect("e-1"), quantity(2));
    let allocated =
        UnitsAllocated { sub_order: sub_order(), hold: order_hold(), quantity, shipment: None, stock, place: place() };
    shop.item("a", allocated.clone());
    tells(&shop, LedgerKind::UnitsAllocated, 2, [hold, None, Some("so-1"), None]);
    shop.item("a", UnitsAllocated { shipment: Some(effect.id.clone()), ..allocated });
    tells(&shop, LedgerKind::UnitsAllocated, 2, [hold, Some("e-1"), Some("so-1"), None]);
    shop.item("a", UnitsDeallocated { sub_order: sub_order(), hold: order_hold(), quantity, stock, place: place() });
    tells(&shop, LedgerKind::UnitsDeallocated, 2, [hold, None, Some("so-1"), None]);
    let uncommitted = UnitsUncommitted {
        cancellation: CancellationId::parse("ca-1").expect("an id"),
        hold: order_hold(),
        committed: 1,
        allocated: vec![part],
        forwarded: vec![ForwardedQuantity { shipment: effect.id.clone(), quantity }],
        into: None,
        stock,
        places: vec![place()],
    };
    shop.item("a", uncommitted.clone());
    tells(&shop, LedgerKind::UnitsUncommitted, 5, [hold, None, Some("ca-1"), None]);
    goes(&shop, None, None);
    shop.item("a", UnitsUncommitted { into: Some(allotment()), ..uncommitted });
    goes(&shop, None, Some(LedgerBucket::Allotted));
    let shipped = StockShipped {
        effect: effect.clone(),
        hold: order_hold(),
        sub_order: Some(sub_order()),
        quantity,
        allocated: Vec::new(),
        forwarded: Vec::new(),
        committed: 2,
        stock,
        places: vec![place(), crate::shop::place("ham", 1)],
    };
    shop.item("a", shipped);
    tells(&shop, LedgerKind::StockShipped, 2, [hold, Some("e-1"), Some("so-1"), None]);
    assert_eq!(newest(&shop).places.len(), 2);
    let restocked = StockRestocked {
        effect,
        return_id: ReturnId::parse("re-1").expect("an id"),
        hold: order_hold(),
        condition: Bucket::Damaged,
        quantity,
        stock,
        place: place(),
    };
    shop.item("a", restocked);
    tells(&shop, LedgerKind::StockRestocked, 2, [hold, Some("e-1"), Some("re-1"), None]);
    goes(&shop, None, Some(LedgerBucket::Damaged));
}

#[test]
fn tells_of_drops_safety_and_shortfalls() {
    let mut shop = Shop::open();
    let (stock, quantity) = (levels(4, 9, 5), quantity(2));
    let drop = DropId::parse("d-1").expect("an id");
    shop.item("a", UnitsAllotted { allotment: allotment(), drop: drop.clone(), quantity, stock });
    tells(&shop, LedgerKind::UnitsAllotted, 2, [None, None, Some("al-1"), None]);
    shop.item("a", AllotmentReturned { effect: effect("e-1"), allotment: allotment(), quantity, stock });
    tells(&shop, LedgerKind::AllotmentReturned, 2, [None, Some("e-1"), Some("al-1"), None]);
    let hold = HoldId::Drop { drop, claim: ClaimId::parse("cl-1").expect("an id") };
    shop.item("a", AllottedCommitted { allotment: allotment(), hold, order_id: None, quantity, stock });
    tells(&shop, LedgerKind::AllottedCommitted, 2, [Some("drop/d-1/cl-1"), None, Some("al-1"), None]);
    shop.item("a", SafetySet { quantity: 3, previous: 1, stock });
    tells(&shop, LedgerKind::SafetySet, 3, [None; 4]);
    shop.item("a", ShortfallDetected { missing: 6, stock });
    tells(&shop, LedgerKind::ShortfallDetected, 6, [None; 4]);
}

#[test]
fn tells_nothing_of_what_is_no_stock() {
    let mut shop = Shop::open();
    shop.item("a", listed(1, None, None, None));
    shop.item("a", PriceChanged { price: euros(500), previous: None, catalog_version: 1 });
    shop.item("a", ItemDelisted { catalog_version: 2, source: None, category: None, store: None });
    assert!(page(&shop, None, 10).is_empty());
}

#[test]
fn pages_go_backwards() {
    let mut shop = Shop::open();
    for _ in 0..5 {
        shop.item("a", SafetySet { quantity: 3, previous: 1, stock: levels(0, 0, 0) });
        shop.item("b", SafetySet { quantity: 3, previous: 1, stock: levels(0, 0, 0) });
    }
    let seqs = |before, limit| -> Vec<u64> { page(&shop, before, limit).iter().map(|row| row.position.seq).collect() };
    assert_eq!(seqs(None, 3), [9, 7, 5]);
    assert_eq!(seqs(Some(5), 3), [3, 1]);
    assert_eq!(seqs(Some(1), 3), [0; 0]);
}

#[test]
fn a_gap_in_time_is_found_by_halving() {
    let mut shop = Shop::open();
    // Entries of the item at 1, 9 and 17 among others'.
    for at in 1..=17 {
        let item = if at % 8 == 1 { "a" } else { "b" };
        shop.item(item, SafetySet { quantity: 3, previous: 1, stock: levels(0, 0, 0) });
    }
    let at = |seconds: i64| {
        let time = Timestamp::from_millis(BEGIN_MS + seconds * 1_000);
        block_on(ledger::at_time(&shop.store, &item_id("a"), time)).expect("it reads").map(|row| row.position)
    };
    let position = |seq| Some(Position { topic: Topic::InventoryEvents, partition: 0, seq });
    assert_eq!(at(-1), None);
    for seconds in 0..=20 {
        let expected = if seconds < 8 {
            1
        } else if seconds < 16 {
            9
        } else {
            17
        };
        assert_eq!(at(seconds), position(expected), "after {seconds} s");
    }
}

/// Sets the safety stock of an item so often; its ledger tells of each.
fn happen(shop: &mut Shop, item: &str, times: usize) {
    for _ in 0..times {
        shop.item(item, SafetySet { quantity: 3, previous: 1, stock: levels(0, 0, 0) });
    }
}

fn seqs(shop: &Shop, before: Option<u64>, limit: usize) -> Vec<u64> {
    page(shop, before, limit).iter().map(|row| row.position.seq).collect()
}

#[test]
fn a_long_ledger_is_read_over_its_pages() {
    let mut shop = Shop::open();
    happen(&mut shop, "a", 100);
    assert_eq!(seqs(&shop, None, 200), (1..=100).rev().collect::<Vec<_>>());
    for (before, limit) in [(33, 5), (32, 5), (65, 40), (97, 1), (101, 64)] {
        let expected: Vec<u64> = (1..before).rev().take(limit).collect();
        assert_eq!(seqs(&shop, Some(before), limit), expected, "{limit} before {before}");
    }
}

#[test]
fn an_item_with_few_entries_among_many_is_read_to_its_end() {
    let mut shop = Shop::open();
    for _ in 0..20 {
        happen(&mut shop, "a", 1);
        happen(&mut shop, "b", 40);
    }
    assert_eq!(seqs(&shop, None, 200), (0..20).rev().map(|n| n * 41 + 1).collect::<Vec<_>>());
    assert_eq!(seqs(&shop, None, 7).len(), 7);
}

#[test]
fn a_page_goes_on_after_a_restart() {
    let mut shop = Shop::open();
    for _ in 0..9 {
        happen(&mut shop, "a", 11);
        shop.restart();
    }
    assert_eq!(seqs(&shop, None, 200), (1..=99).rev().collect::<Vec<_>>());
}

#[test]
fn a_replay_in_other_batches_writes_the_same_pages() {
    let mut shop = Shop::open();
    happen(&mut shop, "a", 70);
    let before = page(&shop, None, 200);
    for batch in [1, 7, 33, 70] {
        shop.replay(batch);
        assert_eq!(page(&shop, None, 200), before, "in batches of {batch}");
    }
}
