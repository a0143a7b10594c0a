//! What a store is told, and may do, of an order of its items that is somebody else's.

use super::{Line, Order, Phase, adjusted};
use crate::sim::{
    checker::evidence::{list, number, text},
    model::order::decide::refuse,
};
use serde_json::{Value, json};

/// The largest amount of money, in minor units.
const MOST: i128 = (1 << 53) - 1;

impl Order {
    /// The store that a caller sells lines of the order for; `None` where the order is theirs as a whole, or none of it is.
    pub fn seller<'c>(&self, caller: &'c Value) -> Option<&'c Value> {
        let store = &caller["store"];
        let sells = text(caller, "role") == "store" && self.lines.iter().any(|line| line.sold_by(store));
        (sells && self.owned(caller).is_err()).then_some(store)
    }

    /// What is wrong with a cancellation by a store: the order is not bought, nothing of its lines is open, or it names a line
    /// that is not its own.
    pub fn refuses_seller(&self, store: &Value, c: &Value) -> Option<Value> {
        let status = || json!({"code": "order_not_ready", "status": self.status()});
        if self.phase != Phase::Confirmed {
            return Some(self.ended().unwrap_or_else(status));
        }
        let own: Vec<_> = self.lines.iter().filter(|line| line.sold_by(store)).collect();
        if own.iter().all(|line| Self::open(line) == 0) {
            return Some(refuse("already_shipped"));
        }
        let foreign = list(c, "lines").iter().find(|named| own.iter().all(|line| line.id != text(named, "lineId")))?;
        Some(json!({"code": "line_not_found", "lineId": foreign["lineId"]}))
    }

    /// The order as a caller is told of it.
    pub fn shown_to(&self, caller: &Value) -> Value {
        let mut told = self.reply(false, None);
        let Some(store) = self.seller(caller) else { return told };
        let own: Vec<_> = self.lines.iter().filter(|line| line.sold_by(store)).collect();
        let is_own = |id: &Value| own.iter().any(|line| *id == line.id.as_str());
        let adjustments: Vec<_> =
            list(&self.terms, "adjustments").iter().filter(|adjustment| is_own(&adjustment["lineId"])).collect();
        told["status"] = json!(self.status_of(store));
        told["lines"] = json!(own.iter().map(|line| line.shown()).collect::<Vec<_>>());
        told["adjustments"] = json!(adjustments);
        told["total"] = self.sum_of(&own);
        told["payments"] = json!([]);
        told["metadata"] = json!({});
        told
    }

    /// What lines come to with the adjustments that are theirs alone.
    fn sum_of(&self, lines: &[&Line]) -> Value {
        let Some(prices) = lines.iter().map(|line| line.price.as_ref()).collect::<Option<Vec<_>>>() else {
            return Value::Null;
        };
        let sum: i128 = lines
            .iter()
            .zip(&prices)
            .map(|(line, price)| {
                i128::from(number(price, "amount")) * i128::from(line.quantity) + adjusted(&self.terms, Some(&line.id))
            })
            .sum();
        if sum.abs() > MOST {
            return Value::Null;
        }
        json!({"amount": i64::try_from(sum).expect("it was looked at"), "currency": prices[0]["currency"]})
    }

    /// How far the lines of a store are.
    fn status_of(&self, store: &Value) -> &'static str {
        let own = || self.lines.iter().filter(|line| line.sold_by(store));
        let on_its_way =
            self.shipping.shipments.iter().filter(|shipment| shipment.parent.is_none() && !shipment.delivered);
        match self.phase {
            Phase::New | Phase::Expired => "expired",
            Phase::Holding | Phase::Reholding => "holding",
            Phase::AwaitingPayment => "awaiting_payment",
            Phase::Rejected => "rejected",
            Phase::Cancelled => "cancelled",
            Phase::Confirmed if own().any(|line| Self::open(line) > 0) => "confirmed",
            Phase::Confirmed if own().all(|line| line.shipped == 0) => "cancelled",
            Phase::Confirmed => {
                let mut parts = on_its_way.flat_map(|shipment| &shipment.parts);
                if parts.any(|part| self.lines[part.0].sold_by(store)) { "shipped" } else { "delivered" }
            }
        }
    }
}

impl Line {
    fn sold_by(&self, store: &Value) -> bool {
        !store.is_null() && self.store == *store
    }
}
