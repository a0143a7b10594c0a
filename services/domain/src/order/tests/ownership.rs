use super::*;

fn store(id: &str, subject: &str) -> Caller {
    Caller { store: Some(schemas::StoreId::parse(id).expect("an id")), ..caller(Role::Store, subject) }
}

fn cancel_by(world: &mut World, caller: &Caller) -> Decided {
    world.by(caller, OrderCommand::Cancel(CancelOrder { effect: effect("x1", 1), lines: None, reason: None }))
}

#[test]
fn a_shopper_touches_only_their_own_order() {
    assert!(cancel_by(&mut World::tea(), &alice()).is_ok());
    let decided = cancel_by(&mut World::tea(), &caller(Role::Shopper, "mallory"));
    assert_eq!(refusal(&decided), OrderRejection::OrderNotFound);
}

#[test]
fn a_shopper_touches_what_a_trusted_system_placed_for_them() {
    let mut world = World::new();
    let command = PlaceOrder { shopper: Some(alice().subject), ..place(vec![line("l1", "tea", 2)]) };
    world.by(&caller(Role::Service, "shop"), OrderCommand::Place(command)).expect("it is placed");
    assert!(cancel_by(&mut world, &alice()).is_ok());
}

#[test]
fn a_store_touches_only_what_it_placed() {
    let placed = || {
        let mut world = World::new();
        let command = OrderCommand::Place(place(vec![line("l1", "tea", 2)]));
        world.by(&store("s-1", "sam"), command).expect("it is placed");
        world
    };
    assert!(cancel_by(&mut placed(), &store("s-1", "sue")).is_ok());
    for mut world in [placed(), World::tea()] {
        let decided = cancel_by(&mut world, &store("s-2", "sam"));
        assert_eq!(refusal(&decided), OrderRejection::OrderNotFound);
    }
}

#[test]
fn who_acts_for_the_shop_touches_any_and_others_none() {
    for role in [Role::Service, Role::Operator, Role::Engine] {
        assert!(cancel_by(&mut World::tea(), &caller(role, "x")).is_ok(), "{role:?}");
    }
    for role in [Role::Store, Role::Supplier, Role::Warehouse, Role::Analyst] {
        let decided = cancel_by(&mut World::tea(), &caller(role, "alice"));
        assert_eq!(refusal(&decided), OrderRejection::OrderNotFound, "{role:?}");
    }
}

#[test]
fn an_order_that_was_never_placed_is_not_found() {
    let mut orphan = World::new();
    orphan.authorize("p1", eur(1)).expect("it is recorded");
    for mut world in [World::new(), orphan] {
        for decided in [world.start("p9"), world.submit("s1"), world.cancel("x1", None), world.refund("f1", eur(1))] {
            assert_eq!(refusal(&decided), OrderRejection::OrderNotFound);
        }
    }
}

#[test]
fn nobody_outside_says_that_money_came() {
    let facts = [
        OrderCommand::RecordAuthorization(RecordAuthorization {
            payment_id: payment_id("p1"),
            amount: eur(2_000),
            provider_reference: "r".to_owned(),
        }),
        OrderCommand::RecordDecline(RecordDecline { payment_id: payment_id("p1"), reason: String::new() }),
        OrderCommand::RecordCapture(RecordCapture { payment_id: payment_id("p1"), amount: eur(1) }),
        OrderCommand::RecordCaptureFailure(RecordCaptureFailure {
            payment_id: payment_id("p1"),
            reason: String::new(),
        }),
        OrderCommand::SettleRefund(SettleRefund { refund_id: schemas::RefundId::parse("p1-r1").expect("an id") }),
        OrderCommand::RefundByOperator(RefundByOperator {
            effect: effect("f1", 1),
            amount: eur(1),
            reason: String::new(),
        }),
    ];
    for fact in facts {
        let decided = World::confirmed().by(&alice(), fact);
        assert_eq!(refusal(&decided), OrderRejection::OrderNotFound);
    }
}
