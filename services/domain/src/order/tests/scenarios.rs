use super::*;

#[test]
fn paid_twice_keeps_one_and_voids_the_newer() {
    let mut world = World::tea();
    world.start("p1").expect("it can be paid");
    world.start("p2").expect("the first has not answered");
    world.authorize("p1", eur(2_000)).expect("it is recorded");
    let decision = world.authorize("p2", eur(2_000)).expect("it is recorded");
    assert_eq!(due(&decision), [("p2".to_owned(), 2_000)]);
    world.submit("s1").expect("it is paid");
    assert_eq!(world.order.payments[0].capture_due, 2_000);
    assert_eq!(world.order.payments[1].capture_due, 0);
}

#[test]
fn paid_again_after_confirmation_voids_what_nobody_takes() {
    let mut world = World::tea();
    world.start("p1").expect("it can be paid");
    world.start("p2").expect("the first has not answered");
    world.authorize("p2", eur(2_000)).expect("it is recorded");
    world.submit("s1").expect("it is paid");
    let decision = world.authorize("p1", eur(2_000)).expect("it is recorded");
    assert_eq!(due(&decision), [("p1".to_owned(), 2_000)]);
}

#[test]
fn cancelled_while_a_payment_is_pending_gives_back_what_arrives() {
    let mut world = World::tea();
    world.start("p1").expect("it can be paid");
    world.cancel("x1", None).expect("it is cancelled");
    assert!(!world.order.is_finished());
    let decision = world.authorize("p1", eur(2_000)).expect("it is recorded");
    assert_eq!(names(&decision), ["payment-authorized", "refund-due"]);
    assert_eq!(world.status(), OrderStatus::Refunding);
}

#[test]
fn declined_then_paid_by_another_means() {
    let mut world = World::tea();
    world.start("p1").expect("it can be paid");
    world.decline("p1").expect("it is recorded");
    world.pay("p2", 2_000);
    let decided = world.submit("s1");
    assert_eq!(world.reply(&decided).status, OrderStatus::Confirmed);
}

#[test]
fn an_orphan_authorization_does_not_pay_the_order_that_comes_later() {
    let mut world = World::new();
    world.authorize("p1", eur(2_000)).expect("it is recorded");
    world.by(&alice(), OrderCommand::Place(place(vec![line("l1", "tea", 2)]))).expect("it is placed");
    world = world.granted();
    assert_eq!(refusal(&world.submit("s1")), OrderRejection::PaymentRequired);
    world.pay("p2", 2_000);
    let decision = world.submit("s1").expect("it is paid");
    assert!(due(&decision).is_empty());
    assert_eq!(world.order.payments[1].capture_due, 2_000);
}

#[test]
fn money_that_comes_while_items_are_asked_waits_for_the_total() {
    let mut world = World::placed(vec![line("l1", "tea", 2)]);
    let decision = world.authorize("p1", eur(2_500)).expect("it is recorded");
    assert!(due(&decision).is_empty());
    let decision = world.grant("tea", 1_000, ItemKind::Physical);
    assert_eq!(due(&decision), [("p1".to_owned(), 500)]);
    let mut world = World::placed(vec![line("l1", "tea", 2)]);
    world.authorize("p1", eur(2_500)).expect("it is recorded");
    assert_eq!(due(&world.short("tea")), [("p1".to_owned(), 2_500)]);
}

#[test]
fn money_for_an_order_that_is_paid_outside_is_due_back() {
    let command =
        PlaceOrder { payment: PaymentMode::External, submit: SubmitMode::Auto, ..place(vec![line("l1", "tea", 2)]) };
    let mut world = World::of(command).granted();
    let decision = world.authorize("p1", eur(2_000)).expect("it is recorded");
    assert_eq!(due(&decision), [("p1".to_owned(), 2_000)]);
}

#[test]
fn every_internal_answer_twice_changes_nothing() {
    let mut world = World::placed(vec![line("l1", "tea", 2), line("l2", "cup", 1)]);
    let granted = HoldAnswer::Granted { unit_price: eur(1_000), kind: ItemKind::Physical, file: None, store: None };
    for of in ["tea", "cup"] {
        world.answered(of, 1, granted.clone());
        assert!(world.answered(of, 1, granted.clone()).events.is_empty());
    }
    world.pay("p1", 3_000);
    world.authorize("p1", eur(3_000)).expect("the same");
    world.submit("s1").expect("it is paid");
    for _ in 0..2 {
        world.capture("p1", eur(3_000)).expect("recorded once");
    }
    assert_eq!(world.order.payments[0].shown.captured, 3_000);
}

#[test]
fn the_parts_of_a_discount_and_shipping_sum_to_the_whole_over_cancellations() {
    let command = PlaceOrder {
        adjustments: vec![adjustment("a1", None, -1_001), adjustment("a2", None, 499), adjustment("a3", Some("l2"), 7)],
        ..place(vec![line("l1", "tea", 3), line("l2", "cup", 7), line("l3", "pot", 1)])
    };
    let mut world = World::of(command).granted();
    let total = world.order.total.expect("it is granted").minor();
    assert_eq!(total, 11_000 - 1_001 + 499 + 7);
    world.pay("p1", total);
    world.submit("s1").expect("it is paid");
    let mut back = 0;
    for (key, of) in ["l1", "l2", "l3", "l2", "l1", "l2"].into_iter().enumerate() {
        let decision = world.cancel(&format!("x{key}"), Some(&[(of, 1)])).expect("it is open");
        back += due(&decision).iter().map(|(_, minor)| minor).sum::<i64>();
    }
    back += due(&world.cancel("rest", None).expect("some are open")).iter().map(|(_, minor)| minor).sum::<i64>();
    assert_eq!(back, total);
}

#[test]
fn state_survives_its_stored_form() {
    for world in [World::new(), World::tea(), World::confirmed()] {
        let json = serde_json::to_string(&world.order).expect("it is data");
        assert_eq!(serde_json::from_str::<Order>(&json).expect("it is its own form"), world.order);
    }
}
