//! Who may do what.

use super::*;

#[test]
fn a_store_schedules_for_itself_and_a_trusted_caller_for_any() {
    let try_as = |caller: &Caller| {
        let terms = plain(vec![offered("s", 1)]);
        World::new().by(caller, DropCommand::Schedule(schedule(terms))).map(|_| ())
    };
    let other = Caller { store: Some(store("other")), ..sam() };
    let service = Caller { role: Role::Service, store: None, ..sam() };
    assert_eq!(try_as(&sam()), Ok(()));
    assert_eq!(try_as(&service), Ok(()));
    for stranger in [other, shopper("sam"), Caller { role: Role::Supplier, ..sam() }] {
        assert_eq!(try_as(&stranger), Err(Rejection::Drop(DropRejection::DropNotFound)), "{stranger:?}");
    }
}

#[test]
fn another_store_cannot_touch_it_nor_learn_that_it_exists() {
    let mut world = World::live(plain(vec![offered("s", 1)]), &[]);
    let other = Caller { store: Some(store("other")), ..sam() };
    let commands = [
        DropCommand::Schedule(ScheduleDrop { store: store("other"), ..schedule(plain(vec![offered("s", 1)])) }),
        DropCommand::Change(ChangeDrop { effect: effect("x", 1), patch: serde_json::Map::new() }),
        DropCommand::Pause(PauseDrop { effect: effect("x", 1), reason: None }),
        DropCommand::Resume(ResumeDrop { effect: effect("x", 1) }),
        DropCommand::Cancel(CancelDrop { effect: effect("x", 1), reason: None }),
    ];
    for command in commands {
        assert_eq!(refusal(&world.by(&other, command.clone())), DropRejection::DropNotFound);
        assert_eq!(refusal(&world.by(&shopper("ann"), command)), DropRejection::DropNotFound);
    }
}

#[test]
fn only_a_shopper_joins_and_claims() {
    let mut world = World::live(plain(vec![offered("s", 1)]), &[]);
    for command in [DropCommand::Join(JoinQueue { effect: effect("x", 1) }), DropCommand::Claim(claim("x", None, 1))] {
        assert_eq!(refusal(&world.by(&sam(), command.clone())), DropRejection::DropNotFound);
        assert_eq!(refusal(&World::new().by(&shopper("ann"), command)), DropRejection::DropNotFound, "no such drop");
    }
}
