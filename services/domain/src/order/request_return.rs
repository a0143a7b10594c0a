//! Announces that shipped units will be sent back.

use super::{
    Order,
    plan::{Plan, refuse},
    status::confirmed,
};
use crate::Decided;
use schemas::{
    LineId,
    item::ItemKind,
    order::{OrderRejection, RequestReturn, ReturnRequested},
};

/// The most returns of an order, and the most receipts of them: each is remembered.
pub(super) const MAX_RETURNS: u32 = 1_000;

pub(super) fn request_return(mut plan: Plan<'_>, command: &RequestReturn) -> Decided {
    if let Some(known) = plan.order.fulfilment.returns.iter().find(|known| known.id == command.return_id) {
        let same = known.effect.digest == command.effect.digest;
        return if same { plan.done() } else { refuse(OrderRejection::IdempotencyKeyReused) };
    }
    if let Err(rejection) = confirmed(&plan.order) {
        return refuse(rejection);
    }
    if plan.order.fulfilment.window_closed {
        return refuse(OrderRejection::ReturnWindowClosed);
    }
    let refusal = |line_id: LineId, returnable| match digital(&plan.order, &line_id) {
        true => OrderRejection::NotReturnable { line_id },
        false => OrderRejection::NotThatManyReturnable { line_id, returnable },
    };
    let units = match plan.order.named_units(&command.lines, |line| returnable(&plan.order, line), refusal) {
        Ok(units) => units,
        Err(rejection) => return refuse(rejection),
    };
    if plan.order.fulfilment.returns.len() >= MAX_RETURNS as usize {
        return refuse(OrderRejection::TooManyReturns { limit: MAX_RETURNS });
    }

    // From here it succeeds.
    plan.record(ReturnRequested {
        effect: command.effect.clone(),
        return_id: command.return_id.clone(),
        lines: plan.order.line_quantities(units),
        reason: command.reason.clone(),
        metadata: command.metadata.clone(),
    });
    plan.done()
}

/// Units that have shipped and are not announced: none of a digital line.
fn returnable(order: &Order, line: usize) -> u32 {
    if order.is_digital(line) {
        return 0;
    }
    if planted::bug!("return-beyond-shipped") {
        return order.terms.as_ref().map_or(0, |terms| terms.lines[line].quantity.get());
    }
    order.lines[line].shipped - order.lines[line].requested
}

fn digital(order: &Order, line: &LineId) -> bool {
    order.line_index(line).is_some_and(|line| order.is_digital(line))
}

impl Order {
    /// Whether a line has nothing that ships.
    pub(super) fn is_digital(&self, line: usize) -> bool {
        self.lines[line].priced.is_some_and(|priced| priced.kind == ItemKind::Digital)
    }
}
