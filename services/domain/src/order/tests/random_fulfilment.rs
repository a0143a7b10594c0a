//! The steps of [`super::random`] that split, ship, deliver and return.

use super::{super::fulfilment::Way, fulfilment::*, *};
use proptest::prelude::*;
use std::fmt::Debug;

/// What may happen to a confirmed order. Numbers choose among what there is.
#[derive(Debug, Clone)]
pub(super) enum Fulfil {
    /// Line by line: to which warehouse, and how much of ten parts; two warehouses ship to the first where `join`.
    Plan {
        key: u8,
        to: [usize; 4],
        tenths: [u32; 4],
        join: bool,
        old: bool,
    },
    Answer {
        nth: usize,
        refused: bool,
    },
    GiveUp {
        cause: u8,
        nth: usize,
        item: usize,
        units: u32,
    },
    Ship {
        key: u8,
        nth: Option<usize>,
        units: Option<u32>,
        at: Option<usize>,
    },
    Arrive {
        key: u8,
        nth: usize,
    },
    Deliver {
        key: u8,
        nth: Option<usize>,
    },
    Announce {
        key: u8,
        line: usize,
        units: u32,
    },
    ComeBack {
        key: u8,
        nth: usize,
        line: Option<usize>,
        units: u32,
    },
    Supersede,
}

const PLACES: [&str; 3] = ["w0", "w1", "w2"];

pub(super) fn step() -> impl Strategy<Value = Fulfil> {
    let to = proptest::array::uniform4(0..3usize);
    let tenths = proptest::array::uniform4(prop_oneof![3 => Just(10u32), 1 => 0..13u32]);
    let plan = (any::<u8>(), to, tenths, any::<bool>(), proptest::bool::weighted(0.1));
    prop_oneof![
        4 => plan.prop_map(|(key, to, tenths, join, old)| Fulfil::Plan { key, to, tenths, join, old }),
        8 => (0..4usize, proptest::bool::weighted(0.25)).prop_map(|(nth, refused)| Fulfil::Answer { nth, refused }),
        2 => (0..4u8, 0..5usize, 0..2usize, 1..4u32)
            .prop_map(|(cause, nth, item, units)| Fulfil::GiveUp { cause, nth, item, units }),
        5 => (any::<u8>(), proptest::option::weighted(0.8, 0..6usize), proptest::option::of(1..3u32),
            proptest::option::of(0..3usize)).prop_map(|(key, nth, units, at)| Fulfil::Ship { key, nth, units, at }),
        3 => (0..40u8, 0..4usize).prop_map(|(key, nth)| Fulfil::Arrive { key, nth }),
        2 => (0..40u8, proptest::option::of(0..4usize)).prop_map(|(key, nth)| Fulfil::Deliver { key, nth }),
        3 => (0..40u8, 0..4usize, 1..4u32).prop_map(|(key, line, units)| Fulfil::Announce { key, line, units }),
        3 => (0..40u8, 0..3usize, proptest::option::of(0..4usize), 1..3u32)
            .prop_map(|(key, nth, line, units)| Fulfil::ComeBack { key, nth, line, units }),
        1 => Just(Fulfil::Supersede),
    ]
}

/// All that is due goes to one warehouse, which allocates it all.
pub(super) fn allocated() -> Vec<Fulfil> {
    let plan = Fulfil::Plan { key: 255, to: [1; 4], tenths: [10; 4], join: false, old: false };
    std::iter::once(plan).chain((0..3).map(|_| Fulfil::Answer { nth: 0, refused: false })).collect()
}

/// The same content has the same digest.
fn told(key: &str, content: &impl Debug) -> Effect {
    let digest = format!("{content:?}").bytes().fold(7u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    effect(key, digest)
}

fn line_at(world: &World, line: usize, units: u32) -> Option<LineQuantity> {
    let terms = world.order.terms.as_ref()?;
    let line = terms.lines.get(line % terms.lines.len())?;
    Some(LineQuantity { line_id: line.line_id.clone(), quantity: Quantity::new(units).ok()? })
}

/// The command of a step, and who sends it; none where there is nothing that it could be about.
pub(super) fn command(world: &World, step: &Fulfil) -> Option<(Caller, OrderCommand)> {
    let state = &world.order.fulfilment;
    let engine = Caller::engine();
    Some(match step {
        Fulfil::Plan { key, to, tenths, join, old } => {
            let revision = state.planning.revision.saturating_sub(u32::from(*old));
            let sub_orders = parts(world, *key, to, tenths, *join);
            let effect = told(&format!("n{key}"), &(revision, &sub_orders));
            let command = PlanShipments { effect, revision, sub_orders, inputs: PlanInputs::default() };
            (engine, OrderCommand::PlanShipments(command))
        }
        Fulfil::Answer { nth, refused } => {
            let asked = state.sub_orders.iter().flat_map(|sub_order| {
                let parts = sub_order.parts.iter().filter(|part| part.planned > 0);
                parts.map(|part| (sub_order.id.clone(), world.order.item_of(part.line).clone()))
            });
            let asked: Vec<_> = asked.collect();
            let (sub_order, item_id) = asked.get(nth % asked.len().max(1))?.clone();
            let command = AllocationAnswered { sub_order, item_id, refusal: refused.then(too_few) };
            (alice(), OrderCommand::AllocationAnswered(command))
        }
        Fulfil::GiveUp { cause, nth, item: of, units } => {
            let sub_order = state.sub_orders.get(*nth)?.id.clone();
            let cause = CommandId::parse(&format!("c{cause}")).expect("an id");
            let quantity = Quantity::new(*units).expect("in range");
            let command = ItemDeallocated { cause, sub_order, item_id: item(["tea", "cup"][*of]), quantity };
            (operator(), OrderCommand::ItemDeallocated(command))
        }
        Fulfil::Ship { key, nth, units, at } => {
            let sub_order = nth.and_then(|nth| state.sub_orders.get(nth % state.sub_orders.len().max(1)));
            let line = sub_order.and_then(|sub_order| sub_order.parts.first()).map_or(0, |part| part.line);
            let lines = units.and_then(|units| line_at(world, line, units)).map(|line| vec![line]);
            let sub_order = sub_order.map(|sub_order| sub_order.id.clone());
            let by = at.map_or_else(operator, |at| warehouse(PLACES[at]));
            let effect = told(&format!("k{key}"), &(&sub_order, &lines, at));
            (by, OrderCommand::Ship(ShipSubOrder { effect, sub_order, lines }))
        }
        Fulfil::Arrive { key, nth } => {
            let on_the_way =
                state.shipments.iter().filter(|shipment| matches!(shipment.way, Way::Warehouse { received: None, .. }));
            let shipment = on_the_way.cycle().nth(*nth)?.effect.id.as_str().to_owned();
            let (effect, shipment) = (told(&format!("r{key}"), &shipment), shipment_id(&shipment));
            (operator(), OrderCommand::ReceiveShipment(ReceiveShipment { effect, shipment }))
        }
        Fulfil::Deliver { key, nth } => {
            let nth = nth.and_then(|nth| state.shipments.get(nth));
            let shipments = nth.map(|shipment| vec![shipment_id(shipment.effect.id.as_str())]);
            let effect = told(&format!("d{key}"), &shipments);
            (operator(), OrderCommand::Deliver(DeliverShipments { effect, shipments }))
        }
        Fulfil::Announce { .. } | Fulfil::ComeBack { .. } => return sent_back(world, step),
        Fulfil::Supersede => {
            let by = OrderId::parse("o-2").expect("an id");
            (alice(), OrderCommand::Supersede(SupersedeOrder { by }))
        }
    })
}

/// The same of returns.
fn sent_back(world: &World, step: &Fulfil) -> Option<(Caller, OrderCommand)> {
    let state = &world.order.fulfilment;
    Some(match step {
        Fulfil::Announce { key, line, units } => {
            let (id, lines) = (format!("t{key}"), vec![line_at(world, *line, *units)?]);
            let command = RequestReturn {
                effect: told(&id, &lines),
                return_id: return_id(&id),
                lines,
                reason: String::new(),
                metadata: schemas::Metadata::default(),
            };
            (alice(), OrderCommand::RequestReturn(command))
        }
        Fulfil::ComeBack { key, nth, line, units } => {
            let return_id = state.returns.get(nth % state.returns.len().max(1))?.id.clone();
            let lines = line.and_then(|line| line_at(world, line, *units)).map(|line| vec![line]);
            let command = ReceiveReturn {
                effect: told(&format!("q{key}"), &(&return_id, &lines)),
                return_id,
                location: location("w1"),
                condition: schemas::item::Bucket::Sellable,
                lines,
            };
            (operator(), OrderCommand::ReceiveReturn(command))
        }
        other => unreachable!("{other:?} is no return"),
    })
}

/// A plan of what is due, sometimes of a little more.
fn parts(world: &World, key: u8, to: &[usize; 4], tenths: &[u32; 4], join: bool) -> Vec<PlannedSubOrder> {
    let Some(terms) = &world.order.terms else { return Vec::new() };
    let mut parts: Vec<PlannedSubOrder> = Vec::new();
    for (place, at) in PLACES.iter().enumerate() {
        let lines = terms.lines.iter().zip(&world.order.lines).enumerate().filter(|(line, _)| to[*line] == place);
        let lines = lines.filter_map(|(line, (ordered, state))| {
            let quantity = Quantity::new((state.due * tenths[line]).div_ceil(10)).ok()?;
            Some(LineQuantity { line_id: ordered.line_id.clone(), quantity })
        });
        let lines: Vec<LineQuantity> = lines.collect();
        if !lines.is_empty() {
            let id = format!("s{key}-{}-{place}", world.order.fulfilment.planning.revision);
            let parent = parts.first().filter(|_| join).map(|first| first.sub_order_id.clone());
            parts.push(PlannedSubOrder { lines, parent, ..part(&id, at, &[]) });
        }
    }
    parts
}
