//! What can go wrong with keys.

use thiserror::Error;

/// Why a value could not be sealed or opened, or a key not be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The subject's keys were destroyed: what they sealed is gone for good.
    #[error("the key was destroyed: this person's data has been forgotten")]
    Destroyed,
    /// The subject never had such a key: the data belongs to another deployment.
    #[error("the key is not known here")]
    Unknown,
    /// The ciphertext is damaged, or was sealed for another subject.
    #[error("the sealed data is damaged or belongs to another subject")]
    Damaged,
    /// The value cannot be written or read as JSON. Says nothing of its content.
    #[error("the value does not have the shape of its type")]
    Shape,
    /// The store cannot be used: a newer version made it, or it is damaged.
    #[error("the key store cannot be used: {0}")]
    Corrupt(String),
    /// The store cannot be reached, or is busy: try again.
    #[error("the key store is not available: {0}")]
    Unavailable(String),
}
