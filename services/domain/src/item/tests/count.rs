use super::{kit::*, transfers_kit::deallocated as told};
use schemas::{Role, item::*};

fn counted(id: &str, counted: u64, delta: i64, stock: StockLevels, place: LocationLevels) -> ItemEvent {
    let reason = "counted".to_owned();
    StockCounted { effect: effect_of(id, counted), delta, reason, shipment_of: None, feed: None, stock, place }.into()
}

fn expecting(expected: u64) -> ItemCommand {
    let ItemCommand::Count(c) = count("c", "main", 4) else { panic!("a count") };
    ItemCommand::Count(CountStock { expected: Some(expected), ..c })
}

#[test]
fn refuses_a_stranger() {
    given_stock(5).by(caller(Role::Store)).when(count("c", "main", 1)).refuses(ItemRejection::ItemOfAnotherStore);
}

#[test]
fn refuses_the_same_id_with_another_number() {
    let rejection = ItemRejection::ExistsWithDifferentQuantity { quantity: 4 };
    given_stock(5).and(count("c", "main", 4)).when(count("c", "main", 3)).refuses(rejection);
}

#[test]
fn refuses_an_item_that_was_never_listed() {
    given_nothing().when(count("c", "main", 1)).refuses(ItemRejection::ItemNotFound);
}

#[test]
fn refuses_a_digital_item() {
    given_digital().when(count("c", "main", 1)).refuses(ItemRejection::DigitalHasNoStock);
}

#[test]
fn refuses_a_stale_count() {
    given_stock(5).when(expecting(6)).refuses(ItemRejection::StaleCount { current: 5 });
    given_stock(5).when(expecting(5)).replies(stock_reply(4, 4));
}

#[test]
fn refuses_more_than_a_location_holds() {
    for too_many in [1_000_000_001, u64::MAX] {
        given_stock(5).when(count("c", "main", too_many)).refuses(ItemRejection::StockTooLarge);
    }
    let damaged = given_stock(5).and(move_stock("m", Bucket::Sellable, Bucket::Damaged, 5));
    damaged.when(count("c", "main", 999_999_996)).refuses(ItemRejection::StockTooLarge);
}

#[test]
fn sets_what_was_found() {
    given_stock(5)
        .when(count("c", "main", 7))
        .then([counted("c", 7, 2, levels(7, 7), at_main(7))])
        .replies(stock_reply(7, 7));
    given_stock(5)
        .when(count("c", "main", 0))
        .then([counted("c", 0, -5, levels(0, 0), at_main(0))])
        .replies(stock_reply(0, 0));
}

#[test]
fn a_count_that_finds_what_is_on_record_is_recorded() {
    given_stock(5).when(count("c", "main", 5)).then([counted("c", 5, 0, levels(5, 5), at_main(5))]);
}

#[test]
fn records_what_is_promised_and_not_there() {
    let stock = StockLevels { held: 4, ..levels(-3, 1) };
    given_stock(5)
        .and(hold(free("h"), 4))
        .when(count("c", "main", 1))
        .then([counted("c", 1, -4, stock, at_main(1)), ShortfallDetected { missing: 3, stock }.into()])
        .replies(stock_reply(-3, 1));
}

#[test]
fn gives_up_the_newest_allocations() {
    let held = given_stock(6).and(hold(of_order("o1"), 2)).and(commit(of_order("o1")));
    let held = held.and(hold(of_order("o2"), 3)).and(commit(of_order("o2")));
    let allocated = held.and(allocate("s1", of_order("o1"), "main", 2)).and(allocate("s2", of_order("o2"), "main", 3));
    let place = |allocated| LocationLevels { allocated, ..at_main(3) };
    let stock = |committed| StockLevels { committed, ..levels(-2, 3) };
    let deallocated = UnitsDeallocated {
        sub_order: sub_order("s2"),
        hold: of_order("o2"),
        quantity: quantity(2),
        stock: stock(2),
        place: place(3),
    };
    let when = allocated.when(count("c", "main", 3)).then([
        counted("c", 3, -3, stock(0), place(5)),
        deallocated.into(),
        ShortfallDetected { missing: 2, stock: stock(2) }.into(),
    ]);
    when.sends([told("o2", "s2", 2)]);
}

#[test]
fn gives_up_several_allocations_newest_first() {
    let mut given = given_stock(6);
    for order in ["o1", "o2", "o3"] {
        given = given.and(hold(of_order(order), 2)).and(commit(of_order(order)));
        given = given.and(allocate(order, of_order(order), "main", 2));
    }
    let when = given.when(count("c", "main", 1));
    let given_up: Vec<_> = when
        .decision()
        .events
        .iter()
        .filter_map(|event| {
            let schemas::Event::Item(ItemEvent::UnitsDeallocated(e)) = event else { return None };
            Some((e.sub_order.as_str(), e.quantity.get()))
        })
        .collect();
    assert_eq!(given_up, [("o3", 2), ("o2", 2), ("o1", 1)]);
    when.sends([told("o3", "o3", 2), told("o2", "o2", 2), told("o1", "o1", 1)]);
}
