use super::*;

#[test]
fn confirms_what_is_paid_commits_the_holds_and_takes_the_money() {
    let mut world = World::tea();
    world.pay("p1", 2_000);
    let decided = world.submit("s1");
    assert_eq!(world.reply(&decided).status, OrderStatus::Confirmed);
    let decision = decided.expect("it is paid");
    assert_eq!(names(&decision), ["order-submitted", "order-confirmed", "shipments-due", "capture-due"]);
    assert_eq!(asked(&decision), ["commit tea"]);
    assert_eq!(world.order.due(), None);
}

#[test]
fn confirms_an_external_order_and_a_free_one_without_a_payment() {
    let external = PlaceOrder {
        payment: PaymentMode::External,
        shopper: Some(alice().subject),
        ..place(vec![line("l1", "tea", 2)])
    };
    let free = PlaceOrder { adjustments: vec![adjustment("a1", None, -2_000)], ..place(vec![line("l1", "tea", 2)]) };
    for command in [external, free] {
        let mut world = World::of(command).granted();
        let decision = world.submit("s1").expect("nothing is to be paid");
        assert_eq!(names(&decision), ["order-submitted", "order-confirmed", "shipments-due"]);
    }
}

#[test]
fn waits_for_a_pending_payment_and_is_confirmed_by_it() {
    let mut world = World::tea();
    world.start("p1").expect("it can be paid");
    let decided = world.submit("s1");
    assert_eq!(names(decided.as_ref().expect("it waits")), ["order-submitted"]);
    assert_eq!(world.told(&decided), None);
    let paid = world.authorize("p1", eur(2_000)).expect("it is recorded");
    assert_eq!(names(&paid), ["payment-authorized", "order-confirmed", "shipments-due", "capture-due"]);
    assert_eq!(world.reply(&decided).status, OrderStatus::Confirmed);
}

#[test]
fn the_wait_ends_with_the_decline_but_the_order_stays_submitted() {
    let mut world = World::tea();
    world.start("p1").expect("it can be paid");
    let decided = world.submit("s1");
    world.decline("p1").expect("it is recorded");
    let declined = OrderRejection::PaymentDeclined { reason: "no_funds".to_owned() };
    assert_eq!(world.told(&decided), Some(Err(Rejection::Order(declined))));
    world.start("p2").expect("it may be tried again");
    let paid = world.authorize("p2", eur(2_000)).expect("it is recorded");
    assert_eq!(names(&paid), ["payment-authorized", "order-confirmed", "shipments-due", "capture-due"]);
}

#[test]
fn again_gives_the_same_answer_under_any_key() {
    let mut world = World::confirmed();
    for key in ["s1", "s2"] {
        let again = world.submit(key);
        assert_eq!(world.reply(&again).status, OrderStatus::Confirmed);
        assert!(again.expect("the same").events.is_empty());
    }
}

#[test]
fn refuses_the_same_key_with_another_body() {
    let mut world = World::confirmed();
    let decided = world.by(&alice(), OrderCommand::Submit(SubmitOrder { effect: effect("s1", 2) }));
    assert_eq!(refusal(&decided), OrderRejection::IdempotencyKeyReused);
}

#[test]
fn refuses_what_is_rejected_or_not_held_yet() {
    let mut world = World::placed(vec![line("l1", "tea", 2)]);
    assert_eq!(refusal(&world.submit("s1")), OrderRejection::OrderNotReady { status: OrderStatus::Holding });
    world.short("tea");
    assert!(matches!(refusal(&world.submit("s1")), OrderRejection::OrderRejected { .. }));
}

#[test]
fn refuses_what_is_expired_or_cancelled() {
    let mut world = World::tea();
    world.pass(360);
    assert_eq!(refusal(&world.submit("s1")), OrderRejection::CheckoutExpired);
    let mut world = World::tea();
    world.cancel("x1", None).expect("it is cancelled");
    assert_eq!(refusal(&world.submit("s1")), OrderRejection::OrderCancelled);
}

#[test]
fn the_wait_ends_when_the_checkout_expires() {
    let mut world = World::tea();
    world.start("p1").expect("it can be paid");
    let decided = world.submit("s1");
    world.pass(360);
    assert_eq!(world.told(&decided), Some(Err(Rejection::Order(OrderRejection::CheckoutExpired))));
}

#[test]
fn refuses_without_a_payment_and_records_nothing() {
    let mut world = World::tea();
    assert_eq!(refusal(&world.submit("s1")), OrderRejection::PaymentRequired);
    world.pay("p1", 1_999);
    assert_eq!(refusal(&world.submit("s1")), OrderRejection::PaymentRequired);
    assert!(world.order.submitted.is_none());
}

#[test]
fn refuses_with_the_reason_where_the_only_payment_was_declined() {
    let mut world = World::tea();
    world.start("p1").expect("it can be paid");
    world.decline("p1").expect("it is recorded");
    assert_eq!(refusal(&world.submit("s1")), OrderRejection::PaymentDeclined { reason: "no_funds".to_owned() });
}

#[test]
fn delivers_digital_lines_at_once() {
    let mut world = World::placed(vec![line("l1", "ebook", 2), line("l2", "tea", 1)]);
    world.grant("ebook", 500, ItemKind::Digital);
    world.grant("tea", 1_000, ItemKind::Physical);
    world.pay("p1", 2_000);
    let decision = world.submit("s1").expect("it is paid");
    assert_eq!(
        names(&decision),
        ["order-submitted", "order-confirmed", "digital-delivered", "shipments-due", "capture-due"]
    );
    assert_eq!(asked(&decision), ["commit ebook", "commit tea"]);
    assert_eq!(world.status(), OrderStatus::Confirmed);
}

#[test]
fn an_all_digital_order_is_delivered() {
    let mut world = World::placed(vec![line("l1", "ebook", 2)]);
    world.grant("ebook", 500, ItemKind::Digital);
    world.pay("p1", 1_000);
    world.submit("s1").expect("it is paid");
    assert_eq!(world.status(), OrderStatus::Delivered);
    assert_eq!(refusal(&world.cancel("x1", None)), OrderRejection::AlreadyShipped);
}
