//! What a cluster was created for, as its first record says.

use super::{
    client::{self, GOES, Isolation},
    records::{Outgoing, SETTINGS_KEY},
    scan::{Part, scan},
    shared::Shared,
};
use crate::LogError;
use rdkafka::message::Message as _;
use schemas::Topic;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The number of the format.
const FORMAT: u32 = 1;
/// Processes that start at once may all write it, each before anything else.
const AMONG_FIRST: u64 = 64;
/// How long writing it may take.
const LIMIT: Duration = Duration::from_secs(15);

/// The record. It stands in the first partition of the snapshots, which keep the newest record of a key for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    format: u32,
    test_clock: bool,
}

/// Refuses a cluster that was created otherwise, and makes a new one what is wanted.
pub(super) fn agree(shared: &Shared, test_clock: bool) -> Result<(), LogError> {
    let wanted = Settings { format: FORMAT, test_clock };
    let found = match read(shared)? {
        Some(found) => found,
        None => {
            let value = serde_json::to_vec(&wanted).expect("settings are plain data");
            let record = Outgoing::plain(Topic::Snapshots, 0, SETTINGS_KEY.to_owned(), Some(value));
            let unwritten = || LogError::Unavailable("what the cluster is for could not be written".to_owned());
            shared.sender.send(&shared.topics, record).map_err(|_| unwritten())?;
            if !shared.sender.flush(LIMIT) {
                return Err(unwritten());
            }
            read(shared)?.ok_or_else(unwritten)?
        }
    };
    let (namespace, brokers) = (&shared.config.namespace, &shared.config.brokers);
    if found.format != FORMAT {
        return Err(LogError::Corrupt(format!(
            "namespace `{namespace}` at {brokers} was written in format {} and this version reads {FORMAT}: run a newer Stockfold",
            found.format
        )));
    }
    if found.test_clock != test_clock {
        let (created, now) = if found.test_clock { ("with", "with") } else { ("without", "without") };
        return Err(LogError::Mismatch(format!(
            "namespace `{namespace}` at {brokers} was created {created} --test-clock: start it {now} it, or take another namespace"
        )));
    }
    Ok(())
}

/// The first settings that were written; none in a new cluster.
fn read(shared: &Shared) -> Result<Option<Settings>, LogError> {
    let place = [(Topic::Snapshots, 0)];
    let (low, stable) = (shared.ends.lows(&place)?[0], shared.ends.stable(&place)?[0]);
    if low == stable {
        return Ok(None);
    }
    let readers = client::readers(&shared.config);
    let consumer = client::consumer(&shared.config, &shared.health, &readers, Isolation::Committed, GOES)?;
    let part = Part { topic: Topic::Snapshots, partition: 0, from: low, until: stable.min(low + AMONG_FIRST) };
    let mut found = None;
    scan(&consumer, &shared.topics, part, |message| {
        if found.is_none() && message.key() == Some(SETTINGS_KEY.as_bytes()) {
            found = message.payload().and_then(|value| serde_json::from_slice(value).ok());
        }
        Ok(())
    })?;
    let unknown =
        || LogError::Corrupt(format!("{} does not begin with what it is for", shared.topics.name(Topic::Snapshots)));
    found.map(Some).ok_or_else(unknown)
}
