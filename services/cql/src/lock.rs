//! The right to change a part of the schema: one process at a time.
//!
//! Whoever wants it writes a claim and reads all claims, both by quorum. Alone, it has the right; else it withdraws and
//! tries again later. Of two claims the one that was written later sees the other, so never are both alone. No
//! conditional statement is needed: ScyllaDB before 2025.4 has none where it keeps tablets.

use crate::{Cql, CqlError};
use scylla::statement::Consistency;
use std::time::Duration;
use uuid::Uuid;

/// After so many seconds without a sign a process that died has lost its claim. Longer than a change of the schema takes.
const TERM_S: i32 = 180;
/// The shortest time between two claims; a random one of the same length comes on top.
const PAUSE: Duration = Duration::from_millis(256);

/// A claim that is alone.
pub(crate) struct Lock<'c> {
    cql: &'c Cql,
    part: &'c str,
    holder: String,
    /// The write timestamp of the newest claim, so that nothing depends on clocks.
    written: i64,
}

impl<'c> Lock<'c> {
    /// Waits until no other process has a claim; [`CqlError::Unavailable`] where one holds on to it.
    pub(crate) async fn take(cql: &'c Cql, part: &'c str) -> Result<Self, CqlError> {
        let until = tokio::time::Instant::now() + Duration::from_secs(TERM_S.unsigned_abs().into()) * 2;
        loop {
            let id = Uuid::new_v4();
            let mut lock = Self { cql, part, holder: id.to_string(), written: 0 };
            lock.claim().await?;
            if lock.holders().await?.iter().all(|(holder,)| *holder == lock.holder) {
                return Ok(lock);
            }
            lock.release().await;
            if tokio::time::Instant::now() > until {
                return Err(CqlError::Unavailable("another process is changing the schema".to_owned()));
            }
            tokio::time::sleep(PAUSE + Duration::from_millis(id.as_bytes()[0].into())).await;
        }
    }

    /// Keeps it for a full term; [`CqlError::Unavailable`] where it was lost.
    pub(crate) async fn renew(&mut self) -> Result<(), CqlError> {
        if self.holders().await?.iter().any(|(holder,)| *holder == self.holder) {
            return self.claim().await;
        }
        Err(CqlError::Unavailable("another process may change the schema by now; try again".to_owned()))
    }

    /// Gives it back.
    pub(crate) async fn release(self) {
        let delete = "DELETE FROM {keyspace}.migration_lock USING TIMESTAMP ? WHERE part = ? AND holder = ?";
        let values = (self.written + 1, self.part, self.holder.as_str());
        if let Err(error) = self.cql.once(delete, Consistency::Quorum, values).await {
            tracing::warn!(%error, "the schema stays locked for {TERM_S} s");
        }
    }

    async fn claim(&mut self) -> Result<(), CqlError> {
        self.written += 1;
        let insert = format!(
            "INSERT INTO {{keyspace}}.migration_lock (part, holder) VALUES (?, ?) USING TIMESTAMP ? AND TTL {TERM_S}"
        );
        let values = (self.part, self.holder.as_str(), self.written);
        self.cql.once(&insert, Consistency::Quorum, values).await.map(drop)
    }

    async fn holders(&self) -> Result<Vec<(String,)>, CqlError> {
        let select = "SELECT holder FROM {keyspace}.migration_lock WHERE part = ?";
        self.cql.once_read(select, (self.part,)).await
    }
}
