use super::*;

const DAY_MS: i64 = 24 * 3_600 * 1_000;

#[test]
fn an_id_is_known_for_a_day_at_least_and_leaves_after_that() {
    let mut world = World::new();
    world.done(CartCommand::AddUnits(add("a", "tea", 1)));
    world.now = START.plus_millis(DAY_MS - 1);
    world.done(CartCommand::AddUnits(add("b", "tea", 1)));
    world.done(CartCommand::AddUnits(add("a", "tea", 1)));
    world.assert_lines(&[("tea", 2)]);
    world.now = START.plus_millis(DAY_MS);
    world.done(CartCommand::AddUnits(add("c", "tea", 1)));
    assert_eq!(world.cart.known.len(), 2);
}

#[test]
fn a_checkout_leaves_with_the_last_id_that_names_it() {
    let mut world = World::with(&[("tea", 1)]);
    world.done(CartCommand::Checkout(stored("o-1")));
    world.now = START.plus_seconds(60);
    world.done(CartCommand::Checkout(stored("o-2")));
    world.done(ended("o-1", CartOutcome::Expired));
    world.now = START.plus_millis(DAY_MS);
    world.done(CartCommand::AddUnits(add("a", "tea", 1)));
    assert_eq!(
        sent(&world.done(CartCommand::Checkout(stored("o-1")))),
        ["place o-1: 1xtea"],
        "it is known by its order"
    );
    world.now = START.plus_millis(DAY_MS).plus_seconds(60);
    world.done(CartCommand::AddUnits(add("b", "tea", 1)));
    assert_eq!(world.cart.checkouts.len(), 0);
}

#[test]
fn an_open_checkout_stays_when_its_id_has_left_and_leaves_with_its_end() {
    let mut world = World::with(&[("tea", 1)]);
    world.done(CartCommand::Checkout(stored("o-1")));
    world.now = START.plus_millis(2 * DAY_MS);
    for number in 0..3 {
        world.done(CartCommand::Checkout(of_lines(&format!("p-{number}"), &[("cup", 1)])));
    }
    assert_eq!(world.locked_by(), Some("o-1".to_owned()));
    world.done(ended("o-1", CartOutcome::Confirmed));
    world.assert_lines(&[]);
    assert!(!world.cart.checkouts.contains_key(&order("o-1")));
}
