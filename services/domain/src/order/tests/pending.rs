use super::*;

/// Started, and the provider has said that it decides later.
fn pending() -> (World, Decided) {
    let mut world = World::tea();
    let started = world.start("p1");
    world.pend("p1").expect("it is recorded");
    (world, started)
}

#[test]
fn is_told_to_whoever_waits() {
    let mut world = World::tea();
    let started = world.start("p1");
    assert_eq!(world.told(&started), None);
    let decision = world.pend("p1").expect("it is recorded");
    assert_eq!(names(&decision), ["payment-pending"]);
    let reply = world.reply(&started);
    assert_eq!((reply.payment_id, reply.payments[0].status), (Some(payment_id("p1")), PaymentStatus::Pending));
    let again = world.start("p1");
    assert_eq!(world.reply(&again).payments[0].status, PaymentStatus::Pending);
    assert!(again.expect("the same").events.is_empty());
}

#[test]
fn submit_is_answered_while_it_is_pending_and_the_decision_confirms() {
    let (mut world, _) = pending();
    let submitted = world.submit("s1");
    assert_eq!(world.reply(&submitted).status, OrderStatus::AwaitingPayment);
    let decision = world.authorize("p1", eur(2_000)).expect("it is recorded");
    assert_eq!(names(&decision), ["payment-authorized", "order-confirmed", "shipments-due", "capture-due"]);
    let again = world.submit("s1");
    assert_eq!(world.reply(&again).status, OrderStatus::Confirmed);
}

#[test]
fn submit_waits_for_another_payment_that_is_being_asked_for() {
    let (mut world, _) = pending();
    world.start("p2").expect("a second tab pays");
    let submitted = world.submit("s1");
    assert_eq!(world.told(&submitted), None);
    world.pend("p2").expect("it is recorded");
    assert_eq!(world.reply(&submitted).status, OrderStatus::AwaitingPayment);
}

#[test]
fn a_later_decline_leaves_the_order_to_be_paid_again() {
    let (mut world, started) = pending();
    let submitted = world.submit("s1");
    world.decline("p1").expect("it is recorded");
    let declined = OrderRejection::PaymentDeclined { reason: "no_funds".to_owned() };
    assert_eq!(world.told(&started), Some(Err(Rejection::Order(declined.clone()))));
    assert_eq!(refusal(&world.submit("s1")), declined);
    assert!(world.told(&submitted).is_some());
    world.start("p2").expect("it can be paid");
    let decision = world.authorize("p2", eur(2_000)).expect("it is recorded");
    assert_eq!(names(&decision), ["payment-authorized", "order-confirmed", "shipments-due", "capture-due"]);
}

#[test]
fn once_it_is_decided_it_is_old_news() {
    let mut authorized = World::tea();
    authorized.pay("p1", 2_000);
    let mut declined = World::tea();
    declined.start("p1").expect("it can be paid");
    declined.decline("p1").expect("it is recorded");
    let (pending, _) = pending();
    for mut world in [authorized, declined, pending] {
        let before = world.order.clone();
        assert!(world.pend("p1").expect("the same").events.is_empty());
        assert_eq!(world.order, before);
    }
}

#[test]
fn of_a_payment_that_nobody_started_it_is_refused() {
    assert_eq!(refusal(&World::tea().pend("p9")), OrderRejection::PaymentNotFound);
    assert_eq!(refusal(&World::new().pend("p9")), OrderRejection::PaymentNotFound);
}

#[test]
fn an_order_that_expires_is_finished_and_a_decision_after_that_is_given_back() {
    let (mut world, _) = pending();
    assert!(!world.order.is_finished());
    world.pass(360);
    assert!(world.order.is_finished(), "what may never be decided keeps nothing in memory");
    let decision = world.authorize("p1", eur(2_000)).expect("it is recorded");
    assert_eq!(names(&decision), ["payment-authorized", "refund-due"]);
    assert!(!world.order.is_finished());
}

#[test]
fn a_submitted_order_that_expired_holds_again_when_the_decision_comes() {
    let (mut world, _) = pending();
    world.submit("s1").expect("it is taken");
    world.pass(360);
    assert_eq!(world.status(), OrderStatus::Expired);
    let decision = world.authorize("p1", eur(2_000)).expect("it is recorded");
    assert_eq!(names(&decision), ["payment-authorized", "late-payment"]);
}

/// What the provider says of one payment, as it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    Pending,
    Authorized,
    Declined,
    Captured,
}

#[test]
fn however_answers_and_webhooks_cross_the_money_is_the_same() {
    // What a provider that has authorized may say, directly and by webhook; each again, in every order.
    let said = [News::Pending, News::Authorized, News::Authorized, News::Captured, News::Pending];
    for order in orders(&said) {
        let mut world = World::tea();
        world.start("p1").expect("it can be paid");
        world.submit("s1").expect("it waits");
        for news in &order {
            _ = world.hear(*news);
        }
        let payment = &world.order.payments[0].shown;
        let sums = (payment.status, payment.authorized, payment.captured, payment.refund_due);
        assert_eq!(sums, (PaymentStatus::Authorized, 2_000, 2_000, 0), "{order:?}");
        assert_eq!(world.status(), OrderStatus::Confirmed, "{order:?}");
        let confirmed = world.events.iter().filter(|event| matches!(event, OrderEvent::OrderConfirmed(_))).count();
        assert_eq!(confirmed, 1, "{order:?}");
    }
}

#[test]
fn an_authorization_wins_over_a_decline_whichever_comes_first() {
    for order in orders(&[News::Pending, News::Declined, News::Authorized, News::Declined]) {
        let mut world = World::tea();
        world.start("p1").expect("it can be paid");
        world.submit("s1").expect("it waits");
        for news in &order {
            world.hear(*news).expect("it is recorded, or already true");
        }
        assert_eq!(world.status(), OrderStatus::Confirmed, "{order:?}");
    }
}

impl World {
    fn pend(&mut self, id: &str) -> Decided {
        let command = RecordPending { payment_id: payment_id(id) };
        self.by(&Caller::engine(), OrderCommand::RecordPending(command))
    }

    fn hear(&mut self, news: News) -> Decided {
        match news {
            News::Pending => self.pend("p1"),
            News::Authorized => self.authorize("p1", eur(2_000)),
            News::Declined => self.decline("p1"),
            News::Captured => self.capture("p1", eur(2_000)),
        }
    }
}

/// All orders in which these can come.
fn orders(news: &[News]) -> Vec<Vec<News>> {
    if news.is_empty() {
        return vec![Vec::new()];
    }
    let with = |first: usize| {
        let mut rest = news.to_vec();
        let first = rest.remove(first);
        orders(&rest).into_iter().map(move |rest| [vec![first], rest].concat()).collect::<Vec<_>>()
    };
    (0..news.len()).flat_map(with).collect()
}
