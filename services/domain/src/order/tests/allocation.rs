use super::{fulfilment::*, *};

#[test]
fn an_allocated_sub_order_can_ship() {
    let mut world = World::due();
    world.plan("n1", 1, vec![part("a", "w1", &[("l1", 3), ("l2", 2), ("l3", 1)])]).expect("it fits");
    assert_eq!(refusal(&world.ship(&operator(), "k1", Some("a"), None)), OrderRejection::NothingToShip);
    assert_eq!(names(&world.allocated("a", "tea")), ["sub-order-allocated"]);
    let decision = world.ship(&operator(), "k1", Some("a"), None).expect("the tea is allocated");
    assert_eq!(asked(&decision), ["ship tea 5 a@w1"]);
}

#[test]
fn a_refusal_takes_the_units_out_of_the_sub_order() {
    let mut world = World::due();
    world.plan("n1", 1, vec![part("a", "w1", &[("l1", 3), ("l2", 2), ("l3", 1)])]).expect("it fits");
    let decision = world.allocation("a", "tea", Some(too_few()));
    assert_eq!(names(&decision), ["allocation-refused"], "the cup has not answered");
    let Event::Order(OrderEvent::AllocationRefused(event)) = &decision.events[0] else { panic!("a refusal") };
    assert_eq!(event.lines, units(&[("l1", 3), ("l2", 2)]));
    let decision = world.allocated("a", "cup");
    assert_eq!(names(&decision), ["sub-order-allocated", "shipments-due"]);
    assert_eq!(world.said(), ("due", 2, of(&[("l1", 3), ("l2", 2)])));
    let decision = world.ship(&operator(), "k1", None, None).expect("the cup is allocated");
    assert_eq!(asked(&decision), ["ship cup 1 a@w1"]);
}

#[test]
fn the_last_answer_makes_all_due_that_has_no_sub_order() {
    let mut world = World::due();
    let parts = vec![part("a", "w1", &[("l1", 3)]), part("b", "w2", &[("l2", 1)])];
    world.plan("n1", 1, parts).expect("it fits");
    assert_eq!(world.said(), ("backordered", 2, of(&[("l2", 1), ("l3", 1)])));
    world.allocation("a", "tea", Some(too_few()));
    world.allocated("b", "tea");
    assert_eq!(world.said(), ("due", 3, of(&[("l1", 3), ("l2", 1), ("l3", 1)])));
}

#[test]
fn after_three_refused_rounds_it_waits_for_stock_and_counts_anew() {
    let mut world = World::due();
    for (round, expected) in [(1, "due"), (2, "due"), (3, "backordered"), (4, "due")] {
        let id = format!("a{round}");
        world.plan(&id, round, vec![part(&id, "w1", &[("l1", 3), ("l2", 2), ("l3", 1)])]).expect("it fits");
        world.allocation(&id, "tea", Some(too_few()));
        world.allocation(&id, "cup", Some(too_few()));
        assert_eq!((world.said().0, world.said().1), (expected, round + 1));
    }
}

#[test]
fn a_round_without_a_refusal_counts_anew() {
    let mut world = World::due();
    for (round, cause) in [(1, "c1"), (2, "c2"), (3, "c3"), (4, "c4")] {
        let id = format!("a{round}");
        let lines: &[(&str, u32)] = if round == 1 { &[("l1", 3), ("l2", 2), ("l3", 1)] } else { &[("l2", 1)] };
        world.plan(&id, round, vec![part(&id, "w1", lines)]).expect("it fits");
        world.allocated(&id, "tea");
        world.allocated(&id, "cup");
        world.give_up(cause, &id, "tea", 1);
        assert_eq!((world.said().0, world.said().1), ("due", round + 1), "each was allocated before");
    }
}

#[test]
fn an_answer_that_comes_twice_or_too_late_changes_nothing() {
    let mut world = World::at_one();
    assert!(world.allocated("a", "tea").events.is_empty());
    assert!(world.allocation("a", "tea", Some(too_few())).events.is_empty());
    assert!(world.allocated("z", "tea").events.is_empty());
    world.cancel("x1", None).expect("nothing has shipped");
    assert!(world.allocation("a", "tea", Some(too_few())).events.is_empty());
}

#[test]
fn what_an_item_gives_up_is_due_again() {
    let mut world = World::at_one();
    let decision = world.give_up("c1", "a", "tea", 3);
    assert_eq!(names(&decision), ["sub-order-deallocated", "shipments-due"]);
    assert_eq!(world.said(), ("due", 2, of(&[("l1", 1), ("l2", 2)])), "the last line first");
    assert!(world.give_up("c1", "a", "tea", 3).events.is_empty(), "it is told once");
    let decision = world.ship(&operator(), "k1", None, None).expect("the rest is allocated");
    assert_eq!(asked(&decision), ["ship cup 1 a@w1", "ship tea 2 a@w1"]);
}

#[test]
fn of_what_an_item_gives_up_only_the_unshipped_part_is_due() {
    let mut world = World::at_one();
    world.ship(&operator(), "k1", None, Some(&[("l1", 3), ("l2", 1)])).expect("it is allocated");
    world.give_up("c1", "a", "tea", 3);
    assert_eq!(world.said(), ("due", 2, of(&[("l2", 1)])));
    let decision = world.give_up("c2", "a", "tea", 1);
    assert_eq!(names(&decision), ["sub-order-deallocated"], "nothing is left of it");
    assert!(world.give_up("c2", "a", "tea", 1).events.is_empty());
    assert!(world.give_up("c3", "z", "tea", 1).events.is_empty(), "an unknown sub-order");
}

#[test]
fn what_is_given_up_while_others_answer_waits_for_them() {
    let mut world = World::due();
    let parts = vec![part("a", "w1", &[("l1", 3), ("l2", 2)]), part("b", "w2", &[("l3", 1)])];
    world.plan("n1", 1, parts).expect("it fits");
    world.allocated("a", "tea");
    assert_eq!(names(&world.give_up("c1", "a", "tea", 5)), ["sub-order-deallocated"]);
    assert_eq!(names(&world.allocated("b", "cup")), ["sub-order-allocated", "shipments-due"]);
    assert_eq!(world.said(), ("due", 2, of(&[("l1", 3), ("l2", 2)])));
}
