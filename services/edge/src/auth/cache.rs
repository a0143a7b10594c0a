//! Verified tokens, so that a signature is checked once and not with every request.

use parking_lot::RwLock;
use schemas::{Caller, Timestamp};
use std::collections::HashMap;

/// The SHA-256 of a token: the token itself is not kept.
pub(crate) type TokenHash = [u8; 32];

/// Tokens in one generation; two generations are kept.
const GENERATION: usize = 8_192;

#[derive(Default)]
struct Generations {
    young: HashMap<TokenHash, (Caller, Timestamp)>,
    old: HashMap<TokenHash, (Caller, Timestamp)>,
}

/// Callers by token: bounded, since the older of two generations is dropped when the younger is full.
#[derive(Default)]
pub(crate) struct TokenCache(RwLock<Generations>);

impl TokenCache {
    /// The caller of a token that was verified before, unless its time is over.
    pub fn get(&self, hash: &TokenHash, now: Timestamp) -> Option<Caller> {
        let found = {
            let generations = self.0.read();
            match generations.young.get(hash) {
                Some((caller, until)) => return (*until > now).then(|| caller.clone()),
                None => generations.old.get(hash).cloned(),
            }
        };
        let (caller, until) = found.filter(|(_, until)| *until > now)?;
        self.put(*hash, caller.clone(), until);
        Some(caller)
    }

    /// Keeps a caller until then.
    pub fn put(&self, hash: TokenHash, caller: Caller, until: Timestamp) {
        let mut generations = self.0.write();
        if generations.young.len() >= GENERATION {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(hash, (caller, until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: usize) -> TokenHash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&n.to_le_bytes());
        hash
    }

    #[test]
    fn forgets_what_is_over_and_stays_bounded() {
        let cache = TokenCache::default();
        let at = Timestamp::from_millis;
        cache.put(hash(0), Caller::engine(), at(10));
        assert!(cache.get(&hash(0), at(9)).is_some());
        assert!(cache.get(&hash(0), at(10)).is_none());
        for n in 0..GENERATION * 3 {
            cache.put(hash(n), Caller::engine(), at(100));
            // In constant use, so it moves along from generation to generation.
            assert!(cache.get(&hash(0), at(1)).is_some());
        }
        let generations = cache.0.read();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
    }
}
