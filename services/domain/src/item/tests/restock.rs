use super::kit::*;
use Bucket::{Damaged, Sellable};
use schemas::item::*;

fn shipped() -> Given {
    given_stock(5).and(hold(of_order("o"), 3)).and(commit(of_order("o"))).and(ship(
        "s",
        of_order("o"),
        None,
        "main",
        Some(2),
    ))
}

#[test]
fn refuses_the_same_id_with_another_quantity() {
    let back = shipped().and(restock("r", of_order("o"), Sellable, 1));
    let rejection = ItemRejection::ExistsWithDifferentQuantity { quantity: 1 };
    back.when(restock("r", of_order("o"), Sellable, 2)).refuses(rejection);
}

#[test]
fn refuses_an_unknown_item_a_digital_one_and_an_unknown_hold_of_a_caller() {
    given_nothing().when(restock("r", of_order("o"), Sellable, 1)).refuses(ItemRejection::ItemNotFound);
    given_digital().when(restock("r", of_order("o"), Sellable, 1)).refuses(ItemRejection::DigitalHasNoStock);
    given_stock(5).when(restock("r", free("h"), Sellable, 1)).refuses(ItemRejection::HoldNotFound);
}

#[test]
fn refuses_more_than_left_and_has_not_come_back() {
    shipped().when(restock("r", of_order("o"), Sellable, 3)).refuses(ItemRejection::NotShipped { open: 2 });
    let back = shipped().and(restock("r", of_order("o"), Sellable, 1));
    back.when(restock("t", of_order("o"), Sellable, 2)).refuses(ItemRejection::NotShipped { open: 1 });
}

#[test]
fn books_the_units_by_their_condition() {
    let stock = |available, on_hand| StockLevels { committed: 1, ..levels(available, on_hand) };
    let restocked = StockRestocked {
        effect: effect_of("r", 1),
        return_id: schemas::ReturnId::parse("return-1").expect("id"),
        hold: of_order("o"),
        condition: Sellable,
        quantity: quantity(1),
        stock: stock(3, 4),
        place: at_main(4),
    };
    let when = shipped().when(restock("r", of_order("o"), Sellable, 1)).then([restocked.into()]).answers_nobody();
    when.given.when(restock("t", of_order("o"), Damaged, 1)).leaves(&["stock-restocked"], stock(3, 5));
}
