//! The draw, reckoned by hand from what the log tells.

use super::*;
use sha2::{Digest as _, Sha256};

#[test]
fn the_seed_is_revealed_at_the_start_and_its_hash_was_published() {
    let world = World::live(queued(vec![offered("s", 1)]), &["ann"]);
    let hash = world.events.iter().find_map(|event| match event {
        DropEvent::DropScheduled(event) => Some(event.seed_hash),
        _ => None,
    });
    let seed = seed_of(&world);
    assert_eq!(hash.map(|hash| hash.0), Some(Sha256::digest(seed.0).into()));
}

pub(super) fn seed_of(world: &World) -> Seed {
    let seeds = world.events.iter().filter_map(|event| match event {
        DropEvent::DropOpened(event) => Some(event.seed),
        _ => None,
    });
    let [seed] = seeds.collect::<Vec<_>>()[..] else { panic!("a drop opens once") };
    seed
}

#[test]
fn ranks_are_those_that_anybody_can_recompute() {
    let names: Vec<String> = (0..2_500).map(|n| format!("shopper-{n}")).collect();
    let early: Vec<&str> = names.iter().map(String::as_str).collect();
    let world = World::live(queued(vec![offered("s", 5)]), &early);
    let seed = seed_of(&world);
    let mut expected = names.clone();
    expected.sort_by_key(|name| Sha256::digest([&seed.0, name.as_bytes()].concat()).to_vec());
    let drawn: Vec<&PlacesDrawn> = world
        .events
        .iter()
        .filter_map(|event| match event {
            DropEvent::PlacesDrawn(event) => Some(event),
            _ => None,
        })
        .collect();
    assert_eq!(
        drawn.iter().map(|event| (event.first_rank, event.shoppers.len())).collect::<Vec<_>>(),
        [(1, 1_000), (1_001, 1_000), (2_001, 500)]
    );
    let shoppers: Vec<String> = drawn.iter().flat_map(|event| &event.shoppers).map(ToString::to_string).collect();
    assert_eq!(shoppers, expected);
    assert_eq!(world.admitted(), expected[..5]);
}

#[test]
fn nobody_is_admitted_before_the_whole_draw_is_out() {
    let names: Vec<String> = (0..super::super::MOST_AT_ONCE + 1).map(|n| format!("shopper-{n}")).collect();
    let mut world = World::queueing(queued(vec![offered("s", 5)]));
    for name in &names {
        world.join(name).expect("it is open");
    }
    world.now = NOW.plus_seconds(STARTS);
    world.tick();
    world.now = world.now.plus_millis(1);
    assert_eq!(world.tick().events.len(), 10, "so many are drawn at once");
    let late = world.join("late").expect("it is open");
    assert_eq!(super::names(&late), ["queue-joined"]);
    world.now = world.now.plus_millis(1);
    assert_eq!(super::names(&world.tick()), ["places-drawn"]);
    world.now = world.now.plus_millis(1);
    assert_eq!(super::names(&world.tick()), ["shoppers-admitted"]);
    let last = u64::try_from(names.len()).expect("small") + 1;
    assert_eq!(place(&world.join("late")).rank, Some(last));
}

#[test]
fn another_secret_or_another_drop_has_another_seed() {
    use super::super::{DrawSecret, draw};
    let (one, other) = (DrawSecret::of(b"one"), DrawSecret::of(b"other"));
    let id = DropId::parse("drop-2").expect("an id");
    assert_ne!(draw::seed_of(&one, &drop_id()), draw::seed_of(&other, &drop_id()));
    assert_ne!(draw::seed_of(&one, &drop_id()), draw::seed_of(&one, &id));
    assert_eq!(format!("{one:?}"), "DrawSecret(..)");
}
