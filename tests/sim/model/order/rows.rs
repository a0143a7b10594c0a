//! What the view of orders must show.

use super::{
    Line, Order, Payment, Phase,
    shipping::{Part, Return, Shipment, SubOrder},
};
use crate::sim::checker::evidence::Event;
use serde_json::{Map, Value, json};

impl Order {
    /// Adds an event to the history that the view keeps.
    pub fn tell(&mut self, event: &Event) {
        let value = &event.value;
        match event.name.as_str() {
            "item-held" | "item-refused" | "sub-order-allocated" => return,
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
            "payment-pending" => &["paymentId"],
            "payment-attempt-failed" | "capture-failed" => &["paymentId", "reason"],
            "operator-refunded" => &["amount", "reason"],
            "order-cancelled" => &["reason"],
            "lines-cancelled" => &["reason", "lines"],
            _ => &[],
        };
        let told = fields.iter().filter(|field| !value[**field].is_null());
        entry.extend(told.map(|field| ((*field).to_owned(), value[*field].clone())));
        entry.extend(parcel_told(event).into_iter().map(|(name, field)| (name.to_owned(), field)));
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
            "backordered": self.shipping.shown_waiting, "returnWindowClosed": self.shipping.closed,
        });
        let lists = [
            ("refusals", json!(self.view_refusals)),
            ("payments", json!(payments)),
            ("subOrders", json!(self.sub_order_rows())),
            ("due", json!(self.shipping.shown_due)),
            ("returns", json!(self.return_rows())),
            ("files", if self.files.is_empty() { Value::Null } else { json!(self.files) }),
        ];
        let optional = [
            ("owner", terms["owner"].clone()),
            ("channel", terms["channel"].clone()),
            ("adjustments", terms["adjustments"].clone()),
            ("total", json!(self.total)),
            ("expiresAt", self.expires_at.clone()),
            ("metadata", terms["metadata"].clone()),
            ("shippingAddress", self.address.clone()),
        ];
        let empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        for (name, value) in optional.into_iter().chain(lists).filter(|(_, value)| !empty(value)) {
            row[name] = value;
        }
        Some(row)
    }
}

impl Order {
    fn sub_order_rows(&self) -> Vec<Value> {
        let row = |sub_order: &SubOrder| {
            let shipments = || self.shipping.shipments.iter().filter(|shipment| shipment.sub_order == sub_order.id);
            let forwarded = |line: usize| {
                let parts = shipments().flat_map(|shipment| &shipment.parts).filter(|part| part.0 == line);
                parts.map(|part| part.2).sum::<i64>()
            };
            let part = |part: &Part| {
                json!({
                    "lineId": self.lines[part.line].id, "planned": part.planned, "allocated": part.allocated,
                    "forwarded": forwarded(part.line), "shipped": part.shipped,
                })
            };
            let left = |shipment: &Shipment| {
                let lines = self.quantities(shipment.parts.iter().map(|part| (part.0, part.1)));
                let to = &shipment.to_location;
                with(
                    json!({"shipmentId": shipment.id, "shippedAt": shipment.shipped_at, "lines": lines}),
                    [("toLocation", to.clone()), ("arrivedAt", shipment.arrived_at.clone())],
                )
            };
            let parts: Vec<_> = sub_order.parts.iter().map(part).collect();
            let left: Vec<_> = shipments().map(left).collect();
            with(
                json!({"subOrderId": sub_order.id, "location": sub_order.location, "lines": parts}),
                [
                    ("parent", json!(sub_order.parent)),
                    ("arrivalAt", sub_order.arrival_at.clone()),
                    ("shipments", json!(left)),
                ],
            )
        };
        self.shipping.sub_orders.iter().map(row).collect()
    }

    fn return_rows(&self) -> Vec<Value> {
        let row = |announced: &Return| {
            let part = |part: &(usize, i64, i64)| json!({"lineId": self.lines[part.0].id, "quantity": part.1, "received": part.2});
            let lines: Vec<_> = announced.parts.iter().map(part).collect();
            with(
                json!({
                    "returnId": announced.id, "requestedAt": announced.at, "reason": announced.reason, "lines": lines,
                }),
                [("receipts", json!(announced.receipts)), ("metadata", announced.metadata.clone())],
            )
        };
        self.shipping.returns.iter().map(row).collect()
    }
}

/// An object with those of the fields that are neither null nor empty.
fn with<const N: usize>(mut object: Value, fields: [(&str, Value); N]) -> Value {
    for (name, field) in fields {
        if !field.is_null() && field.as_array().is_none_or(|list| !list.is_empty()) {
            object[name] = field;
        }
    }
    object
}

/// What the history says of sub-orders, shipments and returns.
fn parcel_told(event: &Event) -> Vec<(&'static str, Value)> {
    let value = &event.value;
    let lines = || {
        let plain = |line: &Value| json!({"lineId": line["lineId"], "quantity": line["quantity"]});
        json!(super::list(value, "lines").iter().map(plain).collect::<Vec<_>>())
    };
    let (id, of) = (&value["effect"]["id"], |name: &str| value[name].clone());
    let told = match event.name.as_str() {
        "shipments-due" | "shipments-backordered" => vec![("lines", lines())],
        "allocation-refused" | "sub-order-deallocated" => vec![("subOrderId", of("subOrder")), ("lines", lines())],
        "shipment-shipped" | "shipment-forwarded" => vec![
            ("subOrderId", of("subOrder")),
            ("shipmentIds", json!([id])),
            ("location", of("location")),
            ("lines", lines()),
        ],
        "forward-received" => vec![("shipmentIds", json!([value["shipment"]])), ("lines", lines())],
        "shipments-delivered" => vec![("shipmentIds", of("shipments"))],
        "return-requested" => vec![("returnId", of("returnId")), ("reason", of("reason")), ("lines", lines())],
        "return-received" => vec![("returnId", of("returnId")), ("location", of("location")), ("lines", lines())],
        _ => Vec::new(),
    };
    told.into_iter().filter(|(_, field)| field.as_array().is_none_or(|list| !list.is_empty())).collect()
}
