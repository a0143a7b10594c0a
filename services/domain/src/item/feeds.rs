//! What suppliers' systems say of the catalog facts: the newest statement of each source, and whose is believed.
//!
//! A source's newest statement is the one with the greatest number; of two sources, the one whose newest is as of later is
//! believed. Both are read off what was ever said, never off when it came: so the same statements lead to the same facts.

use schemas::{
    Digest, Money, Timestamp,
    item::{Catalog, FeedSource, Supply, SupplyFact},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most sources that an item takes statements from.
pub(super) const MAX_SOURCES: usize = 16;

/// The newest that a source said of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said<T> {
    #[serde(rename = "n")]
    sequence: u64,
    #[serde(rename = "t")]
    at: Timestamp,
    #[serde(rename = "d")]
    digest: Digest,
    #[serde(rename = "v")]
    pub value: T,
}

impl<T> Said<T> {
    /// Puts a statement in the place of an older one; whether it was news.
    fn hear(known: &mut Option<Self>, c: &Supply, value: impl FnOnce() -> T) -> bool {
        let checked = !planted::bug!("supply-sequence-unchecked");
        if known.as_ref().is_some_and(|known| c.sequence <= known.sequence && checked) {
            return false;
        }
        *known = Some(Self { sequence: c.sequence, at: c.at, digest: c.effect.digest, value: value() });
        true
    }

    fn contradicts(&self, c: &Supply) -> bool {
        self.sequence == c.sequence && self.digest != c.effect.digest
    }
}

/// What one source says. What it was listed with is kept beside whether it is in sale: an older listing may come late.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Feed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    catalog: Option<Said<Catalog>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listed: Option<Said<bool>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<Said<Money>>,
}

impl Feed {
    /// Takes a statement; whether any of it was news.
    pub fn hear(&mut self, c: &Supply) -> bool {
        match &c.said {
            SupplyFact::Listed { catalog, price } => {
                let facts = Said::hear(&mut self.catalog, c, || (**catalog).clone());
                let listed = Said::hear(&mut self.listed, c, || true);
                let price = Said::hear(&mut self.price, c, || *price);
                facts || listed || price
            }
            SupplyFact::PriceChanged { price } => Said::hear(&mut self.price, c, || *price),
            SupplyFact::Delisted => Said::hear(&mut self.listed, c, || false),
            SupplyFact::StockReported { .. } | SupplyFact::StockReceived { .. } => false,
        }
    }

    /// Whether the source said something else under the same number.
    pub fn contradicts(&self, c: &Supply) -> bool {
        self.catalog.as_ref().is_some_and(|said| said.contradicts(c))
            || self.listed.as_ref().is_some_and(|said| said.contradicts(c))
            || self.price.as_ref().is_some_and(|said| said.contradicts(c))
    }
}

/// What is believed of one thing, and which statement says so.
type Believed<'a, T> = Option<(&'a FeedSource, &'a Said<T>)>;

/// All sources of an item, those too that speak of stock only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Feeds(BTreeMap<FeedSource, Feed>);

impl Feeds {
    /// Whether nobody said anything yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one more source fits, if it is a new one.
    pub fn has_room_for(&self, source: &FeedSource) -> bool {
        self.0.len() < MAX_SOURCES || self.0.contains_key(source)
    }

    /// What a source says so far.
    pub fn of(&self, source: &FeedSource) -> Option<&Feed> {
        self.0.get(source)
    }

    /// Takes a statement.
    pub fn hear(&mut self, c: &Supply) {
        self.0.entry(c.source.clone()).or_default().hear(c);
    }

    /// The catalog facts that a statement brings about, if they are others than those believed before.
    pub fn new_catalog<'a>(&'a self, after: &'a Self) -> Option<&'a Catalog> {
        changed(self.believed(|feed| feed.catalog.as_ref()), after.believed(|feed| feed.catalog.as_ref()))
    }

    /// Likewise whether the item is in sale.
    pub fn new_listing(&self, after: &Self) -> Option<bool> {
        changed(self.believed(|feed| feed.listed.as_ref()), after.believed(|feed| feed.listed.as_ref())).copied()
    }

    /// Likewise the price.
    pub fn new_price(&self, after: &Self) -> Option<Money> {
        changed(self.believed(|feed| feed.price.as_ref()), after.believed(|feed| feed.price.as_ref())).copied()
    }

    /// The price that is believed, which may have come before anything else.
    pub fn price(&self) -> Option<Money> {
        self.believed(|feed| feed.price.as_ref()).map(|(_, said)| said.value)
    }

    /// Whether the item would be in sale, which may have been said before anything else.
    pub fn listed(&self) -> Option<bool> {
        self.believed(|feed| feed.listed.as_ref()).map(|(_, said)| said.value)
    }

    fn believed<T>(&self, facet: fn(&Feed) -> Option<&Said<T>>) -> Believed<'_, T> {
        let said = self.0.iter().filter_map(|(source, feed)| Some((source, facet(feed)?)));
        if planted::bug!("supply-oldest-source-wins") {
            return said.min_by_key(|(source, said)| (said.at, *source));
        }
        said.max_by_key(|(source, said)| (said.at, *source))
    }
}

/// The value that is believed from now on, if another statement is than before.
fn changed<'a, T>(before: Believed<'_, T>, after: Believed<'a, T>) -> Option<&'a T> {
    let name = |(source, said): (&FeedSource, &Said<T>)| (source.clone(), said.sequence);
    if before.map(name) == after.map(name) { None } else { after.map(|(_, said)| &said.value) }
}
