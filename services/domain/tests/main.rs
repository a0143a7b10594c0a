//! Carts, orders and items talk over the outbox in any order that the log allows: nothing is oversold, no hold outlives
//! its order, no order stays undecided, and no cart stays locked.

use domain::{Aggregate, Context, Decision, Policy, order::status};
use proptest::prelude::*;
use schemas::{
    AggregateKey, Caller, Command, CommandId, Currency, Digest, Effect, EffectId, Event, ItemId, LineId, LocationId,
    Metadata, Money, OrderId, PaymentId, Quantity, Role, SubjectId, Timestamp,
    cart::{CartCommand, Checkout, SetCartLine},
    item::{Catalog, ItemCommand, ItemKind, ListItem, ReceiveStock},
    order::*,
};
use std::collections::{BTreeMap, VecDeque};

const ITEMS: [&str; 3] = ["cup", "pot", "tea"];
const STOCK: u32 = 6;
const PRICE: i64 = 500;

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    Place {
        order: usize,
        lines: Vec<(usize, u32)>,
        auto: bool,
    },
    /// Alice checks out these lines, or what stands in her cart.
    Begin {
        order: usize,
        lines: Option<Vec<(usize, u32)>>,
    },
    /// Alice sets a line of her cart.
    Set {
        item: usize,
        units: u32,
    },
    Pay {
        order: usize,
        payment: usize,
    },
    Submit {
        order: usize,
    },
    Cancel {
        order: usize,
        key: usize,
        units: Option<u32>,
    },
    FailCapture {
        order: usize,
        payment: usize,
    },
    /// Takes the first command of one of the ways between two aggregates; some arrive twice.
    Deliver {
        way: usize,
        twice: bool,
    },
    Pass {
        seconds: u32,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let lines = proptest::collection::vec((0..ITEMS.len(), 1..4u32), 1..4);
    let cart = lines.clone();
    prop_oneof![
        3 => (0..4usize, lines, any::<bool>()).prop_map(|(order, lines, auto)| Step::Place { order, lines, auto }),
        3 => (4..8usize, proptest::option::of(cart)).prop_map(|(order, lines)| Step::Begin { order, lines }),
        2 => (0..ITEMS.len(), 0..3u32).prop_map(|(item, units)| Step::Set { item, units }),
        4 => (0..8usize, 0..2usize).prop_map(|(order, payment)| Step::Pay { order, payment }),
        2 => (0..8usize).prop_map(|order| Step::Submit { order }),
        2 => (0..8usize, 0..3usize, proptest::option::of(1..3u32))
            .prop_map(|(order, key, units)| Step::Cancel { order, key, units }),
        1 => (0..8usize, 0..2usize).prop_map(|(order, payment)| Step::FailCapture { order, payment }),
        24 => (any::<usize>(), proptest::bool::weighted(0.1)).prop_map(|(way, twice)| Step::Deliver { way, twice }),
        1 => prop_oneof![Just(5), Just(31), Just(361)].prop_map(|seconds| Step::Pass { seconds }),
    ]
}

type Way = (AggregateKey, AggregateKey);

struct World {
    now: Timestamp,
    aggregates: BTreeMap<AggregateKey, Aggregate>,
    /// Commands between two aggregates arrive in the order in which they were sent; of different ways, in any.
    outbox: BTreeMap<Way, VecDeque<Command>>,
    /// The newest stock of each item, as its events tell it.
    stock: BTreeMap<AggregateKey, serde_json::Value>,
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").expect("a currency")).expect("in range")
}

fn effect(id: &str) -> Effect {
    Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::new([1; 16]) }
}

fn shopper() -> Caller {
    Caller { role: Role::Shopper, subject: SubjectId::parse("alice").expect("an id"), store: None, location: None }
}

fn item(index: usize) -> ItemId {
    ItemId::parse(ITEMS[index]).expect("an id")
}

fn order_id(index: usize) -> OrderId {
    OrderId::parse(&format!("o{index}")).expect("an id")
}

impl World {
    fn stocked() -> Self {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let mut world = Self { now, aggregates: BTreeMap::new(), outbox: BTreeMap::new(), stock: BTreeMap::new() };
        for (index, name) in ITEMS.into_iter().enumerate() {
            let catalog = Catalog {
                name: name.to_owned(),
                description: None,
                category: None,
                store: None,
                kind: ItemKind::Physical,
                attributes: serde_json::Map::new(),
                images: Vec::new(),
                file: None,
                metadata: Metadata::default(),
            };
            let list = ListItem { catalog, price: eur(PRICE), source: None, expected_version: None };
            let receive = ReceiveStock {
                effect: effect("r1"),
                location: LocationId::parse("main").expect("an id"),
                quantity: Quantity::new(STOCK).expect("in range"),
                document: "note".to_owned(),
                occurred_at: None,
                metadata: Metadata::default(),
            };
            for command in [ItemCommand::List(list), ItemCommand::Receive(receive)] {
                assert!(world.take(&Command::Item { item: item(index), command }, &Caller::engine()));
            }
        }
        world
    }

    /// Decides and applies; whether it was not refused.
    fn take(&mut self, command: &Command, caller: &Caller) -> bool {
        let key = command.aggregate();
        let (policy, command_id) = (Policy::default(), CommandId::parse("c1").expect("an id"));
        let cx = Context { now: self.now, command_id: &command_id, caller, policy: &policy };
        let aggregate = self.aggregates.entry(key.clone()).or_insert_with(|| Aggregate::new(&key));
        match aggregate.decide(command, cx) {
            Ok(decision) => {
                self.apply(&key, decision);
                true
            }
            Err(_) => false,
        }
    }

    fn apply(&mut self, key: &AggregateKey, decision: Decision) {
        let aggregate = self.aggregates.get_mut(key).expect("it has decided");
        for event in &decision.events {
            aggregate.evolve(event, self.now, &Policy::default());
            if let Event::Item(_) = event {
                let value = serde_json::to_value(event).expect("an event is data");
                if let Some(stock) = value.get("stock") {
                    assert!(stock["available"].as_i64().is_some_and(|ats| ats >= 0), "oversold: {value}");
                    self.stock.insert(key.clone(), stock.clone());
                }
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
            self.take(&command, &shopper());
        }
        true
    }

    fn pass(&mut self, seconds: u32) {
        self.now = self.now.plus_seconds(seconds);
        let due: Vec<AggregateKey> = self
            .aggregates
            .iter()
            .filter(|(_, aggregate)| aggregate.due().is_some_and(|due| due <= self.now))
            .map(|(key, _)| key.clone())
            .collect();
        for key in due {
            let (policy, command_id, engine) =
                (Policy::default(), CommandId::parse("c1").expect("an id"), Caller::engine());
            let cx = Context { now: self.now, command_id: &command_id, caller: &engine, policy: &policy };
            let decision = self.aggregates[&key].on_clock(cx);
            self.apply(&key, decision);
        }
    }

    fn run(&mut self, step: &Step) {
        let (order, by, command) = match step {
            Step::Deliver { way, twice } => {
                self.deliver(*way, *twice);
                return;
            }
            Step::Pass { seconds } => return self.pass(*seconds),
            Step::Begin { order, lines } => return self.ask_cart(begin(*order, lines.as_deref())),
            Step::Set { item, units } => return self.ask_cart(set(*item, *units)),
            Step::Place { order, lines, auto } => (order, shopper(), place(lines, *auto)),
            Step::Pay { order, payment } => {
                self.pay(*order, *payment);
                return;
            }
            Step::Submit { order } => (order, shopper(), OrderCommand::Submit(SubmitOrder { effect: effect("s1") })),
            Step::Cancel { order, key, units } => (order, shopper(), cancel(*key, *units)),
            Step::FailCapture { order, payment } => {
                let reason = "closed".to_owned();
                let command = RecordCaptureFailure { payment_id: payment_id(*payment), reason };
                (order, Caller::engine(), OrderCommand::RecordCaptureFailure(command))
            }
        };
        self.take(&Command::Order { order: order_id(*order), command }, &by);
    }

    fn ask_cart(&mut self, command: CartCommand) {
        let alice = shopper();
        self.take(&Command::Cart { shopper: alice.subject.clone(), command }, &alice);
    }

    fn pay(&mut self, order: usize, payment: usize) {
        let payment_id = payment_id(payment);
        let start = StartPayment {
            effect: effect(payment_id.as_str()),
            payment_id: payment_id.clone(),
            method_token: "tok".to_owned(),
            shipping_address: None,
        };
        let start = Command::Order { order: order_id(order), command: OrderCommand::StartPayment(start) };
        self.take(&start, &shopper());
        // Also where it could not start: money may come whenever it likes.
        let authorization = RecordAuthorization {
            payment_id,
            amount: eur(PRICE * i64::from(STOCK)),
            provider_reference: "ref".to_owned(),
        };
        let command = OrderCommand::RecordAuthorization(authorization);
        self.take(&Command::Order { order: order_id(order), command }, &Caller::engine());
    }

    /// Delivers everything and lets every deadline pass.
    fn rest(&mut self) {
        for _ in 0..4 {
            while self.deliver(0, false) {}
            self.pass(400);
        }
        assert!(!self.deliver(0, false), "it comes to rest");
    }

    fn check(&self) {
        let mut open = BTreeMap::<ItemId, u64>::new();
        for aggregate in self.aggregates.values() {
            if let Aggregate::Cart(cart) = aggregate {
                let state = serde_json::to_value(cart).expect("a cart is data");
                let checkouts = state["checkouts"].as_object().into_iter().flatten();
                assert!(checkouts.clone().all(|(_, checkout)| checkout["ended"] == true), "{state}");
            }
            let Aggregate::Order(order) = aggregate else { continue };
            assert_eq!(aggregate.due(), None);
            let status = status(order);
            assert!(!matches!(status, OrderStatus::Holding | OrderStatus::AwaitingPayment), "{status:?}");
            if status == OrderStatus::Confirmed {
                for line in lines(aggregate) {
                    *open.entry(line.0).or_default() += line.1;
                }
            }
        }
        for (key, stock) in &self.stock {
            let AggregateKey::Item(item) = key else { panic!("only items have stock") };
            let committed = open.get(item).copied().unwrap_or(0);
            assert_eq!(stock["held"].as_u64(), Some(0), "a hold of {item} outlived its order");
            assert_eq!(stock["committed"].as_u64(), Some(committed), "{item}: what is ordered is what orders say");
            assert_eq!(stock["available"].as_u64(), Some(u64::from(STOCK) - committed));
        }
    }
}

/// The open units of an order, as its reply shows them.
fn lines(aggregate: &Aggregate) -> Vec<(ItemId, u64)> {
    let wait = domain::Wait::Order(domain::order::OrderWait::Submitted);
    let Some(Ok(schemas::ReplyBody::Order(reply))) = aggregate.answer(&wait) else { panic!("it is confirmed") };
    let open = |line: &LineReply| u64::from(line.quantity.get() - line.cancelled - line.shipped);
    reply.lines.iter().map(|line| (line.item_id.clone(), open(line))).collect()
}

fn payment_id(index: usize) -> PaymentId {
    PaymentId::parse(&format!("p{index}")).expect("an id")
}

fn set(of: usize, units: u32) -> CartCommand {
    CartCommand::SetLine(SetCartLine {
        effect: effect(&format!("set-{of}-{units}")),
        item_id: item(of),
        quantity: Quantity::new(units).ok(),
        expected_unit_price: None,
        available: None,
    })
}

fn begin(order: usize, lines: Option<&[(usize, u32)]>) -> CartCommand {
    let order_id = order_id(order);
    CartCommand::Checkout(Checkout {
        effect: effect(order_id.as_str()),
        order_id,
        lines: lines.map(order_lines),
        submit: SubmitMode::Explicit,
        metadata: Metadata::default(),
    })
}

fn order_lines(lines: &[(usize, u32)]) -> Vec<OrderLine> {
    let line = |(index, (of, units)): (usize, &(usize, u32))| OrderLine {
        line_id: LineId::parse(&format!("l{index}")).expect("an id"),
        item_id: item(*of),
        quantity: Quantity::new(*units).expect("in range"),
        unit_price: None,
        expected_unit_price: None,
        metadata: Metadata::default(),
    };
    lines.iter().enumerate().map(line).collect()
}

fn place(lines: &[(usize, u32)], auto: bool) -> OrderCommand {
    OrderCommand::Place(PlaceOrder {
        from_cart: false,
        effect: effect("place"),
        shopper: None,
        channel: None,
        ordered_at: None,
        lines: order_lines(lines),
        adjustments: Vec::new(),
        payment: PaymentMode::Provider,
        submit: if auto { SubmitMode::Auto } else { SubmitMode::Explicit },
        expires_in_seconds: None,
        metadata: Metadata::default(),
    })
}

fn cancel(key: usize, units: Option<u32>) -> OrderCommand {
    let quantity = |units| Quantity::new(units).expect("in range");
    let line = |units| LineQuantity { line_id: LineId::parse("l0").expect("an id"), quantity: quantity(units) };
    let lines = units.map(|units| vec![line(units)]);
    OrderCommand::Cancel(CancelOrder { effect: effect(&format!("x{key}")), lines, reason: None })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn come_to_rest_with_stock_and_orders_in_agreement(steps in proptest::collection::vec(step(), 1..120)) {
        let mut world = World::stocked();
        for step in &steps {
            world.run(step);
        }
        world.rest();
        world.check();
    }
}
