//! What the ledger tells of each event beside the levels.

use super::LedgerKind;
use schemas::{
    EffectId,
    item::{HoldId, ItemEvent},
};

/// See the module.
pub(super) struct Change<'e> {
    pub(super) kind: LedgerKind,
    pub(super) quantity: i64,
    pub(super) hold: Option<&'e HoldId>,
    pub(super) effect: Option<&'e EffectId>,
    pub(super) reference: Option<&'e str>,
    pub(super) reason: Option<&'e str>,
}

impl<'e> Change<'e> {
    fn new(kind: LedgerKind, quantity: impl Into<i64>) -> Self {
        Self { kind, quantity: quantity.into(), hold: None, effect: None, reference: None, reason: None }
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
    use LedgerKind as Kind;
    Some(match event {
        ItemEvent::ItemListed(_) | ItemEvent::PriceChanged(_) | ItemEvent::ItemDelisted(_) => return None,
        ItemEvent::StockReceived(e) => {
            Change::new(Kind::StockReceived, e.quantity.get()).by(&e.effect).under(&e.document)
        }
        ItemEvent::StockCounted(e) => Change {
            hold: e.shipment_of.as_ref(),
            ..Change::new(Kind::StockCounted, e.delta).by(&e.effect).because(&e.reason)
        },
        ItemEvent::StockMoved(e) => {
            let change = Change::new(Kind::StockMoved, e.quantity.get()).by(&e.effect);
            change.under(&e.reference).because(&e.reason)
        }
        ItemEvent::HoldGranted(e) => {
            Change { reference: e.reference.as_deref(), ..Change::new(Kind::HoldGranted, e.quantity.get()).of(&e.hold) }
        }
        ItemEvent::HoldCommitted(e) => Change::new(Kind::HoldCommitted, e.quantity.get()).of(&e.hold),
        ItemEvent::HoldReleased(e) => {
            Change::new(Kind::HoldReleased, i64::from(e.held) + i64::from(e.committed)).of(&e.hold)
        }
        ItemEvent::HoldExpired(e) => Change::new(Kind::HoldExpired, e.quantity.get()).of(&e.hold),
        ItemEvent::UnitsUncommitted(e) => {
            let allocated: i64 = e.allocated.iter().map(|part| i64::from(part.quantity.get())).sum();
            let change = Change::new(Kind::UnitsUncommitted, i64::from(e.committed) + allocated);
            change.of(&e.hold).under(e.cancellation.as_str())
        }
        ItemEvent::UnitsAllocated(e) => {
            Change::new(Kind::UnitsAllocated, e.quantity.get()).of(&e.hold).under(e.sub_order.as_str())
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
            change.under(e.return_id.as_str())
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
