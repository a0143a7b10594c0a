//! The draw: who joined before the start is admitted in the order of a hash that nobody can choose.
//!
//! The seed of a drop is HMAC-SHA-256 (RFC 2104) of its id under a secret of the deployment. Its SHA-256 is published
//! before anybody can join, and the seed once nobody can join early any more: so whoever knows the log can recompute the
//! order, and nobody could know it while it could still be influenced.

use hmac::{Hmac, KeyInit, Mac};
use schemas::{
    DropId, SubjectId,
    drop::{Seed, SeedHash},
};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// What seeds are made with. Shown nowhere.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DrawSecret([u8; 32]);

impl DrawSecret {
    /// The secret of draws of a deployment, made from the one that it keeps. Changing the label changes every seed.
    #[must_use]
    pub fn of(deployment: &[u8]) -> Self {
        Self(mac(deployment, b"stockfold draws v1"))
    }
}

impl fmt::Debug for DrawSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DrawSecret(..)")
    }
}

fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

/// The seed of a drop's draw.
#[must_use]
pub fn seed_of(secret: &DrawSecret, drop: &DropId) -> Seed {
    Seed(mac(&secret.0, drop.as_str().as_bytes()))
}

/// The hash of a seed, which is published first.
#[must_use]
pub fn hash_of(seed: &Seed) -> SeedHash {
    SeedHash(Sha256::digest(seed.0).into())
}

/// What a shopper is drawn by: SHA-256 of the seed and the pseudonym; the lowest is first, and equal ones go by pseudonym.
#[must_use]
pub fn key_of(seed: &Seed, shopper: &SubjectId) -> [u8; 32] {
    Sha256::new().chain_update(seed.0).chain_update(shopper.as_str()).finalize().into()
}

/// Shoppers in the order in which they are drawn.
#[must_use]
pub fn order(seed: &Seed, shoppers: impl IntoIterator<Item = SubjectId>) -> Vec<SubjectId> {
    let mut keyed: Vec<_> = shoppers.into_iter().map(|shopper| (key_of(seed, &shopper), shopper)).collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, shopper)| shopper).collect()
}
