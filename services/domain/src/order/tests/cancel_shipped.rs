use super::{fulfilment::*, *};

#[test]
fn what_has_shipped_is_not_cancelled() {
    let mut world = World::placed(vec![line("l1", "tea", 5)]).granted();
    world.pay("p1", 5_000);
    world.submit("s1").expect("it is paid");
    world.plan("n1", 1, vec![part("a", "w1", &[("l1", 5)])]).expect("it fits");
    world.allocated("a", "tea");
    world.ship(&operator(), "k1", None, Some(&[("l1", 3)])).expect("it is allocated");
    let more = world.cancel("x1", Some(&[("l1", 3)]));
    assert_eq!(refusal(&more), OrderRejection::NotThatManyOpen { line_id: line_id("l1"), open: 2 });
    let decision = world.cancel("x1", None).expect("two are open");
    assert_eq!(names(&decision), ["lines-cancelled", "refund-due"]);
    assert_eq!(asked(&decision), ["uncommit tea 2"]);
    assert_eq!(taken(&decision), [("tea".to_owned(), vec![("a".to_owned(), 2)])]);
    assert_eq!(due(&decision), [("p1".to_owned(), 2_000)]);
    assert_eq!(world.status(), OrderStatus::Shipped);
    assert_eq!(refusal(&world.cancel("x2", None)), OrderRejection::AlreadyShipped);
}

#[test]
fn what_belongs_to_no_sub_order_goes_first_and_then_the_newest() {
    let mut world = World::due();
    world.plan("n1", 1, vec![part("a", "w1", &[("l1", 1)]), part("b", "w2", &[("l1", 1)])]).expect("it fits");
    world.allocated("a", "tea");
    world.allocated("b", "tea");
    let decision = world.cancel("x1", Some(&[("l1", 1)])).expect("it is open");
    assert_eq!(names(&decision), ["lines-cancelled", "shipments-backordered", "refund-due"]);
    assert_eq!(taken(&decision), [("tea".to_owned(), Vec::new())]);
    assert_eq!(world.said(), ("backordered", 3, of(&[("l2", 2), ("l3", 1)])));
    let decision = world.cancel("x2", Some(&[("l1", 1)])).expect("it is open");
    assert_eq!(names(&decision), ["lines-cancelled", "refund-due"], "what is due is the same");
    assert_eq!(taken(&decision), [("tea".to_owned(), vec![("b".to_owned(), 1)])]);
}

#[test]
fn what_is_being_allocated_is_taken_out_and_its_answer_counts_for_the_rest() {
    let mut world = World::due();
    world.plan("n1", 1, vec![part("a", "w1", &[("l1", 3), ("l2", 2)])]).expect("it fits");
    world.cancel("x1", Some(&[("l1", 3)])).expect("it is open");
    let decision = world.allocation("a", "tea", Some(too_few()));
    let Event::Order(OrderEvent::AllocationRefused(event)) = &decision.events[0] else { panic!("a refusal") };
    assert_eq!(event.lines, units(&[("l2", 2)]));
    assert_eq!(world.said(), ("due", 3, of(&[("l2", 2), ("l3", 1)])));
}

#[test]
fn cancelling_the_last_that_is_asked_for_ends_the_round() {
    let mut world = World::due();
    world.plan("n1", 1, vec![part("a", "w1", &[("l1", 3)]), part("b", "w2", &[("l3", 1)])]).expect("it fits");
    world.allocation("a", "tea", Some(too_few()));
    assert_eq!(world.said(), ("backordered", 2, of(&[("l2", 2)])));
    let decision = world.cancel("x1", Some(&[("l3", 1)])).expect("it is open");
    assert_eq!(names(&decision), ["lines-cancelled", "shipments-due", "refund-due"]);
    assert_eq!(world.said(), ("due", 3, of(&[("l1", 3), ("l2", 2)])));
    assert!(world.allocated("b", "cup").events.is_empty());
}

#[test]
fn in_every_state_the_money_of_what_is_cancelled_comes_back_and_no_more() {
    let confirmed: [fn() -> World; 4] = [World::due, World::at_one, World::at_two, World::joined];
    for world in confirmed {
        let mut world = world();
        let decision = world.cancel("x1", None).expect("nothing has shipped");
        assert_eq!(due(&decision), [("p1".to_owned(), 6_000)]);
        assert_eq!(asked(&decision), ["uncommit cup 1", "uncommit tea 5"]);
        assert_eq!(world.status(), OrderStatus::Refunding);
    }
    let mut world = World::at_two();
    world.ship(&operator(), "k1", Some("a"), None).expect("it is allocated");
    let decision = world.cancel("x1", None).expect("w2 has not shipped");
    assert_eq!(due(&decision), [("p1".to_owned(), 3_000)]);
    assert_eq!(asked(&decision), ["uncommit cup 1", "uncommit tea 2"]);
    assert_eq!(world.status(), OrderStatus::Shipped);
}

#[test]
fn a_failed_capture_cancels_what_has_not_shipped() {
    let mut world = World::at_two();
    world.ship(&operator(), "k1", Some("a"), None).expect("it is allocated");
    let decision = world.fail_capture("p1").expect("it is recorded");
    assert_eq!(names(&decision), ["capture-failed", "lines-cancelled", "refund-due"]);
    assert_eq!(asked(&decision), ["uncommit cup 1", "uncommit tea 2"]);
    assert_eq!(world.status(), OrderStatus::Shipped);
}
