use super::*;

#[test]
fn asks_each_item_once_for_the_sum_of_its_lines_ordered_by_item() {
    let mut world = World::new();
    let lines = vec![line("l1", "tea", 2), line("l2", "cup", 1), line("l3", "tea", 3)];
    let decision = world.by(&alice(), OrderCommand::Place(place(lines))).expect("it is placed");
    assert_eq!(names(&decision), ["order-placed"]);
    assert_eq!(asked(&decision), ["hold cup 1", "hold tea 5"]);
    assert_eq!(decision.answer, Answer::Later(Wait::Order(OrderWait::Placed)));
    assert_eq!(world.order.due(), Some(START.plus_seconds(30)));
    assert_eq!(world.status(), OrderStatus::Holding);
}

#[test]
fn holds_under_the_id_of_order_attempt_and_item() {
    let world = World::placed(vec![line("l1", "tea", 2)]);
    let Command::Item { command: ItemCommand::PlaceHold(hold), .. } = &world.sends[0] else { panic!("a hold") };
    let id =
        schemas::item::HoldId::Order { order: OrderId::parse("o-1").expect("an id"), attempt: 1, item: item("tea") };
    assert_eq!(hold.hold, id);
    assert_eq!((hold.expected_price, hold.only_store.clone()), (None, None));
}

#[test]
fn tells_the_item_the_price_that_the_buyer_saw_but_not_where_the_line_has_its_own() {
    let saw = |id, of, price| OrderLine { expected_unit_price: Some(eur(price)), ..line(id, of, 1) };
    let own = OrderLine { unit_price: Some(eur(7)), ..saw("l4", "tea", 999) };
    let own_only = OrderLine { unit_price: Some(eur(7)), ..saw("l5", "pot", 999) };
    let world = World::placed(vec![saw("l1", "tea", 10), line("l2", "tea", 1), saw("l3", "tea", 10), own, own_only]);
    let expected = |command: &Command| match command {
        Command::Item { command: ItemCommand::PlaceHold(hold), .. } => hold.expected_price,
        other => panic!("not a hold: {other:?}"),
    };
    assert_eq!(world.sends.iter().map(expected).collect::<Vec<_>>(), [None, Some(eur(10))]);
}

#[test]
fn takes_a_store_only_from_its_own_items() {
    let mut world = World::new();
    let store = schemas::StoreId::parse("s-1").expect("an id");
    let by = Caller { store: Some(store.clone()), ..caller(Role::Store, "sam") };
    world.by(&by, OrderCommand::Place(place(vec![line("l1", "tea", 1)]))).expect("it is placed");
    let Command::Item { command: ItemCommand::PlaceHold(hold), .. } = &world.sends[0] else { panic!("a hold") };
    assert_eq!(hold.only_store, Some(store));
}

#[test]
fn keeps_business_time_and_a_life_of_its_own() {
    let ordered_at = Timestamp::from_millis(1_000);
    let command =
        PlaceOrder { ordered_at: Some(ordered_at), expires_in_seconds: Some(10), ..place(vec![line("l1", "tea", 1)]) };
    let world = World::of(command).granted();
    let reply = super::super::answer::reply(&world.order);
    assert_eq!((reply.ordered_at, reply.expires_at), (ordered_at, Some(START.plus_seconds(10))));
    assert_eq!(world.order.due(), Some(START.plus_seconds(70)));
}

#[test]
fn again_joins_the_wait_and_then_gets_the_same_answer() {
    let mut world = World::placed(vec![line("l1", "tea", 2)]);
    let again = world.by(&alice(), OrderCommand::Place(place(vec![line("l1", "tea", 2)]))).expect("the same");
    assert_eq!((again.events.len(), again.sends.len()), (0, 0));
    assert_eq!(again.answer, Answer::Later(Wait::Order(OrderWait::Placed)));
    world = world.granted();
    let decided = world.by(&alice(), OrderCommand::Place(place(vec![line("l1", "tea", 2)])));
    let reply = world.reply(&decided);
    assert!(reply.created);
    assert_eq!((reply.status, reply.total), (OrderStatus::AwaitingPayment, Some(eur(2_000))));
}

#[test]
fn gives_a_recorded_rejection_again() {
    let mut world = World::placed(vec![line("l1", "tea", 2)]);
    world.short("tea");
    let again = world.by(&alice(), OrderCommand::Place(place(vec![line("l1", "tea", 2)])));
    let refusals = vec![OrderRefusal::Item { item_id: item("tea"), refusal: short() }];
    assert_eq!(refusal(&again), OrderRejection::OrderRejected { refusals });
}

#[test]
fn refuses_the_same_id_with_other_content() {
    let mut world = World::tea();
    let other = PlaceOrder { effect: effect("place", 2), ..place(vec![line("l1", "tea", 3)]) };
    assert_eq!(refusal(&world.by(&alice(), OrderCommand::Place(other))), OrderRejection::ExistsWithDifferentContent);
}

#[test]
fn refuses_an_id_that_somebody_else_took_whatever_the_content_says() {
    for content in [1, 2] {
        let mut world = World::tea();
        let command = PlaceOrder { effect: effect("place", content), ..place(vec![line("l1", "tea", 2)]) };
        let decided = world.by(&caller(Role::Shopper, "mallory"), OrderCommand::Place(command));
        assert_eq!(refusal(&decided), OrderRejection::OrderNotFound);
    }
}

#[test]
fn refuses_who_may_not_place() {
    let command = || OrderCommand::Place(place(vec![line("l1", "tea", 2)]));
    for role in [Role::Supplier, Role::Warehouse, Role::Analyst, Role::Store] {
        let decided = World::new().by(&caller(role, "x"), command());
        assert_eq!(refusal(&decided), OrderRejection::OrderNotFound, "{role:?}");
    }
    let for_bob =
        PlaceOrder { shopper: Some(caller(Role::Shopper, "bob").subject), ..place(vec![line("l1", "tea", 2)]) };
    assert_eq!(refusal(&World::new().by(&alice(), OrderCommand::Place(for_bob))), OrderRejection::OrderNotFound);
}

#[test]
fn refuses_lines_of_one_item_that_expect_different_prices() {
    let saw = |id, price| OrderLine { expected_unit_price: Some(eur(price)), ..line(id, "tea", 1) };
    let decided = World::new().by(&alice(), OrderCommand::Place(place(vec![saw("l1", 10), saw("l2", 11)])));
    assert_eq!(refusal(&decided), OrderRejection::ExpectedPricesDiffer { item_id: item("tea") });
}

#[test]
fn refuses_more_of_an_item_than_a_command_may_name() {
    let lines = vec![line("l1", "tea", 1_000_000), line("l2", "tea", 1)];
    let decided = World::new().by(&alice(), OrderCommand::Place(place(lines)));
    assert_eq!(refusal(&decided), OrderRejection::ItemQuantityTooLarge { item_id: item("tea") });
}

#[test]
fn refuses_an_adjustment_of_a_line_that_is_not_there() {
    let command =
        PlaceOrder { adjustments: vec![adjustment("a1", Some("l9"), -5)], ..place(vec![line("l1", "tea", 1)]) };
    let decided = World::new().by(&alice(), OrderCommand::Place(command));
    assert_eq!(refusal(&decided), OrderRejection::LineNotFound { line_id: line_id("l9") });
}
