use super::*;

#[test]
fn sets_adds_and_removes_a_line() {
    let mut world = World::new();
    assert_eq!(names(&world.done(CartCommand::SetLine(set("a", "tea", 2)))), ["cart-line-set"]);
    world.done(CartCommand::SetLine(set("b", "cup", 1)));
    world.done(CartCommand::SetLine(set("c", "tea", 5)));
    world.assert_lines(&[("cup", 1), ("tea", 5)]);
    assert_eq!(names(&world.done(CartCommand::SetLine(set("d", "tea", 0)))), ["cart-line-removed"]);
    world.assert_lines(&[("cup", 1)]);
}

#[test]
fn answers_with_all_lines_ordered_by_item() {
    let mut world = World::with(&[("tea", 2)]);
    let saw = SetCartLine { expected_unit_price: Some(eur(400)), ..set("b", "cup", 1) };
    let Answer::Now(ReplyBody::Cart(reply)) = world.done(CartCommand::SetLine(saw)).answer else { panic!("a cart") };
    let lines: Vec<_> = reply.lines.iter().map(|line| (line.item_id.as_str(), line.expected_unit_price)).collect();
    assert_eq!(lines, [("cup", Some(eur(400))), ("tea", None)]);
    assert_eq!((reply.shopper, reply.locked_by), (subject("alice"), None));
}

#[test]
fn what_is_so_already_makes_no_event() {
    let mut world = World::with(&[("tea", 2)]);
    assert_eq!(world.done(CartCommand::SetLine(set("other", "tea", 2))).events, []);
    assert_eq!(world.done(CartCommand::SetLine(set("none", "cup", 0))).events, []);
}

#[test]
fn the_same_key_sets_once_whatever_happened_since() {
    let mut world = World::new();
    world.done(CartCommand::SetLine(set("a", "tea", 2)));
    world.done(CartCommand::SetLine(set("b", "tea", 5)));
    let late = SetCartLine { available: Some(0), ..set("a", "tea", 2) };
    assert_eq!(world.done(CartCommand::SetLine(late)).events, [], "no number of a view is looked at before the key");
    world.assert_lines(&[("tea", 5)]);
}

#[test]
fn refuses_a_key_that_said_something_else() {
    let mut world = World::with(&[]);
    world.done(CartCommand::SetLine(set("a", "tea", 2)));
    let other = SetCartLine { effect: effect("a", 2), ..set("a", "tea", 3) };
    assert_eq!(refusal(&world.ask(CartCommand::SetLine(other))), CartRejection::IdempotencyKeyReused);
}

#[test]
fn refuses_while_a_checkout_locks_it() {
    let mut world = World::with(&[("tea", 2)]);
    world.done(CartCommand::Checkout(stored("o-1")));
    for command in [
        CartCommand::SetLine(set("s", "tea", 1)),
        CartCommand::SetLine(set("t", "tea", 0)),
        CartCommand::AddUnits(add("a", "cup", 1)),
        CartCommand::RemoveUnits(remove("r", "tea", 1)),
        CartCommand::Merge(MergeCart { effect: effect("m", 1), guest: subject("guest") }),
    ] {
        assert_eq!(refusal(&world.ask(command)), CartRejection::CartLocked { order_id: order("o-1") });
    }
    world.assert_lines(&[("tea", 2)]);
}

#[test]
fn refuses_one_line_too_many_and_changes_those_that_are_there() {
    let names: Vec<String> = (0..super::super::MOST_LINES).map(|number| format!("item-{number:04}")).collect();
    let lines: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let mut world = World::with(&lines);
    let limit = super::super::MOST_LINES;
    assert_eq!(refusal(&world.ask(CartCommand::SetLine(set("x", "tea", 1)))), CartRejection::TooManyLines { limit });
    world.done(CartCommand::SetLine(set("y", "item-0007", 2)));
}

#[test]
fn refuses_more_than_is_available_but_never_a_lower_number() {
    let mut world = World::with(&[("tea", 9)]);
    let to = |id: &str, units: u32| CartCommand::SetLine(SetCartLine { available: Some(3), ..set(id, "tea", units) });
    let short = CartRejection::InsufficientStock { asked: 10, available: 3 };
    assert_eq!(refusal(&world.ask(to("a", 10))), short);
    world.done(to("b", 8));
    world.done(CartCommand::SetLine(SetCartLine { available: Some(3), ..set("c", "cup", 3) }));
    world.assert_lines(&[("cup", 3), ("tea", 8)]);
}

#[test]
fn counts_the_shoppers_own_holds_as_available() {
    let mut world = World::new();
    world.done(CartCommand::Checkout(of_lines("o-1", &[("tea", 2), ("tea", 1)])));
    let to = |id: &str, units: u32| CartCommand::SetLine(SetCartLine { available: Some(1), ..set(id, "tea", units) });
    world.done(to("a", 4));
    assert_eq!(refusal(&world.ask(to("b", 5))), CartRejection::InsufficientStock { asked: 5, available: 4 });
    world.done(ended("o-1", CartOutcome::Expired));
    world.done(CartCommand::SetLine(set("c", "tea", 0)));
    assert_eq!(refusal(&world.ask(to("d", 4))), CartRejection::InsufficientStock { asked: 4, available: 1 });
}
