//! A day after the last return window: items have forgotten what they sold, and what is still on its way back comes.

use super::World;
use crate::sim::{
    bump,
    generators::{self, service},
};
use domain::Aggregate;
use schemas::{
    AggregateKey, Command, ItemId,
    item::{HoldId, ItemCommand, SetSafety},
};
use std::collections::{BTreeMap, BTreeSet};

/// How long an item remembers what is over.
const DAY_SECONDS: u32 = 24 * 3_600;

impl World {
    /// Closed holds leave; what was announced in time comes when nobody but its order remembers it.
    pub fn a_day_later(&mut self) {
        self.now = self.latest.plus_seconds(DAY_SECONDS);
        self.latest = self.now;
        // With each event a little leaves.
        for (item, remembered) in self.remembered() {
            for n in 0..remembered / 3 + 8 {
                let command = ItemCommand::SetSafety(SetSafety { quantity: u32::from(n % 2 == 0) });
                self.wish(0, service(), Command::Item { item: item.clone(), command });
            }
        }
        self.settle();
        let gone = self.closed_holds();
        assert_eq!(
            self.still_there(&gone),
            None,
            "every-hold-ends: an item remembers what is over for more than a day"
        );
        *self.tally.entry("holds that have left".to_owned()).or_default() += gone.len() as u64;
        let before = self.tail.events.len();
        for (caller, command) in generators::floor::late_returns(&mut self.made, &mut self.random, &self.swarm) {
            self.wish(0, caller, command);
        }
        self.settle();
        let late: Vec<_> = self.tail.events[before..].iter().filter(|event| event.name == "stock-restocked").collect();
        let late = late.into_iter().filter(|event| {
            let hold = serde_json::from_value(event.value["hold"].clone()).expect("a hold of the log");
            gone.contains(&(parse_item(&event.subject), hold))
        });
        for _ in 0..late.count() {
            bump(&mut self.tally, "returns of holds that have left");
        }
        if self.swarm.feeds {
            self.made.now = self.now.millis();
            for (caller, command) in generators::supply::long_after(&mut self.made, &mut self.random, &self.swarm) {
                self.wish(0, caller, command);
            }
            self.settle();
        }
        // Who waited for what came back is served.
        self.finish_floor();
    }

    /// The holds that their orders have closed.
    fn closed_holds(&self) -> BTreeSet<(ItemId, HoldId)> {
        let closed = self.tail.events.iter().filter(|event| event.name == "hold-closed");
        let hold = |value| serde_json::from_value(value).expect("a hold of the log");
        closed.map(|event| (parse_item(&event.subject), hold(event.value["hold"].clone()))).collect()
    }

    /// How much each item remembers of which a hold was closed.
    fn remembered(&self) -> BTreeMap<ItemId, usize> {
        let closed: BTreeSet<ItemId> = self.closed_holds().into_iter().map(|(item, _)| item).collect();
        let entries = |item: ItemId| {
            let entries = self.find(&item).map_or(0, domain::item::Item::entries);
            (item, entries)
        };
        closed.into_iter().map(entries).collect()
    }

    fn find(&self, item: &ItemId) -> Option<&domain::item::Item> {
        let key = AggregateKey::Item(item.clone());
        let owners = self.owners.iter().flatten();
        owners.filter_map(|owner| owner.shard.aggregate(&key)).find_map(|aggregate| match aggregate {
            Aggregate::Item(item) => Some(&**item),
            _ => None,
        })
    }

    /// One of these holds that its item has not forgotten.
    fn still_there<'a>(&self, holds: &'a BTreeSet<(ItemId, HoldId)>) -> Option<&'a (ItemId, HoldId)> {
        holds.iter().find(|(item, hold)| self.find(item).is_some_and(|item| item.hold_status(hold).is_some()))
    }
}

fn parse_item(id: &str) -> ItemId {
    ItemId::parse(id).expect("an id of the log")
}
