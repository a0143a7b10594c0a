//! What both APIs share, made once per process.

use crate::{
    auth::{AuthConfig, Grant, MintError, Verifier, is_http, mint},
    body::MAX_BODY,
    cors, layer,
    mac::MacKey,
    meter::Meter,
    page::Cursors,
    problem::Problem,
    queue_ticket::QueueTickets,
    rate::{RateConfig, Rates},
    tickets::Tickets,
};
use axum::{Router, extract::DefaultBodyLimit, http::HeaderMap, middleware::from_fn_with_state};
use intake::Effects;
use schemas::{Caller, Clock, Role, SubjectId, Timestamp};
use std::{fmt, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::sync::Semaphore;
use tower_http::cors::CorsLayer;

/// The settings of the edge.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// How tokens are checked.
    pub auth: AuthConfig,
    /// How many requests a caller may send.
    pub rate: RateConfig,
    /// The origins whose pages may call, such as `https://shop.example`.
    pub cors_origins: Vec<String>,
    /// The most requests that are served at once; more are told 503.
    pub max_in_flight: usize,
    /// The longest time until a response begins. Longer than the longest `Prefer: wait`.
    pub request_timeout: Duration,
}

impl EdgeConfig {
    /// Settings that suit most deployments.
    #[must_use]
    pub fn new(auth: AuthConfig) -> Self {
        Self {
            auth,
            rate: RateConfig::default(),
            cors_origins: Vec::new(),
            max_in_flight: 8_192,
            request_timeout: Duration::from_secs(40),
        }
    }
}

/// Why the settings are not usable.
#[derive(Debug, Error)]
pub enum EdgeError {
    /// Not an origin.
    #[error("`{0}` is not an origin; write scheme, host and port, such as https://shop.example")]
    Origin(String),
    /// Not a place where a key set can be had.
    #[error(
        "the JWKS URL `{0}` is no http or https URL; write it whole, such as https://id.example/.well-known/jwks.json"
    )]
    JwksUrl(String),
    /// The client of the key set cannot be made.
    #[error("the client for the key set cannot be made: {0}")]
    Jwks(String),
    /// A secret that can be guessed.
    #[error("{0} has fewer than 32 bytes")]
    ShortSecret(&'static str),
    /// Nobody could call.
    #[error("neither a local key nor a JWKS URL is configured: no token could be checked")]
    NoKey,
}

pub(crate) struct Shared {
    pub verifier: Verifier,
    pub rates: Rates,
    pub meter: Meter,
    pub in_flight: Semaphore,
    pub request_timeout: Duration,
    cors: Option<CorsLayer>,
    /// As configured; a WebSocket is not under the browser's CORS.
    origins: Vec<String>,
    pub tickets: Tickets,
    cursors: Cursors,
    effects: Effects,
    queue_tickets: QueueTickets,
    clock: Arc<dyn Clock>,
    /// Of the tokens that are made here.
    auth: AuthConfig,
    wall: Arc<dyn Clock>,
}

/// What both APIs share; cheap to clone.
#[derive(Clone)]
pub struct Edge(pub(crate) Arc<Shared>);

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge").finish_non_exhaustive()
    }
}

impl Edge {
    /// Checks the settings. `clock` is the engine's; `wall` tells the time by which tokens expire, also where the engine
    /// runs on a test clock.
    pub fn new(config: EdgeConfig, clock: Arc<dyn Clock>, wall: Arc<dyn Clock>) -> Result<Self, EdgeError> {
        let auth = &config.auth;
        if auth.pseudonym_secret.len() < 32 {
            return Err(EdgeError::ShortSecret("the pseudonym secret"));
        }
        if auth.local_key.as_ref().is_some_and(|key| key.len() < 32) {
            return Err(EdgeError::ShortSecret("the local token key"));
        }
        if auth.local_key.is_none() && auth.jwks_url.is_none() {
            return Err(EdgeError::NoKey);
        }
        if let Some(url) = auth.jwks_url.as_ref().filter(|url| !is_http(url)) {
            return Err(EdgeError::JwksUrl(url.clone()));
        }
        let secret = MacKey::new(&auth.pseudonym_secret);
        Ok(Self(Arc::new(Shared {
            verifier: Verifier::new(auth, Arc::clone(&wall))?,
            rates: Rates::new(config.rate),
            meter: Meter::default(),
            in_flight: Semaphore::new(config.max_in_flight.min(Semaphore::MAX_PERMITS)),
            request_timeout: config.request_timeout,
            cors: cors::layer(&config.cors_origins)?,
            origins: config.cors_origins,
            tickets: Tickets::new(secret.derive("stockfold live tickets v1"), Arc::clone(&wall)),
            cursors: Cursors::new(secret.derive("stockfold cursors v1")),
            effects: Effects::of(&secret),
            queue_tickets: QueueTickets::new(secret.derive("stockfold queue tickets v1")),
            clock,
            auth: config.auth,
            wall,
        })))
    }

    /// Puts the conventions around a router: trace, caller, limits, timeout, CORS, and problems for everything that is
    /// refused. Call it last, once, on all routes of the API.
    pub fn dress(&self, router: Router) -> Router {
        let router =
            router.layer(DefaultBodyLimit::max(MAX_BODY)).layer(from_fn_with_state(self.clone(), layer::conventions));
        match &self.0.cors {
            Some(cors) => router.layer(cors.clone()),
            None => router,
        }
    }

    /// The engine's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// How long it is until then by the wall's clock; zero where that is past.
    #[must_use]
    pub fn time_left(&self, until: Timestamp) -> Duration {
        let left = until.millis().saturating_sub(self.0.wall.now().millis());
        Duration::from_millis(u64::try_from(left).unwrap_or(0))
    }

    /// Whether a page may open a WebSocket: browsers say by `Origin` which page it is, and ask nobody. It must be of a
    /// configured origin, or of the host that is asked; what is no browser sends none.
    #[must_use]
    pub fn allows_origin(&self, headers: &HeaderMap) -> bool {
        cors::allows(&self.0.origins, headers)
    }

    /// The pseudonym of a `sub` of the configured issuer: how `POST /orders` names a shopper.
    #[must_use]
    pub fn pseudonym(&self, sub: &str) -> SubjectId {
        self.0.verifier.pseudonym(sub)
    }

    /// A token of role shopper for a guest of this `sub`, and when it ends.
    pub fn guest_token(&self, sub: String, ttl: Duration) -> Result<(String, Timestamp), MintError> {
        let now = self.0.wall.now();
        let grant = Grant { role: Role::Shopper, sub, store: None, location: None };
        let token = mint(&self.0.auth, &grant, ttl, now)?;
        Ok((token, now.plus_seconds(u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX))))
    }

    /// Whose token it is that a body names; 422 `invalid_token` where it does not hold.
    pub async fn caller_of(&self, token: &str) -> Result<Caller, Problem> {
        self.0.verifier.caller_of(token).await
    }

    /// Makes and opens cursors.
    #[must_use]
    pub fn cursors(&self) -> &Cursors {
        &self.0.cursors
    }

    /// Makes the effects of requests.
    #[must_use]
    pub fn effects(&self) -> &Effects {
        &self.0.effects
    }

    /// Makes and opens tickets of waiting rooms.
    #[must_use]
    pub fn queue_tickets(&self) -> &QueueTickets {
        &self.0.queue_tickets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_767_225_600_000)
        }
    }

    fn edge(local_key: Option<Vec<u8>>) -> Edge {
        let auth = AuthConfig {
            issuer: "test".to_owned(),
            audience: "stockfold".to_owned(),
            local_key,
            pseudonym_secret: vec![9; 32],
            jwks_url: Some("http://127.0.0.1:9/keys".to_owned()),
        };
        Edge::new(EdgeConfig::new(auth), Arc::new(Still), Arc::new(Still)).expect("an edge")
    }

    #[tokio::test]
    async fn a_guests_token_is_a_shoppers_and_says_when_it_ends() {
        let edge = edge(Some(vec![7; 32]));
        let (token, until) = edge.guest_token("guest-1".to_owned(), Duration::from_secs(60)).expect("a token");
        let guest = edge.caller_of(&token).await.expect("it holds");
        assert_eq!((guest.role, guest.subject), (Role::Shopper, edge.pseudonym("guest-1")));
        assert_eq!(until, Still.now().plus_seconds(60));
        assert_eq!(edge.caller_of("none").await.expect_err("no token").code(), "invalid_token");
    }

    #[test]
    fn where_tokens_come_from_an_identity_provider_alone_it_makes_none() {
        let refused = edge(None).guest_token("guest-1".to_owned(), Duration::from_secs(60));
        assert!(matches!(refused, Err(MintError::NoLocalKey)), "{refused:?}");
    }
}
