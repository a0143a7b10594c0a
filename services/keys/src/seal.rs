//! Sealing and opening: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) over JSON.

use crate::{KeyError, KeyStore, Secret};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use rand::TryRng as _;
use schemas::{Personal, SubjectId};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;
use zeroize::Zeroizing;

const NONCE_LENGTH: usize = 24;

/// What a key is for, as integrators are told: nonce (24 bytes), ciphertext and tag (16 bytes) in this order, and the subject's
/// id as associated data.
pub const ALGORITHM: &str = "XChaCha20-Poly1305";

/// A key of a subject. Its bytes leave this crate by [`SubjectKey::told`] only.
#[derive(Debug, Clone)]
pub struct SubjectKey {
    id: Uuid,
    secret: Secret,
}

impl SubjectKey {
    /// Wraps what a store keeps.
    #[must_use]
    pub const fn new(id: Uuid, secret: Secret) -> Self {
        Self { id, secret }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// The key, base64url without padding, for a consumer that an operator lets open what it sealed. Whoever takes it keeps
    /// it out of logs.
    #[must_use]
    pub fn told(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.secret.expose()))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.secret.expose().into())
    }

    /// Seals `value` for `subject`, under a random nonce of 192 bits.
    pub fn seal<T: Serialize>(&self, subject: &SubjectId, value: &T) -> Result<Personal<T>, KeyError> {
        let plain = Zeroizing::new(serde_json::to_vec(value).map_err(|_| KeyError::Shape)?);
        let mut nonce = [0; NONCE_LENGTH];
        rand::rngs::SysRng.try_fill_bytes(&mut nonce).map_err(|error| KeyError::Unavailable(error.to_string()))?;
        // The subject is associated data: a ciphertext that is moved to another person does not open.
        let payload = Payload { msg: &plain, aad: subject.as_str().as_bytes() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| KeyError::Shape)?;
        let mut bytes = Vec::with_capacity(NONCE_LENGTH + sealed.len());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(Personal::from_sealed(subject.clone(), self.id, URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Opens what this key sealed; [`KeyError::Damaged`] for anything else.
    pub fn open<T: DeserializeOwned>(&self, sealed: &Personal<T>) -> Result<T, KeyError> {
        let bytes = URL_SAFE_NO_PAD.decode(&sealed.sealed).map_err(|_| KeyError::Damaged)?;
        let (nonce, cipher) = bytes.split_first_chunk::<NONCE_LENGTH>().ok_or(KeyError::Damaged)?;
        let payload = Payload { msg: cipher, aad: sealed.subject.as_str().as_bytes() };
        let plain = self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| KeyError::Damaged)?;
        serde_json::from_slice(&Zeroizing::new(plain)).map_err(|_| KeyError::Shape)
    }
}

/// Seals `value` for `subject`, under a key that is durable when this returns.
pub async fn seal<T: Serialize>(store: &dyn KeyStore, subject: &SubjectId, value: &T) -> Result<Personal<T>, KeyError> {
    store.key_for(subject).await?.seal(subject, value)
}

/// Opens what was sealed; [`KeyError::Destroyed`] where the person was forgotten.
pub async fn open<T: DeserializeOwned>(store: &dyn KeyStore, sealed: &Personal<T>) -> Result<T, KeyError> {
    store.key(&sealed.subject, sealed.key_id).await?.open(sealed)
}
