//! Keys in ScyllaDB (or Apache Cassandra), for any number of processes.
//!
//! Give them a keyspace of their own: the views can be thrown away and built again from the log, the keys cannot.
//!
//! A destroyed key is a row with an empty secret, and the write timestamps are fixed: 1 for a key, 2 for its end. So the
//! end wins whatever the clocks say, and stays: a tombstone would be forgotten after `gc_grace_seconds`, and a replica
//! that slept through it all would bring the key back. The old bytes leave the disks when the tables are compacted;
//! `nodetool compact` does it at once. Backups of the keyspace are to be kept no longer than a person may wait to be
//! forgotten.

use crate::{KeyError, KeyFuture, KeyState, KeyStore, Secret, SubjectKey};
use cql::{Consistency, Cql, CqlError, Migration, PreparedStatement};
use schemas::SubjectId;
use std::{
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    sync::Arc,
};
use tokio::sync::Mutex;
use uuid::Uuid;
use zeroize::Zeroizing;

pub use cql::{Applied, CqlConfig, Credentials, Keyspace, Replication, Tls};

/// The part of the schema that is ours.
const PART: &str = "keys";
/// Callers that may look for the key of a new subject at once; more of them wait for each other.
const TURNS: usize = 64;

/// Brings a keyspace to where [`ScyllaKeyStore::open`] takes it; makes it where there is none, with that replication.
///
/// [`KeyError::Corrupt`] where the keyspace is not ours, keeps too few copies, or a newer version migrated it.
pub async fn migrate(config: &CqlConfig, replication: &Replication) -> Result<Applied, KeyError> {
    Ok(cql::migrate(config, replication, PART, &migrations()).await?)
}

// What is applied is never edited: a change is a new migration.
fn migrations() -> Vec<Migration> {
    vec![Migration {
        version: 1,
        name: "subject_keys".to_owned(),
        statement: "CREATE TABLE IF NOT EXISTS {keyspace}.subject_keys \
                    (subject text, key_id uuid, secret blob, PRIMARY KEY (subject, key_id))"
            .to_owned(),
    }]
}

/// A key store in a keyspace of its own.
///
/// Nothing is remembered between calls: another process may have destroyed a key since. Two processes that see a new
/// subject at the same moment may each make a key for it; both open what they sealed, and both are destroyed with it.
#[derive(Clone)]
pub struct ScyllaKeyStore {
    inner: Arc<Inner>,
}

struct Inner {
    cql: Cql,
    insert: PreparedStatement,
    destroy: PreparedStatement,
    all: PreparedStatement,
    one: PreparedStatement,
    /// By hash of the subject: calls for one subject at the same time make one key.
    turns: [Mutex<()>; TURNS],
}

impl ScyllaKeyStore {
    /// Opens the keyspace, which [`migrate`] has made.
    ///
    /// [`KeyError::Corrupt`] where that is missing (the error says what is to be run), where it keeps fewer than three
    /// copies without `allow_unsafe`, or where a newer version was there before.
    pub async fn open(config: &CqlConfig) -> Result<Self, KeyError> {
        // Of all data centres: a key that was acknowledged in one opens what it sealed in every other.
        let cql = Cql::connect(config, Consistency::Quorum).await?;
        cql::verify(&cql, config, PART, &migrations()).await?;
        let inner = Inner {
            insert: cql
                .prepare(
                    "INSERT INTO {keyspace}.subject_keys (subject, key_id, secret) VALUES (?, ?, ?) USING TIMESTAMP 1",
                )
                .await?,
            destroy: cql
                .prepare(
                    "INSERT INTO {keyspace}.subject_keys (subject, key_id, secret) VALUES (?, ?, 0x) USING TIMESTAMP 2",
                )
                .await?,
            all: cql.prepare("SELECT key_id, secret FROM {keyspace}.subject_keys WHERE subject = ?").await?,
            one: cql.prepare("SELECT secret FROM {keyspace}.subject_keys WHERE subject = ? AND key_id = ?").await?,
            turns: std::array::from_fn(|_| Mutex::new(())),
            cql,
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Inner {
    /// The keys of a subject that have not been destroyed, and the ids of all.
    async fn keys(&self, subject: &SubjectId) -> Result<(Vec<SubjectKey>, Vec<Uuid>), KeyError> {
        let found: Vec<(Uuid, Vec<u8>)> = self.cql.read(&self.all, (subject.as_str(),)).await?;
        let ids = found.iter().map(|(id, _)| *id).collect();
        let live = found.into_iter().filter(|(_, secret)| !secret.is_empty());
        Ok((live.map(|(id, secret)| read_key(id, secret)).collect::<Result<_, _>>()?, ids))
    }

    async fn list(&self, subject: &SubjectId) -> Result<Vec<KeyState>, KeyError> {
        let found: Vec<(Uuid, Vec<u8>)> = self.cql.read(&self.all, (subject.as_str(),)).await?;
        let state = |(id, secret): (Uuid, Vec<u8>)| {
            let secret = Zeroizing::new(secret);
            KeyState { id, is_destroyed: secret.is_empty() }
        };
        let mut states: Vec<KeyState> = found.into_iter().map(state).collect();
        // CQL orders UUIDs by their own rule.
        states.sort_unstable();
        Ok(states)
    }

    async fn key_for(&self, subject: &SubjectId) -> Result<SubjectKey, KeyError> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(subject);
        let _turn = self.turns[(hash % TURNS as u64) as usize].lock().await;
        // Of several, made by several processes, all take the same one: the rows come in the order of their ids.
        if let Some(key) = self.keys(subject).await?.0.into_iter().next() {
            return Ok(key);
        }
        let secret = Secret::random().map_err(|error| KeyError::Unavailable(error.to_string()))?;
        let key = SubjectKey::new(Uuid::new_v4(), secret.clone());
        self.cql.write(&self.insert, (subject.as_str(), key.id(), secret.expose().as_slice())).await?;
        Ok(key)
    }

    async fn by_id(&self, subject: &SubjectId, key_id: Uuid) -> Result<SubjectKey, KeyError> {
        let found: Vec<(Vec<u8>,)> = self.cql.read(&self.one, (subject.as_str(), key_id)).await?;
        match found.into_iter().next() {
            None => Err(KeyError::Unknown),
            Some((secret,)) if secret.is_empty() => Err(KeyError::Destroyed),
            Some((secret,)) => read_key(key_id, secret),
        }
    }

    async fn destroy(&self, subject: &SubjectId) -> Result<(), KeyError> {
        let (_, ids) = self.keys(subject).await?;
        let rows: Vec<_> = ids.into_iter().map(|id| (subject.as_str(), id)).collect();
        if rows.is_empty() {
            return Ok(());
        }
        Ok(self.cql.write_partition(&self.destroy, &rows).await?)
    }
}

impl KeyStore for ScyllaKeyStore {
    fn key_for<'a>(&'a self, subject: &'a SubjectId) -> KeyFuture<'a, SubjectKey> {
        Box::pin(self.inner.key_for(subject))
    }

    fn key<'a>(&'a self, subject: &'a SubjectId, key_id: Uuid) -> KeyFuture<'a, SubjectKey> {
        Box::pin(self.inner.by_id(subject, key_id))
    }

    fn list<'a>(&'a self, subject: &'a SubjectId) -> KeyFuture<'a, Vec<KeyState>> {
        Box::pin(self.inner.list(subject))
    }

    fn destroy<'a>(&'a self, subject: &'a SubjectId) -> KeyFuture<'a, ()> {
        Box::pin(self.inner.destroy(subject))
    }
}

fn read_key(id: Uuid, secret: Vec<u8>) -> Result<SubjectKey, KeyError> {
    let secret = Zeroizing::new(secret);
    let secret = Secret::from_slice(&secret).ok_or_else(|| KeyError::Corrupt("a key of another length".to_owned()))?;
    Ok(SubjectKey::new(id, secret))
}

impl From<CqlError> for KeyError {
    fn from(error: CqlError) -> Self {
        match error {
            CqlError::Unavailable(why) => Self::Unavailable(why),
            CqlError::Unusable(why) => Self::Corrupt(why),
        }
    }
}

#[cfg(test)]
mod tests;
