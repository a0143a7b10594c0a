//! Taking a shard: fence, find what stands in the log, and write the lease into it.

use super::{
    client::{self, GOES, Isolation, Place},
    lease::KafkaLease,
    owned::Owned,
    producer::Transactor,
    records::{self, LEASE_KEY},
    scan::{Part, scan},
    shared::Shared,
    shelf::Shelf,
};
use crate::{CommitOutcome, Consumed, LogError};
use rdkafka::message::Message as _;
use schemas::{ShardId, Topic};
use std::{sync::Arc, time::Duration};

/// How long it may take until the last transaction of the earlier owner has ended everywhere.
const SETTLE: Duration = Duration::from_secs(10);
/// The newest event of a partition is looked for in so many of its last offsets; then in so many times more.
const BACK: u64 = 2;
const FURTHER: u64 = 16;

/// What the log says of a shard.
#[derive(Debug, Default)]
struct Found {
    shelf: Shelf,
    /// The highest of any lease or event.
    epoch: u64,
    /// How far internal commands had been consumed, at least.
    internal: u64,
    /// The newest of each events topic.
    seqs: [u64; Topic::EVENTS.len()],
    /// Whether the shard was ever owned.
    owned: bool,
}

/// Fences every earlier owner. All that they committed can be read when this returns.
pub(super) fn acquire(shared: &Arc<Shared>, shard: ShardId) -> Result<KafkaLease, LogError> {
    if shard.0 >= shared.topics.shards.get() {
        return Err(LogError::Mismatch(format!(
            "there is no shard {}: the log has {}",
            shard.0,
            shared.topics.shards.get()
        )));
    }
    if shared.is_closing() {
        return Err(LogError::Unavailable("the log is closing".to_owned()));
    }
    // An owner in this process learns it at once, not with its next commit.
    let owned = Owned::take(shared, shard);
    let transactor = Transactor::start(&shared.config, &shared.health, &shared.topics, shard, shared.limits)?;
    let found = find(shared, shard)?;
    let consumed = consumed(shared, shard, &found)?;
    let epoch = found.epoch + 1;
    let lease = KafkaLease::new(owned, epoch, consumed, found.seqs, (transactor, found.shelf))?;
    match lease.begin() {
        CommitOutcome::Committed => Ok(lease),
        CommitOutcome::Fenced => Err(LogError::Fenced),
        CommitOutcome::Aborted | CommitOutcome::Indefinite => {
            Err(LogError::Unavailable(format!("the lease of shard {} could not be written", shard.0)))
        }
    }
}

/// Reads what the next owner must know. The shard is fenced, so that nothing changes.
fn find(shared: &Shared, shard: ShardId) -> Result<Found, LogError> {
    let topics = Topic::EVENTS.into_iter().chain([Topic::Snapshots]);
    let places: Vec<Place> = topics.map(|topic| (topic, shard.0)).collect();
    let stable = shared.ends.settled(&places, SETTLE)?;
    let lows = shared.ends.lows(&places)?;
    let readers = client::readers(&shared.config);
    let consumer = client::consumer(&shared.config, &shared.health, &readers, Isolation::Committed, GOES)?;
    let mut found = Found::default();
    let part = |i: usize| Part { topic: places[i].0, partition: shard.0, from: lows[i], until: stable[i] };
    scan(&consumer, &shared.topics, part(Topic::EVENTS.len()), |message| {
        let key = String::from_utf8_lossy(message.key().unwrap_or_default());
        if key == LEASE_KEY {
            if let Some(lease) = message.payload().and_then(records::LeaseRecord::read) {
                found.epoch = lease.epoch.max(found.epoch);
                found.internal = lease.internal.max(found.internal);
            }
            found.owned = true;
        } else if !records::is_own(Topic::Snapshots, &key) {
            found.shelf.note(&key, client::offset(message.offset()), message.payload().is_none());
        }
        Ok(())
    })?;
    for i in 0..Topic::EVENTS.len() {
        let whole = part(i);
        let (mut back, mut newest) = (BACK, None);
        while newest.is_none() {
            let from = whole.until.saturating_sub(back).max(whole.from);
            scan(&consumer, &shared.topics, Part { from, ..whole }, |message| {
                newest = records::envelope(message).or(newest.take());
                Ok(())
            })?;
            if from == whole.from {
                break;
            }
            back = back.saturating_mul(FURTHER);
        }
        if let Some(newest) = newest {
            found.epoch = found.epoch.max(newest.epoch);
            found.seqs[i] = newest.seq;
            found.owned = true;
        }
    }
    Ok(found)
}

/// Where commands were read up to, by those who committed that; read after the fence.
///
/// Where nothing is noted (a new shard, or no position was committed for longer than they are kept):
/// - internal commands begin where the newest record of a lease says, or with the oldest there is. Receivers know those that
///   they have acted on; a checkpoint of the shard may tell a later place;
/// - commands of clients begin with the oldest only if nobody ever owned the shard. Otherwise with what comes from now on:
///   what a client was refused, or never told, must not be granted to nobody.
fn consumed(shared: &Shared, shard: ShardId, found: &Found) -> Result<Consumed, LogError> {
    let places = [(Topic::Commands, shard.0), (Topic::InternalCommands, shard.0)];
    let known = shared.ends.committed(&places)?;
    if let [Some(commands), Some(internal)] = known[..] {
        // Nobody decided for longer than clients' commands are kept: they were told that the outcome is unknown.
        let low = shared.ends.lows(&places[..1])?[0];
        if commands < low {
            tracing::warn!(shard = shard.0, commands, low, "commands of clients were removed before they were decided");
        }
        return Ok(Consumed { commands: commands.max(low), internal });
    }
    let lows = shared.ends.lows(&places)?;
    let commands = match known[0] {
        Some(commands) => commands.max(lows[0]),
        None if found.owned => shared.ends.stable(&places[..1])?[0],
        None => lows[0],
    };
    let consumed = Consumed { commands, internal: known[1].unwrap_or(found.internal.max(lows[1])) };
    if found.owned {
        tracing::warn!(
            shard = shard.0,
            ?known,
            ?consumed,
            "the positions of a shard have been forgotten; taking others"
        );
    }
    Ok(consumed)
}
