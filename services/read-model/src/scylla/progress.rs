//! How far the views are, also by the work of other processes: what is known of it, and who waits for more.
//!
//! The database tells nobody of a write, so checkpoints are read again and again while somebody waits: by one task for
//! all who wait, and what it has read is good for as long as it rests.

use crate::store::{Checkpoint, Checkpoints};
use parking_lot::Mutex;
use std::{collections::HashMap, time::Duration};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

/// How old what is known may be, and the shortest rest between two looks.
pub(super) const SHORTEST: Duration = Duration::from_millis(20);
/// The longest rest, while nothing moves.
const LONGEST: Duration = Duration::from_millis(50);
/// The rest after a look that failed.
const FAILED: Duration = Duration::from_millis(500);

/// What is known, by consumer.
pub(super) struct Progress {
    known: Mutex<HashMap<String, Known>>,
    moved: watch::Sender<u64>,
    waiting: Notify,
}

#[derive(Default)]
struct Known {
    checkpoints: Checkpoints,
    /// When all of them were read; `None` while only our own writes are known.
    read: Option<Instant>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { known: Mutex::default(), moved: watch::channel(0).0, waiting: Notify::new() }
    }

    /// The checkpoints of a consumer, where they were read a moment ago.
    pub(super) fn fresh(&self, consumer: &str) -> Option<Checkpoints> {
        let known = self.known.lock();
        let known = known.get(consumer)?;
        (known.read?.elapsed() < SHORTEST).then(|| known.checkpoints.clone())
    }

    /// All that is known of a consumer's checkpoints.
    pub(super) fn known(&self, consumer: &str) -> Checkpoints {
        self.known.lock().get(consumer).map(|known| known.checkpoints.clone()).unwrap_or_default()
    }

    /// Whose checkpoints somebody has asked for.
    pub(super) fn consumers(&self) -> Vec<String> {
        self.known.lock().keys().cloned().collect()
    }

    /// Takes what was written just now, and ends all waits.
    pub(super) fn wrote(&self, consumer: &str, checkpoints: &Checkpoints) {
        self.learn(consumer, checkpoints, None);
        self.stir();
    }

    /// Takes all checkpoints of a consumer as they were read by a look that began then; whether any has moved. If so all
    /// waits end: whoever waits may have seen what was known before.
    pub(super) fn looked(&self, consumer: &str, checkpoints: &Checkpoints, begun: Instant) -> bool {
        let moved = self.learn(consumer, checkpoints, Some(begun));
        if moved {
            self.stir();
        }
        moved
    }

    /// Ends all waits.
    pub(super) fn stir(&self) {
        self.moved.send_modify(|count| *count += 1);
    }

    /// Waits for the next move. Whoever waits is counted from this call on, not from the first poll.
    pub(super) fn wait(&self) -> watch::Receiver<u64> {
        let moved = self.moved.subscribe();
        self.waiting.notify_one();
        moved
    }

    /// Looks, again and again, while somebody waits. Never ends.
    pub(super) async fn watch<E, F>(&self, look: impl Fn() -> F)
    where
        F: Future<Output = Result<bool, E>>,
    {
        let mut rest = SHORTEST;
        loop {
            if self.moved.receiver_count() == 0 {
                self.waiting.notified().await;
                rest = SHORTEST;
            }
            tokio::time::sleep(rest).await;
            rest = match look().await {
                Ok(true) => SHORTEST,
                Ok(false) => (rest * 3 / 2).min(LONGEST),
                Err(_) => {
                    // Whoever waits looks for itself, and learns why.
                    self.stir();
                    FAILED
                }
            };
        }
    }

    fn learn(&self, consumer: &str, checkpoints: &Checkpoints, read: Option<Instant>) -> bool {
        let mut known = self.known.lock();
        let known = known.entry(consumer.to_owned()).or_default();
        known.read = known.read.max(read);
        let mut moved = false;
        for (&key, &at) in checkpoints {
            let newest = known.checkpoints.entry(key).or_default();
            // An answer may be overtaken by a later one; checkpoints never go back.
            if order(&at) > order(newest) {
                *newest = at;
                moved = true;
            }
        }
        moved
    }
}

const fn order(at: &Checkpoint) -> (u64, u64, u64) {
    (at.seq, at.offset, at.epoch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Topic;
    use std::future::ready;

    const ZERO: (Topic, u32) = (Topic::InventoryEvents, 0);

    fn at(seq: u64) -> Checkpoints {
        Checkpoints::from([(ZERO, Checkpoint { seq, offset: seq, epoch: 1 })])
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_is_good_for_a_moment() {
        let progress = Progress::new();
        assert_eq!(progress.fresh("c"), None);
        progress.looked("c", &at(1), Instant::now());
        assert_eq!(progress.fresh("c"), Some(at(1)));
        tokio::time::advance(SHORTEST).await;
        assert_eq!(progress.fresh("c"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn our_own_writes_alone_are_not_all_there_is() {
        let progress = Progress::new();
        progress.wrote("c", &at(2));
        assert_eq!(progress.fresh("c"), None);
        let begun = Instant::now();
        let one = ((Topic::OrdersEvents, 1), Checkpoint { seq: 4, offset: 4, epoch: 1 });
        let mut read = at(1);
        read.insert(one.0, one.1);
        progress.looked("c", &read, begun);
        let mut all = at(2);
        all.insert(one.0, one.1);
        assert_eq!(progress.fresh("c"), Some(all), "a read that our write has overtaken takes nothing back");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_when_a_look_finds_more_than_was_known() {
        let progress = Progress::new();
        progress.looked("c", &at(1), Instant::now());
        let waiting = progress.wait();
        assert!(!progress.looked("c", &at(1), Instant::now()));
        assert!(!waiting.has_changed().expect("the store is there"));
        assert!(progress.looked("c", &at(2), Instant::now()));
        assert!(waiting.has_changed().expect("the store is there"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_store_is_looked_at_only_while_somebody_waits_and_once_for_all_of_them() {
        let (progress, looks) = (Progress::new(), std::cell::Cell::new(0_u32));
        let watching = progress.watch(|| {
            looks.set(looks.get() + 1);
            ready(Ok::<_, ()>(false))
        });
        let during = async |time: Duration| {
            let before = looks.get();
            tokio::time::sleep(time).await;
            looks.get() - before
        };
        let waits = async {
            assert_eq!(during(Duration::from_secs(10)).await, 0, "nobody waits");
            let waiting: Vec<_> = (0..100).map(|_| progress.wait()).collect();
            let looked = during(Duration::from_secs(1)).await;
            assert!((15..=30).contains(&looked), "{looked}");
            drop(waiting);
            during(4 * LONGEST).await;
            assert_eq!(during(Duration::from_secs(10)).await, 0, "nobody waits any more");
        };
        tokio::select! {
            () = watching => {}
            () = waits => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_fails_ends_the_waits() {
        let progress = Progress::new();
        let mut waiting = progress.wait();
        tokio::select! {
            () = progress.watch(|| ready(Err(()))) => {}
            changed = waiting.changed() => changed.expect("the store is there"),
        }
    }
}
