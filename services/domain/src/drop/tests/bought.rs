//! What becomes of a claim: bought, given back, cancelled in part.

use super::*;

#[test]
fn committed_it_is_ordered_at_its_item_once() {
    let mut world = World::live(plain(vec![offered("s", 5)]), &[]);
    world.claim("ann", "a", 2).expect("it is live");
    let decision = world.commit("a");
    assert_eq!(names(&decision), ["claim-committed"]);
    let Command::Item { command: ItemCommand::CommitAllotted(commit), .. } = &decision.sends[0] else {
        panic!("{decision:?}")
    };
    assert_eq!((&commit.hold, &commit.allotment), (&hold("a"), &allotment_of(&drop_id(), 0)));
    assert_eq!(commit.order_id.as_ref().map(OrderId::as_str), Some("order-a"));
    assert_eq!(world.levels(0), [3, 0, 2]);
    let again = world.commit("a");
    assert_eq!((again.events, again.sends), (vec![], vec![]));
    assert_eq!(world.release("a").events, [], "what is bought is not given back");
}

#[test]
#[should_panic(expected = "was given back")]
fn what_was_given_back_is_not_bought() {
    let mut world = World::live(plain(vec![offered("s", 5)]), &[]);
    world.claim("ann", "a", 2).expect("it is live");
    world.release("a");
    world.commit("a");
}

#[test]
fn released_its_units_go_to_the_next_in_line() {
    let mut world = World::live(queued(vec![offered("s", 1)]), &["ann"]);
    world.join("bob").expect("it is open");
    world.claim("ann", "a", 1).expect("ann is admitted");
    let decision = world.release("a");
    assert_eq!(names(&decision), ["claim-released", "drop-status-changed", "shoppers-admitted"]);
    assert_eq!(decision.sends, []);
    assert_eq!(world.admitted(), ["ann", "bob"]);
    assert_eq!(world.release("a").events, [], "once");
    assert_eq!(world.internal(DropCommand::ReleaseClaim(ReleaseClaim { claim: claim_id("z") })).events, []);
}

#[test]
fn cancelled_units_come_back_into_the_allotment_while_it_runs() {
    let mut world = World::live(plain(vec![offered("s", 2)]), &[]);
    world.claim("ann", "a", 2).expect("it is live");
    world.commit("a");
    let decision = world.internal(uncommit("x", "a", 1));
    assert_eq!(names(&decision), ["claim-uncommitted", "drop-status-changed"], "it reopens");
    assert_eq!(asked(&decision), ["uncommit s 1 into the allotment"]);
    assert_eq!((world.levels(0), world.status()), ([1, 0, 1], DropStatus::Live));
    assert_eq!(world.internal(uncommit("x", "a", 1)).sends, [], "a cancellation counts once");
    assert_eq!(
        asked(&world.internal(uncommit("y", "a", 5))),
        ["uncommit s 1 into the allotment"],
        "no more than there are"
    );
    assert_eq!(world.internal(uncommit("z", "a", 1)).events, []);
    assert_eq!(world.internal(uncommit("x", "nobody", 1)).events, []);
}

#[test]
fn after_the_end_it_may_be_paid_and_units_return_once_under_their_own_ids() {
    let mut world = World::live(plain(vec![offered("s", 5)]), &[]);
    for (who, id) in [("ann", "a"), ("bob", "b"), ("carl", "c")] {
        world.claim(who, id, 1).expect("it is live");
    }
    world.pass_to(ENDS);
    let sends = world.sends.len();
    assert_eq!(asked(&world.commit("a")), ["commit s 1"]);
    assert_eq!(asked(&world.internal(uncommit("x", "a", 1))), ["uncommit s 1"], "to everybody");
    let released = world.release("b");
    assert_eq!((names(&released), asked(&released)), (vec!["claim-released"], vec!["return s 1".to_owned()]));
    assert_eq!(asked(&world.release("c")), ["return s 1"]);
    assert_eq!(world.release("c").sends, []);
    assert_eq!(world.levels(0), [0, 0, 0]);
    let returns = world.sends.iter().filter_map(|send| match send {
        Command::Item { command: ItemCommand::ReturnAllotment(back), .. } => Some(back.effect.id.clone()),
        _ => None,
    });
    let ids: std::collections::BTreeSet<_> = returns.collect();
    assert_eq!((ids.len(), world.sends.len() - sends), (3, 4), "the rest at the end, and two claims, each by itself");
}
