//! Join.

use super::*;

fn terms() -> DropTerms {
    queued(vec![offered("s", 2)])
}

#[test]
fn the_early_have_a_number_and_no_rank_yet() {
    let mut world = World::queueing(terms());
    world.join("ann").expect("it is open");
    let decided = world.join("bob");
    let queue = QueueLevels { next_rank: 1, places: 2, admitted: 0 };
    let told = place(&decided);
    assert_eq!((told.number, told.rank, told.queue, told.status), (2, None, queue, DropStatus::Queueing));
    assert_eq!(names(&decided.expect("it is open")), ["queue-joined"]);
}

#[test]
fn the_late_are_admitted_by_the_order_of_joining() {
    let mut world = World::live(terms(), &["ann"]);
    let bob = world.join("bob");
    let told = place(&bob);
    assert_eq!((told.number, told.rank), (2, Some(2)));
    assert_eq!(told.admitted_until, Some(world.now.plus_seconds(ADMISSION)), "two units are free, one is admitted");
    assert_eq!(names(&bob.expect("it is open")), ["queue-joined", "shoppers-admitted"]);
    let carl = world.join("carl");
    assert_eq!((place(&carl).rank, place(&carl).admitted_until), (Some(3), None));
    assert_eq!(names(&carl.expect("it is open")), ["queue-joined"]);
}

#[test]
fn a_shopper_has_one_place() {
    let mut world = World::live(terms(), &["ann"]);
    let first = world.join_as("bob", "j1");
    world.now = world.now.plus_seconds(1);
    for id in ["j1", "j2"] {
        let again = world.join_as("bob", id);
        assert_eq!(place(&again).number, 2, "{id}");
        assert_eq!(place(&again).admitted_until, place(&first).admitted_until, "{id}");
        assert_eq!(again.expect("it is open").events, [], "{id}");
    }
    assert_eq!(world.drop.room.levels.places, 2);
}

#[test]
fn who_asks_again_in_the_moment_of_the_admission_is_told_of_it() {
    let mut world = World::queueing(terms());
    for who in ["ann", "bob"] {
        world.join(who).expect("it is open");
    }
    // It opens, then draws; with the next decision, whatever that is, both are admitted.
    for _ in 0..2 {
        world.now = world.drop.due().expect("it goes on");
        world.tick();
    }
    let first = world.drop.room.waiting(1).next().expect("two wait").1.to_string();
    let again = world.join(&first);
    assert_eq!(place(&again).admitted_until, Some(world.now.plus_seconds(ADMISSION)));
    assert_eq!(names(&again.expect("it is open")), ["shoppers-admitted"]);
}

#[test]
fn a_new_place_at_the_end_follows_one_that_was_used_or_let_pass() {
    let mut world = World::live(terms(), &["ann"]);
    world.claim("ann", "a", 1).expect("ann is admitted");
    assert_eq!(place(&world.join_as("ann", "again")).number, 2, "one more is within the limit");
    world.pass(ADMISSION + 1);
    assert_eq!(place(&world.join_as("ann", "again")).number, 2, "the same request has had its place");
    assert_eq!(place(&world.join_as("ann", "third")).number, 3);
}

#[test]
fn refuses_the_same_key_with_another_body() {
    let mut world = World::queueing(terms());
    world.join_as("ann", "j").expect("it is open");
    let other = DropCommand::Join(JoinQueue { effect: effect("j", 2) });
    assert_eq!(refusal(&world.by(&shopper("ann"), other)), DropRejection::IdempotencyKeyReused);
}

#[test]
fn refuses_in_the_order_of_its_checks() {
    assert_eq!(refusal(&World::drafted(terms()).join("ann")), DropRejection::DropNotReady);
    let mut over = World::queueing(terms());
    over.cancel("x").expect("it is taken");
    assert_eq!(refusal(&over.join("ann")), DropRejection::DropOver { status: DropStatus::Cancelled });
    let mut without = World::live(plain(vec![offered("s", 2)]), &[]);
    assert_eq!(refusal(&without.join("ann")), DropRejection::NoQueue);
    let closed = DropRejection::QueueClosed { status: DropStatus::Scheduled };
    assert_eq!(refusal(&World::scheduled(terms()).join("ann")), closed);
}

#[test]
fn refuses_when_the_waiting_room_is_full() {
    let mut world = World::queueing(terms());
    world.join("ann").expect("it is open");
    world.drop.room.levels.places = super::super::MOST_PLACES;
    assert_eq!(refusal(&world.join("bob")), DropRejection::QueueFull);
    assert_eq!(place(&world.join("ann")).number, 1, "who is in is in");
}

#[test]
fn refuses_who_has_all_they_may_have() {
    let mut world = World::live(queued(vec![offered("s", 5)]), &["ann"]);
    world.claim("ann", "a", 2).expect("ann is admitted");
    assert_eq!(refusal(&world.join_as("ann", "again")), DropRejection::LimitReached { limit: 2, has: 2 });
    world.release("a");
    assert_eq!(place(&world.join_as("ann", "again")).number, 2);
}
