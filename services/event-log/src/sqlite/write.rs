//! One SQLite transaction for a group of batches.

use super::{
    codec::stored,
    handover::{Handed, ShardRow},
    key::{partition_range, place, row_id},
};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use schemas::{ShardId, Topic};

/// What a page of the write-ahead log is counted as, beside the values.
const PAGE: usize = 4_120;

/// Writes all batches or none, durably; about how many bytes that put into the write-ahead log.
pub(super) fn group(connection: &mut Connection, group: &[Handed]) -> rusqlite::Result<usize> {
    if !group.iter().any(Handed::is_written) {
        return Ok(0);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (mut bytes, mut scratch) = (2 * PAGE, Vec::new());
    for handed in group {
        bytes += rows(&transaction, handed, &mut scratch)? + snapshots(&transaction, handed)?;
    }
    for (i, handed) in group.iter().enumerate() {
        let is_newest = || group[i + 1..].iter().all(|later| later.shard != handed.shard || later.state.is_none());
        if let Some(state) = handed.state.filter(|_| is_newest()) {
            shard(&transaction, handed.shard, state)?;
        }
        if let Some(before) = handed.trim {
            trim(&transaction, handed.shard, before)?;
        }
    }
    transaction.commit()?;
    Ok(bytes)
}

fn rows(transaction: &Transaction<'_>, handed: &Handed, scratch: &mut Vec<u8>) -> rusqlite::Result<usize> {
    let mut insert = transaction.prepare_cached("INSERT INTO batches (id, count, data) VALUES (?1, ?2, ?3)")?;
    let mut bytes = 0;
    for row in &handed.rows {
        let id = row_id(row.topic, row.partition, row.first);
        stored::pack(&row.encoded.bytes, scratch);
        bytes += scratch.len() + PAGE;
        if let Some(key) = &row.key {
            // The newest record of a key stays, a tombstone too: whoever follows the topic must see it.
            let sql = "INSERT OR REPLACE INTO states (id, place, key, data) VALUES (?1, ?2, ?3, ?4)";
            let place = place(row.topic, row.partition).cast_signed();
            transaction.prepare_cached(sql)?.execute((id, place, key, &*scratch))?;
            bytes += PAGE;
        } else {
            insert.execute((id, row.encoded.count, &*scratch))?;
        }
    }
    Ok(bytes)
}

/// A later value of a key replaces the earlier one; a tombstone deletes it.
fn snapshots(transaction: &Transaction<'_>, handed: &Handed) -> rusqlite::Result<usize> {
    let partition = handed.shard.0;
    let mut bytes = 0;
    for (at, snapshot) in (handed.snapshots_first..).zip(&handed.snapshots) {
        match &snapshot.value {
            Some(value) => {
                let sql = "INSERT OR REPLACE INTO snapshots (id, partition, key, value) VALUES (?1, ?2, ?3, ?4)";
                let id = row_id(Topic::Snapshots, partition, at);
                transaction.prepare_cached(sql)?.execute((id, partition, &snapshot.key, value))?;
                bytes += value.len() + 2 * PAGE;
            }
            None => {
                let sql = "DELETE FROM snapshots WHERE partition = ?1 AND key = ?2";
                transaction.prepare_cached(sql)?.execute((partition, &snapshot.key))?;
                bytes += 2 * PAGE;
            }
        }
    }
    Ok(bytes)
}

fn shard(transaction: &Transaction<'_>, shard: ShardId, state: ShardRow) -> rusqlite::Result<()> {
    let sql =
        "INSERT OR REPLACE INTO shards (shard, epoch, commands, internal, snapshots_end) VALUES (?1, ?2, ?3, ?4, ?5)";
    let [epoch, commands, internal, end] =
        [state.epoch, state.consumed.commands, state.consumed.internal, state.snapshots_end].map(u64::cast_signed);
    transaction.prepare_cached(sql)?.execute((shard.0, epoch, commands, internal, end))?;
    Ok(())
}

/// Deletes the batches of internal commands that have been consumed to the end.
fn trim(transaction: &Transaction<'_>, shard: ShardId, before: u64) -> rusqlite::Result<()> {
    let (lowest, _) = partition_range(Topic::InternalCommands, shard.0);
    let end = row_id(Topic::InternalCommands, shard.0, before);
    // A key and a count make the key after the batch.
    let sql = "DELETE FROM batches WHERE id >= ?1 AND id < ?2 AND id + count <= ?2";
    transaction.prepare_cached(sql)?.execute((lowest, end))?;
    Ok(())
}
