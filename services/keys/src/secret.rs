//! Bytes that are never printed and are wiped when dropped.

use std::fmt;
use zeroize::Zeroize as _;

/// 32 random bytes.
#[derive(Clone)]
pub struct Secret([u8; Self::LENGTH]);

impl Secret {
    /// How many bytes a secret has.
    pub const LENGTH: usize = 32;

    /// Wraps existing bytes.
    #[must_use]
    pub const fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// From a slice; `None` where it has another length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// New bytes from the operating system's generator; an error where it has none.
    pub fn random() -> Result<Self, std::io::Error> {
        use rand::TryRng as _;
        let mut bytes = [0; Self::LENGTH];
        rand::rngs::SysRng.try_fill_bytes(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Self(bytes))
    }

    /// The bytes. Whoever takes them keeps them out of logs.
    #[must_use]
    pub const fn expose(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

// Never prints the bytes.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(masked)")
    }
}
