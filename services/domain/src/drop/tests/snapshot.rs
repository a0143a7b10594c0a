//! What is stored of a drop: it comes back the same, is short, and tells nothing before its time.

use super::*;

fn restored(drop: &Drop) -> Drop {
    let stored = serde_json::to_string(drop).expect("state is plain data");
    serde_json::from_str(&stored).expect("it was just written")
}

/// A drop with all that it can have.
fn full() -> World {
    let early: Vec<String> = (0..30).map(|n| format!("s-{n}")).collect();
    let early: Vec<&str> = early.iter().map(String::as_str).collect();
    let terms = DropTerms { admit_at_once: Some(4), ..queued(vec![offered("s", 20)]) };
    let mut world = World::live(terms, &early);
    world.join("late").expect("it is open");
    for (n, id) in ["a", "b", "c"].into_iter().enumerate() {
        let who = world.admitted()[n].clone();
        world.claim(&who, id, 2).expect("admitted");
    }
    world.commit("a");
    world.release("b");
    world.internal(uncommit("x", "a", 1));
    world.pause("p").expect("it is taken");
    world.pass(10);
    world
}

#[test]
fn comes_back_as_it_was_at_every_step() {
    let world = full();
    let mut drop = Drop::new(drop_id());
    let mut now = NOW;
    for event in &world.events {
        now = now.plus_millis(1);
        evolve(&mut drop, event, now, &world.policy);
        assert_eq!(restored(&drop), drop, "{event:?}");
    }
}

#[test]
fn comes_back_in_the_middle_of_the_draw() {
    let names: Vec<String> = (0..50).map(|n| format!("s-{n}")).collect();
    let mut world = World::queueing(queued(vec![offered("s", 5)]));
    for name in &names {
        world.join(name).expect("it is open");
    }
    world.now = NOW.plus_seconds(STARTS);
    world.tick();
    let drawn = world.drop.room.next_drawn().take(20).cloned().collect();
    let event = PlacesDrawn { first_rank: 1, shoppers: drawn };
    evolve(&mut world.drop, &event.into(), world.now, &world.policy);
    world.drop = restored(&world.drop);
    world.pass(1);
    assert_eq!(world.admitted().len(), 5);
}

#[test]
fn the_seed_stands_nowhere_before_the_start() {
    let mut world = World::queueing(queued(vec![offered("s", 5)]));
    world.join("ann").expect("it is open");
    world.pause("p").expect("it is taken");
    let seed = super::super::draw::seed_of(&world.policy.draw_secret, &drop_id());
    let stored = serde_json::to_string(&world.drop).expect("state is plain data");
    let (hex, bytes) = (seed.to_string(), serde_json::to_string(&seed.0).expect("numbers"));
    let is_told = |text: &str| text.contains(&hex) || text.contains(&bytes) || text.contains(&format!("{:?}", seed.0));
    assert!(!is_told(&stored), "the snapshot tells the seed");
    assert!(!is_told(&format!("{:?}", world.drop)), "the state has the seed");
    assert!(world.events.iter().all(|event| !is_told(&serde_json::to_string(event).expect("JSON"))));
    let policy = serde_json::to_string(&world.policy).expect("JSON");
    assert!(!policy.to_lowercase().contains("secret"), "{policy}");
    world.resume("r").expect("it is taken");
    world.pass_to(STARTS);
    assert!(is_told(&serde_json::to_string(&world.drop).expect("state is plain data")), "then it does");
}

#[test]
fn a_place_is_a_short_row_and_what_is_over_is_forgotten() {
    let mut world = World::queueing(queued(vec![offered("s", 5)]));
    let size = |world: &World| serde_json::to_vec(&world.drop).expect("state is plain data").len();
    let empty = size(&world);
    let places = 1_000;
    for n in 0..places {
        // As long as pseudonyms and derived ids are.
        let who = format!("{n:0>43}");
        world.join_as(&who, &format!("{n:0>36}")).expect("it is open");
    }
    let each = (size(&world) - empty) / places;
    assert!(each <= 170, "a place takes {each} bytes");
    assert!(world.drop.entries() * 150 >= size(&world) - empty - places * 20, "what it costs is told");
    world.pass_to(ENDS + 25 * 3_600);
    assert!(world.drop.is_finished());
    assert!(size(&world) < 2 * empty, "{} bytes", size(&world));
}

#[test]
fn a_full_waiting_room_is_only_touched_where_something_changes() {
    // 100,000 places: what a decision carries does not grow with them, and no decision may copy them.
    let mut world = World::live(queued(vec![offered("s", 2)]), &[]);
    for n in 0..100_000u32 {
        let (command, who) = (effect(&format!("j-{n}"), 1), format!("s-{n}"));
        let join = DropCommand::Join(JoinQueue { effect: command });
        let id = CommandId::parse("c").expect("an id");
        let caller = shopper(&who);
        let cx = Context { now: world.now, command_id: &id, caller: &caller, policy: &world.policy };
        let decision = decide(&world.drop, &join, cx).expect("it is open");
        assert!(decision.events.len() <= 2);
        for event in &decision.events {
            let Event::Drop(event) = event else { panic!("a drop decides drops' events") };
            evolve(&mut world.drop, event, world.now, &world.policy);
        }
    }
    assert_eq!(world.drop.room.len(), 100_000);
    let decision = world.claim("s-0", "a", 1).expect("the first is admitted");
    assert_eq!(names(&decision), ["claim-granted"]);
    assert_eq!(names(&world.release("a")), ["claim-released", "shoppers-admitted"]);
    assert_eq!(restored(&world.drop), world.drop);
}
