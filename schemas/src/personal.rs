//! Personal data: ciphertext under a key per subject, so that destroying the key forgets the person.

use crate::{ids::SubjectId, order::Address, store::EmailAddress};
use serde::{Deserialize, Serialize};
use std::{fmt, marker::PhantomData};
use uuid::Uuid;

/// A value of `T` that only the holder of the subject's key can read.
///
/// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) over the JSON of `T`; the subject is the associated data. The keys
/// are kept outside the log and the views, addressed by subject and key id.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct Personal<T> {
    /// Whose data it is.
    pub subject: SubjectId,
    /// Which of the subject's keys opens it.
    pub key_id: Uuid,
    /// Nonce and ciphertext, base64url without padding.
    pub sealed: String,
    #[serde(skip)]
    content: PhantomData<fn() -> T>,
}

impl<T> Personal<T> {
    /// Wraps what a key store sealed.
    #[must_use]
    pub const fn from_sealed(subject: SubjectId, key_id: Uuid, sealed: String) -> Self {
        Self { subject, key_id, sealed, content: PhantomData }
    }
}

// Never prints the ciphertext: log lines stay free of anything about a person.
impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Personal").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// What of a person may be sealed.
pub trait PersonalContent {
    /// The name of its schema.
    const SCHEMA: &'static str;
    /// What it is, for people.
    const WHAT: &'static str;
}

impl PersonalContent for Address {
    const SCHEMA: &'static str = "PersonalAddress";
    const WHAT: &'static str = "an address";
}

impl PersonalContent for EmailAddress {
    const SCHEMA: &'static str = "PersonalEmailAddress";
    const WHAT: &'static str = "an e-mail address";
}

impl<T: PersonalContent> schemars::JsonSchema for Personal<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::SCHEMA.into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let subject = generator.subschema_for::<SubjectId>();
        schemars::json_schema!({
            "type": "object",
            "description": format!("XChaCha20-Poly1305 ciphertext of {} under the subject's key", T::WHAT),
            "required": ["subject", "keyId", "sealed"],
            "properties": {
                "subject": subject,
                "keyId": {"type": "string", "format": "uuid"},
                "sealed": {"type": "string"}
            }
        })
    }
}
