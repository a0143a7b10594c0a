use super::*;

#[test]
fn a_capture_is_recorded_once() {
    let mut world = World::confirmed();
    assert_eq!(names(&world.capture("p1", eur(2_000)).expect("it is recorded")), ["payment-captured"]);
    assert!(world.capture("p1", eur(2_000)).expect("the same").events.is_empty());
    assert_eq!(world.order.payments[0].shown.captured, 2_000);
}

#[test]
fn a_capture_is_recorded_in_every_state() {
    let mut world = World::tea();
    world.pay("p1", 2_000);
    world.cancel("x1", None).expect("it is cancelled");
    assert_eq!(names(&world.capture("p1", eur(2_000)).expect("it is recorded")), ["payment-captured"]);
}

#[test]
fn what_is_captured_beyond_the_authorization_is_due_back() {
    let mut world = World::confirmed();
    let decision = world.capture("p1", eur(2_100)).expect("it is recorded");
    assert_eq!(due(&decision), [("p1".to_owned(), 100)]);
}

#[test]
fn a_capture_of_an_unknown_payment_or_in_another_currency_is_refused() {
    let mut world = World::confirmed();
    assert_eq!(refusal(&world.capture("p1", usd(2_000))), OrderRejection::WrongCurrency);
    assert_eq!(refusal(&world.capture("p9", eur(2_000))), OrderRejection::PaymentNotFound);
}

#[test]
fn a_failure_for_good_cancels_what_has_not_shipped() {
    let mut world = World::confirmed();
    let decision = world.fail_capture("p1").expect("it is recorded");
    assert_eq!(
        names(&decision),
        ["capture-failed", "lines-cancelled", "shipments-backordered", "order-cancelled", "refund-due"]
    );
    assert_eq!(asked(&decision), ["uncommit tea 2"]);
    assert!(world.fail_capture("p1").expect("the same").events.is_empty());
    world.settle("p1-r1").expect("it is recorded");
    assert!(world.order.is_finished());
}

#[test]
fn a_failure_leaves_what_was_delivered() {
    let mut world = World::placed(vec![line("l1", "ebook", 1), line("l2", "tea", 1)]);
    world.grant("ebook", 500, ItemKind::Digital);
    world.grant("tea", 1_000, ItemKind::Physical);
    world.pay("p1", 1_500);
    world.submit("s1").expect("it is paid");
    let decision = world.fail_capture("p1").expect("it is recorded");
    assert_eq!(names(&decision), ["capture-failed", "lines-cancelled", "shipments-backordered", "refund-due"]);
    assert_eq!(due(&decision), [("p1".to_owned(), 1_000)]);
}

#[test]
fn a_failure_of_money_that_nobody_counted_on_cancels_nothing() {
    let mut world = World::confirmed();
    world.authorize("p2", eur(2_000)).expect("it is recorded");
    assert_eq!(names(&world.fail_capture("p2").expect("it is recorded")), ["capture-failed"]);
    assert_eq!(world.status(), OrderStatus::Confirmed);
}

#[test]
fn a_failure_after_the_capture_or_of_an_unknown_payment_changes_nothing() {
    let mut world = World::confirmed();
    world.capture("p1", eur(2_000)).expect("it is recorded");
    assert!(world.fail_capture("p1").expect("it was taken").events.is_empty());
    assert_eq!(refusal(&world.fail_capture("p9")), OrderRejection::PaymentNotFound);
}

#[test]
fn what_was_captured_before_the_confirmation_is_not_taken_again() {
    let mut world = World::tea();
    world.pay("p1", 2_000);
    world.capture("p1", eur(2_000)).expect("it is recorded");
    let decision = world.submit("s1").expect("it is paid");
    assert_eq!(names(&decision), ["order-submitted", "order-confirmed", "shipments-due"]);
}

#[test]
fn a_failure_of_money_that_is_due_back_cancels_nothing() {
    let mut world = World::confirmed();
    world.refund("f1", eur(2_000)).expect("it is kept");
    assert_eq!(names(&world.fail_capture("p1").expect("it is recorded")), ["capture-failed"]);
    assert_eq!(world.status(), OrderStatus::Confirmed);
}

#[test]
fn a_void_ends_the_wait_for_the_capture() {
    let mut world = World::confirmed();
    world.cancel("x1", None).expect("nothing has shipped");
    assert!(!world.order.is_finished(), "its money is not back yet");
    world.settle("p1-r1").expect("it is recorded");
    assert!(world.order.is_finished());
}

#[test]
fn a_failure_before_the_confirmation_does_not_hide_the_one_after_it() {
    let mut world = World::tea();
    world.pay("p1", 2_000);
    assert_eq!(names(&world.fail_capture("p1").expect("it is recorded")), ["capture-failed"]);
    let confirmed = world.submit("s1").expect("it is paid");
    assert_eq!(names(&confirmed), ["order-submitted", "order-confirmed", "shipments-due", "capture-due"]);
    let decision = world.fail_capture("p1").expect("it is recorded");
    assert_eq!(
        names(&decision),
        ["capture-failed", "lines-cancelled", "shipments-backordered", "order-cancelled", "refund-due"]
    );
}
