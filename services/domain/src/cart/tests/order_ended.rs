use super::*;

#[test]
fn confirmed_takes_what_was_bought_out_of_the_cart() {
    let mut world = World::with(&[("tea", 2), ("cup", 1)]);
    world.done(CartCommand::Checkout(stored("o-1")));
    let decision = world.done(ended("o-1", CartOutcome::Confirmed));
    assert_eq!((names(&decision), decision.answer), (vec!["checkout-ended".to_owned()], Answer::Nobody));
    world.assert_lines(&[]);
    assert_eq!(world.locked_by(), None);
    assert!(world.cart.is_finished());
}

#[test]
fn rejected_expired_and_cancelled_open_it_again_as_it_was() {
    for outcome in [short("tea"), CartOutcome::Expired, CartOutcome::Cancelled] {
        let mut world = World::with(&[("tea", 2)]);
        world.done(CartCommand::Checkout(stored("o-1")));
        assert!(!world.cart.is_finished());
        world.done(ended("o-1", outcome));
        assert_eq!(world.locked_by(), None);
        world.assert_lines(&[("tea", 2)]);
        world.done(CartCommand::SetLine(set("b", "tea", 1)));
        assert_eq!(sent(&world.done(CartCommand::Checkout(stored("o-2")))), ["place o-2: 1xtea"]);
    }
}

#[test]
fn an_order_of_a_request_leaves_the_lines_alone() {
    let mut world = World::with(&[("tea", 2)]);
    world.done(CartCommand::Checkout(of_lines("o-1", &[("tea", 2)])));
    world.done(ended("o-1", CartOutcome::Confirmed));
    world.assert_lines(&[("tea", 2)]);
}

#[test]
fn the_end_of_an_order_that_is_not_open_here_changes_nothing() {
    let mut world = World::with(&[("tea", 2)]);
    world.done(CartCommand::Checkout(stored("o-1")));
    world.done(ended("o-1", CartOutcome::Expired));
    assert_eq!(
        world.done(ended("o-1", CartOutcome::Confirmed)).events,
        [],
        "a late payment confirms it: not the cart's"
    );
    assert_eq!(world.done(ended("o-7", CartOutcome::Confirmed)).events, []);
    world.assert_lines(&[("tea", 2)]);
}

#[test]
fn what_a_merge_brought_meanwhile_stays() {
    let mut world = World::with(&[("tea", 2)]);
    world.done(CartCommand::Merge(MergeCart { effect: effect("m", 1), guest: subject("guest") }));
    world.done(CartCommand::Checkout(stored("o-1")));
    let line = |of, units| CartLine { item_id: item(of), quantity: quantity(units), expected_unit_price: None };
    let take =
        TakeOverCart { effect: effect("m", 1), guest: subject("guest"), lines: vec![line("cup", 1), line("tea", 3)] };
    world.done(CartCommand::TakeOver(take));
    world.done(ended("o-1", CartOutcome::Confirmed));
    world.assert_lines(&[("cup", 1), ("tea", 3)]);
}
