//! PlaceHold: units are reserved, or a buyer hears why not.

use super::{
    Item, ItemDecided, access, already,
    effects::differs,
    event,
    holds::{Hold, Phase},
    told, untold,
};
use crate::Context;
use schemas::{
    Command, Event, OrderId, Timestamp,
    item::{HoldGranted, HoldId, HoldReply, HoldStatus, ItemKind, ItemRejection, ItemReply, PlaceHold},
    order::{HoldAnswer, HoldRefusal, ItemAnswered, OrderCommand},
};

/// Reserves units. An order is sent the answer, whatever it is; a drop never places a hold here.
pub(super) fn place_hold(item: &Item, c: &PlaceHold, cx: Context<'_>) -> ItemDecided {
    match &c.hold {
        HoldId::Free { id, .. } => {
            access::hold(&c.hold, cx.caller)?;
            access::stock(item, cx.caller)?;
            if let Some(hold) = item.holds.get(&c.hold) {
                same_hold(hold, c)?;
                if planted::bug!("repeat-tells-active") {
                    return Ok(already(hold.reply(id, HoldStatus::Active, 0, item.shown(item.tally.available()))));
                }
                return Ok(already(item.hold_now(id, hold)));
            }
            let price = check(item, c)?;
            // From here it succeeds.
            let expires_at = c.expires_in_seconds.map(|seconds| cx.now.plus_seconds(seconds));
            let granted = grant(item, c, price, expires_at);
            let reply = ItemReply::Hold(HoldReply {
                hold_id: id.clone(),
                status: HoldStatus::Active,
                quantity: c.quantity,
                unit_price: price,
                expires_at,
                available: item.shown(granted.stock.available),
                shipped: 0,
                reference: c.reference.clone(),
                metadata: c.metadata.clone(),
            });
            Ok(told(vec![event(granted)], reply))
        }
        HoldId::Order { order, attempt, .. } => Ok(place_for_order(item, c, order, *attempt)),
        HoldId::Drop { .. } => Err(ItemRejection::HoldNotFound),
    }
}

/// Whether a free hold that exists is the one that is asked for.
fn same_hold(hold: &Hold, c: &PlaceHold) -> Result<(), ItemRejection> {
    let digest = c.effect.as_ref().map(|effect| effect.digest);
    if hold.digest != digest || hold.quantity != c.quantity.get() {
        return Err(differs(u64::from(hold.quantity), c.quantity.units()));
    }
    Ok(())
}

/// The checks of a hold that does not exist yet; the price that it is granted at.
fn check(item: &Item, c: &PlaceHold) -> Result<schemas::Money, ItemRejection> {
    let (Some(catalog), Some(price)) = (&item.catalog, item.price) else { return Err(ItemRejection::ItemNotFound) };
    if c.only_store.is_some() && catalog.store != c.only_store {
        return Err(ItemRejection::ItemOfAnotherStore);
    }
    if !item.listed {
        return Err(ItemRejection::ItemNotListed);
    }
    if c.expected_price.is_some_and(|expected| expected != price) && !planted::bug!("price-unchecked") {
        return Err(ItemRejection::PriceChanged { price });
    }
    item.check_available(c.quantity.get())?;
    Ok(price)
}

fn grant(item: &Item, c: &PlaceHold, unit_price: schemas::Money, expires_at: Option<Timestamp>) -> HoldGranted {
    let mut tally = item.tally;
    tally.held += item.counted(c.quantity.get());
    HoldGranted {
        hold: c.hold.clone(),
        quantity: c.quantity,
        unit_price,
        expires_at,
        reference: c.reference.clone(),
        metadata: c.metadata.clone(),
        effect: c.effect.clone(),
        stock: tally.levels(),
    }
}

fn place_for_order(item: &Item, c: &PlaceHold, order: &OrderId, attempt: u32) -> crate::Decision {
    let (events, answer) = answer_order(item, c);
    let answered = ItemAnswered { attempt, item_id: item.id.clone(), answer };
    let send = Command::Order { order: order.clone(), command: OrderCommand::ItemAnswered(answered) };
    untold(events, vec![send])
}

fn answer_order(item: &Item, c: &PlaceHold) -> (Vec<Event>, HoldAnswer) {
    let kind = if item.is_digital() { ItemKind::Digital } else { ItemKind::Physical };
    let (file, store) =
        item.catalog.as_ref().map(|catalog| (catalog.file.clone(), catalog.store.clone())).unwrap_or_default();
    if let Some(hold) = item.holds.get(&c.hold) {
        let answer = match (hold.phase, hold.unit_price) {
            (Phase::Active | Phase::Committed, Some(unit_price)) => {
                HoldAnswer::Granted { unit_price, kind, file, store }
            }
            (Phase::Active | Phase::Committed | Phase::Released | Phase::Expired, _) => {
                HoldAnswer::Refused { refusal: HoldRefusal::Released }
            }
        };
        return (Vec::new(), answer);
    }
    match check(item, c) {
        Ok(unit_price) => {
            let granted = grant(item, c, unit_price, None);
            (vec![event(granted)], HoldAnswer::Granted { unit_price, kind, file, store })
        }
        Err(rejection) => (Vec::new(), HoldAnswer::Refused { refusal: refusal(rejection) }),
    }
}

/// A refusal as an order hears it. An item of another store looks to it like none.
fn refusal(rejection: ItemRejection) -> HoldRefusal {
    match rejection {
        ItemRejection::PriceChanged { price } => HoldRefusal::PriceChanged { price },
        ItemRejection::InsufficientStock { asked, available } => HoldRefusal::InsufficientStock { asked, available },
        // The rest of what `check` answers; the enum is spelled out so that a new refusal is thought of here.
        ItemRejection::ItemNotFound
        | ItemRejection::ItemOfAnotherStore
        | ItemRejection::ItemNotListed
        | ItemRejection::IdempotencyKeyReused
        | ItemRejection::ExistsWithDifferentQuantity { .. }
        | ItemRejection::ExistsWithDifferentContent
        | ItemRejection::VersionMismatch { .. }
        | ItemRejection::KindImmutable
        | ItemRejection::InvalidPatch { .. }
        | ItemRejection::DigitalHasNoStock
        | ItemRejection::HoldNotFound
        | ItemRejection::HoldReleased
        | ItemRejection::HoldExpired
        | ItemRejection::HoldCommitted
        | ItemRejection::HoldNotCommitted
        | ItemRejection::AlreadyShipped
        | ItemRejection::NotThatManyOpen { .. }
        | ItemRejection::LocationNotFound { .. }
        | ItemRejection::InsufficientAtLocation { .. }
        | ItemRejection::BucketTooSmall { .. }
        | ItemRejection::SameBucket
        | ItemRejection::SameLocation
        | ItemRejection::TransferNotFound
        | ItemRejection::TransferElsewhere { .. }
        | ItemRejection::NotThatManyOnTheWay { .. }
        | ItemRejection::TimeInFuture
        | ItemRejection::TooManySources { .. }
        | ItemRejection::ReportTooOld { .. }
        | ItemRejection::StaleCount { .. }
        | ItemRejection::StockTooLarge
        | ItemRejection::TooManyLocations
        | ItemRejection::AllotmentNotFound
        | ItemRejection::AllotmentTooSmall { .. }
        | ItemRejection::NotShipped { .. } => HoldRefusal::ItemUnavailable,
    }
}
