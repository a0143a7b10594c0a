//! An item's answer to a hold; the last answer also decides.

use super::{Order, Phase, money, plan::Plan};
use crate::{Answer, Context, Decided, Decision};
use schemas::{
    Event, Money,
    order::{
        HoldAnswer, HoldsGranted, ItemAnswered, ItemHeld, ItemRefused, OrderEvent, OrderLine, OrderRefusal,
        OrderRejected, OrderSubmitted, PricedLine, ReholdFailed, SubmitMode,
    },
};

/// The caller is whoever began the chain: a shopper, an operator, the engine. No edge takes this command from outside.
/// What an item says of another attempt, in another state, or twice, yields nothing: its hold was released already.
pub(super) fn item_answered(order: &Order, command: &ItemAnswered, cx: Context<'_>) -> Decided {
    let counts = order.is_asking() && command.attempt == order.attempt;
    let open = order.holds.iter().filter(|hold| hold.answer.is_none());
    let answers_one = counts && open.clone().any(|hold| hold.item == command.item_id);
    let is_last = open.take(2).count() == 1;
    if answers_one && !is_last {
        // The common case of a large order needs no copy of it.
        return Ok(Decision { events: vec![Event::Order(event(command))], sends: Vec::new(), answer: Answer::Nobody });
    }
    let mut plan = Plan::new(order, cx);
    if answers_one {
        plan.record(event(command));
        all_answered(&mut plan);
    }
    Ok(plan.silent())
}

fn event(command: &ItemAnswered) -> OrderEvent {
    let (attempt, item_id) = (command.attempt, command.item_id.clone());
    match &command.answer {
        HoldAnswer::Granted { unit_price, kind, file, store } => {
            let (unit_price, kind) = (*unit_price, *kind);
            ItemHeld { attempt, item_id, unit_price, kind, file: file.clone(), store: store.clone() }.into()
        }
        HoldAnswer::Refused { refusal } => ItemRefused { attempt, item_id, refusal: refusal.clone() }.into(),
    }
}

fn all_answered(plan: &mut Plan<'_>) {
    let refusals = refusals(&plan.order);
    if !refusals.is_empty() {
        give_up(plan, refusals);
    } else if plan.order.phase == Phase::Reholding {
        // The prices of the first grant stand: the buyer has paid them.
        plan.confirm();
    } else {
        grant(plan);
    }
}

/// Everything that was refused, by item.
pub(super) fn refusals(order: &Order) -> Vec<OrderRefusal> {
    let refused = order.holds.iter().filter_map(|hold| match &hold.answer {
        Some(HoldAnswer::Refused { refusal }) => {
            Some(OrderRefusal::Item { item_id: hold.item.clone(), refusal: refusal.clone() })
        }
        Some(HoldAnswer::Granted { .. }) | None => None,
    });
    refused.collect()
}

/// Not all could be held: nothing stays held.
pub(super) fn give_up(plan: &mut Plan<'_>, refusals: Vec<OrderRefusal>) {
    if plan.order.phase == Phase::Reholding {
        plan.record(ReholdFailed { attempt: plan.order.attempt, refusals, effect: None });
    } else {
        plan.record(OrderRejected { refusals });
    }
    if !planted::bug!("partial-hold-kept") {
        plan.release_holds();
    }
}

fn grant(plan: &mut Plan<'_>) {
    let terms = plan.order.terms.clone().expect("an order that holds was placed");
    let priced = priced(&plan.order, &terms.lines);
    grant_at(plan, priced);
}

/// All is held, at these prices: the checkout begins, if its total is one.
pub(super) fn grant_at(plan: &mut Plan<'_>, priced: Vec<PricedLine>) {
    let terms = plan.order.terms.clone().expect("an order that holds was placed");
    let lines: Vec<(OrderLine, Money)> =
        terms.lines.iter().zip(&priced).map(|(line, priced)| (line.clone(), priced.unit_price)).collect();
    let total = match money::total(&lines, &terms.adjustments) {
        Ok((total, _)) => total,
        Err(refusal) => return give_up(plan, vec![refusal]),
    };
    let expires_at = plan.cx.now.plus_seconds(terms.expires_in_seconds);
    plan.record(HoldsGranted {
        lines: priced,
        total,
        expires_at,
        expires_for_good_at: expires_at.plus_seconds(plan.cx.policy.grace_seconds),
        ordered_at: Some(terms.ordered_at),
    });
    if terms.submit == SubmitMode::Auto {
        plan.record(OrderSubmitted { effect: None });
    }
    plan.confirm_if_paid();
}

/// Each line with its own price, or else its item's, and with the store that sells it.
fn priced(order: &Order, lines: &[OrderLine]) -> Vec<PricedLine> {
    let priced = lines.iter().filter_map(|line| {
        let hold = order.holds.iter().find(|hold| hold.item == line.item_id)?;
        let Some(HoldAnswer::Granted { unit_price, kind, file: _, store }) = &hold.answer else { return None };
        let unit_price = line.unit_price.unwrap_or(*unit_price);
        Some(PricedLine { line_id: line.line_id.clone(), unit_price, kind: *kind, store: store.clone() })
    });
    let priced: Vec<PricedLine> = priced.collect();
    assert_eq!(priced.len(), lines.len(), "every item of a line has granted");
    priced
}
