use super::{fulfilment::*, *};

/// `b` has left w2 for w1 as `k1`.
fn on_the_way() -> World {
    let mut world = World::joined();
    world.ship(&warehouse("w2"), "k1", None, None).expect("it is allocated");
    world
}

#[test]
fn a_sub_order_with_a_parent_goes_to_the_parents_warehouse() {
    let mut world = World::joined();
    let decision = world.ship(&warehouse("w2"), "k1", None, None).expect("it is allocated");
    assert_eq!(names(&decision), ["shipment-forwarded"]);
    assert_eq!(asked(&decision), ["forward cup 1 b@w2 to a@w1", "forward tea 2 b@w2 to a@w1"]);
    assert_eq!(world.status(), OrderStatus::Confirmed, "nothing has left for the customer");
}

#[test]
fn what_has_come_is_the_parents_and_ships_on() {
    let mut world = on_the_way();
    let decision = world.arrive(&warehouse("w1"), "r1", "k1").expect("it is on the way");
    assert_eq!(names(&decision), ["forward-received"]);
    assert_eq!(asked(&decision), ["receive cup k1", "receive tea k1"]);
    let decision = world.ship(&warehouse("w1"), "k2", None, None).expect("all of it is there");
    assert_eq!(asked(&decision), ["ship cup 1 a@w1", "ship tea 5 a@w1"]);
    assert_eq!(world.status(), OrderStatus::Shipped);
}

#[test]
fn it_comes_once_under_whichever_id() {
    let mut world = on_the_way();
    world.arrive(&warehouse("w1"), "r1", "k1").expect("it is on the way");
    for id in ["r1", "r2"] {
        let again = world.arrive(&operator(), id, "k1").expect("it is there");
        assert!(again.events.is_empty() && again.sends.is_empty());
    }
    let command = ReceiveShipment { effect: effect("r1", 2), shipment: shipment_id("k1") };
    let decided = world.by(&operator(), OrderCommand::ReceiveShipment(command));
    assert_eq!(refusal(&decided), OrderRejection::IdempotencyKeyReused);
}

#[test]
fn only_where_it_goes_it_is_received() {
    let mut world = on_the_way();
    assert_eq!(refusal(&world.arrive(&warehouse("w2"), "r1", "k1")), OrderRejection::ShipmentNotFound);
    assert_eq!(refusal(&world.arrive(&warehouse("w3"), "r1", "k1")), OrderRejection::OrderNotFound);
    assert_eq!(refusal(&world.arrive(&operator(), "r1", "k9")), OrderRejection::ShipmentNotFound);
    world.ship(&warehouse("w1"), "k2", None, None).expect("its own part is there");
    let direct = world.arrive(&operator(), "r1", "k2");
    assert_eq!(refusal(&direct), OrderRejection::ShipmentNotFound, "it goes to the customer");
}

#[test]
fn what_is_on_the_way_is_cancelled_last_and_does_not_ship_on() {
    let mut world = on_the_way();
    let decision = world.cancel("x1", Some(&[("l2", 1), ("l1", 1)])).expect("they are open");
    assert_eq!(taken(&decision), [("tea".to_owned(), vec![("a".to_owned(), 1)])]);
    assert_eq!(taken_away(&decision), [("tea".to_owned(), vec![("k1".to_owned(), 1)])]);
    let decision = world.arrive(&warehouse("w1"), "r1", "k1").expect("it is on the way");
    let Event::Order(OrderEvent::ForwardReceived(event)) = &decision.events[0] else { panic!("it came") };
    assert_eq!(event.lines, units(&[("l2", 1), ("l3", 1)]));
    let decision = world.ship(&warehouse("w1"), "k2", None, None).expect("the rest ships");
    assert_eq!(asked(&decision), ["ship cup 1 a@w1", "ship tea 3 a@w1"]);
    assert_eq!(world.status(), OrderStatus::Shipped);
}

#[test]
fn of_two_lines_of_an_item_in_a_sub_order_the_one_on_the_way_is_cancelled() {
    let mut world = World::due();
    world.plan("n1", 1, vec![part("a", "w1", &[]), child("b", "w2", "a", &[("l1", 3), ("l2", 2)])]).expect("it fits");
    world.allocated("b", "tea");
    world.ship(&warehouse("w2"), "k1", None, Some(&[("l2", 2)])).expect("it is allocated");
    let decision = world.cancel("x1", Some(&[("l2", 1)])).expect("it is open");
    assert_eq!(taken(&decision), [("tea".to_owned(), Vec::new())], "what is at w2 is of the other line");
    assert_eq!(taken_away(&decision), [("tea".to_owned(), vec![("k1".to_owned(), 1)])]);
}

#[test]
fn what_was_cancelled_as_a_whole_still_arrives() {
    let mut world = on_the_way();
    world.cancel("x1", None).expect("nothing has left for the customer");
    assert_eq!(world.status(), OrderStatus::Refunding);
    let decision = world.arrive(&warehouse("w1"), "r1", "k1").expect("it is on the way");
    assert_eq!(names(&decision), ["forward-received"]);
    assert_eq!(asked(&decision), ["receive cup k1", "receive tea k1"]);
}

#[test]
fn a_parent_that_only_ships_on_has_nothing_of_its_own() {
    let mut world = World::due();
    let parts = vec![part("a", "w1", &[]), child("b", "w2", "a", &[("l1", 3)]), child("c", "w3", "a", &[("l2", 2)])];
    let decision = world.plan("n1", 1, parts).expect("it fits");
    assert_eq!(asked(&decision), ["allocate tea 3 b@w2", "allocate tea 2 c@w3"]);
    world.allocated("b", "tea");
    world.allocated("c", "tea");
    assert_eq!(refusal(&world.ship(&warehouse("w1"), "k0", None, None)), OrderRejection::NothingToShip);
    for (at, id) in [("w2", "k1"), ("w3", "k2")] {
        world.ship(&warehouse(at), id, None, None).expect("it is allocated");
        world.arrive(&warehouse("w1"), &format!("r{id}"), id).expect("it is on the way");
    }
    let decision = world.ship(&warehouse("w1"), "k3", None, None).expect("all is there");
    assert_eq!(asked(&decision), ["ship tea 5 a@w1"]);
}
