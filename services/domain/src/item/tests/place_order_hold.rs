use super::kit::*;
use schemas::{
    Command, ItemId, Money, OrderId, Role,
    item::*,
    order::{HoldAnswer, HoldRefusal, ItemAnswered, OrderCommand},
};

fn answer(answer: HoldAnswer) -> [Command; 1] {
    let item_id = ItemId::parse("sku-1").expect("id");
    let command = OrderCommand::ItemAnswered(ItemAnswered { attempt: 1, item_id, answer });
    [Command::Order { order: OrderId::parse("o").expect("id"), command }]
}

fn granted(unit_price: Money) -> [Command; 1] {
    answer(HoldAnswer::Granted { unit_price, kind: ItemKind::Physical, file: None, store: None })
}

fn refused(refusal: HoldRefusal) -> [Command; 1] {
    answer(HoldAnswer::Refused { refusal })
}

#[test]
fn tells_the_order_that_there_is_no_such_item() {
    let when = given_nothing().when(hold(of_order("o"), 1));
    when.then_nothing().sends(refused(HoldRefusal::ItemUnavailable)).answers_nobody();
}

#[test]
fn tells_the_order_that_the_item_is_another_stores() {
    let c = PlaceHold { only_store: Some(store("own")), ..place(of_order("o"), 1) };
    given_stock(5).when(ItemCommand::PlaceHold(c)).then_nothing().sends(refused(HoldRefusal::ItemUnavailable));
}

#[test]
fn tells_the_order_that_the_item_is_not_in_sale() {
    let when = given_stock(5).and(delist()).when(hold(of_order("o"), 1));
    when.then_nothing().sends(refused(HoldRefusal::ItemUnavailable)).answers_nobody();
}

#[test]
fn tells_the_order_that_the_hold_was_released_before() {
    let released = given_stock(5).and(release(of_order("o")));
    released.when(hold(of_order("o"), 1)).then_nothing().sends(refused(HoldRefusal::Released)).answers_nobody();
}

#[test]
fn tells_the_order_the_price() {
    let c = PlaceHold { expected_price: Some(gbp(1)), ..place(of_order("o"), 1) };
    let when = given_stock(5).when(ItemCommand::PlaceHold(c));
    when.then_nothing().sends(refused(HoldRefusal::PriceChanged { price: gbp(1295) }));
}

#[test]
fn tells_the_order_what_is_available() {
    let when = given_stock(5).when(hold(of_order("o"), 6));
    when.then_nothing().sends(refused(HoldRefusal::InsufficientStock { asked: 6, available: 5 })).answers_nobody();
}

#[test]
fn grants_whoever_ordered_and_tells_the_order() {
    for role in [Role::Shopper, Role::Store, Role::Service] {
        given_stock(5)
            .by(caller(role))
            .when(hold(of_order("o"), 2))
            .leaves(&["hold-granted"], StockLevels { held: 2, ..levels(3, 5) })
            .sends(granted(gbp(1295)))
            .answers_nobody();
    }
}

#[test]
fn an_orders_hold_has_no_deadline_here() {
    let held = given_stock(5).and(hold(of_order("o"), 2));
    assert_eq!(held.item.due(), None);
}

#[test]
fn a_repeat_tells_the_price_at_the_grant() {
    let held = given_stock(5).and(hold(of_order("o"), 2)).and(list(catalog(), gbp(9))).and(commit(of_order("o")));
    held.when(hold(of_order("o"), 2)).then_nothing().sends(granted(gbp(1295)));
}

#[test]
fn grants_a_digital_item_without_stock() {
    let digital = HoldAnswer::Granted { unit_price: gbp(700), kind: ItemKind::Digital, file: None, store: None };
    let when = given_digital().when(hold(of_order("o"), 9));
    when.leaves(&["hold-granted"], levels(0, 0)).sends(answer(digital));
}

#[test]
fn tells_the_order_where_a_digital_items_file_is() {
    let file = Some("https://files.example/e.epub".to_owned());
    let ebook = Catalog { kind: ItemKind::Digital, file: file.clone(), ..catalog() };
    let digital = HoldAnswer::Granted { unit_price: gbp(700), kind: ItemKind::Digital, file, store: None };
    given_nothing().and(list(ebook, gbp(700))).when(hold(of_order("o"), 9)).sends(answer(digital));
}

#[test]
fn tells_the_order_which_store_sells_the_item() {
    let of_own = Catalog { store: Some(store("own")), ..catalog() };
    let granted = HoldAnswer::Granted {
        unit_price: gbp(1295),
        kind: ItemKind::Physical,
        file: None,
        store: of_own.store.clone(),
    };
    let held = given_stock(5).and(list(of_own, gbp(1295))).when(hold(of_order("o"), 1));
    held.sends(answer(granted));
}
