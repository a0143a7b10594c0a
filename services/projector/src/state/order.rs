//! What an order's row shows.

use read_model::views::order::{
    HistoryEntry, OrderRow, ReceiptRow, ReturnPart, ReturnRow, ShipmentRow, SubOrderPart, SubOrderRow, SubOrderStatus,
};
use schemas::{
    ItemId,
    item::ItemKind,
    order::{LineReply, OrderStatus},
    state::{
        HistoryState, OrderLineState, OrderState, ReceiptState, ReturnLineState, ReturnState, ShipmentState,
        SubOrderLineState, SubOrderProgress, SubOrderState,
    },
};
use std::collections::BTreeMap;

/// As the query of one order answers who acts for the shop; but the address stays sealed.
pub(super) fn state(row: OrderRow) -> OrderState {
    let waits = matches!(row.status, OrderStatus::Holding | OrderStatus::AwaitingPayment | OrderStatus::Expired);
    OrderState {
        expires_at: row.expires_at.filter(|_| waits),
        arrival_at: row.arrival_at(),
        sub_orders: row.sub_orders.iter().map(|sub_order| sub_order_state(&row, sub_order)).collect(),
        backordered: row.due.iter().filter(|_| row.backordered).cloned().collect(),
        returns: row.returns.into_iter().map(return_state).collect(),
        order_id: row.order_id,
        status: row.status,
        shopper: row.owner.and_then(|owner| owner.shopper),
        channel: row.channel,
        ordered_at: row.ordered_at,
        placed_at: row.placed_at,
        payment: row.payment,
        submitted: row.submitted,
        lines: row.lines.into_iter().map(|line| line_state(line, &row.files)).collect(),
        adjustments: row.adjustments,
        total: row.total,
        payments: row.payments,
        refusals: row.refusals,
        shipping_address: row.shipping_address,
        metadata: row.metadata,
        history: row.history.into_iter().map(history_state).collect(),
        history_left_out: row.history_left_out,
        position: row.position,
    }
}

fn line_state(line: LineReply, files: &BTreeMap<ItemId, String>) -> OrderLineState {
    let LineReply { line_id, item_id, quantity, unit_price, kind, store, cancelled, shipped, returned, metadata } =
        line;
    let is_delivered = kind == Some(ItemKind::Digital) && shipped > 0;
    OrderLineState {
        download_url: files.get(&item_id).filter(|_| is_delivered).cloned(),
        line_id,
        item_id,
        quantity: quantity.get(),
        unit_price,
        kind,
        store,
        cancelled,
        shipped,
        returned,
        metadata,
    }
}

fn sub_order_state(row: &OrderRow, sub_order: &SubOrderRow) -> SubOrderState {
    let line = |part: &SubOrderPart| SubOrderLineState {
        line_id: part.line_id.clone(),
        item_id: row.item_of(&part.line_id).cloned(),
        planned: part.planned,
        allocated: part.allocated,
        forwarded: part.forwarded,
        shipped: part.shipped,
    };
    SubOrderState {
        sub_order_id: sub_order.sub_order_id.clone(),
        parent: sub_order.parent.clone(),
        location: sub_order.location.clone(),
        status: progress(row.status_of(sub_order)),
        arrival_at: sub_order.arrival_at,
        lines: sub_order.lines.iter().map(line).collect(),
        shipments: sub_order.shipments.iter().cloned().map(shipment_state).collect(),
    }
}

const fn progress(status: SubOrderStatus) -> SubOrderProgress {
    match status {
        SubOrderStatus::Planned => SubOrderProgress::Planned,
        SubOrderStatus::Allocated => SubOrderProgress::Allocated,
        SubOrderStatus::Forwarded => SubOrderProgress::Forwarded,
        SubOrderStatus::Received => SubOrderProgress::Received,
        SubOrderStatus::Shipped => SubOrderProgress::Shipped,
        SubOrderStatus::Delivered => SubOrderProgress::Delivered,
        SubOrderStatus::Cancelled => SubOrderProgress::Cancelled,
    }
}

fn shipment_state(row: ShipmentRow) -> ShipmentState {
    let ShipmentRow { shipment_id, shipped_at, lines, to_location, arrived_at } = row;
    ShipmentState { shipment_id, shipped_at, lines, to_location, arrived_at }
}

fn return_state(row: ReturnRow) -> ReturnState {
    let ReturnRow { return_id, requested_at, reason, lines, receipts, metadata } = row;
    let line = |ReturnPart { line_id, quantity, received }| ReturnLineState { line_id, quantity, received };
    let receipt = |ReceiptRow { receipt_id, received_at, location, condition, lines }| ReceiptState {
        receipt_id,
        received_at,
        location,
        condition,
        lines,
    };
    ReturnState {
        return_id,
        requested_at,
        reason,
        lines: lines.into_iter().map(line).collect(),
        receipts: receipts.into_iter().map(receipt).collect(),
        metadata,
    }
}

fn history_state(entry: HistoryEntry) -> HistoryState {
    HistoryState {
        position: entry.position,
        time: entry.time,
        what: entry.what,
        actor: entry.actor,
        payment_id: entry.payment_id,
        refund_id: entry.refund_id,
        amount: entry.amount,
        reason: entry.reason,
        lines: entry.lines,
        sub_order_id: entry.sub_order_id,
        shipment_ids: entry.shipment_ids,
        return_id: entry.return_id,
        location: entry.location,
    }
}
