use super::{fulfilment::*, *};

#[test]
fn is_delivered_when_nothing_is_open_and_all_has_arrived() {
    let mut world = World::at_two();
    world.ship(&warehouse("w1"), "k1", None, None).expect("it is allocated");
    assert_eq!(names(&world.deliver(&warehouse("w1"), "d1", None).expect("it shipped")), ["shipments-delivered"]);
    assert_eq!(world.status(), OrderStatus::Confirmed, "w2 has not shipped");
    world.ship(&warehouse("w2"), "k2", None, None).expect("it is allocated");
    assert_eq!(world.status(), OrderStatus::Shipped);
    world.deliver(&operator(), "d2", Some(&["k1", "k2"])).expect("they shipped");
    assert_eq!(world.status(), OrderStatus::Delivered);
}

#[test]
fn what_is_left_after_a_cancellation_is_delivered() {
    let mut world = World::at_two();
    world.ship(&warehouse("w1"), "k1", None, None).expect("it is allocated");
    world.deliver(&warehouse("w1"), "d1", None).expect("it shipped");
    world.cancel("x1", None).expect("the rest is open");
    assert_eq!(world.status(), OrderStatus::Delivered);
}

#[test]
fn again_is_no_event() {
    let mut world = World::at_one();
    world.ship(&operator(), "k1", None, None).expect("it is allocated");
    world.deliver(&operator(), "d1", None).expect("it shipped");
    assert!(world.deliver(&operator(), "d1", None).expect("the same").events.is_empty());
    assert!(world.deliver(&operator(), "d2", Some(&["k1"])).expect("it is there").events.is_empty());
    let command = DeliverShipments { effect: effect("d1", 2), shipments: None };
    let decided = world.by(&operator(), OrderCommand::Deliver(command));
    assert_eq!(refusal(&decided), OrderRejection::IdempotencyKeyReused);
}

#[test]
fn refuses_other_warehouses_shipments_and_what_goes_to_a_warehouse() {
    let mut world = World::joined();
    world.ship(&warehouse("w1"), "k1", None, None).expect("it is allocated");
    world.ship(&warehouse("w2"), "k2", None, None).expect("it is allocated");
    let decided = world.deliver(&warehouse("w2"), "d1", Some(&["k1"]));
    assert_eq!(refusal(&decided), OrderRejection::ShipmentNotFound);
    assert_eq!(refusal(&world.deliver(&operator(), "d1", Some(&["k2"]))), OrderRejection::ShipmentNotFound);
    assert_eq!(refusal(&world.deliver(&warehouse("w2"), "d1", None)), OrderRejection::NothingToDeliver);
    assert_eq!(refusal(&world.deliver(&alice(), "d1", None)), OrderRejection::OrderNotFound);
    assert_eq!(refusal(&World::due().deliver(&operator(), "d1", None)), OrderRejection::NothingToDeliver);
    let waits = OrderRejection::OrderNotReady { status: OrderStatus::AwaitingPayment };
    assert_eq!(refusal(&World::tea().deliver(&operator(), "d1", None)), waits);
}
