//! What of an order the numbers of the shop are made of: its lines with their prices, and what was taken back of them.
//!
//! What it says of an event never changes once the event is in it: what came later is told apart by its seq. So whoever folds
//! an event again, from a row that has seen more, counts the same.

use crate::{fold::Fact, store::Table};
use schemas::{
    Currency, Event, ItemId, LineId, Money, StoreId, Timestamp,
    order::{Adjustment, HoldsGranted, LineQuantity, OrderEvent, OrderPlaced},
};
use serde::{Deserialize, Serialize};

/// The table: a row for each order.
pub const TABLE: Table = Table { name: "sale_v1" };

/// An order as the numbers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sale {
    pub(super) lines: Vec<SaleLine>,
    /// Adjustments of the order as a whole that count in its total: signed minor units.
    pub(super) of_order: i64,
    /// Of all its money, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) currency: Option<Currency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confirmed: Option<Confirmed>,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SaleLine {
    line_id: LineId,
    pub(super) item_id: ItemId,
    pub(super) units: u32,
    /// Minor units for one.
    unit_price: i64,
    /// The line's own adjustments that count in the total: signed minor units.
    adjusted: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) store: Option<StoreId>,
    /// Units that were cancelled or came back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    back: Vec<Back>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Back {
    seq: u64,
    units: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Confirmed {
    seq: u64,
    time: Timestamp,
}

/// Units of a line, and what they count.
pub(super) struct Part<'s> {
    pub(super) line: &'s SaleLine,
    pub(super) units: u32,
    /// Minor units, signed.
    pub(super) amount: i64,
}

/// What an event changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'e> {
    Placed(&'e OrderPlaced),
    Granted(&'e HoldsGranted),
    Confirmed,
    Cancelled(&'e [LineQuantity]),
    Returned(&'e [LineQuantity]),
    /// An operator gave back money of the order, of no line.
    Refunded(Money),
}

/// What an event means to the numbers, if anything.
pub(super) fn step<'e>(event: &'e Event) -> Option<Step<'e>> {
    let Event::Order(event) = event else { return None };
    match event {
        OrderEvent::OrderPlaced(e) => Some(Step::Placed(e)),
        OrderEvent::HoldsGranted(e) => Some(Step::Granted(e)),
        OrderEvent::OrderConfirmed(_) => Some(Step::Confirmed),
        OrderEvent::LinesCancelled(_) if planted::bug!("cancelled-still-counted") => None,
        OrderEvent::LinesCancelled(e) => Some(Step::Cancelled(&e.lines)),
        OrderEvent::ReturnReceived(e) => Some(Step::Returned(&e.lines)),
        OrderEvent::OperatorRefunded(e) => Some(Step::Refunded(e.amount)),
        // Of a confirmed order its lines were cancelled before; any other was never counted.
        OrderEvent::OrderCancelled(_) => None,
        OrderEvent::ItemHeld(_)
        | OrderEvent::ItemRefused(_)
        | OrderEvent::OrderRejected(_)
        | OrderEvent::PaymentStarted(_)
        | OrderEvent::PaymentPending(_)
        | OrderEvent::PaymentAuthorized(_)
        | OrderEvent::PaymentAttemptFailed(_)
        | OrderEvent::OrderSubmitted(_)
        | OrderEvent::DigitalDelivered(_)
        | OrderEvent::CaptureDue(_)
        | OrderEvent::PaymentCaptured(_)
        | OrderEvent::CaptureFailed(_)
        | OrderEvent::OrderExpired(_)
        | OrderEvent::LatePayment(_)
        | OrderEvent::ReholdFailed(_)
        | OrderEvent::RefundDue(_)
        | OrderEvent::RefundSettled(_)
        | OrderEvent::ShipmentsDue(_)
        | OrderEvent::ShipmentsBackordered(_)
        | OrderEvent::SubOrdersPlanned(_)
        | OrderEvent::SubOrderAllocated(_)
        | OrderEvent::AllocationRefused(_)
        | OrderEvent::SubOrderDeallocated(_)
        | OrderEvent::ShipmentShipped(_)
        | OrderEvent::ShipmentForwarded(_)
        | OrderEvent::ForwardReceived(_)
        | OrderEvent::ShipmentsDelivered(_)
        | OrderEvent::ReturnRequested(_)
        | OrderEvent::ReturnWindowClosed(_)
        | OrderEvent::DropUnitsOrdered(_) => None,
    }
}

/// Brings the row past an event.
pub(super) fn fold(row: &mut Option<Sale>, step: Step<'_>, fact: &Fact<'_>) {
    if let Step::Placed(placed) = step {
        *row = Some(of_placed(placed));
    }
    let Some(sale) = row else { return };
    match step {
        // What an operator gives back changes no line.
        Step::Placed(_) | Step::Refunded(_) => {}
        Step::Granted(granted) => sale.price(granted),
        Step::Confirmed => sale.confirmed = Some(Confirmed { seq: fact.position.seq, time: fact.envelope.time }),
        Step::Cancelled(lines) | Step::Returned(lines) => sale.take_back(lines, fact.position.seq),
    }
}

fn of_placed(placed: &OrderPlaced) -> Sale {
    let counted = || placed.adjustments.iter().filter(|adjustment| !adjustment.included);
    let sum = |of: &dyn Fn(&Adjustment) -> bool| -> i64 {
        let sum: i128 = counted().filter(|a| of(a)).map(|a| i128::from(a.amount.minor())).sum();
        narrowed(sum)
    };
    let lines = placed.lines.iter().map(|line| SaleLine {
        line_id: line.line_id.clone(),
        item_id: line.item_id.clone(),
        units: line.quantity.get(),
        unit_price: 0,
        adjusted: sum(&|a| a.line_id.as_ref() == Some(&line.line_id)),
        store: None,
        back: Vec::new(),
    });
    Sale { lines: lines.collect(), of_order: sum(&|a| a.line_id.is_none()), currency: None, confirmed: None }
}

/// No money of an order is beyond 64 bits; what an attacker makes of adjustments is refused before it is confirmed.
fn narrowed(amount: i128) -> i64 {
    i64::try_from(amount).unwrap_or(if amount < 0 { i64::MIN } else { i64::MAX })
}

impl Sale {
    fn price(&mut self, granted: &HoldsGranted) {
        self.currency = Some(granted.total.currency());
        for priced in &granted.lines {
            if let Some(line) = self.lines.iter_mut().find(|line| line.line_id == priced.line_id) {
                line.unit_price = priced.unit_price.minor();
                line.store.clone_from(&priced.store);
            }
        }
    }

    fn take_back(&mut self, lines: &[LineQuantity], seq: u64) {
        for part in lines {
            if let Some(line) = self.lines.iter_mut().find(|line| line.line_id == part.line_id) {
                line.back.push(Back { seq, units: part.quantity.get() });
            }
        }
    }

    /// When it was confirmed, as the event of that seq sees it.
    pub(super) fn confirmed_before(&self, seq: u64) -> Option<Timestamp> {
        self.confirmed.filter(|confirmed| confirmed.seq < seq).map(|confirmed| confirmed.time)
    }

    /// All of it.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        self.lines.iter().map(|line| Part { line, units: line.units, amount: line.amount() })
    }

    /// What the event of that seq takes back of the lines, and of the adjustments of the order as a whole: these go with the
    /// last unit.
    pub(super) fn taken_back(&self, seq: u64) -> (Vec<Part<'_>>, i64) {
        let part = |line| SaleLine::part_at(line, seq);
        let ordered: u64 = self.lines.iter().map(|line| u64::from(line.units)).sum();
        let back: u64 = self.lines.iter().map(|line| u64::from(line.back_until(seq))).sum();
        (self.lines.iter().filter_map(part).collect(), if back >= ordered { self.of_order } else { 0 })
    }
}

impl SaleLine {
    fn amount(&self) -> i64 {
        narrowed(i128::from(self.unit_price) * i128::from(self.units) + i128::from(self.adjusted))
    }

    /// What so many units of it count, by cumulative rounding: parts sum to the part of all their units.
    fn amount_of(&self, units: u32) -> i64 {
        narrowed(i128::from(self.amount()) * i128::from(units) / i128::from(self.units.max(1)))
    }

    /// Units that were taken back up to that event.
    fn back_until(&self, seq: u64) -> u32 {
        self.back.iter().filter(|back| back.seq <= seq).map(|back| back.units).sum()
    }

    fn part_at(&self, seq: u64) -> Option<Part<'_>> {
        let units: u32 = self.back.iter().filter(|back| back.seq == seq).map(|back| back.units).sum();
        let after = self.back_until(seq);
        let amount = self.amount_of(after).saturating_sub(self.amount_of(after - units));
        (units > 0).then_some(Part { line: self, units, amount })
    }
}
