use super::*;

#[test]
fn only_its_shopper_has_a_cart() {
    let mut world = World::with(&[("tea", 2)]);
    let strangers = [
        caller(Role::Shopper, "eve"),
        caller(Role::Operator, "alice"),
        caller(Role::Service, "alice"),
        caller(Role::Store, "alice"),
        caller(Role::Engine, "alice"),
    ];
    for stranger in strangers {
        for command in [
            CartCommand::SetLine(set("s", "tea", 1)),
            CartCommand::AddUnits(add("a", "tea", 1)),
            CartCommand::RemoveUnits(remove("r", "tea", 1)),
            CartCommand::Checkout(stored("c")),
            CartCommand::Merge(MergeCart { effect: effect("m", 1), guest: subject("guest") }),
        ] {
            assert_eq!(refusal(&world.by(&stranger, command)), CartRejection::CartNotFound, "{stranger:?}");
        }
    }
    world.assert_lines(&[("tea", 2)]);
}
