//! Supply: what a supplier's system says. In whatever order the statements come, the item ends the same.
//!
//! What is no news makes no event. News is recorded as it was said, and the events behind it tell what it changed: a statement
//! that is not believed changes nothing. A change by hand stands until a statement is believed that was not before.

use super::{
    Item, ItemDecided, Place, access, already,
    effects::EffectKey,
    event,
    feeds::{Feeds, MAX_SOURCES},
    short::{Shortage, record_shortage, record_shortfall},
    tally::{Buckets, MAX_PER_LOCATION, Tally, signed, take},
    told,
    trail::{Standing, Trail},
};
use crate::Context;
use schemas::{
    Event, LocationId, Quantity,
    item::{
        ItemDelisted, ItemListed, ItemRejection, ItemReply, PriceChanged, StockCounted, StockReceived, Supply,
        SupplyFact, SupplyRecorded,
    },
};

/// How far a supplier's clock may be ahead, in seconds.
const AHEAD_SECONDS: u32 = 300;

/// Takes a statement.
pub(super) fn supply(item: &Item, c: &Supply, cx: Context<'_>) -> ItemDecided {
    check_caller(item, c, cx)?;
    if let Some(recorded) = item.effects.get(&EffectKey::Supply(c.effect.id.clone())) {
        recorded.again(&c.effect, 0)?;
        if !planted::bug!("supply-receipt-twice") {
            return Ok(already(ItemReply::Done));
        }
    }
    let changed = match &c.said {
        SupplyFact::Listed { .. } | SupplyFact::PriceChanged { .. } | SupplyFact::Delisted => facts(item, c, cx)?,
        SupplyFact::StockReported { location, counted } => report(item, c, (location, *counted), cx)?,
        SupplyFact::StockReceived { location, quantity, document } => {
            receive(item, c, (location, *quantity, document), cx)?
        }
    };
    let Some(changed) = changed else { return Ok(already(ItemReply::Done)) };
    let Supply { effect, source, sequence, at, said } = c.clone();
    let unrecorded = planted::bug!("supply-receipt-unrecorded") && matches!(said, SupplyFact::StockReceived { .. });
    let recorded = SupplyRecorded { effect, source, sequence, at, said };
    let recorded = Some(event(recorded)).filter(|_| !unrecorded);
    Ok(told(recorded.into_iter().chain(changed).collect(), ItemReply::Done))
}

/// As for a listing or a receipt.
fn check_caller(item: &Item, c: &Supply, cx: Context<'_>) -> Result<(), ItemRejection> {
    match &c.said {
        SupplyFact::Listed { catalog, .. } => {
            access::catalog(item, cx.caller)?;
            access::owner(catalog.store.as_ref(), cx.caller)
        }
        SupplyFact::PriceChanged { .. } | SupplyFact::Delisted => access::catalog(item, cx.caller),
        SupplyFact::StockReported { .. } | SupplyFact::StockReceived { .. } => access::stock(item, cx.caller),
    }
}

/// What every statement is held to that is news.
fn check(item: &Item, c: &Supply, cx: Context<'_>) -> Result<(), ItemRejection> {
    if c.at > cx.now.plus_seconds(AHEAD_SECONDS) {
        return Err(ItemRejection::TimeInFuture);
    }
    if !item.feeds.has_room_for(&c.source) {
        return Err(ItemRejection::TooManySources { limit: MAX_SOURCES as u32 });
    }
    Ok(())
}

/// What a statement changes beside being on record; `None` of no news.
type Changed = Result<Option<Vec<Event>>, ItemRejection>;

/// A statement on facts, price or listing.
fn facts(item: &Item, c: &Supply, cx: Context<'_>) -> Changed {
    let mut feed = item.feeds.of(&c.source).cloned().unwrap_or_default();
    if feed.contradicts(c) {
        return Err(ItemRejection::ExistsWithDifferentContent);
    }
    if !feed.hear(c) {
        return Ok(None);
    }
    check(item, c, cx)?;
    if let SupplyFact::Listed { catalog, .. } = &c.said
        && !item.may_be(catalog.kind)
    {
        return Err(ItemRejection::KindImmutable);
    }
    // From here it succeeds.
    let mut after = item.feeds.clone();
    after.hear(c);
    Ok(Some(bring_about(item, &after)))
}

/// The events that bring an item to what is believed from now on, where that is another statement than before.
///
/// Nothing shows before it is listed for the first time. What was said out of order may list it and take it out of sale in one.
fn bring_about(item: &Item, after: &Feeds) -> Vec<Event> {
    let before = &item.feeds;
    let is_first = item.catalog.is_none();
    let Some(catalog) = before.new_catalog(after).or(item.catalog.as_ref()) else { return Vec::new() };
    let listed = if is_first { after.listed() } else { before.new_listing(after) }.unwrap_or(item.listed);
    let price = if is_first { after.price() } else { before.new_price(after) }.or(item.price);
    let other_facts = item.catalog.as_ref() != Some(catalog) || (listed && !item.listed);
    let other_price = price.filter(|price| item.price != Some(*price));
    let delisted = !listed && (item.listed || other_facts);
    let version = item.version + u64::from(other_facts || other_price.is_some() || delisted);
    let mut events = Vec::new();
    if other_facts {
        events.push(event(ItemListed {
            catalog: catalog.clone(),
            catalog_version: version,
            source: None,
            previous_category: item.catalog.as_ref().and_then(|before| before.category.clone()),
            previous_store: item.catalog.as_ref().and_then(|before| before.store.clone()),
            effect: None,
        }));
    }
    if let Some(price) = other_price {
        events.push(event(PriceChanged { price, previous: item.price, catalog_version: version }));
    }
    if delisted {
        let (category, store) = (catalog.category.clone(), catalog.store.clone());
        events.push(event(ItemDelisted { catalog_version: version, source: None, category, store }));
    }
    events
}

/// What is known of a location; `None` where a statement on it is no news.
fn trail(
    item: &Item,
    c: &Supply,
    location: &LocationId,
    standing: impl FnOnce(&Trail) -> Standing,
    cx: Context<'_>,
) -> Result<Option<Trail>, ItemRejection> {
    if item.is_digital() {
        return Err(ItemRejection::DigitalHasNoStock);
    }
    let trail = item.places.get(location).map(|Place { trail, .. }| trail.clone()).unwrap_or_default();
    let standing = standing(&trail);
    match standing {
        Standing::Known => return Ok(None),
        Standing::Contradicts => return Err(ItemRejection::ExistsWithDifferentContent),
        Standing::New | Standing::TooOld(_) => check(item, c, cx)?,
    }
    if let Standing::TooOld(oldest) = standing {
        return Err(ItemRejection::ReportTooOld { location: location.clone(), oldest });
    }
    item.check_location(location)?;
    Ok(Some(trail))
}

/// A count of all that is there. Holds and orders keep what they have; what is then missing is on record.
fn report(item: &Item, c: &Supply, (location, counted): (&LocationId, u64), cx: Context<'_>) -> Changed {
    let Some(mut trail) = trail(item, c, location, |trail| trail.standing_of_report(c), cx)? else { return Ok(None) };
    trail.report(c, counted);
    let lies_there = Lies::at(item, location);
    let units = if planted::bug!("supply-report-overwrites-holds") { counted + item.tally.held } else { trail.units() };
    if counted > MAX_PER_LOCATION || !lies_there.has_room_for(units) {
        return Err(ItemRejection::StockTooLarge);
    }
    // From here it succeeds.
    let mut events = Vec::new();
    let is_new = !item.places.contains_key(location);
    if is_new || units != lies_there.buckets.sellable {
        let Lies { tally, buckets, .. } = lies_there.correct(c, units, "as the supplier reports", &mut events);
        record_shortage(item, Shortage { tally, buckets, location }, &mut events);
    }
    Ok(Some(events))
}

/// Units that came in; those that a report counted, or that left before the record had them, are taken off again.
fn receive(item: &Item, c: &Supply, said: (&LocationId, Quantity, &str), cx: Context<'_>) -> Changed {
    let (location, quantity, document) = said;
    let standing = |trail: &Trail| trail.standing_of_receipt(c);
    let Some(mut trail) = trail(item, c, location, standing, cx)? else { return Ok(None) };
    trail.receive(c, quantity.get());
    let mut lies_there = Lies::at(item, location);
    let with_it = lies_there.buckets.sellable + quantity.units();
    if !lies_there.has_room_for(with_it) {
        return Err(ItemRejection::StockTooLarge);
    }
    // From here it succeeds.
    lies_there.buckets.sellable = with_it;
    lies_there.tally.sellable += quantity.units();
    let mut events = vec![event(StockReceived {
        effect: c.effect.clone(),
        quantity,
        document: document.to_owned(),
        occurred_at: Some(c.at),
        metadata: schemas::Metadata::default(),
        feed: Some(c.source.clone()),
        stock: lies_there.tally.levels(),
        place: lies_there.buckets.levels(location),
    })];
    let units = trail.units();
    if units != with_it {
        let lies_there = lies_there.correct(c, units, "on record already: counted or shipped since", &mut events);
        // In between it was not short.
        record_shortfall(lies_there.tally, &mut events);
    }
    Ok(Some(events))
}

/// The numbers of the item, and of a location.
struct Lies<'a> {
    tally: Tally,
    buckets: Buckets,
    location: &'a LocationId,
}

impl<'a> Lies<'a> {
    fn at(item: &Item, location: &'a LocationId) -> Self {
        Self { tally: item.tally, buckets: item.buckets(location), location }
    }

    fn has_room_for(&self, sellable: u64) -> bool {
        // In this order, so that no count however large overflows.
        sellable <= MAX_PER_LOCATION
            && sellable + self.buckets.damaged + self.buckets.quality_control <= MAX_PER_LOCATION
    }

    /// Brings the sellable units in line with a statement.
    fn correct(mut self, c: &Supply, sellable: u64, reason: &str, events: &mut Vec<Event>) -> Self {
        let before = self.buckets.sellable;
        take(&mut self.tally.sellable, before);
        self.tally.sellable += sellable;
        self.buckets.sellable = sellable;
        events.push(event(StockCounted {
            effect: c.effect.clone(),
            delta: signed(sellable) - signed(before),
            reason: reason.to_owned(),
            shipment_of: None,
            feed: Some(c.source.clone()),
            stock: self.tally.levels(),
            place: self.buckets.levels(self.location),
        }));
        self
    }
}
