//! The order's books, kept naively from its events alone: nothing here is shared with the code under test.

use super::{reckoning_fulfilment::Parcels, *};
use schemas::item::HoldId;
use std::collections::{BTreeMap, BTreeSet};

/// What the events of one order say.
#[derive(Default)]
pub(super) struct Books {
    placed: Option<OrderPlaced>,
    granted: Option<HoldsGranted>,
    stage: &'static str,
    cancelled: BTreeMap<String, u32>,
    shipped: BTreeMap<String, u32>,
    operator: i128,
    payments: BTreeMap<String, Account>,
    holds: BTreeMap<HoldId, &'static str>,
    uncommitted: BTreeMap<String, u32>,
    parcels: Parcels,
}

/// What came in and went out under one payment.
#[derive(Default)]
struct Account {
    currency: String,
    authorized: i128,
    captured: i128,
    due: i128,
    settled: i128,
    refunds: BTreeMap<String, i128>,
}

impl Account {
    fn received(&self) -> i128 {
        self.authorized.max(self.captured)
    }
}

impl Books {
    pub fn enter(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::OrderPlaced(event) => {
                self.placed = Some(event.clone());
                self.stage = "holding";
            }
            OrderEvent::HoldsGranted(event) => {
                self.granted = Some(event.clone());
                self.stage = "awaiting";
            }
            OrderEvent::OrderConfirmed(_) => self.stage = "confirmed",
            OrderEvent::OrderRejected(_)
            | OrderEvent::OrderExpired(_)
            | OrderEvent::OrderCancelled(_)
            | OrderEvent::ReholdFailed(_) => self.stage = "ended",
            OrderEvent::LatePayment(_) => self.stage = "reholding",
            OrderEvent::ShipmentsDue(_)
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
            | OrderEvent::ReturnReceived(_)
            | OrderEvent::ReturnWindowClosed(_) => self.parcels.enter(event),
            OrderEvent::DigitalDelivered(event) => {
                for id in &event.line_ids {
                    self.shipped.insert(id.to_string(), self.ordered(id.as_str()));
                }
            }
            OrderEvent::LinesCancelled(event) => {
                self.cancel(event);
            }
            OrderEvent::OperatorRefunded(event) => self.operator += i128::from(event.amount.minor()),
            OrderEvent::PaymentStarted(event) => {
                self.payment(&event.payment_id).currency = event.amount.currency().code().to_owned();
            }
            OrderEvent::PaymentAuthorized(event) => {
                let payment = self.payment(&event.payment_id);
                payment.currency = event.amount.currency().code().to_owned();
                payment.authorized += i128::from(event.amount.minor());
            }
            OrderEvent::PaymentCaptured(event) => {
                self.payment(&event.payment_id).captured += i128::from(event.amount.minor());
            }
            OrderEvent::RefundDue(event) => {
                let payment = self.payment(&event.payment_id);
                payment.due += i128::from(event.amount.minor());
                let before = payment.refunds.insert(event.refund_id.to_string(), i128::from(event.amount.minor()));
                assert_eq!(before, None, "a refund's id is its own");
            }
            OrderEvent::RefundSettled(event) => {
                let payment = self.payment(&event.payment_id);
                payment.settled += payment.refunds[event.refund_id.as_str()];
            }
            OrderEvent::ItemHeld(_)
            | OrderEvent::ItemRefused(_)
            | OrderEvent::OrderSubmitted(_)
            | OrderEvent::PaymentPending(_)
            | OrderEvent::PaymentAttemptFailed(_)
            | OrderEvent::CaptureDue(_)
            | OrderEvent::CaptureFailed(_)
            | OrderEvent::DropUnitsOrdered(_) => {}
        }
    }

    fn cancel(&mut self, event: &LinesCancelled) {
        for line in &event.lines {
            *self.cancelled.entry(line.line_id.to_string()).or_default() += line.quantity.get();
        }
        self.parcels.cancelled(event);
    }

    /// A hold is asked for once, and then given back or committed, once.
    pub fn sent(&mut self, command: &Command) {
        // What a cart is told has tests of its own.
        let Command::Item { item, command } = command else { return };
        match command {
            ItemCommand::PlaceHold(hold) => {
                assert_eq!(self.holds.insert(hold.hold.clone(), "asked"), None, "a hold is asked for once");
            }
            ItemCommand::CommitHold(hold) => {
                assert_eq!(self.holds.insert(hold.hold.clone(), "committed"), Some("asked"));
            }
            ItemCommand::ReleaseHold(hold) => {
                assert_eq!(self.holds.insert(hold.hold.clone(), "released"), Some("asked"));
            }
            ItemCommand::CloseHold(hold) => {
                assert_eq!(
                    self.holds.insert(hold.hold.clone(), "closed"),
                    Some("committed"),
                    "once, and when all left"
                );
                self.parcels.closed(item);
            }
            ItemCommand::Uncommit(units) => {
                assert_eq!(self.holds.get(&units.hold), Some(&"committed"), "only ordered units are given back");
                *self.uncommitted.entry(item.to_string()).or_default() += units.quantity.get();
            }
            other => self.parcels.sent(item, other),
        }
    }

    fn payment(&mut self, id: &PaymentId) -> &mut Account {
        self.payments.entry(id.to_string()).or_default()
    }

    fn ordered(&self, line: &str) -> u32 {
        let placed = self.placed.as_ref().expect("it was placed");
        placed.lines.iter().find(|l| l.line_id.as_str() == line).expect("its line").quantity.get()
    }

    /// Design 5.2, "Money", and the quantities.
    pub fn check(&self) {
        for (line, cancelled) in &self.cancelled {
            let shipped = self.shipped.get(line).copied().unwrap_or(0);
            assert!(cancelled + shipped <= self.ordered(line), "cancelled + shipped ≤ ordered");
        }
        if self.stage == "confirmed" {
            let placed = self.placed.as_ref().expect("it was placed");
            let open = |line: &OrderLine| {
                let id = line.line_id.as_str();
                let gone = |of: &BTreeMap<String, u32>| of.get(id).copied().unwrap_or(0);
                (
                    id.to_owned(),
                    line.item_id.to_string(),
                    self.ordered(id) - gone(&self.cancelled) - gone(&self.shipped),
                )
            };
            self.parcels.check(&placed.lines.iter().map(open).collect::<Vec<_>>());
        }
        for payment in self.payments.values() {
            assert!(payment.due <= payment.received(), "at most what came in is due back");
            assert!(payment.settled <= payment.due, "at most what is due back is given back");
        }
        let own = self.granted.as_ref().map(|granted| granted.total.currency().code());
        let foreign = self.payments.values().filter(|p| self.stage != "holding" && Some(p.currency.as_str()) != own);
        for payment in foreign {
            assert_eq!(payment.due, payment.received(), "foreign money is due back whole");
        }
        let Some(kept) = self.kept() else { return };
        let of_order: Vec<&Account> = self.payments.values().filter(|p| Some(p.currency.as_str()) == own).collect();
        let received: i128 = of_order.iter().map(|payment| payment.received()).sum();
        let due: i128 = of_order.iter().map(|payment| payment.due).sum();
        let owed = (received - kept).max(0);
        assert!(due >= owed, "{due} is due back of {received}, {kept} kept");
        // More than that only where it was promised before the order had a use for it.
        if due > owed {
            assert!(!matches!(self.stage, "confirmed" | "ended"), "{due} is due back of {received}, {kept} kept");
        }
        let digital = |line: &str| self.shipped.contains_key(line);
        let cancelled: u32 = self.cancelled.iter().filter(|(line, _)| !digital(line)).map(|(_, units)| units).sum();
        assert_eq!(cancelled, self.uncommitted.values().sum::<u32>(), "what is cancelled is given back at the items");
        if matches!(self.stage, "confirmed" | "ended") {
            assert!(self.holds.values().all(|state| *state != "asked"), "every hold is released or committed");
        }
    }

    fn kept(&self) -> Option<i128> {
        let granted = self.granted.as_ref();
        let external = self.placed.as_ref().is_some_and(|placed| placed.payment == PaymentMode::External);
        match self.stage {
            _ if external => Some(0),
            "holding" => None,
            "awaiting" | "reholding" => granted.map(|granted| i128::from(granted.total.minor())),
            "confirmed" => {
                let left: i128 = self.amounts().iter().map(|(line, amount)| self.left(line, *amount)).sum();
                Some((left - self.operator).max(0))
            }
            _ => Some(0),
        }
    }

    /// Unit by unit, what is left of a line's amount.
    fn left(&self, line: &str, amount: i128) -> i128 {
        let ordered = i128::from(self.ordered(line));
        let gone = self.cancelled.get(line).copied().unwrap_or(0) + self.parcels.returned(line);
        (0..ordered).skip(gone as usize).map(|u| amount * (u + 1) / ordered - amount * u / ordered).sum()
    }

    fn amounts(&self) -> Vec<(String, i128)> {
        let (placed, granted) = (self.placed.as_ref().expect("placed"), self.granted.as_ref().expect("granted"));
        let value =
            |i: usize| i128::from(placed.lines[i].quantity.get()) * i128::from(granted.lines[i].unit_price.minor());
        let sum = |of: Option<&LineId>| -> i128 {
            let of = placed.adjustments.iter().filter(|a| !a.included && a.line_id.as_ref() == of);
            of.map(|a| i128::from(a.amount.minor())).sum()
        };
        let n = placed.lines.len();
        let own: Vec<i128> = (0..n).map(|i| value(i) + sum(Some(&placed.lines[i].line_id))).collect();
        let upto = |weights: &dyn Fn(usize) -> i128, whole: i128, i: usize| {
            let units = |k: usize| i128::from(placed.lines[k].quantity.get());
            let all: i128 = (0..n).map(weights).sum();
            let (part, all) = if all == 0 {
                ((0..i).map(units).sum::<i128>(), (0..n).map(units).sum::<i128>())
            } else {
                ((0..i).map(weights).sum(), all)
            };
            (whole * part).div_euclid(all)
        };
        let spread = |weights: &dyn Fn(usize) -> i128, whole: i128| -> Vec<i128> {
            (0..n).map(|i| upto(weights, whole, i + 1) - upto(weights, whole, i)).collect()
        };
        let parts = spread(&value, sum(None));
        let mut amounts: Vec<i128> = own.iter().zip(parts).map(|(own, part)| own + part).collect();
        if amounts.iter().any(|amount| *amount < 0) {
            amounts = spread(&|i| own[i].max(0), i128::from(granted.total.minor()));
        }
        placed.lines.iter().map(|line| line.line_id.to_string()).zip(amounts).collect()
    }

    /// Every refund that was ever due.
    pub fn refunds(&self) -> BTreeSet<String> {
        self.payments.values().flat_map(|payment| payment.refunds.keys().cloned()).collect()
    }
}
