//! What the tests speak with: commands, events, a sink, and the implementations behind one face.

use event_log::{
    Batch, EventLog, Lease, LogError, NewEvent, Polled, ReadFrom, Record, ReplySink,
    simulated::{Profile, SimulatedLog, SimulatedOptions},
    sqlite::{SqliteLog, SqliteOptions},
};
use parking_lot::Mutex;
use schemas::{
    Caller, Command, CommandEnvelope, CommandId, CorrelationId, Envelope, ItemId, PositionToken, Rejection, Reply,
    ReplyAddress, ShardCount, ShardId, Timestamp, Topic,
    item::{ItemCommand, ItemEvent, SetSafety},
    reply::Undecidable,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long a test lets a thread take.
pub const LONG: Duration = Duration::from_secs(20);

/// An implementation, and the place where its log is kept.
pub trait World {
    /// Opens the log; again after [`Self::close`] or [`Self::crash`].
    fn open(&mut self) -> Arc<dyn EventLog>;
    /// All that was submitted has reached the log; all that was handed over becomes durable, and its replies arrive.
    fn settle(&self);
    /// The log as it is open.
    fn open_again(&mut self) -> Arc<dyn EventLog>;
    /// Ends in good order. The test has dropped its leases.
    fn close(&mut self);
    /// Whether commands of clients come in memory.
    fn is_embedded(&self) -> bool;
}

/// The SQLite log in a directory of its own.
pub struct Sqlite {
    pub dir: TempDir,
    log: Option<Arc<SqliteLog>>,
}

impl Sqlite {
    pub fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), log: None }
    }
}

/// Settings of a small log.
pub fn options(dir: &std::path::Path) -> SqliteOptions {
    SqliteOptions {
        shards: shards(),
        inbox_capacity: 8,
        disk_reserve_bytes: 0,
        on_failure: Arc::new(|error| panic!("{error}")),
        ..SqliteOptions::new(dir)
    }
}

impl World for Sqlite {
    fn open(&mut self) -> Arc<dyn EventLog> {
        let log = SqliteLog::open(options(self.dir.path())).unwrap();
        self.log = Some(Arc::clone(&log));
        log
    }

    fn open_again(&mut self) -> Arc<dyn EventLog> {
        self.log.clone().unwrap()
    }

    fn settle(&self) {
        self.log.as_ref().unwrap().flush().unwrap();
    }

    fn close(&mut self) {
        let log = self.log.take().unwrap();
        log.close();
        assert!(log.wait_closed(LONG), "a lease is alive");
    }

    fn is_embedded(&self) -> bool {
        true
    }
}

/// The simulated log.
pub struct Simulated {
    pub log: Arc<SimulatedLog>,
    profile: Profile,
}

impl Simulated {
    pub fn new(profile: Profile) -> Self {
        let options = SimulatedOptions { inbox_capacity: 8, ..SimulatedOptions::new(profile, shards()) };
        Self { log: SimulatedLog::new(options), profile }
    }
}

impl World for Simulated {
    fn open(&mut self) -> Arc<dyn EventLog> {
        self.log.clone()
    }

    fn open_again(&mut self) -> Arc<dyn EventLog> {
        self.log.clone()
    }

    fn settle(&self) {
        self.log.make_durable(usize::MAX);
        self.log.deliver_replies(usize::MAX);
    }

    fn close(&mut self) {
        self.log.close();
        self.log.crash();
    }

    fn is_embedded(&self) -> bool {
        self.profile == Profile::Embedded
    }
}

/// How many shards the logs have.
pub fn shards() -> ShardCount {
    ShardCount::new(4).unwrap()
}

/// An item that `shard` owns.
pub fn item_of(shard: u32) -> ItemId {
    let ids = (0..).map(|i| format!("sku-{i}"));
    let owned = ids.into_iter().find(|id| shards().of_key(id) == ShardId(shard)).unwrap();
    ItemId::parse(&owned).unwrap()
}

/// A command to `shard`, known by its number.
pub fn command(shard: u32, n: u32) -> CommandEnvelope {
    CommandEnvelope {
        id: CommandId::parse(&format!("c-{n}")).unwrap(),
        caller: Caller::engine(),
        correlation: CorrelationId::parse("r-1").unwrap(),
        reply_to: Some(ReplyAddress { node: 7, request: n.into() }),
        positions: PositionToken::default(),
        sent_at: Timestamp::from_millis(1_790_000_000_000),
        traceparent: None,
        command: Command::Item { item: item_of(shard), command: ItemCommand::SetSafety(SetSafety { quantity: n }) },
    }
}

/// The numbers of commands.
pub fn numbers(commands: &[event_log::Received]) -> Vec<u32> {
    let number = |received: &event_log::Received| match &received.envelope.command {
        Command::Item { command: ItemCommand::SetSafety(SetSafety { quantity }), .. } => *quantity,
        other => panic!("{other:?}"),
    };
    commands.iter().map(number).collect()
}

/// An event of `lease`'s shard.
pub fn event(lease: &dyn Lease, topic: Topic, seq: u64) -> NewEvent {
    let envelope = Envelope {
        event_type: ItemEvent::TYPES[0].into(),
        subject: item_of(lease.shard().0).to_string(),
        time: Timestamp::from_millis(1_790_000_000_000),
        seq,
        epoch: lease.epoch(),
        actor: "service:shop".to_owned(),
        causation: CommandId::parse(&format!("c-{seq}")).unwrap(),
        correlation: CorrelationId::parse("r-1").unwrap(),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    };
    NewEvent { topic, envelope, value: format!(r#"{{"n":{seq}}}"#).into_bytes() }
}

/// A batch of inventory events.
pub fn events(lease: &dyn Lease, seqs: impl IntoIterator<Item = u64>) -> Batch {
    let events = seqs.into_iter().map(|seq| event(lease, Topic::InventoryEvents, seq)).collect();
    Batch { events, consumed: lease.consumed(), ..Batch::default() }
}

/// An answer to request `request` of `node`.
pub fn reply(node: u32, request: u64) -> Reply {
    let outcome = Err(Rejection::Undecidable(Undecidable::CommandDeadLettered));
    Reply { to: ReplyAddress { node, request }, positions: PositionToken::default(), outcome }
}

/// A lease whose commands flow.
pub fn lease(log: &dyn EventLog, shard: u32) -> Box<dyn Lease> {
    let mut lease = log.acquire(ShardId(shard)).unwrap();
    lease.consume_from(lease.consumed()).unwrap();
    lease
}

/// All records of a partition that are committed now.
pub fn read(log: &dyn EventLog, topic: Topic, partition: u32) -> Vec<Record> {
    try_read(log, topic, partition, 0).unwrap()
}

/// The records from an offset on.
pub fn try_read(log: &dyn EventLog, topic: Topic, partition: u32, offset: u64) -> Result<Vec<Record>, LogError> {
    let end = log.end(topic, partition)?;
    let mut reader = log.reader(&[ReadFrom { topic, partition, offset }])?;
    // Brokers show what is committed a moment later; everyone else at once, or it has been compacted away.
    let wait = if log.namespace() == "stockfold" { Duration::ZERO } else { LONG };
    let (mut records, mut next) = (Vec::new(), offset);
    while next < end {
        let more = reader.poll(64, wait)?;
        let Some(last) = more.last() else { break };
        next = last.offset + 1;
        records.extend(more);
    }
    Ok(records)
}

/// Takes commands until there are `max`, or nothing more stands there.
pub fn take(lease: &mut dyn Lease, max: usize) -> Polled {
    let (mut taken, mut is_fresh) = (Polled::default(), false);
    let until = Instant::now() + LONG;
    loop {
        let polled = lease.poll(max - taken.commands.len(), Duration::from_millis(2)).unwrap();
        taken.commands.extend(polled.commands);
        // What is carried speaks of the last poll that was not: of one before all this, it says nothing of what came since.
        is_fresh |= !polled.is_carried;
        (taken.drained, taken.closed) = (polled.drained && is_fresh, polled.closed);
        if taken.drained || taken.closed || taken.commands.len() == max {
            return taken;
        }
        assert!(Instant::now() < until, "the commands do not come: {taken:?}");
    }
}

/// Takes all commands that stand there; gives their numbers.
pub fn take_all(lease: &mut dyn Lease) -> Vec<u32> {
    numbers(&take(lease, 100_000).commands)
}

/// The seqs of events.
pub fn seqs(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.envelope.as_ref().unwrap().seq).collect()
}

/// Remembers what arrives.
#[derive(Default)]
pub struct Sink(Mutex<Vec<u64>>);

impl Sink {
    /// The requests that have been answered.
    pub fn requests(&self) -> Vec<u64> {
        self.0.lock().clone()
    }
}

impl ReplySink for Sink {
    fn deliver(&self, replies: Vec<Reply>) {
        self.0.lock().extend(replies.iter().map(|reply| reply.to.request));
    }
}
