use super::kit::*;
use schemas::{Role, item::*};

fn reply(quantity: u32, available: i64) -> ItemReply {
    ItemReply::Safety { quantity, available }
}

#[test]
fn refuses_a_stranger_an_unknown_item_and_a_digital_one() {
    given_stock(5).by(caller(Role::Store)).when(set_safety(1)).refuses(ItemRejection::ItemOfAnotherStore);
    given_nothing().when(set_safety(1)).refuses(ItemRejection::ItemNotFound);
    given_digital().when(set_safety(1)).refuses(ItemRejection::DigitalHasNoStock);
}

#[test]
fn keeps_units_back() {
    let set = SafetySet { quantity: 2, previous: 0, stock: StockLevels { safety: 2, ..levels(3, 5) } };
    given_stock(5).when(set_safety(2)).then([set.into()]).replies(reply(2, 3));
}

#[test]
fn the_same_number_is_no_news() {
    given_stock(5).and(set_safety(2)).when(set_safety(2)).then_nothing().replies(reply(2, 3));
}

#[test]
fn more_than_is_free_is_a_shortfall_on_record() {
    let stock = StockLevels { safety: 9, ..levels(-4, 5) };
    given_stock(5).when(set_safety(9)).leaves(&["safety-set", "shortfall-detected"], stock);
}
