use super::*;

#[test]
fn places_what_stands_in_the_cart_and_locks_it() {
    let mut world = World::with(&[("tea", 2), ("cup", 1)]);
    let decision = world.done(CartCommand::Checkout(stored("o-1")));
    assert_eq!(names(&decision), ["checkout-begun"]);
    assert_eq!(sent(&decision), ["place o-1: 1xcup 2xtea"]);
    assert_eq!(decision.answer, Answer::Nobody, "the order answers");
    assert_eq!(world.locked_by(), Some("o-1".to_owned()));
    world.assert_lines(&[("cup", 1), ("tea", 2)]);
}

#[test]
fn the_order_is_told_whose_it_is_and_what_the_shopper_saw() {
    let mut world = World::new();
    let saw = SetCartLine { expected_unit_price: Some(eur(400)), ..set("a", "tea", 2) };
    world.done(CartCommand::SetLine(saw));
    let checkout = Checkout { submit: SubmitMode::Auto, ..stored("o-1") };
    let decision = world.done(CartCommand::Checkout(checkout));
    let [Command::Order { command: OrderCommand::Place(place), .. }] = &decision.sends[..] else { panic!("an order") };
    let PlaceOrder { effect: of, shopper, lines, submit, from_cart, .. } = place.clone();
    assert_eq!((of, shopper, submit, from_cart), (effect("o-1", 1), Some(subject("alice")), SubmitMode::Auto, true));
    assert_eq!((lines[0].line_id.as_str(), lines[0].expected_unit_price), ("1", Some(eur(400))));
}

#[test]
fn places_the_lines_of_the_request_and_leaves_the_cart_alone() {
    let mut world = World::with(&[("tea", 2)]);
    let decision = world.done(CartCommand::Checkout(of_lines("o-1", &[("cup", 1), ("cup", 2)])));
    assert_eq!(sent(&decision), ["place o-1: 1xcup 2xcup"]);
    assert_eq!(world.locked_by(), None);
    world.done(CartCommand::SetLine(set("b", "tea", 3)));
}

#[test]
fn again_asks_its_order_which_answers() {
    let mut world = World::with(&[("tea", 2)]);
    world.done(CartCommand::Checkout(stored("o-1")));
    assert_eq!(sent(&world.done(CartCommand::Checkout(stored("o-1")))), ["place o-1: 2xtea"]);
    world.done(ended("o-1", CartOutcome::Confirmed));
    let again = world.done(CartCommand::Checkout(stored("o-1")));
    assert_eq!((again.events.len(), sent(&again)), (0, vec!["place o-1: 2xtea".to_owned()]), "with the same content");
    let other = Checkout { effect: effect("o-1", 2), ..stored("o-1") };
    assert_eq!(refusal(&world.ask(CartCommand::Checkout(other))), CartRejection::IdempotencyKeyReused);
}

#[test]
fn another_request_joins_the_checkout_that_locks_the_cart() {
    let mut world = World::with(&[("tea", 2)]);
    world.done(CartCommand::Checkout(stored("o-1")));
    let joined = world.done(CartCommand::Checkout(stored("o-2")));
    assert_eq!(
        (names(&joined), sent(&joined)),
        (vec!["checkout-joined".to_owned()], vec!["place o-1: 2xtea".to_owned()])
    );
    world.done(ended("o-1", CartOutcome::Expired));
    let later = world.done(CartCommand::Checkout(stored("o-2")));
    assert_eq!(
        (later.events.len(), sent(&later)),
        (0, vec!["place o-1: 2xtea".to_owned()]),
        "its key names that order"
    );
}

#[test]
fn older_checkouts_of_the_same_items_make_way_first() {
    let mut world = World::new();
    world.done(CartCommand::Checkout(of_lines("o-1", &[("tea", 1)])));
    world.done(CartCommand::Checkout(of_lines("o-2", &[("pot", 1)])));
    let decision = world.done(CartCommand::Checkout(of_lines("o-3", &[("tea", 1), ("cup", 1)])));
    assert_eq!(
        (names(&decision), sent(&decision)),
        (vec!["checkout-begun".to_owned()], vec!["supersede o-1 by o-3".to_owned()])
    );
    let placed = world.done(gave_way("o-1", "o-3"));
    assert_eq!(
        (names(&placed), sent(&placed)),
        (vec!["checkout-placed".to_owned()], vec!["place o-3: 1xtea 1xcup".to_owned()])
    );
}

#[test]
fn the_stored_cart_makes_way_for_a_request_and_the_other_way_round() {
    let mut world = World::with(&[("tea", 1)]);
    world.done(CartCommand::Checkout(stored("o-1")));
    assert_eq!(sent(&world.done(CartCommand::Checkout(of_lines("o-2", &[("tea", 1)])))), ["supersede o-1 by o-2"]);
    world.done(ended("o-1", CartOutcome::Cancelled));
    world.done(gave_way("o-1", "o-2"));
    assert_eq!(world.locked_by(), None);
    assert_eq!(sent(&world.done(CartCommand::Checkout(stored("o-3")))), ["supersede o-2 by o-3"]);
}

#[test]
fn one_that_is_not_placed_yet_is_ended_by_a_newer_one() {
    let mut world = World::new();
    world.done(CartCommand::Checkout(of_lines("o-1", &[("tea", 1)])));
    world.done(CartCommand::Checkout(of_lines("o-2", &[("tea", 1)])));
    let decision = world.done(CartCommand::Checkout(of_lines("o-3", &[("tea", 1)])));
    assert_eq!(names(&decision), ["checkout-ended", "checkout-begun"]);
    assert_eq!(sent(&decision), ["supersede o-1 by o-3"]);
    let cancelled = Err(Rejection::Order(OrderRejection::OrderCancelled));
    assert_eq!(world.ask(CartCommand::Checkout(of_lines("o-2", &[("tea", 1)]))), cancelled, "and its client is told");
}

#[test]
fn refuses_lines_of_an_item_that_add_up_to_too_many() {
    let mut world = World::new();
    let lines = of_lines("o-1", &[("tea", 600_000), ("tea", 600_000)]);
    let rejection = CartRejection::ItemQuantityTooLarge { item_id: item("tea") };
    assert_eq!(refusal(&world.ask(CartCommand::Checkout(lines))), rejection);
}

#[test]
fn refuses_lines_of_an_item_that_saw_different_prices() {
    let mut checkout = of_lines("o-1", &[("tea", 1), ("tea", 1)]);
    let lines = checkout.lines.as_mut().expect("lines");
    lines[0].expected_unit_price = Some(eur(1));
    lines[1].expected_unit_price = Some(eur(2));
    let rejection = CartRejection::ExpectedPricesDiffer { item_id: item("tea") };
    assert_eq!(refusal(&World::new().ask(CartCommand::Checkout(checkout))), rejection);
}

#[test]
fn refuses_an_empty_cart() {
    assert_eq!(refusal(&World::new().ask(CartCommand::Checkout(stored("o-1")))), CartRejection::CartEmpty);
    let none = of_lines("o-1", &[]);
    assert_eq!(refusal(&World::with(&[("tea", 1)]).ask(CartCommand::Checkout(none))), CartRejection::CartEmpty);
}

#[test]
fn refuses_one_checkout_too_many_but_one_that_makes_another_way() {
    let mut world = World::new();
    for number in 0..super::super::MOST_CHECKOUTS {
        let (id, of) = (format!("o-{number}"), format!("item-{number}"));
        world.done(CartCommand::Checkout(of_lines(&id, &[(&of, 1)])));
    }
    let limit = super::super::MOST_CHECKOUTS;
    let more = CartCommand::Checkout(of_lines("x", &[("tea", 1)]));
    assert_eq!(refusal(&world.ask(more.clone())), CartRejection::TooManyCheckouts { limit });
    world.done(CartCommand::Checkout(of_lines("y", &[("item-3", 1)])));
    world.done(ended("o-4", CartOutcome::Expired));
    world.done(ended("o-3", CartOutcome::Cancelled));
    world.done(more);
}
