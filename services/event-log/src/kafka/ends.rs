//! Where partitions end: asked of the brokers, for whoever must know, many partitions in one request.
//!
//! The *stable end* is where the first open transaction begins, or the log ends: nobody reads beyond it. The *end* of the
//! port is the offset after the newest record before that ([`super::tails`]). A transaction is committed a few milliseconds
//! before the stable end passes it, when its markers are written.

use super::{
    KafkaConfig,
    client::{self, Consuming, Ear, GOES, Health, Isolation, Place, Topics, offset, unavailable},
    tails::Tails,
};
use crate::LogError;
use parking_lot::Mutex;
use rdkafka::{
    consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata},
    error::KafkaError,
    topic_partition_list::{Offset, TopicPartitionList},
    types::RDKafkaErrorCode as Code,
};
use schemas::{ShardId, Topic};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

/// How long the brokers may take to answer.
const LIMIT: Duration = Duration::from_secs(5);
/// How long one of them may: librdkafka asks whom it knows as the leader, and goes on asking that one when it has died.
const STEP: Duration = Duration::from_millis(1_500);
/// An end that was asked for so recently is taken for the newest by those who only show it.
const FRESH: Duration = Duration::from_millis(20);
/// So often the brokers are looked for when nobody else asks them anything.
const LOOK: Duration = Duration::from_secs(1);
/// So long questions gather, to be asked in one request, where somebody waits for the answer.
const GATHER: Duration = Duration::from_millis(1);
/// The same where nobody does: the shards of a process are mostly idle, and each asks many times a second.
const GATHER_IDLE: Duration = Duration::from_millis(20);
/// A question that failed for want of the right broker is asked again after this.
const AGAIN: Duration = Duration::from_millis(20);

/// Ends, as asked.
type Answer = Option<Vec<u64>>;

/// What others want to know.
struct Ask {
    places: Vec<Place>,
    is_urgent: bool,
    answer: mpsc::SyncSender<Answer>,
}

/// Stable ends that were asked for, and when.
#[derive(Default)]
struct Recent {
    /// Rises with every commit of this process: what was asked before it is old.
    commits: u64,
    stable: BTreeMap<Topic, (Instant, Vec<u64>)>,
    /// By partition: the end that belongs to a stable end.
    ends: BTreeMap<Place, (u64, u64)>,
    /// The ends that transactions of this process made.
    own: BTreeMap<Place, u64>,
}

/// Who asks.
struct Clients {
    topics: Arc<Topics>,
    health: Arc<Health>,
    /// Of no group, but with the name of the processors': whose positions it can read.
    committed: Consuming,
    /// Sees open transactions.
    uncommitted: Consuming,
    tails: Tails,
}

/// See the module.
pub(super) struct Ends {
    clients: Arc<Clients>,
    recent: Mutex<Recent>,
    asks: mpsc::Sender<Ask>,
}

impl Ends {
    /// Starts the thread that asks. It ends with this.
    pub(super) fn start(config: &KafkaConfig, topics: &Arc<Topics>, health: &Arc<Health>) -> Result<Self, LogError> {
        let readers = client::readers(config);
        let clients = Arc::new(Clients {
            topics: Arc::clone(topics),
            health: Arc::clone(health),
            committed: client::consumer(config, health, &client::processors(config), Isolation::Committed, GOES)?,
            uncommitted: client::consumer(config, health, &readers, Isolation::Uncommitted, GOES)?,
            tails: Tails::new(topics, client::consumer(config, health, &readers, Isolation::Committed, GOES)?),
        });
        let (asks, asked) = mpsc::channel();
        let asking = Arc::clone(&clients);
        std::thread::Builder::new()
            .name("log-ends".to_owned())
            .spawn(move || asking.run(&asked))
            .map_err(|error| LogError::Unavailable(format!("cannot start a thread: {error}")))?;
        Ok(Self { clients, recent: Mutex::default(), asks })
    }

    /// Asks for the ends behind all records, also of open transactions: what is committed after this call begins there or
    /// later. The answer comes later; none = the brokers did not say.
    pub(super) fn ask(&self, places: Vec<Place>, is_urgent: bool) -> mpsc::Receiver<Answer> {
        let (answer, answered) = mpsc::sync_channel(1);
        // Where the thread has ended, the answer is that there is none.
        drop(self.asks.send(Ask { places, is_urgent, answer }));
        answered
    }

    /// Stable ends as they are now.
    pub(super) fn stable(&self, places: &[Place]) -> Result<Vec<u64>, LogError> {
        self.clients.query(&self.clients.committed, places, Offset::End)
    }

    /// Where partitions end, open transactions too.
    pub(super) fn highs(&self, places: &[Place]) -> Result<Vec<u64>, LogError> {
        self.clients.query(&self.clients.uncommitted, places, Offset::End)
    }

    /// Where partitions begin.
    pub(super) fn lows(&self, places: &[Place]) -> Result<Vec<u64>, LogError> {
        self.clients.query(&self.clients.committed, places, Offset::Beginning)
    }

    /// Waits until no transaction is open in these partitions, so that all that was committed there can be read.
    pub(super) fn settled(&self, places: &[Place], wait: Duration) -> Result<Vec<u64>, LogError> {
        let until = Instant::now() + wait;
        loop {
            let all = self.highs(places)?;
            let stable = self.stable(places)?;
            let open = places.iter().zip(stable.iter().zip(&all)).find(|(_, (stable, all))| stable < all);
            let Some(((topic, partition), (stable, _))) = open else { return Ok(stable) };
            if Instant::now() > until {
                return Err(LogError::Unavailable(format!(
                    "a transaction is open in {topic}/{partition} since offset {stable}: what was committed after it cannot \
                     be read; `kafka-transactions.sh find-hanging` tells whose it is"
                )));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// How far the processors have come in a partition; none = nobody has noted that, or it was forgotten.
    pub(super) fn committed(&self, places: &[Place]) -> Result<Vec<Option<u64>>, LogError> {
        let topics = &self.clients.topics;
        let list = topics.places(places.iter().map(|&(topic, partition)| (topic, partition, Offset::Invalid)))?;
        let list = self
            .clients
            .committed
            .committed_offsets(list, LIMIT)
            .map_err(|error| unavailable("the positions of the processors cannot be read", &error))?;
        let found = |&(topic, partition): &Place| {
            let found = list.find_partition(topics.name(topic), client::number(partition));
            let found =
                found.ok_or_else(|| LogError::Unavailable(format!("no position of {topic}/{partition} was told")))?;
            found.error().map_err(|error| unavailable("a position of the processors cannot be read", &error))?;
            Ok(match found.offset() {
                Offset::Offset(at) => Some(offset(at)),
                _ => None,
            })
        };
        places.iter().map(found).collect()
    }

    /// The processors' group, as one who writes positions for it without being a member: what fences is the shard's producer.
    pub(super) fn group(&self) -> Result<ConsumerGroupMetadata, LogError> {
        let group = self.clients.committed.group_metadata();
        group.ok_or_else(|| LogError::Unavailable("Kafka's client has no group".to_owned()))
    }

    /// Forgets what this process has written of a shard: who takes it again does not know what came after that.
    pub(super) fn forget(&self, shard: ShardId) {
        self.recent.lock().own.retain(|(_, partition), _| *partition != shard.0);
    }

    /// The end of a partition that nobody else writes to, if this process has written to it.
    pub(super) fn own(&self, place: Place) -> Option<u64> {
        self.recent.lock().own.get(&place).copied()
    }

    /// The end of a partition, a moment old at most, but newer than all that this process has written.
    pub(super) fn end(&self, topic: Topic, partition: u32) -> Result<u64, LogError> {
        self.clients.topics.check(topic, partition)?;
        let places: Vec<Place> =
            (0..self.clients.topics.partitions(topic)).map(|partition| (topic, partition)).collect();
        let stable = self.recently_stable(topic, &places)?;
        // Events are small, and who asks for one end asks for all: status. Other records may be large.
        let wanted = if Topic::EVENTS.contains(&topic) { places } else { vec![(topic, partition)] };
        let unknown: Vec<_> = {
            let recent = self.recent.lock();
            let of = |place: &Place| (*place, stable[place.1 as usize]);
            wanted
                .iter()
                .map(of)
                .filter(|(place, end)| recent.ends.get(place).is_none_or(|known| known.0 != *end))
                .collect()
        };
        if !unknown.is_empty() {
            let places: Vec<_> = unknown.iter().map(|(place, _)| *place).collect();
            let found = self.clients.tails.newest(&unknown, &self.lows(&places)?)?;
            let mut recent = self.recent.lock();
            recent.ends.extend(unknown.iter().zip(found).map(|(&(place, stable), end)| (place, (stable, end))));
        }
        let recent = self.recent.lock();
        let own = recent.own.get(&(topic, partition)).copied().unwrap_or_default();
        let known = recent.ends.get(&(topic, partition)).map(|(_, end)| own.max(*end));
        known.ok_or_else(|| LogError::Unavailable(format!("the end of {topic}/{partition} is not known")))
    }

    fn recently_stable(&self, topic: Topic, places: &[Place]) -> Result<Vec<u64>, LogError> {
        let (commits, known) = {
            let recent = self.recent.lock();
            (recent.commits, recent.stable.get(&topic).filter(|(at, _)| at.elapsed() < FRESH).cloned())
        };
        if let Some((_, stable)) = known {
            return Ok(stable);
        }
        let asked = Instant::now();
        let stable = self.stable(places)?;
        let mut recent = self.recent.lock();
        if recent.commits == commits {
            recent.stable.insert(topic, (asked, stable.clone()));
        }
        Ok(stable)
    }

    /// This process has committed a transaction whose newest records stand there, or has written outside of one.
    pub(super) fn wrote(&self, newest: impl IntoIterator<Item = (Place, u64)>) {
        let mut recent = self.recent.lock();
        recent.commits += 1;
        recent.stable.clear();
        for (place, at) in newest {
            let own = recent.own.entry(place).or_default();
            *own = (at + 1).max(*own);
            if Topic::EVENTS.contains(&place.0) || place.0 == Topic::Snapshots {
                // Nobody else writes there: after the record stands the marker that ends its transaction.
                recent.ends.insert(place, (at + 2, at + 1));
            }
        }
    }
}

impl Clients {
    /// Asks for one offset of each partition, which `consumer` may see. Where brokers changed, it looks for them anew.
    fn query(&self, consumer: &BaseConsumer<Ear>, places: &[Place], which: Offset) -> Result<Vec<u64>, LogError> {
        let until = Instant::now() + LIMIT;
        loop {
            let (error, topic) = match self.query_once(consumer, places, which) {
                Ok(found) => return Ok(found),
                Err(failed) => failed,
            };
            if Instant::now() > until || is_lasting(&error) {
                return Err(unavailable("the brokers do not say where the log ends", &error));
            }
            // The next attempt tells what is still wrong. A leader that does not answer may be any of them.
            let topics: BTreeSet<Topic> = match error.rdkafka_error_code() {
                Some(Code::OperationTimedOut) => places.iter().map(|(topic, _)| *topic).collect(),
                _ => BTreeSet::from([topic]),
            };
            for topic in topics {
                let left = until.saturating_duration_since(Instant::now()).max(AGAIN);
                drop(consumer.fetch_metadata(Some(self.topics.name(topic)), left));
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// On failure it says of which topic.
    fn query_once(
        &self,
        consumer: &BaseConsumer<Ear>,
        places: &[Place],
        which: Offset,
    ) -> Result<Vec<u64>, (KafkaError, Topic)> {
        let Some(&(first, _)) = places.first() else { return Ok(Vec::new()) };
        let mut list = TopicPartitionList::with_capacity(places.len());
        for &(topic, partition) in places {
            let added = list.add_partition_offset(self.topics.name(topic), client::number(partition), which);
            added.map_err(|error| (error, topic))?;
        }
        let list = consumer.offsets_for_times(list, STEP).map_err(|error| (error, first))?;
        let found = |&(topic, partition): &Place| {
            let untold = || (KafkaError::OffsetFetch(Code::NoOffset), topic);
            let found = list.find_partition(self.topics.name(topic), client::number(partition)).ok_or_else(untold)?;
            found.error().map_err(|error| (error, topic))?;
            if let Offset::Offset(at) = found.offset() { Ok(offset(at)) } else { Err(untold()) }
        };
        places.iter().map(found).collect()
    }

    /// The thread that asks for many at once, until nobody can ask it any more.
    fn run(&self, asked: &mpsc::Receiver<Ask>) {
        let commands: Vec<_> = self.topics.shards.all().map(|ShardId(shard)| (Topic::Commands, shard)).collect();
        loop {
            let asks = match asked.recv_timeout(LOOK) {
                Ok(first) => gather(first, asked),
                Err(mpsc::RecvTimeoutError::Timeout) => Vec::new(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            };
            let mut places: BTreeSet<Place> = asks.iter().flat_map(|ask| &ask.places).copied().collect();
            if asks.is_empty() {
                places.extend(&commands);
            }
            let places: Vec<_> = places.into_iter().collect();
            let found = self.query(&self.uncommitted, &places, Offset::End);
            self.health.set(found.is_ok());
            if let Err(error) = &found {
                tracing::debug!(%error, "no answer from the brokers");
            }
            let found: Option<BTreeMap<_, _>> = found.ok().map(|ends| places.into_iter().zip(ends).collect());
            for ask in asks {
                let ends = found.as_ref().map(|found| ask.places.iter().map(|place| found[place]).collect());
                // Who no longer waits has an answer.
                drop(ask.answer.try_send(ends));
            }
            // What librdkafka says is heard by polling.
            while self.committed.poll(Duration::ZERO).is_some() || self.uncommitted.poll(Duration::ZERO).is_some() {}
        }
    }
}

/// Whether asking again at once brings nothing else.
fn is_lasting(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(Code::AllBrokersDown | Code::TopicAuthorizationFailed | Code::UnknownTopic)
    )
}

/// The questions that come within a moment of the first.
fn gather(first: Ask, asked: &mpsc::Receiver<Ask>) -> Vec<Ask> {
    let wait = |ask: &Ask| Instant::now() + if ask.is_urgent { GATHER } else { GATHER_IDLE };
    let mut until = wait(&first);
    let mut asks = vec![first];
    while let Ok(ask) = asked.recv_timeout(until.saturating_duration_since(Instant::now())) {
        until = until.min(wait(&ask));
        asks.push(ask);
    }
    asks
}
