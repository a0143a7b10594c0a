//! Pause and Resume.

use super::*;

#[test]
fn stops_claims_and_goes_on() {
    let mut world = World::live(plain(vec![offered("s", 2)]), &[]);
    let decided = world.pause("p");
    assert_eq!(names(decided.as_ref().expect("it is taken")), ["drop-paused"]);
    assert_eq!(state(&decided).status, DropStatus::Paused);
    let refused = DropRejection::NotLive { status: DropStatus::Paused };
    assert_eq!(refusal(&world.claim("ann", "a", 1)), refused);
    let decided = world.resume("r");
    assert_eq!(names(decided.as_ref().expect("it is taken")), ["drop-resumed"]);
    assert_eq!(state(&decided).status, DropStatus::Live);
    world.claim("ann", "a", 1).expect("it is live");
}

#[test]
fn goes_on_with_what_came_about_meanwhile() {
    let mut world = World::live(plain(vec![offered("s", 1)]), &[]);
    world.claim("ann", "a", 1).expect("it is live");
    world.pause("p").expect("it is taken");
    assert_eq!(names(&world.commit("a")), ["claim-committed"], "the status that is shown stays");
    assert_eq!(state(&world.resume("r")).status, DropStatus::SoldOut);
}

#[test]
fn before_the_start_it_opens_as_paused_and_admits_when_it_goes_on() {
    let mut world = World::scheduled(queued(vec![offered("s", 1)]));
    assert_eq!(state(&world.pause("p")).status, DropStatus::Paused);
    world.pass_to(OPENS);
    world.join("ann").expect("the waiting room opens all the same");
    world.pass_to(STARTS + 10);
    assert_eq!((world.status(), world.admitted()), (DropStatus::Paused, vec![]));
    let opened = world.events.iter().filter_map(|event| match event {
        DropEvent::QueueOpened(event) => Some(event.status),
        DropEvent::DropOpened(event) => Some(event.status),
        _ => None,
    });
    assert_eq!(opened.collect::<Vec<_>>(), [DropStatus::Paused, DropStatus::Paused]);
    let decision = world.resume("r").expect("it is taken");
    assert_eq!(names(&decision), ["drop-resumed", "shoppers-admitted"]);
}

#[test]
fn a_toggle_that_is_sent_again_changes_nothing() {
    let mut world = World::live(plain(vec![offered("s", 2)]), &[]);
    world.pause("p").expect("it is taken");
    world.resume("r").expect("it is taken");
    assert_eq!(world.pause("p").expect("it is known").events, []);
    assert_eq!(world.status(), DropStatus::Live);
    assert_eq!(world.resume("s").expect("it goes already").events, []);
    let other = PauseDrop { effect: effect("p", 2), reason: None };
    assert_eq!(refusal(&world.by(&sam(), DropCommand::Pause(other))), DropRejection::IdempotencyKeyReused);
}

#[test]
fn refuses_a_draft_and_what_is_over() {
    let mut draft = World::drafted(plain(vec![offered("s", 2)]));
    assert_eq!(refusal(&draft.pause("p")), DropRejection::DropNotReady);
    assert_eq!(refusal(&draft.resume("p")), DropRejection::DropNotReady);
    let mut world = World::live(plain(vec![offered("s", 2)]), &[]);
    world.pass_to(ENDS);
    let over = DropRejection::DropOver { status: DropStatus::Ended };
    assert_eq!(refusal(&world.pause("p")), over);
    assert_eq!(refusal(&world.resume("p")), over);
}
