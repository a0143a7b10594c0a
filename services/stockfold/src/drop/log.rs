//! The events of one drop, as the log tells them over HTTP. Read as JSON: what is proved from them shares no code with what
//! wrote them.

use super::client::Api;
use anyhow::{Context as _, Result, ensure};
use schemas::Role;
use serde::Deserialize;
use serde_json::Value;

/// An event of the drop.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Fact {
    /// `topic/partition@seq`.
    pub id: String,
    /// `ce_type`, such as `stockfold.drops.claim-granted.v1`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The drop.
    pub subject: String,
    /// The engine's time of it.
    pub time: chrono::DateTime<chrono::Utc>,
    /// What it says.
    pub data: Value,
}

impl Fact {
    /// The name of the event, such as `claim-granted`.
    pub fn name(&self) -> &str {
        let name = self.event_type.strip_prefix("stockfold.drops.").unwrap_or(&self.event_type);
        name.strip_suffix(".v1").unwrap_or(name)
    }

    /// A text of its data; empty where there is none.
    pub fn text(&self, field: &str) -> &str {
        self.data[field].as_str().unwrap_or_default()
    }

    /// A number of its data; 0 where there is none.
    pub fn number(&self, field: &str) -> u64 {
        self.data[field].as_u64().unwrap_or_default()
    }

    /// The shoppers that it names, in order.
    pub fn shoppers(&self) -> impl Iterator<Item = &str> {
        self.data["shoppers"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }
}

/// All events of the drop so far, in the order of the log.
pub async fn of_drop(api: &Api, drop: &str) -> Result<Vec<Fact>> {
    let token = api.token(Role::Operator, "stockfold-drop", None)?;
    let path = "/v1/log/drops.events.v1?from=beginning&follow=false";
    let mut answer = api.http().get(api.url(path)).bearer_auth(token).send().await.context("reading the log")?;
    let status = answer.status();
    ensure!(status.is_success(), "reading the log: {status} {}", answer.text().await.unwrap_or_default());
    let (mut facts, mut rest) = (Vec::new(), Vec::new());
    // An event of another drop is dropped line by line: only this one's are kept.
    while let Some(chunk) = answer.chunk().await.context("reading the log")? {
        rest.extend_from_slice(&chunk);
        let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for line in rest[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let fact: Fact = serde_json::from_slice(line).context("a line of the log is no event")?;
            if fact.subject == drop {
                facts.push(fact);
            }
        }
        rest.drain(..whole);
    }
    ensure!(!facts.is_empty(), "the log has no drop {drop}; `GET /v1/drops` lists them");
    Ok(facts)
}
