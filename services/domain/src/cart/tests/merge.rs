use super::*;

fn merge(id: &str) -> CartCommand {
    CartCommand::Merge(MergeCart { effect: effect(id, 1), guest: subject("guest") })
}

fn guest() -> Caller {
    caller(Role::Shopper, "guest")
}

/// Brings what `alice` asks of the guest's cart there, and the answer back.
fn exchange(alices: &mut World, guests: &mut World, merge: CartCommand) -> Decision {
    let begun = alices.done(merge);
    for command in &begun.sends {
        let Command::Cart { command, .. } = command else { panic!("a cart is asked") };
        for answer in guests.done(command.clone()).sends {
            let Command::Cart { command, .. } = answer else { panic!("a cart answers") };
            alices.done(command);
        }
    }
    begun
}

fn guests_cart(lines: &[(&str, u32)]) -> World {
    let mut world = World::of("guest");
    for (number, (of, units)) in lines.iter().enumerate() {
        let line = CartCommand::SetLine(set(&format!("given-{number}"), of, *units));
        world.by(&guest(), line).expect("it is set");
    }
    world
}

#[test]
fn sums_the_lines_by_item_and_empties_the_guests_cart() {
    let (mut alices, mut guests) = (World::with(&[("cup", 1), ("tea", 2)]), guests_cart(&[("pot", 4), ("tea", 3)]));
    let begun = exchange(&mut alices, &mut guests, merge("m"));
    assert_eq!(
        (names(&begun), sent(&begun)),
        (vec!["merge-begun".to_owned()], vec!["hand over guest to alice".to_owned()])
    );
    alices.assert_lines(&[("cup", 1), ("pot", 4), ("tea", 5)]);
    guests.assert_lines(&[]);
    assert!(guests.cart.is_finished());
}

#[test]
fn answers_when_the_lines_have_come() {
    let mut alices = World::with(&[("tea", 2)]);
    let begun = alices.done(merge("m"));
    let wait = CartWait::Merged(effect("m", 1).id);
    assert_eq!(begun.answer, Answer::Later(Wait::Cart(wait.clone())));
    assert_eq!(answer(&alices.cart, &wait), None);
    assert!(!alices.cart.is_finished());
    alices.done(CartCommand::TakeOver(TakeOverCart { effect: effect("m", 1), guest: subject("guest"), lines: vec![] }));
    let Some(Ok(ReplyBody::Cart(reply))) = answer(&alices.cart, &wait) else { panic!("the cart") };
    assert_eq!(reply.lines.len(), 1);
    assert_eq!(alices.done(merge("m")).answer, Answer::Now(ReplyBody::Cart(reply)), "and so is a repeat");
}

#[test]
fn twice_is_once_under_one_key_and_under_two() {
    let (mut alices, mut guests) = (World::new(), guests_cart(&[("tea", 3)]));
    for key in ["m", "m", "n"] {
        exchange(&mut alices, &mut guests, merge(key));
        alices.assert_lines(&[("tea", 3)]);
    }
    let other = MergeCart { effect: effect("m", 2), guest: subject("other") };
    assert_eq!(refusal(&alices.ask(CartCommand::Merge(other))), CartRejection::IdempotencyKeyReused);
}

#[test]
fn a_guests_cart_that_a_checkout_locks_gives_nothing() {
    let (mut alices, mut guests) = (World::new(), guests_cart(&[("tea", 3)]));
    guests.by(&guest(), CartCommand::Checkout(stored("o-1"))).expect("it begins");
    exchange(&mut alices, &mut guests, merge("m"));
    alices.assert_lines(&[]);
    guests.assert_lines(&[("tea", 3)]);
    guests.by(&guest(), ended("o-1", CartOutcome::Expired)).expect("told");
    exchange(&mut alices, &mut guests, merge("n"));
    alices.assert_lines(&[("tea", 3)]);
}

#[test]
fn keeps_the_price_that_the_shopper_saw_and_else_the_guests() {
    let mut alices = World::new();
    let saw = |id, of, price| SetCartLine { expected_unit_price: Some(eur(price)), ..set(id, of, 1) };
    alices.done(CartCommand::SetLine(saw("a", "tea", 10)));
    alices.done(CartCommand::SetLine(set("b", "cup", 1)));
    let mut guests = World::of("guest");
    for line in [saw("a", "tea", 11), saw("b", "cup", 20), saw("c", "pot", 30)] {
        guests.by(&guest(), CartCommand::SetLine(line)).expect("it is set");
    }
    exchange(&mut alices, &mut guests, merge("m"));
    let prices: Vec<_> = alices.cart.lines.values().map(|line| line.expected_unit_price).collect();
    assert_eq!(prices, [Some(eur(20)), Some(eur(30)), Some(eur(10))]);
}

#[test]
fn a_line_grows_no_further_than_a_line_may() {
    let (mut alices, mut guests) = (World::with(&[("tea", 900_000)]), guests_cart(&[("tea", 900_000)]));
    exchange(&mut alices, &mut guests, merge("m"));
    alices.assert_lines(&[("tea", 1_000_000)]);
}

#[test]
fn lines_that_nobody_asked_for_are_not_taken() {
    let mut alices = World::new();
    let line = CartLine { item_id: item("tea"), quantity: quantity(1), expected_unit_price: None };
    let take = TakeOverCart { effect: effect("m", 1), guest: subject("guest"), lines: vec![line] };
    assert_eq!(alices.done(CartCommand::TakeOver(take)).events, []);
}

#[test]
fn refuses_a_cart_of_its_own() {
    let own = MergeCart { effect: effect("m", 1), guest: subject("alice") };
    assert_eq!(refusal(&World::new().ask(CartCommand::Merge(own))), CartRejection::OwnCart);
}
