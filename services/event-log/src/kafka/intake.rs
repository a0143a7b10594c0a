//! The commands of a shard, as they stand in its partition of both command topics.
//!
//! A lease reads them by itself, so that a slow shard holds up no other and fetches no more than it can hold; the group
//! says who owns what, and no more.

use super::{
    client::{self, Consuming, Isolation, Place, STAYS, at, number, offset, position},
    shared::Shared,
};
use crate::{
    CommandSource, Consumed, LogError, NewDeadLetter, Received,
    dead_letter::{About, LetterKind},
};
use rdkafka::{
    consumer::Consumer as _,
    error::KafkaError,
    message::{BorrowedMessage, Message as _},
};
use schemas::{CommandEnvelope, ShardId, Timestamp, Topic};
use std::{sync::Arc, time::Duration};

/// A poll takes no more bytes of commands than about so many.
const MOST_BYTES: usize = 1 << 20;

/// A record that is no command.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) source: CommandSource,
    pub(super) letter: NewDeadLetter,
}

/// See the module.
pub(super) struct Intake {
    shared: Arc<Shared>,
    shard: ShardId,
    /// A new one for each beginning: what it says of positions is true then.
    consumer: Consuming,
    start: Consumed,
    /// Past all commands that were given.
    given: Consumed,
    unreadable: Option<Unreadable>,
    /// Of the poll at hand.
    bytes: usize,
}

impl Intake {
    /// Begins to read at these offsets.
    pub(super) fn start(shared: &Arc<Shared>, shard: ShardId, start: Consumed) -> Result<Self, LogError> {
        let Shared { config, health, topics, .. } = &**shared;
        let mut consumer = client::consumer(config, health, &client::processors(config), Isolation::Committed, STAYS)?;
        let gate = Arc::clone(shared.gates.of(shard));
        consumer.notify(move || gate.ring());
        let places = [(Topic::Commands, start.commands), (Topic::InternalCommands, start.internal)];
        consumer
            .assign(&topics.places(places.map(|(topic, offset)| (topic, shard.0, at(offset))))?)
            .map_err(|error| client::unavailable("commands cannot be read", &error))?;
        Ok(Self { shared: Arc::clone(shared), shard, consumer, start, given: start, unreadable: None, bytes: 0 })
    }

    /// The partitions that are read.
    pub(super) fn places(&self) -> Vec<Place> {
        vec![(Topic::Commands, self.shard.0), (Topic::InternalCommands, self.shard.0)]
    }

    /// Whether more can be taken in this poll.
    pub(super) const fn is_open(&self) -> bool {
        self.unreadable.is_none() && self.bytes < MOST_BYTES
    }

    /// The record that is in the way, once all that was given before it is committed.
    pub(super) fn unreadable(&mut self, committed: Consumed) -> Option<Unreadable> {
        if committed.later(self.given) != committed {
            return None;
        }
        let unreadable = self.unreadable.take()?;
        self.given.pass(unreadable.source);
        Some(unreadable)
    }

    /// Takes the commands that are there, until there are `max`.
    pub(super) fn take(&mut self, commands: &mut Vec<Received>, max: usize) -> Result<(), LogError> {
        self.bytes = 0;
        while commands.len() < max && self.is_open() {
            match self.consumer.poll(Duration::ZERO) {
                None => return Ok(()),
                Some(Ok(message)) => {
                    self.bytes += message.payload().map_or(0, <[u8]>::len);
                    match read(&self.shared, &message) {
                        Ok(received) => {
                            self.given.pass(received.source);
                            commands.push(received);
                        }
                        Err(unreadable) => self.unreadable = Some(unreadable),
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {}
                Some(Err(error)) => client::lasting(&error).map_err(|error| self.explain(error))?,
            }
        }
        Ok(())
    }

    /// Whether all before these ends, of [`Self::places`], was given, and passed over what was aborted.
    pub(super) fn has_reached(&self, ends: &[u64]) -> bool {
        self.has_reached_clients(ends)
            && ends.get(1).is_some_and(|end| self.position(Topic::InternalCommands, self.start.internal) >= *end)
    }

    /// The same of the clients' commands alone. Those of others may stand behind an open transaction.
    pub(super) fn has_reached_clients(&self, ends: &[u64]) -> bool {
        self.unreadable.is_none()
            && ends.first().is_some_and(|end| self.position(Topic::Commands, self.start.commands) >= *end)
    }

    fn position(&self, topic: Topic, start: u64) -> u64 {
        position(&self.consumer, self.shared.topics.name(topic), self.shard.0, start)
    }

    /// Says what is missing where the log does not have the next command.
    fn explain(&self, error: LogError) -> LogError {
        let LogError::Corrupt(_) = error else { return error };
        let (places, shared) = (self.places(), &self.shared);
        let (Ok(lows), Ok(ends)) = (shared.ends.lows(&places), shared.ends.stable(&places)) else { return error };
        let next = [self.given.commands, self.given.internal];
        let is_missing = |i: &usize| next[*i] < lows[*i] || next[*i] > ends[*i];
        let Some(i) = (0..2).find(is_missing) else { return error };
        let (name, shard, next, low, end) = (shared.topics.name(places[i].0), self.shard.0, next[i], lows[i], ends[i]);
        LogError::Corrupt(format!(
            "{name}/{shard} has the offsets {low} to {end}, and the shard has come to {next}: commands were removed before \
             they were decided. Once that is understood, `kafka-consumer-groups.sh --group {} --reset-offsets` lets it go on",
            client::processors(&shared.config)
        ))
    }
}

fn read(shared: &Shared, message: &BorrowedMessage<'_>) -> Result<Received, Unreadable> {
    let at = offset(message.offset());
    let is_internal = message.topic() == shared.topics.name(Topic::InternalCommands);
    let source = if is_internal { CommandSource::Internal(at) } else { CommandSource::Commands(at) };
    let value = message.payload().unwrap_or_default();
    let why = match serde_json::from_slice::<CommandEnvelope>(value) {
        Ok(envelope) => {
            let shard = crate::shard_of_command(shared.topics.shards, &envelope.command);
            if number(shard.0) == message.partition() {
                return Ok(Received { source, envelope: Arc::new(envelope) });
            }
            format!("it belongs to shard {}", shard.0)
        }
        Err(error) => error.to_string(),
    };
    let topic = if is_internal { Topic::InternalCommands } else { Topic::Commands };
    let partition = u32::try_from(message.partition()).unwrap_or_default();
    let about = About {
        kind: LetterKind::Command,
        code: "unreadable_command".to_owned(),
        at: Timestamp::from_millis(message.timestamp().to_millis().unwrap_or_default()),
        from: About::place(topic, partition, at),
    };
    let key = String::from_utf8_lossy(message.key().unwrap_or_default());
    let reason = format!("the record is no command for this shard: {why}");
    Err(Unreadable { source, letter: NewDeadLetter::new(&key, &reason, value, about.fields()) })
}
