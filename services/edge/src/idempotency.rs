//! Idempotency keys.

use crate::problem::Problem;
use axum::{extract::FromRequestParts, http::request::Parts};

/// `Idempotency-Key`, 1–255 visible characters; `None` where it is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<String>);

impl IdempotencyKey {
    /// The key; 400 `idempotency_key_missing` without it.
    pub fn required(&self) -> Result<&str, Problem> {
        self.0.as_deref().ok_or_else(|| {
            Problem::bad_request(
                "idempotency_key_missing",
                "send an Idempotency-Key of 1 to 255 characters: the same key again has the same effect",
            )
        })
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut sent = parts.headers.get_all("idempotency-key").iter();
        let Some(value) = sent.next() else { return Ok(Self(None)) };
        let bytes = value.as_bytes();
        let sound = matches!(bytes.len(), 1..=255) && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
        if !sound || sent.next().is_some() || bytes.iter().all(|byte| *byte == b' ') {
            return Err(Problem::bad_request(
                "invalid_idempotency_key",
                "an Idempotency-Key is 1 to 255 visible ASCII characters, sent once",
            ));
        }
        Ok(Self(Some(String::from_utf8_lossy(bytes).into_owned())))
    }
}
