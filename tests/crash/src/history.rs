//! The log as anybody can read it, and what stands in it, reckoned the simple way.

use crate::scenario::{AMPLE, SCARCE, Scenario, Wish};
use event_log::{EventLog, ReadFrom, Record};
use schemas::Topic;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// The topics of which all records are kept as long as a run lasts.
const KEPT: [Topic; 4] = [Topic::InventoryEvents, Topic::OrdersEvents, Topic::InternalCommands, Topic::DeadLetters];

/// The records of each partition, in order.
#[derive(Debug, Clone, Default)]
pub struct History(BTreeMap<(Topic, u32), Vec<Record>>);

impl History {
    /// Everything that is in the log. An error names what may not be.
    pub fn read(log: &dyn EventLog) -> Result<Self, String> {
        let places = KEPT.into_iter().flat_map(|topic| {
            log.shards().all().map(move |shard| ReadFrom { topic, partition: shard.0, offset: 0 }).collect::<Vec<_>>()
        });
        let mut reader = log.reader(&places.collect::<Vec<_>>()).map_err(|error| format!("log: {error}"))?;
        let mut history = Self::default();
        loop {
            let records = reader.poll(usize::MAX, Duration::ZERO).map_err(|error| format!("log: {error}"))?;
            if records.is_empty() {
                return history.dense().map(|()| history);
            }
            for record in records {
                history.0.entry((record.topic, record.partition)).or_default().push(record);
            }
        }
    }

    fn dense(&self) -> Result<(), String> {
        for ((topic, partition), records) in &self.0 {
            if *topic == Topic::DeadLetters {
                return Err(format!("log: {records:?} could not be decided"));
            }
            let mut epoch = 0;
            for (offset, record) in (0..).zip(records) {
                let at = format!("{topic}/{partition}@{offset}");
                if record.offset != offset {
                    return Err(format!("dense: {at} stands at {}", record.offset));
                }
                let Some(envelope) = &record.envelope else { continue };
                if envelope.seq != offset + 1 || envelope.epoch < epoch {
                    return Err(format!("dense: {at} has seq {} of epoch {}", envelope.seq, envelope.epoch));
                }
                epoch = envelope.epoch;
            }
        }
        Ok(())
    }

    /// The seq of the newest event of a partition.
    #[must_use]
    pub fn end(&self, topic: Topic, partition: u32) -> u64 {
        self.0.get(&(topic, partition)).map_or(0, |records| records.len() as u64)
    }

    /// The events, each partition's in order.
    pub fn events(&self) -> impl Iterator<Item = &Record> {
        self.0.values().flatten().filter(|record| record.envelope.is_some())
    }

    /// That this is how the other one began: nothing is another, and of what one command caused all is there or nothing.
    pub fn check_began(&self, later: &Self) -> Result<(), String> {
        let none = Vec::new();
        let mut whole: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for (key, records) in &self.0 {
            let others = later.0.get(key).unwrap_or(&none);
            if others.get(..records.len()) != Some(records) {
                return Err(format!("prefix: {}/{} is not what was written", key.0, key.1));
            }
        }
        for (key, records) in &later.0 {
            let here = self.0.get(key).map_or(0, Vec::len);
            for (number, record) in records.iter().enumerate() {
                let Some(cause) = cause(record) else { continue };
                let (found, all) = whole.entry(cause).or_default();
                *all += 1;
                *found += usize::from(number < here);
            }
        }
        match whole.iter().find(|(_, (found, all))| *found != 0 && found != all) {
            Some((cause, (found, all))) => {
                Err(format!("whole batches: {found} of the {all} records that {cause} caused are in the log"))
            }
            None => Ok(()),
        }
    }
}

/// The command that caused a record; its records stand in one batch.
fn cause(record: &Record) -> Option<String> {
    if let Some(envelope) = &record.envelope {
        return Some(envelope.causation.to_string());
    }
    let command: Value = serde_json::from_slice(record.value.as_ref()?).ok()?;
    // The id of the cause and an ordinal.
    command["id"].as_str()?.rsplit_once('.').map(|(cause, _)| cause.to_owned())
}

/// Stock of an item by its events.
#[derive(Debug, Default)]
struct Stock {
    on_hand: i64,
    held: i64,
    committed: i64,
    /// Units of holds that are not over.
    holds: BTreeMap<String, i64>,
}

/// What has happened to an order, how often.
#[derive(Debug, Default)]
struct Order {
    placed: usize,
    confirmed: usize,
    rejected: usize,
    /// Units by item.
    lines: BTreeMap<String, i64>,
}

/// What the events say.
#[derive(Debug, Default)]
pub struct Facts {
    listed: BTreeMap<String, usize>,
    received: BTreeMap<String, usize>,
    granted: BTreeMap<String, usize>,
    orders: BTreeMap<String, Order>,
    stock: BTreeMap<String, Stock>,
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

impl Facts {
    /// Folds a history; an error names the invariant that is broken.
    pub fn of(history: &History) -> Result<Self, String> {
        let mut facts = Self::default();
        for record in history.events() {
            let envelope = record.envelope.as_ref().expect("an event");
            let value: Value = serde_json::from_slice(record.value.as_deref().unwrap_or_default())
                .map_err(|error| format!("log: {} is no JSON: {error}", envelope.event_type))?;
            let name = envelope.event_type.rsplit('.').nth(1).unwrap_or_default();
            match record.topic {
                Topic::InventoryEvents => facts.item(name, &envelope.subject, &value)?,
                _ => facts.order(name, &envelope.subject, &value),
            }
        }
        Ok(facts)
    }

    fn item(&mut self, name: &str, item: &str, value: &Value) -> Result<(), String> {
        let stock = self.stock.entry(item.to_owned()).or_default();
        let hold = value["hold"].to_string();
        let quantity = number(&value["quantity"]);
        match name {
            "item-listed" => *self.listed.entry(item.to_owned()).or_default() += 1,
            "stock-received" => {
                *self.received.entry(item.to_owned()).or_default() += 1;
                stock.on_hand += quantity;
            }
            "hold-granted" => {
                if let Some(id) = value["hold"]["id"].as_str() {
                    *self.granted.entry(id.to_owned()).or_default() += 1;
                }
                stock.held += quantity;
                if stock.holds.insert(hold.clone(), quantity).is_some() {
                    return Err(format!("S5: {hold} of {item} is granted twice"));
                }
            }
            "hold-committed" | "hold-expired" | "hold-released" => {
                let Some(held) = stock.holds.remove(&hold) else {
                    return Err(format!("S3: {name} of {item}: {hold} is not held"));
                };
                stock.held -= held;
                if name == "hold-committed" {
                    stock.committed += held;
                }
            }
            "price-changed" => {}
            other => return Err(format!("log: nobody asked for {other} of {item}")),
        }
        let available = stock.on_hand - stock.held - stock.committed;
        if available < 0 {
            return Err(format!("S2: {item} is oversold by {}", -available));
        }
        let told = &value["stock"];
        let told = [&told["onHand"], &told["held"], &told["committed"], &told["available"]].map(number);
        if !value["stock"].is_null() && told != [stock.on_hand, stock.held, stock.committed, available] {
            return Err(format!("S4: {name} of {item} tells {told:?}, its events make {stock:?}"));
        }
        Ok(())
    }

    fn order(&mut self, name: &str, order: &str, value: &Value) {
        let order = self.orders.entry(order.to_owned()).or_default();
        match name {
            "order-placed" => {
                order.placed += 1;
                for line in value["lines"].as_array().into_iter().flatten() {
                    let item = line["itemId"].as_str().unwrap_or_default();
                    *order.lines.entry(item.to_owned()).or_default() += number(&line["quantity"]);
                }
            }
            "order-confirmed" => order.confirmed += 1,
            "order-rejected" | "order-expired" | "order-cancelled" => order.rejected += 1,
            _ => {}
        }
    }

    /// How often a wish has taken effect.
    #[must_use]
    pub fn count(&self, wish: &Wish) -> usize {
        let of = |counts: &BTreeMap<String, usize>, id: &str| counts.get(id).copied().unwrap_or_default();
        match wish {
            Wish::List(item) => of(&self.listed, item),
            Wish::Receive(item) => of(&self.received, item),
            Wish::Hold { id, .. } => of(&self.granted, id),
            Wish::Order { id, .. } => {
                self.orders.get(id).map_or(0, |order| if order.placed == 1 { order.confirmed } else { order.placed })
            }
        }
    }

    /// What must be true once everybody was answered and all time has passed.
    pub fn check_end(&self, scenario: &Scenario) -> Result<(), String> {
        for wish in &scenario.wishes {
            let count = self.count(wish);
            let is_scarce = matches!(wish, Wish::Hold { item, .. } if *item == SCARCE);
            if count != 1 && !(is_scarce && count == 0) {
                return Err(format!("once: {wish:?} took effect {count} times"));
            }
        }
        if let Some((id, _)) = self.orders.iter().find(|(_, order)| order.rejected > 0) {
            return Err(format!("once: order {id} was refused, and there is enough of all"));
        }
        for item in AMPLE {
            let stock = self.stock.get(item).ok_or_else(|| format!("once: {item} has no stock"))?;
            let ordered: i64 = self.orders.values().filter_map(|order| order.lines.get(item)).sum();
            if (stock.held, stock.committed) != (0, ordered) {
                return Err(format!("S3: {item}: {ordered} are ordered, nothing should be held: {stock:?}"));
            }
        }
        Ok(())
    }
}
