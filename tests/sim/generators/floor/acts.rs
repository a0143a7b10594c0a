//! What the planner and the people of the warehouses ask for.

use super::{Known, parse_order};
use crate::sim::{
    generators::{Asks, Made, anyone, caller, location, service, units, warehouse},
    random::Random,
    swarm::Swarm,
};
use schemas::{
    Caller, Command, ItemId, LineId, LocationId, OrderId, Quantity, ReturnId, Role, ShipmentId, SubOrderId, Timestamp,
    item::{Bucket, CountStock, ItemCommand},
    order::{
        CancelOrder, DeliverShipments, LineQuantity, OrderCommand, PlanShipments, PlannedSubOrder, ReceiveReturn,
        ReceiveShipment, RequestReturn, ShipSubOrder,
    },
};

fn engine() -> Caller {
    caller(Role::Engine, "fulfilment", None)
}

/// Something that the planner or a warehouse does.
pub fn ask(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Asks {
    let wanting = made.floor.wanting();
    if random.chance(swarm.planning) || random.chance(30) && !wanting.is_empty() {
        let Some(order) = random.pick(&wanting).cloned() else { return Vec::new() };
        let (stale, joined) = (random.chance(swarm.stale), random.chance(swarm.consolidated));
        // Two planners may see the same.
        let times = if random.chance(10) { 2 } else { 1 };
        return (0..times).map(|_| (engine(), plan(made, &order, stale, joined, random))).collect();
    }
    let act = random.below(26);
    if act >= 24 {
        return found_missing(made, random).into_iter().collect();
    }
    let Some((order, known)) = concerned(made, act, random) else { return Vec::new() };
    let (caller, command) = match act {
        0..7 => ship(made, &known, random, swarm),
        7..10 => receive_shipment(made, &known, random, swarm),
        10..13 => deliver(made, &known, random, swarm),
        13..16 => request_return(made, &known, random, swarm),
        16..20 => receive_return(made, &known, random, swarm),
        _ => cancel(made, &known, random, swarm),
    };
    vec![(caller, Command::Order { order, command })]
}

/// An order of which an act makes sense, mostly.
fn concerned(made: &Made, act: u64, random: &mut Random) -> Option<(OrderId, Known)> {
    let open = |known: &Known, forwarded: bool| {
        known.shipments.iter().any(|(id, _, to)| to.is_some() == forwarded && known.on_the_way.contains(id))
    };
    let fits = |known: &Known| match act {
        0..7 => known.allocated.len() > known.shipments.len(),
        7..10 => open(known, true),
        10..13 => open(known, false),
        13..16 => known.shipments.iter().any(|(.., to)| to.is_none()) && known.returns.len() < 4,
        16..20 => !known.returns.is_empty(),
        _ => known.sub_orders.len() > known.shipments.len(),
    };
    let any = random.chance(8);
    let all = made.floor.orders.iter().filter(|(_, known)| !known.sub_orders.is_empty() && (any || fits(known)));
    let all: Vec<_> = all.collect();
    random.pick(&all).map(|(id, known)| (parse_order(id), (*known).clone()))
}

/// The plan of what is due of an order, by the stock as it is or as it was; of a revision that was, now and then.
fn plan(made: &mut Made, order: &OrderId, stale: bool, consolidate: bool, random: &mut Random) -> Command {
    let known = made.floor.orders.get(order.as_str()).cloned().unwrap_or_default();
    let mut plan = fitting(made, &known, stale, consolidate);
    for sub_order in &mut plan.sub_orders {
        let millis = 1_700_000_000_000 + i64::try_from(random.below(1_000_000_000)).expect("some days");
        sub_order.arrival_at = random.chance(50).then(|| Timestamp::from_millis(millis));
    }
    if random.per_mille(40) {
        spoil(&mut plan.sub_orders, &known, random);
    }
    plan.revision = match random.below(40) {
        0 => known.revision.saturating_sub(1),
        1 => known.revision + 1,
        _ => known.revision,
    };
    Command::Order { order: order.clone(), command: OrderCommand::PlanShipments(plan) }
}

/// The plan that fits what is due, by the stock as it is or as it was.
fn fitting(made: &mut Made, known: &Known, stale: bool, consolidate: bool) -> PlanShipments {
    let effect = made.effect("plan");
    let stock = if stale { &made.floor.old } else { &made.floor.stock };
    let inputs = made.floor.inputs(&known.due, stock, consolidate);
    let id = |n: usize| SubOrderId::parse(&format!("{}-{n}", effect.id)).expect("an id");
    let sub_orders = domain::fulfilment::plan(&inputs, id);
    PlanShipments { effect, revision: known.revision, sub_orders, inputs }
}

/// All that wants a plan, planned as it should be.
pub fn plans(made: &mut Made) -> Asks {
    let wanting = made.floor.wanting().into_iter();
    let plan = |order: OrderId| {
        let known = made.floor.orders.get(order.as_str()).cloned().unwrap_or_default();
        let command = OrderCommand::PlanShipments(fitting(made, &known, false, false));
        (engine(), Command::Order { order, command })
    };
    wanting.map(plan).collect()
}

/// A plan that fits no order: too much, of a line or sub-order that there is not, or under an id that was used.
fn spoil(sub_orders: &mut [PlannedSubOrder], known: &Known, random: &mut Random) {
    let Some(part) = sub_orders.first_mut() else { return };
    let used = known.sub_orders.first().map(|(id, ..)| SubOrderId::parse(id).expect("an id of the log"));
    match (random.below(4), used, part.lines.first_mut()) {
        (0, Some(used), _) => part.sub_order_id = used,
        (1, _, Some(line)) => line.line_id = LineId::parse("l99").expect("an id"),
        (2, _, Some(line)) => line.quantity = Quantity::new(Quantity::MAX).expect("in range"),
        _ => part.parent = Some(SubOrderId::parse("nobody").expect("an id")),
    }
}

/// Mostly those of the location, now and then another one, or who acts for the shop.
fn who(at: &str, random: &mut Random, swarm: &Swarm) -> Caller {
    match random.below(12) {
        0 => warehouse(location(random, swarm).as_str()),
        1 => anyone(random),
        2..5 => service(),
        _ => warehouse(at),
    }
}

fn some_lines(known: &Known, random: &mut Random, swarm: &Swarm) -> Vec<LineQuantity> {
    let line = random.pick(&known.lines).map_or("l0", String::as_str);
    let line_id = LineId::parse(if random.per_mille(30) { "l99" } else { line }).expect("an id");
    vec![LineQuantity { line_id, quantity: units(random, swarm, 2) }]
}

/// What left: all that is allocated, or a part.
fn ship(made: &mut Made, known: &Known, random: &mut Random, swarm: &Swarm) -> (Caller, OrderCommand) {
    let allocated = random.pick(&known.allocated).filter(|_| random.chance(85));
    let any = random.pick(&known.sub_orders).map(|(id, ..)| id);
    let id = allocated.or(any).cloned().unwrap_or_default();
    let at = known.sub_orders.iter().find(|(known, ..)| *known == id).map_or("berlin", |(_, at, _)| at.as_str());
    let ship = ShipSubOrder {
        effect: made.effect("shipment"),
        sub_order: SubOrderId::parse(&id).ok().filter(|_| random.chance(80)),
        lines: random.chance(40).then(|| some_lines(known, random, swarm)),
    };
    (who(at, random, swarm), OrderCommand::Ship(ship))
}

/// Some lines, or all that has not left.
fn cancel(made: &mut Made, known: &Known, random: &mut Random, swarm: &Swarm) -> (Caller, OrderCommand) {
    let owner = serde_json::from_value(known.owner.clone()).unwrap_or_else(|_| service());
    let lines = random.chance(75).then(|| some_lines(known, random, swarm));
    (owner, OrderCommand::Cancel(CancelOrder { effect: made.effect("cancel"), lines, reason: None }))
}

/// A location has less than it has promised: somebody counts.
fn found_missing(made: &mut Made, random: &mut Random) -> Option<(Caller, Command)> {
    let bound: Vec<_> = made.floor.bound.iter().filter(|(_, units)| **units > 0).collect();
    let ((item, location), units) = random.pick(&bound).map(|(at, units)| ((*at).clone(), **units))?;
    let count = CountStock {
        effect: made.effect("count"),
        location: LocationId::parse(&location).expect("an id of the log"),
        counted: random.below(units + 1),
        expected: None,
        reason: "stocktaking".to_owned(),
    };
    let item = ItemId::parse(&item).expect("an id of the log");
    Some((warehouse(&location), Command::Item { item, command: ItemCommand::Count(count) }))
}

fn some_shipment(known: &Known, forwarded: bool, random: &mut Random) -> Option<(ShipmentId, String)> {
    let fits: Vec<_> = known.shipments.iter().filter(|(_, _, to)| to.is_some() == forwarded).collect();
    let open: Vec<_> = fits.iter().filter(|(id, ..)| known.on_the_way.contains(id)).copied().collect();
    let of = if open.is_empty() || random.chance(15) { &known.shipments.iter().collect() } else { &open };
    let (id, from, to) = random.pick(of)?;
    let at = if forwarded { to.as_ref().unwrap_or(from) } else { from };
    Some((ShipmentId::parse(id).expect("an id of the log"), at.clone()))
}

fn receive_shipment(made: &mut Made, known: &Known, random: &mut Random, swarm: &Swarm) -> (Caller, OrderCommand) {
    let effect = made.effect("arrival");
    let unknown = || (ShipmentId::parse(effect.id.as_str()).expect("an id"), "berlin".to_owned());
    let (shipment, at) = some_shipment(known, true, random).unwrap_or_else(unknown);
    (who(&at, random, swarm), OrderCommand::ReceiveShipment(ReceiveShipment { effect, shipment }))
}

fn deliver(made: &mut Made, known: &Known, random: &mut Random, swarm: &Swarm) -> (Caller, OrderCommand) {
    let named = some_shipment(known, false, random);
    let at = named.as_ref().map_or_else(|| "berlin".to_owned(), |(_, at)| at.clone());
    let shipments = named.filter(|_| random.chance(60)).map(|(id, _)| vec![id]);
    let deliver = DeliverShipments { effect: made.effect("delivery"), shipments };
    (who(&at, random, swarm), OrderCommand::Deliver(deliver))
}

/// By whoever ordered, or by who acts for the shop.
fn request_return(made: &mut Made, known: &Known, random: &mut Random, swarm: &Swarm) -> (Caller, OrderCommand) {
    let owner = serde_json::from_value(known.owner.clone()).unwrap_or_else(|_| service());
    let caller = if random.chance(15) { anyone(random) } else { owner };
    let effect = made.effect("return");
    let request = RequestReturn {
        return_id: ReturnId::parse(effect.id.as_str()).expect("an id"),
        effect,
        lines: some_lines(known, random, swarm),
        reason: "too small".to_owned(),
        metadata: schemas::Metadata::default(),
    };
    (caller, OrderCommand::RequestReturn(request))
}

/// Something comes back, in any condition, to any location.
fn receive_return(made: &mut Made, known: &Known, random: &mut Random, swarm: &Swarm) -> (Caller, OrderCommand) {
    let effect = made.effect("receipt");
    let id = random.pick(&known.returns).map_or(effect.id.as_str(), String::as_str);
    let location = location(random, swarm);
    let receive = ReceiveReturn {
        return_id: ReturnId::parse(id).expect("an id"),
        effect: effect.clone(),
        condition: [Bucket::Sellable, Bucket::Damaged, Bucket::QualityControl][random.below(3) as usize],
        lines: random.chance(40).then(|| some_lines(known, random, swarm)),
        location: location.clone(),
    };
    (who(location.as_str(), random, swarm), OrderCommand::ReceiveReturn(receive))
}

/// All that was announced to come back does, and each receipt is told twice.
pub fn late_returns(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Asks {
    let orders: Vec<_> = made.floor.orders.iter().map(|(id, known)| (parse_order(id), known.clone())).collect();
    let mut asks: Asks = Vec::new();
    for (order, known) in orders {
        for id in &known.returns {
            let receive = ReceiveReturn {
                return_id: ReturnId::parse(id).expect("an id of the log"),
                effect: made.effect("receipt"),
                condition: Bucket::Sellable,
                lines: None,
                location: location(random, swarm),
            };
            let command = Command::Order { order: order.clone(), command: OrderCommand::ReceiveReturn(receive) };
            asks.extend([(service(), command.clone()), (service(), command)]);
        }
    }
    asks
}

/// What is still to be done once it is calm: plans, and what is on its way arrives. `ships`: also what is allocated leaves.
pub fn finish(made: &mut Made, random: &mut Random, ships: bool) -> Asks {
    let mut asks: Asks = Vec::new();
    for order in made.floor.wanting() {
        let command = plan(made, &order, false, false, random);
        asks.push((engine(), command));
    }
    let orders: Vec<_> = made.floor.orders.iter().map(|(id, known)| (parse_order(id), known.clone())).collect();
    for (order, known) in orders {
        let of = |command| (service(), Command::Order { order: order.clone(), command });
        for (id, _, to) in known.shipments.iter().filter(|(id, ..)| known.on_the_way.contains(id)) {
            let shipment = ShipmentId::parse(id).expect("an id of the log");
            asks.push(of(if to.is_some() {
                OrderCommand::ReceiveShipment(ReceiveShipment { effect: made.effect("arrival"), shipment })
            } else {
                let effect = made.effect("delivery");
                OrderCommand::Deliver(DeliverShipments { effect, shipments: Some(vec![shipment]) })
            }));
        }
        for id in known.allocated.iter().filter(|_| ships) {
            let sub_order = Some(SubOrderId::parse(id).expect("an id of the log"));
            asks.push(of(OrderCommand::Ship(ShipSubOrder { effect: made.effect("shipment"), sub_order, lines: None })));
        }
    }
    made.floor.forget_allocated();
    asks
}
