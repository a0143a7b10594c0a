//! Answers: written after their commit, outside of it, and read by the node that waits. Lost or late ones are unknown to
//! their clients, never wrong.

use super::{
    client::{self, Consuming, Isolation, STAYS, Topics, at, offset},
    records::Outgoing,
    shared::Shared,
};
use crate::{LogError, ReplySink};
use rdkafka::{consumer::Consumer as _, error::KafkaError, message::Message as _};
use schemas::{
    PositionToken, Rejection, Reply, ReplyAddress, ReplyBody, Topic, cart::CartRejection, drop::DropRejection,
    follows::FollowsRejection, item::ItemRejection, order::OrderRejection, reply::Undecidable,
    shopper::ShopperRejection, store::StoreRejection, warehouse::WarehouseRejection,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// A record holds no more bytes of answers than about so many.
const MOST_BYTES: usize = 512 << 10;
/// How soon a node's thread sees that it is to end.
const STEP: Duration = Duration::from_millis(100);
/// How long the brokers are asked where a node's answers begin.
const BEGIN: Duration = Duration::from_secs(30);

/// An answer as it stands in a record. A rejection says whose it is: some have the same code.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    request: u64,
    #[serde(default, skip_serializing_if = "PositionToken::is_empty")]
    positions: PositionToken,
    outcome: Outcome,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Done(ReplyBody),
    RefusedByItem(ItemRejection),
    RefusedByOrder(OrderRejection),
    RefusedByCart(CartRejection),
    RefusedByStore(StoreRejection),
    RefusedByWarehouse(WarehouseRejection),
    RefusedByDrop(DropRejection),
    RefusedByFollows(FollowsRejection),
    RefusedByShopper(ShopperRejection),
    Undecidable(Undecidable),
}

impl Answer {
    fn of(reply: Reply) -> Self {
        let outcome = match reply.outcome {
            Ok(body) => Outcome::Done(body),
            Err(Rejection::Item(rejection)) => Outcome::RefusedByItem(rejection),
            Err(Rejection::Order(rejection)) => Outcome::RefusedByOrder(rejection),
            Err(Rejection::Cart(rejection)) => Outcome::RefusedByCart(rejection),
            Err(Rejection::Store(rejection)) => Outcome::RefusedByStore(rejection),
            Err(Rejection::Warehouse(rejection)) => Outcome::RefusedByWarehouse(rejection),
            Err(Rejection::Drop(rejection)) => Outcome::RefusedByDrop(rejection),
            Err(Rejection::Follows(rejection)) => Outcome::RefusedByFollows(rejection),
            Err(Rejection::Shopper(rejection)) => Outcome::RefusedByShopper(rejection),
            Err(Rejection::Undecidable(rejection)) => Outcome::Undecidable(rejection),
        };
        Self { request: reply.to.request, positions: reply.positions, outcome }
    }

    fn reply(self, node: u32) -> Reply {
        let outcome = match self.outcome {
            Outcome::Done(body) => Ok(body),
            Outcome::RefusedByItem(rejection) => Err(Rejection::Item(rejection)),
            Outcome::RefusedByOrder(rejection) => Err(Rejection::Order(rejection)),
            Outcome::RefusedByCart(rejection) => Err(Rejection::Cart(rejection)),
            Outcome::RefusedByStore(rejection) => Err(Rejection::Store(rejection)),
            Outcome::RefusedByWarehouse(rejection) => Err(Rejection::Warehouse(rejection)),
            Outcome::RefusedByDrop(rejection) => Err(Rejection::Drop(rejection)),
            Outcome::RefusedByFollows(rejection) => Err(Rejection::Follows(rejection)),
            Outcome::RefusedByShopper(rejection) => Err(Rejection::Shopper(rejection)),
            Outcome::Undecidable(rejection) => Err(Rejection::Undecidable(rejection)),
        };
        Reply { to: ReplyAddress { node, request: self.request }, positions: self.positions, outcome }
    }
}

/// The records of answers: one for each node, as long as it is not too large.
pub(super) fn encode(topics: &Topics, replies: Vec<Reply>) -> Vec<Outgoing> {
    let mut by_node: BTreeMap<u32, Vec<Vec<u8>>> = BTreeMap::new();
    for reply in replies {
        let node = reply.to.node;
        let answer = serde_json::to_vec(&Answer::of(reply)).expect("an answer is plain data with text keys");
        let records = by_node.entry(node).or_default();
        match records.last_mut().filter(|record| record.len() + answer.len() < MOST_BYTES) {
            Some(record) => {
                record.push(b',');
                record.extend(answer);
            }
            None => records.push([b"[".as_slice(), &answer].concat()),
        }
    }
    let record = |node: u32, mut value: Vec<u8>| {
        value.push(b']');
        Outgoing::plain(Topic::Replies, node % topics.replies, node.to_string(), Some(value))
    };
    by_node.into_iter().flat_map(|(node, values)| values.into_iter().map(move |value| record(node, value))).collect()
}

fn decode(node: u32, value: &[u8]) -> Vec<Reply> {
    match serde_json::from_slice::<Vec<Answer>>(value) {
        Ok(answers) => answers.into_iter().map(|answer| answer.reply(node)).collect(),
        Err(error) => {
            tracing::warn!(%error, "answers cannot be read: a newer Stockfold wrote them");
            Vec::new()
        }
    }
}

/// A node of this process: the thread that takes its answers.
pub(super) struct Node {
    partition: u32,
    /// The next offset: all answers before it have been delivered.
    next: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Node {
    /// Starts to take answers: all that are written from now on.
    pub(super) fn start(shared: &Arc<Shared>, number: u32, sink: Arc<dyn ReplySink>) -> Result<Self, LogError> {
        let partition = number % shared.topics.replies;
        let from = begin(shared, partition)?;
        let consumer = client::consumer(
            &shared.config,
            &shared.health,
            &client::readers(&shared.config),
            Isolation::Committed,
            STAYS,
        )?;
        let (next, stop) = (Arc::new(AtomicU64::new(from)), Arc::new(AtomicBool::new(false)));
        let taker = Taker {
            shared: Arc::clone(shared),
            number,
            partition,
            consumer,
            sink,
            next: Arc::clone(&next),
            stop: Arc::clone(&stop),
        };
        taker.assign(from)?;
        let thread = std::thread::Builder::new()
            .name(format!("log-replies-{number}"))
            .spawn(move || taker.run())
            .map_err(|error| LogError::Unavailable(format!("cannot start a thread: {error}")))?;
        Ok(Self { partition, next, stop, thread: Some(thread) })
    }

    /// Waits until all answers that stand in the log now have been delivered; false if that takes longer.
    pub(super) fn catch_up(&self, shared: &Shared, wait: Duration) -> bool {
        let Ok(ends) = shared.ends.stable(&[(Topic::Replies, self.partition)]) else { return false };
        let until = Instant::now() + wait;
        while self.next.load(Ordering::Acquire) < ends[0] {
            if Instant::now() > until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // A sink that panicked has said so.
            drop(thread.join());
        }
    }
}

fn begin(shared: &Shared, partition: u32) -> Result<u64, LogError> {
    let until = Instant::now() + BEGIN;
    loop {
        match shared.ends.stable(&[(Topic::Replies, partition)]) {
            Ok(ends) => return Ok(ends[0]),
            Err(error) if Instant::now() > until => return Err(error),
            Err(_) => std::thread::sleep(STEP),
        }
    }
}

struct Taker {
    shared: Arc<Shared>,
    number: u32,
    partition: u32,
    consumer: Consuming,
    sink: Arc<dyn ReplySink>,
    next: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Taker {
    fn assign(&self, from: u64) -> Result<(), LogError> {
        let places = self.shared.topics.places([(Topic::Replies, self.partition, at(from))])?;
        self.consumer.assign(&places).map_err(|error| client::unavailable("answers cannot be read", &error))
    }

    fn run(self) {
        while !self.stop.load(Ordering::Acquire) {
            let mut replies = Vec::new();
            let mut next = None;
            let mut wait = STEP;
            // What has arrived together is delivered together.
            while let Some(polled) = self.consumer.poll(wait) {
                wait = Duration::ZERO;
                match polled {
                    Ok(message) => {
                        next = Some(offset(message.offset()) + 1);
                        if message.key() == Some(self.number.to_string().as_bytes()) {
                            replies.extend(decode(self.number, message.payload().unwrap_or_default()));
                        }
                    }
                    Err(KafkaError::PartitionEOF(_)) => {}
                    Err(error) => self.recover(&error),
                }
            }
            if !replies.is_empty() {
                self.sink.deliver(replies);
            }
            if let Some(next) = next {
                self.next.store(next, Ordering::Release);
            }
        }
    }

    /// What was removed before it was read is lost: the clients have given up long ago.
    fn recover(&self, error: &KafkaError) {
        let Err(error) = client::lasting(error) else { return };
        tracing::warn!(%error, "answers may have been lost");
        if let LogError::Corrupt(_) = error
            && let Ok(from) = begin(&self.shared, self.partition)
            && self.assign(from).is_ok()
        {
            self.next.store(from, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::ShardCount;

    fn reply(node: u32, request: u64, outcome: Result<ReplyBody, Rejection>) -> Reply {
        Reply { to: ReplyAddress { node, request }, positions: PositionToken::default(), outcome }
    }

    fn topics() -> Topics {
        Topics::new(&super::super::KafkaConfig::new("nowhere:9092"), ShardCount::new(4).expect("four"), 8)
    }

    #[test]
    fn a_refusal_comes_back_as_that_of_the_aggregate_that_refused() {
        let refusals = [
            Rejection::Item(ItemRejection::AlreadyShipped),
            Rejection::Order(OrderRejection::AlreadyShipped),
            Rejection::Item(ItemRejection::InsufficientStock { asked: 3, available: 1 }),
            Rejection::Cart(CartRejection::InsufficientStock { asked: 3, available: 1 }),
            Rejection::Cart(CartRejection::IdempotencyKeyReused),
            Rejection::Store(StoreRejection::StoreNotFound),
            Rejection::Warehouse(WarehouseRejection::WarehouseNotFound),
            Rejection::Drop(DropRejection::IdempotencyKeyReused),
            Rejection::Follows(FollowsRejection::IdempotencyKeyReused),
            Rejection::Shopper(ShopperRejection::ShopperNotFound),
            Rejection::Shopper(ShopperRejection::IdempotencyKeyReused),
            Rejection::Undecidable(Undecidable::CommandDeadLettered),
        ];
        for refusal in refusals {
            let sent = reply(13, 1, Err(refusal));
            let [record] = &encode(&topics(), vec![sent.clone()])[..] else { panic!("one record") };
            assert_eq!((record.partition, record.key.as_str()), (5, "13"));
            assert_eq!(decode(13, record.value.as_deref().expect("a value")), [sent]);
        }
    }

    #[test]
    fn each_node_gets_one_record_in_order_unless_it_would_be_too_large() {
        let dead = || Err(Rejection::Undecidable(Undecidable::CommandDeadLettered));
        let replies: Vec<_> = (0..20_000).map(|n| reply(1 + (n % 2) as u32, n, dead())).collect();
        let records = encode(&topics(), replies);
        assert!(records.len() > 2);
        assert!(records.iter().all(|record| record.value.as_ref().is_some_and(|value| value.len() <= MOST_BYTES + 1)));
        let of = |node: u32| {
            let records = records.iter().filter(move |record| record.key == node.to_string());
            records.flat_map(move |record| decode(node, record.value.as_deref().expect("a value")))
        };
        assert!(of(1).map(|reply| reply.to.request).eq((0..20_000).step_by(2)));
        assert!(of(2).map(|reply| reply.to.request).eq((1..20_000).step_by(2)));
    }

    #[test]
    fn what_is_no_answer_is_passed_over() {
        assert!(decode(1, b"[{\"request\":1}]").is_empty());
    }
}
