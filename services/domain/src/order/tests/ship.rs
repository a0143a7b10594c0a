use super::{fulfilment::*, *};

#[test]
fn what_left_is_shipped_and_told_to_each_item() {
    let mut world = World::at_one();
    let decided = world.ship(&warehouse("w1"), "k1", Some("a"), None);
    assert_eq!(world.reply(&decided).lines[0].shipped, 3);
    let decision = decided.expect("it is allocated");
    assert_eq!(names(&decision), ["shipment-shipped"]);
    assert_eq!(asked(&decision), ["ship cup 1 a@w1", "ship tea 5 a@w1"]);
    assert_eq!(world.status(), OrderStatus::Shipped);
}

#[test]
fn a_part_leaves_the_rest_open() {
    let mut world = World::at_one();
    world.ship(&warehouse("w1"), "k1", None, Some(&[("l1", 1), ("l1", 1)])).expect("it is allocated");
    assert_eq!(world.status(), OrderStatus::Confirmed);
    let decision = world.ship(&warehouse("w1"), "k2", None, None).expect("it is allocated");
    assert_eq!(asked(&decision), ["ship cup 1 a@w1", "ship tea 3 a@w1"]);
    assert_eq!(world.status(), OrderStatus::Shipped);
}

#[test]
fn without_a_name_it_is_the_only_one_that_can_ship() {
    let mut world = World::at_two();
    assert_eq!(refusal(&world.ship(&operator(), "k1", None, None)), OrderRejection::SubOrderRequired);
    let decision = world.ship(&warehouse("w2"), "k1", None, None).expect("one is at w2");
    assert_eq!(asked(&decision), ["ship cup 1 b@w2", "ship tea 2 b@w2"]);
    let decision = world.ship(&operator(), "k2", None, None).expect("one is left");
    assert_eq!(asked(&decision), ["ship tea 3 a@w1"]);
}

#[test]
fn again_is_no_event() {
    let mut world = World::at_one();
    world.ship(&operator(), "k1", None, None).expect("it is allocated");
    let again = world.ship(&operator(), "k1", None, None).expect("the same");
    assert!(again.events.is_empty() && again.sends.is_empty());
    let command = ShipSubOrder { effect: effect("k1", 2), sub_order: None, lines: None };
    let decided = world.by(&operator(), OrderCommand::Ship(command));
    assert_eq!(refusal(&decided), OrderRejection::IdempotencyKeyReused);
}

#[test]
fn a_warehouse_ships_only_what_is_at_its_location() {
    let mut world = World::at_two();
    assert_eq!(refusal(&world.ship(&warehouse("w3"), "k1", None, None)), OrderRejection::OrderNotFound);
    assert_eq!(refusal(&world.ship(&alice(), "k1", None, None)), OrderRejection::OrderNotFound);
    let no_location = caller(Role::Warehouse, "w1");
    assert_eq!(refusal(&world.ship(&no_location, "k1", None, None)), OrderRejection::OrderNotFound);
    for another in ["b", "z"] {
        let decided = world.ship(&warehouse("w1"), "k1", Some(another), None);
        assert_eq!(refusal(&decided), OrderRejection::SubOrderNotFound);
    }
}

#[test]
fn refuses_what_is_not_confirmed_or_not_allocated() {
    let waits = refusal(&World::tea().ship(&operator(), "k1", None, None));
    assert_eq!(waits, OrderRejection::OrderNotReady { status: OrderStatus::AwaitingPayment });
    let mut cancelled = World::confirmed();
    cancelled.cancel("x1", None).expect("nothing has shipped");
    assert_eq!(refusal(&cancelled.ship(&operator(), "k1", None, None)), OrderRejection::OrderCancelled);
    assert_eq!(refusal(&World::due().ship(&operator(), "k1", None, None)), OrderRejection::NothingToShip);
}

#[test]
fn refuses_unknown_lines_and_more_than_is_allocated() {
    let mut world = World::at_two();
    let unknown = world.ship(&operator(), "k1", Some("a"), Some(&[("l9", 1)]));
    assert_eq!(refusal(&unknown), OrderRejection::LineNotFound { line_id: line_id("l9") });
    for (line, asked, allocated) in [("l1", 4, 3), ("l2", 1, 0)] {
        let more = world.ship(&operator(), "k1", Some("a"), Some(&[(line, asked)]));
        assert_eq!(refusal(&more), OrderRejection::NotThatManyAllocated { line_id: line_id(line), allocated });
    }
}

#[test]
fn refuses_more_shipments_than_an_order_remembers() {
    let mut world = World::placed(vec![line("l1", "tea", 1_001)]).granted();
    world.pay("p1", 1_001_000);
    world.submit("s1").expect("it is paid");
    world.plan("n1", 1, vec![part("a", "w1", &[("l1", 1_001)])]).expect("it fits");
    world.allocated("a", "tea");
    for shipment in 0..1_000 {
        world.ship(&operator(), &format!("k{shipment}"), None, Some(&[("l1", 1)])).expect("it is allocated");
    }
    let more = world.ship(&operator(), "more", None, None);
    assert_eq!(refusal(&more), OrderRejection::TooManyShipments { limit: 1_000 });
}
