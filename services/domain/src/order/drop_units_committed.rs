//! The item of a drop's claim has ordered its units: from here they are planned.

use super::{Phase, plan::Plan};
use crate::Decision;
use schemas::order::{DropUnitsCommitted, DropUnitsOrdered};

/// Once. An order that was cancelled as a whole before has nothing to plan.
pub(super) fn drop_units_committed(mut plan: Plan<'_>, command: &DropUnitsCommitted) -> Decision {
    if plan.order.phase == Phase::Confirmed && plan.order.awaits_units() {
        plan.record(DropUnitsOrdered { item_id: command.item_id.clone() });
    }
    plan.silent()
}
