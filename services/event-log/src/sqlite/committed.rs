//! What is durable: the end of every partition, and the newest events in memory for those who read the tail.

use super::{
    handover::Handed,
    key::{ByTopic, bit, index},
};
use crate::{LogError, ReadFrom};
use parking_lot::{Condvar, Mutex};
use schemas::Topic;
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

/// A batch of events of one topic and partition, as it is stored.
#[derive(Debug, Clone)]
pub(super) struct TailBatch {
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) bytes: Arc<Vec<u8>>,
}

/// The newest committed batches of events, bounded in bytes; the oldest go first.
#[derive(Debug)]
struct Tail {
    max_bytes: usize,
    bytes: usize,
    by_partition: [Vec<VecDeque<TailBatch>>; Topic::EVENTS.len()],
    /// Whose front is the oldest.
    order: VecDeque<(usize, u32)>,
}

impl Tail {
    fn new(shards: usize, max_bytes: usize) -> Self {
        let by_partition = Topic::EVENTS.map(|_| vec![VecDeque::new(); shards]);
        Self { max_bytes, bytes: 0, by_partition, order: VecDeque::new() }
    }

    fn push(&mut self, topic: usize, partition: u32, batch: TailBatch) {
        self.bytes += batch.bytes.len();
        self.by_partition[topic][partition as usize].push_back(batch);
        self.order.push_back((topic, partition));
        while self.bytes > self.max_bytes {
            let Some((topic, partition)) = self.order.pop_front() else { return };
            if let Some(oldest) = self.by_partition[topic][partition as usize].pop_front() {
                self.bytes -= oldest.bytes.len();
            }
        }
    }

    /// The batches from the one that holds `from` on, about `max_bytes` of them; `None` where it is no longer there.
    fn read(&self, topic: Topic, partition: u32, from: u64, max_bytes: usize) -> Option<Vec<TailBatch>> {
        let topic = Topic::EVENTS.iter().position(|events| *events == topic)?;
        let batches = &self.by_partition[topic][partition as usize];
        let start = batches.partition_point(|batch| batch.end <= from);
        if batches.get(start)?.first > from {
            return None;
        }
        let mut bytes = 0;
        let fits = |batch: &&TailBatch| {
            let fits = bytes < max_bytes;
            bytes += batch.bytes.len();
            fits
        };
        Some(batches.range(start..).take_while(fits).cloned().collect())
    }
}

/// What a reader waits for: nobody is woken by what does not concern them.
#[derive(Debug, Clone)]
pub(super) struct Interest {
    topics: u32,
    wake: Arc<Condvar>,
}

impl Interest {
    /// In the topics of these places.
    pub(super) fn in_places(places: &[ReadFrom]) -> Self {
        let topics = places.iter().fold(0, |topics, place| topics | bit(place.topic));
        Self { topics, wake: Arc::default() }
    }
}

/// See the module.
#[derive(Debug)]
struct State {
    ends: Vec<ByTopic>,
    tail: Tail,
    /// The readers that wait.
    waiting: Vec<Interest>,
    /// How many hand-overs are durable and answered.
    durable: u64,
    /// Whether nothing will ever be durable again.
    ended: bool,
}

/// What a reader asks for.
pub(super) struct Wanted<'a> {
    /// Where it stands.
    pub(super) places: &'a [ReadFrom],
    /// In their topics.
    pub(super) interest: &'a Interest,
    /// The number of the place that comes first.
    pub(super) start: usize,
    /// About so much.
    pub(super) max_bytes: usize,
}

/// What a reader finds in a partition.
#[derive(Debug)]
pub(super) enum Ready {
    /// In memory.
    Tail(Vec<TailBatch>),
    /// On disk, up to this offset.
    Disk(u64),
}

impl State {
    fn has_more(&self, place: &ReadFrom) -> bool {
        self.ends[place.partition as usize][index(place.topic)] > place.offset
    }
}

/// The state, and who waits for it to change.
#[derive(Debug)]
pub(super) struct Committed {
    state: Mutex<State>,
    /// For those who wait until something is durable.
    durable: Condvar,
}

impl Committed {
    /// As it stands when the log is opened.
    pub(super) fn new(ends: Vec<ByTopic>, tail_bytes: usize) -> Self {
        let tail = Tail::new(ends.len(), tail_bytes);
        let state = State { ends, tail, waiting: Vec::new(), durable: 0, ended: false };
        Self { state: Mutex::new(state), durable: Condvar::new() }
    }

    /// The offset after the newest record.
    pub(super) fn end(&self, topic: Topic, partition: u32) -> Result<u64, LogError> {
        let state = self.state.lock();
        let ends = state.ends.get(partition as usize);
        ends.map(|ends| ends[index(topic)]).ok_or_else(|| {
            LogError::Mismatch(format!("there is no {topic}/{partition}: the log has {} shards", state.ends.len()))
        })
    }

    /// All of a group is durable, and can be read from now on. Leaves the group empty of records.
    pub(super) fn publish(&self, group: &mut [Handed]) {
        let mut state = self.state.lock();
        let mut changed = 0;
        for handed in group {
            for row in handed.rows.drain(..) {
                let end = row.end();
                let ends = &mut state.ends[row.partition as usize][index(row.topic)];
                assert_eq!(*ends, row.first, "batches become durable in order");
                *ends = end;
                changed |= bit(row.topic);
                if let Some(topic) = Topic::EVENTS.iter().position(|topic| *topic == row.topic) {
                    let batch = TailBatch { first: row.first, end, bytes: Arc::new(row.encoded.bytes) };
                    state.tail.push(topic, row.partition, batch);
                }
            }
            if !handed.snapshots.is_empty() {
                let end = handed.snapshots_first + handed.snapshots.len() as u64;
                state.ends[handed.shard.0 as usize][index(Topic::Snapshots)] = end;
                changed |= bit(Topic::Snapshots);
            }
        }
        for interest in state.waiting.iter().filter(|interest| interest.topics & changed != 0) {
            interest.wake.notify_one();
        }
    }

    /// The first `ticket` hand-overs are durable and their answers are out: whoever waits for that goes on.
    pub(super) fn settle(&self, ticket: u64) {
        self.state.lock().durable = ticket;
        self.durable.notify_all();
    }

    /// Nothing more becomes durable.
    pub(super) fn finish(&self) {
        self.state.lock().ended = true;
        self.durable.notify_all();
    }

    /// Whether a hand-over is durable.
    pub(super) fn is_durable(&self, ticket: u64) -> bool {
        self.state.lock().durable >= ticket
    }

    /// Waits until the first `ticket` hand-overs are durable.
    pub(super) fn wait_durable(&self, ticket: u64) -> Result<(), LogError> {
        let mut state = self.state.lock();
        while state.durable < ticket {
            if state.ended {
                return Err(LogError::Unavailable("the log has been closed".to_owned()));
            }
            self.durable.wait(&mut state);
        }
        Ok(())
    }

    /// Waits until the appender has ended; false if it has not in time.
    pub(super) fn wait_ended(&self, wait: Duration) -> bool {
        let deadline = Instant::now() + wait;
        let mut state = self.state.lock();
        while !state.ended {
            if self.durable.wait_until(&mut state, deadline).timed_out() {
                return state.ended;
            }
        }
        true
    }

    /// Waits until one of `places` has records, and says which of them have, beginning with number `start`.
    pub(super) fn ready(&self, from: &Wanted<'_>, wait: Duration) -> Vec<(usize, Ready)> {
        let Wanted { places, interest, start, max_bytes } = *from;
        let mut state = self.state.lock();
        if !wait.is_zero() && !places.iter().any(|place| state.has_more(place)) {
            state.waiting.push(interest.clone());
            let deadline = Instant::now() + wait;
            while !places.iter().any(|place| state.has_more(place)) {
                if interest.wake.wait_until(&mut state, deadline).timed_out() {
                    break;
                }
            }
            state.waiting.retain(|waiting| !Arc::ptr_eq(&waiting.wake, &interest.wake));
        }
        let (mut ready, mut left) = (Vec::new(), max_bytes);
        for i in (start..places.len()).chain(0..start) {
            if left > 0 && state.has_more(&places[i]) {
                let found = find(&state, &places[i], left);
                left = match &found {
                    Ready::Tail(batches) => {
                        batches.iter().fold(left, |left, batch| left.saturating_sub(batch.bytes.len()))
                    }
                    // How much it is shows when it is read: the other partitions come next time.
                    Ready::Disk(_) => 0,
                };
                ready.push((i, found));
            }
        }
        ready
    }
}

fn find(state: &State, place: &ReadFrom, max: usize) -> Ready {
    let tail = state.tail.read(place.topic, place.partition, place.offset, max);
    tail.map_or_else(|| Ready::Disk(state.ends[place.partition as usize][index(place.topic)]), Ready::Tail)
}
