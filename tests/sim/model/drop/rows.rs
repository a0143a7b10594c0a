//! What the view of drops must show.

use super::{Drop, Phase, Pool, list, queue};
use crate::sim::checker::evidence::{Event, rfc3339};
use serde_json::{Value, json};

/// What the view keeps beside the state.
#[derive(Debug, Clone, Default)]
pub struct Row {
    seq: u64,
    version: i64,
    /// As it was last told.
    status: String,
    pub early: Option<i64>,
    drawn: usize,
    drafted_at: Value,
    opened_at: Value,
    over_at: Value,
    /// When the first were admitted, and who was next then.
    admissions: Option<(String, Value)>,
    stood_still: i64,
    standing_since: Option<i64>,
    reason: Value,
    changed_at: String,
}

impl Drop {
    /// Takes what the view keeps of an event.
    pub(super) fn tell(&mut self, event: &Event) {
        let (value, levels) = (&event.value, queue(self.queue));
        let mut row = std::mem::take(&mut self.shown);
        (row.seq, row.changed_at) = (event.seq, event.time.clone());
        let status = match event.name.as_str() {
            "drop-drafted" => {
                (row.version, row.drafted_at) = (1, json!(event.time));
                row.status = "draft".to_owned();
                None
            }
            "drop-changed" => {
                row.version += 1;
                None
            }
            "drop-opened" => {
                (row.opened_at, row.early) = (json!(event.time), Some(self.queue[1]));
                value["status"].as_str()
            }
            "places-drawn" => {
                row.drawn += list(value, "shoppers").len();
                None
            }
            "shoppers-admitted" => {
                let first = row.admissions.get_or_insert_with(|| (event.time.clone(), Value::Null));
                if first.0 == event.time {
                    first.1 = levels["nextRank"].clone();
                }
                None
            }
            "drop-scheduled" => Some("scheduled"),
            "drop-paused" => {
                row.reason = value["reason"].clone();
                Some("paused")
            }
            "drop-resumed" => {
                row.reason = Value::Null;
                value["status"].as_str()
            }
            "queue-opened" | "drop-status-changed" => value["status"].as_str(),
            "drop-ended" | "drop-cancelled" | "drop-rejected" => {
                if event.name == "drop-cancelled" {
                    row.reason = value["reason"].clone();
                }
                row.over_at = json!(event.time);
                event.name.strip_prefix("drop-")
            }
            _ => None,
        };
        if let Some(status) = status {
            row.turn(status, event.millis());
        }
        self.shown = row;
    }

    /// The row of the view; `None` where nothing has happened.
    pub(super) fn row(&self) -> Option<Value> {
        if self.phase == Phase::New {
            return None;
        }
        let row = &self.shown;
        let nothing =
            |item: &Value| json!({"itemId": item["itemId"], "levels": {"remaining": 0, "held": 0, "sold": 0}});
        let pools: Vec<_> = if self.pools.is_empty() {
            list(&self.terms, "items").iter().map(nothing).collect()
        } else {
            self.pools.iter().map(Pool::levels).collect()
        };
        let admissions = row.admissions.as_ref().map(|(since, next)| json!({"since": since, "nextRank": next}));
        Some(json!({
            "dropId": self.id, "seq": row.seq, "version": row.version, "store": self.store, "status": row.status,
            "terms": self.terms, "pools": pools, "queue": queue(self.queue), "seedHash": self.seed_hash,
            "seed": self.seed, "early": row.early, "drawn": row.drawn, "draftedAt": row.drafted_at,
            "openedAt": row.opened_at, "overAt": row.over_at, "admissions": admissions,
            "stoodStillMs": row.stood_still, "standingSince": row.standing_since.map(rfc3339),
            "reason": row.reason, "refusals": self.refusals, "metadata": self.metadata,
            "changedAt": row.changed_at,
        }))
    }
}

impl Row {
    /// Takes a status: once it has opened, the clocks of admissions go while it is live.
    fn turn(&mut self, status: &str, now: i64) {
        status.clone_into(&mut self.status);
        if self.opened_at.is_null() {
            return;
        }
        if status == "live" {
            self.stood_still += self.standing_since.take().map_or(0, |since| now - since);
        } else {
            self.standing_since.get_or_insert(now);
        }
    }
}
