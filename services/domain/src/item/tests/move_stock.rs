use super::{kit::*, transfers_kit::deallocated};
use Bucket::{Damaged, QualityControl, Sellable};
use schemas::{Role, item::*};

#[test]
fn refuses_a_stranger() {
    let other = given_stock(5).by(caller(Role::Store));
    other.when(move_stock("m", Sellable, Damaged, 1)).refuses(ItemRejection::ItemOfAnotherStore);
}

#[test]
fn refuses_the_same_id_with_another_quantity() {
    let moved = given_stock(5).and(move_stock("m", Sellable, Damaged, 1));
    let rejection = ItemRejection::ExistsWithDifferentQuantity { quantity: 1 };
    moved.when(move_stock("m", Sellable, Damaged, 2)).refuses(rejection);
}

#[test]
fn refuses_an_item_that_was_never_listed() {
    given_nothing().when(move_stock("m", Sellable, Damaged, 1)).refuses(ItemRejection::ItemNotFound);
}

#[test]
fn refuses_a_digital_item() {
    given_digital().when(move_stock("m", Sellable, Damaged, 1)).refuses(ItemRejection::DigitalHasNoStock);
}

#[test]
fn refuses_more_than_the_bucket_has() {
    let rejection = ItemRejection::BucketTooSmall { asked: 6, available: 5 };
    given_stock(5).when(move_stock("m", Sellable, Damaged, 6)).refuses(rejection);
    let rejection = ItemRejection::BucketTooSmall { asked: 1, available: 0 };
    given_stock(5).when(move_stock("m", Damaged, Sellable, 1)).refuses(rejection);
}

#[test]
fn refuses_the_same_bucket() {
    given_stock(5).when(move_stock("m", Sellable, Sellable, 1)).refuses(ItemRejection::SameBucket);
}

#[test]
fn moves_between_buckets() {
    let moved = StockMoved {
        effect: effect_of("m", 2),
        from: Sellable,
        to: QualityControl,
        quantity: quantity(2),
        reason: "moved".to_owned(),
        reference: "ref".to_owned(),
        stock: levels(3, 5),
        place: LocationLevels { quality_control: 2, ..at_main(3) },
    };
    let when = given_stock(5).when(move_stock("m", Sellable, QualityControl, 2)).then([moved.into()]);
    let back = when.replies(stock_reply(3, 5)).given.when(move_stock("n", QualityControl, Sellable, 1));
    let damaged = back.replies(stock_reply(4, 5)).given.when(move_stock("d", QualityControl, Damaged, 1));
    damaged.replies(stock_reply(4, 5));
}

#[test]
fn records_what_is_promised_and_not_sellable() {
    let stock = StockLevels { held: 4, ..levels(-1, 5) };
    given_stock(5)
        .and(hold(free("h"), 4))
        .when(move_stock("m", Sellable, Damaged, 2))
        .leaves(&["stock-moved", "shortfall-detected"], stock);
}

#[test]
fn gives_up_the_newest_allocation() {
    let stock = StockLevels { committed: 1, ..levels(-1, 5) };
    given_stock(5)
        .and(hold(of_order("o"), 4))
        .and(commit(of_order("o")))
        .and(allocate("s", of_order("o"), "main", 4))
        .when(move_stock("m", Sellable, Damaged, 2))
        .leaves(&["stock-moved", "units-deallocated", "shortfall-detected"], stock)
        .sends([deallocated("o", "s", 1)]);
}
