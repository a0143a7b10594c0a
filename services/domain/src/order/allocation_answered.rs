//! An item's answer to an allocation; the last one also says what is due again.

use super::plan::Plan;
use crate::Decision;
use schemas::order::{AllocationAnswered, AllocationRefused, SubOrderAllocated};

/// The caller is whoever began the chain. No edge takes this command from outside. What is answered twice, or after its
/// units were cancelled, yields nothing.
pub(super) fn allocation_answered(mut plan: Plan<'_>, command: &AllocationAnswered) -> Decision {
    let order = &plan.order;
    let Some(place) = order.fulfilment.sub_order(&command.sub_order) else { return plan.silent() };
    let parts = order.fulfilment.sub_orders[place].parts.iter();
    let asked = parts.filter(|part| part.planned > 0 && *order.item_of(part.line) == command.item_id);
    let lines = order.line_quantities(asked.map(|part| (part.line, part.planned)));
    if lines.is_empty() {
        return plan.silent();
    }
    let (sub_order, item_id) = (command.sub_order.clone(), command.item_id.clone());
    match &command.refusal {
        Some(refusal) if !planted::bug!("allocation-refusal-ignored") => {
            plan.record(AllocationRefused { sub_order, item_id, refusal: refusal.clone(), lines });
        }
        Some(_) | None => plan.record(SubOrderAllocated { sub_order, item_id }),
    }
    plan.silent()
}
