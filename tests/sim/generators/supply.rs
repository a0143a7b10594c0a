//! What suppliers' systems say: out of order, late, again, of the past and of the future, and before an item is listed.

use super::{Asks, Made, anyone, caller, item_ids, items::catalog, location, of_item, price, some_stock, units};
use crate::sim::{random::Random, swarm::Swarm};
use schemas::{
    Caller, ItemId, Metadata, Role, Timestamp,
    item::{FeedSource, ItemCommand, ReceiveStock, Supply, SupplyFact},
};
use std::collections::BTreeMap;

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

/// What the suppliers said so far.
#[derive(Debug, Default)]
pub struct Feeds {
    /// The newest number by item and source.
    newest: BTreeMap<(ItemId, FeedSource), u64>,
    said: Vec<(ItemId, Supply)>,
}

/// The item that only suppliers list.
pub fn fed() -> ItemId {
    ItemId::parse("fed").expect("an id")
}

/// A few statements on one item, in any order; or some that were sent before.
pub fn ask(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Asks {
    let item = if random.chance(40) { fed() } else { some_stock(random, swarm) };
    let mut said: Vec<_> =
        (0..random.between(1, 4)).map(|_| (item.clone(), statement(made, &item, random, swarm))).collect();
    made.feeds.said.extend(said.iter().cloned());
    if random.chance(25) {
        said.extend(random.pick(&made.feeds.said).cloned());
    }
    for at in (1..said.len()).rev() {
        said.swap(at, random.below(at as u64 + 1) as usize);
    }
    // Now and then one is kept back for long.
    if random.chance(20) {
        said.pop();
    }
    let ask = |(item, c)| (who(random), of_item(item, ItemCommand::Supply(c)));
    said.into_iter().map(ask).collect()
}

/// When what was booked is summed up: statements of before that are too old, and those that came are known.
pub fn long_after(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Asks {
    let mut asks = Asks::new();
    for item in item_ids(swarm).into_iter().chain([fed()]) {
        let receipt = ReceiveStock {
            effect: made.effect("receipt"),
            location: location(random, swarm),
            quantity: units(random, swarm, 2),
            document: "note".to_owned(),
            occurred_at: None,
            metadata: Metadata::default(),
        };
        let said = SupplyFact::StockReported { location: receipt.location.clone(), counted: random.below(30) };
        let source = FeedSource::parse("//asleep.example").expect("a source");
        let said = Supply::new(source, 1, Timestamp::from_millis(made.now - by(30 * 24 * HOUR)), said);
        asks.push((super::service(), of_item(item.clone(), ItemCommand::Receive(receipt))));
        asks.push((who(random), of_item(item, ItemCommand::Supply(said))));
    }
    for (item, c) in made.feeds.said.iter().rev().take(8) {
        asks.push((who(random), of_item(item.clone(), ItemCommand::Supply(c.clone()))));
    }
    asks
}

fn by(millis: u64) -> i64 {
    i64::try_from(millis).expect("a few days")
}

fn who(random: &mut Random) -> Caller {
    if random.chance(6) { anyone(random) } else { caller(Role::Supplier, "feed", None) }
}

fn statement(made: &mut Made, item: &ItemId, random: &mut Random, swarm: &Swarm) -> Supply {
    let source = ["//erp.example/a", "//erp.example/b", "//pos.example"][random.below(3) as usize];
    let source = FeedSource::parse(source).expect("a source");
    let newest = made.feeds.newest.entry((item.clone(), source.clone())).or_default();
    *newest += 1 + random.below(3);
    let sequence = *newest;
    let said = fact(item, random, swarm);
    Supply::new(source, sequence, as_of(made.now, random), said)
}

/// Mostly of the last minutes; now and then ahead, by what is taken or by more, or of days ago.
fn as_of(now: i64, random: &mut Random) -> Timestamp {
    let at = match random.below(100) {
        0..4 => now + by(random.below(240 * SECOND)),
        4..6 => now + by(HOUR),
        6..9 => now - by(24 * HOUR + random.below(48 * HOUR)),
        9..30 => now - by(random.below(2 * HOUR)),
        _ => now - by(random.below(90 * SECOND)),
    };
    // Some fall together.
    Timestamp::from_millis(if random.chance(30) { at / 10_000 * 10_000 } else { at })
}

fn fact(item: &ItemId, random: &mut Random, swarm: &Swarm) -> SupplyFact {
    let sells = swarm.shop || swarm.drops;
    match random.below(20) {
        0..4 => {
            let digital = (item.as_str() == "ebook") != random.per_mille(20);
            let mut catalog = catalog(item, digital, random.chance(50).then_some("things"));
            catalog.name = format!("{item} {}", random.below(4));
            SupplyFact::Listed { catalog: Box::new(catalog), price: price(random, swarm) }
        }
        4..6 => SupplyFact::PriceChanged { price: price(random, swarm) },
        6 if random.chance(if sells { 15 } else { 60 }) => SupplyFact::Delisted,
        6..12 => {
            let counted = if random.chance(swarm.extremes) { 1_000_000_001 } else { random.below(30) };
            SupplyFact::StockReported { location: location(random, swarm), counted }
        }
        _ => SupplyFact::StockReceived {
            location: location(random, swarm),
            quantity: units(random, swarm, 8),
            document: "note".to_owned(),
        },
    }
}
