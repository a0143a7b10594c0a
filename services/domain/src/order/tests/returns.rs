use super::{fulfilment::*, *};

/// All of it has shipped.
fn shipped() -> World {
    let mut world = World::at_one();
    world.ship(&operator(), "k1", None, None).expect("it is allocated");
    world
}

const MONTH: u32 = 30 * 24 * 3_600;

#[test]
fn an_announced_return_changes_neither_stock_nor_money() {
    let mut world = shipped();
    let decision = world.announce("r1", &[("l1", 2), ("l3", 1)]).expect("it has shipped");
    assert_eq!(names(&decision), ["return-requested"]);
    assert!(decision.sends.is_empty());
}

#[test]
fn what_comes_back_is_restocked_and_refunded_exactly() {
    let mut world = shipped();
    world.announce("r1", &[("l1", 2), ("l2", 1), ("l3", 1)]).expect("it has shipped");
    let decided = world.come_back(&warehouse("w1"), "q1", "r1", None);
    assert_eq!(world.reply(&decided).lines[0].returned, 2);
    let decision = decided.expect("it is announced");
    assert_eq!(names(&decision), ["return-received", "refund-due"]);
    assert_eq!(asked(&decision), ["restock cup 1 w1", "restock tea 3 w1"]);
    assert_eq!(due(&decision), [("p1".to_owned(), 4_000)]);
    assert_eq!(world.status(), OrderStatus::Shipped);
}

#[test]
fn a_receipt_that_comes_twice_refunds_and_restocks_once() {
    let mut world = shipped();
    world.announce("r1", &[("l1", 3)]).expect("it has shipped");
    let decision = world.come_back(&operator(), "q1", "r1", Some(&[("l1", 1)])).expect("it is announced");
    assert_eq!(due(&decision), [("p1".to_owned(), 1_000)]);
    let again = world.come_back(&operator(), "q1", "r1", Some(&[("l1", 1)])).expect("the same");
    assert!(again.events.is_empty() && again.sends.is_empty());
    let command = ReceiveReturn {
        effect: effect("q1", 2),
        return_id: return_id("r1"),
        location: location("w2"),
        condition: schemas::item::Bucket::Damaged,
        lines: None,
    };
    let decided = world.by(&operator(), OrderCommand::ReceiveReturn(command));
    assert_eq!(refusal(&decided), OrderRejection::IdempotencyKeyReused);
}

#[test]
fn the_parts_of_returns_and_a_discount_sum_to_the_whole() {
    let command = PlaceOrder {
        adjustments: vec![adjustment("a1", None, -1_001), adjustment("a2", None, 499), adjustment("a3", Some("l2"), 7)],
        ..place(vec![line("l1", "tea", 3), line("l2", "cup", 7), line("l3", "pot", 1)])
    };
    let mut world = World::of(command).granted();
    let total = world.order.total.expect("it is granted").minor();
    world.pay("p1", total);
    world.submit("s1").expect("it is paid");
    world.plan("n1", 1, vec![part("a", "w1", &[("l1", 3), ("l2", 6), ("l3", 1)])]).expect("it fits");
    for of in ["tea", "cup", "pot"] {
        world.allocated("a", of);
    }
    world.ship(&operator(), "k1", None, None).expect("it is allocated");
    world.announce("r1", &[("l1", 3), ("l2", 6), ("l3", 1)]).expect("it has shipped");
    let mut back: i64 = due(&world.cancel("x1", None).expect("a cup is open")).iter().map(|(_, minor)| minor).sum();
    for (key, of) in ["l1", "l2", "l3", "l2", "l1", "l2", "l2", "l1", "l2", "l2"].into_iter().enumerate() {
        let decided = world.come_back(&operator(), &format!("q{key}"), "r1", Some(&[(of, 1)]));
        back += due(&decided.expect("it is announced")).iter().map(|(_, minor)| minor).sum::<i64>();
    }
    assert_eq!(back, total);
    assert_eq!(refusal(&world.come_back(&operator(), "more", "r1", None)), OrderRejection::ReturnComplete);
}

#[test]
fn again_is_no_event() {
    let mut world = shipped();
    world.announce("r1", &[("l1", 2)]).expect("it has shipped");
    assert!(world.announce("r1", &[("l1", 2)]).expect("the same").events.is_empty());
    let command = RequestReturn {
        effect: effect("r1", 2),
        return_id: return_id("r1"),
        lines: units(&[("l1", 1)]),
        reason: String::new(),
        metadata: schemas::Metadata::default(),
    };
    let decided = world.by(&alice(), OrderCommand::RequestReturn(command));
    assert_eq!(refusal(&decided), OrderRejection::IdempotencyKeyReused);
}

#[test]
fn refuses_more_than_has_shipped() {
    let mut world = World::at_one();
    world.ship(&operator(), "k1", None, Some(&[("l1", 2)])).expect("it is allocated");
    let more = world.announce("r1", &[("l1", 3)]);
    let too_many = |returnable| OrderRejection::NotThatManyReturnable { line_id: line_id("l1"), returnable };
    assert_eq!(refusal(&more), too_many(2));
    world.announce("r1", &[("l1", 1)]).expect("it has shipped");
    assert_eq!(refusal(&world.announce("r2", &[("l1", 2)])), too_many(1));
    let unknown = world.announce("r2", &[("l9", 1)]);
    assert_eq!(refusal(&unknown), OrderRejection::LineNotFound { line_id: line_id("l9") });
}

#[test]
fn refuses_digital_lines_and_what_is_not_confirmed() {
    let mut world = World::placed(vec![line("l1", "ebook", 1)]);
    world.grant("ebook", 500, ItemKind::Digital);
    world.pay("p1", 500);
    world.submit("s1").expect("it is paid");
    assert_eq!(refusal(&world.announce("r1", &[("l1", 1)])), OrderRejection::NotReturnable { line_id: line_id("l1") });
    let waits = OrderRejection::OrderNotReady { status: OrderStatus::AwaitingPayment };
    assert_eq!(refusal(&World::tea().announce("r1", &[("l1", 1)])), waits);
}

#[test]
fn refuses_more_than_was_announced_and_unknown_returns() {
    let mut world = shipped();
    world.announce("r1", &[("l1", 2)]).expect("it has shipped");
    let more = world.come_back(&operator(), "q1", "r1", Some(&[("l1", 3)]));
    assert_eq!(refusal(&more), OrderRejection::NotThatManyExpected { line_id: line_id("l1"), expected: 2 });
    assert_eq!(refusal(&world.come_back(&operator(), "q1", "r9", None)), OrderRejection::ReturnNotFound);
}

#[test]
fn only_the_shopper_announces_and_only_a_warehouse_of_the_order_receives() {
    let mut world = shipped();
    let command = RequestReturn {
        effect: effect("r1", 1),
        return_id: return_id("r1"),
        lines: units(&[("l1", 1)]),
        reason: String::new(),
        metadata: schemas::Metadata::default(),
    };
    for by in [caller(Role::Shopper, "mallory"), warehouse("w1")] {
        let decided = world.by(&by, OrderCommand::RequestReturn(command.clone()));
        assert_eq!(refusal(&decided), OrderRejection::OrderNotFound);
    }
    world.announce("r1", &[("l1", 1)]).expect("it has shipped");
    for by in [alice(), warehouse("w3")] {
        assert_eq!(refusal(&world.come_back(&by, "q1", "r1", None)), OrderRejection::OrderNotFound);
    }
}

#[test]
fn the_window_closes_a_month_after_the_last_shipment_or_delivery() {
    let mut world = shipped();
    assert!(world.pass(MONTH - 1).events.is_empty());
    world.deliver(&operator(), "d1", None).expect("it shipped");
    assert!(world.pass(MONTH - 1).events.is_empty());
    world.announce("r1", &[("l1", 1)]).expect("there is a second left");
    assert!(!world.order.is_finished());
    let decision = world.pass(1);
    assert_eq!(names(&decision), ["return-window-closed"]);
    assert_eq!(asked(&decision), ["close cup", "close tea"]);
    assert_eq!(refusal(&world.announce("r2", &[("l1", 1)])), OrderRejection::ReturnWindowClosed);
    assert!(world.announce("r1", &[("l1", 1)]).expect("it was in time").events.is_empty());
    assert!(!world.order.is_finished(), "the capture has not been told");
    world.capture("p1", eur(6_000)).expect("it is recorded");
    assert!(world.order.is_finished());
    let decision = world.come_back(&operator(), "q1", "r1", None).expect("it was announced in time");
    assert_eq!(due(&decision), [("p1".to_owned(), 1_000)]);
    assert!(!world.order.is_finished());
    world.settle("p1-r1").expect("it is due");
    assert!(world.order.is_finished());
}

#[test]
fn the_window_stays_open_while_units_are() {
    let mut world = World::at_one();
    world.ship(&operator(), "k1", None, Some(&[("l1", 3)])).expect("it is allocated");
    assert!(world.pass(2 * MONTH).events.is_empty());
    world.announce("r1", &[("l1", 1)]).expect("the rest is still to come");
    world.cancel("x1", None).expect("the rest is open");
    let decision = world.pass(0);
    assert_eq!(names(&decision), ["return-window-closed"]);
    assert_eq!(asked(&decision), ["close tea"], "of the cup nothing has left");
}

#[test]
fn an_item_of_which_all_came_back_lets_go_by_itself() {
    let mut world = shipped();
    world.announce("r1", &[("l3", 1), ("l1", 3)]).expect("it has shipped");
    world.come_back(&operator(), "q1", "r1", None).expect("it is announced");
    assert_eq!(asked(&world.pass(MONTH)), ["close tea"], "two of five are with the buyer");
}

#[test]
fn a_return_that_comes_after_the_window_is_restocked_and_refunded_once() {
    let mut world = shipped();
    world.announce("r1", &[("l1", 2)]).expect("it has shipped");
    assert_eq!(asked(&world.pass(MONTH)), ["close cup", "close tea"], "what may never come is not waited for");
    let decision = world.come_back(&operator(), "q1", "r1", Some(&[("l1", 1)])).expect("it was announced in time");
    assert_eq!(asked(&decision), ["restock tea 1 w1"]);
    assert_eq!(due(&decision), [("p1".to_owned(), 1_000)]);
    let again = world.come_back(&operator(), "q1", "r1", Some(&[("l1", 1)])).expect("the same");
    assert!(again.events.is_empty() && again.sends.is_empty());
    world.come_back(&operator(), "q2", "r1", None).expect("one is still expected");
    assert_eq!(refusal(&world.come_back(&operator(), "q3", "r1", None)), OrderRejection::ReturnComplete);
    assert!(world.pass(MONTH).sends.is_empty(), "the window closes once");
}

#[test]
fn the_digital_part_of_an_order_has_no_hold_to_close() {
    let mut world = World::placed(vec![line("l1", "tea", 1), line("l2", "ebook", 1)]);
    world.grant("tea", 1_000, ItemKind::Physical);
    world.grant("ebook", 500, ItemKind::Digital);
    world.pay("p1", 1_500);
    world.submit("s1").expect("it is paid");
    world.plan("n1", 1, vec![part("a", "w1", &[("l1", 1)])]).expect("it fits");
    world.allocated("a", "tea");
    world.ship(&operator(), "k1", None, None).expect("it is allocated");
    assert_eq!(asked(&world.pass(MONTH)), ["close tea"]);
}

#[test]
fn a_digital_order_is_finished_when_its_money_is_taken() {
    let mut world = World::placed(vec![line("l1", "ebook", 1)]);
    world.grant("ebook", 500, ItemKind::Digital);
    world.pay("p1", 500);
    world.submit("s1").expect("it is paid");
    assert!(!world.order.is_finished());
    world.capture("p1", eur(500)).expect("it is recorded");
    assert!(world.order.is_finished());
}
