use super::{kit::*, transfers_kit::*};
use schemas::{Role, item::*};

/// Five of eight are on their way to the shop.
fn sent() -> Given {
    given_stock(8).and(transfer("m", "main", "shop", 5))
}

#[test]
fn refuses_a_stranger() {
    sent().by(caller(Role::Store)).when(arrive("r", "m", None, 0)).refuses(ItemRejection::ItemOfAnotherStore);
}

#[test]
fn refuses_a_warehouse_elsewhere_also_what_was_received() {
    let warehouse = |place| schemas::Caller { location: Some(location(place)), ..caller(Role::Warehouse) };
    let elsewhere = || ItemRejection::TransferElsewhere { location: location("shop") };
    sent().by(warehouse("main")).when(arrive("r", "m", None, 0)).refuses(elsewhere());
    let received = sent().by(warehouse("shop")).and(arrive("r", "m", None, 0));
    received.by(warehouse("main")).when(arrive("r", "m", None, 0)).refuses(elsewhere());
}

#[test]
fn refuses_the_same_receipt_with_other_content() {
    let received = sent().and(arrive("r", "m", Some(2), 0));
    let rejection = ItemRejection::ExistsWithDifferentQuantity { quantity: 2 };
    received.clone().when(arrive("r", "m", Some(1), 0)).refuses(rejection);
    received.when(arrive("r", "m", Some(2), 1)).refuses(ItemRejection::ExistsWithDifferentContent);
}

#[test]
fn refuses_an_unknown_item_and_a_digital_one() {
    given_nothing().when(arrive("r", "m", None, 0)).refuses(ItemRejection::ItemNotFound);
    given_digital().when(arrive("r", "m", None, 0)).refuses(ItemRejection::DigitalHasNoStock);
}

#[test]
fn refuses_an_unknown_transfer() {
    sent().when(arrive("r", "n", None, 0)).refuses(ItemRejection::TransferNotFound);
    let moved = sent().and(move_stock("n", Bucket::Sellable, Bucket::Damaged, 1));
    moved.when(arrive("r", "n", None, 0)).refuses(ItemRejection::TransferNotFound);
}

#[test]
fn refuses_more_than_is_on_the_way() {
    let short = |on_the_way| ItemRejection::NotThatManyOnTheWay { on_the_way };
    sent().when(arrive("r", "m", Some(6), 0)).refuses(short(5));
    sent().when(arrive("r", "m", None, 6)).refuses(short(5));
    let some = sent().and(arrive("r", "m", Some(3), 0));
    some.clone().when(arrive("s", "m", Some(2), 1)).refuses(short(2));
    some.and(arrive("s", "m", None, 0)).when(arrive("t", "m", None, 0)).refuses(short(0));
}

#[test]
fn receives_what_is_on_the_way() {
    let received = TransferReceived {
        effect: effect_of("r", 99_990_000),
        transfer: effect_id("m"),
        quantity: quantity(5),
        hold: None,
        ordered: 0,
        stock: levels(8, 8),
        place: at("shop", 5),
    };
    sent().when(arrive("r", "m", None, 0)).then([received.into()]).replies(stock_reply(8, 8));
}

#[test]
fn receives_it_in_parts() {
    let some = sent().when(arrive("r", "m", Some(2), 0)).leaves(&["transfer-received"], levels(5, 5));
    let rest = some.given.when(arrive("s", "m", None, 0)).leaves(&["transfer-received"], levels(8, 8));
    rest.given.when(arrive("r", "m", Some(2), 0)).then_nothing().replies(stock_reply(5, 5));
}

#[test]
fn the_same_receipt_of_two_transfers_is_two() {
    let two = sent().and(transfer("n", "main", "shop", 1)).and(arrive("r", "m", None, 0));
    two.when(arrive("r", "n", None, 0)).leaves(&["transfer-received"], levels(8, 8));
}

#[test]
fn writes_off_what_never_arrives() {
    let received = sent().when(arrive("r", "m", None, 2));
    let lost = TransferLost {
        effect: effect_of("r", 99_990_002),
        transfer: effect_id("m"),
        quantity: quantity(2),
        stock: levels(6, 6),
        place: at("shop", 3),
    };
    assert_eq!(received.decision().events.last(), Some(&schemas::Event::Item(lost.into())));
    let received = received.leaves(&["transfer-received", "transfer-lost"], levels(6, 6)).replies(stock_reply(6, 6));
    received.given.when(arrive("s", "m", None, 0)).refuses(ItemRejection::NotThatManyOnTheWay { on_the_way: 0 });
}

#[test]
fn writes_off_some_while_the_rest_is_on_the_way() {
    let lost = sent().when(arrive("r", "m", Some(0), 2)).leaves(&["transfer-lost"], levels(3, 3));
    lost.given.when(arrive("s", "m", None, 0)).leaves(&["transfer-received"], levels(6, 6));
    sent().when(arrive("r", "m", None, 5)).leaves(&["transfer-lost"], levels(3, 3));
}

#[test]
fn nothing_arrived_and_nothing_lost_changes_nothing() {
    sent().when(arrive("r", "m", Some(0), 0)).then_nothing().replies(stock_reply(3, 3));
}

#[test]
fn a_transfer_that_is_over_is_kept_for_as_long_as_ids_are() {
    let day = 24 * 3_600;
    let passing = |given: Given| (0..4).fold(given, |given, n| given.and(set_safety(n + 1)).and(set_safety(0)));
    let over = passing(sent().and(arrive("r", "m", None, 0)).seconds_later(day - 1));
    over.clone().when(arrive("r", "m", None, 0)).then_nothing();
    over.clone().when(arrive("s", "m", None, 0)).refuses(ItemRejection::NotThatManyOnTheWay { on_the_way: 0 });
    let gone = passing(over.seconds_later(1));
    gone.when(arrive("s", "m", None, 0)).refuses(ItemRejection::TransferNotFound);
}
