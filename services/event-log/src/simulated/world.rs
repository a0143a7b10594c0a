//! Everything that a simulated log is made of.

use super::{Fate, OnCommit, OnPublish, Profile, Publishing, SimulatedOptions, partitions::Partitions};
use crate::{
    Batch, CommandSource, CommitOutcome, Consumed, LogError, MAX_RECORD_BYTES, NewEvent, NewRecord, Polled, Received,
    Record, ReplySink, SubmitError, inbox::Inbox, shard_of_command, shortcut::Shortcut,
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
                shortcuts(shards, options.inbox_capacity)
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

    pub(super) fn submit(&mut self, command: CommandEnvelope) -> Result<(), SubmitError> {
        self.writable()?;
        let shard = shard_of_command(self.count, &command.command);
        match self.profile {
            Profile::Embedded => self.inboxes[shard.0 as usize].submit(command),
            Profile::Cluster => {
                let by_log = match self.shortcuts.get_mut(shard.0 as usize) {
                    Some(shortcut) => shortcut.submit(Arc::new(command))?,
                    None => Some(Arc::new(command)),
                };
                if let Some(command) = by_log {
                    self.log.append(record_of(Topic::Commands, shard, &command));
                }
                Ok(())
            }
        }
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

    /// Starts or restarts the delivery of commands in memory.
    pub(super) fn open_inbox(&mut self, shard: ShardId, from: u64) -> Result<(), LogError> {
        self.inboxes[shard.0 as usize].begin_loading();
        let older = self.read_commands(Topic::InternalCommands, shard, from, usize::MAX)?;
        // What is under way has offsets already, after those in the log.
        let ours = |command: &&CommandEnvelope| shard_of_command(self.count, &command.command) == shard;
        let under_way = self.handed.iter().flat_map(|handed| &handed.batch.internal).filter(ours).cloned();
        let durable = self.log.end(Topic::InternalCommands, shard.0);
        let under_way: Vec<_> = (durable..)
            .zip(under_way)
            .filter(|(at, _)| *at >= from)
            .map(|(at, envelope)| Received { source: CommandSource::Internal(at), envelope: Arc::new(envelope) })
            .collect();
        self.inboxes[shard.0 as usize].open(from, older.into_iter().chain(under_way));
        Ok(())
    }

    /// From now on commands of clients wait for this lease (cluster).
    pub(super) fn begin_shortcut(&mut self, shard: ShardId, epoch: u64) {
        if let Some(shortcut) = self.shortcuts.get_mut(shard.0 as usize) {
            shortcut.begin(epoch);
        }
    }

    /// What a lease left `unwritten`, and what it has not taken, goes by the log. It need not be the shard's owner any more.
    pub(super) fn end_shortcut(&mut self, shard: ShardId, epoch: u64, unwritten: Vec<Arc<CommandEnvelope>>) {
        let waits = self.shortcuts.get_mut(shard.0 as usize).map(|shortcut| {
            let waits = shortcut.leave(epoch, usize::MAX);
            assert!(shortcut.leave(epoch, 1).is_empty(), "nothing comes in meanwhile");
            waits
        });
        for command in unwritten.into_iter().chain(waits.into_iter().flatten()) {
            if !planted::bug!("shortcut-forgets") {
                self.log.append(record_of(Topic::Commands, shard, &command));
            }
        }
    }

    /// Takes commands by the shortcut, which is open once the log has been taken; whether none is left.
    pub(super) fn take_shortcut(
        &mut self,
        shard: ShardId,
        epoch: u64,
        is_log_taken: bool,
        max: usize,
        commands: &mut Vec<Received>,
    ) -> bool {
        let Some(shortcut) = self.shortcuts.get_mut(shard.0 as usize) else { return true };
        if is_log_taken {
            shortcut.open(epoch);
        }
        commands.extend(shortcut.take(epoch, max.saturating_sub(commands.len())));
        shortcut.has_taken(shortcut.come())
    }

    /// Takes commands from memory (embedded).
    pub(super) fn take_commands(&mut self, shard: ShardId, epoch: u64, max: usize) -> Polled {
        self.inboxes[shard.0 as usize].take(epoch, max)
    }

    pub(super) fn is_embedded(&self) -> bool {
        self.profile == Profile::Embedded
    }

    pub(super) const fn is_closing(&self) -> bool {
        self.closing
    }

    /// Commands that stand in the log.
    pub(super) fn read_commands(
        &self,
        topic: Topic,
        shard: ShardId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Received>, LogError> {
        let read = |record: &Record| {
            let value = record.value.as_deref().unwrap_or_default();
            let envelope = serde_json::from_slice(value).map_err(|error| LogError::Corrupt(error.to_string()))?;
            let at = record.offset;
            let source =
                if topic == Topic::Commands { CommandSource::Commands(at) } else { CommandSource::Internal(at) };
            Ok(Received { source, envelope: Arc::new(envelope) })
        };
        self.log.read(topic, shard.0, from).take(max).map(read).collect()
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
            self.log.append(record_of(Topic::InternalCommands, target, command));
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
        self.shortcuts = shortcuts(self.shortcuts.len(), self.capacity);
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

fn shortcuts(count: usize, capacity: usize) -> Vec<Shortcut> {
    (0..count).map(|_| Shortcut::new(capacity)).collect()
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

fn record_of(topic: Topic, shard: ShardId, command: &CommandEnvelope) -> Record {
    let value = serde_json::to_vec(command).expect("a command is plain data with text keys");
    let key = command.command.key().to_owned();
    Record { topic, partition: shard.0, offset: 0, key, envelope: None, headers: Vec::new(), value: Some(value) }
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
