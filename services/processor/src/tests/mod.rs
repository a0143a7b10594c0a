//! The shard over a log that is a vector.

mod deadlines;
mod decides;
mod orders;
mod poison;
mod recovers;
mod too_large;

use crate::{Effects, Input, Recovery, RecoveryError, Shard, ShardOptions};
use domain::Policy;
use event_log::{Batch, CommandSource, Consumed, Received, Record};
use schemas::{
    AggregateKey, Caller, Command, CommandEnvelope, CommandId, CorrelationId, Digest, Effect, EffectId, FreeHoldId,
    ItemId, LocationId, Money, PositionToken, Quantity, Reply, ReplyAddress, ReplyBody, Role, ShardCount, ShardId,
    SubjectId, Timestamp, Topic,
    item::{Catalog, HoldId, ItemCommand, ItemKind, ItemReply, ListItem, PlaceHold, ReceiveStock},
};

pub(super) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A shard and everything that it ever committed.
pub(super) struct Rig {
    pub shard: Shard,
    pub records: Vec<Record>,
    pub now: Timestamp,
    epoch: u64,
    shards: ShardCount,
    requests: u64,
}

impl Rig {
    pub fn new() -> Self {
        Self::of(ShardId(0), 1)
    }

    pub fn of(shard: ShardId, count: u32) -> Self {
        let shards = ShardCount::new(count).expect("a count of shards");
        let options = ShardOptions::new(shard, shards, Policy::default());
        let empty = Recovery::new(options, 1).replay().finish(Consumed::default()).expect("an empty log");
        Self { shard: empty, records: Vec::new(), now: START, epoch: 1, shards, requests: 0 }
    }

    pub fn envelope(&mut self, caller: Caller, command: Command) -> CommandEnvelope {
        self.requests += 1;
        CommandEnvelope {
            id: CommandId::parse(&format!("c{}", self.requests)).expect("an id"),
            caller,
            correlation: CorrelationId::parse("r").expect("an id"),
            reply_to: Some(ReplyAddress { node: 0, request: self.requests }),
            positions: PositionToken::default(),
            sent_at: self.now,
            traceparent: None,
            command,
        }
    }

    pub fn received(&mut self, command: Command) -> Received {
        Received { source: CommandSource::Memory, envelope: self.envelope(service(), command).into() }
    }

    /// Steps and commits.
    pub fn step(&mut self, input: Input) -> Effects {
        let effects = self.shard.step(input);
        if let Some(batch) = &effects.batch {
            self.append(batch);
            self.shard.step(Input::Committed);
        }
        effects
    }

    pub fn send(&mut self, commands: Vec<Command>) -> Batch {
        let commands = commands.into_iter().map(|command| self.received(command)).collect();
        self.deliver(commands)
    }

    pub fn deliver(&mut self, commands: Vec<Received>) -> Batch {
        let now = self.now;
        let effects = self.step(Input::Commands { now, commands });
        assert!(effects.rebuild.is_none(), "nothing panicked");
        effects.batch.expect("a batch of commands is committed")
    }

    fn append(&mut self, batch: &Batch) {
        let partition = self.shard.id().0;
        for event in &batch.events {
            self.records.push(Record {
                topic: event.topic,
                partition,
                offset: self.records.len() as u64,
                key: event.envelope.subject.clone(),
                envelope: Some(event.envelope.clone()),
                headers: Vec::new(),
                value: Some(event.value.clone()),
            });
        }
        for snapshot in &batch.snapshots {
            let (topic, offset) = (Topic::Snapshots, self.records.len() as u64);
            let (key, value) = (snapshot.key.clone(), snapshot.value.clone());
            self.records.push(Record { topic, partition, offset, key, envelope: None, headers: Vec::new(), value });
        }
    }

    /// Writes snapshots until all is saved.
    pub fn save_all(&mut self) {
        for topic in Topic::EVENTS {
            self.shard.mark(topic, self.records.len() as u64);
        }
        while self.step(Input::Snapshot { all: true }).batch.is_some() {}
    }

    /// The next owner of what is in the log; how many events it applied.
    pub fn recover(&mut self) -> Result<u64, RecoveryError> {
        self.epoch += 1;
        let options = ShardOptions::new(self.shard.id(), self.shards, Policy::default());
        let mut recovery = Recovery::new(options, self.epoch);
        for record in self.records.iter().filter(|record| record.topic == Topic::Snapshots) {
            recovery.snapshot(record.clone());
        }
        let mut replay = recovery.replay();
        for from in replay.from() {
            let wanted = self.records.iter().filter(|r| r.topic == from.topic && r.offset >= from.offset);
            wanted.into_iter().try_for_each(|record| replay.event(record))?;
        }
        let replayed = replay.replayed();
        self.shard = replay.finish(self.shard.consumed())?;
        Ok(replayed)
    }

    /// All that the shard knows, in a form that can be compared.
    pub fn knows(&self) -> Vec<(AggregateKey, u64, serde_json::Value)> {
        let mut all: Vec<_> = self
            .shard
            .live()
            .map(|(key, seq, state)| (key.clone(), seq, serde_json::to_value(state).expect("plain data")))
            .collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }
}

pub(super) fn service() -> Caller {
    Caller { role: Role::Service, subject: SubjectId::parse("shop").expect("an id"), store: None, location: None }
}

pub(super) fn item_id(id: &str) -> ItemId {
    ItemId::parse(id).expect("an id")
}

pub(super) fn item(id: &str, command: ItemCommand) -> Command {
    Command::Item { item: item_id(id), command }
}

pub(super) fn quantity(units: u32) -> Quantity {
    Quantity::new(units).expect("a quantity")
}

pub(super) fn euros(minor: i64) -> Money {
    serde_json::from_value(serde_json::json!({ "amount": minor, "currency": "EUR" })).expect("money")
}

pub(super) fn effect(id: &str) -> Effect {
    Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::default() }
}

pub(super) fn list(id: &str) -> Command {
    let catalog = Catalog {
        name: id.to_owned(),
        description: None,
        category: None,
        store: None,
        kind: ItemKind::Physical,
        attributes: serde_json::Map::new(),
        images: Vec::new(),
        file: None,
        metadata: schemas::Metadata::default(),
    };
    item(id, ItemCommand::List(ListItem { catalog, price: euros(500), source: None, expected_version: None }))
}

pub(super) fn receive(id: &str, receipt: &str, units: u32) -> Command {
    let receive = ReceiveStock {
        effect: effect(receipt),
        location: LocationId::parse("berlin").expect("an id"),
        quantity: quantity(units),
        document: "note".to_owned(),
        occurred_at: None,
        metadata: schemas::Metadata::default(),
    };
    item(id, ItemCommand::Receive(receive))
}

pub(super) fn free_hold(id: &str) -> HoldId {
    HoldId::Free { caller: service().subject, id: FreeHoldId::parse(id).expect("an id") }
}

pub(super) fn hold(id: &str, hold: &str, units: u32, seconds: u32) -> Command {
    let place = PlaceHold {
        hold: free_hold(hold),
        quantity: quantity(units),
        expected_price: None,
        only_store: None,
        expires_in_seconds: Some(seconds),
        reference: None,
        metadata: schemas::Metadata::default(),
        effect: Some(effect(hold)),
    };
    item(id, ItemCommand::PlaceHold(place))
}

/// An item with stock, in one batch.
pub(super) fn stocked(id: &str, units: u32) -> Vec<Command> {
    vec![list(id), receive(id, "first", units)]
}

pub(super) fn available(reply: &Reply) -> Option<i64> {
    match &reply.outcome {
        Ok(ReplyBody::Item(ItemReply::Stock { available, .. })) => Some(*available),
        Ok(ReplyBody::Item(ItemReply::Hold(hold))) => hold.available,
        Ok(ReplyBody::Item(ItemReply::Catalog { .. } | ItemReply::Safety { .. } | ItemReply::Done))
        | Ok(
            ReplyBody::Order(_)
            | ReplyBody::Cart(_)
            | ReplyBody::Store(_)
            | ReplyBody::Warehouse(_)
            | ReplyBody::Drop(_)
            | ReplyBody::Follows(_)
            | ReplyBody::Shopper(_),
        )
        | Err(_) => None,
    }
}

/// The names of the events of a batch, such as `hold-granted`.
pub(super) fn names(batch: &Batch) -> Vec<&str> {
    let types = batch.events.iter().map(|event| &*event.envelope.event_type);
    types.map(|full| full.rsplit('.').nth(1).expect("stockfold.<domain>.<name>.v1")).collect()
}
