use super::*;

#[test]
fn starts_before_the_provider_is_asked_and_waits_for_it() {
    let mut world = World::tea();
    let decision = world.start("p1").expect("it can be paid");
    let Event::Order(OrderEvent::PaymentStarted(started)) = &decision.events[0] else { panic!("a start") };
    assert_eq!((names(&decision), started.amount), (vec!["payment-started"], eur(2_000)));
    assert_eq!(decision.answer, Answer::Later(Wait::Order(OrderWait::Payment(payment_id("p1")))));
}

#[test]
fn asks_only_for_what_is_not_paid_yet() {
    let mut world = World::tea();
    world.pay("p1", 500);
    let decision = world.start("p2").expect("a part is missing");
    let Event::Order(OrderEvent::PaymentStarted(started)) = &decision.events[0] else { panic!("a start") };
    assert_eq!(started.amount, eur(1_500));
}

#[test]
fn again_waits_or_gives_the_same_answer() {
    let mut world = World::tea();
    world.start("p1").expect("it can be paid");
    let again = world.start("p1");
    assert_eq!(world.told(&again), None);
    world.authorize("p1", eur(2_000)).expect("it is recorded");
    let again = world.start("p1");
    assert_eq!(world.reply(&again).payment_id, Some(payment_id("p1")));
    assert!(again.expect("the same").events.is_empty());
}

#[test]
fn a_declined_payment_answers_why_and_again_the_same() {
    let mut world = World::tea();
    let started = world.start("p1");
    let decision = world.decline("p1").expect("it is recorded");
    assert_eq!(names(&decision), ["payment-attempt-failed"]);
    let declined = OrderRejection::PaymentDeclined { reason: "no_funds".to_owned() };
    assert_eq!(world.told(&started), Some(Err(Rejection::Order(declined.clone()))));
    assert_eq!(refusal(&world.start("p1")), declined);
    assert_eq!(world.status(), OrderStatus::AwaitingPayment);
}

#[test]
fn refuses_the_same_payment_with_other_content() {
    let mut world = World::tea();
    world.start("p1").expect("it can be paid");
    let command = StartPayment {
        effect: effect("p1", 2),
        payment_id: payment_id("p1"),
        method_token: "other".to_owned(),
        shipping_address: None,
    };
    let decided = world.by(&alice(), OrderCommand::StartPayment(command));
    assert_eq!(refusal(&decided), OrderRejection::IdempotencyKeyReused);
}

#[test]
fn refuses_to_start_in_every_other_state() {
    let mut rejected = World::placed(vec![line("l1", "tea", 2)]);
    rejected.short("tea");
    let refusals = rejected.order.refusals.clone();
    let mut expired = World::tea();
    expired.pass(360);
    let mut cancelled = World::tea();
    cancelled.cancel("x1", None).expect("it is cancelled");
    let cases = [
        (rejected, OrderRejection::OrderRejected { refusals }),
        (World::placed(vec![line("l1", "tea", 2)]), OrderRejection::OrderNotReady { status: OrderStatus::Holding }),
        (expired, OrderRejection::CheckoutExpired),
        (cancelled, OrderRejection::OrderCancelled),
        (World::confirmed(), OrderRejection::AlreadyPaid),
    ];
    for (mut world, expected) in cases {
        assert_eq!(refusal(&world.start("p9")), expected);
    }
}

#[test]
fn refuses_to_start_what_is_paid_outside_or_paid_in_full() {
    let external = PlaceOrder {
        payment: PaymentMode::External,
        shopper: Some(alice().subject),
        ..place(vec![line("l1", "tea", 2)])
    };
    assert_eq!(refusal(&World::of(external).granted().start("p1")), OrderRejection::PaymentExternal);
    let mut paid = World::tea();
    paid.pay("p1", 2_000);
    assert_eq!(refusal(&paid.start("p2")), OrderRejection::AlreadyPaid);
}

#[test]
fn an_authorization_again_is_no_event() {
    let mut world = World::tea();
    world.pay("p1", 2_000);
    assert!(world.authorize("p1", eur(2_000)).expect("the same").events.is_empty());
}

#[test]
fn another_authorization_under_the_same_payment_is_refused_by_name() {
    let mut world = World::tea();
    world.pay("p1", 2_000);
    assert_eq!(refusal(&world.authorize("p1", eur(1_999))), OrderRejection::IdempotencyKeyReused);
}

#[test]
fn an_authorization_of_an_unknown_order_is_recorded_and_due_back() {
    let mut world = World::new();
    let decision = world.authorize("p1", eur(700)).expect("it is recorded");
    assert_eq!(names(&decision), ["payment-authorized", "refund-due"]);
    assert_eq!(due(&decision), [("p1".to_owned(), 700)]);
    assert_eq!(world.status(), OrderStatus::Refunding);
    assert!(!world.order.is_finished());
    world.settle("p1-r1").expect("it is recorded");
    assert_eq!(world.status(), OrderStatus::Refunded);
    assert!(world.order.is_finished());
}

#[test]
fn an_authorization_in_another_currency_pays_nothing_and_is_due_back() {
    let mut world = World::tea();
    world.start("p1").expect("it can be paid");
    let decision = world.authorize("p1", usd(2_000)).expect("it is recorded");
    assert_eq!(names(&decision), ["payment-authorized", "refund-due"]);
    assert_eq!(refusal(&world.submit("s1")), OrderRejection::PaymentRequired);
}

#[test]
fn an_authorization_after_a_decline_counts() {
    let mut world = World::tea();
    world.start("p1").expect("it can be paid");
    world.decline("p1").expect("it is recorded");
    let decision = world.authorize("p1", eur(2_000)).expect("it is recorded");
    assert_eq!(names(&decision), ["payment-authorized"]);
}

#[test]
fn a_decline_of_an_authorized_declined_or_unknown_payment_is_no_event() {
    let mut world = World::tea();
    world.pay("p1", 2_000);
    assert!(world.decline("p1").expect("money stays on record").events.is_empty());
    assert_eq!(refusal(&world.decline("p9")), OrderRejection::PaymentNotFound);
    let mut world = World::tea();
    world.start("p1").expect("it can be paid");
    world.decline("p1").expect("it is recorded");
    assert!(world.decline("p1").expect("the same").events.is_empty());
}

#[test]
fn the_last_missing_part_confirms_what_is_submitted() {
    let mut world = World::of(PlaceOrder { submit: SubmitMode::Auto, ..place(vec![line("l1", "tea", 2)]) }).granted();
    world.pay("p1", 500);
    world.start("p2").expect("a part is missing");
    let decision = world.authorize("p2", eur(1_600)).expect("it is recorded");
    let expected =
        ["payment-authorized", "order-confirmed", "shipments-due", "refund-due", "capture-due", "capture-due"];
    assert_eq!(names(&decision), expected);
    assert_eq!(due(&decision), [("p2".to_owned(), 100)]);
    let captures: i64 = world.order.payments.iter().map(|payment| payment.capture_due).sum();
    assert_eq!(captures, 2_000);
}

#[test]
fn refuses_more_payments_than_an_order_takes_and_still_answers_the_known_ones() {
    let mut world = World::tea();
    for attempt in 1..=50 {
        world.start(&format!("p{attempt}")).expect("it can be paid");
        world.decline(&format!("p{attempt}")).expect("it is recorded");
    }
    assert_eq!(refusal(&world.start("p51")), OrderRejection::TooManyPayments { limit: 50 });
    assert_eq!(refusal(&world.start("p50")), OrderRejection::PaymentDeclined { reason: "no_funds".to_owned() });
    let decision = world.authorize("p51", eur(2_000)).expect("money that came in is recorded all the same");
    assert_eq!(names(&decision), ["payment-authorized"]);
}
