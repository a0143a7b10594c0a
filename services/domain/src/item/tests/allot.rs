use super::kit::*;
use schemas::{
    Command, Currency, DropId, ItemId, Money, OrderId,
    drop::{AllotAnswered, AllotRefusal, DropCommand},
    item::*,
    order::{DropUnitsCommitted, OrderCommand},
};

fn lend(units: u32) -> ItemCommand {
    ItemCommand::Allot(allot("a", units))
}

fn drop_id() -> DropId {
    DropId::parse("drop-1").expect("id")
}

fn item_id() -> ItemId {
    ItemId::parse("sku-1").expect("id")
}

/// What the drop is told.
fn answered(refusal: Option<AllotRefusal>) -> [Command; 1] {
    let answer = AllotAnswered { item_id: item_id(), allotment: allotment("a"), refusal };
    [Command::Drop { drop: drop_id(), command: DropCommand::AllotAnswered(answer) }]
}

#[test]
fn refuses_the_same_allotment_with_another_quantity_or_drop() {
    let lent = given_stock(5).and(lend(3));
    lent.clone().when(lend(2)).refuses(ItemRejection::ExistsWithDifferentQuantity { quantity: 3 });
    let other = Allot { drop: DropId::parse("drop-2").expect("id"), ..allot("a", 3) };
    lent.when(ItemCommand::Allot(other)).refuses(ItemRejection::ExistsWithDifferentContent);
}

#[test]
fn tells_the_drop_of_an_unknown_item_another_stores_and_a_digital_one() {
    let unavailable = || answered(Some(AllotRefusal::ItemUnavailable));
    given_nothing().when(lend(1)).then_nothing().answers_nobody().sends(unavailable());
    given_digital().when(lend(1)).then_nothing().answers_nobody().sends(unavailable());
    let stores = ItemCommand::Allot(Allot { store: Some(store("own")), ..allot("a", 1) });
    given_stock(5).when(stores).then_nothing().sends(answered(Some(AllotRefusal::ItemOfAnotherStore)));
}

#[test]
fn tells_the_drop_that_its_prices_are_in_another_currency() {
    let in_currency = |code| {
        let currency = Some(Currency::parse(code).expect("a currency"));
        ItemCommand::Allot(Allot { currency, ..allot("a", 1) })
    };
    let refusal = AllotRefusal::WrongCurrency { currency: Money::currency(gbp(1)) };
    given_stock(5).when(in_currency("EUR")).then_nothing().sends(answered(Some(refusal)));
    given_stock(5).when(in_currency("GBP")).sends(answered(None));
}

#[test]
fn tells_the_drop_that_it_has_not_so_many() {
    let refusal = AllotRefusal::InsufficientStock { asked: 3, available: 2 };
    given_stock(5).and(hold(free("h"), 3)).when(lend(3)).then_nothing().sends(answered(Some(refusal)));
}

#[test]
fn lends_units_to_the_drop() {
    let allotted = UnitsAllotted {
        allotment: allotment("a"),
        drop: drop_id(),
        quantity: quantity(3),
        stock: StockLevels { allotted: 3, ..levels(2, 5) },
    };
    given_stock(5).when(lend(3)).then([allotted.into()]).answers_nobody().sends(answered(None));
}

#[test]
fn takes_back_what_is_left_and_no_more() {
    let lent = given_stock(5).and(lend(3));
    lent.clone().when(return_allotment("r", "a", 4)).refuses(ItemRejection::AllotmentTooSmall { available: 3 });
    let back = lent.and(return_allotment("r", "a", 2));
    let rejection = ItemRejection::ExistsWithDifferentQuantity { quantity: 2 };
    back.clone().when(return_allotment("r", "a", 1)).refuses(rejection);
    back.clone().when(return_allotment("r", "a", 2)).then_nothing().answers_nobody();
    back.when(return_allotment("s", "a", 1)).leaves(&["allotment-returned"], levels(5, 5));
}

#[test]
fn what_is_asked_back_before_it_was_lent_never_is() {
    let voided = AllotmentVoided { allotment: allotment("a") };
    let back = given_stock(5).when(return_allotment("r", "a", 3)).then([voided.into()]).answers_nobody().given;
    let late = back.when(lend(3)).then_nothing().sends(answered(Some(AllotRefusal::Unanswered)));
    assert_eq!(late.given.item.levels(), levels(5, 5));
}

#[test]
fn orders_lent_units_under_a_hold_of_their_own_and_tells_the_order() {
    let lent = given_stock(5).and(lend(3));
    let command = |units| commit_allotted("a", of_claim("c"), units);
    lent.clone().when(commit_allotted("b", of_claim("c"), 1)).refuses(ItemRejection::AllotmentNotFound);
    for other in [of_order("o"), free("h")] {
        lent.clone().when(commit_allotted("a", other, 1)).refuses(ItemRejection::HoldNotFound);
    }
    lent.clone().when(command(4)).refuses(ItemRejection::AllotmentTooSmall { available: 3 });
    let stock = StockLevels { committed: 2, allotted: 1, ..levels(2, 5) };
    let order = OrderId::parse("order-1").expect("id");
    let ItemCommand::CommitAllotted(commit) = command(2) else { unreachable!("it is one") };
    let of_an_order = ItemCommand::CommitAllotted(CommitAllotted { order_id: Some(order.clone()), ..commit });
    let told = DropUnitsCommitted { item_id: item_id() };
    let told = Command::Order { order, command: OrderCommand::DropUnitsCommitted(told) };
    let when = lent.when(of_an_order).leaves(&["allotted-committed"], stock).answers_nobody().sends([told]);
    when.given.when(command(1)).refuses(ItemRejection::ExistsWithDifferentQuantity { quantity: 2 });
}

#[test]
fn tells_the_order_of_a_claim_what_becomes_of_its_allocations() {
    let order = OrderId::parse("order-1").expect("id");
    let ItemCommand::CommitAllotted(commit) = commit_allotted("a", of_claim("c"), 2) else { unreachable!("it is one") };
    let commit = ItemCommand::CommitAllotted(CommitAllotted { order_id: Some(order.clone()), ..commit });
    let ordered = given_stock(5).and(lend(3)).and(commit);
    let when = ordered.when(allocate("s", of_claim("c"), "main", 2));
    let [Command::Order { order: told, command: OrderCommand::AllocationAnswered(answer) }] =
        &when.decision().sends[..]
    else {
        panic!("{:?}", when.decision())
    };
    assert_eq!((told, &answer.refusal), (&order, &None));
}
