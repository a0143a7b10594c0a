//! What the ledger tells of each event beside the levels.

use super::{LedgerBucket, LedgerKind as Kind};
use schemas::{
    EffectId,
    item::{FeedSource, HoldId, HoldReleased, ItemEvent, StockDispatched, UnitsUncommitted},
};

/// See the module.
pub(super) struct Change<'e> {
    pub(super) kind: Kind,
    pub(super) quantity: i64,
    pub(super) from: Option<LedgerBucket>,
    pub(super) to: Option<LedgerBucket>,
    pub(super) hold: Option<&'e HoldId>,
    pub(super) effect: Option<&'e EffectId>,
    pub(super) reference: Option<&'e str>,
    pub(super) reason: Option<&'e str>,
    /// The supplier's system that said so.
    pub(super) feed: Option<&'e FeedSource>,
}

impl<'e> Change<'e> {
    fn new(kind: Kind, quantity: impl Into<i64>) -> Self {
        let quantity = quantity.into();
        let (hold, effect, reference, reason, feed) = (None, None, None, None, None);
        Self { kind, quantity, from: None, to: None, hold, effect, reference, reason, feed }
    }

    fn of(self, hold: &'e HoldId) -> Self {
        Self { hold: Some(hold), ..self }
    }

    fn by(self, effect: &'e schemas::Effect) -> Self {
        Self { effect: Some(&effect.id), ..self }
    }

    fn under(self, reference: &'e str) -> Self {
        Self { reference: Some(reference), ..self }
    }

    fn because(self, reason: &'e str) -> Self {
        Self { reason: Some(reason), ..self }
    }
}

pub(super) fn change(event: &ItemEvent) -> Option<Change<'_>> {
    Some(match event {
        ItemEvent::ItemListed(_) | ItemEvent::PriceChanged(_) | ItemEvent::ItemDelisted(_) => return None,
        // No unit goes anywhere.
        ItemEvent::HoldClosed(_) | ItemEvent::AllotmentVoided(_) | ItemEvent::SupplyRecorded(_) => return None,
        ItemEvent::StockReceived(e) => Change {
            feed: e.feed.as_ref(),
            ..Change::new(Kind::StockReceived, e.quantity.get()).by(&e.effect).under(&e.document)
        },
        ItemEvent::StockCounted(e) => Change {
            hold: e.shipment_of.as_ref(),
            feed: e.feed.as_ref(),
            ..Change::new(Kind::StockCounted, e.delta).by(&e.effect).because(&e.reason)
        },
        ItemEvent::StockMoved(e) => {
            let change = Change::new(Kind::StockMoved, e.quantity.get()).by(&e.effect);
            let change = change.under(&e.reference).because(&e.reason);
            Change { from: Some(e.from.into()), to: Some(e.to.into()), ..change }
        }
        ItemEvent::StockDispatched(e) => dispatched(e),
        ItemEvent::TransferReceived(e) => {
            let change = Change::new(Kind::TransferReceived, e.quantity.get()).by(&e.effect);
            Change { hold: e.hold.as_ref(), ..change.under(e.transfer.as_str()) }
        }
        ItemEvent::TransferLost(e) => {
            Change::new(Kind::TransferLost, e.quantity.get()).by(&e.effect).under(e.transfer.as_str())
        }
        ItemEvent::HoldGranted(e) => {
            Change { reference: e.reference.as_deref(), ..Change::new(Kind::HoldGranted, e.quantity.get()).of(&e.hold) }
        }
        ItemEvent::HoldCommitted(e) => Change::new(Kind::HoldCommitted, e.quantity.get()).of(&e.hold),
        ItemEvent::HoldReleased(e) => released(e),
        ItemEvent::HoldExpired(e) => Change::new(Kind::HoldExpired, e.quantity.get()).of(&e.hold),
        ItemEvent::UnitsUncommitted(e) => uncommitted(e),
        ItemEvent::UnitsAllocated(e) => {
            let change = Change::new(Kind::UnitsAllocated, e.quantity.get()).of(&e.hold);
            Change { effect: e.shipment.as_ref(), ..change.under(e.sub_order.as_str()) }
        }
        ItemEvent::UnitsDeallocated(e) => {
            Change::new(Kind::UnitsDeallocated, e.quantity.get()).of(&e.hold).under(e.sub_order.as_str())
        }
        ItemEvent::StockShipped(e) => Change {
            reference: e.sub_order.as_ref().map(schemas::SubOrderId::as_str),
            ..Change::new(Kind::StockShipped, e.quantity.get()).of(&e.hold).by(&e.effect)
        },
        ItemEvent::StockRestocked(e) => {
            let change = Change::new(Kind::StockRestocked, e.quantity.get()).of(&e.hold).by(&e.effect);
            Change { to: Some(e.condition.into()), ..change.under(e.return_id.as_str()) }
        }
        ItemEvent::UnitsAllotted(e) => Change::new(Kind::UnitsAllotted, e.quantity.get()).under(e.allotment.as_str()),
        ItemEvent::AllotmentReturned(e) => {
            Change::new(Kind::AllotmentReturned, e.quantity.get()).by(&e.effect).under(e.allotment.as_str())
        }
        ItemEvent::AllottedCommitted(e) => {
            Change::new(Kind::AllottedCommitted, e.quantity.get()).of(&e.hold).under(e.allotment.as_str())
        }
        ItemEvent::SafetySet(e) => Change::new(Kind::SafetySet, e.quantity),
        // Beyond what any stock can be short of.
        ItemEvent::ShortfallDetected(e) => {
            Change::new(Kind::ShortfallDetected, i64::try_from(e.missing).unwrap_or(i64::MAX))
        }
    })
}

fn dispatched(e: &StockDispatched) -> Change<'_> {
    Change {
        hold: e.forward.as_ref().map(|forward| &forward.hold),
        reference: e.reference.as_deref().or_else(|| Some(e.forward.as_ref()?.to_sub_order.as_str())),
        reason: e.reason.as_deref(),
        ..Change::new(Kind::StockDispatched, e.quantity.get()).by(&e.effect)
    }
}

fn released(e: &HoldReleased) -> Change<'_> {
    let change = Change::new(Kind::HoldReleased, i64::from(e.held) + i64::from(e.committed)).of(&e.hold);
    // Of a hold that was not placed yet neither.
    let from = match (e.held, e.committed) {
        (0, 0) => None,
        (0, _) => Some(LedgerBucket::Committed),
        (_, _) => Some(LedgerBucket::Held),
    };
    Change { from, ..change }
}

fn uncommitted(e: &UnitsUncommitted) -> Change<'_> {
    let allocated: i64 = e.allocated.iter().map(|part| i64::from(part.quantity.get())).sum();
    let forwarded: i64 = e.forwarded.iter().map(|part| i64::from(part.quantity.get())).sum();
    let change = Change::new(Kind::UnitsUncommitted, i64::from(e.committed) + allocated + forwarded);
    let to = e.into.as_ref().map(|_| LedgerBucket::Allotted);
    Change { to, ..change.of(&e.hold).under(e.cancellation.as_str()) }
}
