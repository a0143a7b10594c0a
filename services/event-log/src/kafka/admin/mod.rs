//! Topics of a cluster: made, changed and checked after `topics.yaml`.

mod check;
mod cluster;
mod list;
mod plan;

pub use check::{Findings, findings};
pub use list::{Cleanup, Partitions, Retention, TopicEntry, TopicList, topics};
pub use plan::{Change, Copies, Existing, Wanted, plan, wanted};

use super::KafkaConfig;
use crate::LogError;
use cluster::Cluster;
use schemas::ShardCount;
use serde::Serialize;

/// What to apply.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many shards the cluster has, or gets if it is new.
    pub shards: ShardCount,
    /// How topics are kept.
    pub copies: Copies,
    /// Only say what would be changed.
    pub dry_run: bool,
}

/// What was changed, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// Whether the changes were made: not in a dry run, and not if one of them is refused.
    pub applied: bool,
    /// The names of all topics of the list.
    pub topics: Vec<String>,
    /// The changes.
    pub changes: Vec<Change>,
}

impl Applied {
    /// Whether something is in the way.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.changes.iter().any(Change::is_refusal)
    }
}

/// Makes the topics of a cluster agree with the list: all changes, or none if one of them cannot be made. What fails
/// halfway is finished by applying again.
///
/// # Errors
/// [`LogError::Mismatch`] if the cluster cannot keep what is asked for, [`LogError::Unavailable`] if brokers are out of
/// reach or do not do it.
pub fn apply(config: &KafkaConfig, options: Options) -> Result<Applied, LogError> {
    let Copies { replication, min_isr } = options.copies;
    if min_isr == 0 || min_isr > replication {
        return Err(LogError::Mismatch(format!(
            "{min_isr} copies cannot acknowledge where there are {replication}: choose 1 to {replication}"
        )));
    }
    let cluster = Cluster::connect(config)?;
    let wanted = wanted(topics(), config, options.shards, options.copies);
    let names: Vec<_> = wanted.iter().map(|wanted| wanted.name.clone()).collect();
    let state = cluster.state(&names)?;
    let changes = plan(&state.topics, &wanted);
    let creates = changes.iter().any(|change| matches!(change, Change::Create { .. }));
    if creates && state.brokers < replication {
        return Err(LogError::Mismatch(format!(
            "{replication} copies need {replication} brokers, and {} can be seen; for a trial, take --replication {} --min-isr 1",
            state.brokers, state.brokers
        )));
    }
    let mut applied = Applied { applied: false, topics: names, changes };
    if !options.dry_run && !applied.is_refused() {
        cluster.perform(&applied.changes, &state)?;
        cluster.wait_for(&wanted)?;
        applied.applied = true;
    }
    Ok(applied)
}

/// Checks at a start that the topics are there and keep what they are given; answers how many shards there are.
///
/// # Errors
/// [`LogError::Mismatch`] says all that is wrong and what mends it; what may lose records is only logged where the
/// configuration allows it. [`LogError::Unavailable`] if brokers are out of reach.
pub fn check(config: &KafkaConfig) -> Result<ShardCount, LogError> {
    let list = topics();
    let names: Vec<_> = list.topics.iter().map(|entry| config.topic(entry.topic)).collect();
    let state = Cluster::connect(config)?.state(&names)?;
    let Findings { shards, mut unusable, may_lose } = findings(&state.topics, list, config);
    if config.allow_unsafe {
        for risk in &may_lose {
            tracing::warn!("this cluster may lose what it acknowledged: {risk}");
        }
    } else if !may_lose.is_empty() {
        unusable.extend(may_lose);
        unusable.push("for a trial, --allow-unsafe takes a cluster that may lose records".to_owned());
    }
    match shards {
        Some(shards) if unusable.is_empty() => Ok(shards),
        _ => Err(LogError::Mismatch(format!(
            "the cluster at {} cannot be used:\n- {}",
            config.brokers,
            unusable.join("\n- ")
        ))),
    }
}
