//! What the log says of a hot item: that nothing was oversold, and that everything answered is in it.

use anyhow::{Context as _, Result, ensure};
use event_log::{EventLog, ReadFrom, shard_of};
use schemas::{AggregateKey, Event, ItemId, Topic, item::HoldId, item::ItemEvent};
use std::{collections::HashMap, time::Duration};

/// The holds that each client was answered as granted: client → how many, ids `c<client>-<n>` from 0.
pub type Answered = HashMap<String, u64>;

/// Reads all of the item's events and compares them with the answers; returns the number of holds in the log.
pub fn check(log: &dyn EventLog, item: &ItemId, received: u64, answered: &Answered) -> Result<u64> {
    let partition = shard_of(log.shards(), &AggregateKey::Item(item.clone())).0;
    let topic = Topic::InventoryEvents;
    let end = log.end(topic, partition)?;
    let mut reader = log.reader(&[ReadFrom { topic, partition, offset: 0 }])?;
    let (mut granted, mut next) = (0_u64, 0);
    let mut seen: HashMap<String, Vec<bool>> = HashMap::new();
    while next < end {
        let records = reader.poll(1 << 22, Duration::from_secs(1))?;
        ensure!(!records.is_empty(), "the log ends at {next}, before {end}");
        for record in records {
            next = record.offset + 1;
            if record.key != item.as_str() {
                continue;
            }
            let envelope = record.envelope.context("an event without envelope")?;
            let event = Event::read(&envelope.event_type, &record.value.unwrap_or_default())?;
            let Event::Item(ItemEvent::HoldGranted(hold)) = event else { continue };
            ensure!(hold.stock.available >= 0, "oversold at seq {}: {} available", envelope.seq, hold.stock.available);
            granted += hold.quantity.units();
            let HoldId::Free { id, .. } = &hold.hold else { continue };
            let (client, n) = id.as_str().rsplit_once('-').context("a hold that no client asked for")?;
            let n: usize = n.parse()?;
            let slots = seen.entry(client.to_owned()).or_default();
            slots.resize(slots.len().max(n + 1), false);
            ensure!(!slots[n], "hold {} was granted twice", id);
            slots[n] = true;
        }
    }
    ensure!(granted <= received, "oversold: {granted} units granted of {received}");
    for (client, count) in answered {
        let slots = seen.get(client).map(Vec::as_slice).unwrap_or_default();
        let found = slots.iter().take(usize::try_from(*count)?).filter(|found| **found).count() as u64;
        ensure!(found == *count, "{} answered holds of {client} are not in the log", count - found);
    }
    Ok(granted)
}
