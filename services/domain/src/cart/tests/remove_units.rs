use super::*;

#[test]
fn takes_units_out_and_the_line_with_the_last() {
    let mut world = World::with(&[("tea", 5)]);
    assert_eq!(names(&world.done(CartCommand::RemoveUnits(remove("a", "tea", 2)))), ["cart-line-set"]);
    world.assert_lines(&[("tea", 3)]);
    assert_eq!(names(&world.done(CartCommand::RemoveUnits(remove("b", "tea", 7)))), ["cart-line-removed"]);
    world.assert_lines(&[]);
    assert_eq!(world.done(CartCommand::RemoveUnits(remove("c", "tea", 1))).events, [], "there is none");
}

#[test]
fn the_same_key_removes_once() {
    let mut world = World::with(&[("tea", 5)]);
    world.done(CartCommand::RemoveUnits(remove("a", "tea", 2)));
    world.done(CartCommand::SetLine(set("b", "tea", 9)));
    world.done(CartCommand::RemoveUnits(remove("a", "tea", 2)));
    world.assert_lines(&[("tea", 9)]);
}
