use super::kit::*;
use schemas::{FreeHoldId, Metadata, Role, SubjectId, item::*};

fn reply(id: &str, units: u32, available: i64) -> ItemReply {
    ItemReply::Hold(HoldReply {
        hold_id: FreeHoldId::parse(id).expect("id"),
        status: HoldStatus::Active,
        quantity: quantity(units),
        unit_price: gbp(1295),
        expires_at: Some(NOW.plus_seconds(600)),
        available: Some(available),
        shipped: 0,
        reference: None,
        metadata: Metadata::default(),
    })
}

#[test]
fn refuses_another_callers_hold() {
    let id = FreeHoldId::parse("h").expect("id");
    let other = HoldId::Free { caller: SubjectId::parse("somebody").expect("id"), id };
    given_stock(5).when(hold(other, 1)).refuses(ItemRejection::HoldNotFound);
}

#[test]
fn refuses_an_item_of_another_store() {
    given_stock(5).by(caller(Role::Store)).when(hold(free("h"), 1)).refuses(ItemRejection::ItemOfAnotherStore);
    let c = PlaceHold { only_store: Some(store("own")), ..place(free("h"), 1) };
    given_stock(5).when(ItemCommand::PlaceHold(c)).refuses(ItemRejection::ItemOfAnotherStore);
}

#[test]
fn refuses_the_same_id_with_another_quantity() {
    let rejection = ItemRejection::ExistsWithDifferentQuantity { quantity: 2 };
    given_stock(5).and(hold(free("h"), 2)).when(hold(free("h"), 3)).refuses(rejection);
}

#[test]
fn refuses_the_same_id_with_other_content() {
    let c = PlaceHold { effect: Some(effect_of("place", 99)), ..place(free("h"), 2) };
    let held = given_stock(5).and(hold(free("h"), 2));
    held.when(ItemCommand::PlaceHold(c)).refuses(ItemRejection::ExistsWithDifferentContent);
}

#[test]
fn refuses_an_unknown_item() {
    given_nothing().when(hold(free("h"), 1)).refuses(ItemRejection::ItemNotFound);
}

#[test]
fn refuses_a_delisted_item() {
    given_stock(5).and(delist()).when(hold(free("h"), 1)).refuses(ItemRejection::ItemNotListed);
}

#[test]
fn refuses_a_drops_hold() {
    given_stock(5).when(hold(of_claim("c"), 1)).refuses(ItemRejection::HoldNotFound);
}

#[test]
fn refuses_when_the_price_is_another() {
    let c = PlaceHold { expected_price: Some(gbp(1)), ..place(free("h"), 1) };
    given_stock(5).when(ItemCommand::PlaceHold(c)).refuses(ItemRejection::PriceChanged { price: gbp(1295) });
}

#[test]
fn refuses_when_stock_is_short() {
    let rejection = |asked, available| ItemRejection::InsufficientStock { asked, available };
    given().when(hold(free("h"), 1)).refuses(rejection(1, 0));
    given_stock(5).and(hold(free("g"), 3)).when(hold(free("h"), 3)).refuses(rejection(3, 2));
    given_stock(5).and(set_safety(4)).when(hold(free("h"), 2)).refuses(rejection(2, 1));
    let short = given_stock(5).and(hold(free("g"), 5)).and(count("c", "main", 1));
    short.when(hold(free("h"), 1)).refuses(rejection(1, 0));
}

#[test]
fn grants_at_the_price_of_the_moment() {
    let granted = HoldGranted {
        hold: free("h"),
        quantity: quantity(2),
        unit_price: gbp(1295),
        expires_at: Some(NOW.plus_seconds(600)),
        reference: None,
        metadata: Metadata::default(),
        effect: Some(effect_of("place", 2)),
        stock: StockLevels { held: 2, ..levels(3, 5) },
    };
    let when = given_stock(5).when(hold(free("h"), 2)).then([granted.into()]).replies(reply("h", 2, 3));
    assert_eq!(when.given.item.due(), Some(NOW.plus_seconds(660)));
}

#[test]
fn grants_the_last_unit_once() {
    let held = given_stock(1).and(hold(free("h"), 1));
    held.when(hold(free("g"), 1)).refuses(ItemRejection::InsufficientStock { asked: 1, available: 0 });
}

#[test]
fn answers_back_reference_and_metadata() {
    let pairs = [("po".to_owned(), "4711".to_owned())].into();
    let metadata = Metadata::new(pairs).expect("in bounds");
    let c = PlaceHold { reference: Some("basket".to_owned()), metadata: metadata.clone(), ..place(free("h"), 2) };
    let when = given_stock(5).when(ItemCommand::PlaceHold(c));
    assert_eq!(when.hold_reply().reference.as_deref(), Some("basket"));
    assert_eq!(when.hold_reply().metadata, metadata);
}

#[test]
fn a_repeat_is_told_the_hold_as_it_is_now() {
    let held = given_stock(5).and(hold(free("h"), 2));
    let committed = held.clone().and(commit(free("h")));
    let cases = [
        (held.clone(), HoldStatus::Active, 0, 3),
        (held.clone().and(hold(free("g"), 1)), HoldStatus::Active, 0, 2),
        (held.clone().and(delist()), HoldStatus::Active, 0, 3),
        (held.clone().and(release(free("h"))), HoldStatus::Released, 0, 5),
        (held.seconds_later(660).when_clock().given, HoldStatus::Expired, 0, 5),
        (committed.clone(), HoldStatus::Committed, 0, 3),
        (committed.clone().and(ship("s", free("h"), None, "main", Some(1))), HoldStatus::Committed, 1, 3),
        (committed.and(ship("s", free("h"), None, "main", None)), HoldStatus::Shipped, 2, 3),
    ];
    for (given, status, shipped, available) in cases {
        let when = given.seconds_later(60).when(hold(free("h"), 2)).then_nothing();
        let told = when.hold_reply();
        assert_eq!((told.status, told.shipped, told.available), (status, shipped, Some(available)));
        assert_eq!((told.quantity, told.unit_price), (quantity(2), gbp(1295)), "what was granted stays so");
        assert_eq!(told.expires_at, Some(NOW.plus_seconds(600)));
    }
}

#[test]
fn grants_every_hold_of_a_digital_item() {
    let granted = given_digital().when(hold(free("h"), 1_000_000)).leaves(&["hold-granted"], levels(0, 0));
    let committed = granted.given.clone().when(commit(free("h"))).leaves(&["hold-committed"], levels(0, 0));
    let released = committed.given.clone().when(release(free("h"))).leaves(&["hold-released"], levels(0, 0));
    for when in [granted, committed, released] {
        assert_eq!(when.hold_reply().available, None, "it has no number to tell");
    }
}
