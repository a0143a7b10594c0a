use super::{kit::*, transfers_kit::*};
use Bucket::{Damaged, Sellable};
use schemas::{Role, item::*};

fn five_of(place: &str) -> ItemCommand {
    transfer("m", "main", place, 5)
}

#[test]
fn refuses_a_stranger() {
    given_stock(5).by(caller(Role::Store)).when(five_of("shop")).refuses(ItemRejection::ItemOfAnotherStore);
}

#[test]
fn refuses_the_same_id_with_another_quantity() {
    let rejection = ItemRejection::ExistsWithDifferentQuantity { quantity: 2 };
    given_stock(5).and(transfer("m", "main", "shop", 2)).when(transfer("m", "main", "shop", 1)).refuses(rejection);
}

#[test]
fn refuses_the_id_of_a_move_within_a_location() {
    let rejection = ItemRejection::ExistsWithDifferentQuantity { quantity: 1 };
    let moved = given_stock(5).and(move_stock("m", Sellable, Damaged, 1));
    moved.when(transfer("m", "main", "shop", 2)).refuses(rejection);
    let rejection = ItemRejection::ExistsWithDifferentQuantity { quantity: 2 };
    let sent = given_stock(5).and(transfer("m", "main", "shop", 2));
    sent.when(move_stock("m", Sellable, Damaged, 1)).refuses(rejection);
}

#[test]
fn refuses_an_item_that_was_never_listed() {
    given_nothing().when(five_of("shop")).refuses(ItemRejection::ItemNotFound);
}

#[test]
fn refuses_a_digital_item() {
    given_digital().when(five_of("shop")).refuses(ItemRejection::DigitalHasNoStock);
}

#[test]
fn refuses_a_location_where_the_item_never_was() {
    let rejection = ItemRejection::LocationNotFound { location: location("moon") };
    given_stock(5).when(transfer("m", "moon", "shop", 1)).refuses(rejection);
}

#[test]
fn refuses_more_than_is_free_there() {
    let short = |available| ItemRejection::InsufficientAtLocation { location: location("main"), asked: 5, available };
    given_stock(4).when(five_of("shop")).refuses(short(4));
    let allocated = given_stock(6).and(hold(of_order("o"), 2)).and(commit(of_order("o"))).and(allocate(
        "s",
        of_order("o"),
        "main",
        2,
    ));
    allocated.when(five_of("shop")).refuses(short(4));
}

#[test]
fn refuses_where_it_lies_already() {
    given_stock(5).when(five_of("main")).refuses(ItemRejection::SameLocation);
}

#[test]
fn refuses_more_than_a_location_holds() {
    let full = given_stock(5).and(count("c", "shop", 999_999_996));
    full.clone().when(five_of("shop")).refuses(ItemRejection::StockTooLarge);
    let coming = full.and(transfer("n", "main", "shop", 4));
    coming.when(transfer("m", "main", "shop", 1)).refuses(ItemRejection::StockTooLarge);
}

#[test]
fn refuses_one_location_too_many() {
    let everywhere =
        (1..1_000).fold(given_stock(5), |given, n| given.and(count(&format!("c{n}"), &format!("l{n}"), 0)));
    everywhere.clone().when(five_of("another")).refuses(ItemRejection::TooManyLocations);
    everywhere.when(five_of("l7")).leaves(&["stock-dispatched"], levels(0, 0));
}

#[test]
fn leaves_what_is_sellable_for_a_location_that_may_be_new() {
    let sent = StockDispatched {
        effect: effect_of("m", 2),
        quantity: quantity(2),
        reason: Some("moved".to_owned()),
        reference: Some("ref".to_owned()),
        forward: None,
        stock: levels(3, 3),
        places: vec![at_main(3), LocationLevels { incoming: 2, ..at("shop", 0) }],
    };
    let when = given_stock(5).when(transfer("m", "main", "shop", 2)).then([sent.into()]);
    when.replies(stock_reply(3, 3));
}

#[test]
fn what_is_on_the_way_is_not_sold() {
    let sent = given_stock(5).and(transfer("m", "main", "shop", 3));
    let rejection = ItemRejection::InsufficientStock { asked: 3, available: 2 };
    sent.clone().when(hold(free("h"), 3)).refuses(rejection);
    let arrived = sent.and(arrive("r", "m", None, 0));
    arrived.when(hold(free("h"), 3)).leaves(&["hold-granted"], StockLevels { held: 3, ..levels(2, 5) });
}

#[test]
fn records_what_is_promised_and_not_there_to_sell() {
    let stock = StockLevels { held: 4, ..levels(-2, 2) };
    let held = given_stock(5).and(hold(free("h"), 4));
    held.when(transfer("m", "main", "shop", 3)).leaves(&["stock-dispatched", "shortfall-detected"], stock);
}

#[test]
fn a_repeat_is_answered_the_same_while_it_is_on_the_way_however_long_that_takes() {
    let sent = given_stock(5).and(transfer("m", "main", "shop", 2)).seconds_later(30 * 24 * 3_600);
    let later = (0..4).fold(sent, |given, n| given.and(set_safety(n + 1)).and(set_safety(0)));
    later.when(transfer("m", "main", "shop", 2)).then_nothing().replies(stock_reply(3, 3));
}
