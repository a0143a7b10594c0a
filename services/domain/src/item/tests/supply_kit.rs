//! Statements of suppliers' systems.

use super::kit::{NOW, location, quantity};
use schemas::{
    Money, Timestamp,
    item::{Catalog, FeedSource, ItemCommand, ItemEvent, Supply, SupplyFact, SupplyRecorded},
};

pub fn source(name: &str) -> FeedSource {
    FeedSource::parse(name).expect("a source")
}

/// A time before the one at which a test begins.
pub fn ago(seconds: i64) -> Timestamp {
    NOW.plus_millis(-seconds * 1_000)
}

/// A statement of `erp`, as of `seconds` ago.
pub fn said(sequence: u64, seconds: i64, fact: SupplyFact) -> Supply {
    by("erp", sequence, ago(seconds), fact)
}

pub fn by(name: &str, sequence: u64, at: Timestamp, fact: SupplyFact) -> Supply {
    Supply::new(source(name), sequence, at, fact)
}

pub fn listed(catalog: Catalog, price: Money) -> SupplyFact {
    SupplyFact::Listed { catalog: Box::new(catalog), price }
}

pub const fn priced(price: Money) -> SupplyFact {
    SupplyFact::PriceChanged { price }
}

pub fn reported(at: &str, counted: u64) -> SupplyFact {
    SupplyFact::StockReported { location: location(at), counted }
}

pub fn came(at: &str, units: u32) -> SupplyFact {
    SupplyFact::StockReceived { location: location(at), quantity: quantity(units), document: "note".to_owned() }
}

/// That it is on record.
pub fn on_record(c: &Supply) -> ItemEvent {
    let Supply { effect, source, sequence, at, said } = c.clone();
    SupplyRecorded { effect, source, sequence, at, said }.into()
}

pub const fn ask(c: Supply) -> ItemCommand {
    ItemCommand::Supply(c)
}
