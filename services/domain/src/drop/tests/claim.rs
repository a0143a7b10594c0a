//! Claim: granted, or refused in the order of the checks.

use super::*;

fn levels(remaining: u32, held: u32, sold: u32) -> PoolLevels {
    PoolLevels { remaining, held, sold }
}

#[test]
fn holds_the_units_and_opens_the_order() {
    let mut world = World::live(plain(vec![offered("s", 5), offered("m", 5)]), &[]);
    let decision = world.by(&shopper("ann"), DropCommand::Claim(claim("a", Some("m"), 2))).expect("it is live");
    let facts = ClaimFacts {
        claim: claim_id("a"),
        order_id: OrderId::parse("order-a").expect("an id"),
        shopper: subject("ann"),
        item_id: item("m"),
        quantity: quantity(2),
        unit_price: eur(1_000),
        store: store("own"),
    };
    let granted = ClaimGranted {
        effect: effect("a", 1),
        claim: facts.clone(),
        pool: ItemPool { item_id: item("m"), levels: levels(3, 2, 0) },
        queue: QueueLevels { next_rank: 1, ..QueueLevels::default() },
    };
    assert_eq!(decision.events, [Event::Drop(granted.into())]);
    let opened = OpenOrder {
        effect: effect("a", 1),
        drop: drop_id(),
        claim: facts,
        submit: SubmitMode::Explicit,
        metadata: Metadata::default(),
    };
    let open = Command::Order { order: opened.claim.order_id.clone(), command: OrderCommand::Open(opened) };
    assert_eq!((decision.sends, decision.answer), (vec![open], Answer::Nobody), "the order answers");
}

#[test]
fn the_same_claim_only_asks_its_order_again() {
    let mut world = World::live(plain(vec![offered("s", 5)]), &[]);
    let first = world.claim("ann", "a", 2).expect("it is live");
    for _ in 0..2 {
        let again = world.claim("ann", "a", 2).expect("it is known");
        assert_eq!((again.events, again.sends), (vec![], first.sends.clone()));
        world.pass_to(ENDS);
    }
    assert_eq!(world.levels(0), [0, 2, 0]);
    let other = ClaimUnits { effect: effect("a", 2), ..claim("a", None, 2) };
    assert_eq!(refusal(&world.by(&shopper("ann"), DropCommand::Claim(other))), DropRejection::IdempotencyKeyReused);
    let of_another = DropCommand::Claim(claim("a", None, 2));
    assert_eq!(refusal(&world.by(&shopper("bob"), of_another)), DropRejection::IdempotencyKeyReused);
}

#[test]
fn uses_up_the_admission() {
    let mut world = World::live(queued(vec![offered("s", 5)]), &["ann"]);
    let decision = world.claim("ann", "a", 1).expect("ann is admitted");
    let Event::Drop(DropEvent::ClaimGranted(granted)) = &decision.events[0] else { panic!("{decision:?}") };
    assert_eq!(granted.queue, QueueLevels { next_rank: 2, places: 1, admitted: 0 });
    assert_eq!(refusal(&world.claim("ann", "b", 1)), DropRejection::NotAdmitted);
}

#[test]
fn refuses_outside_of_the_window() {
    let terms = || plain(vec![offered("s", 5)]);
    assert_eq!(refusal(&World::drafted(terms()).claim("ann", "a", 1)), DropRejection::DropNotReady);
    let not_live = |world: &mut World, status| {
        assert_eq!(refusal(&world.claim("ann", "a", 1)), DropRejection::NotLive { status });
    };
    not_live(&mut World::scheduled(terms()), DropStatus::Scheduled);
    not_live(&mut World::queueing(queued(vec![offered("s", 5)])), DropStatus::Queueing);
    let mut world = World::live(terms(), &[]);
    world.pass_to(ENDS);
    not_live(&mut world, DropStatus::Ended);
}

#[test]
fn refuses_an_item_that_is_not_offered_or_not_named() {
    let mut world = World::live(plain(vec![offered("s", 5), offered("m", 5)]), &[]);
    assert_eq!(refusal(&world.claim("ann", "a", 1)), DropRejection::ItemRequired);
    let other = DropCommand::Claim(claim("a", Some("xl"), 1));
    let refused = DropRejection::ItemNotOffered { item_id: item("xl") };
    assert_eq!(refusal(&world.by(&shopper("ann"), other)), refused);
}

#[test]
fn refuses_who_is_not_admitted_or_shows_an_old_place() {
    let mut world = World::live(queued(vec![offered("s", 1)]), &["ann"]);
    world.join("bob").expect("it is open");
    assert_eq!(refusal(&world.claim("bob", "b", 1)), DropRejection::NotAdmitted, "it is ann's turn");
    assert_eq!(refusal(&world.claim("carl", "c", 1)), DropRejection::NotAdmitted, "carl never joined");
    let of_place = |number| DropCommand::Claim(ClaimUnits { place: Some(number), ..claim("a", None, 1) });
    assert_eq!(refusal(&world.by(&shopper("ann"), of_place(2))), DropRejection::NotAdmitted);
    world.by(&shopper("ann"), of_place(1)).expect("that is hers");
}

#[test]
fn refuses_beyond_the_limit_over_all_items_unpaid_ones_counted() {
    let mut world = World::live(plain(vec![offered("s", 5), offered("m", 5)]), &[]);
    let ann = shopper("ann");
    let of = |id, item, units| DropCommand::Claim(claim(id, Some(item), units));
    assert_eq!(refusal(&world.by(&ann, of("a", "s", 3))), DropRejection::LimitReached { limit: 2, has: 0 });
    world.by(&ann, of("a", "s", 1)).expect("one of two");
    world.by(&ann, of("b", "m", 1)).expect("two of two");
    let reached = DropRejection::LimitReached { limit: 2, has: 2 };
    assert_eq!(refusal(&world.by(&ann, of("c", "m", 1))), reached);
    world.commit("a");
    assert_eq!(refusal(&world.by(&ann, of("c", "m", 1))), reached, "bought ones count too");
    world.internal(uncommit("x", "a", 1));
    world.by(&ann, of("c", "m", 1)).expect("what was cancelled does not");
    world.release("b");
    world.by(&ann, of("d", "s", 1)).expect("nor what was not paid for");
}

#[test]
fn all_held_is_not_sold_out() {
    let mut world = World::live(plain(vec![offered("s", 2)]), &[]);
    world.claim("ann", "a", 1).expect("it is live");
    assert_eq!(refusal(&world.claim("bob", "b", 2)), DropRejection::AllHeld { remaining: 1 });
    let last = world.claim("carl", "c", 1).expect("it is live");
    assert_eq!(names(&last), ["claim-granted", "drop-status-changed"]);
    assert_eq!(world.status(), DropStatus::AllHeld);
    assert_eq!(refusal(&world.claim("bob", "b", 1)), DropRejection::AllHeld { remaining: 0 });
    assert_eq!(names(&world.commit("a")), ["claim-committed"]);
    assert_eq!(names(&world.commit("c")), ["claim-committed", "drop-status-changed"]);
    assert_eq!(world.status(), DropStatus::SoldOut);
    assert_eq!(refusal(&world.claim("bob", "b", 1)), DropRejection::SoldOut);
}

#[test]
fn of_several_items_one_may_be_sold_out() {
    let mut world = World::live(plain(vec![offered("s", 1), offered("m", 1)]), &[]);
    world.by(&shopper("ann"), DropCommand::Claim(claim("a", Some("s"), 1))).expect("it is live");
    world.commit("a");
    let of_s = || DropCommand::Claim(claim("b", Some("s"), 1));
    assert_eq!(refusal(&world.by(&shopper("bob"), of_s())), DropRejection::SoldOut);
    assert_eq!(world.status(), DropStatus::Live);
}
