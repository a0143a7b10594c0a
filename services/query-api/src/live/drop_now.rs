//! A drop, as the view's own fold makes it of the row and the events after it. What all who watch it are told is written
//! once per change, not once per connection.

use super::later::Later;
use axum::extract::ws::Utf8Bytes;
use read_model::{
    fold::{Fact, View as _},
    views::drop::{DropRow, DropView, Standing},
};
use schemas::{Envelope, Event, Position, Timestamp, drop::DropStatus};
use serde_json::{Value, json};

/// Events that may come while the row is read; more are read with it again.
const MOST_LATER: usize = 10_000;

/// A drop that is watched.
#[derive(Default)]
pub(super) struct DropNow {
    row: Option<DropRow>,
    is_known: bool,
    later: Later<(Position, Envelope, Event)>,
    /// `snapshot` and `change` of this state.
    written: Option<(Utf8Bytes, Utf8Bytes)>,
}

impl DropNow {
    /// Takes an event; whether what is shown may have changed.
    pub fn apply(&mut self, fact: &Fact<'_>) -> bool {
        if !self.is_known {
            let event = (fact.position, fact.envelope.clone(), fact.event.clone());
            self.later.keep(MOST_LATER, fact.position.seq, event);
            return false;
        }
        if self.row.as_ref().is_some_and(|row| row.seq >= fact.position.seq) {
            return false;
        }
        DropView::fold(&mut self.row, fact);
        self.written = None;
        true
    }

    /// Takes the row of the view, which covers all that was read before the drop was watched.
    pub fn begin(&mut self, row: Option<DropRow>) {
        let Some(later) = self.later.after(row.as_ref().map_or(0, |row| row.seq)) else { return };
        if self.is_known {
            return;
        }
        self.row = row;
        for (_, (position, envelope, event)) in later {
            DropView::fold(&mut self.row, &Fact { position, envelope: &envelope, event: &event });
        }
        self.is_known = true;
        self.written = None;
    }

    /// Whether the row has been read.
    pub const fn is_known(&self) -> bool {
        self.is_known
    }

    /// The drop, once it is public: before all its items have lent their units nobody outside sees it.
    pub fn public(&self) -> Option<&DropRow> {
        self.row.as_ref().filter(|row| is_public(row))
    }

    /// What all who watch it are told first, and after a change.
    pub fn messages(&mut self) -> Option<(Utf8Bytes, Utf8Bytes)> {
        if self.written.is_none() {
            let row = self.public()?;
            self.written = Some((write("snapshot", row).into(), write("change", row).into()));
        }
        self.written.clone()
    }
}

/// Whether everybody may see the drop.
pub(super) const fn is_public(row: &DropRow) -> bool {
    !matches!(row.status, DropStatus::Draft | DropStatus::Rejected)
}

fn write(kind: &str, row: &DropRow) -> String {
    let items = row.terms.items.iter().map(|item| {
        let levels = row.levels(item);
        json!({
            "itemId": item.item_id, "remaining": levels.remaining, "held": levels.held, "sold": levels.sold,
            "price": item.price,
        })
    });
    let items: Vec<Value> = items.collect();
    let queue = row.terms.queue_opens_at.map(|opens_at| {
        let queue = row.queue;
        json!({
            "opensAt": opens_at, "nextRank": queue.next_rank, "places": queue.places, "admitted": queue.admitted,
        })
    });
    let message = json!({
        "type": kind, "dropId": row.drop_id, "time": row.changed_at, "status": row.status, "items": items,
        "startsAt": row.terms.starts_at, "endsAt": row.terms.ends_at, "seedHash": row.seed_hash, "seed": row.seed,
        "queue": queue, "reason": row.reason,
    });
    message.to_string()
}

/// What a shopper is told of the own place.
pub(super) fn write_place(time: Timestamp, standing: &Standing) -> String {
    let Standing { status, drawn, position, admitted_until, estimated_wait_seconds } = standing;
    let place = json!({
        "status": status.as_str(), "drawn": drawn, "position": position, "admittedUntil": admitted_until,
        "estimatedWaitSeconds": estimated_wait_seconds,
    });
    json!({"type": "place", "time": time, "place": place}).to_string()
}
