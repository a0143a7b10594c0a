//! Two services, orders, stock and views that lag, in any order that the log allows.

use crate::{
    core::{Core, Effect, Listed},
    core_tests::{
        backordered, due, due_line, effect, item, known, location, order_id, place, plan_of, received, record, setup,
    },
    hear::{Heard, hear},
    look::Floor,
};
use event_log::Record;
use read_model::{
    Checkpoint, Checkpoints,
    views::{
        backorders::{BackorderRow, Waiting},
        stock::places,
    },
};
use schemas::{
    CommandEnvelope, CorrelationId, Event, ItemId, LocationId, OrderId, Position, Quantity, SubOrderId, Timestamp,
    Topic,
    item::{HoldId, StockLevels, UnitsAllocated},
    order::{PlanInputs, SubOrdersPlanned},
};
use std::collections::{BTreeMap, VecDeque};

const PLACES: [&str; 2] = ["ber", "ham"];
const PAGE: usize = 2;

/// Numbers without pattern (xorshift64), the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }
}

/// What an order knows.
#[derive(Default)]
struct Order {
    revision: u32,
    /// The newest revision of which it has a plan.
    planned: u32,
    missing: u32,
    refusals: u32,
    outstanding: u32,
    was_refused: bool,
}

/// Orders and stock as they are, what the log has of them, and how much of that is in the views.
#[derive(Default)]
struct World {
    log: BTreeMap<Topic, Vec<Record>>,
    folded: BTreeMap<Topic, usize>,
    orders: BTreeMap<OrderId, Order>,
    free: BTreeMap<LocationId, u64>,
    asked: VecDeque<(OrderId, LocationId, u32)>,
    received: u64,
    allocated: u64,
}

impl World {
    fn happens(&mut self, subject: &str, event: Event) {
        let records = self.log.entry(event.topic()).or_default();
        records.push(record(subject, records.len() as u64 + 1, event));
    }

    fn orders_say(&mut self, order: &OrderId, event: schemas::order::OrderEvent) {
        self.happens(order.as_str(), Event::Order(event));
    }

    fn confirm(&mut self, units: u32) {
        let order = order_id(&format!("o-{}", self.orders.len()));
        self.orders.insert(order.clone(), Order { revision: 1, missing: units, ..Order::default() });
        self.orders_say(&order, due(1, units, 0));
    }

    fn receive(&mut self, at: &str, units: u64) {
        let free = self.free.entry(location(at)).or_default();
        *free += units;
        self.received += units;
        let event = received(at, *free);
        self.happens("cup", Event::Item(event));
    }

    /// An order takes a plan of its present revision only, asks for what it says, and what is left is backordered.
    fn submit(&mut self, command: &CommandEnvelope) {
        let (id, plan) = plan_of(command);
        let order = self.orders.get_mut(&id).expect("it was placed");
        if plan.revision != order.revision || plan.revision == order.planned {
            return;
        }
        order.planned = plan.revision;
        for part in &plan.sub_orders {
            let units: u32 = part.lines.iter().map(|line| line.quantity.get()).sum();
            order.missing = order.missing.checked_sub(units).expect("not more than is due");
            order.outstanding += 1;
            self.asked.push_back((id.clone(), part.location.clone(), units));
        }
        let left = order.missing;
        order.revision += u32::from(left > 0);
        let revision = order.revision;
        let inputs = PlanInputs { lines: plan.inputs.lines.clone(), ..PlanInputs::default() };
        let planned =
            SubOrdersPlanned { effect: plan.effect, revision: plan.revision, sub_orders: plan.sub_orders, inputs };
        self.orders_say(&id, planned.into());
        if left > 0 {
            self.orders_say(&id, backordered(revision, left));
        }
    }

    /// The item answers what it was asked first.
    fn answer(&mut self) {
        let Some((id, at, units)) = self.asked.pop_front() else { return };
        let free = self.free.entry(at.clone()).or_default();
        let is_granted = *free >= u64::from(units);
        if is_granted {
            *free -= u64::from(units);
            self.allocated += u64::from(units);
            let allocated = UnitsAllocated {
                sub_order: SubOrderId::parse("s").expect("an id"),
                hold: HoldId::Order { order: id.clone(), attempt: 1, item: item("cup") },
                quantity: Quantity::new(units).expect("a quantity"),
                shipment: None,
                stock: StockLevels::default(),
                place: place(at.as_str(), *free),
            };
            self.happens("cup", Event::Item(allocated.into()));
        }
        let order = self.orders.get_mut(&id).expect("it was placed");
        order.outstanding -= 1;
        if !is_granted {
            order.missing += units;
            order.was_refused = true;
        }
        if order.outstanding == 0 && std::mem::take(&mut order.was_refused) {
            order.revision += 1;
            order.refusals = (order.refusals + 1) % 4;
            let (revision, missing, refusals) = (order.revision, order.missing, order.refusals);
            let event = if refusals == 0 { backordered(revision, missing) } else { due(revision, missing, refusals) };
            self.orders_say(&id, event);
        }
    }

    fn records(&self, topic: Topic) -> &[Record] {
        self.log.get(&topic).map_or(&[], Vec::as_slice)
    }

    fn end(&self, topic: Topic) -> u64 {
        self.records(topic).last().map_or(0, |record| record.offset + 1)
    }

    /// What the views have folded.
    fn shown(&self, topic: Topic) -> &[Record] {
        &self.records(topic)[..self.folded.get(&topic).copied().unwrap_or_default()]
    }

    fn checkpoints(&self) -> Checkpoints {
        let at = |topic: Topic| {
            let offset = self.shown(topic).last().map_or(0, |record| record.offset + 1);
            ((topic, 0), Checkpoint { seq: self.shown(topic).len() as u64, offset, epoch: 3 })
        };
        [Topic::OrdersEvents, Topic::InventoryEvents].map(at).into()
    }

    /// Whether a floor that was asked for when the log ended there is passed.
    fn is_passed(&self, floor: &Floor) -> bool {
        floor.is_passed(&self.checkpoints())
    }

    /// The floor, raised to where the log ends now.
    fn raised(&self, floor: &Floor, topic: Topic) -> Floor {
        let mut floor = floor.clone();
        floor.raise(topic, 0, self.end(topic));
        floor
    }

    fn look(&self) -> crate::known::Known {
        let mut free: BTreeMap<String, u64> = BTreeMap::new();
        for record in self.shown(Topic::InventoryEvents) {
            let envelope = record.envelope.as_ref().expect("an event");
            let event = Event::read(&envelope.event_type, record.value.as_ref().expect("a value"));
            let Ok(Event::Item(event)) = event else { panic!("of an item") };
            for place in places(&event) {
                free.insert(place.location.to_string(), place.sellable - place.allocated);
            }
        }
        let free: Vec<_> = free.iter().map(|(at, units)| (at.as_str(), *units)).collect();
        known(&free)
    }

    fn list(&self, after: Option<&Waiting>) -> Listed {
        let mut rows: BTreeMap<OrderId, BackorderRow> = BTreeMap::new();
        for record in self.shown(Topic::OrdersEvents) {
            let envelope = record.envelope.as_ref().expect("an event");
            let order_id = OrderId::parse(&envelope.subject).expect("an id");
            let heard = hear(&envelope.event_type, record.value.as_ref().expect("a value")).expect("readable");
            rows.remove(&order_id);
            if let Some(Heard::Missing(missing)) = heard
                && missing.is_backorder
            {
                let position = Position { topic: Topic::OrdersEvents, partition: 0, seq: envelope.seq };
                let correlation = CorrelationId::parse("r").expect("an id");
                let (time, revision, lines) = (Timestamp::default(), missing.revision, missing.lines);
                let row = BackorderRow { order_id: order_id.clone(), position, time, correlation, revision, lines };
                rows.insert(order_id, row);
            }
        }
        let is_behind = |row: &BackorderRow| after.is_none_or(|after| row.order_id > after.order_id);
        let rows: Vec<_> = rows.into_values().filter(is_behind).take(PAGE).collect();
        let last = rows.last().filter(|_| rows.len() == PAGE);
        let next = last.map(|row| Waiting { since: row.time, order_id: row.order_id.clone() });
        Listed { rows, next }
    }
}

/// Something on its way between a service and somebody else.
enum Under {
    Look(Floor),
    List(Floor, Vec<(ItemId, Option<Waiting>)>),
    Reply(u64),
}

struct Service {
    core: Core,
    read: BTreeMap<Topic, usize>,
    under: Vec<Under>,
    now_ms: u64,
}

impl Service {
    fn at(checkpoints: &Checkpoints) -> Self {
        let read = |(&(topic, _), checkpoint): (&(Topic, u32), &Checkpoint)| {
            (topic, usize::try_from(checkpoint.seq).expect("small"))
        };
        let read = checkpoints.iter().map(read).collect();
        Self { core: Core::new(setup(), checkpoints), read, under: Vec::new(), now_ms: 0 }
    }

    fn reads(&mut self, world: &World, topic: Topic) -> bool {
        let read = self.read.entry(topic).or_default();
        let Some(record) = world.records(topic).get(*read) else { return false };
        *read += 1;
        self.core.take(record, self.now_ms).expect("it is taken");
        true
    }

    /// Something that was on its way arrives, if it can; whether it did.
    fn arrives(&mut self, world: &World, at: usize) -> bool {
        if at >= self.under.len() {
            return false;
        }
        match self.under.swap_remove(at) {
            Under::Look(floor) if world.is_passed(&floor) => {
                self.core.looked(world.look(), Timestamp::default(), self.now_ms);
            }
            Under::List(floor, wanted) if world.is_passed(&floor) => {
                let pages = wanted.iter().map(|(_, after)| world.list(after.as_ref())).collect();
                self.core.listed(pages, self.now_ms);
            }
            Under::Reply(job) => _ = self.core.replied(job),
            waits => {
                self.under.push(waits);
                return false;
            }
        }
        true
    }

    fn perform(&mut self, world: &mut World) {
        for effect in self.core.take_effects() {
            match effect {
                Effect::Look { floor, .. } => {
                    self.under.push(Under::Look(world.raised(&floor, Topic::InventoryEvents)));
                }
                Effect::List { floor, wanted } => {
                    self.under.push(Under::List(world.raised(&floor, Topic::OrdersEvents), wanted));
                }
                Effect::Submit { job, command } => {
                    world.submit(&command);
                    self.under.push(Under::Reply(job));
                }
            }
        }
    }

    fn waits_for_time(&mut self) -> bool {
        let Some(due) = self.core.next_due_ms() else { return false };
        self.now_ms = self.now_ms.max(due);
        self.core.tick(self.now_ms);
        true
    }

    fn checkpoints(&self) -> Checkpoints {
        self.core.done().collect()
    }
}

/// One thing happens, if it can.
fn step(world: &mut World, services: &mut [Service; 2], dice: &mut Dice) -> bool {
    let who = dice.roll(2);
    let topic = [Topic::OrdersEvents, Topic::InventoryEvents][dice.roll(2)];
    let at = dice.roll(services[who].under.len().max(1));
    // The views lag: they take a step less often than what looks at them.
    let happened = match dice.roll(12) {
        0..=3 => services[who].reads(world, topic),
        4..=8 => services[who].arrives(world, at),
        9 => {
            let is_behind = world.shown(topic).len() < world.records(topic).len();
            *world.folded.entry(topic).or_default() += usize::from(is_behind);
            is_behind
        }
        _ => {
            let is_asked = !world.asked.is_empty();
            world.answer();
            is_asked
        }
    };
    services[who].perform(world);
    happened
}

/// All that can happen happens, until nothing is under way.
fn settle(world: &mut World, services: &mut [Service; 2], dice: &mut Dice) {
    let mut idle = 0;
    while idle < 300 {
        idle = if step(world, services, dice) { 0 } else { idle + 1 };
        if idle == 200 && services.iter_mut().any(Service::waits_for_time) {
            services.iter_mut().for_each(|service| service.perform(world));
            idle = 0;
        }
    }
}

#[test]
fn no_order_waits_while_there_are_units_for_it() {
    let (mut planned, mut waited) = (0, 0);
    for seed in 1..=500_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut world = World::default();
        let mut services = [Service::at(&Checkpoints::new()), Service::at(&Checkpoints::new())];
        for _ in 0..400 {
            match dice.roll(60) {
                0 => world.confirm(1 + u32::try_from(dice.roll(3)).expect("small")),
                1 => world.receive(PLACES[dice.roll(2)], 1 + dice.roll(3) as u64),
                2 if dice.roll(4) == 0 => {
                    // It dies, and starts again where it, or the other one, has written that all is done.
                    let who = dice.roll(2);
                    services[who] = Service::at(&services[dice.roll(2)].checkpoints());
                }
                _ => _ = step(&mut world, &mut services, &mut dice),
            }
        }
        settle(&mut world, &mut services, &mut dice);
        let free: u64 = world.free.values().sum();
        let missing: u32 = world.orders.values().map(|order| order.missing).sum();
        assert!(free == 0 || missing == 0, "seed {seed}: {missing} units are missing and {free} are free");
        assert_eq!(world.received, free + world.allocated, "seed {seed}");
        for service in &services {
            assert_eq!(service.core.open(), (0, 0), "seed {seed}");
            for ((topic, _), checkpoint) in service.checkpoints() {
                assert_eq!(checkpoint.seq, world.records(topic).len() as u64, "seed {seed}: {topic}");
            }
        }
        planned += u32::from(world.allocated > 0);
        waited += u32::from(missing > 0);
    }
    assert!(planned > 300 && waited > 100, "{planned} runs planned something, {waited} had too little");
}

#[test]
fn a_line_of_a_wanted_plan_is_the_one_that_is_due() {
    let mut world = World::default();
    world.confirm(2);
    world.receive("ber", 5);
    let mut services = [Service::at(&Checkpoints::new()), Service::at(&Checkpoints::new())];
    settle(&mut world, &mut services, &mut Dice(1));
    let planned = world.records(Topic::OrdersEvents).last().expect("a plan");
    let envelope = planned.envelope.as_ref().expect("an event");
    let event = Event::read(&envelope.event_type, planned.value.as_ref().expect("a value")).expect("readable");
    let Event::Order(schemas::order::OrderEvent::SubOrdersPlanned(planned)) = event else { panic!("{event:?}") };
    assert_eq!((planned.inputs.lines, planned.effect), (vec![due_line(2)], effect("plan-1")));
}
