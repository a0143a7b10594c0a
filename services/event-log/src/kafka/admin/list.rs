//! `topics.yaml`: the one list of topics, typed.

use schemas::{ShardCount, Topic};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{collections::BTreeMap, sync::LazyLock};

/// The file, as it was when this was built.
const FILE: &str = include_str!("../../../../../topics.yaml");

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// The list of topics.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicList {
    /// Settings of every topic, by Kafka's names.
    settings: BTreeMap<String, String>,
    /// The topics.
    pub topics: Vec<TopicEntry>,
}

/// A topic.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicEntry {
    /// Which one.
    #[serde(deserialize_with = "topic", rename = "name")]
    pub topic: Topic,
    /// What it holds, in a sentence.
    pub holds: String,
    /// The services that write it.
    pub writers: Vec<String>,
    /// What its records are keyed by.
    pub key: String,
    /// How many partitions it has.
    pub partitions: Partitions,
    /// How long records are kept.
    pub retention: Retention,
    /// What removes them.
    pub cleanup: Cleanup,
    /// Further settings, by Kafka's names.
    #[serde(default)]
    settings: BTreeMap<String, String>,
    /// Types of the published contract that it carries.
    pub payloads: Vec<String>,
}

/// How many partitions a topic has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partitions {
    /// One per shard, for ever.
    PerShard,
    /// At least so many.
    Fixed(u32),
}

/// How long records are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// For ever.
    Forever,
    /// At least so many milliseconds.
    Milliseconds(u64),
}

/// What removes records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cleanup {
    /// Their age.
    Delete,
    /// A newer record of their key.
    Compact,
}

/// The list that is built in.
pub fn topics() -> &'static TopicList {
    static LIST: LazyLock<TopicList> =
        LazyLock::new(|| TopicList::parse(FILE).unwrap_or_else(|error| panic!("topics.yaml is wrong: {error}")));
    &LIST
}

impl TopicList {
    /// Reads a list.
    ///
    /// # Errors
    /// Says where the text is not YAML, or has an unknown topic, field or value.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }

    /// The settings of a topic by Kafka's names, but for the number of copies and of those that acknowledge.
    #[must_use]
    pub fn settings(&self, entry: &TopicEntry) -> BTreeMap<String, String> {
        let cleanup = ("cleanup.policy".to_owned(), entry.cleanup.name().to_owned());
        let retention = ("retention.ms".to_owned(), entry.retention.kafka());
        let written = self.settings.iter().chain(&entry.settings).map(|(name, value)| (name.clone(), value.clone()));
        written.chain([cleanup, retention]).collect()
    }
}

impl Partitions {
    /// How many, at least, in a cluster of so many shards.
    #[must_use]
    pub const fn count(self, shards: ShardCount) -> u32 {
        match self {
            Self::PerShard => shards.get(),
            Self::Fixed(count) => count,
        }
    }
}

impl Retention {
    fn parse(text: &str) -> Option<Self> {
        if text == "forever" {
            return Some(Self::Forever);
        }
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let unit = match unit {
            "m" => MINUTE_MS,
            "h" => HOUR_MS,
            "d" => DAY_MS,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(unit).map(Self::Milliseconds)
    }

    /// As `retention.ms`.
    fn kafka(self) -> String {
        match self {
            Self::Forever => "-1".to_owned(),
            Self::Milliseconds(milliseconds) => milliseconds.to_string(),
        }
    }
}

impl std::fmt::Display for Retention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Forever => f.write_str("forever"),
            Self::Milliseconds(ms) if ms % DAY_MS == 0 => write!(f, "{}d", ms / DAY_MS),
            Self::Milliseconds(ms) if ms % HOUR_MS == 0 => write!(f, "{}h", ms / HOUR_MS),
            Self::Milliseconds(ms) => write!(f, "{}m", ms / MINUTE_MS),
        }
    }
}

impl Cleanup {
    /// As `cleanup.policy`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Compact => "compact",
        }
    }
}

fn topic<'de, D: Deserializer<'de>>(from: D) -> Result<Topic, D::Error> {
    let name = String::deserialize(from)?;
    Topic::from_name(&name).ok_or_else(|| D::Error::custom(format!("there is no topic `{name}`")))
}

impl<'de> Deserialize<'de> for Partitions {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        match text.parse() {
            _ if text == "shards" => Ok(Self::PerShard),
            Ok(count) if count > 0 => Ok(Self::Fixed(count)),
            _ => Err(D::Error::custom(format!("`partitions` is `shards` or a number, not `{text}`"))),
        }
    }
}

impl<'de> Deserialize<'de> for Retention {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format!("`retention` is `forever` or a number of m, h or d, such as `12h`, not `{text}`"))
        })
    }
}
