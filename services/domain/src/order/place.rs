//! Places an order: asks every item at once, and waits.

use super::{
    OrderWait, Phase,
    plan::{ExpectedPrices, Plan, refuse},
};
use crate::{Answer, Decided, Decision, Wait};
use schemas::{
    Caller, Command, ItemId, LineId, Quantity, Role, SubjectId,
    cart::{CartCommand, CartOutcome, OrderEnded},
    order::{OrderLine, OrderOwner, OrderPlaced, OrderRejection, PlaceOrder},
};
use std::collections::BTreeMap;

pub(super) fn place(mut plan: Plan<'_>, command: &PlaceOrder) -> Decided {
    if plan.order.phase != Phase::New {
        return again(plan, command);
    }
    // What a cart checks before it sends, by the same functions, it is not refused here.
    let owner = match owner(plan.cx.caller, command.shopper.as_ref()) {
        Ok(owner) => owner,
        Err(rejection) => return refused(&plan, command, rejection),
    };
    let expected = match expected_prices(&command.lines) {
        Ok(expected) => expected,
        Err(item_id) => return refused(&plan, command, OrderRejection::ExpectedPricesDiffer { item_id }),
    };
    if let Err(item_id) = quantities(&command.lines) {
        return refused(&plan, command, OrderRejection::ItemQuantityTooLarge { item_id });
    }
    let known = |id: &LineId| command.lines.iter().any(|line| line.line_id == *id);
    if let Some(line_id) = command.adjustments.iter().filter_map(|a| a.line_id.as_ref()).find(|id| !known(id)) {
        return refused(&plan, command, OrderRejection::LineNotFound { line_id: line_id.clone() });
    }

    // From here it succeeds.
    let cx = plan.cx;
    plan.record(OrderPlaced {
        effect: command.effect.clone(),
        owner,
        channel: command.channel.clone(),
        ordered_at: command.ordered_at.unwrap_or(cx.now),
        lines: command.lines.clone(),
        adjustments: command.adjustments.clone(),
        payment: command.payment,
        submit: command.submit,
        from_cart: command.from_cart,
        drop: None,
        expires_in_seconds: command.expires_in_seconds.unwrap_or(cx.policy.checkout_seconds),
        answers_due_at: cx.now.plus_seconds(cx.policy.answer_timeout_seconds),
        metadata: command.metadata.clone(),
    });
    plan.place_holds(&expected);
    plan.until(OrderWait::Placed)
}

/// The id is taken: by the same request, which joins the wait; by other content; or by somebody else, who is told no
/// more than that it is not the caller's, whatever the content says.
fn again(plan: Plan<'_>, command: &PlaceOrder) -> Decided {
    if !plan.order.is_open_to(plan.cx.caller) {
        return refused(&plan, command, OrderRejection::OrderNotFound);
    }
    if plan.order.terms.as_ref().is_none_or(|terms| terms.effect.digest != command.effect.digest) {
        return refused(&plan, command, OrderRejection::ExistsWithDifferentContent);
    }
    if !command.from_cart {
        return plan.until(OrderWait::Placed);
    }
    // What has ended will not end again: a cart that has forgotten the checkout, and began it anew, would wait for ever.
    let has_ended = !matches!(plan.order.phase, Phase::Holding | Phase::AwaitingPayment);
    let sends = if has_ended { vec![over(&plan, command)] } else { Vec::new() };
    Ok(Decision { events: Vec::new(), sends, answer: Answer::Later(Wait::Order(OrderWait::Placed)) })
}

/// A refusal. What another aggregate is refused no client hears: so that of a cart is told by way of the wait, and the
/// cart is told that nothing comes of its checkout.
fn refused(plan: &Plan<'_>, command: &PlaceOrder, rejection: OrderRejection) -> Decided {
    if !command.from_cart {
        return refuse(rejection);
    }
    let answer = Answer::Later(Wait::Order(OrderWait::Refused(rejection)));
    Ok(Decision { events: Vec::new(), sends: vec![over(plan, command)], answer })
}

/// Tells the cart that this checkout is over; it knows already, unless it has forgotten.
fn over(plan: &Plan<'_>, command: &PlaceOrder) -> Command {
    let shopper = command.shopper.clone().unwrap_or_else(|| plan.cx.caller.subject.clone());
    let ended = OrderEnded { order_id: plan.order.id.clone(), outcome: CartOutcome::Cancelled };
    Command::Cart { shopper, command: CartCommand::OrderEnded(ended) }
}

/// Whose order it becomes. A shopper places only their own.
fn owner(caller: &Caller, shopper: Option<&SubjectId>) -> Result<OrderOwner, OrderRejection> {
    let shopper = match caller.role {
        Role::Shopper if shopper.is_none_or(|shopper| *shopper == caller.subject) => Some(caller.subject.clone()),
        Role::Service | Role::Operator | Role::Engine => shopper.cloned(),
        Role::Store if caller.store.is_some() => shopper.cloned(),
        Role::Shopper | Role::Store | Role::Supplier | Role::Warehouse | Role::Analyst => {
            return Err(OrderRejection::OrderNotFound);
        }
    };
    Ok(OrderOwner { shopper, placed_by: caller.clone() })
}

/// The price that the buyer saw of each item; the item of which they name two otherwise. A line with a price of its own
/// needs no check.
pub(crate) fn expected_prices(lines: &[OrderLine]) -> Result<ExpectedPrices, ItemId> {
    let mut expected = ExpectedPrices::new();
    for line in lines.iter().filter(|line| line.unit_price.is_none()) {
        let Some(price) = line.expected_unit_price else { continue };
        if *expected.entry(line.item_id.clone()).or_insert(price) != price {
            return Err(line.item_id.clone());
        }
    }
    Ok(expected)
}

/// The units of each item over all lines, ordered by item; the item that adds up to too many otherwise.
pub(crate) fn quantities(lines: &[OrderLine]) -> Result<Vec<(ItemId, Quantity)>, ItemId> {
    let mut units = BTreeMap::<&ItemId, u64>::new();
    for line in lines {
        *units.entry(&line.item_id).or_default() += line.quantity.units();
    }
    let quantity = |units| u32::try_from(units).ok().and_then(|units| Quantity::new(units).ok());
    units
        .into_iter()
        .map(|(item, units)| quantity(units).map(|quantity| (item.clone(), quantity)).ok_or_else(|| item.clone()))
        .collect()
}
