//! The fold: entries are put behind the others of their page, and a page is written once for a batch.

use super::{PAGE_SEQS, Stored, TABLE, change, hold_text, seq_key};
use crate::{
    fold::{Fact, ViewFold},
    store::{Row, RowKey, RowWrite, StoreError, Table},
    views::stock,
};
use schemas::Event;
use std::collections::{HashMap, HashSet};

/// Pages that stay in memory, in bytes; beyond it all leave and are read again when they are needed.
const BOUND: usize = 16 << 20;

/// The newest page of an item.
struct Page {
    number: u64,
    version: u64,
    /// A JSON array of entries without its closing bracket.
    body: Vec<u8>,
    changed: bool,
}

impl Page {
    const fn empty(number: u64) -> Self {
        Self { number, version: 0, body: Vec::new(), changed: false }
    }

    fn row(&self, item: &str) -> RowWrite {
        let mut body = Vec::with_capacity(self.body.len() + 1);
        body.extend_from_slice(&self.body);
        body.push(b']');
        let key = RowKey { partition: item.to_owned(), clustering: seq_key(self.number) };
        RowWrite { table: TABLE, key, version: self.version, body: Some(body) }
    }
}

/// See the module.
#[derive(Default)]
pub struct LedgerFold {
    /// By item.
    pages: HashMap<String, Page>,
    /// Items whose newest page changed.
    changed: Vec<String>,
    /// Pages that were left for a newer one.
    full: Vec<RowWrite>,
    /// Bytes of all pages in memory.
    weight: usize,
}

/// Whether the ledger tells of an event.
fn tells(event: &Event) -> bool {
    matches!(event, Event::Item(event) if stock::levels(event).is_some())
}

impl ViewFold for LedgerFold {
    fn table(&self) -> Table {
        TABLE
    }

    /// Only the first page of an item that is not in memory: whoever folds it to its end knows that the next is new.
    fn needs(&mut self, facts: &[Fact<'_>]) -> Vec<RowKey> {
        let (mut asked, mut last, mut keys) = (HashSet::new(), "", Vec::new());
        for fact in facts.iter().filter(|fact| tells(fact.event)) {
            let item = fact.envelope.subject.as_str();
            // Events of a hot item follow each other.
            if item != last && !self.pages.contains_key(item) && asked.insert(item) {
                let clustering = seq_key(fact.position.seq / PAGE_SEQS);
                keys.push(RowKey { partition: item.to_owned(), clustering });
            }
            last = item;
        }
        keys
    }

    fn load(&mut self, keys: Vec<RowKey>, rows: Vec<Option<Row>>) -> Result<(), StoreError> {
        for (key, row) in keys.into_iter().zip(rows) {
            let broken = |what: &str| StoreError::Corrupt(format!("{} {key:?}: {what}", TABLE.name));
            let number = u64::from_str_radix(&key.clustering, 16).map_err(|e| broken(&e.to_string()))?;
            let page = match row {
                None => Page::empty(number),
                Some(mut row) => {
                    if row.body.pop() != Some(b']') {
                        return Err(broken("no list of entries"));
                    }
                    Page { number, version: row.version, body: row.body, changed: false }
                }
            };
            self.weight += key.partition.len() + page.body.len();
            self.pages.insert(key.partition, page);
        }
        Ok(())
    }

    fn fold(&mut self, fact: &Fact<'_>) {
        let Event::Item(event) = fact.event else { return };
        let (Some(change), Some(levels)) = (change::change(event), stock::levels(event)) else { return };
        let item = &fact.envelope.subject;
        let number = fact.position.seq / PAGE_SEQS;
        let page = match self.pages.get_mut(item) {
            Some(page) => page,
            None => self.pages.entry(item.clone()).or_insert(Page::empty(number)),
        };
        if page.version >= fact.version() {
            return;
        }
        if page.number != number {
            if page.changed {
                self.full.push(page.row(item));
            }
            page.number = number;
            self.weight -= page.body.len();
            page.body.clear();
        }
        let stored = Stored {
            seq: fact.position.seq,
            partition: fact.position.partition,
            time_ms: fact.envelope.time.millis(),
            kind: change.kind,
            quantity: change.quantity,
            from: change.from,
            to: change.to,
            levels: (levels.available, levels.on_hand, levels.held, levels.committed, levels.allotted, levels.safety),
            places: stock::places(event).into(),
            actor: change
                .feed
                .map_or_else(|| fact.envelope.actor.as_str().into(), |feed| format!("supplier:{feed}").into()),
            cause: fact.envelope.causation.as_str().into(),
            hold: change.hold.map(hold_text),
            effect: change.effect.map(|id| id.as_str().into()),
            reference: change.reference.map(Into::into),
            reason: change.reason.map(Into::into),
        };
        self.weight -= page.body.len();
        page.body.push(if page.body.is_empty() { b'[' } else { b',' });
        serde_json::to_writer(&mut page.body, &stored).expect("strings and numbers are always JSON");
        self.weight += page.body.len();
        page.version = fact.version();
        if !page.changed {
            page.changed = true;
            self.changed.push(item.clone());
        }
    }

    fn drain(&mut self, rows: &mut Vec<RowWrite>) -> Result<(), StoreError> {
        rows.append(&mut self.full);
        for item in self.changed.drain(..) {
            let Some(page) = self.pages.get_mut(&item) else { continue };
            rows.push(page.row(&item));
            page.changed = false;
        }
        if self.weight > BOUND {
            self.pages.clear();
            self.weight = 0;
        }
        Ok(())
    }
}
