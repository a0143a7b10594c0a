//! Two processors share the shards; one of them dies, or is frozen.

use super::{LIMIT, Parts, load::Load, owned, proof};
use crate::e2e::{engine::Engine, world::SHARDS};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Two processors that have shards each, under load.
struct Pair {
    parts: Parts,
    first: Engine,
    second: Engine,
    of_first: BTreeSet<u32>,
    of_second: BTreeSet<u32>,
    load: Load,
    /// What folds events into views, and what pays.
    _others: [Engine; 2],
}

impl Pair {
    async fn open() -> Self {
        let parts = Parts::open().await;
        let (first, second) = (parts.start("processor"), parts.start("processor"));
        let others = [parts.start("projector"), parts.start("payments")];
        let load = Load::start(&parts);
        let begun = Instant::now();
        loop {
            load.goes_on(Instant::now(), 1).await;
            let (of_first, of_second) = tokio::join!(owned(&first), owned(&second));
            let both: BTreeSet<u32> = of_first.union(&of_second).copied().collect();
            let is_shared = !of_first.is_empty() && !of_second.is_empty() && of_first.is_disjoint(&of_second);
            if is_shared && both.len() == SHARDS as usize {
                return Self { parts, first, second, of_first, of_second, load, _others: others };
            }
            assert!(begun.elapsed() < LIMIT, "the shards are not shared: {of_first:?} {of_second:?}");
        }
    }

    /// The longest pause of one of these shards.
    fn pause(&self, shards: &BTreeSet<u32>, since: Instant) -> Duration {
        shards.iter().map(|shard| self.load.longest_pause(*shard, since)).max().expect("it has shards")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processors_one_is_killed_and_nothing_is_lost_or_done_twice() {
    let pair = Pair::open().await;
    let killed = Instant::now();
    pair.first.kill();
    pair.load.goes_on(killed, 20).await;
    let (of_dead, of_living) = (pair.pause(&pair.of_first, killed), pair.pause(&pair.of_second, killed));
    println!("pause of the dead one's shards {of_dead:.1?}, of the living one's {of_living:.1?}");
    // Session and recovery; about 7 s on a quiet machine.
    assert!(of_dead < Duration::from_secs(20), "{of_dead:?}");
    assert!(of_living <= Duration::from_secs(7), "{of_living:?}");
    assert_eq!(owned(&pair.second).await.len(), SHARDS as usize);
    let holds = pair.load.end().await;
    let repeated = holds.values().filter(|hold| hold.sent > 1).count();
    assert!(repeated > 0, "no command was in flight");
    println!("{} holds, {repeated} of them sent more than once", holds.len());
    proof::holds_add_up(&pair.parts, &holds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_wakes_up_after_its_session_says_and_writes_nothing_stale() {
    let pair = Pair::open().await;
    let frozen = Instant::now();
    pair.first.signal("STOP");
    // The other one has all shards.
    pair.load.goes_on(frozen, 50).await;
    println!("pause of the frozen one's shards {:.1?}", pair.pause(&pair.of_first, frozen));
    pair.first.signal("CONT");
    let woken = Instant::now();
    // It finds out, joins again, and gets shards.
    while owned(&pair.first).await.is_empty() {
        assert!(woken.elapsed() < LIMIT, "it does not come back");
    }
    println!("decides again {:.1?} after it woke up", woken.elapsed());
    pair.load.goes_on(Instant::now(), 20).await;
    let holds = pair.load.end().await;
    proof::holds_add_up(&pair.parts, &holds).await;
}
