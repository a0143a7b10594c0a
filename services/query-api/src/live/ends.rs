//! When a stream ends whatever it tells: with its token, its age, or the process.

use super::limits::Permit;
use crate::QueryState;
use edge::Session;
use std::time::Duration;
use tokio::{sync::watch, time::Instant};

/// How old a stream gets, and how much later some of them end, so that not all come again at once.
const AGE: (Duration, Duration) = (Duration::from_secs(3_600), Duration::from_secs(600));
/// How often a silent stream says that it lives.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);
/// The least time between two messages: what changes in between is told in one, newest value only.
pub(super) const PACE: Duration = Duration::from_millis(500);

/// Over what time a change is told to all who watch: at once it would be thousands of messages before the next command.
const SPREAD: Duration = Duration::from_millis(300);

/// Why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Its token holds no longer.
    Expired,
    /// It is old enough.
    Aged,
    /// The process ends.
    Stopping,
    /// The log cannot be followed.
    Unavailable,
    /// Its reader is too slow.
    Slow,
}

impl End {
    /// As clients are told.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Aged => "aged",
            Self::Stopping => "stopping",
            Self::Unavailable => "unavailable",
            Self::Slow => "slow",
        }
    }
}

/// The ends that a stream comes to by itself.
pub(super) struct Ends {
    stop: watch::Receiver<bool>,
    at: Instant,
    is_expiry: bool,
    /// After how long a client should come again.
    pub retry: Duration,
    /// How long after a change it is told on this stream.
    pub lag: Duration,
}

impl Ends {
    pub fn of(state: &QueryState, session: Option<&Session>, permit: &Permit) -> Self {
        // Multiples of the golden ratio lie far from each other, however many there are.
        let spread = u32::try_from((permit.number.wrapping_mul(0x9e37_79b9) >> 8) & 0xff).unwrap_or(0);
        let age = AGE.0 + AGE.1 * spread / 256;
        let left = session.map(|session| state.edge.time_left(session.until));
        let is_expiry = left.is_some_and(|left| left < age);
        let at = Instant::now() + left.map_or(age, |left| left.min(age));
        let retry = Duration::from_millis(1_000 + u64::from(spread) * 8);
        Self { stop: state.stop.clone(), at, is_expiry, retry, lag: SPREAD * spread / 256 }
    }

    /// Waits for the first of them.
    pub async fn come(&mut self) -> End {
        tokio::select! {
            biased;
            // An error says that nobody is left who could stop it: the process ends.
            _ = self.stop.wait_for(|stop| *stop) => End::Stopping,
            () = tokio::time::sleep_until(self.at) => if self.is_expiry { End::Expired } else { End::Aged },
        }
    }
}
