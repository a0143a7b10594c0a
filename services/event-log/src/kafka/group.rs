//! Which shards this process owns: the consumer group on the commands of clients says so.
//!
//! Its partitions are assigned and at once paused: leases read the commands ([`super::intake`]).

use super::{
    KafkaConfig,
    client::{self, Ear, Topics, unavailable},
    shared::Shared,
};
use crate::{Assignee, LogError, Membership};
use parking_lot::Mutex;
use rdkafka::{
    ClientContext, TopicPartitionList,
    config::{FromClientConfigAndContext as _, RDKafkaLogLevel},
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol},
    error::{KafkaError, KafkaResult},
    topic_partition_list::Offset,
    types::RDKafkaRespErr,
};
use schemas::{ShardId, Topic};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How soon the thread sees that it is to end.
const STEP: Duration = Duration::from_millis(100);
/// How long it rests when the group has shut it out.
const SHUT_OUT: Duration = Duration::from_secs(10);

/// Told of assignments by librdkafka, tells the assignee.
struct Member {
    ear: Ear,
    topics: Arc<Topics>,
    assignee: Arc<dyn Assignee>,
    assigned: Mutex<BTreeSet<ShardId>>,
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, text: &str) {
        self.ear.log(level, fac, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.ear.error(error, reason);
    }
}

impl ConsumerContext for Member {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let shards: Vec<ShardId> = list
            .elements_for_topic(self.topics.name(Topic::Commands))
            .iter()
            .filter_map(|place| u32::try_from(place.partition()).ok().map(ShardId))
            .collect();
        let is_incremental = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let done = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                let done = assign(consumer, list, is_incremental);
                tracing::info!(shards = ?numbers(&shards), "shards are assigned");
                self.assigned.lock().extend(&shards);
                self.assignee.assigned(&shards);
                done
            }
            _ => {
                let lost = consumer.assignment_lost();
                tracing::info!(shards = ?numbers(&shards), lost, "shards are revoked");
                // Another process may have them as soon as this returns: their leases must be gone.
                self.assignee.revoked(&shards);
                self.assigned.lock().retain(|shard| !shards.contains(shard));
                if is_incremental { consumer.incremental_unassign(list) } else { consumer.unassign() }
            }
        };
        if let Err(error) = done {
            tracing::error!(%error, "the group's assignment cannot be followed");
        }
    }
}

fn assign(consumer: &BaseConsumer<Member>, list: &mut TopicPartitionList, is_incremental: bool) -> KafkaResult<()> {
    // From the end, and paused: nothing is to be fetched.
    list.set_all_offsets(Offset::End)?;
    if is_incremental {
        consumer.incremental_assign(list)?;
    } else {
        consumer.assign(list)?;
    }
    if list.count() == 0 { Ok(()) } else { consumer.pause(list) }
}

fn numbers(shards: &[ShardId]) -> Vec<u32> {
    shards.iter().map(|shard| shard.0).collect()
}

/// See the module.
pub(super) struct KafkaMembership {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Membership for KafkaMembership {}

impl Drop for KafkaMembership {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // An assignee that panicked has said so.
            drop(thread.join());
        }
    }
}

/// Joins the group. What is assigned is told from a thread of the membership's own.
pub(super) fn join(
    shared: &Arc<Shared>,
    session: Duration,
    assignee: Arc<dyn Assignee>,
) -> Result<KafkaMembership, LogError> {
    let stop = Arc::new(AtomicBool::new(false));
    let member = member(shared, session, &assignee)?;
    let thread = {
        let (shared, stop) = (Arc::clone(shared), Arc::clone(&stop));
        std::thread::Builder::new().name("log-group".to_owned()).spawn(move || {
            let mut member = Some(member);
            while let Some(current) = member.take() {
                if follow(&shared, session, current, &stop) {
                    return;
                }
                member = rejoin(&shared, session, &assignee, &stop);
            }
        })
    };
    let thread = thread.map_err(|error| LogError::Unavailable(format!("cannot start a thread: {error}")))?;
    Ok(KafkaMembership { stop, thread: Some(thread) })
}

fn member(
    shared: &Arc<Shared>,
    session: Duration,
    assignee: &Arc<dyn Assignee>,
) -> Result<BaseConsumer<Member>, LogError> {
    let config: &KafkaConfig = &shared.config;
    let mut client = config.client();
    client
        .set("group.id", client::processors(config))
        .set("group.protocol", "classic")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", session.as_millis().to_string())
        .set("heartbeat.interval.ms", (session.as_millis() / 4).to_string())
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error");
    if let Some(instance) = &config.instance {
        client.set("group.instance.id", instance);
    }
    let context = Member {
        ear: Ear { health: Arc::clone(&shared.health) },
        topics: Arc::clone(&shared.topics),
        assignee: Arc::clone(assignee),
        assigned: Mutex::default(),
    };
    let failed = |error| unavailable("the group cannot be joined", &error);
    let consumer = BaseConsumer::from_config_and_context(&client, context).map_err(failed)?;
    consumer.subscribe(&[shared.topics.name(Topic::Commands)]).map_err(failed)?;
    Ok(consumer)
}

/// Follows the group until it is told to stop; false where the group has shut this member out.
fn follow(shared: &Shared, session: Duration, member: BaseConsumer<Member>, stop: &AtomicBool) -> bool {
    while !stop.load(Ordering::Acquire) {
        match member.poll(STEP) {
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                tracing::error!(%error, "the group has shut this process out; is its instance name used twice?");
                let context = Arc::clone(member.context());
                let shards: Vec<_> = context.assigned.lock().iter().copied().collect();
                context.assignee.revoked(&shards);
                return false;
            }
            Some(Err(error)) => tracing::debug!(%error, "the group has trouble"),
            Some(Ok(_)) | None => {}
        }
        assign_again(shared, session, member.context());
    }
    // Leaves the group: what is assigned is revoked before this returns.
    drop(member);
    true
}

/// A shard that was fenced is assigned again if nobody else was told to have it for as long as the group takes to see that
/// a process is gone: then what fenced it was a dead owner's word, or the coordinator's after a transaction that took too
/// long.
fn assign_again(shared: &Shared, session: Duration, member: &Member) {
    let mut fenced = shared.fenced.lock();
    let assigned = member.assigned.lock().clone();
    fenced.retain(|shard, _| assigned.contains(shard));
    let due: Vec<ShardId> =
        fenced.iter().filter(|(_, since)| since.elapsed() > session).map(|(shard, _)| *shard).collect();
    fenced.retain(|shard, _| !due.contains(shard));
    drop(fenced);
    if !due.is_empty() {
        tracing::warn!(shards = ?numbers(&due), "these shards were fenced, but are still ours: taking them again");
        member.assignee.assigned(&due);
    }
}

fn rejoin(
    shared: &Arc<Shared>,
    session: Duration,
    assignee: &Arc<dyn Assignee>,
    stop: &AtomicBool,
) -> Option<BaseConsumer<Member>> {
    loop {
        let until = Instant::now() + SHUT_OUT;
        while Instant::now() < until {
            if stop.load(Ordering::Acquire) {
                return None;
            }
            std::thread::sleep(STEP);
        }
        match member(shared, session, assignee) {
            Ok(member) => return Some(member),
            Err(error) => tracing::error!(%error, "the group cannot be joined again"),
        }
    }
}
