//! A store of whose items somebody ordered: what it may change, and what it is told.

use super::{fulfilment::*, *};
use schemas::StoreId;

fn store_id(id: &str) -> StoreId {
    StoreId::parse(id).expect("an id")
}

fn staff(of: &str) -> Caller {
    Caller { store: Some(store_id(of)), ..caller(Role::Store, "sam") }
}

impl World {
    fn grant_by(&mut self, item_id: &str, seller: Option<&str>, kind: ItemKind) -> Decision {
        let (attempt, store) = (self.order.attempt, seller.map(store_id));
        self.answered(item_id, attempt, HoldAnswer::Granted { unit_price: eur(1_000), kind, file: None, store })
    }

    /// Alice's three units of acme's tea (l1), one of globex's cup (l2) and one pot of the shop's own (l3), 50.00 and a fee on
    /// each of the first two, held.
    fn sold() -> Self {
        let lines = vec![line("l1", "tea", 3), line("l2", "cup", 1), line("l3", "pot", 1)];
        let adjustments =
            vec![adjustment("a1", Some("l1"), 7), adjustment("a2", Some("l2"), 9), adjustment("a3", None, 5)];
        let mut world = Self::of(PlaceOrder { adjustments, ..place(lines) });
        world.grant_by("tea", Some("acme"), ItemKind::Physical);
        world.grant_by("cup", Some("globex"), ItemKind::Physical);
        world.grant_by("pot", None, ItemKind::Physical);
        world
    }

    fn bought() -> Self {
        let mut world = Self::sold();
        world.pay("p1", 5_021);
        world.submit("s1").expect("it is paid");
        world
    }

    fn cancel_by(&mut self, by: &Caller, id: &str, lines: Option<&[(&str, u32)]>) -> Decided {
        let command = CancelOrder { effect: effect(id, 1), lines: lines.map(units), reason: None };
        self.by(by, OrderCommand::Cancel(command))
    }
}

#[test]
fn the_grant_names_who_sells_each_line_and_when_it_was_ordered() {
    let world = World::sold();
    let granted = world.events.iter().find_map(|event| match event {
        OrderEvent::HoldsGranted(event) => Some(event.clone()),
        _ => None,
    });
    let granted = granted.expect("all have granted");
    let sellers: Vec<Option<&str>> =
        granted.lines.iter().map(|line| line.store.as_ref().map(StoreId::as_str)).collect();
    assert_eq!(sellers, [Some("acme"), Some("globex"), None]);
    assert_eq!(granted.ordered_at, Some(START));
}

#[test]
fn a_store_cancels_units_of_its_own_lines_and_the_money_goes_back() {
    let mut world = World::bought();
    let decided = world.cancel_by(&staff("acme"), "x1", Some(&[("l1", 1)]));
    let told = world.reply(&decided);
    assert_eq!(told.lines.iter().map(|line| (line.line_id.as_str(), line.cancelled)).collect::<Vec<_>>(), [("l1", 1)]);
    let decision = decided.expect("it is open");
    assert_eq!(names(&decision), ["lines-cancelled", "shipments-due", "refund-due"]);
    assert_eq!(asked(&decision), ["uncommit tea 1"]);
    // A third of what the line came to, with its own fee and its part of the order's.
    assert_eq!(due(&decision).len(), 1);
    assert_eq!(world.status(), OrderStatus::Confirmed);
}

#[test]
fn without_lines_it_is_all_of_its_own_that_has_not_shipped() {
    let mut world = World::bought();
    let decided = world.cancel_by(&staff("globex"), "x1", None);
    assert_eq!(world.reply(&decided).status, OrderStatus::Cancelled, "of its lines nothing is left");
    assert_eq!(asked(&decided.expect("it is open")), ["uncommit cup 1"]);
    assert_eq!(world.status(), OrderStatus::Confirmed, "what others sell goes on");
    let again = world.cancel_by(&staff("globex"), "x1", None).expect("the same");
    assert!(again.events.is_empty() && again.sends.is_empty());
    assert_eq!(refusal(&world.cancel_by(&staff("globex"), "x2", None)), OrderRejection::AlreadyShipped);
    assert!(world.cancel_by(&staff("acme"), "x3", None).is_ok());
    assert!(world.cancel("x4", None).is_ok(), "and the shopper what is left");
    assert_eq!(world.status(), OrderStatus::Refunding);
}

#[test]
fn anothers_line_is_answered_as_one_that_there_is_not() {
    for foreign in ["l2", "l3", "l9"] {
        for lines in [vec![(foreign, 1)], vec![("l1", 1), (foreign, 1)], vec![(foreign, 1), ("l2", 9), ("l9", 1)]] {
            let mut world = World::bought();
            let decided = world.cancel_by(&staff("acme"), "x1", Some(&lines));
            assert_eq!(refusal(&decided), OrderRejection::LineNotFound { line_id: line_id(foreign) }, "{lines:?}");
        }
    }
    let more = World::bought().cancel_by(&staff("acme"), "x1", Some(&[("l1", 4)]));
    assert_eq!(refusal(&more), OrderRejection::NotThatManyOpen { line_id: line_id("l1"), open: 3 });
}

#[test]
fn before_the_order_is_bought_a_store_cancels_nothing() {
    for lines in [None, Some(&[("l1", 1)][..])] {
        let status = OrderStatus::AwaitingPayment;
        let decided = World::sold().cancel_by(&staff("acme"), "x1", lines);
        assert_eq!(refusal(&decided), OrderRejection::OrderNotReady { status });
    }
    let mut world = World::sold();
    world.pass(360);
    assert_eq!(refusal(&world.cancel_by(&staff("acme"), "x1", None)), OrderRejection::CheckoutExpired);
    // Nobody sells a line before all have granted.
    let mut world = World::placed(vec![line("l1", "tea", 1), line("l2", "cup", 1)]);
    world.grant_by("tea", Some("acme"), ItemKind::Physical);
    assert_eq!(refusal(&world.cancel_by(&staff("acme"), "x1", None)), OrderRejection::OrderNotFound);
}

#[test]
fn what_has_shipped_a_store_does_not_cancel() {
    let mut world = World::bought();
    world.plan("n1", 1, vec![part("a", "w1", &[("l1", 3), ("l2", 1), ("l3", 1)])]).expect("it fits");
    for item_id in ["tea", "cup", "pot"] {
        world.allocated("a", item_id);
    }
    world.ship(&warehouse("w1"), "k1", None, Some(&[("l1", 2), ("l2", 1)])).expect("it is allocated");
    assert_eq!(refusal(&world.cancel_by(&staff("globex"), "x1", None)), OrderRejection::AlreadyShipped);
    let decided = world.cancel_by(&staff("acme"), "x2", None);
    let told = world.reply(&decided);
    assert_eq!((told.status, told.lines[0].shipped, told.lines[0].cancelled), (OrderStatus::Shipped, 2, 1));
    assert_eq!(asked(&decided.expect("one is open")), ["uncommit tea 1"]);
    world.deliver(&warehouse("w1"), "d1", None).expect("it is on the way");
    let told = world.cancel_by(&staff("acme"), "x2", None);
    assert_eq!(world.reply(&told).status, OrderStatus::Delivered);
    assert_eq!(world.status(), OrderStatus::Confirmed, "the pot is not shipped");
}

#[test]
fn a_store_is_told_of_its_own_lines_only() {
    let mut world = World::bought();
    let decided = world.cancel_by(&staff("acme"), "x1", Some(&[("l1", 1)]));
    let told = world.reply(&decided);
    assert_eq!((told.total, told.status), (Some(eur(3_007)), OrderStatus::Confirmed));
    assert_eq!(told.adjustments, [adjustment("a1", Some("l1"), 7)]);
    assert!(told.payments.is_empty() && told.payment_id.is_none());
    let text = format!("{told:?}");
    for secret in ["alice", "globex", "cup", "pot", "l2", "p1"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn everything_else_of_the_order_is_not_the_stores() {
    let mut world = World::bought();
    let acme = staff("acme");
    let pay = StartPayment {
        effect: effect("p9", 1),
        payment_id: payment_id("p9"),
        method_token: "tok".to_owned(),
        shipping_address: None,
    };
    let send_back = RequestReturn {
        effect: effect("r1", 1),
        return_id: return_id("r1"),
        lines: units(&[("l1", 1)]),
        reason: "no".to_owned(),
        metadata: schemas::Metadata::default(),
    };
    let ship = ShipSubOrder { effect: effect("k1", 1), sub_order: None, lines: None };
    let commands = [
        OrderCommand::StartPayment(pay),
        OrderCommand::Submit(SubmitOrder { effect: effect("s9", 1) }),
        OrderCommand::RequestReturn(send_back),
        OrderCommand::Ship(ship),
        OrderCommand::Place(place(vec![line("l1", "tea", 3)])),
    ];
    for command in commands {
        let decided = world.by(&acme, command.clone());
        assert_eq!(refusal(&decided), OrderRejection::OrderNotFound, "{command:?}");
    }
    for other in [staff("initech"), Caller { store: Some(store_id("acme")), ..caller(Role::Shopper, "sam") }] {
        assert_eq!(refusal(&world.cancel_by(&other, "x1", None)), OrderRejection::OrderNotFound, "{other:?}");
    }
}

#[test]
fn what_a_store_has_placed_itself_is_its_own_as_a_whole() {
    let mut world = World::new();
    let command = PlaceOrder { shopper: Some(alice().subject), ..place(vec![line("l1", "tea", 2)]) };
    world.by(&staff("acme"), OrderCommand::Place(command)).expect("it is placed");
    world.grant_by("tea", Some("acme"), ItemKind::Physical);
    let decided = world.cancel_by(&staff("acme"), "x1", None);
    assert_eq!(world.reply(&decided).status, OrderStatus::Cancelled, "also before it is paid");
}

#[test]
fn who_sells_a_line_stays_through_a_late_payment() {
    let mut world = World::sold();
    world.start("p1").expect("it can be paid");
    world.submit("s1").expect("it is pending");
    world.pass(360);
    world.authorize("p1", eur(5_021)).expect("it is recorded");
    for item_id in ["tea", "cup", "pot"] {
        world.grant_by(item_id, Some("initech"), ItemKind::Physical);
    }
    assert_eq!(world.status(), OrderStatus::Confirmed);
    assert!(world.cancel_by(&staff("acme"), "x1", None).is_ok());
    assert_eq!(refusal(&world.cancel_by(&staff("initech"), "x2", None)), OrderRejection::OrderNotFound);
}
