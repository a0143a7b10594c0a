//! The public keys of an identity provider (RFC 7517), fetched when needed and not oftener than is polite.

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use parking_lot::RwLock;
use schemas::{Clock, Timestamp};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// After an attempt the next one waits so long, whatever key ids are asked for.
const BETWEEN_FETCHES_MS: i64 = 15_000;
/// Keys are fetched anew after so long, so that one that was withdrawn is forgotten.
const FRESH_MS: i64 = 600_000;
/// The most bytes of a key set.
const MAX_BYTES: usize = 256 * 1_024;

/// A key with the one algorithm that it may be used with.
#[derive(Clone)]
pub(crate) struct PublicKey {
    pub key: DecodingKey,
    pub algorithm: Algorithm,
}

/// What is known of a key id.
pub(crate) enum Lookup {
    Found(Box<PublicKey>),
    Unknown,
    OutOfReach,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, PublicKey>,
    fetched_at: Option<Timestamp>,
}

/// Whether a text is a URL that a key set can be fetched from.
pub(crate) fn is_http(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// The key set of one URL.
pub(crate) struct Jwks {
    url: String,
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    known: RwLock<Known>,
    /// When the last attempt began; held while one is under way, so that there is one at a time.
    attempted: tokio::sync::Mutex<Option<Timestamp>>,
}

impl Jwks {
    pub fn new(url: String, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { url, client, clock, known: RwLock::default(), attempted: tokio::sync::Mutex::new(None) })
    }

    /// The key of that id, fetching the set where the id is unknown or the set is old.
    pub async fn find(&self, kid: &str) -> Lookup {
        if let Some((key, true)) = self.look(kid) {
            return Lookup::Found(Box::new(key));
        }
        let mut attempted = self.attempted.lock().await;
        // Another request may have fetched it while this one waited.
        if let Some((key, true)) = self.look(kid) {
            return Lookup::Found(Box::new(key));
        }
        let now = self.clock.now();
        if attempted.is_none_or(|at| now.millis() - at.millis() >= BETWEEN_FETCHES_MS) {
            *attempted = Some(now);
            match self.fetch().await {
                Ok(keys) => *self.known.write() = Known { keys, fetched_at: Some(now) },
                Err(cause) => tracing::warn!(url = %self.url, %cause, "the key set could not be fetched"),
            }
        }
        match self.look(kid) {
            Some((key, _)) => Lookup::Found(Box::new(key)),
            None if self.known.read().fetched_at.is_some() => Lookup::Unknown,
            None => Lookup::OutOfReach,
        }
    }

    /// The key, and whether the set is fresh.
    fn look(&self, kid: &str) -> Option<(PublicKey, bool)> {
        let known = self.known.read();
        let fresh = known.fetched_at.is_some_and(|at| self.clock.now().millis() - at.millis() < FRESH_MS);
        known.keys.get(kid).map(|key| (key.clone(), fresh))
    }

    async fn fetch(&self) -> Result<HashMap<String, PublicKey>, String> {
        let mut response = self
            .client
            .get(&self.url)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(|cause| cause.to_string())?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|cause| cause.to_string())? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_BYTES {
                return Err("the key set is too large".to_owned());
            }
        }
        parse(&bytes).map_err(|cause| cause.to_string())
    }
}

/// The usable keys of a set, by id. Secret keys and unknown kinds are passed over.
pub(crate) fn parse(bytes: &[u8]) -> Result<HashMap<String, PublicKey>, serde_json::Error> {
    let set: JwkSet = serde_json::from_slice(bytes)?;
    Ok(set.keys.iter().filter_map(public_key).collect())
}

fn public_key(jwk: &Jwk) -> Option<(String, PublicKey)> {
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    // The key's kind fixes the algorithm: what a token's header says never chooses it.
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|alg| alg != named) {
        return None;
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some((jwk.common.key_id.clone()?, PublicKey { key, algorithm }))
}
