//! What the passing of time does.

use super::*;

fn counts(world: &World) -> (u64, u64) {
    (world.drop.room.levels.admitted, world.drop.room.levels.next_rank)
}

#[test]
fn opens_the_waiting_room_then_the_drop_and_ends_it() {
    let mut world = World::scheduled(queued(vec![offered("s", 3)]));
    let mut seen = Vec::new();
    for seconds in [OPENS, STARTS, ENDS] {
        world.now = NOW.plus_seconds(seconds).plus_millis(-1);
        assert_eq!(world.tick().events, [], "not before its time");
        world.now = NOW.plus_seconds(seconds);
        let decision = world.tick();
        seen.extend(names(&decision));
    }
    assert_eq!(seen, ["queue-opened", "drop-opened", "drop-ended"]);
    assert_eq!(world.sends.len(), 2, "one loan, one return");
    assert_eq!(world.drop.pools[0].returned, 3);
}

#[test]
fn the_steps_of_a_long_silence_follow_one_by_one() {
    let mut world = World::scheduled(queued(vec![offered("s", 3)]));
    world.now = NOW.plus_seconds(ENDS + 100);
    let mut seen = Vec::new();
    while let Some(due) = world.drop.due().filter(|due| *due <= world.now.plus_millis(1)) {
        world.now = world.now.max(due);
        seen.extend(names(&world.tick()));
    }
    assert_eq!(seen, ["queue-opened", "drop-opened", "drop-ended"]);
}

#[test]
fn admits_as_many_as_units_are_free_in_the_drawn_order() {
    let early = ["ann", "bob", "carl", "dora", "eve"];
    let world = World::live(queued(vec![offered("s", 2), offered("m", 1)]), &early);
    let seed = super::super::draw::seed_of(&world.policy.draw_secret, &drop_id());
    let drawn = super::super::draw::order(&seed, early.map(subject));
    let drawn: Vec<String> = drawn.iter().map(ToString::to_string).collect();
    assert_eq!(world.admitted(), drawn[..3]);
    assert_eq!(counts(&world), (3, 4));
}

#[test]
fn admits_no_more_at_once_than_the_terms_say() {
    let terms = DropTerms { admit_at_once: Some(2), ..queued(vec![offered("s", 9)]) };
    let mut world = World::live(terms, &["ann", "bob", "carl"]);
    assert_eq!(counts(&world), (2, 3));
    let first = world.admitted()[0].clone();
    assert_eq!(names(&world.claim(&first, "a", 1).expect("admitted")), ["claim-granted", "shoppers-admitted"]);
    assert_eq!(counts(&world), (2, 4));
}

#[test]
fn an_admission_expires_and_passes_on_in_the_same_decision() {
    let mut world = World::live(queued(vec![offered("s", 1)]), &["ann", "bob"]);
    let admitted_at = world.now;
    assert_eq!(world.admitted().len(), 1);
    world.now = admitted_at.plus_seconds(ADMISSION);
    let due = world.drop.due().expect("an admission ends");
    world.now = due;
    assert_eq!(names(&world.tick()), ["admissions-expired", "shoppers-admitted"]);
    assert_eq!((world.admitted().len(), counts(&world)), (2, (1, 3)));
    let [first, second] = &world.admitted()[..] else { panic!("two were admitted") };
    assert_eq!(refusal(&world.claim(first, "a", 1)), DropRejection::NotAdmitted);
    world.claim(second, "b", 1).expect("it is their turn");
}

#[test]
fn the_clocks_of_admissions_stand_still_while_nothing_is_free() {
    let mut world = World::live(queued(vec![offered("s", 2)]), &["ann", "bob"]);
    let [first, second] = &world.admitted()[..] else { panic!("two are admitted") };
    world.pass(20);
    world.claim(first, "a", 2).expect("admitted");
    assert_eq!(world.status(), DropStatus::AllHeld);
    assert_eq!(refusal(&world.claim(second, "b", 1)), DropRejection::AllHeld { remaining: 0 });
    world.pass(500);
    assert_eq!(counts(&world).0, 1, "it has not expired");
    let told = place(&world.join(second)).admitted_until.expect("admitted");
    assert!(told >= world.now.plus_seconds(ADMISSION - 21), "what was left is left: {told}");
    world.release("a");
    world.pass(ADMISSION - 25);
    world.claim(second, "b", 1).expect("still admitted");
}

#[test]
fn the_clocks_of_admissions_stand_still_while_it_is_paused() {
    let mut world = World::live(queued(vec![offered("s", 2)]), &["ann"]);
    world.pause("p").expect("it is taken");
    world.pass(500);
    let decision = world.resume("r").expect("it is taken");
    assert_eq!(names(&decision), ["drop-resumed"]);
    world.pass(ADMISSION - 10);
    assert_eq!(counts(&world).0, 1);
    world.pass(20);
    assert_eq!(counts(&world).0, 0, "then it goes on");
}

#[test]
fn events_tell_for_how_long_the_clocks_stood_still() {
    let mut world = World::live(queued(vec![offered("s", 1)]), &[]);
    world.pause("p").expect("it is taken");
    world.pass(30);
    world.resume("r").expect("it is taken");
    world.join("ann").expect("it is open");
    let told = world.events.iter().rev().find_map(|event| match event {
        DropEvent::ShoppersAdmitted(event) => Some(event.stood_still_ms),
        _ => None,
    });
    assert_eq!(told, Some(30_000), "the time before the start does not count");
}

#[test]
fn a_drop_that_is_over_is_closed_when_its_ids_are_old_and_nothing_is_held() {
    let mut world = World::live(plain(vec![offered("s", 2)]), &[]);
    world.claim("ann", "a", 1).expect("it is live");
    world.pass_to(ENDS);
    assert_eq!(world.drop.due(), None, "a claim is held");
    world.commit("a");
    let closes = NOW.plus_seconds(ENDS + 24 * 3_600);
    assert_eq!(world.drop.due(), Some(closes));
    assert!(!world.drop.is_finished());
    world.now = closes;
    assert_eq!(names(&world.tick()), ["drop-closed"]);
    assert_eq!((world.drop.is_finished(), world.drop.due()), (true, None));
    assert_eq!(asked(&world.internal(uncommit("x", "a", 1))), ["uncommit s 1"], "what was bought is still known");
}

#[test]
fn ids_leave_after_a_day() {
    let mut world = World::live(plain(vec![offered("s", 2)]), &[]);
    world.policy.retention_seconds = 60;
    world.pause("p").expect("it is taken");
    world.resume("r").expect("it is taken");
    world.claim("ann", "a", 1).expect("it is live");
    world.release("a");
    world.pass(61);
    world.claim("bob", "b", 1).expect("it is live");
    assert_eq!((world.drop.known.len(), world.drop.claims.len()), (0, 1));
}
