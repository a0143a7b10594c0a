//! Cancel.

use super::*;

#[test]
fn gives_back_what_nobody_claimed_and_lets_the_rest_be_paid() {
    let mut world = World::live(plain(vec![offered("s", 3), offered("m", 4)]), &[]);
    world.by(&shopper("ann"), DropCommand::Claim(claim("a", Some("s"), 2))).expect("it is live");
    let decision = world.cancel("x").expect("it is taken");
    assert_eq!(names(&decision), ["drop-cancelled"]);
    assert_eq!(asked(&decision), ["return s 1", "return m 4"]);
    assert_eq!((world.status(), world.levels(0)), (DropStatus::Cancelled, [0, 2, 0]));
    let commit = world.commit("a");
    assert_eq!((names(&commit), asked(&commit)), (vec!["claim-committed"], vec!["commit s 2".to_owned()]));
}

#[test]
fn once_whatever_the_key() {
    let mut world = World::scheduled(plain(vec![offered("s", 3)]));
    world.cancel("x").expect("it is taken");
    assert_eq!(world.cancel("x").expect("it is known").sends, []);
    assert_eq!(world.cancel("y").expect("it is so already").events, []);
    let other = CancelDrop { effect: effect("x", 2), reason: None };
    assert_eq!(refusal(&world.by(&sam(), DropCommand::Cancel(other))), DropRejection::IdempotencyKeyReused);
}

#[test]
fn refuses_a_draft_and_what_has_ended() {
    assert_eq!(refusal(&World::drafted(plain(vec![offered("s", 3)])).cancel("x")), DropRejection::DropNotReady);
    let mut world = World::live(plain(vec![offered("s", 3)]), &[]);
    world.pass_to(ENDS);
    assert_eq!(refusal(&world.cancel("x")), DropRejection::DropOver { status: DropStatus::Ended });
}
