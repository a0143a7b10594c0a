//! How many streams may be open: in all, of one caller, and of one address without a token.

use axum::http::StatusCode;
use edge::Problem;
use parking_lot::Mutex;
use schemas::SubjectId;
use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

/// How long a write waits for its reader.
const PATIENCE: Duration = Duration::from_secs(10);
/// See [`LiveLimits::linger`].
const LINGER: Duration = Duration::from_secs(10);

/// How many live streams are open at most, how slow their readers may be, and what is kept ready for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveLimits {
    /// Of this process.
    pub streams: usize,
    /// Of one caller; 0 = as many as there may be in all.
    pub per_caller: usize,
    /// Of one address, without a token; 0 = as many as there may be in all.
    pub per_address: usize,
    /// How long a write waits for a reader that takes nothing, and how long after that the reader has to take all anew.
    pub patience: (Duration, Duration),
    /// How long the log is still followed when nobody watches any more: who comes again soon is not kept waiting.
    pub linger: Duration,
}

impl Default for LiveLimits {
    fn default() -> Self {
        Self { streams: 20_000, per_caller: 50, per_address: 1_000, patience: (PATIENCE, PATIENCE), linger: LINGER }
    }
}

/// Whose stream it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Watcher {
    /// Somebody with a token or ticket.
    Caller(SubjectId),
    /// Nobody known.
    Address(Option<IpAddr>),
}

#[derive(Default)]
struct Open {
    all: usize,
    /// From 0: the jitter of deadlines comes from it.
    begun: u64,
    by: HashMap<Watcher, usize>,
}

/// The streams that are open.
#[derive(Default)]
pub(super) struct Streams {
    limits: LiveLimits,
    open: Mutex<Open>,
}

impl Streams {
    pub fn new(limits: LiveLimits) -> Arc<Self> {
        Arc::new(Self { limits, open: Mutex::default() })
    }

    /// See [`LiveLimits::linger`].
    pub fn linger(&self) -> Duration {
        self.limits.linger
    }

    /// Opens a stream of that kind; 503 where there are too many, 429 where these are the watcher's own.
    pub fn open(self: &Arc<Self>, kind: &'static str, watcher: Watcher) -> Result<Permit, Problem> {
        let most = match &watcher {
            Watcher::Caller(_) => self.limits.per_caller,
            Watcher::Address(_) => self.limits.per_address,
        };
        let mut open = self.open.lock();
        if open.all >= self.limits.streams {
            return Err(Problem::unavailable("too_many_streams", "too many live streams are open"));
        }
        let own = open.by.get(&watcher).copied().unwrap_or(0);
        if most > 0 && own >= most {
            let detail = format!("one caller or address may have {most} live streams; close one of them first");
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", detail).retryable());
        }
        open.by.insert(watcher.clone(), own + 1);
        open.all += 1;
        open.begun += 1;
        metrics::gauge!("stockfold_live_streams", "kind" => kind).increment(1.0);
        Ok(Permit { streams: Arc::clone(self), watcher, kind, number: open.begun })
    }
}

/// An open stream; it is counted until this is dropped.
pub(super) struct Permit {
    streams: Arc<Streams>,
    watcher: Watcher,
    pub kind: &'static str,
    pub number: u64,
}

impl Permit {
    /// How slow its reader may be.
    pub fn patience(&self) -> (Duration, Duration) {
        self.streams.limits.patience
    }

    /// Counts a reader that was too slow.
    pub fn count_slow(&self) {
        metrics::counter!("stockfold_live_slow_readers_total", "kind" => self.kind).increment(1);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock();
        open.all -= 1;
        if let Some(own) = open.by.get_mut(&self.watcher) {
            *own -= 1;
            if *own == 0 {
                open.by.remove(&self.watcher);
            }
        }
        metrics::gauge!("stockfold_live_streams", "kind" => self.kind).decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_holds_and_is_given_back() {
        let streams = Streams::new(LiveLimits { streams: 3, per_caller: 2, per_address: 1, ..LiveLimits::default() });
        let ada = || Watcher::Caller(SubjectId::parse("ada").expect("an id"));
        let address = || Watcher::Address(None);
        let code = |refused: Result<Permit, Problem>| refused.err().map(|problem| problem.status().as_u16());
        let first = streams.open("stock", ada()).expect("free");
        let second = streams.open("stock", ada()).expect("free");
        assert_eq!(code(streams.open("stock", ada())), Some(429));
        let third = streams.open("drop", address()).expect("free");
        assert_eq!(code(streams.open("stock", Watcher::Caller(SubjectId::parse("bob").expect("an id")))), Some(503));
        drop(first);
        assert_eq!(code(streams.open("stock", address())), Some(429));
        drop((second, third));
        assert!(streams.open("stock", address()).is_ok());
        let open = streams.open.lock();
        assert_eq!((open.all, open.by.len()), (0, 0));
    }
}
