//! The core alone: what it asks for, in which order, and how far it says that all is done.

use crate::{
    core::{Core, CoreError, Effect, Listed, Setup},
    known::Known,
};
use event_log::Record;
use read_model::{Checkpoints, views::backorders::BackorderRow};
use schemas::{
    Command, CommandEnvelope, CommandId, CorrelationId, Digest, EffectId, Envelope, Event, ItemId, LineId, LocationId,
    OrderId, Position, Quantity, ShardCount, Timestamp, Topic,
    item::{ItemEvent, LocationLevels, StockLevels, StockReceived},
    order::{DueLine, OrderCommand, OrderEvent, PlanShipments, ShipmentsBackordered, ShipmentsDue, SubOrdersPlanned},
};
use std::collections::BTreeMap;

pub(crate) fn item(id: &str) -> ItemId {
    ItemId::parse(id).expect("an id")
}

pub(crate) fn location(id: &str) -> LocationId {
    LocationId::parse(id).expect("an id")
}

pub(crate) fn order_id(id: &str) -> OrderId {
    OrderId::parse(id).expect("an id")
}

pub(crate) fn due_line(units: u32) -> DueLine {
    let quantity = Quantity::new(units).expect("a quantity");
    DueLine { line_id: LineId::parse("l-1").expect("an id"), item_id: item("cup"), quantity }
}

pub(crate) fn due(revision: u32, units: u32, refusals: u32) -> OrderEvent {
    ShipmentsDue { revision, lines: vec![due_line(units)], gone: Vec::new(), refusals }.into()
}

pub(crate) fn backordered(revision: u32, units: u32) -> OrderEvent {
    let lines = if units == 0 { Vec::new() } else { vec![due_line(units)] };
    ShipmentsBackordered { revision, lines, gone: Vec::new() }.into()
}

pub(crate) fn effect(id: &str) -> schemas::Effect {
    schemas::Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::default() }
}

/// Units arrive; after that the location has `free` that nobody has.
pub(crate) fn received(at: &str, free: u64) -> ItemEvent {
    let (document, metadata, place) = ("note".to_owned(), schemas::Metadata::default(), place(at, free));
    let (quantity, stock) = (Quantity::new(1).expect("a quantity"), StockLevels::default());
    let effect = effect("r");
    StockReceived { effect, quantity, document, occurred_at: None, metadata, feed: None, stock, place }.into()
}

pub(crate) fn place(at: &str, free: u64) -> LocationLevels {
    LocationLevels {
        location: location(at),
        sellable: free + 7,
        damaged: 0,
        quality_control: 0,
        allocated: 7,
        incoming: 0,
        forwarded: 0,
    }
}

/// An event as a record; of offsets only every tenth is one.
pub(crate) fn record(subject: &str, seq: u64, event: impl Into<Event>) -> Record {
    let event = event.into();
    Record {
        topic: event.topic(),
        partition: 0,
        offset: seq * 10,
        key: subject.to_owned(),
        headers: Vec::new(),
        envelope: Some(Envelope {
            event_type: event.event_type().into(),
            subject: subject.to_owned(),
            time: Timestamp::default(),
            seq,
            epoch: 3,
            actor: "engine:engine".to_owned(),
            causation: CommandId::parse("c").expect("an id"),
            correlation: CorrelationId::parse("r").expect("an id"),
            traceparent: None,
        }),
        value: Some(serde_json::to_vec(&event).expect("JSON")),
    }
}

fn order_record(order: &str, seq: u64, event: OrderEvent) -> Record {
    record(order, seq, Event::Order(event))
}

fn cups(seq: u64, free: u64) -> Record {
    record("cup", seq, Event::Item(received("ber", free)))
}

pub(crate) fn setup() -> Setup {
    Setup { node: 7, shards: ShardCount::new(1).expect("a count"), consolidate: false }
}

fn core() -> Core {
    Core::new(setup(), &Checkpoints::new())
}

fn done(core: &Core) -> [u64; 2] {
    let done: BTreeMap<_, _> = core.done().collect();
    [Topic::OrdersEvents, Topic::InventoryEvents].map(|topic| done[&(topic, 0)].seq)
}

/// So many free cups at a place.
pub(crate) fn known(stock: &[(&str, u64)]) -> Known {
    let places = stock.iter().map(|(at, units)| (location(at), *units)).collect();
    Known { stock: [(item("cup"), places)].into(), ..Known::default() }
}

fn looked(core: &mut Core, stock: &[(&str, u64)]) {
    core.looked(known(stock), Timestamp::default(), 0);
}

fn is_look(effects: &[Effect]) -> bool {
    matches!(effects, [Effect::Look { .. }])
}

pub(crate) fn plan_of(command: &CommandEnvelope) -> (OrderId, PlanShipments) {
    match &command.command {
        Command::Order { order, command: OrderCommand::PlanShipments(plan) } => (order.clone(), plan.clone()),
        _ => panic!("{command:?}"),
    }
}

/// Units by location.
type Parts = Vec<(String, u32)>;

/// The plans that are to be submitted: job, order, parts.
fn plans(core: &mut Core) -> Vec<(u64, String, Parts)> {
    let submit = |effect: Effect| match effect {
        Effect::Submit { job, command } => {
            let (order, plan) = plan_of(&command);
            let part = |part: &schemas::order::PlannedSubOrder| {
                (part.location.to_string(), part.lines.iter().map(|line| line.quantity.get()).sum())
            };
            (job, order.to_string(), plan.sub_orders.iter().map(part).collect())
        }
        other => panic!("{other:?}"),
    };
    core.take_effects().into_iter().map(submit).collect()
}

#[test]
fn what_is_due_is_looked_at_planned_and_recorded_once() {
    let mut core = core();
    core.take(&order_record("o-1", 1, due(1, 3, 0)), 0).expect("taken");
    let effects = core.take_effects();
    let [Effect::Look { floor, items, orders }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((items.as_slice(), orders.as_slice()), ([item("cup")].as_slice(), [order_id("o-1")].as_slice()));
    let mut expected = crate::look::Floor::default();
    expected.raise(Topic::OrdersEvents, 0, 11);
    expected.raise(Topic::InventoryEvents, 0, 0);
    expected.raise(Topic::WarehousesEvents, 0, 0);
    assert_eq!(*floor, expected);
    looked(&mut core, &[("ber", 2), ("ham", 1)]);
    let effects = core.take_effects();
    let [Effect::Submit { job, command }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(command.id.as_str(), "fulfilment:0:1");
    let (_, plan) = plan_of(command);
    assert_eq!((plan.revision, plan.effect.id.as_str()), (1, "plan-1"));
    let ids: Vec<_> = plan.sub_orders.iter().map(|part| part.sub_order_id.as_str()).collect();
    assert_eq!(ids, ["1.1", "1.2"]);
    assert!(plan.sub_orders.iter().all(|part| part.arrival_at.is_some()));
    assert_eq!(plan.inputs.offers.len(), 2);
    assert_eq!(done(&core), [0, 0], "not done before it is answered");
    assert!(core.replied(*job));
    assert!(!core.replied(*job), "a late repeat of the reply finds nothing");
    assert_eq!((done(&core), core.next_due_ms(), core.open()), ([1, 0], None, (0, 0)));
}

#[test]
fn an_order_for_which_nobody_has_anything_is_told_so() {
    let mut core = core();
    core.take(&order_record("o-1", 1, due(1, 3, 0)), 0).expect("taken");
    assert!(is_look(&core.take_effects()));
    looked(&mut core, &[]);
    assert_eq!(plans(&mut core), [(1, "o-1".to_owned(), Vec::new())]);
}

#[test]
fn orders_of_one_round_do_not_count_on_the_same_units() {
    let mut core = core();
    for (seq, order) in [(1, "o-1"), (2, "o-2"), (3, "o-3")] {
        core.take(&order_record(order, seq, due(1, 2, 0)), 0).expect("taken");
    }
    assert!(is_look(&core.take_effects()));
    looked(&mut core, &[("ber", 3)]);
    let parts: Vec<_> = plans(&mut core).into_iter().map(|(_, order, parts)| (order, parts)).collect();
    let ber = |units| vec![("ber".to_owned(), units)];
    assert_eq!(parts, [("o-1".to_owned(), ber(2)), ("o-2".to_owned(), ber(1)), ("o-3".to_owned(), Vec::new())]);
}

#[test]
fn a_round_of_many_items_takes_no_further_order() {
    let mut core = core();
    let line = |n: u32| DueLine { item_id: item(&format!("i-{n}")), ..due_line(1) };
    let lines = (0..2_000).map(line).collect();
    let many = ShipmentsDue { revision: 1, lines, gone: Vec::new(), refusals: 0 };
    core.take(&order_record("o-1", 1, many.into()), 0).expect("taken");
    core.take(&order_record("o-2", 2, due(1, 1, 0)), 0).expect("taken");
    for expected in ["o-1", "o-2"] {
        let orders = core.take_effects().into_iter().find_map(|effect| match effect {
            Effect::Look { orders, .. } => Some(orders),
            Effect::List { .. } | Effect::Submit { .. } => None,
        });
        assert_eq!(orders, Some(vec![order_id(expected)]));
        looked(&mut core, &[("ber", 1)]);
    }
}

#[test]
fn what_is_planned_cancelled_or_asked_anew_is_not_planned_again() {
    let planned = |revision| -> OrderEvent {
        let inputs = schemas::order::PlanInputs::default();
        SubOrdersPlanned { effect: effect("p"), revision, sub_orders: Vec::new(), inputs }.into()
    };
    let cancelled = || schemas::order::OrderCancelled { effect: None, reason: None }.into();
    for event in [planned(1), cancelled(), backordered(2, 0)] {
        let mut core = core();
        core.take(&order_record("o-1", 1, due(1, 3, 0)), 0).expect("taken");
        assert!(is_look(&core.take_effects()));
        core.take(&order_record("o-1", 2, event), 0).expect("taken");
        assert_eq!(done(&core), [2, 0]);
        looked(&mut core, &[("ber", 9)]);
        assert_eq!((core.take_effects(), core.open()), (Vec::new(), (0, 0)));
    }
    let mut core = core();
    core.take(&order_record("o-1", 1, due(2, 3, 0)), 0).expect("taken");
    core.take(&order_record("o-1", 2, planned(1)), 0).expect("taken");
    assert!(is_look(&core.take_effects()), "an older plan is not this one");
}

#[test]
fn what_a_warehouse_refused_is_planned_later_and_later() {
    let mut core = core();
    for (seq, refusals, rest) in [(1, 1, 50), (2, 2, 100)] {
        core.take(&order_record("o-1", seq, due(refusals, 3, refusals)), 1_000).expect("taken");
        assert!(core.take_effects().is_empty());
        assert_eq!(core.next_due_ms(), Some(1_000 + rest));
    }
    core.tick(1_100);
    assert!(is_look(&core.take_effects()));
}

#[test]
fn an_unanswered_plan_is_sent_again_as_it_was() {
    let mut core = core();
    core.take(&order_record("o-1", 1, due(1, 3, 0)), 0).expect("taken");
    assert!(is_look(&core.take_effects()));
    looked(&mut core, &[("ber", 3)]);
    let first = core.take_effects();
    core.tick(9_999);
    assert!(core.take_effects().is_empty());
    core.tick(10_000);
    assert_eq!(core.take_effects(), first);
    core.submit_failed(1, 10_000);
    core.tick(10_020);
    assert_eq!(core.take_effects(), first);
}

#[test]
fn a_backorder_is_looked_at_once_more_and_then_waits_quietly() {
    let mut core = core();
    core.take(&order_record("o-1", 1, backordered(2, 3)), 0).expect("taken");
    assert!(is_look(&core.take_effects()));
    looked(&mut core, &[("ber", 0)]);
    assert_eq!((core.take_effects(), core.next_due_ms(), done(&core)), (Vec::new(), None, [1, 0]));
}

fn row(order: &str, revision: u32, units: u32) -> BackorderRow {
    BackorderRow {
        order_id: order_id(order),
        position: Position { topic: Topic::OrdersEvents, partition: 0, seq: 1 },
        time: Timestamp::default(),
        correlation: CorrelationId::parse("r").expect("an id"),
        revision,
        lines: vec![due_line(units)],
    }
}

fn page(rows: Vec<BackorderRow>, next: Option<&str>) -> Vec<Listed> {
    let waiting =
        |order: &str| read_model::views::backorders::Waiting { since: Timestamp::default(), order_id: order_id(order) };
    vec![Listed { rows, next: next.map(waiting) }]
}

#[test]
fn units_that_come_free_wake_who_waits_page_by_page_until_they_are_gone() {
    let mut core = core();
    core.take(&cups(1, 3), 0).expect("taken");
    let effects = core.take_effects();
    let [Effect::List { wanted, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(*wanted, [(item("cup"), None)]);
    core.listed(page(vec![row("o-1", 2, 2)], Some("o-1")), 0);
    assert!(is_look(&core.take_effects()));
    looked(&mut core, &[("ber", 3)]);
    let [(job, _, _)] = plans(&mut core)[..] else { panic!("one plan") };
    assert_eq!(done(&core), [0, 0], "others may wait");
    core.replied(job);
    let effects = core.take_effects();
    let [Effect::List { wanted, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(wanted[0].1.as_ref().map(|after| after.order_id.as_str()), Some("o-1"));
    core.listed(page(vec![row("o-2", 4, 5)], Some("o-2")), 0);
    assert!(is_look(&core.take_effects()));
    looked(&mut core, &[]);
    assert_eq!((core.take_effects(), done(&core), core.open()), (Vec::new(), [0, 1], (0, 0)));
}

#[test]
fn units_that_come_while_a_list_is_read_have_it_read_again() {
    let mut core = core();
    core.take(&cups(1, 3), 0).expect("taken");
    core.take(&cups(2, 4), 0).expect("taken");
    assert_eq!(core.take_effects().len(), 1, "nothing was read before the second came");
    core.take(&cups(3, 5), 0).expect("taken");
    core.take(&cups(4, 6), 0).expect("taken");
    assert!(core.take_effects().is_empty());
    core.listed(page(Vec::new(), None), 0);
    assert_eq!(done(&core), [0, 2]);
    assert!(matches!(core.take_effects().as_slice(), [Effect::List { .. }]));
    core.listed(page(Vec::new(), None), 0);
    assert_eq!((done(&core), core.take_effects()), ([0, 4], Vec::new()));
}

#[test]
fn units_that_come_while_a_backorder_is_looked_at_have_it_looked_at_again() {
    let mut core = core();
    core.take(&order_record("o-1", 1, backordered(2, 3)), 0).expect("taken");
    assert!(is_look(&core.take_effects()));
    core.take(&cups(1, 3), 0).expect("taken");
    assert!(matches!(core.take_effects().as_slice(), [Effect::List { .. }]));
    core.listed(page(vec![row("o-1", 2, 3)], None), 0);
    assert!(core.take_effects().is_empty(), "one look at a time");
    // What was read before the units came.
    looked(&mut core, &[]);
    assert!(is_look(&core.take_effects()));
    assert_eq!(done(&core), [0, 0]);
    looked(&mut core, &[("ber", 3)]);
    let [(job, _, _)] = plans(&mut core)[..] else { panic!("one plan") };
    core.replied(job);
    assert_eq!((done(&core), core.open()), ([1, 1], (0, 0)));
}

#[test]
fn stock_that_promises_what_it_refuses_is_not_asked_in_a_hot_loop() {
    let rest = |revision| {
        let mut core = core();
        core.take(&order_record("o-1", 1, backordered(revision, 3)), 0).expect("taken");
        core.next_due_ms()
    };
    assert_eq!([1, 4, 5, 6, 40].map(rest), [None, None, Some(50), Some(100), Some(5_000)]);
}

#[test]
fn the_checkpoint_stays_before_the_first_open_job() {
    let mut core = core();
    core.take(&order_record("o-1", 1, due(1, 1, 0)), 0).expect("taken");
    core.take(&order_record("o-2", 2, due(1, 1, 0)), 0).expect("taken");
    core.take(&order_record("o-3", 3, backordered(2, 0)), 0).expect("taken");
    assert!(is_look(&core.take_effects()));
    looked(&mut core, &[("ber", 9)]);
    core.replied(2);
    assert_eq!(done(&core), [0, 0]);
    core.replied(1);
    assert_eq!(done(&core), [3, 0]);
}

#[test]
fn a_repeat_of_an_earlier_owner_is_ignored_and_a_gap_stops() {
    let mut core = core();
    core.take(&cups(1, 0), 0).expect("taken");
    let mut zombie = cups(1, 5);
    zombie.envelope.as_mut().expect("an event").epoch = 2;
    core.take(&zombie, 0).expect("ignored");
    assert!(core.take_effects().is_empty());
    assert!(matches!(core.take(&cups(1, 5), 0), Err(CoreError::Frontier(_))));
    assert!(matches!(core.take(&cups(3, 5), 0), Err(CoreError::Frontier(_))));
}

#[test]
fn an_event_that_cannot_be_read_stops() {
    let mut core = core();
    let mut broken = order_record("o-1", 1, due(1, 1, 0));
    broken.value = Some(b"{}".to_vec());
    assert!(matches!(core.take(&broken, 0), Err(CoreError::Unreadable { .. })));
}
