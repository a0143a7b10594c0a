//! Orders of one item over many months: what an item remembers is bounded by the orders that are open, and each unit that
//! comes back, however late, is restocked once.

use domain::{Aggregate, Context, Decision, Policy, item::Item, order::Order};
use proptest::prelude::*;
use schemas::{
    AggregateKey, Caller, Command, CommandId, Currency, Digest, Effect, EffectId, Event, ItemId, LineId, LocationId,
    Metadata, Money, OrderId, Quantity, ReturnId, Role, SubOrderId, SubjectId, Timestamp,
    item::{Bucket, Catalog, ItemCommand, ItemKind, ListItem, ReceiveStock, SetSafety},
    order::*,
};
use std::collections::{BTreeMap, VecDeque};

const STOCK: u32 = 40;
const ORDERS: usize = 6;
const DAY: u32 = 24 * 3_600;
const MONTH: u32 = 30 * DAY;

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    Place { order: usize, units: u32 },
    Plan { order: usize, units: u32 },
    Ship { order: usize, units: Option<u32> },
    Cancel { order: usize, units: Option<u32> },
    Announce { order: usize, units: u32 },
    ComeBack { order: usize, nth: usize, units: Option<u32> },
    Deliver { way: usize, twice: bool },
    Pass(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let order = || 0..ORDERS;
    let some = || proptest::option::of(1..4u32);
    let time = prop_oneof![Just(31), Just(DAY), Just(MONTH)];
    prop_oneof![
        6 => (order(), 1..6u32).prop_map(|(order, units)| Step::Place { order, units }),
        6 => (order(), 1..6u32).prop_map(|(order, units)| Step::Plan { order, units }),
        6 => (order(), some()).prop_map(|(order, units)| Step::Ship { order, units }),
        2 => (order(), some()).prop_map(|(order, units)| Step::Cancel { order, units }),
        4 => (order(), 1..4u32).prop_map(|(order, units)| Step::Announce { order, units }),
        4 => (order(), 0..3usize, some()).prop_map(|(order, nth, units)| Step::ComeBack { order, nth, units }),
        30 => (any::<usize>(), proptest::bool::weighted(0.1)).prop_map(|(way, twice)| Step::Deliver { way, twice }),
        3 => time.prop_map(Step::Pass),
    ]
}

fn item() -> ItemId {
    ItemId::parse("tea").expect("an id")
}

fn order_id(index: usize) -> OrderId {
    OrderId::parse(&format!("o{index}")).expect("an id")
}

fn quantity(units: u32) -> Quantity {
    Quantity::new(units).expect("in range")
}

fn main_location() -> LocationId {
    LocationId::parse("main").expect("an id")
}

fn units(units: u32) -> Vec<LineQuantity> {
    vec![LineQuantity { line_id: LineId::parse("l1").expect("an id"), quantity: quantity(units) }]
}

/// What is due of each order, as it said last, and which returns were announced.
#[derive(Default)]
struct Known {
    revision: u32,
    due: u32,
    returns: Vec<ReturnId>,
}

struct World {
    now: Timestamp,
    item: Aggregate,
    orders: BTreeMap<AggregateKey, Aggregate>,
    known: BTreeMap<AggregateKey, Known>,
    /// Commands between two aggregates arrive in the order in which they were sent; of different ways, in any.
    outbox: BTreeMap<(AggregateKey, AggregateKey), VecDeque<Command>>,
    /// Names no effect twice.
    effects: u32,
}

impl World {
    fn stocked() -> Self {
        let item_key = AggregateKey::Item(item());
        let mut world = Self {
            now: Timestamp::from_millis(1_700_000_000_000),
            item: Aggregate::new(&item_key),
            orders: BTreeMap::new(),
            known: BTreeMap::new(),
            outbox: BTreeMap::new(),
            effects: 0,
        };
        let catalog = Catalog {
            name: "Tea".to_owned(),
            description: None,
            category: None,
            store: None,
            kind: ItemKind::Physical,
            attributes: serde_json::Map::new(),
            images: Vec::new(),
            file: None,
            metadata: Metadata::default(),
        };
        let price = Money::new(500, Currency::parse("EUR").expect("a currency")).expect("in range");
        let receive = ReceiveStock {
            effect: world.effect(),
            location: main_location(),
            quantity: quantity(STOCK),
            document: "note".to_owned(),
            occurred_at: None,
            metadata: Metadata::default(),
        };
        let list = ListItem { catalog, price, source: None, expected_version: None };
        world.of_item(ItemCommand::List(list));
        world.of_item(ItemCommand::Receive(receive));
        world
    }

    fn effect(&mut self) -> Effect {
        self.effects += 1;
        let id = EffectId::parse(&format!("e{}", self.effects)).expect("an id");
        Effect { id, digest: Digest::new([1; 16]) }
    }

    fn of_item(&mut self, command: ItemCommand) {
        self.take(&Command::Item { item: item(), command });
    }

    fn of_order(&mut self, order: usize, command: OrderCommand) {
        self.take(&Command::Order { order: order_id(order), command });
    }

    fn aggregate(&mut self, key: &AggregateKey) -> &mut Aggregate {
        match key {
            AggregateKey::Item(_) => &mut self.item,
            key => self.orders.entry(key.clone()).or_insert_with(|| Aggregate::new(key)),
        }
    }

    /// Decides and applies; what is refused changes nothing.
    fn take(&mut self, command: &Command) {
        let key = command.aggregate();
        let caller = Caller {
            role: Role::Service,
            subject: SubjectId::parse("shop").expect("an id"),
            store: None,
            location: None,
        };
        let (policy, command_id) = (Policy::default(), CommandId::parse("c1").expect("an id"));
        let cx = Context { now: self.now, command_id: &command_id, caller: &caller, policy: &policy };
        if let Ok(decision) = self.aggregate(&key).decide(command, cx) {
            self.apply(&key, decision);
        }
    }

    fn apply(&mut self, key: &AggregateKey, decision: Decision) {
        let now = self.now;
        for event in &decision.events {
            self.aggregate(key).evolve(event, now, &Policy::default());
            let known = self.known.entry(key.clone()).or_default();
            let due = |lines: &[DueLine]| lines.iter().map(|line| line.quantity.get()).sum();
            match event {
                Event::Order(OrderEvent::ShipmentsDue(e)) => (known.revision, known.due) = (e.revision, due(&e.lines)),
                Event::Order(OrderEvent::ShipmentsBackordered(e)) => {
                    (known.revision, known.due) = (e.revision, due(&e.lines));
                }
                Event::Order(OrderEvent::ReturnRequested(e)) => known.returns.push(e.return_id.clone()),
                _ => {}
            }
        }
        for send in decision.sends {
            self.outbox.entry((key.clone(), send.aggregate())).or_default().push_back(send);
        }
    }

    fn deliver(&mut self, way: usize, twice: bool) -> bool {
        self.outbox.retain(|_, commands| !commands.is_empty());
        if self.outbox.is_empty() {
            return false;
        }
        let way = way % self.outbox.len();
        let commands = self.outbox.values_mut().nth(way).expect("it was counted");
        let command = commands.pop_front().expect("empty ways were dropped");
        for _ in 0..=u32::from(twice) {
            self.take(&command);
        }
        true
    }

    /// Also a restart of the item's shard: its state is what was stored.
    fn pass(&mut self, seconds: u32) {
        self.now = self.now.plus_seconds(seconds);
        let stored = serde_json::to_vec(&self.item).expect("a state is JSON");
        self.item = serde_json::from_slice(&stored).expect("a stored state reads");
        let due = self.orders.iter().filter(|(_, order)| order.due().is_some_and(|due| due <= self.now));
        for key in due.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            let (policy, id, engine) = (Policy::default(), CommandId::parse("c1").expect("an id"), Caller::engine());
            let cx = Context { now: self.now, command_id: &id, caller: &engine, policy: &policy };
            let decision = self.orders[&key].on_clock(cx);
            self.apply(&key, decision);
        }
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Deliver { way, twice } => _ = self.deliver(*way, *twice),
            Step::Pass(seconds) => self.pass(*seconds),
            Step::Place { order, units } => self.of_order(*order, place(*units)),
            Step::Plan { order, units } => self.plan(*order, *units),
            Step::Ship { order, units: some } => {
                let (effect, lines) = (self.effect(), some.map(units));
                self.of_order(*order, OrderCommand::Ship(ShipSubOrder { effect, sub_order: None, lines }));
            }
            Step::Cancel { order, units: some } => {
                let (effect, lines) = (self.effect(), some.map(units));
                self.of_order(*order, OrderCommand::Cancel(CancelOrder { effect, lines, reason: None }));
            }
            Step::Announce { order, units: some } => {
                let effect = self.effect();
                let request = RequestReturn {
                    return_id: ReturnId::parse(effect.id.as_str()).expect("an id"),
                    effect,
                    lines: units(*some),
                    reason: String::new(),
                    metadata: Metadata::default(),
                };
                self.of_order(*order, OrderCommand::RequestReturn(request));
            }
            Step::ComeBack { order, nth, units: some } => self.come_back(*order, *nth, some.map(units)),
        }
    }

    /// As many of the due units as are named, at the only warehouse.
    fn plan(&mut self, order: usize, most: u32) {
        let known = self.known.entry(AggregateKey::Order(order_id(order))).or_default();
        let (revision, due) = (known.revision, known.due.min(most));
        if due == 0 {
            return;
        }
        let effect = self.effect();
        let sub_order = PlannedSubOrder {
            sub_order_id: SubOrderId::parse(effect.id.as_str()).expect("an id"),
            parent: None,
            location: main_location(),
            lines: units(due),
            arrival_at: None,
        };
        let inputs = PlanInputs::default();
        let plan = PlanShipments { effect, revision, sub_orders: vec![sub_order], inputs };
        self.of_order(order, OrderCommand::PlanShipments(plan));
    }

    fn come_back(&mut self, order: usize, nth: usize, lines: Option<Vec<LineQuantity>>) {
        let known = self.known.entry(AggregateKey::Order(order_id(order))).or_default();
        let Some(return_id) = known.returns.get(nth).cloned() else { return };
        let (effect, location) = (self.effect(), main_location());
        let receive = ReceiveReturn { effect, return_id, location, condition: Bucket::Sellable, lines };
        self.of_order(order, OrderCommand::ReceiveReturn(receive));
    }

    fn rest(&mut self) {
        while self.deliver(0, false) {}
    }

    /// A day goes by, and events enough happen for all that is old to leave.
    fn a_day_later(&mut self) {
        self.pass(DAY);
        self.rest();
        for n in 0..2 * self.entries() + 4 {
            let quantity = u32::from(n % 2 == 0);
            self.of_item(ItemCommand::SetSafety(SetSafety { quantity }));
        }
    }

    fn the_item(&self) -> &Item {
        let Aggregate::Item(item) = &self.item else { panic!("it is an item") };
        item
    }

    /// What the item remembers of holds, effects and transfers.
    fn entries(&self) -> usize {
        self.the_item().entries()
    }

    /// Of each confirmed order: units that are open, shipped and returned.
    fn lines(&self) -> Vec<[u32; 3]> {
        let wait = domain::Wait::Order(domain::order::OrderWait::Submitted);
        let orders = self.orders.values().filter_map(|order| match order.answer(&wait) {
            Some(Ok(schemas::ReplyBody::Order(reply))) => Some(reply.lines[0].clone()),
            _ => None,
        });
        let units =
            |line: LineReply| [line.quantity.get() - line.cancelled - line.shipped, line.shipped, line.returned];
        orders.map(units).collect()
    }
}

/// Taken and paid by somebody else, so that it is confirmed when the item has granted.
fn place(units: u32) -> OrderCommand {
    OrderCommand::Place(PlaceOrder {
        from_cart: false,
        effect: Effect { id: EffectId::parse("place").expect("an id"), digest: Digest::new([1; 16]) },
        shopper: None,
        channel: None,
        ordered_at: None,
        lines: vec![OrderLine {
            line_id: LineId::parse("l1").expect("an id"),
            item_id: item(),
            quantity: quantity(units),
            unit_price: None,
            expected_unit_price: None,
            metadata: Metadata::default(),
        }],
        adjustments: Vec::new(),
        payment: PaymentMode::External,
        submit: SubmitMode::Auto,
        expires_in_seconds: None,
        metadata: Metadata::default(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn live_holds_are_bounded_by_open_orders(steps in proptest::collection::vec(step(), 1..160)) {
        let mut world = World::stocked();
        steps.iter().for_each(|step| world.run(step));
        world.rest();
        world.pass(MONTH);
        world.rest();
        world.a_day_later();
        let open = world.lines().iter().filter(|[open, ..]| *open > 0).count();
        prop_assert!(world.entries() <= open, "{} are remembered, and {open} orders are open", world.entries());
        // What was announced in time and comes now, of orders that the item has forgotten.
        for order in 0..ORDERS {
            for nth in 0..ORDERS {
                world.come_back(order, nth, None);
            }
        }
        while world.deliver(0, true) {}
        let units = |of: usize| world.lines().iter().map(|line| line[of]).sum::<u32>();
        let on_hand = world.the_item().levels().on_hand;
        prop_assert_eq!(on_hand, u64::from(STOCK - units(1) + units(2)), "each unit comes back once");
        world.a_day_later();
        prop_assert!(world.entries() <= open, "{} are remembered, and {open} orders are open", world.entries());
    }
}

/// The orders of a busy item, one after the other: what it remembers does not grow.
#[test]
fn a_hot_item_forgets_what_it_has_sold() {
    let mut world = World::stocked();
    let mut most = 0;
    for order in 0..usize::try_from(STOCK).expect("small") {
        world.of_order(order, place(1));
        world.rest();
        world.plan(order, 1);
        world.rest();
        world.run(&Step::Ship { order, units: None });
        world.rest();
        world.pass(MONTH);
        world.rest();
        most = most.max(world.entries());
    }
    assert_eq!(world.lines(), vec![[0, 1, 0]; usize::try_from(STOCK).expect("small")], "all of it is sold");
    assert!(most < 20, "an item that sells one unit a month remembers {most} things");
    let finished = |order: &Aggregate| matches!(order, Aggregate::Order(order) if Order::is_finished(order));
    assert!(world.orders.values().all(finished));
}
