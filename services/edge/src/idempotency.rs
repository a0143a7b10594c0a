//! Idempotency keys, and the effect that a request asks for.

use crate::{mac::MacKey, problem::Problem};
use axum::{extract::FromRequestParts, http::request::Parts};
use schemas::{Caller, Digest, Effect, EffectId};
use uuid::Uuid;

/// The namespace of effect ids that are derived (UUIDv5). Another one would make every retry a new effect.
const NAMESPACE: Uuid = Uuid::from_u128(0x7c1f_37a5_90a3_4e6f_8d2a_5b0c_6e41_f09b);

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

/// Makes effects of requests, under a key of the deployment.
#[derive(Clone)]
pub struct Effects(MacKey);

impl Effects {
    pub(crate) const fn new(key: MacKey) -> Self {
        Self(key)
    }

    /// The digest of an operation (with the ids of its path) and its canonical body.
    #[must_use]
    pub fn digest(&self, operation: &str, canonical: &[u8]) -> Digest {
        let canonical = if planted::bug!("key-without-body") { &[] } else { canonical };
        Digest::new(self.0.digest16(&[operation.as_bytes(), canonical]))
    }

    /// The effect of a request whose body has no id of its own: named by caller, operation and key.
    ///
    /// # Panics
    /// Never: a UUID is an id.
    #[must_use]
    pub fn derived(&self, caller: &Caller, operation: &str, key: &str, canonical: &[u8]) -> Effect {
        let caller = if planted::bug!("key-without-caller") { "" } else { caller.subject.as_str() };
        let name = [caller, operation, key].join("\0");
        let id = Uuid::new_v5(&NAMESPACE, name.as_bytes()).hyphenated().to_string();
        Effect { id: EffectId::parse(&id).expect("a UUID is an id"), digest: self.digest(operation, canonical) }
    }

    /// The effect of a request whose body names it.
    #[must_use]
    pub fn named(&self, id: EffectId, operation: &str, canonical: &[u8]) -> Effect {
        Effect { id, digest: self.digest(operation, canonical) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::SubjectId;

    fn caller(subject: &str) -> Caller {
        Caller { subject: SubjectId::parse(subject).expect("an id"), ..Caller::engine() }
    }

    #[test]
    fn the_same_key_of_two_callers_is_two_effects() {
        let effects = Effects::new(MacKey::new(b"secret"));
        let of =
            |subject: &str, operation: &str, key: &str| effects.derived(&caller(subject), operation, key, b"{}").id;
        assert_eq!(of("ada", "count tea", "k"), of("ada", "count tea", "k"));
        for other in [of("eve", "count tea", "k"), of("ada", "count cup", "k"), of("ada", "count tea", "l")] {
            assert_ne!(of("ada", "count tea", "k"), other);
        }
    }
}
