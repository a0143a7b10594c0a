use super::{fulfilment::*, *};

#[test]
fn a_confirmed_order_is_due() {
    let world = World::due();
    assert_eq!(world.said(), ("due", 1, of(&[("l1", 3), ("l2", 2), ("l3", 1)])));
    assert_eq!(world.status(), OrderStatus::Confirmed);
}

#[test]
fn an_order_that_is_paid_outside_is_due_too_and_stays_so() {
    let command =
        PlaceOrder { payment: PaymentMode::External, submit: SubmitMode::Auto, ..place(vec![line("l1", "tea", 2)]) };
    let mut world = World::of(command).granted();
    assert_eq!(world.said(), ("due", 1, of(&[("l1", 2)])));
    assert!(world.pass(100 * 24 * 3_600).events.is_empty());
    assert!(!world.order.is_finished());
}

#[test]
fn of_digital_lines_nothing_is_due() {
    let mut world = World::placed(vec![line("l1", "ebook", 1), line("l2", "tea", 1)]);
    world.grant("ebook", 500, ItemKind::Digital);
    world.grant("tea", 1_000, ItemKind::Physical);
    world.pay("p1", 1_500);
    let decision = world.submit("s1").expect("it is paid");
    let expected = ["order-submitted", "order-confirmed", "digital-delivered", "shipments-due", "capture-due"];
    assert_eq!(names(&decision), expected);
    assert_eq!(world.said(), ("due", 1, of(&[("l2", 1)])));
}

#[test]
fn asks_each_item_once_per_sub_order() {
    let mut world = World::due();
    let parts = vec![part("a", "w1", &[("l1", 3), ("l2", 1)]), part("b", "w2", &[("l2", 1), ("l3", 1)])];
    let decision = world.plan("n1", 1, parts).expect("it fits");
    assert_eq!(names(&decision), ["sub-orders-planned"]);
    assert_eq!(asked(&decision), ["allocate tea 4 a@w1", "allocate cup 1 b@w2", "allocate tea 1 b@w2"]);
}

#[test]
fn what_no_part_names_is_backordered_and_planned_again_when_stock_comes() {
    let mut world = World::due();
    let decision = world.plan("n1", 1, vec![part("a", "w1", &[("l1", 2)])]).expect("it fits");
    assert_eq!(names(&decision), ["sub-orders-planned", "shipments-backordered"]);
    assert_eq!(world.said(), ("backordered", 2, of(&[("l1", 1), ("l2", 2), ("l3", 1)])));
    world.allocated("a", "tea");
    assert_eq!(world.said().1, 2, "an answer changes nothing of it");
    let decision = world.plan("n2", 2, vec![part("b", "w1", &[("l1", 1), ("l2", 2)])]).expect("it fits");
    let Event::Order(OrderEvent::ShipmentsBackordered(rest)) = &decision.events[1] else { panic!("a rest") };
    assert_eq!((rest.lines.len(), rest.gone.clone()), (1, vec![item("tea")]));
    let decision = world.plan("n3", 3, vec![part("c", "w1", &[("l3", 1)])]).expect("it fits");
    assert_eq!(names(&decision), ["sub-orders-planned"]);
}

#[test]
fn nothing_anywhere_is_all_backordered() {
    let mut world = World::due();
    let decision = world.plan("n1", 1, Vec::new()).expect("it fits");
    assert_eq!(names(&decision), ["sub-orders-planned", "shipments-backordered"]);
    assert_eq!(world.said(), ("backordered", 2, of(&[("l1", 3), ("l2", 2), ("l3", 1)])));
}

#[test]
fn a_plan_that_was_made_before_changes_nothing() {
    let mut world = World::due();
    world.cancel("x1", Some(&[("l1", 1)])).expect("it is open");
    assert_eq!(world.said(), ("due", 2, of(&[("l1", 2), ("l2", 2), ("l3", 1)])));
    let old = world.plan("n1", 1, vec![part("a", "w1", &[("l2", 2)])]).expect("it is only too late");
    assert!(old.events.is_empty() && old.sends.is_empty());
    let whole = vec![part("a", "w1", &[("l1", 2), ("l2", 2), ("l3", 1)])];
    world.plan("n2", 2, whole.clone()).expect("it fits");
    for id in ["n2", "n3"] {
        let again = world.plan(id, 2, whole.clone()).expect("it is used up");
        assert!(again.events.is_empty() && again.sends.is_empty());
    }
}

#[test]
fn refuses_what_does_not_fit() {
    let more = vec![part("a", "w1", &[("l1", 4)])];
    let more_in_two = vec![part("a", "w1", &[("l1", 2)]), part("b", "w2", &[("l1", 2)])];
    let unknown = vec![part("a", "w1", &[("l9", 1)])];
    let twice = vec![part("a", "w1", &[("l1", 1)]), part("a", "w2", &[("l1", 1)])];
    let orphan = vec![child("a", "w1", "z", &[("l1", 1)])];
    let own = vec![child("a", "w1", "a", &[("l1", 1)])];
    let grandchild =
        vec![part("a", "w1", &[]), child("b", "w2", "a", &[("l1", 1)]), child("c", "w3", "b", &[("l1", 1)])];
    for parts in [more, more_in_two, unknown, twice, orphan, own, grandchild] {
        let decided = World::due().plan("n1", 1, parts.clone());
        assert_eq!(refusal(&decided), OrderRejection::PlanNotFitting, "{parts:?}");
    }
    let ahead = World::due().plan("n1", 2, vec![part("a", "w1", &[("l1", 1)])]);
    assert_eq!(refusal(&ahead), OrderRejection::PlanNotFitting);
    let mut world = World::due();
    world.plan("n1", 1, vec![part("a", "w1", &[("l1", 3)])]).expect("it fits");
    let used = world.plan("n2", 2, vec![part("a", "w2", &[("l2", 1)])]);
    assert_eq!(refusal(&used), OrderRejection::PlanNotFitting);
}

#[test]
fn only_who_acts_for_the_shop_plans() {
    let command = || {
        OrderCommand::PlanShipments(PlanShipments {
            effect: effect("n1", 1),
            revision: 1,
            sub_orders: Vec::new(),
            inputs: PlanInputs::default(),
        })
    };
    for by in [alice(), warehouse("w1"), caller(Role::Supplier, "sup")] {
        let decided = World::due().by(&by, command());
        assert_eq!(refusal(&decided), OrderRejection::OrderNotFound);
    }
    assert_eq!(refusal(&World::new().by(&Caller::engine(), command())), OrderRejection::OrderNotFound);
}
