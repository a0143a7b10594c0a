use super::kit::*;
use schemas::{DropId, item::*};

fn lend(units: u32) -> ItemCommand {
    ItemCommand::Allot(allot("a", units))
}

#[test]
fn refuses_the_same_allotment_with_another_quantity_or_drop() {
    let lent = given_stock(5).and(lend(3));
    lent.clone().when(lend(2)).refuses(ItemRejection::ExistsWithDifferentQuantity { quantity: 3 });
    let other = Allot { drop: DropId::parse("drop-2").expect("id"), ..allot("a", 3) };
    lent.when(ItemCommand::Allot(other)).refuses(ItemRejection::ExistsWithDifferentContent);
}

#[test]
fn refuses_an_unknown_item_another_stores_and_a_digital_one() {
    given_nothing().when(lend(1)).refuses(ItemRejection::ItemNotFound);
    let stores = Allot { store: Some(store("own")), ..allot("a", 1) };
    given_stock(5).when(ItemCommand::Allot(stores)).refuses(ItemRejection::ItemOfAnotherStore);
    given_digital().when(lend(1)).refuses(ItemRejection::DigitalHasNoStock);
}

#[test]
fn refuses_more_than_is_available() {
    let rejection = ItemRejection::InsufficientStock { asked: 3, available: 2 };
    given_stock(5).and(hold(free("h"), 3)).when(lend(3)).refuses(rejection);
}

#[test]
fn lends_units_to_the_drop() {
    let allotted = UnitsAllotted {
        allotment: allotment("a"),
        drop: DropId::parse("drop-1").expect("id"),
        quantity: quantity(3),
        stock: StockLevels { allotted: 3, ..levels(2, 5) },
    };
    given_stock(5).when(lend(3)).then([allotted.into()]).replies(stock_reply(2, 5));
}

#[test]
fn takes_back_what_is_left_and_no_more() {
    let lent = given_stock(5).and(lend(3));
    lent.clone().when(return_allotment("r", "b", 1)).refuses(ItemRejection::AllotmentNotFound);
    lent.clone().when(return_allotment("r", "a", 4)).refuses(ItemRejection::AllotmentTooSmall { available: 3 });
    let back = lent.and(return_allotment("r", "a", 2));
    let rejection = ItemRejection::ExistsWithDifferentQuantity { quantity: 2 };
    back.clone().when(return_allotment("r", "a", 1)).refuses(rejection);
    back.clone().when(return_allotment("r", "a", 2)).then_nothing().replies(stock_reply(4, 5));
    back.when(return_allotment("s", "a", 1)).leaves(&["allotment-returned"], levels(5, 5));
}

#[test]
fn orders_lent_units_under_a_hold_of_their_own() {
    let lent = given_stock(5).and(lend(3));
    let command = |units| commit_allotted("a", of_claim("c"), units);
    lent.clone().when(commit_allotted("b", of_claim("c"), 1)).refuses(ItemRejection::AllotmentNotFound);
    for other in [of_order("o"), free("h")] {
        lent.clone().when(commit_allotted("a", other, 1)).refuses(ItemRejection::HoldNotFound);
    }
    lent.clone().when(command(4)).refuses(ItemRejection::AllotmentTooSmall { available: 3 });
    let stock = StockLevels { committed: 2, allotted: 1, ..levels(2, 5) };
    let when = lent.when(command(2)).leaves(&["allotted-committed"], stock).answers_nobody();
    when.given.when(command(1)).refuses(ItemRejection::ExistsWithDifferentQuantity { quantity: 2 });
}
