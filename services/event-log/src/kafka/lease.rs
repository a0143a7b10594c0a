//! The right to write a shard on Kafka.

use super::{
    acquire,
    client::{self, Consuming, GOES, Isolation, at},
    ends::Place,
    intake::{Intake, Unreadable},
    pace::Pace,
    producer::Transactor,
    records::{self, Outgoing},
    shared::Shared,
    shelf::Shelf,
};
use crate::{Batch, CommitOutcome, Consumed, Lease, LogError, Polled};
use rdkafka::consumer::ConsumerGroupMetadata;
use schemas::{ShardId, Topic};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How soon a poll that waits sees that the lease is over.
const STEP: Duration = Duration::from_millis(25);
/// How long a poll that brought nothing waits to hear where the topics end.
const ANSWER: Duration = Duration::from_millis(100);
/// The same where it brought commands, and it is long ago that all had been taken.
const SHORT_ANSWER: Duration = Duration::from_millis(5);
const LATE: Duration = Duration::from_millis(200);
/// A poll that waits for less than this waits for the answer.
const SOON: Duration = Duration::from_millis(40);

/// That a lease is the newest of its shard in this process. Ends with it.
#[derive(Debug)]
pub(super) struct Owned {
    shared: Arc<Shared>,
    shard: ShardId,
    lost: Arc<AtomicBool>,
}

impl Owned {
    /// The newest from now on.
    pub(super) fn take(shared: &Arc<Shared>, shard: ShardId) -> Self {
        let lost = Arc::new(AtomicBool::new(false));
        let mut owners = shared.owners.lock();
        if let Some(earlier) = owners.insert(shard, Arc::clone(&lost)) {
            earlier.store(true, Ordering::Release);
        }
        Self { shared: Arc::clone(shared), shard, lost }
    }

    fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let mut owners = self.shared.owners.lock();
        if owners.get(&self.shard).is_some_and(|newest| Arc::ptr_eq(newest, &self.lost)) {
            owners.remove(&self.shard);
        }
    }
}

/// What is remembered of a record that is being written.
struct Kept {
    place: Place,
    /// The key of a snapshot, and whether it ends there.
    snapshot: Option<(String, bool)>,
}

/// See the module.
pub(super) struct KafkaLease {
    pub(super) shared: Arc<Shared>,
    pub(super) shard: ShardId,
    pub(super) epoch: u64,
    pub(super) owned: Owned,
    /// No further transaction: it was fenced, or its producer cannot be trusted.
    pub(super) over: bool,
    pub(super) transactor: Transactor,
    pub(super) group: ConsumerGroupMetadata,
    /// As it was when the lease was taken.
    pub(super) consumed: Consumed,
    /// As it is committed.
    pub(super) known: Consumed,
    pub(super) seqs: [u64; Topic::EVENTS.len()],
    pub(super) shelf: Shelf,
    /// Reads snapshots.
    pub(super) snapshots: Option<Consuming>,
    pub(super) intake: Option<Intake>,
    /// When a poll last took all that stood there.
    pub(super) drained_at: Instant,
    pub(super) pace: Pace,
}

impl KafkaLease {
    fn is_over(&self) -> bool {
        self.over || self.owned.is_lost()
    }

    /// Writes records and positions as one transaction.
    pub(super) fn write(&mut self, records: Vec<Outgoing>, consumed: Option<Consumed>) -> CommitOutcome {
        if let Some(wait) = self.pace.next().and_then(|next| next.checked_duration_since(Instant::now())) {
            std::thread::sleep(wait);
        }
        let topics = &self.shared.topics;
        let places = consumed.map(|consumed| {
            let places = [(Topic::Commands, consumed.commands), (Topic::InternalCommands, consumed.internal)];
            topics.places(places.map(|(topic, offset)| (topic, self.shard.0, at(offset))))
        });
        let places = match places.transpose() {
            Ok(places) => places,
            Err(error) => {
                tracing::error!(%error, "positions cannot be committed");
                return CommitOutcome::Aborted;
            }
        };
        let kept: Vec<_> = records
            .iter()
            .map(|record| Kept {
                place: (record.topic, record.partition),
                snapshot: (record.topic == Topic::Snapshots).then(|| (record.key.clone(), record.value.is_none())),
            })
            .collect();
        let written = self.transactor.transact(topics, records, places.as_ref().map(|places| (places, &self.group)));
        self.pace.ended(Instant::now());
        match written {
            Ok(written) => {
                self.pace.wrote(written.began, written.wrote);
                self.known = consumed.unwrap_or(self.known);
                self.note(kept.into_iter().zip(written.offsets));
                CommitOutcome::Committed
            }
            Err(outcome) => {
                self.over = outcome != CommitOutcome::Aborted;
                if outcome == CommitOutcome::Fenced {
                    self.shared.fenced(self.shard);
                }
                outcome
            }
        }
    }

    /// Remembers where records stand.
    fn note(&mut self, written: impl Iterator<Item = (Kept, i64)>) {
        let mut newest = BTreeMap::new();
        for (Kept { place, snapshot }, at) in written {
            let at = client::offset(at);
            if let Some((key, is_tombstone)) = snapshot {
                // The lease's own record is none to those who ask where the snapshots end.
                if records::is_own(Topic::Snapshots, &key) {
                    continue;
                }
                self.shelf.note(&key, at, is_tombstone);
            }
            newest.insert(place, at);
        }
        self.shared.ends.wrote(newest);
    }

    /// A command that cannot be read goes to the dead letters, in the transaction that passes it.
    fn bury(&mut self, command: Unreadable) -> Result<(), LogError> {
        let Unreadable { source, letter } = command;
        tracing::error!(
            shard = self.shard.0,
            ?source,
            key = letter.key,
            "a command cannot be read; it is kept in the dead letters"
        );
        let mut consumed = self.known;
        consumed.pass(source);
        let letter = Outgoing::plain(Topic::DeadLetters, self.shard.0, letter.key, Some(letter.value));
        match self.write(vec![letter], Some(consumed)) {
            CommitOutcome::Committed => Ok(()),
            CommitOutcome::Fenced => Err(LogError::Fenced),
            CommitOutcome::Aborted | CommitOutcome::Indefinite => {
                self.over = true;
                Err(LogError::Unavailable("a dead letter could not be written".to_owned()))
            }
        }
    }

    fn check(&self, batch: &Batch) -> [u64; Topic::EVENTS.len()] {
        let mut seqs = self.seqs;
        for event in &batch.events {
            let index = Topic::EVENTS.iter().position(|topic| *topic == event.topic);
            let last = &mut seqs[index.expect("events stand in events topics")];
            assert_eq!(event.envelope.seq, *last + 1, "seqs of {}/{} are dense", event.topic, self.shard.0);
            assert_eq!(event.envelope.epoch, self.epoch, "an event carries its lease's epoch");
            *last += 1;
        }
        seqs
    }
}

impl Lease for KafkaLease {
    fn shard(&self) -> ShardId {
        self.shard
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn consumed(&self) -> Consumed {
        self.consumed
    }

    fn consume_from(&mut self, consumed: Consumed) -> Result<(), LogError> {
        if self.is_over() {
            return Err(LogError::Fenced);
        }
        self.intake = None;
        self.intake = Some(Intake::start(&self.shared, self.shard, consumed)?);
        Ok(())
    }

    fn poll(&mut self, max: usize, wait: Duration) -> Result<Polled, LogError> {
        let mut polled = Polled { closed: self.is_over(), ..Polled::default() };
        if polled.closed {
            return Ok(polled);
        }
        if self.intake.is_none() {
            polled.closed = self.shared.is_closing();
            return Ok(polled);
        }
        let until = Instant::now() + wait;
        while let Some(command) = self.intake.as_mut().and_then(|intake| intake.unreadable(self.known)) {
            self.bury(command)?;
        }
        let Some(intake) = &mut self.intake else { return Ok(polled) };
        intake.take(&mut polled.commands, max, Duration::ZERO)?;
        // Asked after this poll began: what stood there then stands before the answer. Where there is always more, it is
        // asked now and then all the same, or the clock would stand still.
        let is_late = self.drained_at.elapsed() > LATE;
        let asked = (polled.commands.is_empty() || is_late)
            .then(|| self.shared.ends.ask(intake.places(), is_late || wait < SOON));
        while polled.commands.is_empty() && intake.is_open() && !self.shared.is_closing() {
            let Some(left) = until.checked_duration_since(Instant::now()) else { break };
            intake.take(&mut polled.commands, max, left.min(STEP))?;
            if self.owned.is_lost() {
                return Ok(Polled { closed: true, ..Polled::default() });
            }
        }
        // Commands gather until the next transaction may begin.
        while !polled.commands.is_empty() && polled.commands.len() < max && intake.is_open() {
            let next = self.pace.next().and_then(|next| next.checked_duration_since(Instant::now()));
            let Some(left) = next else { break };
            intake.take(&mut polled.commands, max, left)?;
        }
        if let Some(asked) = asked {
            let wait = match (polled.commands.is_empty(), is_late) {
                (true, _) => ANSWER,
                (false, true) => SHORT_ANSWER,
                (false, false) => Duration::ZERO,
            };
            let answer = asked.recv_timeout(wait).ok().flatten();
            polled.drained = answer.is_some_and(|ends| intake.has_reached(&ends));
        }
        if polled.drained {
            self.drained_at = Instant::now();
        }
        polled.closed = self.shared.is_closing() && polled.drained && polled.commands.is_empty();
        Ok(polled)
    }

    fn commit(&mut self, mut batch: Batch) -> CommitOutcome {
        if self.is_over() {
            return CommitOutcome::Fenced;
        }
        let seqs = self.check(&batch);
        let consumed = self.known.later(batch.consumed);
        let saves = !batch.snapshots.is_empty();
        let mut records = records::encode(&self.shared.topics, self.shard, &self.shared.source, &mut batch);
        if saves {
            // Stands in where the group's positions are forgotten, whatever becomes of the checkpoint.
            records.insert(0, acquire::record(self.shard, self.epoch, consumed));
        }
        let moved = (consumed != self.known).then_some(consumed);
        // Replies alone answer what earlier transactions hold.
        if !records.is_empty() || moved.is_some() {
            let outcome = self.write(records, moved);
            if outcome != CommitOutcome::Committed {
                return outcome;
            }
        }
        self.seqs = seqs;
        self.shared.answer(batch.replies);
        CommitOutcome::Committed
    }

    fn snapshot(&mut self, key: &str) -> Result<Option<Vec<u8>>, LogError> {
        if self.is_over() {
            return Err(LogError::Fenced);
        }
        if self.snapshots.is_none() {
            let Shared { config, health, .. } = &*self.shared;
            self.snapshots =
                Some(client::consumer(config, health, &client::readers(config), Isolation::Committed, GOES)?);
        }
        let consumer = self.snapshots.as_ref().expect("made above");
        self.shelf.read(consumer, &self.shared.topics, self.shard, key)
    }

    fn is_durable(&self) -> bool {
        true
    }
}
