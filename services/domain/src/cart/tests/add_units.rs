use super::*;

#[test]
fn adds_to_the_line_and_keeps_the_price_that_was_seen() {
    let mut world = World::new();
    let saw = SetCartLine { expected_unit_price: Some(eur(400)), ..set("a", "tea", 2) };
    world.done(CartCommand::SetLine(saw));
    world.done(CartCommand::AddUnits(add("b", "tea", 3)));
    world.done(CartCommand::AddUnits(add("c", "cup", 1)));
    world.assert_lines(&[("cup", 1), ("tea", 5)]);
    assert_eq!(world.cart.lines[&item("tea")].expected_unit_price, Some(eur(400)));
}

#[test]
fn the_same_key_adds_once() {
    let mut world = World::new();
    world.done(CartCommand::AddUnits(add("a", "tea", 3)));
    world.done(CartCommand::AddUnits(add("b", "tea", 1)));
    world.done(CartCommand::AddUnits(AddUnits { available: Some(0), ..add("a", "tea", 3) }));
    world.assert_lines(&[("tea", 4)]);
    let other = AddUnits { effect: effect("a", 2), ..add("a", "tea", 4) };
    assert_eq!(refusal(&world.ask(CartCommand::AddUnits(other))), CartRejection::IdempotencyKeyReused);
}

#[test]
fn refuses_a_line_that_grows_too_large() {
    let mut world = World::with(&[("tea", 999_999)]);
    let rejection = CartRejection::ItemQuantityTooLarge { item_id: item("tea") };
    assert_eq!(refusal(&world.ask(CartCommand::AddUnits(add("a", "tea", 2)))), rejection);
    world.done(CartCommand::AddUnits(add("b", "tea", 1)));
}

#[test]
fn refuses_more_with_those_in_the_cart_than_is_available() {
    let mut world = World::with(&[("tea", 2)]);
    let more = |id: &str, units| CartCommand::AddUnits(AddUnits { available: Some(3), ..add(id, "tea", units) });
    assert_eq!(refusal(&world.ask(more("a", 2))), CartRejection::InsufficientStock { asked: 4, available: 3 });
    world.done(more("b", 1));
}

#[test]
fn digital_items_have_no_number_to_exceed() {
    let mut world = World::new();
    world.done(CartCommand::AddUnits(add("a", "ebook", 1_000_000)));
    world.assert_lines(&[("ebook", 1_000_000)]);
}
