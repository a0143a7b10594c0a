//! The tables of the views, and of how far they are.

use crate::store::{StoreError, Table};
use cql::{Applied, Cql, CqlConfig, Migration, Replication};

/// The part of the schema that is ours.
const PART: &str = "views";
/// The layout that all tables have. A build that knows only a lower one cannot work on them.
const LAYOUT: u32 = 1;

/// Brings a keyspace to where [`super::ScyllaViews::open`] takes it, with these tables; makes it where there is none, and
/// then with that replication. What is there already is left alone, also tables of other versions of views.
///
/// [`StoreError::Corrupt`] where the keyspace is not ours, keeps too few copies, or a newer version migrated it.
pub async fn migrate(config: &CqlConfig, replication: &Replication, tables: &[Table]) -> Result<Applied, StoreError> {
    Ok(cql::migrate(config, replication, PART, &migrations(tables)).await?)
}

/// Checks that [`migrate`] has been run; the error says that it must be, or why it cannot.
pub(super) async fn verify(cql: &Cql, config: &CqlConfig, tables: &[Table]) -> Result<(), StoreError> {
    Ok(cql::verify(cql, config, PART, &migrations(tables)).await?)
}

// What is applied is never edited: a change is a new migration, and of what the columns mean a new layout.
fn migrations(tables: &[Table]) -> Vec<Migration> {
    let migration = |name: &str, columns: &str| Migration {
        version: LAYOUT,
        name: name.to_owned(),
        statement: format!("CREATE TABLE IF NOT EXISTS {{keyspace}}.\"{name}\" ({columns})"),
    };
    let checkpoints = migration(
        "checkpoints",
        "consumer text, topic text, shard int, seq bigint, next_offset bigint, epoch bigint, \
         PRIMARY KEY (consumer, topic, shard)",
    );
    // p: partition, c: clustering key, v: version, b: body, empty for a deleted row.
    let rows = |table: &Table| migration(table.name, "p text, c text, v bigint, b blob, PRIMARY KEY (p, c)");
    std::iter::once(checkpoints).chain(tables.iter().map(rows)).collect()
}
