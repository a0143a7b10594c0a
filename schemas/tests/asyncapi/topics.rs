//! What `topics.yaml` says, as far as it is told to others. The engine's own reader refuses what is wrong in it.

use crate::folder;
use schemas::Topic;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct List {
    settings: BTreeMap<String, String>,
    topics: Vec<Entry>,
}

/// A topic.
#[derive(Deserialize)]
pub struct Entry {
    pub name: String,
    pub holds: String,
    pub writers: Vec<String>,
    pub key: String,
    retention: String,
    cleanup: String,
    #[serde(default)]
    settings: BTreeMap<String, String>,
    pub payloads: Vec<String>,
}

/// All topics, in the order of the file.
pub fn entries() -> Vec<Entry> {
    let text = std::fs::read_to_string(folder("../topics.yaml")).expect("topics.yaml");
    let List { settings, mut topics } = serde_saphyr::from_str(&text).expect("a list of topics");
    for topic in &mut topics {
        let own = std::mem::take(&mut topic.settings);
        topic.settings = settings.clone().into_iter().chain(own).collect();
    }
    topics
}

impl Entry {
    pub fn topic(&self) -> Topic {
        Topic::from_name(&self.name).unwrap_or_else(|| panic!("{} is no topic", self.name))
    }

    /// The settings that the binding to Kafka knows.
    pub fn configuration(&self) -> Value {
        let mut known = Map::from_iter([
            ("cleanup.policy".to_owned(), json!([self.cleanup])),
            ("retention.ms".to_owned(), self.retention_ms().into()),
        ]);
        for name in ["retention.bytes", "delete.retention.ms", "max.message.bytes"] {
            let number = self.settings.get(name).map(|value| value.parse::<i64>().expect("a number"));
            known.extend(number.map(|number| (name.to_owned(), number.into())));
        }
        known.into()
    }

    fn retention_ms(&self) -> i64 {
        if self.retention == "forever" {
            return -1;
        }
        let (number, unit) = self.retention.split_at(self.retention.len() - 1);
        let minutes = match unit {
            "m" => 1,
            "h" => 60,
            "d" => 24 * 60,
            _ => panic!("{}: {} is no time", self.name, self.retention),
        };
        number.parse::<i64>().expect("a number") * minutes * 60_000
    }
}
