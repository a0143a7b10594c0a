//! Keys: of subjects, so that a person can be forgotten, and the secrets of a deployment.
//!
//! Personal data stands in the log as ciphertext under a key per subject. The keys live here, outside the log and the
//! views: destroying a subject's keys makes all of it unreadable for good, in every copy of the log.

mod error;
pub mod scylla;
mod seal;
mod secret;
mod secrets;
pub mod sqlite;

#[cfg(test)]
mod contract;

pub use self::scylla::ScyllaKeyStore;
pub use error::KeyError;
pub use seal::{ALGORITHM, SubjectKey, open, seal};
pub use secret::Secret;
pub use secrets::{Secrets, SecretsError};
pub use sqlite::SqliteKeyStore;

use schemas::SubjectId;
use std::{future::Future, pin::Pin};
use uuid::Uuid;

/// A future of the port: object-safe, so that the store is chosen when the process is composed.
pub type KeyFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, KeyError>> + Send + 'a>>;

/// A key that a subject has, or had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyState {
    /// Its id.
    pub id: Uuid,
    /// Whether it was destroyed: what it sealed is gone for good.
    pub is_destroyed: bool,
}

/// A store of keys, addressed by subject and key id.
///
/// The futures may need a tokio runtime.
pub trait KeyStore: Send + Sync {
    /// The key under which new data of `subject` is sealed.
    ///
    /// One is made where there is none, and it is durable before this returns: a command that carries what it sealed
    /// may then be submitted. Calls for one subject at the same time get the same key.
    fn key_for<'a>(&'a self, subject: &'a SubjectId) -> KeyFuture<'a, SubjectKey>;

    /// The key that opens what was sealed under `key_id`; [`KeyError::Destroyed`] where it was destroyed,
    /// [`KeyError::Unknown`] where the subject never had it.
    fn key<'a>(&'a self, subject: &'a SubjectId, key_id: Uuid) -> KeyFuture<'a, SubjectKey>;

    /// Every key that the subject has or had, by id.
    fn list<'a>(&'a self, subject: &'a SubjectId) -> KeyFuture<'a, Vec<KeyState>>;

    /// Destroys every key of `subject`, durably; nothing where it has none. A later [`Self::key_for`] makes a new key,
    /// which does not open what was sealed before.
    fn destroy<'a>(&'a self, subject: &'a SubjectId) -> KeyFuture<'a, ()>;
}
