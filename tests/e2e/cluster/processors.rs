//! Two processors share the shards; one of them dies, or is frozen.

use super::{
    LIMIT, Parts, consumer,
    load::Load,
    orders::{self, Orders},
    owned, proof,
};
use crate::e2e::{engine::Engine, world::SHARDS};
use std::{
    collections::{BTreeMap, BTreeSet},
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
        let _others = [parts.start("projector"), parts.start("payments")];
        let load = Load::start(&parts);
        let (of_first, of_second) = (BTreeSet::new(), BTreeSet::new());
        let mut pair = Self { parts, first, second, of_first, of_second, load, _others };
        pair.share().await;
        pair
    }

    /// Waits until each of the two has shards.
    async fn share(&mut self) {
        let begun = Instant::now();
        loop {
            self.load.goes_on(Instant::now(), 1).await;
            let (of_first, of_second) = tokio::join!(owned(&self.first), owned(&self.second));
            let both: BTreeSet<u32> = of_first.union(&of_second).copied().collect();
            let is_shared = !of_first.is_empty() && !of_second.is_empty() && of_first.is_disjoint(&of_second);
            if is_shared && both.len() == SHARDS as usize {
                (self.of_first, self.of_second) = (of_first, of_second);
                return;
            }
            assert!(begun.elapsed() < LIMIT, "the shards are not shared: {of_first:?} {of_second:?}");
        }
    }

    /// The longest pause of one of these shards.
    fn pause(&self, shards: &BTreeSet<u32>, since: Instant) -> Duration {
        shards.iter().map(|shard| self.load.longest_pause(*shard, since)).max().expect("it has shards")
    }
}

/// The fewest kills, and the most, after which one must have hit a transaction.
const KILLS: std::ops::RangeInclusive<u32> = 2..=12;

#[tokio::test(flavor = "multi_thread")]
async fn processors_die_in_the_middle_of_transactions_and_nothing_is_lost_or_done_twice() {
    let mut pair = Pair::open().await;
    let (mut holds, mut orders, mut torn) = (BTreeMap::new(), BTreeMap::new(), 0);
    for kill in 1..=*KILLS.end() {
        let between = Orders::start(&pair.parts, &format!("k{kill}")).await;
        pair.load.goes_on(Instant::now(), 20).await;
        // A transaction takes milliseconds, and another begins soon after it.
        tokio::time::sleep(Duration::from_micros(rand::random_range(0..20_000))).await;
        let killed = Instant::now();
        pair.first.kill();
        pair.load.goes_on(killed, 20).await;
        let (of_dead, of_living) = (pair.pause(&pair.of_first, killed), pair.pause(&pair.of_second, killed));
        let of_orders = between.longest_pause(&pair.of_second, killed);
        println!(
            "pause of the dead one's shards {of_dead:.1?}, of the living one's {of_living:.1?}, of its orders {of_orders:.1?}"
        );
        // Session and recovery; 7 to 9 s, unless others keep the machine busy.
        assert!(of_dead < Duration::from_secs(20), "{of_dead:?}");
        assert!(of_living.max(of_orders) <= Duration::from_secs(7), "{of_living:?} {of_orders:?}");
        assert_eq!(owned(&pair.second).await.len(), SHARDS as usize);

        // Once all orders are done nothing is under way.
        orders.extend(between.end().await);
        holds.extend(std::mem::take(&mut pair.load).end().await);
        orders::orders_add_up(&pair.parts, &orders).await;
        torn = consumer::never_committed(&pair.parts, "inventory.events.v1").await;
        println!("kill {kill}: {torn} records or more stand in transactions that nobody committed");
        if torn > 0 && kill >= *KILLS.start() {
            break;
        }
        pair.load = Load::named(&pair.parts, &format!("k{kill}"));
        pair.first = pair.parts.start("processor");
        pair.share().await;
    }
    assert!(torn > 0, "no kill hit a transaction");
    let repeated = holds.values().filter(|hold| hold.sent > 1).count();
    println!("{} holds, {repeated} of them sent more than once; {} orders", holds.len(), orders.len());
    assert!(repeated > 0, "no command was in flight");
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
