use super::*;

/// Submitted while its payment was pending, and expired.
fn expired() -> World {
    let mut world = World::placed(vec![
        OrderLine { expected_unit_price: Some(eur(1_000)), ..line("l1", "tea", 1) },
        line("l2", "cup", 1),
    ])
    .granted();
    world.start("p1").expect("it can be paid");
    world.submit("s1").expect("it waits");
    world.pass(360);
    world
}

fn reholding() -> World {
    let mut world = expired();
    world.authorize("p1", eur(2_000)).expect("it is recorded");
    world
}

#[test]
fn holds_again_without_a_price_check() {
    let mut world = expired();
    let decision = world.authorize("p1", eur(2_000)).expect("it is recorded");
    assert_eq!(names(&decision), ["payment-authorized", "late-payment"]);
    assert_eq!(asked(&decision), ["hold cup 1", "hold tea 1"]);
    let attempts = decision.sends.iter().map(|command| match command {
        Command::Item { command: ItemCommand::PlaceHold(hold), .. } => match &hold.hold {
            schemas::item::HoldId::Order { attempt, .. } => (*attempt, hold.expected_price),
            other => panic!("not an order's hold: {other:?}"),
        },
        other => panic!("not a hold: {other:?}"),
    });
    assert!(attempts.eq([(2, None), (2, None)]));
    assert_eq!((world.status(), world.order.due()), (OrderStatus::Holding, Some(world.now.plus_seconds(30))));
}

#[test]
fn is_confirmed_at_the_first_prices_once_all_hold() {
    let mut world = reholding();
    assert_eq!(names(&world.grant("tea", 9_999, ItemKind::Physical)), ["item-held"]);
    let decision = world.grant("cup", 9_999, ItemKind::Physical);
    assert_eq!(names(&decision), ["item-held", "order-confirmed", "shipments-due", "capture-due"]);
    assert_eq!(asked(&decision), ["commit cup", "commit tea"]);
    assert_eq!(world.order.total, Some(eur(2_000)));
}

#[test]
fn stays_expired_and_is_refunded_where_not_all_hold() {
    let mut world = reholding();
    world.grant("tea", 1_000, ItemKind::Physical);
    let decision = world.short("cup");
    assert_eq!(names(&decision), ["item-refused", "rehold-failed", "refund-due"]);
    assert_eq!(asked(&decision), ["release cup", "release tea"]);
    assert_eq!(world.status(), OrderStatus::Refunding);
}

#[test]
fn stays_expired_and_is_refunded_where_items_do_not_answer() {
    let mut world = reholding();
    let decision = world.pass(30);
    assert_eq!(names(&decision), ["rehold-failed", "refund-due"]);
    assert_eq!(asked(&decision), ["release cup", "release tea"]);
    assert_eq!(world.order.due(), None);
}

#[test]
fn cancelling_ends_it_for_good() {
    let mut world = reholding();
    let decision = world.cancel("x1", None).expect("it holds again");
    assert_eq!(names(&decision), ["rehold-failed", "refund-due"]);
    assert_eq!(asked(&decision), ["release cup", "release tea"]);
    assert!(world.cancel("x1", None).expect("the same").events.is_empty());
    let decision = world.authorize("p2", eur(2_000)).expect("it is recorded");
    assert_eq!(names(&decision), ["payment-authorized", "refund-due"]);
}

#[test]
fn a_failed_attempt_does_not_stop_the_next_payment() {
    let mut world = reholding();
    world.pass(30);
    let decision = world.authorize("p2", eur(2_000)).expect("it is recorded");
    assert_eq!(names(&decision), ["payment-authorized", "late-payment"]);
    assert_eq!(world.order.attempt, 3);
}

#[test]
fn an_answer_to_the_first_attempt_does_not_count() {
    let mut world = reholding();
    let granted = HoldAnswer::Granted { unit_price: eur(1_000), kind: ItemKind::Physical, file: None, store: None };
    assert!(world.answered("tea", 1, granted).events.is_empty());
}

#[test]
fn a_part_or_an_order_that_was_not_submitted_is_only_refunded() {
    let mut world = expired();
    let decision = world.authorize("p1", eur(1_999)).expect("it is recorded");
    assert_eq!(names(&decision), ["payment-authorized", "refund-due"]);
    let mut world = World::tea();
    world.start("p1").expect("it can be paid");
    world.pass(360);
    let decision = world.authorize("p1", eur(2_000)).expect("it is recorded");
    assert_eq!(names(&decision), ["payment-authorized", "refund-due"]);
}

#[test]
fn while_it_holds_again_the_total_is_kept_and_no_more() {
    let mut world = reholding();
    let decision = world.authorize("p2", eur(500)).expect("it is recorded");
    assert_eq!(due(&decision), [("p2".to_owned(), 500)]);
}

#[test]
fn submit_joins_the_wait_while_it_holds_again() {
    let mut world = reholding();
    let decided = world.submit("s1");
    assert_eq!(world.told(&decided), None);
    world = world.granted();
    assert_eq!(world.reply(&decided).status, OrderStatus::Confirmed);
}
