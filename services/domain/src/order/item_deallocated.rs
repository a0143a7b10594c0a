//! An item gave up units that it had allocated: what of them has not shipped is due again.

use super::plan::Plan;
use crate::Decision;
use schemas::order::{ItemDeallocated, SubOrderDeallocated};

/// The caller is whoever began the chain. No edge takes this command from outside.
///
/// It is recorded also where all of it was shipped or cancelled meanwhile, or told again it would take what came later.
pub(super) fn item_deallocated(mut plan: Plan<'_>, command: &ItemDeallocated) -> Decision {
    let fulfilment = &plan.order.fulfilment;
    let known = fulfilment.deallocations.iter().any(|known| {
        known.cause == command.cause && known.sub_order == command.sub_order && known.item == command.item_id
    });
    let Some(place) = fulfilment.sub_order(&command.sub_order).filter(|_| !known) else { return plan.silent() };
    if planted::bug!("deallocated-units-lost") {
        return plan.silent();
    }
    let mut left = command.quantity.get();
    let mut taken = Vec::new();
    // The last line first.
    for part in fulfilment.sub_orders[place].parts.iter().rev() {
        if *plan.order.item_of(part.line) == command.item_id {
            let units = left.min(part.allocated);
            left -= units;
            taken.push((part.line, units));
        }
    }
    plan.record(SubOrderDeallocated {
        cause: command.cause.clone(),
        sub_order: command.sub_order.clone(),
        item_id: command.item_id.clone(),
        lines: plan.order.line_quantities(taken),
    });
    plan.silent()
}
