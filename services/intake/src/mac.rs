//! Keyed digests of this deployment: HMAC-SHA-256 (RFC 2104), one key per use, derived from one secret.

use hmac::{Hmac, KeyInit, Mac};
use schemas::SubjectId;
use sha2::Sha256;

/// A key with its schedule done.
#[derive(Clone)]
pub struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// A key of these bytes.
    ///
    /// # Panics
    /// Never: HMAC takes keys of any length.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(Hmac::<Sha256>::new_from_slice(bytes).expect("HMAC takes keys of any length"))
    }

    /// A key of its own for one use.
    #[must_use]
    pub fn derive(&self, label: &str) -> Self {
        Self::new(&self.digest(&[label.as_bytes()]))
    }

    /// The digest of the parts with a NUL between two of them.
    #[must_use]
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
    #[must_use]
    pub fn digest16(&self, parts: &[&[u8]]) -> [u8; 16] {
        let digest = self.digest(parts);
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        half
    }

    /// The pseudonym of a name that `issuer` gives: the digest of issuer, NUL and name, its first 16 bytes as 32
    /// hexadecimal digits.
    ///
    /// # Panics
    /// Never: hexadecimal digits are an id.
    #[must_use]
    pub fn pseudonym(&self, issuer: &str, name: &str) -> SubjectId {
        let digest = u128::from_be_bytes(self.digest16(&[issuer.as_bytes(), name.as_bytes()]));
        SubjectId::parse(&format!("{digest:032x}")).expect("hexadecimal digits are an id")
    }
}

// Never prints a key.
impl std::fmt::Debug for MacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MacKey").finish_non_exhaustive()
    }
}

/// Whether two digests are equal, in a time that does not tell where they differ.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (x, y)| differs | (x ^ y)) == 0
}
