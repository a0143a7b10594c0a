//! What really happened: the log, read as any analyst would read it, event by event as JSON.
//!
//! Nothing here comes from the engine but the log's reader: amounts and states are reckoned anew, the simple way.

mod orders;
mod stock;

use super::{
    Tally,
    provider::Open,
    shop::{Wish, command_of},
};
use event_log::{EventLog, ReadFrom, simulated::SimulatedLog};
use orders::Order;
use schemas::{
    Command, Reply, ReplyBody, Topic,
    item::{HoldId, HoldReply, HoldStatus, ItemCommand, ItemReply},
    order::{OrderCommand, OrderStatus},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use stock::Item;

/// One event with what stands beside its value.
struct Fact<'a> {
    /// Such as `hold-granted`.
    name: &'a str,
    subject: &'a str,
    causation: &'a str,
    seq: u64,
    value: &'a Value,
}

/// Everything that is in the log so far.
#[derive(Default)]
pub struct Audit {
    next: BTreeMap<(Topic, u32), u64>,
    /// Newest seq and epoch of each partition.
    newest: BTreeMap<(Topic, u32), (u64, u64)>,
    items: BTreeMap<String, Item>,
    orders: BTreeMap<String, Order>,
    happened: BTreeMap<String, u64>,
    /// The commands of clients that an item refused.
    refused: BTreeSet<String>,
    /// The commands and deadlines that changed an item.
    changed: BTreeSet<String>,
}

/// A number of an event.
fn number(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap_or_else(|| panic!("`{name}` is a number in {value}"))
}

/// A text of an event.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("`{name}` is a text in {value}"))
}

/// Minor units of an event.
fn minor(value: &Value, name: &str) -> i64 {
    number(&value[name], "amount")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

impl Audit {
    /// Reads what the log has got since; every check of a single event is made here.
    pub fn read(&mut self, log: &SimulatedLog) {
        let partitions = Topic::EVENTS.into_iter().flat_map(|topic| log.shards().all().map(move |s| (topic, s.0)));
        let from: Vec<_> = partitions
            .map(|key| ReadFrom { topic: key.0, partition: key.1, offset: self.next.get(&key).copied().unwrap_or(0) })
            .collect();
        let mut reader = log.reader(&from).expect("partitions that exist");
        loop {
            let records = reader.poll(usize::MAX, Duration::ZERO).expect("the log can be read");
            if records.is_empty() {
                return;
            }
            for record in records {
                let key = (record.topic, record.partition);
                self.next.insert(key, record.offset + 1);
                let envelope = record.envelope.expect("events have attributes");
                let (seq, epoch) = self.newest.get(&key).copied().unwrap_or_default();
                assert_eq!(envelope.seq, seq + 1, "{key:?} is dense");
                assert!(envelope.epoch >= epoch, "{key:?}: an owner that was fenced has written");
                self.newest.insert(key, (envelope.seq, envelope.epoch));
                assert_eq!(log.shards().of_key(&envelope.subject).0, record.partition, "one writer for a key");
                let value = serde_json::from_slice(&record.value.expect("events have values")).expect("JSON");
                let name = envelope.event_type.rsplit('.').nth(1).expect("a type with a version");
                *self.happened.entry(name.to_owned()).or_default() += 1;
                let (causation, seq) = (envelope.causation.as_str(), envelope.seq);
                self.take(record.topic, &Fact { name, subject: &envelope.subject, causation, seq, value: &value });
            }
        }
    }

    fn take(&mut self, topic: Topic, fact: &Fact<'_>) {
        match topic {
            Topic::InventoryEvents => {
                assert!(!self.refused.contains(fact.causation), "{} was refused: {}", fact.causation, fact.value);
                self.changed.insert(fact.causation.to_owned());
                self.items.entry(fact.subject.to_owned()).or_default().take(fact);
            }
            Topic::OrdersEvents => self.orders.entry(fact.subject.to_owned()).or_default().take(fact),
            Topic::Commands | Topic::InternalCommands | Topic::Replies | Topic::Snapshots | Topic::DeadLetters => {
                panic!("{topic} carries no events")
            }
        }
    }

    /// What the payment provider has not answered: the order, what, and minor units.
    pub fn open_at_provider(&self) -> Vec<(String, Open, i64)> {
        let of = |(id, order): (&String, &Order)| {
            let id = id.clone();
            order.open().into_iter().map(move |(open, minor)| (id.clone(), open, minor)).collect::<Vec<_>>()
        };
        self.orders.iter().flat_map(of).collect()
    }

    /// Answered = in the log: what a client was told has happened, and stands at the position that it was told.
    pub fn check_answer(&mut self, wish: &Wish, reply: &Reply) {
        for position in reply.positions.positions() {
            let (seq, _) = self.newest.get(&(position.topic, position.partition)).copied().unwrap_or_default();
            assert!(
                position.seq <= seq,
                "{position} was answered and is not in the log, which ends at {seq}: {wish:?}"
            );
        }
        let Ok(body) = &reply.outcome else {
            if matches!(wish.command, Command::Item { .. }) {
                let command = command_of(reply.to.request).to_string();
                assert!(!self.changed.contains(&command), "{command} was refused and changed something: {wish:?}");
                self.refused.insert(command);
            }
            return;
        };
        let newest = reply.positions.positions().map(|position| position.seq).max();
        let seq = newest.unwrap_or_else(|| panic!("an answer names where it stands: {wish:?}"));
        let found = match (&wish.command, body) {
            (Command::Item { item, command }, ReplyBody::Item(reply)) => {
                let truly = |item| did_item(item, command, reply) && tells_truly(item, command, reply, seq);
                self.items.get(item.as_str()).is_some_and(truly)
            }
            (Command::Order { order, command }, ReplyBody::Order(reply)) => {
                self.orders.get(order.as_str()).is_some_and(|order| did_order(order, command, reply.status))
            }
            (Command::Item { .. }, ReplyBody::Order(_)) | (Command::Order { .. }, ReplyBody::Item(_)) => false,
        };
        assert!(found, "{body:?} was answered and is not in the log: {wish:?}");
    }

    /// What must be true when all have had time: no order is open, no hold outlives its order, money adds up.
    pub fn check_calm(&self) {
        self.items.iter().for_each(|(id, item)| item.check_at_rest(id));
        self.orders.iter().for_each(|(id, order)| order.check_at_rest(id));
        for (id, item) in self.items.iter().filter(|(_, item)| !item.is_digital()) {
            let ordered: i64 = self.orders.values().map(|order| order.open_units(id)).sum();
            assert_eq!(item.committed_to_orders(), ordered, "S3: {id}: committed = Σ open ordered units");
        }
    }

    /// How often which event happened.
    pub fn count(&self, names: &[&'static str], tally: &mut Tally) {
        for name in names {
            if let Some(n) = self.happened.get(*name) {
                *tally.entry(name).or_default() += n;
            }
        }
        *tally.entry("events").or_default() += self.happened.values().sum::<u64>();
    }
}

/// That a hold is told as it was at the answer's position: who sells on `active` must not be told it of what is over.
fn tells_truly(item: &Item, command: &ItemCommand, reply: &ItemReply, seq: u64) -> bool {
    let (hold, reply) = match (command, reply) {
        (ItemCommand::PlaceHold(c), ItemReply::Hold(reply)) => (&c.hold, reply),
        (ItemCommand::CommitHold(c), ItemReply::Hold(reply)) => (&c.hold, reply),
        (ItemCommand::ReleaseHold(c), ItemReply::Hold(reply)) => (&c.hold, reply),
        (ItemCommand::Ship(c), ItemReply::Hold(reply)) => (&c.hold, reply),
        (_, ItemReply::Hold(_)) => return false,
        (_, ItemReply::Catalog { .. } | ItemReply::Stock { .. } | ItemReply::Safety { .. } | ItemReply::Done) => {
            return true;
        }
    };
    let HoldReply { status, available, .. } = reply;
    let told = (serde_json::to_value(status).expect("plain data"), *available);
    let hold = serde_json::to_value::<&HoldId>(hold).expect("plain data");
    let was = (Value::from(item.status_at(&hold, seq)), item.available_at(seq));
    assert_eq!(told, was, "{hold} at {seq} was told otherwise than it was");
    true
}

fn did_item(item: &Item, command: &ItemCommand, reply: &ItemReply) -> bool {
    match command {
        ItemCommand::Receive(c) => item.has_effect("stock-received", c.effect.id.as_str()),
        ItemCommand::Move(c) => item.has_effect("stock-moved", c.effect.id.as_str()),
        ItemCommand::Ship(c) => item.has_effect("stock-shipped", c.effect.id.as_str()),
        ItemCommand::Count(c) => item.has_effect("stock-counted", c.effect.id.as_str()),
        ItemCommand::PlaceHold(c) => {
            let hold = serde_json::to_value(&c.hold).expect("plain data");
            item.granted(&hold) == Some(i64::from(c.quantity.get()))
        }
        ItemCommand::CommitHold(c) => {
            let hold = serde_json::to_value(&c.hold).expect("plain data");
            item.is_committed(&hold)
        }
        ItemCommand::ReleaseHold(c) => {
            let hold = serde_json::to_value(&c.hold).expect("plain data");
            let told =
                matches!(reply, ItemReply::Hold(r) if matches!(r.status, HoldStatus::Released | HoldStatus::Expired));
            told && item.is_over(&hold)
        }
        ItemCommand::List(_) | ItemCommand::Patch(_) | ItemCommand::Delist(_) | ItemCommand::SetSafety(_) => true,
        ItemCommand::Uncommit(_)
        | ItemCommand::Allocate(_)
        | ItemCommand::Restock(_)
        | ItemCommand::Allot(_)
        | ItemCommand::ReturnAllotment(_)
        | ItemCommand::CommitAllotted(_) => panic!("no client asks for {command:?}"),
    }
}

fn did_order(order: &Order, command: &OrderCommand, status: OrderStatus) -> bool {
    match command {
        // An expired order that holds again shows `holding`; it was held in full before.
        OrderCommand::Place(_) => order.was_held() && (status != OrderStatus::Holding || order.is_held_again()),
        OrderCommand::StartPayment(c) => order.is_authorized(c.payment_id.as_str()),
        OrderCommand::Submit(_) => order.was_confirmed(),
        OrderCommand::Cancel(c) => order.has_cancellation(c.effect.id.as_str()) || order.is_cancelled(),
        OrderCommand::ItemAnswered(_)
        | OrderCommand::RecordAuthorization(_)
        | OrderCommand::RecordDecline(_)
        | OrderCommand::RecordCapture(_)
        | OrderCommand::RecordCaptureFailure(_)
        | OrderCommand::SettleRefund(_)
        | OrderCommand::RefundByOperator(_) => panic!("no client asks for {command:?}"),
    }
}
