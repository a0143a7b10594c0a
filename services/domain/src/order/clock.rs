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
        Phase::Confirmed => plan.record(ReturnWindowClosed {}),
        Phase::New | Phase::Rejected | Phase::Expired | Phase::Cancelled => {
            unreachable!("only what waits has a deadline")
        }
    }
    plan.silent()
}

fn unanswered(order: &Order) -> OrderRefusal {
    let silent = order.holds.iter().filter(|hold| hold.answer.is_none());
    OrderRefusal::ItemsUnanswered { item_ids: silent.map(|hold| hold.item.clone()).collect() }
}
