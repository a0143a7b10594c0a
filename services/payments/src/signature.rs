//! Signatures of webhooks, as Standard Webhooks has them: HMAC-SHA-256 over `id.timestamp.body`.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use crate::provider::{WebhookError, WebhookMessage};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use schemas::Timestamp;
use sha2::Sha256;
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// How far the time of a message may be from ours, both ways.
const WINDOW_SECONDS: u64 = 300;
/// Signatures of one message that are looked at.
const MOST_SIGNATURES: usize = 16;
/// The most characters of a message's id.
const LONGEST_ID: usize = 255;
/// What begins a secret's text.
const PREFIX: &str = "whsec_";
/// What begins a signature of the kind that is made here.
const VERSION: &str = "v1,";

/// A text that is no secret. It never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a webhook secret is `whsec_` and the base64 of 24 to 64 bytes")]
pub struct NoSecret;

/// A secret that sender and receiver share. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(masked)")
    }
}

impl WebhookSecret {
    /// Reads `whsec_…`.
    pub fn parse(text: &str) -> Result<Self, NoSecret> {
        let bytes = text.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok()).map(Zeroizing::new);
        bytes.filter(|bytes| (24..=64).contains(&bytes.len())).map(Self).ok_or(NoSecret)
    }

    /// The secret of a deployment that names none: made of another one, which it does not tell.
    ///
    /// # Panics
    /// Never: HMAC takes keys of any length.
    #[must_use]
    pub fn derived(deployment: &[u8]) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(deployment).expect("HMAC takes keys of any length");
        mac.update(b"stockfold payment webhooks v1");
        Self(Zeroizing::new(mac.finalize().into_bytes().to_vec()))
    }

    /// The `webhook-signature` of a message that is sent at that second.
    #[must_use]
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mac = self.mac(id, &seconds.to_string(), body);
        format!("{VERSION}{}", STANDARD.encode(mac.finalize().into_bytes()))
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for part in [id, ".", timestamp, "."] {
            mac.update(part.as_bytes());
        }
        if planted::bug!("webhook-signature-over-parsed-json") {
            let parsed = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
            mac.update(parsed.to_string().as_bytes());
        } else {
            mac.update(body);
        }
        mac
    }
}

/// Whether one of the secrets signed the message, not long ago. The comparison takes as long for any wrong signature.
pub(crate) fn verify(
    secrets: &[WebhookSecret],
    message: WebhookMessage<'_>,
    now: Timestamp,
) -> Result<(), WebhookError> {
    let is_id = (1..=LONGEST_ID).contains(&message.id.len())
        // A dot would let two messages be signed as one.
        && message.id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.');
    let sent = seconds(message.timestamp);
    let (Some(sent), true, false) = (sent, is_id, message.signatures.is_empty()) else {
        return Err(WebhookError::Unsigned);
    };
    let is_stale = now.millis().div_euclid(1_000).abs_diff(sent) > WINDOW_SECONDS;
    if is_stale && !planted::bug!("replay-window-open") {
        return Err(WebhookError::Stale);
    }
    let signatures = message.signatures.split(' ').filter_map(|text| STANDARD.decode(text.strip_prefix(VERSION)?).ok());
    let signatures: Vec<_> = signatures.take(MOST_SIGNATURES).collect();
    let signed = |secret: &WebhookSecret| {
        let mac = secret.mac(message.id, message.timestamp, message.body);
        signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    };
    let count = if planted::bug!("second-secret-unused") { 1 } else { secrets.len() };
    if secrets.iter().take(count).any(signed) { Ok(()) } else { Err(WebhookError::Forged) }
}

/// Seconds since 1970, digits only.
fn seconds(text: &str) -> Option<i64> {
    let is_number = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}
