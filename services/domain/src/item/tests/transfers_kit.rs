//! The commands of units between locations.

use super::kit::*;
use schemas::{Command, EffectId, OrderId, item::*, order::*};

pub fn effect_id(id: &str) -> EffectId {
    EffectId::parse(id).expect("id")
}

pub fn transfer(id: &str, from: &str, to: &str, units: u32) -> ItemCommand {
    ItemCommand::Transfer(TransferStock {
        effect: effect_of(id, u64::from(units)),
        location: location(from),
        to_location: location(to),
        quantity: quantity(units),
        reason: "moved".to_owned(),
        reference: "ref".to_owned(),
    })
}

/// The receipt `id` of the transfer `of`.
pub fn arrive(id: &str, of: &str, units: Option<u32>, lost: u32) -> ItemCommand {
    let content = units.map_or(9_999, u64::from) * 10_000 + u64::from(lost);
    let effect = effect_of(id, content);
    ItemCommand::ReceiveTransfer(ReceiveTransfer { effect, transfer: effect_id(of), quantity: units, lost })
}

/// The shipment `id` from a location to another, of one sub-order for another.
pub fn forward(id: &str, hold: HoldId, subs: (&str, &str), places: (&str, &str), units: u32) -> ItemCommand {
    ItemCommand::Forward(Forward {
        effect: effect_of(id, u64::from(units)),
        hold,
        sub_order: sub_order(subs.0),
        to_sub_order: sub_order(subs.1),
        location: location(places.0),
        to_location: location(places.1),
        quantity: quantity(units),
    })
}

/// The arrival of the shipment `of`.
pub fn forward_arrives(of: &str, hold: HoldId) -> ItemCommand {
    ItemCommand::ReceiveForward(ReceiveForward { effect: effect_of(of, 0), hold, shipment: effect_id(of) })
}

pub fn at(place: &str, sellable: u64) -> LocationLevels {
    LocationLevels { location: location(place), ..at_main(sellable) }
}

fn told(order: &str, command: OrderCommand) -> Command {
    Command::Order { order: OrderId::parse(order).expect("id"), command }
}

/// What an order is sent about an allocation.
pub fn answered(order: &str, sub: &str, refusal: Option<ItemRejection>) -> Command {
    let item_id = schemas::ItemId::parse("sku-1").expect("id");
    told(order, OrderCommand::AllocationAnswered(AllocationAnswered { sub_order: sub_order(sub), item_id, refusal }))
}

/// What an order is sent about units that were given up.
pub fn deallocated(order: &str, sub: &str, units: u32) -> Command {
    let cause = schemas::CommandId::parse("c-1").expect("id");
    let item_id = schemas::ItemId::parse("sku-1").expect("id");
    let (sub_order, quantity) = (sub_order(sub), quantity(units));
    told(order, OrderCommand::ItemDeallocated(ItemDeallocated { cause, sub_order, item_id, quantity }))
}
