use super::*;

#[test]
fn releases_every_item_of_what_is_holding_or_awaits_payment() {
    let holding = World::placed(vec![line("l1", "tea", 2), line("l2", "cup", 1)]);
    let awaiting = World::placed(vec![line("l1", "tea", 2), line("l2", "cup", 1)]).granted();
    for mut world in [holding, awaiting] {
        let decided = world.cancel("x1", None);
        assert_eq!(world.reply(&decided).status, OrderStatus::Cancelled);
        let decision = decided.expect("it is cancelled");
        assert_eq!(names(&decision), ["order-cancelled"]);
        assert_eq!(asked(&decision), ["release cup", "release tea"]);
        assert!(world.order.is_finished());
    }
}

#[test]
fn ends_the_wait_of_who_placed_it() {
    let mut world = World::placed(vec![line("l1", "tea", 2)]);
    world.cancel("x1", None).expect("it is cancelled");
    let told = answer(&world.order, &OrderWait::Placed);
    assert_eq!(told, Some(Err(Rejection::Order(OrderRejection::OrderCancelled))));
}

#[test]
fn gives_back_all_of_a_confirmed_order_and_its_money() {
    let mut world = World::confirmed();
    let decision = world.cancel("x1", None).expect("nothing has shipped");
    assert_eq!(names(&decision), ["lines-cancelled", "shipments-backordered", "order-cancelled", "refund-due"]);
    assert_eq!(asked(&decision), ["uncommit tea 2"]);
    assert_eq!(due(&decision), [("p1".to_owned(), 2_000)]);
    assert_eq!(world.status(), OrderStatus::Refunding);
    world.settle("p1-r1").expect("it is recorded");
    assert_eq!(world.status(), OrderStatus::Refunded);
}

#[test]
fn gives_back_some_units_and_their_share_under_the_cancellations_id() {
    let mut world = World::placed(vec![line("l1", "tea", 2), line("l2", "tea", 1), line("l3", "cup", 1)]).granted();
    world.pay("p1", 4_000);
    world.submit("s1").expect("it is paid");
    let decision = world.cancel("x1", Some(&[("l1", 1), ("l2", 1)])).expect("they are open");
    assert_eq!(names(&decision), ["lines-cancelled", "shipments-due", "refund-due"]);
    assert_eq!(asked(&decision), ["uncommit tea 2"]);
    assert_eq!(due(&decision), [("p1".to_owned(), 2_000)]);
    let Command::Item { command: ItemCommand::Uncommit(uncommit), .. } = &decision.sends[0] else { panic!("units") };
    assert_eq!(uncommit.cancellation.as_str(), "x1");
    assert_eq!(world.status(), OrderStatus::Confirmed);
}

#[test]
fn names_of_one_line_add_up() {
    let mut world = World::confirmed();
    world.cancel("x1", Some(&[("l1", 1), ("l1", 1)])).expect("two are open");
    assert_eq!(world.status(), OrderStatus::Refunding);
    let mut world = World::confirmed();
    let decided = world.cancel("x1", Some(&[("l1", 2), ("l1", 1)]));
    assert_eq!(refusal(&decided), OrderRejection::NotThatManyOpen { line_id: line_id("l1"), open: 2 });
}

#[test]
fn the_last_open_units_leave_what_was_delivered() {
    let mut world = World::placed(vec![line("l1", "ebook", 1), line("l2", "tea", 1)]);
    world.grant("ebook", 500, ItemKind::Digital);
    world.grant("tea", 1_000, ItemKind::Physical);
    world.pay("p1", 1_500);
    world.submit("s1").expect("it is paid");
    let decision = world.cancel("x1", None).expect("the tea is open");
    assert_eq!(names(&decision), ["lines-cancelled", "shipments-backordered", "refund-due"]);
    assert_eq!(due(&decision), [("p1".to_owned(), 1_000)]);
    assert_eq!(world.status(), OrderStatus::Delivered);
}

#[test]
fn again_is_no_event() {
    let mut world = World::confirmed();
    world.cancel("x1", Some(&[("l1", 1)])).expect("it is open");
    let again = world.cancel("x1", Some(&[("l1", 1)])).expect("the same");
    assert!(again.events.is_empty() && again.sends.is_empty());
    world.cancel("x2", None).expect("one is open");
    for key in ["x1", "x2", "x3"] {
        let again = world.cancel(key, None).expect("it is cancelled");
        assert!(again.events.is_empty() && again.sends.is_empty());
    }
}

#[test]
fn refuses_the_same_key_with_another_body() {
    let mut world = World::confirmed();
    world.cancel("x1", Some(&[("l1", 1)])).expect("it is open");
    let command = CancelOrder { effect: effect("x1", 2), lines: None, reason: None };
    let decided = world.by(&alice(), OrderCommand::Cancel(command));
    assert_eq!(refusal(&decided), OrderRejection::IdempotencyKeyReused);
}

#[test]
fn refuses_what_has_ended_otherwise() {
    let mut world = World::placed(vec![line("l1", "tea", 2)]);
    world.short("tea");
    assert!(matches!(refusal(&world.cancel("x1", None)), OrderRejection::OrderRejected { .. }));
    let mut world = World::tea();
    world.pass(360);
    assert_eq!(refusal(&world.cancel("x1", None)), OrderRejection::CheckoutExpired);
    let mut world = World::tea();
    world.cancel("x1", None).expect("it is cancelled");
    assert_eq!(refusal(&world.cancel("x2", Some(&[("l1", 1)]))), OrderRejection::OrderCancelled);
}

#[test]
fn refuses_unknown_lines_and_more_than_is_open() {
    let mut world = World::confirmed();
    let unknown = world.cancel("x1", Some(&[("l9", 1)]));
    assert_eq!(refusal(&unknown), OrderRejection::LineNotFound { line_id: line_id("l9") });
    world.cancel("x1", Some(&[("l1", 1)])).expect("it is open");
    let more = world.cancel("x2", Some(&[("l1", 2)]));
    assert_eq!(refusal(&more), OrderRejection::NotThatManyOpen { line_id: line_id("l1"), open: 1 });
}

#[test]
fn refuses_a_part_of_a_checkout() {
    for mut world in [World::placed(vec![line("l1", "tea", 2)]), World::tea()] {
        assert_eq!(refusal(&world.cancel("x1", Some(&[("l1", 1)]))), OrderRejection::CancelAsAWhole);
    }
}

#[test]
fn refuses_more_parts_than_an_order_remembers_and_takes_the_whole() {
    let mut world = World::placed(vec![line("l1", "tea", 1_002)]).granted();
    world.pay("p1", 1_002_000);
    world.submit("s1").expect("it is paid");
    for part in 1..=1_000 {
        world.cancel(&format!("x{part}"), Some(&[("l1", 1)])).expect("it is open");
    }
    let more = world.cancel("x1001", Some(&[("l1", 1)]));
    assert_eq!(refusal(&more), OrderRejection::TooManyCancellations { limit: 1_000 });
    assert!(world.cancel("x7", Some(&[("l1", 1)])).expect("the same").events.is_empty());
    let whole = world.cancel("x1002", None).expect("two are open");
    assert_eq!(names(&whole), ["lines-cancelled", "shipments-backordered", "order-cancelled", "refund-due"]);
    assert_eq!(world.order.payments[0].shown.refund_due, 1_002_000);
}
