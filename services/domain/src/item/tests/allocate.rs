use super::{kit::*, transfers_kit::answered};
use schemas::item::*;

fn ordered() -> Given {
    given_stock(3).and(receive("more", "shop", 4)).and(hold(of_order("o"), 5)).and(commit(of_order("o")))
}

/// The refusal is what the order is sent, as nobody else asks.
#[track_caller]
fn answers_no(given: Given, command: ItemCommand, rejection: ItemRejection) {
    let ItemCommand::Allocate(Allocate { sub_order, .. }) = &command else { panic!("{command:?}") };
    let told = answered("o", sub_order.as_str(), Some(rejection));
    given.when(command).then_nothing().answers_nobody().sends([told]);
}

#[test]
fn refuses_the_same_sub_order_with_another_quantity() {
    let allocated = ordered().and(allocate("s", of_order("o"), "main", 2));
    let rejection = ItemRejection::ExistsWithDifferentQuantity { quantity: 2 };
    answers_no(allocated.clone(), allocate("s", of_order("o"), "main", 1), rejection);
    answers_no(allocated, allocate("s", of_order("o"), "shop", 2), ItemRejection::ExistsWithDifferentContent);
}

#[test]
fn refuses_an_unknown_item_and_a_digital_one() {
    answers_no(given_nothing(), allocate("s", of_order("o"), "main", 1), ItemRejection::ItemNotFound);
    let digital = given_digital().and(hold(of_order("o"), 1)).and(commit(of_order("o")));
    answers_no(digital, allocate("s", of_order("o"), "main", 1), ItemRejection::DigitalHasNoStock);
}

#[test]
fn refuses_an_unknown_hold_and_a_free_one() {
    answers_no(given_stock(3), allocate("s", of_order("o"), "main", 1), ItemRejection::HoldNotFound);
    given_stock(3).when(allocate("s", of_claim("d"), "main", 1)).refuses(ItemRejection::HoldNotFound);
    let held = given_stock(3).and(hold(free("h"), 1)).and(commit(free("h")));
    held.when(allocate("s", free("h"), "main", 1)).refuses(ItemRejection::HoldNotFound);
}

#[test]
fn refuses_more_than_is_committed() {
    let rejection = ItemRejection::NotThatManyOpen { open: 3 };
    let allocated = ordered().and(allocate("s", of_order("o"), "main", 2));
    answers_no(allocated, allocate("t", of_order("o"), "shop", 4), rejection);
    let active = given_stock(3).and(hold(of_order("o"), 1));
    answers_no(active, allocate("s", of_order("o"), "main", 1), ItemRejection::NotThatManyOpen { open: 0 });
}

#[test]
fn refuses_a_location_where_the_item_never_was() {
    let rejection = ItemRejection::LocationNotFound { location: location("nowhere") };
    answers_no(ordered(), allocate("t", of_order("o"), "nowhere", 3), rejection);
}

#[test]
fn refuses_more_than_the_location_has_free() {
    let location = location("main");
    let rejection = ItemRejection::InsufficientAtLocation { location, asked: 3, available: 1 };
    let allocated = ordered().and(allocate("s", of_order("o"), "main", 2));
    answers_no(allocated, allocate("t", of_order("o"), "main", 3), rejection);
}

#[test]
fn binds_the_units_to_the_location() {
    let allocated = UnitsAllocated {
        sub_order: sub_order("s"),
        hold: of_order("o"),
        quantity: quantity(2),
        shipment: None,
        stock: StockLevels { committed: 3, ..levels(2, 7) },
        place: LocationLevels { allocated: 2, ..at_main(3) },
    };
    let when = ordered().when(allocate("s", of_order("o"), "main", 2)).then([allocated.into()]);
    when.answers_nobody().sends([answered("o", "s", None)]);
}

#[test]
fn a_sub_order_that_was_given_up_is_not_allocated_again() {
    let given_up = ordered().and(allocate("s", of_order("o"), "main", 2)).and(count("c", "main", 0));
    let again = given_up.and(count("d", "main", 9)).when(allocate("s", of_order("o"), "main", 2)).then_nothing();
    again.sends([answered("o", "s", None)]);
}

#[test]
fn what_was_cancelled_meanwhile_is_not_allocated() {
    let cancel = |units| ItemCommand::Uncommit(uncommit("c", of_order("o"), units, &[("s", units)]));
    let rejection = ItemRejection::NotThatManyOpen { open: 1 };
    answers_no(ordered().and(cancel(4)), allocate("s", of_order("o"), "main", 2), rejection);
    let over = ordered().and(cancel(5));
    answers_no(over, allocate("s", of_order("o"), "main", 2), ItemRejection::NotThatManyOpen { open: 0 });
    let given_back = ordered().and(allocate("s", of_order("o"), "main", 2)).and(cancel(5));
    given_back.when(allocate("s", of_order("o"), "main", 2)).then_nothing().leaves(&[], levels(7, 7));
}
