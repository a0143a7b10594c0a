//! Places an order: asks every item at once, and waits.

use super::{
    OrderWait, Phase,
    plan::{ExpectedPrices, Plan, refuse},
};
use crate::Decided;
use schemas::{
    Caller, ItemId, LineId, Quantity, Role, SubjectId,
    order::{OrderLine, OrderOwner, OrderPlaced, OrderRejection, PlaceOrder},
};
use std::collections::BTreeMap;

pub(super) fn place(mut plan: Plan<'_>, command: &PlaceOrder) -> Decided {
    if plan.order.phase != Phase::New {
        return again(plan, command);
    }
    let owner = match owner(plan.cx.caller, command.shopper.as_ref()) {
        Ok(owner) => owner,
        Err(rejection) => return refuse(rejection),
    };
    let expected = match expected_prices(&command.lines) {
        Ok(expected) => expected,
        Err(rejection) => return refuse(rejection),
    };
    if let Err(item_id) = quantities(&command.lines) {
        return refuse(OrderRejection::ItemQuantityTooLarge { item_id });
    }
    let known = |id: &LineId| command.lines.iter().any(|line| line.line_id == *id);
    if let Some(line_id) = command.adjustments.iter().filter_map(|a| a.line_id.as_ref()).find(|id| !known(id)) {
        return refuse(OrderRejection::LineNotFound { line_id: line_id.clone() });
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
        return refuse(OrderRejection::OrderNotFound);
    }
    if plan.order.terms.as_ref().is_none_or(|terms| terms.effect.digest != command.effect.digest) {
        return refuse(OrderRejection::ExistsWithDifferentContent);
    }
    plan.until(OrderWait::Placed)
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

/// The price that the buyer saw of each item. A line with a price of its own needs no check.
fn expected_prices(lines: &[OrderLine]) -> Result<ExpectedPrices, OrderRejection> {
    let mut expected = ExpectedPrices::new();
    for line in lines.iter().filter(|line| line.unit_price.is_none()) {
        let Some(price) = line.expected_unit_price else { continue };
        if *expected.entry(line.item_id.clone()).or_insert(price) != price {
            return Err(OrderRejection::ExpectedPricesDiffer { item_id: line.item_id.clone() });
        }
    }
    Ok(expected)
}

/// The units of each item over all lines, ordered by item; the item that adds up to too many otherwise.
pub(super) fn quantities(lines: &[OrderLine]) -> Result<Vec<(ItemId, Quantity)>, ItemId> {
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
