use super::{fulfilment::of, *};

#[test]
fn says_nothing_before_a_deadline() {
    for mut world in [World::new(), World::placed(vec![line("l1", "tea", 2)]), World::tea(), World::confirmed()] {
        assert!(world.pass(29).events.is_empty());
    }
}

#[test]
fn gives_up_items_that_did_not_answer_in_time() {
    let lines = vec![line("l1", "tea", 2), line("l2", "cup", 1), line("l3", "pot", 1), line("l4", "jug", 1)];
    let mut world = World::placed(lines);
    world.grant("tea", 1_000, ItemKind::Physical);
    world.short("cup");
    let decision = world.pass(30);
    assert_eq!(names(&decision), ["order-rejected"]);
    assert_eq!(asked(&decision), ["release cup", "release jug", "release pot", "release tea"]);
    let refusals = vec![
        OrderRefusal::Item { item_id: item("cup"), refusal: short() },
        OrderRefusal::ItemsUnanswered { item_ids: vec![item("jug"), item("pot")] },
    ];
    assert_eq!(world.order.refusals, refusals);
    assert_eq!(decision.answer, Answer::Nobody);
}

#[test]
fn expires_a_checkout_after_the_deadline_and_the_grace() {
    let mut world = World::tea();
    assert!(world.pass(359).events.is_empty());
    let decision = world.pass(1);
    assert_eq!(names(&decision), ["order-expired"]);
    assert_eq!(asked(&decision), ["release tea"]);
    assert_eq!((world.status(), world.order.due()), (OrderStatus::Expired, None));
    assert!(world.order.is_finished());
}

#[test]
fn a_submit_that_stands_before_the_expiry_wins() {
    let mut world = World::tea();
    world.pay("p1", 2_000);
    world.now = START.plus_seconds(1_000);
    world.submit("s1").expect("expiry is an event");
    assert_eq!(world.status(), OrderStatus::Confirmed);
}

#[test]
fn gives_back_what_was_paid_but_never_submitted() {
    let mut world = World::tea();
    world.pay("p1", 2_000);
    let decision = world.pass(360);
    assert_eq!(names(&decision), ["order-expired", "refund-due"]);
    assert_eq!(world.status(), OrderStatus::Refunding);
}

#[test]
fn a_pending_payment_keeps_an_expired_order() {
    let mut world = World::tea();
    world.start("p1").expect("it can be paid");
    world.pass(360);
    assert!(!world.order.is_finished());
    world.decline("p1").expect("it is recorded");
    assert!(world.order.is_finished());
}

#[test]
fn what_was_confirmed_before_orders_said_what_is_due_says_it_at_once() {
    let confirmed = World::due();
    let mut old = World::new();
    for event in confirmed.events.iter().filter(|event| !matches!(event, OrderEvent::ShipmentsDue(_))) {
        evolve(&mut old.order, event, START, &Policy::default());
    }
    assert_eq!(old.order.due(), Some(START));
    assert_eq!(names(&old.pass(0)), ["shipments-due"]);
    assert_eq!(old.said(), ("due", 1, of(&[("l1", 3), ("l2", 2), ("l3", 1)])));
    assert_eq!(old.order.due(), None);
    old.cancel("x1", None).expect("it is open");
    assert_eq!(old.order.due(), None);
}
