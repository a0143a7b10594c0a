//! Whole engines share the shards: commands reach a shard of their own process in memory, the others by the log, and both
//! ways change while shards move.

use super::{LIMIT, Parts, consumer::console_of, load::Load, owned, proof};
use crate::e2e::{engine::Engine, world::SHARDS};
use std::{sync::Arc, time::Instant};

/// A whole engine whose clients stay, an API beside it, and clients of both at the same items.
struct Shop {
    /// By way of the API alone.
    apart: Parts,
    /// By way of the engine.
    whole: Parts,
    loads: [Load; 2],
}

impl Shop {
    async fn open() -> Self {
        let apart = Parts::open().await;
        let engine = Arc::new(apart.start("up"));
        let whole = Parts { home: Arc::clone(&apart.home), api: engine, items: apart.items.clone() };
        let loads = [Load::named(&apart, "apart-"), Load::named(&whole, "whole-")];
        let shop = Self { apart, whole, loads };
        shop.goes_on(30).await;
        shop
    }

    /// Waits until every shard has granted so many holds more to clients of either kind.
    async fn goes_on(&self, count: usize) {
        let since = Instant::now();
        for load in &self.loads {
            load.goes_on(since, count).await;
        }
    }

    /// Another whole engine, once each has a part of the shards.
    async fn another(&self) -> Engine {
        let (another, begun) = (self.apart.start("up"), Instant::now());
        loop {
            let (of_first, of_other) = tokio::join!(owned(&self.whole.api), owned(&another));
            let is_shared = !of_first.is_empty() && !of_other.is_empty() && of_first.is_disjoint(&of_other);
            if is_shared && of_first.len() + of_other.len() == SHARDS as usize {
                return another;
            }
            assert!(begun.elapsed() < LIMIT, "the shards are not shared: {of_first:?} {of_other:?}");
        }
    }

    /// What was granted to anybody is in the log and the views once, and nothing else is.
    async fn adds_up(self) {
        let [apart, whole] = self.loads;
        let mut holds = apart.end().await;
        let by_log = holds.len();
        holds.extend(whole.end().await);
        println!("{} holds, {by_log} of clients of the API", holds.len());
        proof::holds_add_up(&self.apart, &holds).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_move_between_whole_engines_and_nothing_is_lost_or_done_twice() {
    let shop = Shop::open().await;
    for ends_well in [true, false, true, false] {
        let another = shop.another().await;
        shop.goes_on(20).await;
        if ends_well {
            assert!(another.terminate(), "SIGTERM ends with success");
        } else {
            another.kill();
        }
        shop.goes_on(20).await;
        assert_eq!(owned(&shop.whole.api).await.len(), SHARDS as usize);
    }
    shop.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_engine_that_wakes_up_after_its_session_answers_nobody_from_stale_state() {
    let shop = Shop::open().await;
    let another = shop.another().await;
    for _ in 0..2 {
        shop.goes_on(20).await;
        let frozen = Instant::now();
        shop.whole.api.signal("STOP");
        // The other one has all shards: clients of the API are served again, those of the frozen one wait.
        shop.loads[0].goes_on(frozen, 50).await;
        assert_eq!(owned(&another).await.len(), SHARDS as usize);
        shop.whole.api.signal("CONT");
        let woken = Instant::now();
        shop.goes_on(20).await;
        while owned(&shop.whole.api).await.is_empty() {
            assert!(woken.elapsed() < LIMIT, "it does not come back");
        }
    }
    shop.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_to_shards_of_their_process_do_not_stand_in_the_log() {
    let Shop { apart, whole: _whole, loads: [by_log, in_memory] } = Shop::open().await;
    let (by_log, in_memory) = (by_log.end().await, in_memory.end().await);
    let topic = format!("{}.commands.v1", apart.home.namespace);
    let brokers = engines::kafka().bootstrap();
    let sent = console_of(brokers, &topic, "read_committed", &["--timeout-ms", "5000"]);
    let count = |name: &str| sent.lines().filter(|line| line.contains(&format!("\"{name}"))).count();
    assert!(count("apart-") >= by_log.len(), "{} of {}", count("apart-"), by_log.len());
    // Those that came while it took its shards went by the log.
    assert!(count("whole-") < in_memory.len() / 2, "{} of {}", count("whole-"), in_memory.len());
}
