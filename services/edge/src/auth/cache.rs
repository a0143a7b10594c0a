//! Verified tokens, so that a signature is checked once and not with every request.

use super::Session;
use parking_lot::RwLock;
use schemas::Timestamp;
use std::collections::HashMap;

/// The SHA-256 of a token: the token itself is not kept.
pub(crate) type TokenHash = [u8; 32];

/// Tokens in one generation; two generations are kept.
const GENERATION: usize = 8_192;

#[derive(Default)]
struct Generations {
    young: HashMap<TokenHash, (Session, Timestamp)>,
    old: HashMap<TokenHash, (Session, Timestamp)>,
}

/// Sessions by token: bounded, since the older of two generations is dropped when the younger is full.
#[derive(Default)]
pub(crate) struct TokenCache(RwLock<Generations>);

impl TokenCache {
    /// The session of a token that was verified before, unless its time is over.
    pub fn get(&self, hash: &TokenHash, now: Timestamp) -> Option<Session> {
        let found = {
            let generations = self.0.read();
            match generations.young.get(hash) {
                Some((session, until)) => return (*until > now).then(|| session.clone()),
                None => generations.old.get(hash).cloned(),
            }
        };
        let (session, until) = found.filter(|(_, until)| *until > now)?;
        self.put(*hash, session.clone(), until);
        Some(session)
    }

    /// Keeps a session until then.
    pub fn put(&self, hash: TokenHash, session: Session, until: Timestamp) {
        let mut generations = self.0.write();
        if generations.young.len() >= GENERATION {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(hash, (session, until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Caller;

    fn session() -> Session {
        Session { caller: Caller::engine(), until: Timestamp::from_millis(100) }
    }

    fn hash(n: usize) -> TokenHash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&n.to_le_bytes());
        hash
    }

    #[test]
    fn forgets_what_is_over_and_stays_bounded() {
        let cache = TokenCache::default();
        let at = Timestamp::from_millis;
        cache.put(hash(0), session(), at(10));
        assert!(cache.get(&hash(0), at(9)).is_some());
        assert!(cache.get(&hash(0), at(10)).is_none());
        for n in 0..GENERATION * 3 {
            cache.put(hash(n), session(), at(100));
            // In constant use, so it moves along from generation to generation.
            assert!(cache.get(&hash(0), at(1)).is_some());
        }
        let generations = cache.0.read();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
    }
}
