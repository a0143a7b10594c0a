//! The thread that writes what a lease hands over: all that waits, as one transaction, while the shard decides what comes next.

use super::{
    client::{self, Place},
    owned::Owned,
    producer::{Call, Order, Transactor},
    records::{self, Outgoing},
    shared::Shared,
    shelf::Shelf,
};
use crate::{CommitOutcome, Consumed, LogError};
use parking_lot::{Condvar, Mutex};
use rdkafka::{consumer::ConsumerGroupMetadata, topic_partition_list::TopicPartitionList};
use schemas::{CommandEnvelope, Reply, ShardId, Topic};
use std::{
    collections::BTreeMap,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// No more bytes wait than about so many, or than one batch has.
const MOST_BYTES: usize = 4 << 20;
/// What a record takes beside its value.
const ATTRIBUTES: usize = 400;

/// After this the markers of the last transaction are written for sure, or the brokers are in trouble (see [`Order`]).
const SOON: Duration = Duration::from_millis(20);
/// Records that are not led by positions are not sent before: by then the markers are mostly written, and where they are not,
/// librdkafka loses 20 ms. Measured with 64 in flight: without it the slowest in a hundred takes twice as long, with 1 ms a fifth
/// less is decided.
const PAUSE: Duration = Duration::from_micros(300);

/// So much longer than its limit a call of librdkafka may last before nobody waits for it any more.
const OVERDUE: Duration = Duration::from_secs(2);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// What one transaction writes, and what is told once it is committed.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) records: Vec<Outgoing>,
    /// Where the commands stand that it has decided, unless they stand where they stood.
    pub(super) consumed: Option<Consumed>,
    pub(super) replies: Vec<Reply>,
    /// Commands that came in memory, and are decided by this.
    pub(super) given: Vec<Arc<CommandEnvelope>>,
}

impl Work {
    fn bytes(&self) -> usize {
        let of = |record: &Outgoing| ATTRIBUTES + record.value.as_ref().map_or(0, Vec::len);
        self.records.iter().map(of).sum::<usize>() + ATTRIBUTES * self.replies.len()
    }

    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.consumed.is_none() && self.replies.is_empty()
    }

    fn extend(&mut self, later: Self) {
        self.records.extend(later.records);
        self.consumed = later.consumed.or(self.consumed);
        self.replies.extend(later.replies);
        self.given.extend(later.given);
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Work,
    bytes: usize,
    /// What is being written was given so.
    given: Vec<Arc<CommandEnvelope>>,
    is_writing: bool,
    is_closing: bool,
    /// Why nothing more is written.
    failed: Option<CommitOutcome>,
    /// Whether the thread has.
    has_ended: bool,
}

#[derive(Debug, Default)]
struct Desk {
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// See the module. Dropped, it writes what waits, and ends.
pub(super) struct Writer {
    owned: Arc<Owned>,
    desk: Arc<Desk>,
    shelf: Arc<Mutex<Shelf>>,
    thread: Option<JoinHandle<()>>,
    call: Call,
}

impl Writer {
    /// Starts to write for a lease. The place of every snapshot that it writes is noted on the shelf.
    pub(super) fn start(
        owned: &Arc<Owned>,
        transactor: Transactor,
        group: ConsumerGroupMetadata,
        shelf: Shelf,
    ) -> Result<Self, LogError> {
        let desk = Arc::new(Desk::default());
        let (shelf, call) = (Arc::new(Mutex::new(shelf)), transactor.call());
        let writing = Writing {
            owned: Arc::clone(owned),
            transactor,
            group,
            shelf: Arc::clone(&shelf),
            desk: Arc::clone(&desk),
            ended: None,
        };
        let thread = std::thread::Builder::new()
            .name(format!("writer-{}", owned.shard().0))
            .spawn(move || writing.run())
            .map_err(|error| LogError::Unavailable(format!("cannot start a thread: {error}")))?;
        Ok(Self { owned: Arc::clone(owned), desk, shelf, thread: Some(thread), call })
    }

    /// Takes work, in its order. Committed = it is written next, or nothing more is ever written.
    pub(super) fn hand_over(&self, work: Work) -> CommitOutcome {
        let bytes = work.bytes();
        let mut queue = self.desk.queue.lock();
        loop {
            if let Some(failed) = self.outcome(&mut queue) {
                // Kept for the end.
                queue.waiting.given.extend(work.given);
                return failed;
            }
            if queue.bytes == 0 || queue.bytes + bytes <= MOST_BYTES {
                break;
            }
            self.desk.changed.wait_for(&mut queue, LOOK);
        }
        queue.bytes += bytes;
        queue.waiting.extend(work);
        self.desk.changed.notify_all();
        CommitOutcome::Committed
    }

    /// Waits until all is written; what became of it.
    pub(super) fn settle(&self) -> CommitOutcome {
        let mut queue = self.desk.queue.lock();
        loop {
            if let Some(failed) = self.outcome(&mut queue) {
                return failed;
            }
            if !queue.is_writing && queue.waiting.is_empty() {
                return CommitOutcome::Committed;
            }
            self.desk.changed.wait_for(&mut queue, LOOK);
        }
    }

    /// Why nothing more is written.
    pub(super) fn failed(&self) -> Option<CommitOutcome> {
        self.outcome(&mut self.desk.queue.lock())
    }

    /// The same. A call that does not return is waited for no longer: what became of its transaction the next owner learns,
    /// who fences it.
    fn outcome(&self, queue: &mut Queue) -> Option<CommitOutcome> {
        if queue.failed.is_none() && self.call.lasts() > self.owned.shared().limits.step + OVERDUE {
            let shard = self.owned.shard().0;
            tracing::error!(
                shard,
                "Kafka's client does not return from a transaction; the shard is taken again without it"
            );
            queue.failed = Some(CommitOutcome::Indefinite);
            self.desk.changed.notify_all();
        }
        queue.failed
    }

    /// Whether all is written.
    pub(super) fn is_idle(&self) -> bool {
        let queue = self.desk.queue.lock();
        queue.failed.is_none() && !queue.is_writing && queue.waiting.is_empty()
    }

    /// Where snapshots stand.
    pub(super) fn shelf(&self) -> &Mutex<Shelf> {
        &self.shelf
    }
}

impl Writer {
    /// Writes what waits, and ends. Gives the commands of which surely nothing was written, in their order.
    pub(super) fn end(&mut self) -> Vec<Arc<CommandEnvelope>> {
        self.join();
        let mut queue = self.desk.queue.lock();
        let mut unwritten = std::mem::take(&mut queue.given);
        if queue.failed != Some(CommitOutcome::Aborted) {
            unwritten.clear();
        }
        unwritten.append(&mut queue.waiting.given);
        unwritten
    }

    fn join(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        let mut queue = self.desk.queue.lock();
        queue.is_closing = true;
        self.desk.changed.notify_all();
        while !queue.has_ended {
            // Left behind it holds nothing that others wait for: it is fenced, and its transaction aborted, by the next owner.
            if self.outcome(&mut queue).is_some() && self.call.lasts() > Duration::ZERO {
                return self.owned.give_up();
            }
            self.desk.changed.wait_for(&mut queue, LOOK);
        }
        drop(queue);
        // One that panicked has said so, and written nothing since.
        drop(thread.join());
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.join();
    }
}

/// What is remembered of a record that is being written.
struct Kept {
    place: Place,
    /// The key of a snapshot, and whether it ends there.
    snapshot: Option<(String, bool)>,
}

struct Writing {
    owned: Arc<Owned>,
    transactor: Transactor,
    group: ConsumerGroupMetadata,
    shelf: Arc<Mutex<Shelf>>,
    desk: Arc<Desk>,
    /// When the last transaction ended.
    ended: Option<Instant>,
}

/// However the thread ends: nobody waits for it any more.
impl Drop for Writing {
    fn drop(&mut self) {
        let mut queue = self.desk.queue.lock();
        queue.failed.get_or_insert(CommitOutcome::Indefinite);
        queue.has_ended = true;
        self.desk.changed.notify_all();
    }
}

impl Writing {
    fn run(mut self) {
        while let Some(Work { records, consumed, replies, given: _ }) = self.next() {
            let outcome = self.write(records, consumed);
            if outcome == CommitOutcome::Committed {
                self.shared().answer(replies);
            }
            let mut queue = self.desk.queue.lock();
            queue.is_writing = false;
            if outcome != CommitOutcome::Committed {
                queue.failed = Some(outcome);
            }
            // Also where nobody waits for it any more, and it has been committed after all.
            if queue.failed.is_some() {
                return;
            }
            let decided = std::mem::take(&mut queue.given);
            self.desk.changed.notify_all();
            drop(queue);
            drop(decided);
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.owned.shared()
    }

    fn shard(&self) -> ShardId {
        self.owned.shard()
    }

    /// All that waits; none = the lease has ended.
    fn next(&self) -> Option<Work> {
        let mut queue = self.desk.queue.lock();
        loop {
            match (queue.waiting.is_empty(), queue.is_closing) {
                (false, _) => break,
                (true, true) => return None,
                (true, false) => self.desk.changed.wait(&mut queue),
            }
        }
        queue.bytes = 0;
        queue.is_writing = true;
        self.desk.changed.notify_all();
        let mut work = std::mem::take(&mut queue.waiting);
        queue.given = std::mem::take(&mut work.given);
        Some(work)
    }

    /// Writes records, and positions if they have moved, as one transaction.
    fn write(&mut self, records: Vec<Outgoing>, consumed: Option<Consumed>) -> CommitOutcome {
        if self.owned.is_lost() {
            return CommitOutcome::Fenced;
        }
        let places = match consumed.map(|consumed| self.places(consumed)).transpose() {
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
        let topics = &self.shared().topics;
        let count = kept.len();
        let since = self.ended.map(|ended| ended.elapsed());
        let order = if since.is_some_and(|since| since < SOON) { Order::PositionsFirst } else { Order::RecordsFirst };
        if places.is_none()
            && let Some(rest) = since.and_then(|since| PAUSE.checked_sub(since))
        {
            std::thread::sleep(rest);
        }
        let places = places.as_ref().map(|places| (places, &self.group));
        let written = self.transactor.transact(topics, records, places, order);
        self.ended = Some(Instant::now());
        match written {
            Ok(written) => {
                let (shard, wrote, all) = (self.shard().0, written.wrote, written.began.elapsed());
                tracing::trace!(shard, count, ?wrote, ?all, "a transaction is committed");
                self.note(kept.into_iter().zip(written.offsets));
                CommitOutcome::Committed
            }
            Err(outcome) => {
                if outcome == CommitOutcome::Fenced && !self.owned.is_lost() {
                    self.shared().fenced(self.shard());
                }
                outcome
            }
        }
    }

    fn places(&self, consumed: Consumed) -> Result<TopicPartitionList, LogError> {
        let places = [(Topic::Commands, consumed.commands), (Topic::InternalCommands, consumed.internal)];
        self.shared().topics.places(places.map(|(topic, offset)| (topic, self.shard().0, client::at(offset))))
    }

    /// Remembers where records stand.
    fn note(&self, written: impl Iterator<Item = (Kept, i64)>) {
        let mut newest = BTreeMap::new();
        for (Kept { place, snapshot }, at) in written {
            let at = client::offset(at);
            if let Some((key, is_tombstone)) = snapshot {
                // The lease's own record is none to those who ask where the snapshots end.
                if records::is_own(Topic::Snapshots, &key) {
                    continue;
                }
                self.shelf.lock().note(&key, at, is_tombstone);
            }
            newest.insert(place, at);
        }
        self.shared().ends.wrote(newest);
    }
}
