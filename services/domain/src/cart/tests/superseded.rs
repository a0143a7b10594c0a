use super::*;

/// Three open checkouts of different items, and a newer one of all three items.
fn crowded() -> World {
    let mut world = World::new();
    for (id, of) in [("o-1", "tea"), ("o-2", "cup"), ("o-3", "pot")] {
        world.done(CartCommand::Checkout(of_lines(id, &[(of, 1)])));
    }
    let newest = of_lines("o-9", &[("tea", 1), ("cup", 1), ("pot", 1)]);
    assert_eq!(sent(&world.done(CartCommand::Checkout(newest))), ["supersede o-1 by o-9"]);
    world
}

#[test]
fn asks_one_older_order_after_the_other_and_then_places() {
    let mut world = crowded();
    assert_eq!(sent(&world.done(gave_way("o-1", "o-9"))), ["supersede o-2 by o-9"]);
    assert_eq!(sent(&world.done(gave_way("o-2", "o-9"))), ["supersede o-3 by o-9"]);
    let placed = world.done(gave_way("o-3", "o-9"));
    assert_eq!(
        (names(&placed), sent(&placed)),
        (vec!["checkout-placed".to_owned()], vec!["place o-9: 1xtea 1xcup 1xpot".to_owned()])
    );
}

#[test]
fn a_second_request_walks_the_same_way_and_asks_the_order_at_its_end() {
    let mut world = crowded();
    let newest = of_lines("o-9", &[("tea", 1), ("cup", 1), ("pot", 1)]);
    world.done(gave_way("o-1", "o-9"));
    assert_eq!(sent(&world.done(CartCommand::Checkout(newest))), ["supersede o-1 by o-9"]);
    world.done(gave_way("o-2", "o-9"));
    world.done(gave_way("o-3", "o-9"));
    let second = world.done(gave_way("o-1", "o-9"));
    assert_eq!((second.events.len(), sent(&second)), (0, vec!["place o-9: 1xtea 1xcup 1xpot".to_owned()]));
}

#[test]
fn what_no_checkout_waits_for_changes_nothing() {
    let mut world = crowded();
    for command in [gave_way("o-1", "o-7"), gave_way("o-8", "o-9")] {
        let decision = world.done(command);
        assert_eq!((decision.events.len(), decision.sends.len(), decision.answer), (0, 0, Answer::Nobody));
    }
}

#[test]
fn the_client_of_one_that_a_newer_checkout_ended_is_told_so() {
    let mut world = World::new();
    world.done(CartCommand::Checkout(of_lines("o-1", &[("tea", 1)])));
    world.done(CartCommand::Checkout(of_lines("o-2", &[("tea", 1)])));
    world.done(CartCommand::Checkout(of_lines("o-3", &[("tea", 1)])));
    let decision = world.done(gave_way("o-1", "o-2"));
    assert_eq!((decision.events.len(), decision.sends.len()), (0, 0), "its order is never placed");
    let Answer::Later(Wait::Cart(wait)) = decision.answer else { panic!("an internal refusal is told by a wait") };
    assert_eq!(answer(&world.cart, &wait), Some(Err(Rejection::Order(OrderRejection::OrderCancelled))));
}
