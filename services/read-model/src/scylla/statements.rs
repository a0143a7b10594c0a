//! What is asked of the tables, prepared once.

use crate::store::{StoreError, Table};
use cql::{Cql, PreparedStatement};

/// The statements of a table.
pub(super) struct Statements {
    /// Writes a row, deleted or not: p, c, v, b, timestamp.
    pub put: PreparedStatement,
    /// Reads v, b by p, c.
    pub get: PreparedStatement,
    /// Reads c, v, b of the rows of p, upwards: p, limit.
    pub up: PreparedStatement,
    /// The same after c: p, c, limit.
    pub up_after: PreparedStatement,
    /// Downwards: p, limit.
    pub down: PreparedStatement,
    /// The same after (below) c: p, c, limit.
    pub down_after: PreparedStatement,
}

impl Statements {
    pub(super) async fn of(cql: &Cql, table: Table) -> Result<Self, StoreError> {
        let name = format!("{{keyspace}}.\"{}\"", table.name);
        let scan = |after: &str, order: &str| {
            format!("SELECT c, v, b FROM {name} WHERE p = ?{after} ORDER BY c {order} LIMIT ?")
        };
        Ok(Self {
            // All columns under one timestamp: cells are kept one by one, the higher timestamp wins each of them, so a
            // row never mixes two versions.
            put: cql.prepare(&format!("INSERT INTO {name} (p, c, v, b) VALUES (?, ?, ?, ?) USING TIMESTAMP ?")).await?,
            get: cql.prepare(&format!("SELECT v, b FROM {name} WHERE p = ? AND c = ?")).await?,
            up: cql.prepare(&scan("", "ASC")).await?,
            up_after: cql.prepare(&scan(" AND c > ?", "ASC")).await?,
            down: cql.prepare(&scan("", "DESC")).await?,
            down_after: cql.prepare(&scan(" AND c < ?", "DESC")).await?,
        })
    }
}

/// The statements of how far the views are.
pub(super) struct CheckpointStatements {
    /// Writes one: consumer, topic, shard, seq, next offset, epoch, timestamp.
    pub put: PreparedStatement,
    /// Reads topic, shard, seq, next offset, epoch of all of a consumer.
    pub get: PreparedStatement,
}

impl CheckpointStatements {
    pub(super) async fn new(cql: &Cql) -> Result<Self, StoreError> {
        let put = "INSERT INTO {keyspace}.checkpoints (consumer, topic, shard, seq, next_offset, epoch) \
                   VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?";
        let get = "SELECT topic, shard, seq, next_offset, epoch FROM {keyspace}.checkpoints WHERE consumer = ?";
        Ok(Self { put: cql.prepare(put).await?, get: cql.prepare(get).await? })
    }
}
