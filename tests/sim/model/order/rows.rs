//! What the view of orders must show.

use super::{Line, Order, Payment, Phase};
use crate::sim::checker::evidence::Event;
use serde_json::{Map, Value, json};

impl Order {
    /// Adds an event to the history that the view keeps.
    pub fn tell(&mut self, event: &Event) {
        let value = &event.value;
        match event.name.as_str() {
            "item-held" | "item-refused" => return,
            "order-rejected" | "rehold-failed" => {
                self.view_refusals = super::list(value, "refusals").to_vec();
            }
            "late-payment" => self.view_refusals.clear(),
            _ => {}
        }
        let mut entry = Map::new();
        entry.insert("position".to_owned(), json!(event.position()));
        entry.insert("time".to_owned(), json!(event.time));
        entry.insert("type".to_owned(), json!(event.name.replace('-', "_")));
        entry.insert("actor".to_owned(), json!(event.actor));
        let fields: &[&str] = match event.name.as_str() {
            "payment-started" | "payment-authorized" | "capture-due" | "payment-captured" => &["paymentId", "amount"],
            "refund-due" | "refund-settled" => &["paymentId", "amount", "refundId"],
            "payment-attempt-failed" | "capture-failed" => &["paymentId", "reason"],
            "operator-refunded" => &["amount", "reason"],
            "order-cancelled" => &["reason"],
            "lines-cancelled" => &["reason", "lines"],
            _ => &[],
        };
        let told = fields.iter().filter(|field| !value[**field].is_null());
        entry.extend(told.map(|field| ((*field).to_owned(), value[*field].clone())));
        self.history.push(Value::Object(entry));
    }

    /// What its last step left it in, as the view names it.
    fn state(&self) -> &'static str {
        match self.phase {
            Phase::New | Phase::Expired => "expired",
            Phase::Holding | Phase::Reholding => "holding",
            Phase::AwaitingPayment => "awaiting_payment",
            Phase::Confirmed => "confirmed",
            Phase::Rejected => "rejected",
            Phase::Cancelled => "cancelled",
        }
    }

    /// The row of the view; `None` where nothing has happened.
    pub fn row(&self) -> Option<Value> {
        let (position, since) = (self.newest.as_ref()?, self.since.as_ref()?);
        let terms = &self.terms;
        let placed_at = if self.is_placed() { &self.placed_at } else { since };
        let or = |value: &Value, other: Value| if value.is_null() { other } else { value.clone() };
        let lines: Vec<_> = self.lines.iter().map(Line::shown).collect();
        let payments: Vec<_> = self.payments.iter().map(Payment::shown).collect();
        let mut row = json!({
            "orderId": self.id, "position": position, "status": self.status(), "state": self.state(),
            "placedAt": placed_at, "orderedAt": or(&terms["orderedAt"], json!(since)),
            "payment": or(&terms["payment"], json!("provider")), "submitted": self.submitted.is_some(),
            "lines": lines, "history": self.history, "historyLeftOut": 0,
        });
        let lists = [("refusals", json!(self.view_refusals)), ("payments", json!(payments))];
        let optional = [
            ("owner", terms["owner"].clone()),
            ("channel", terms["channel"].clone()),
            ("adjustments", terms["adjustments"].clone()),
            ("total", json!(self.total)),
            ("expiresAt", self.expires_at.clone()),
            ("metadata", terms["metadata"].clone()),
        ];
        let empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        for (name, value) in optional.into_iter().chain(lists).filter(|(_, value)| !empty(value)) {
            row[name] = value;
        }
        Some(row)
    }
}
