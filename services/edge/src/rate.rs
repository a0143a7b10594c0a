//! Rate limits per caller, or per address where nobody says who calls. Told as the IETF draft
//! `draft-ietf-httpapi-ratelimit-headers` writes it.

use crate::problem::Problem;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};
use schemas::{Caller, Role};
use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    num::NonZeroU32,
};

/// The header that tells what is left.
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// The header that tells the quota.
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Callers share this many buckets, so that memory is bounded whoever calls. A caller's bucket comes from a hash with a
/// random key: nobody can aim at another's.
const BUCKETS: u64 = 1 << 18;

/// Requests per second; a burst may be twice as large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateConfig {
    /// Of one shopper, or one address without a token; 0 = no limit.
    pub people_per_second: u32,
    /// Of one system or member of staff (all other roles); 0 = no limit.
    pub systems_per_second: u32,
    /// Whether the address without a token is the last of `X-Forwarded-For`: only behind a proxy that sets it.
    pub behind_proxy: bool,
}

impl Default for RateConfig {
    fn default() -> Self {
        Self { people_per_second: 1_000, systems_per_second: 1_000_000, behind_proxy: false }
    }
}

type Keyed = RateLimiter<u64, DefaultKeyedStateStore<u64>, DefaultClock, StateInformationMiddleware>;

struct Limit {
    limiter: Keyed,
    policy: HeaderValue,
    per_second: NonZeroU32,
}

impl Limit {
    fn new(per_second: u32) -> Option<Self> {
        let per_second = NonZeroU32::new(per_second)?;
        let burst = per_second.saturating_mul(NonZeroU32::MIN.saturating_add(1));
        let quota = Quota::per_second(per_second).allow_burst(burst);
        let policy = format!("\"default\";q={burst};w=2");
        Some(Self {
            limiter: RateLimiter::keyed(quota).with_middleware::<StateInformationMiddleware>(),
            policy: HeaderValue::try_from(policy).expect("digits are a header value"),
            per_second,
        })
    }

    fn remaining(&self, left: u32) -> HeaderValue {
        // Seconds until the burst is whole again, rounded up.
        let missing = self.per_second.get().saturating_mul(2).saturating_sub(left);
        let reset = missing.div_ceil(self.per_second.get());
        HeaderValue::try_from(format!("\"default\";r={left};t={reset}")).expect("digits are a header value")
    }
}

/// What is left to a caller, for the headers of the answer.
pub(crate) struct Remaining<'a> {
    limit: &'a Limit,
    left: u32,
}

impl Remaining<'_> {
    pub fn write(&self, headers: &mut HeaderMap) {
        headers.insert(RATE_LIMIT, self.limit.remaining(self.left));
        headers.insert(RATE_LIMIT_POLICY, self.limit.policy.clone());
    }
}

/// The limits of this process.
pub(crate) struct Rates {
    people: Option<Limit>,
    systems: Option<Limit>,
    hasher: RandomState,
    clock: DefaultClock,
    behind_proxy: bool,
}

impl Rates {
    pub fn new(config: RateConfig) -> Self {
        Self {
            people: Limit::new(config.people_per_second),
            systems: Limit::new(config.systems_per_second),
            hasher: RandomState::new(),
            clock: DefaultClock::default(),
            behind_proxy: config.behind_proxy,
        }
    }

    /// Counts a request. For people, what is left is told with every answer; for systems only when nothing is.
    pub fn check(&self, caller: Option<&Caller>, peer: Option<IpAddr>) -> Result<Option<Remaining<'_>>, Problem> {
        let (limit, key, tell) = match caller {
            Some(caller) if caller.role != Role::Shopper => {
                (&self.systems, self.hasher.hash_one(&caller.subject), false)
            }
            Some(caller) => (&self.people, self.hasher.hash_one(&caller.subject), true),
            None => (&self.people, self.hasher.hash_one(peer), true),
        };
        let Some(limit) = limit else { return Ok(None) };
        match limit.limiter.check_key(&(key % BUCKETS)) {
            Ok(state) => Ok(tell.then(|| Remaining { limit, left: state.remaining_burst_capacity() })),
            Err(until) => {
                let wait = until.wait_time_from(self.clock.now());
                let seconds = wait.as_secs().saturating_add(1).to_string();
                Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "too many requests; see Retry-After")
                    .retryable()
                    .header(RATE_LIMIT, limit.remaining(0))
                    .header(RATE_LIMIT_POLICY, limit.policy.clone())
                    .header_text(header::RETRY_AFTER, &seconds))
            }
        }
    }

    /// The address that counts for a request without a token.
    pub fn address(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
        if !self.behind_proxy {
            return peer;
        }
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
        forwarded.and_then(|list| list.rsplit(',').next()).and_then(|last| last.trim().parse().ok()).or(peer)
    }
}
