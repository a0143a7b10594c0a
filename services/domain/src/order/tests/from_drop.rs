//! The order of a drop's claim: opened with the checkout, and the drop in the place of its item.

use super::{
    fulfilment::{part, sub},
    *,
};
use schemas::{
    ClaimId, DropId, StoreId,
    drop::{ClaimFacts, DropClaim, DropCommand, OpenOrder},
    item::HoldId,
};

fn opens(submit: SubmitMode) -> OpenOrder {
    OpenOrder {
        effect: effect("claim-1", 1),
        drop: DropId::parse("drop-1").expect("an id"),
        claim: ClaimFacts {
            claim: ClaimId::parse("claim-1").expect("an id"),
            order_id: OrderId::parse("o-1").expect("an id"),
            shopper: alice().subject,
            item_id: item("shoe"),
            quantity: Quantity::new(2).expect("in range"),
            unit_price: eur(1_000),
            store: StoreId::parse("own").expect("an id"),
        },
        submit,
        metadata: schemas::Metadata::default(),
    }
}

fn open(world: &mut World, command: OpenOrder) -> Decision {
    world.by(&alice(), OrderCommand::Open(command)).expect("the drop has granted it")
}

fn opened() -> World {
    let mut world = World::new();
    open(&mut world, opens(SubmitMode::Explicit));
    world
}

fn confirmed() -> World {
    let mut world = opened();
    world.pay("p1", 2_000);
    world.submit("s1").expect("it is paid");
    world
}

fn ordered(world: &mut World) -> Decision {
    let command = DropUnitsCommitted { item_id: item("shoe") };
    world.by(&Caller::engine(), OrderCommand::DropUnitsCommitted(command)).expect("it is never refused")
}

/// What the drop is asked.
fn of_drop(decision: &Decision) -> Vec<&'static str> {
    let verb = |command: &Command| match command {
        Command::Drop { command: DropCommand::CommitClaim(_), .. } => "commit",
        Command::Drop { command: DropCommand::ReleaseClaim(_), .. } => "release",
        Command::Drop { command: DropCommand::UncommitClaim(_), .. } => "uncommit",
        other => panic!("only the drop is asked: {other:?}"),
    };
    decision.sends.iter().map(verb).collect()
}

#[test]
fn begins_with_the_checkout_and_answers_the_claim() {
    let mut world = World::new();
    let decision = open(&mut world, opens(SubmitMode::Explicit));
    assert_eq!((names(&decision), decision.sends.len()), (vec!["order-placed", "holds-granted"], 0));
    let reply = world.reply(&Ok(decision));
    assert!(reply.created);
    assert_eq!((reply.status, reply.total), (OrderStatus::AwaitingPayment, Some(eur(2_000))));
    assert_eq!(reply.expires_at, Some(START.plus_seconds(300)));
    assert_eq!(reply.lines[0].store.as_ref().map(StoreId::as_str), Some("own"));
    assert_eq!(world.order.claim().map(|claim| claim.claim.as_str()), Some("claim-1"));
}

#[test]
fn is_submitted_with_the_claim_where_that_says_so() {
    let mut world = World::new();
    assert_eq!(names(&open(&mut world, opens(SubmitMode::Auto))), ["order-placed", "holds-granted", "order-submitted"]);
}

#[test]
fn the_same_claim_again_is_answered_as_it_stands() {
    let mut world = confirmed();
    let again = open(&mut world, opens(SubmitMode::Explicit));
    assert_eq!((again.events.len(), again.sends.len()), (0, 0));
    assert_eq!(world.reply(&Ok(again)).status, OrderStatus::Confirmed);
}

#[test]
fn a_claim_of_which_nothing_comes_is_given_back() {
    let mut world = opened();
    world.pass(360);
    let again = open(&mut world, opens(SubmitMode::Explicit));
    assert_eq!((again.events.len(), of_drop(&again)), (0, vec!["release"]), "the drop had forgotten it");
    let mut other = World::tea();
    let decision = open(&mut other, opens(SubmitMode::Explicit));
    assert_eq!(of_drop(&decision), ["release"], "the id is another order's");
    let told = other.told(&Ok(decision));
    assert_eq!(told, Some(Err(Rejection::Order(OrderRejection::ExistsWithDifferentContent))));
}

#[test]
fn commits_the_claim_and_is_planned_when_its_item_has_ordered() {
    let mut world = opened();
    world.pay("p1", 2_000);
    let decision = world.submit("s1").expect("it is paid");
    assert_eq!(names(&decision), ["order-submitted", "order-confirmed", "capture-due"]);
    assert_eq!(of_drop(&decision), ["commit"]);
    assert_eq!(world.order.due(), None, "nothing is due before its item has ordered");
    let decision = ordered(&mut world);
    assert_eq!(names(&decision), ["drop-units-ordered", "shipments-due"]);
    assert_eq!(ordered(&mut world).events, [], "once");
    let decision = world.plan("plan", 1, vec![part("a", "w1", &[("1", 2)])]).expect("it is due");
    let [Command::Item { command: ItemCommand::Allocate(allocate), .. }] = &decision.sends[..] else {
        panic!("{decision:?}")
    };
    let DropClaim { drop, claim } = world.order.claim().expect("it is a drop's").clone();
    assert_eq!((&allocate.sub_order, &allocate.hold), (&sub("a"), &HoldId::Drop { drop, claim }));
}

#[test]
fn unpaid_or_cancelled_it_releases_the_claim() {
    let mut world = opened();
    let decision = world.pass(360);
    assert_eq!((names(&decision), of_drop(&decision)), (vec!["order-expired"], vec!["release"]));
    let mut world = opened();
    let decision = world.cancel("c", None).expect("it is open");
    assert_eq!((names(&decision), of_drop(&decision)), (vec!["order-cancelled"], vec!["release"]));
}

#[test]
fn cancelled_lines_go_back_by_way_of_the_drop() {
    let mut world = confirmed();
    let decision = world.cancel("c1", Some(&[("1", 1)])).expect("it is open");
    assert_eq!(names(&decision)[0], "lines-cancelled");
    assert_eq!(of_drop(&decision), ["uncommit"]);
    assert_eq!(names(&ordered(&mut world)), ["drop-units-ordered", "shipments-due"], "the rest is planned");
    let decision = world.cancel("c2", None).expect("one is open");
    assert_eq!(of_drop(&decision), ["uncommit"]);
}

#[test]
fn cancelled_as_a_whole_it_does_not_wait_for_its_item() {
    let mut world = confirmed();
    world.cancel("c", None).expect("it is open");
    assert_eq!(ordered(&mut world).events, []);
    assert_eq!(world.order.due(), None);
}

#[test]
fn late_money_goes_back() {
    let mut world = opened();
    world.start("p1").expect("it can be paid");
    world.submit("s1").expect("it waits");
    world.pass(360);
    let decision = world.authorize("p1", eur(2_000)).expect("it is recorded");
    assert_eq!(names(&decision), ["payment-authorized", "refund-due"]);
    assert_eq!((due(&decision), decision.sends.len()), (vec![("p1".to_owned(), 2_000)], 0));
}
