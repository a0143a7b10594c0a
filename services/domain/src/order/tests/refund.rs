use super::*;

#[test]
fn an_operator_gives_back_part_of_what_is_kept() {
    let mut world = World::confirmed();
    world.capture("p1", eur(2_000)).expect("it is recorded");
    let decision = world.refund("f1", eur(300)).expect("it is kept");
    assert_eq!(names(&decision), ["operator-refunded", "refund-due"]);
    assert_eq!(due(&decision), [("p1".to_owned(), 300)]);
    assert!(world.refund("f1", eur(300)).expect("the same").events.is_empty());
    assert_eq!(world.status(), OrderStatus::Confirmed);
}

#[test]
fn a_cancellation_after_it_gives_back_the_rest_and_no_more() {
    let mut world = World::confirmed();
    world.refund("f1", eur(300)).expect("it is kept");
    let decision = world.cancel("x1", None).expect("nothing has shipped");
    assert_eq!(due(&decision), [("p1".to_owned(), 1_700)]);
}

#[test]
fn refuses_more_than_is_kept() {
    let mut world = World::confirmed();
    world.refund("f1", eur(300)).expect("it is kept");
    world.cancel("x1", Some(&[("l1", 1)])).expect("it is open");
    let expected = OrderRejection::RefundTooLarge { refundable: eur(700) };
    assert_eq!(refusal(&world.refund("f2", eur(701))), expected);
    assert_eq!(refusal(&world.refund("f2", eur(0))), expected);
    world.refund("f2", eur(700)).expect("it is kept");
}

#[test]
fn refuses_before_confirmation_after_the_end_and_outside_payment() {
    let mut paid = World::tea();
    paid.pay("p1", 2_000);
    let mut expired = World::tea();
    expired.pass(360);
    let external =
        PlaceOrder { payment: PaymentMode::External, submit: SubmitMode::Auto, ..place(vec![line("l1", "tea", 2)]) };
    for mut world in [paid, expired, World::of(external).granted()] {
        let decided = world.refund("f1", eur(1));
        assert_eq!(refusal(&decided), OrderRejection::RefundTooLarge { refundable: eur(0) });
    }
}

#[test]
fn refuses_another_currency_and_another_body() {
    let mut world = World::confirmed();
    assert_eq!(refusal(&world.refund("f1", usd(1))), OrderRejection::WrongCurrency);
    world.refund("f1", eur(1)).expect("it is kept");
    let command = RefundByOperator { effect: effect("f1", 2), amount: eur(2), reason: String::new() };
    let decided = world.by(&caller(Role::Operator, "olga"), OrderCommand::RefundByOperator(command));
    assert_eq!(refusal(&decided), OrderRejection::IdempotencyKeyReused);
}

#[test]
fn settling_is_recorded_once_and_only_of_a_known_refund() {
    let mut world = World::tea();
    world.pay("p1", 2_000);
    world.pass(360);
    assert_eq!(names(&world.settle("p1-r1").expect("it is due")), ["refund-settled"]);
    assert!(world.settle("p1-r1").expect("the same").events.is_empty());
    assert_eq!(refusal(&world.settle("p1-r2")), OrderRejection::PaymentNotFound);
    assert_eq!(world.order.payments[0].shown.refunded, 2_000);
}

#[test]
fn refund_ids_are_ids_however_long_the_payments_is() {
    let long = payment_id(&"p".repeat(64));
    let ids: Vec<_> = (1..4).map(|ordinal| super::super::money::refund_id(&long, ordinal)).collect();
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    assert_eq!(ids[0], super::super::money::refund_id(&long, 1));
    assert_eq!(super::super::money::refund_id(&payment_id("p1"), 2).as_str(), "p1-r2");
}
