//! Keyed digests of this deployment: HMAC-SHA-256 (RFC 2104), one key per use, derived from one secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A key with its schedule done.
#[derive(Clone)]
pub(crate) struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// A key of these bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Hmac::<Sha256>::new_from_slice(bytes).expect("HMAC takes keys of any length"))
    }

    /// A key of its own for one use.
    pub fn derive(&self, label: &str) -> Self {
        Self::new(&self.digest(&[label.as_bytes()]))
    }

    /// The digest of the parts with a NUL between two of them.
    pub fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                mac.update(&[0]);
            }
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The first 16 bytes of the digest.
    pub fn digest16(&self, parts: &[&[u8]]) -> [u8; 16] {
        let digest = self.digest(parts);
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        half
    }
}

/// Whether two digests are equal, in a time that does not tell where they differ.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (x, y)| differs | (x ^ y)) == 0
}
