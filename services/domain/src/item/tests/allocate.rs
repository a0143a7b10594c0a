use super::kit::*;
use schemas::item::*;

fn ordered() -> Given {
    given_stock(3).and(receive("more", "shop", 4)).and(hold(of_order("o"), 5)).and(commit(of_order("o")))
}

#[test]
fn refuses_the_same_sub_order_with_another_quantity() {
    let allocated = ordered().and(allocate("s", of_order("o"), "main", 2));
    let rejection = ItemRejection::ExistsWithDifferentQuantity { quantity: 2 };
    allocated.clone().when(allocate("s", of_order("o"), "main", 1)).refuses(rejection);
    allocated.when(allocate("s", of_order("o"), "shop", 2)).refuses(ItemRejection::ExistsWithDifferentContent);
}

#[test]
fn refuses_an_unknown_item_and_a_digital_one() {
    given_nothing().when(allocate("s", of_order("o"), "main", 1)).refuses(ItemRejection::ItemNotFound);
    let digital = given_digital().and(hold(of_order("o"), 1)).and(commit(of_order("o")));
    digital.when(allocate("s", of_order("o"), "main", 1)).refuses(ItemRejection::DigitalHasNoStock);
}

#[test]
fn refuses_an_unknown_hold_and_a_free_one() {
    given_stock(3).when(allocate("s", of_order("o"), "main", 1)).refuses(ItemRejection::HoldNotFound);
    let held = given_stock(3).and(hold(free("h"), 1)).and(commit(free("h")));
    held.when(allocate("s", free("h"), "main", 1)).refuses(ItemRejection::HoldNotFound);
}

#[test]
fn refuses_more_than_is_committed() {
    let rejection = ItemRejection::NotThatManyOpen { open: 3 };
    let allocated = ordered().and(allocate("s", of_order("o"), "main", 2));
    allocated.when(allocate("t", of_order("o"), "shop", 4)).refuses(rejection);
    let active = given_stock(3).and(hold(of_order("o"), 1));
    active.when(allocate("s", of_order("o"), "main", 1)).refuses(ItemRejection::NotThatManyOpen { open: 0 });
}

#[test]
fn refuses_a_location_where_the_item_never_was() {
    let rejection = ItemRejection::LocationNotFound { location: location("nowhere") };
    ordered().when(allocate("t", of_order("o"), "nowhere", 3)).refuses(rejection);
}

#[test]
fn refuses_more_than_the_location_has_free() {
    let location = location("main");
    let rejection = ItemRejection::InsufficientAtLocation { location, asked: 3, available: 1 };
    let allocated = ordered().and(allocate("s", of_order("o"), "main", 2));
    allocated.when(allocate("t", of_order("o"), "main", 3)).refuses(rejection);
}

#[test]
fn binds_the_units_to_the_location() {
    let allocated = UnitsAllocated {
        sub_order: sub_order("s"),
        hold: of_order("o"),
        quantity: quantity(2),
        stock: StockLevels { committed: 3, ..levels(2, 7) },
        place: LocationLevels { allocated: 2, ..at_main(3) },
    };
    ordered().when(allocate("s", of_order("o"), "main", 2)).then([allocated.into()]).answers_nobody();
}

#[test]
fn a_sub_order_that_was_given_up_is_not_allocated_again() {
    let given_up = ordered().and(allocate("s", of_order("o"), "main", 2)).and(count("c", "main", 0));
    given_up.and(count("d", "main", 9)).when(allocate("s", of_order("o"), "main", 2)).then_nothing();
}
