use super::kit::*;
use schemas::{Role, item::*};

#[test]
fn refuses_a_stranger_before_it_tells_what_exists() {
    let other = given_stock(5).by(caller(Role::Store));
    other.when(receive("opening", "main", 5)).refuses(ItemRejection::ItemOfAnotherStore);
    given_stock(5).by(caller(Role::Shopper)).when(receive("opening", "main", 5)).refuses(ItemRejection::ItemNotFound);
}

#[test]
fn refuses_the_same_id_with_another_quantity() {
    let rejection = ItemRejection::ExistsWithDifferentQuantity { quantity: 5 };
    given_stock(5).when(receive("opening", "main", 6)).refuses(rejection);
}

#[test]
fn refuses_the_same_id_with_other_content() {
    let ItemCommand::Receive(c) = receive("opening", "main", 5) else { panic!("a receipt") };
    let other = ReceiveStock { effect: effect_of("opening", 99), ..c };
    given_stock(5).when(ItemCommand::Receive(other)).refuses(ItemRejection::ExistsWithDifferentContent);
}

#[test]
fn refuses_an_item_that_was_never_listed() {
    given_nothing().when(receive("r", "main", 1)).refuses(ItemRejection::ItemNotFound);
}

#[test]
fn refuses_a_digital_item() {
    given_digital().when(receive("r", "main", 1)).refuses(ItemRejection::DigitalHasNoStock);
}

#[test]
fn refuses_more_than_a_location_holds() {
    let full = given().and(count("c", "main", 1_000_000_000));
    full.when(receive("r", "main", 1)).refuses(ItemRejection::StockTooLarge);
}

#[test]
fn refuses_one_location_too_many() {
    let full = (0..1_000).fold(given(), |given, n| given.and(receive(&format!("r{n}"), &format!("at-{n}"), 1)));
    full.clone().when(receive("r", "one-more", 1)).refuses(ItemRejection::TooManyLocations);
    full.when(receive("r", "at-7", 1)).replies(stock_reply(1_001, 1_001));
}

#[test]
fn books_the_units() {
    let received = StockReceived {
        effect: effect_of("r", 7),
        quantity: quantity(7),
        document: "note".to_owned(),
        occurred_at: None,
        metadata: schemas::Metadata::default(),
        feed: None,
        stock: levels(12, 12),
        place: at_main(12),
    };
    given_stock(5).when(receive("r", "main", 7)).then([received.into()]).replies(stock_reply(12, 12));
}

#[test]
fn books_the_units_where_they_came() {
    let when = given_stock(5).when(receive("r", "outlet", 7));
    let [schemas::Event::Item(ItemEvent::StockReceived(received))] = &when.decision().events[..] else {
        panic!("one receipt")
    };
    assert_eq!((received.place.location.as_str(), received.place.sellable), ("outlet", 7));
}

#[test]
fn books_units_of_a_delisted_item() {
    given().and(delist()).when(receive("r", "main", 7)).replies(stock_reply(7, 7));
}

#[test]
fn a_repeat_is_answered_as_it_was() {
    let later = given_stock(5).and(receive("r", "main", 7)).and(hold(free("h"), 3));
    later.when(receive("opening", "main", 5)).then_nothing().replies(stock_reply(5, 5));
}

#[test]
fn an_owning_store_receives_its_own() {
    let own = Catalog { store: Some(store("own")), ..catalog() };
    let given = given_nothing().by(caller(Role::Store)).and(list(own, gbp(1)));
    given.when(receive("r", "main", 2)).replies(stock_reply(2, 2));
}
