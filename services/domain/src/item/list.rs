//! List and Delist: catalog facts and price, in whole.

use super::{Item, ItemDecided, access, already, event, told};
use crate::Context;
use schemas::{
    Effect, Event, Money,
    item::{
        Catalog, DelistItem, ItemDelisted, ItemListed, ItemRejection, ItemReply, ListItem, PriceChanged, SourceVersion,
    },
};

/// What a version of a source is to what is known of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Newness {
    /// Newer, or without a source: it applies.
    New,
    /// The version that is known.
    Known,
    /// An older one: it never applies.
    Old,
}

fn newness(item: &Item, source: Option<&SourceVersion>) -> Newness {
    let Some(source) = source else { return Newness::New };
    match item.sources.get(&source.source) {
        None => Newness::New,
        Some(known) => match source.version.cmp(known) {
            std::cmp::Ordering::Greater => Newness::New,
            std::cmp::Ordering::Equal => Newness::Known,
            std::cmp::Ordering::Less => Newness::Old,
        },
    }
}

/// The answer where the catalog now is at that version; version 1 is what made the item.
const fn reply(version: u64) -> ItemReply {
    ItemReply::Catalog { created: version == 1, catalog_version: version, stale: false }
}

const fn stale(item: &Item) -> ItemReply {
    ItemReply::Catalog { created: false, catalog_version: item.version, stale: true }
}

/// Lists an item, or replaces its facts and price.
pub(super) fn list(item: &Item, c: &ListItem, cx: Context<'_>) -> ItemDecided {
    access::catalog(item, cx.caller)?;
    access::owner(c.catalog.store.as_ref(), cx.caller)?;
    let same = item.listed && item.catalog.as_ref() == Some(&c.catalog) && item.price == Some(c.price);
    match newness(item, c.source.as_ref()) {
        Newness::Old => return Ok(already(stale(item))),
        Newness::Known if !same => return Ok(already(stale(item))),
        Newness::Known => return Ok(already(reply(item.version))),
        Newness::New if same && c.source.is_none() => return Ok(already(reply(item.version))),
        Newness::New => {}
    }
    // An editor whose change is there already has nothing to overwrite.
    if !same {
        check_version(item, c.expected_version)?;
    }
    if !item.may_be(c.catalog.kind) {
        return Err(ItemRejection::KindImmutable);
    }
    // From here it succeeds.
    let (events, version) = changes(item, &c.catalog, c.price, c.source.as_ref(), None);
    Ok(told(events, reply(version)))
}

/// Whether the editor saw the catalog as it is.
pub(super) fn check_version(item: &Item, expected: Option<u64>) -> Result<(), ItemRejection> {
    match expected {
        Some(expected) if expected != item.version => Err(ItemRejection::VersionMismatch { current: item.version }),
        Some(_) | None => Ok(()),
    }
}

/// The events that bring an item to these facts and this price, and the version after them.
pub(super) fn changes(
    item: &Item,
    catalog: &Catalog,
    price: Money,
    source: Option<&SourceVersion>,
    effect: Option<&Effect>,
) -> (Vec<Event>, u64) {
    let other_facts = !item.listed || item.catalog.as_ref() != Some(catalog);
    let other_price = item.price != Some(price);
    // A newer version of a source that says the same changes nothing to see, but must be known.
    let version = item.version + u64::from(other_facts || other_price);
    let mut events = Vec::with_capacity(2);
    if other_facts || source.is_some() || effect.is_some() {
        events.push(event(ItemListed {
            catalog: catalog.clone(),
            catalog_version: version,
            source: source.cloned(),
            previous_category: item.catalog.as_ref().and_then(|before| before.category.clone()),
            previous_store: item.catalog.as_ref().and_then(|before| before.store.clone()),
            effect: effect.cloned(),
        }));
    }
    if other_price {
        events.push(event(PriceChanged { price, previous: item.price, catalog_version: version }));
    }
    (events, version)
}

/// Takes an item out of sale; its stock stays.
pub(super) fn delist(item: &Item, c: &DelistItem, cx: Context<'_>) -> ItemDecided {
    access::catalog(item, cx.caller)?;
    let Some(catalog) = &item.catalog else { return Err(ItemRejection::ItemNotFound) };
    let done = |version| ItemReply::Catalog { created: false, catalog_version: version, stale: false };
    match newness(item, c.source.as_ref()) {
        Newness::Old => return Ok(already(stale(item))),
        Newness::Known if item.listed => return Ok(already(stale(item))),
        Newness::Known => return Ok(already(done(item.version))),
        Newness::New if !item.listed && c.source.is_none() => return Ok(already(done(item.version))),
        Newness::New => {}
    }
    // From here it succeeds.
    let version = item.version + u64::from(item.listed);
    let delisted = ItemDelisted {
        catalog_version: version,
        source: c.source.clone(),
        category: catalog.category.clone(),
        store: catalog.store.clone(),
    };
    Ok(told(vec![event(delisted)], done(version)))
}
