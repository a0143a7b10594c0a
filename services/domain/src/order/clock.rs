//! What the passing of time does to an order.

use super::{
    Order, Phase,
    item_answered::{give_up, refusals},
    plan::Plan,
};
use crate::{Context, Decision};
use schemas::order::{OrderExpired, OrderRefusal, ReturnWindowClosed};

/// Gives up items that have not answered, or a checkout that was not paid and submitted, or closes the return window, or
/// has an order say what is due; nothing before the deadline.
#[must_use]
pub fn on_clock(order: &Order, cx: Context<'_>) -> Decision {
    let mut plan = Plan::new(order, cx);
    if order.deadline.is_none_or(|deadline| cx.now < deadline) {
        return plan.silent();
    }
    match order.phase {
        Phase::Holding | Phase::Reholding => {
            let mut all = refusals(order);
            all.push(unanswered(order));
            give_up(&mut plan, all);
        }
        Phase::AwaitingPayment => {
            plan.record(OrderExpired {});
            plan.release_holds();
        }
        // What is due is said with every decision.
        Phase::Confirmed if order.is_open() => {}
        Phase::Confirmed => close_returns(&mut plan),
        Phase::New | Phase::Rejected | Phase::Expired | Phase::Cancelled => {
            unreachable!("only what waits has a deadline")
        }
    }
    plan.silent()
}

/// No more returns are announced: the items need not keep what they know of the shipped units.
///
/// It is the one way in which an order ends whose units have left: without a physical shipment there is no window, and
/// an item lets go by itself of what was cancelled, has come back or is digital. What was announced and has not come is
/// not waited for, since it may never come: when it does, the items take the order's word for it.
fn close_returns(plan: &mut Plan<'_>) {
    plan.record(ReturnWindowClosed {});
    if !planted::bug!("hold-kept-after-returns") {
        plan.close_holds();
    }
}

fn unanswered(order: &Order) -> OrderRefusal {
    let silent = order.holds.iter().filter(|hold| hold.answer.is_none());
    OrderRefusal::ItemsUnanswered { item_ids: silent.map(|hold| hold.item.clone()).collect() }
}
