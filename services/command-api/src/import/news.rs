//! Tells what a line changed from what was so before.

use event_log::{EventLog, LogError, ReadFrom};
use schemas::{PositionToken, Topic};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// So far before its end a partition is looked at first: there may be marks of transactions behind the last event.
const BACK: u64 = 32;
/// How long the ends may take; beyond it an import runs without.
const WITHIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

/// How far the items' events are, by partition. Answered by a position up to there, a line changed nothing.
#[derive(Debug)]
pub(super) struct News(BTreeMap<u32, u64>);

impl News {
    /// As the log stands now; blocks. `None` where that cannot be told in time.
    pub fn since_now(log: &dyn EventLog) -> Option<Self> {
        match Self::read(log) {
            Ok(news) => news,
            Err(fault) => {
                tracing::debug!(%fault, "an import cannot tell what it changes");
                None
            }
        }
    }

    fn read(log: &dyn EventLog) -> Result<Option<Self>, LogError> {
        let mut known = BTreeMap::new();
        let mut back = BACK;
        let until = Instant::now() + WITHIN;
        loop {
            let mut ends = BTreeMap::new();
            for shard in log.shards().all().filter(|shard| !known.contains_key(&shard.0)) {
                let end = log.end(Topic::InventoryEvents, shard.0)?;
                if end > 0 {
                    ends.insert(shard.0, end);
                }
            }
            if ends.is_empty() {
                return Ok(Some(Self(known)));
            }
            let from = |(&partition, end): (&u32, &u64)| ReadFrom {
                topic: Topic::InventoryEvents,
                partition,
                offset: end.saturating_sub(back),
            };
            let mut reader = log.reader(&ends.iter().map(from).collect::<Vec<_>>())?;
            while reader.places().iter().any(|at| ends.get(&at.partition).is_some_and(|end| at.offset < *end)) {
                if Instant::now() > until {
                    return Ok(None);
                }
                for record in reader.poll(1 << 20, POLL)? {
                    let seq = record.envelope.map_or(0, |envelope| envelope.seq);
                    known.entry(record.partition).and_modify(|known| *known = seq.max(*known)).or_insert(seq);
                }
            }
            // From the first offset on there is nothing more to find.
            for (partition, _) in ends.iter().filter(|(_, end)| **end <= back) {
                known.entry(*partition).or_default();
            }
            back = back.saturating_mul(16);
        }
    }

    /// Whether a line that is answered by these positions is news. Lines are answered in the order in which they were decided.
    pub fn take(&mut self, positions: &PositionToken) -> bool {
        let mut is_news = false;
        for position in positions.positions().filter(|position| position.topic == Topic::InventoryEvents) {
            let known = self.0.entry(position.partition).or_default();
            is_news |= position.seq > *known;
            *known = position.seq.max(*known);
        }
        is_news
    }
}
