//! Units of a return have come back: they are restocked, and their share is refunded.

use super::{
    fulfilment::Return,
    plan::{Plan, refuse},
    request_return::MAX_RETURNS,
};
use crate::Decided;
use schemas::{
    LineId,
    item::{ItemCommand, Restock},
    order::{OrderRejection, ReceiveReturn, ReturnReceived},
};

pub(super) fn receive_return(mut plan: Plan<'_>, command: &ReceiveReturn) -> Decided {
    let fulfilment = &plan.order.fulfilment;
    let known = fulfilment.receipts.iter().find(|effect| effect.id == command.effect.id);
    if let Some(effect) = known.filter(|_| !planted::bug!("refund-of-return-twice")) {
        let same = effect.digest == command.effect.digest;
        return if same { plan.done() } else { refuse(OrderRejection::IdempotencyKeyReused) };
    }
    let Some(announced) = fulfilment.returns.iter().find(|known| known.id == command.return_id) else {
        return refuse(OrderRejection::ReturnNotFound);
    };
    let outstanding: Vec<(usize, u32)> =
        announced.parts.iter().map(|part| (part.line, part.requested - part.received)).collect();
    if outstanding.iter().all(|(_, units)| *units == 0) {
        return refuse(OrderRejection::ReturnComplete);
    }
    let refusal = |line_id: LineId, expected| OrderRejection::NotThatManyExpected { line_id, expected };
    let named = command.lines.as_deref();
    let named = named.map(|lines| plan.order.named_units(lines, |line| expected(announced, line), refusal));
    let units: Vec<(usize, u32)> = match named {
        None => outstanding,
        Some(Ok(units)) => units.into_iter().collect(),
        Some(Err(rejection)) => return refuse(rejection),
    };
    if fulfilment.receipts.len() >= MAX_RETURNS as usize {
        return refuse(OrderRejection::TooManyReturns { limit: MAX_RETURNS });
    }

    // From here it succeeds.
    plan.record(ReturnReceived {
        effect: command.effect.clone(),
        return_id: command.return_id.clone(),
        location: command.location.clone(),
        condition: command.condition,
        lines: plan.order.line_quantities(units.iter().copied()),
    });
    for (item, quantity) in plan.order.by_item(units) {
        let restock = Restock {
            effect: command.effect.clone(),
            return_id: command.return_id.clone(),
            hold: plan.hold_id(&item),
            location: command.location.clone(),
            condition: command.condition,
            quantity,
        };
        plan.send(item, ItemCommand::Restock(restock));
    }
    plan.done()
}

/// Units of a line that a return still waits for.
fn expected(announced: &Return, line: usize) -> u32 {
    announced.parts.iter().filter(|part| part.line == line).map(|part| part.requested - part.received).sum()
}
