//! The parts of an engine as processes of their own, on a cluster, and what happens to them.

mod apis;
mod broker;
mod consumer;
mod largest;
mod load;
mod orders;
mod payers;
mod processors;
mod projectors;
mod proof;
mod silent;
mod suppliers;
mod whole;

pub(crate) use consumer::console_of;
pub(crate) use load::Load;
pub(crate) use proof::{events, is_dense};

use super::{
    engine::Engine,
    world::{Home, SHARDS, World},
};
use event_log::shard_of;
use schemas::{AggregateKey, ItemId, ShardCount};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// Of each item in stock.
const UNITS: u32 = 1_000_000;

/// How long something may take that takes seconds; on a busy machine, with three brokers starting, it takes many.
const LIMIT: Duration = Duration::from_secs(180);

/// A shop with one item in each shard, served by `api`; what else runs is up to the test.
pub(crate) struct Parts {
    pub(crate) home: Arc<Home>,
    pub(crate) api: Arc<Engine>,
    /// By shard.
    items: Vec<String>,
}

impl Parts {
    pub(crate) async fn open() -> Self {
        Self::open_on(World::Cluster.home()).await
    }

    /// One process makes the secrets and the stock, and leaves; from then on there are parts only.
    async fn open_on(home: Arc<Home>) -> Self {
        let items = (0..SHARDS).map(|shard| items_of(shard).next().expect("every shard has items"));
        let items: Vec<String> = items.collect();
        let up = Engine::start(Arc::clone(&home), "up", &[]);
        for item in &items {
            up.stock(item, 100, UNITS).await;
        }
        assert!(up.terminate(), "SIGTERM ends with success");
        let api = Arc::new(Engine::start(Arc::clone(&home), "api", &[]));
        Self { home, api, items }
    }

    pub(crate) fn start(&self, service: &'static str) -> Engine {
        Engine::start(Arc::clone(&self.home), service, &[])
    }
}

/// The items of a shard, without end.
pub(crate) fn items_of(shard: u32) -> impl Iterator<Item = String> {
    let shards = ShardCount::new(SHARDS).expect("a good count");
    (0..).map(|n| format!("i-{n}")).filter(move |id| {
        let item = ItemId::parse(id).expect("an id");
        shard_of(shards, &AggregateKey::Item(item)).0 == shard
    })
}

/// The shards that a processor decides: where the counter of its commands rises while `load` goes on.
async fn owned(processor: &Engine) -> BTreeSet<u32> {
    let before = decided(processor).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let after = decided(processor).await;
    after.difference(&before).map(|(shard, _)| *shard).collect()
}

/// Shards, each with the number of its commands.
async fn decided(processor: &Engine) -> BTreeSet<(u32, u64)> {
    let text = processor.get(None, "/metrics", "").await.body;
    let counters = text.as_str().expect("text").lines().filter_map(|line| {
        let (shard, count) = line.strip_prefix("stockfold_commands_total{shard=\"")?.split_once("\"} ")?;
        Some((shard.parse().ok()?, count.parse().ok()?))
    });
    counters.collect()
}
