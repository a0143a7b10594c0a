//! The part of an order that a store may see: its own lines, as if nothing else were in it.

use super::{HistoryEntry, OrderRow, ReceiptRow, ReturnRow, ShipmentRow, SubOrderRow, fold::of_lines};
use schemas::{
    ItemId, LineId, Metadata, ShipmentId, StoreId, SubOrderId,
    item::ItemKind,
    order::{LineQuantity, LineReply, OrderRefusal, OrderStatus, subtotal},
};
use std::collections::BTreeSet;

/// Steps of an order that it takes as a whole, and that say nothing of money.
const STEPS: [&str; 7] = [
    "order_placed",
    "holds_granted",
    "order_submitted",
    "order_confirmed",
    "order_expired",
    "order_cancelled",
    "return_window_closed",
];

impl OrderRow {
    /// The part of it that is of lines which this store sells; `None` where it sells none.
    ///
    /// Whose it is, where it goes, its payments and what others sell are not in it; its total is what the store's lines come
    /// to, and its status is how far they are.
    #[must_use]
    pub fn of_store(self, store: &StoreId) -> Option<Self> {
        let lines: Vec<LineReply> = self.lines.into_iter().filter(|line| line.store.as_ref() == Some(store)).collect();
        if lines.is_empty() {
            return None;
        }
        // Looked up for every line of every entry of the history.
        let line_ids: BTreeSet<LineId> = lines.iter().map(|line| line.line_id.clone()).collect();
        let item_ids: BTreeSet<ItemId> = lines.iter().map(|line| line.item_id.clone()).collect();
        let is_own = |id: &LineId| line_ids.contains(id);
        let is_own_item = |id: &ItemId| item_ids.contains(id);
        let sub_orders = sub_orders(self.sub_orders, &is_own);
        let mut adjustments = self.adjustments;
        adjustments.retain(|adjustment| adjustment.line_id.as_ref().is_some_and(is_own));
        let due = quantities(self.due, &is_own);
        let is_digital = lines.iter().any(|line| line.kind == Some(ItemKind::Digital));
        let history = self.history.into_iter().filter_map(|entry| told(entry, &is_own, &sub_orders, is_digital));
        let history = history.collect();
        // Every field is named, so that of a new one somebody decides whether a store may know it.
        let mut row = Self {
            order_id: self.order_id,
            position: self.position,
            owner: None,
            status: self.state,
            state: self.state,
            placed_at: self.placed_at,
            ordered_at: self.ordered_at,
            channel: self.channel,
            payment: self.payment,
            submitted: self.submitted,
            files: self.files.into_iter().filter(|(item, _)| is_own_item(item)).collect(),
            total: subtotal(&lines, &adjustments),
            adjustments,
            expires_at: self.expires_at,
            refusals: self.refusals.into_iter().filter_map(|refusal| refused(refusal, &is_own_item)).collect(),
            payments: Vec::new(),
            shipping_address: None,
            metadata: Metadata::default(),
            sub_orders,
            backordered: self.backordered && !due.is_empty(),
            due,
            returns: self.returns.into_iter().filter_map(|row| returned(row, &is_own)).collect(),
            return_window_closed: self.return_window_closed,
            history,
            history_left_out: self.history_left_out,
            lines,
        };
        row.status = status(&row);
        Some(row)
    }
}

/// How far the lines are; of an order that has ended, without what became of its money.
fn status(row: &OrderRow) -> OrderStatus {
    match row.state {
        OrderStatus::Confirmed if row.lines.iter().all(|line| line.cancelled == line.quantity.get()) => {
            OrderStatus::Cancelled
        }
        OrderStatus::Confirmed => of_lines(row),
        other => other,
    }
}

/// What was refused of the lines' items.
fn refused(refusal: OrderRefusal, is_own_item: &impl Fn(&ItemId) -> bool) -> Option<OrderRefusal> {
    match refusal {
        OrderRefusal::Item { item_id, refusal } if is_own_item(&item_id) => {
            Some(OrderRefusal::Item { item_id, refusal })
        }
        OrderRefusal::ItemsUnanswered { mut item_ids } => {
            item_ids.retain(is_own_item);
            (!item_ids.is_empty()).then_some(OrderRefusal::ItemsUnanswered { item_ids })
        }
        OrderRefusal::Item { .. }
        | OrderRefusal::MixedCurrencies
        | OrderRefusal::TotalNegative
        | OrderRefusal::TotalTooLarge => None,
    }
}

fn quantities(mut lines: Vec<LineQuantity>, is_own: &impl Fn(&LineId) -> bool) -> Vec<LineQuantity> {
    lines.retain(|line| is_own(&line.line_id));
    lines
}

/// Sub-orders with a part of the lines, and those to whose warehouse they ship; without the others' parts.
fn sub_orders(all: Vec<SubOrderRow>, is_own: &impl Fn(&LineId) -> bool) -> Vec<SubOrderRow> {
    let has_part = |sub_order: &SubOrderRow| sub_order.lines.iter().any(|part| is_own(&part.line_id));
    let parents: Vec<SubOrderId> =
        all.iter().filter(|child| has_part(child)).filter_map(|child| child.parent.clone()).collect();
    let seen = all.into_iter().filter(|sub_order| has_part(sub_order) || parents.contains(&sub_order.sub_order_id));
    let own = seen.map(|mut sub_order| {
        sub_order.lines.retain(|part| is_own(&part.line_id));
        let shipments = sub_order
            .shipments
            .into_iter()
            .map(|shipment| ShipmentRow { lines: quantities(shipment.lines, is_own), ..shipment });
        sub_order.shipments = shipments.filter(|shipment| !shipment.lines.is_empty()).collect();
        sub_order
    });
    own.collect()
}

/// A return with a part of the lines. The reason is the buyer's word for it; the pairs are for who announced it.
fn returned(row: ReturnRow, is_own: &impl Fn(&LineId) -> bool) -> Option<ReturnRow> {
    let ReturnRow { return_id, requested_at, reason, mut lines, receipts, metadata: _ } = row;
    lines.retain(|part| is_own(&part.line_id));
    let receipts = receipts
        .into_iter()
        .map(|receipt| ReceiptRow { lines: quantities(receipt.lines, is_own), ..receipt })
        .filter(|receipt| !receipt.lines.is_empty())
        .collect();
    let metadata = Metadata::default();
    (!lines.is_empty()).then_some(ReturnRow { return_id, requested_at, reason, lines, receipts, metadata })
}

/// An entry of the history that is about the lines, or about the order as a whole; who caused it by role only.
fn told(
    entry: HistoryEntry,
    is_own: &impl Fn(&LineId) -> bool,
    sub_orders: &[SubOrderRow],
    is_digital: bool,
) -> Option<HistoryEntry> {
    let shipments = || sub_orders.iter().flat_map(|sub_order| &sub_order.shipments);
    let is_known = |id: &ShipmentId| shipments().any(|shipment| shipment.shipment_id == *id);
    let lines = quantities(entry.lines, is_own);
    let shipment_ids: Vec<ShipmentId> = entry.shipment_ids.into_iter().filter(is_known).collect();
    let is_step = STEPS.contains(&entry.what.as_str()) || is_digital && entry.what == "digital_delivered";
    let is_told = is_step || !lines.is_empty() || entry.what == "shipments_delivered" && !shipment_ids.is_empty();
    is_told.then(|| HistoryEntry {
        position: entry.position,
        time: entry.time,
        what: entry.what,
        actor: entry.actor.split(':').next().unwrap_or_default().to_owned(),
        payment_id: None,
        refund_id: None,
        amount: None,
        // Of a step of the whole order it may be about what others sell.
        reason: entry.reason.filter(|_| !is_step),
        lines,
        sub_order_id: entry.sub_order_id,
        shipment_ids,
        return_id: entry.return_id,
        location: entry.location,
    })
}

#[cfg(test)]
mod tests {
    use super::STEPS;
    use schemas::Event;

    #[test]
    fn every_step_is_an_event() {
        let is_event = |step: &str| {
            let name = format!("stockfold.orders.{}.v1", step.replace('_', "-"));
            Event::types().any(|known| known == name)
        };
        assert!(STEPS.into_iter().all(is_event), "{STEPS:?}");
    }
}
