//! The provider gave money back: recorded in every state.

use super::plan::{Plan, refuse};
use crate::Decided;
use schemas::order::{OrderRejection, RefundSettled, SettleRefund};

pub(super) fn settle_refund(mut plan: Plan<'_>, command: &SettleRefund) -> Decided {
    let Some(refund) = plan.order.refunds.iter().find(|refund| refund.refund_id == command.refund_id) else {
        return refuse(OrderRejection::PaymentNotFound);
    };
    if !refund.settled {
        let (payment_id, amount) = (refund.payment_id.clone(), refund.amount);
        plan.record(RefundSettled { refund_id: command.refund_id.clone(), payment_id, amount });
    }
    plan.done()
}
