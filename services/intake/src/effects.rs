//! What "the same request" means: the effect that it asks for, with a digest of what it says.

use crate::mac::MacKey;
use schemas::{Caller, Digest, Effect, EffectId};
use uuid::Uuid;

/// The namespace of effect ids that are derived (UUIDv5). Another one would make every retry a new effect.
const NAMESPACE: Uuid = Uuid::from_u128(0x7c1f_37a5_90a3_4e6f_8d2a_5b0c_6e41_f09b);

/// The id of the effect of that name (UUIDv5): the same parts give the same id.
///
/// # Panics
/// Never: a UUID is an id.
#[must_use]
pub fn derived_id(parts: &[&str]) -> EffectId {
    let id = Uuid::new_v5(&NAMESPACE, parts.join("\0").as_bytes()).hyphenated().to_string();
    EffectId::parse(&id).expect("a UUID is an id")
}

/// Makes effects of requests, under a key of the deployment.
#[derive(Debug, Clone)]
pub struct Effects(MacKey);

impl Effects {
    /// Under the secret of the deployment.
    #[must_use]
    pub fn of(secret: &MacKey) -> Self {
        Self(secret.derive("stockfold digests v1"))
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
        Effect { id: derived_id(&[caller, operation, key]), digest: self.digest(operation, canonical) }
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
        let effects = Effects::of(&MacKey::new(b"secret"));
        let of =
            |subject: &str, operation: &str, key: &str| effects.derived(&caller(subject), operation, key, b"{}").id;
        assert_eq!(of("ada", "count tea", "k"), of("ada", "count tea", "k"));
        for other in [of("eve", "count tea", "k"), of("ada", "count cup", "k"), of("ada", "count tea", "l")] {
            assert_ne!(of("ada", "count tea", "k"), other);
        }
    }
}
