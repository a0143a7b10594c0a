//! The levels that events tell.

use schemas::item::{ItemEvent, LocationLevels, StockLevels};

/// The levels that an event tells, if it tells any.
pub fn told(event: &ItemEvent) -> Option<StockLevels> {
    match event {
        ItemEvent::ItemListed(_) | ItemEvent::PriceChanged(_) | ItemEvent::ItemDelisted(_) => None,
        ItemEvent::HoldClosed(_) | ItemEvent::AllotmentVoided(_) | ItemEvent::SupplyRecorded(_) => None,
        ItemEvent::StockReceived(e) => Some(e.stock),
        ItemEvent::StockCounted(e) => Some(e.stock),
        ItemEvent::StockMoved(e) => Some(e.stock),
        ItemEvent::StockDispatched(e) => Some(e.stock),
        ItemEvent::TransferReceived(e) => Some(e.stock),
        ItemEvent::TransferLost(e) => Some(e.stock),
        ItemEvent::HoldGranted(e) => Some(e.stock),
        ItemEvent::HoldCommitted(e) => Some(e.stock),
        ItemEvent::HoldReleased(e) => Some(e.stock),
        ItemEvent::HoldExpired(e) => Some(e.stock),
        ItemEvent::UnitsUncommitted(e) => Some(e.stock),
        ItemEvent::UnitsAllocated(e) => Some(e.stock),
        ItemEvent::UnitsDeallocated(e) => Some(e.stock),
        ItemEvent::StockShipped(e) => Some(e.stock),
        ItemEvent::StockRestocked(e) => Some(e.stock),
        ItemEvent::UnitsAllotted(e) => Some(e.stock),
        ItemEvent::AllotmentReturned(e) => Some(e.stock),
        ItemEvent::AllottedCommitted(e) => Some(e.stock),
        ItemEvent::SafetySet(e) => Some(e.stock),
        ItemEvent::ShortfallDetected(e) => Some(e.stock),
    }
}

/// The locations that an event tells, after it.
pub fn places(event: &ItemEvent) -> &[LocationLevels] {
    use std::slice::from_ref;
    match event {
        ItemEvent::StockReceived(e) => from_ref(&e.place),
        ItemEvent::StockCounted(e) => from_ref(&e.place),
        ItemEvent::StockMoved(e) => from_ref(&e.place),
        ItemEvent::TransferReceived(e) => from_ref(&e.place),
        ItemEvent::TransferLost(e) => from_ref(&e.place),
        ItemEvent::UnitsAllocated(e) => from_ref(&e.place),
        ItemEvent::UnitsDeallocated(e) => from_ref(&e.place),
        ItemEvent::StockRestocked(e) => from_ref(&e.place),
        ItemEvent::StockDispatched(e) => &e.places,
        ItemEvent::UnitsUncommitted(e) => &e.places,
        ItemEvent::StockShipped(e) => &e.places,
        ItemEvent::ItemListed(_) | ItemEvent::PriceChanged(_) | ItemEvent::ItemDelisted(_) => &[],
        ItemEvent::HoldGranted(_)
        | ItemEvent::HoldCommitted(_)
        | ItemEvent::HoldReleased(_)
        | ItemEvent::HoldExpired(_)
        | ItemEvent::HoldClosed(_)
        | ItemEvent::UnitsAllotted(_)
        | ItemEvent::AllotmentReturned(_)
        | ItemEvent::AllottedCommitted(_)
        | ItemEvent::AllotmentVoided(_)
        | ItemEvent::SafetySet(_)
        | ItemEvent::ShortfallDetected(_)
        | ItemEvent::SupplyRecorded(_) => &[],
    }
}
