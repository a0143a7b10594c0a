//! Everything that a simulated log is made of.

mod commands;

use super::{Fate, OnCommit, OnPublish, Profile, Publishing, SimulatedOptions, partitions::Partitions};
use crate::{
    Batch, CommitOutcome, Consumed, LogError, MAX_RECORD_BYTES, NewEvent, NewRecord, Record, ReplySink, SubmitError,
    inbox::Inbox, shard_of_command, shortcut::Shortcut,
};
use schemas::{CommandEnvelope, Reply, ShardCount, ShardId, Topic};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

/// What a shard's next owner finds in the log.
#[derive(Debug, Clone, Copy, Default)]
struct Stored {
    epoch: u64,
    consumed: Consumed,
}

/// A shard, as it stands after all that was handed over.
#[derive(Debug, Clone, Default)]
struct Shard {
    epoch: u64,
    owned: bool,
    consumed: Consumed,
    last_seq: BTreeMap<Topic, u64>,
    internal_end: u64,
}

/// A batch that was handed over and is not durable.
struct Handed {
    shard: ShardId,
    epoch: u64,
    batch: Batch,
}

/// See the module.
pub(super) struct World {
    profile: Profile,
    count: ShardCount,
    capacity: usize,
    /// Rises with every crash; a lease of an earlier life is dead.
    pub(super) life: u32,
    pub(super) log: Partitions,
    stored: Vec<Stored>,
    shards: Vec<Shard>,
    inboxes: Vec<Inbox>,
    /// On a cluster where there are any.
    shortcuts: Vec<Shortcut>,
    handed: VecDeque<Handed>,
    pub(super) replies: VecDeque<Reply>,
    pub(super) sinks: Vec<(u32, Arc<dyn ReplySink>)>,
    nodes: u32,
    pub(super) on_commit: OnCommit,
    pub(super) on_publish: OnPublish,
    pub(super) refuse: Option<SubmitError>,
    closing: bool,
}

impl World {
    /// An empty log.
    pub(super) fn new(options: &SimulatedOptions) -> Self {
        let shards = options.shards.get() as usize;
        let is_cluster = options.profile == Profile::Cluster;
        Self {
            profile: options.profile,
            count: options.shards,
            capacity: options.inbox_capacity,
            life: 0,
            log: Partitions::new(!is_cluster, is_cluster),
            stored: vec![Stored::default(); shards],
            shards: vec![Shard::default(); shards],
            inboxes: (0..shards).map(|_| Inbox::new(options.inbox_capacity)).collect(),
            shortcuts: if is_cluster && options.has_shortcut {
                commands::shortcuts(shards, options.inbox_capacity)
            } else {
                Vec::new()
            },
            handed: VecDeque::new(),
            replies: VecDeque::new(),
            sinks: Vec::new(),
            nodes: 0,
            on_commit: Box::new(|_| Fate::Committed),
            on_publish: Box::new(|_| Publishing::Written),
            refuse: None,
            closing: false,
        }
    }

    pub(super) fn handed_over(&self) -> usize {
        self.handed.len()
    }

    pub(super) fn writable(&self) -> Result<(), SubmitError> {
        let refuse = if self.closing { Some(SubmitError::Unavailable) } else { self.refuse };
        refuse.map_or(Ok(()), Err)
    }

    /// Appends records by themselves.
    pub(super) fn publish(&mut self, records: Vec<NewRecord>) -> Result<(), LogError> {
        crate::published::check(&records)?;
        self.writable().map_err(|refused| LogError::Unavailable(refused.to_string()))?;
        let (written, told) = match (self.on_publish)(&records) {
            Publishing::Written => (records.len(), Ok(())),
            Publishing::Failed { written } => {
                (written, Err(LogError::Unavailable("what became of the records is unknown".to_owned())))
            }
        };
        for NewRecord { topic, key, headers, value } in records.into_iter().take(written) {
            let partition = self.count.of_key(&key).0;
            self.log.append(Record { topic, partition, offset: 0, key, envelope: None, headers, value });
        }
        told
    }

    pub(super) fn register(&mut self, sink: Arc<dyn ReplySink>) -> u32 {
        // Never a number of an earlier life: an old command would answer a stranger's request.
        let node = self.nodes;
        self.nodes += 1;
        self.sinks.push((node, sink));
        node
    }

    /// Fences the owner of a shard for a new one.
    pub(super) fn take(&mut self, shard: ShardId) -> Result<(u64, u32, Consumed), LogError> {
        if self.closing {
            return Err(LogError::Unavailable("the log is closing".to_owned()));
        }
        let epoch = self.fence(shard);
        let state = &mut self.shards[shard.0 as usize];
        state.owned = true;
        Ok((epoch, self.life, state.consumed))
    }

    /// Ends the lease of a shard's owner.
    pub(super) fn fence(&mut self, shard: ShardId) -> u64 {
        let state = &mut self.shards[shard.0 as usize];
        state.epoch += 1;
        state.owned = false;
        self.inboxes[shard.0 as usize].hand_to(state.epoch);
        state.epoch
    }

    pub(super) fn is_owner(&self, shard: ShardId, epoch: u64, life: u32) -> bool {
        let state = &self.shards[shard.0 as usize];
        self.life == life && state.owned && state.epoch == epoch
    }

    /// An owner gives its shard up.
    pub(super) fn release(&mut self, shard: ShardId, epoch: u64) {
        self.shards[shard.0 as usize].owned = false;
        self.inboxes[shard.0 as usize].give_up(epoch);
    }

    pub(super) fn is_embedded(&self) -> bool {
        self.profile == Profile::Embedded
    }

    pub(super) const fn is_closing(&self) -> bool {
        self.closing
    }

    /// Commits a batch of the lease with that epoch, which is the shard's owner.
    pub(super) fn commit(&mut self, shard: ShardId, epoch: u64, batch: Batch) -> CommitOutcome {
        self.check(shard, epoch, &batch);
        match self.profile {
            Profile::Embedded => {
                self.hand_over(shard, epoch, batch);
                CommitOutcome::Committed
            }
            Profile::Cluster => match if is_too_large(&batch) { Fate::Aborted } else { (self.on_commit)(shard) } {
                fate if planted::bug!("reply-on-produce") && fate != Fate::Committed => {
                    self.replies.extend(batch.replies);
                    self.fence(shard);
                    CommitOutcome::Fenced
                }
                Fate::Committed => {
                    let replies = self.apply(shard, epoch, batch);
                    self.replies.extend(replies);
                    CommitOutcome::Committed
                }
                Fate::Aborted => {
                    self.log.mark(touched(self.count, shard, &batch), batch.events.len() as u64);
                    CommitOutcome::Aborted
                }
                Fate::Fenced => {
                    self.fence(shard);
                    CommitOutcome::Fenced
                }
                Fate::Indefinite { committed } => {
                    if committed {
                        // Who cannot know that it is committed sends no replies.
                        drop(self.apply(shard, epoch, batch));
                    }
                    self.fence(shard);
                    CommitOutcome::Indefinite
                }
            },
        }
    }

    fn check(&self, shard: ShardId, epoch: u64, batch: &Batch) {
        let state = &self.shards[shard.0 as usize];
        let mut last = state.last_seq.clone();
        for event in &batch.events {
            let last = last.entry(event.topic).or_default();
            assert_eq!(event.envelope.seq, *last + 1, "seqs of {}/{} are dense", event.topic, shard.0);
            assert_eq!(event.envelope.epoch, epoch, "an event carries its lease's epoch");
            *last += 1;
        }
    }

    /// Batches are delivered when they are handed over, and durable later.
    fn hand_over(&mut self, shard: ShardId, epoch: u64, batch: Batch) {
        self.advance(shard, &batch);
        for command in &batch.internal {
            let target = shard_of_command(self.count, &command.command).0 as usize;
            let at = self.shards[target].internal_end;
            self.shards[target].internal_end += 1;
            self.inboxes[target].deliver(at, [command.clone()]);
        }
        self.handed.push_back(Handed { shard, epoch, batch });
    }

    fn advance(&mut self, shard: ShardId, batch: &Batch) {
        let state = &mut self.shards[shard.0 as usize];
        for event in &batch.events {
            state.last_seq.insert(event.topic, event.envelope.seq);
        }
        state.consumed = state.consumed.later(batch.consumed);
    }

    /// The oldest batches become durable; gives their replies.
    pub(super) fn make_durable(&mut self, n: usize) -> Vec<Reply> {
        let mut replies = Vec::new();
        for _ in 0..n.min(self.handed.len()) {
            if let Some(Handed { shard, epoch, batch }) = self.handed.pop_front() {
                replies.extend(self.apply(shard, epoch, batch));
            }
        }
        replies
    }

    /// Puts a batch into the log; gives its replies.
    fn apply(&mut self, shard: ShardId, epoch: u64, batch: Batch) -> Vec<Reply> {
        if self.profile == Profile::Cluster {
            self.advance(shard, &batch);
        }
        let stored = &mut self.stored[shard.0 as usize];
        stored.epoch = epoch.max(stored.epoch);
        stored.consumed = stored.consumed.later(batch.consumed);
        let touched = touched(self.count, shard, &batch);
        let plain = |topic, key, value| Record {
            topic,
            partition: shard.0,
            offset: 0,
            key,
            envelope: None,
            headers: Vec::new(),
            value,
        };
        for event in batch.events {
            let key = event.envelope.subject.clone();
            let record = plain(event.topic, key, Some(event.value));
            self.log.append(Record { envelope: Some(event.envelope), ..record });
        }
        for command in &batch.internal {
            let target = shard_of_command(self.count, &command.command);
            self.log.append(commands::record_of(Topic::InternalCommands, target, command));
        }
        for snapshot in batch.snapshots {
            self.log.append(plain(Topic::Snapshots, snapshot.key, snapshot.value));
        }
        for letter in batch.dead_letters {
            self.log.append(plain(Topic::DeadLetters, letter.key, Some(letter.value)));
        }
        self.log.mark(touched, 0);
        batch.replies
    }

    /// The newest value of a key of a shard's snapshots, also where it is not durable: an owner sees what it committed.
    pub(super) fn snapshot(&self, shard: ShardId, key: &str) -> Option<Vec<u8>> {
        let mut handed =
            self.handed.iter().filter(|handed| handed.shard == shard).flat_map(|handed| &handed.batch.snapshots);
        match handed.rfind(|snapshot| snapshot.key == key) {
            Some(newest) => newest.value.clone(),
            None => self.log.newest(Topic::Snapshots, shard.0, key),
        }
    }

    /// The oldest replies that are under way.
    pub(super) fn take_replies(&mut self, n: usize) -> Vec<Reply> {
        self.replies.drain(..n.min(self.replies.len())).collect()
    }

    /// The process dies.
    pub(super) fn crash(&mut self) {
        self.life += 1;
        self.handed.clear();
        self.replies.clear();
        self.sinks.clear();
        self.closing = false;
        self.inboxes = (0..self.shards.len()).map(|_| Inbox::new(self.capacity)).collect();
        self.shortcuts = commands::shortcuts(self.shortcuts.len(), self.capacity);
        for (shard, state) in self.count.all().zip(&mut self.shards) {
            let stored = self.stored[shard.0 as usize];
            // On a cluster the coordinator's epochs outlive the process; in a file only those that were written do.
            let epoch = if self.profile == Profile::Cluster { state.epoch } else { stored.epoch };
            let last_seq = Topic::EVENTS.map(|topic| (topic, self.log.last_seq(topic, shard.0))).into();
            let internal_end = self.log.end(Topic::InternalCommands, shard.0);
            *state = Shard { epoch, owned: false, consumed: stored.consumed, last_seq, internal_end };
        }
    }

    /// Takes no more commands of clients.
    pub(super) fn close(&mut self) {
        self.closing = true;
        self.inboxes.iter_mut().for_each(Inbox::close);
    }
}

/// The partitions that a batch writes to.
fn touched(count: ShardCount, shard: ShardId, batch: &Batch) -> BTreeSet<(Topic, u32)> {
    let mut touched: BTreeSet<_> = batch.events.iter().map(|event| (event.topic, shard.0)).collect();
    let target = |command: &CommandEnvelope| (Topic::InternalCommands, shard_of_command(count, &command.command).0);
    touched.extend(batch.internal.iter().map(target));
    touched.extend((!batch.snapshots.is_empty()).then_some((Topic::Snapshots, shard.0)));
    touched.extend((!batch.dead_letters.is_empty()).then_some((Topic::DeadLetters, shard.0)));
    touched
}

/// Whether a record of it is more than Kafka's client takes, however often it is given.
fn is_too_large(batch: &Batch) -> bool {
    let trace = |event: &NewEvent| event.envelope.traceparent.as_ref().map_or(0, String::len);
    let events = batch.events.iter().map(|event| event.value.len() + trace(event));
    let commands = batch.internal.iter().map(|command| serde_json::to_vec(command).map_or(0, |json| json.len()));
    let letters = batch.dead_letters.iter().map(|letter| letter.key.len() + letter.value.len());
    let snapshots = batch.snapshots.iter().map(|snapshot| snapshot.value.as_ref().map_or(0, Vec::len));
    events.chain(commands).chain(letters).chain(snapshots).any(|bytes| bytes > MAX_RECORD_BYTES as usize)
}
