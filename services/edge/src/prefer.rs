//! `Prefer` (RFC 7240): how long to wait for the outcome of a command.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use std::{convert::Infallible, time::Duration};

/// What the caller prefers. What cannot be read is ignored, as RFC 7240 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefer {
    /// How long to wait for the outcome.
    pub wait: Duration,
    /// Whether to answer 202 at once.
    pub respond_async: bool,
}

impl Prefer {
    /// The wait where none is preferred.
    pub const DEFAULT_WAIT: Duration = Duration::from_secs(5);
    /// The longest wait.
    pub const MAX_WAIT: Duration = Duration::from_secs(30);

    fn of(headers: &HeaderMap) -> Self {
        let mut prefer = Self { wait: Self::DEFAULT_WAIT, respond_async: false };
        for value in headers.get_all("prefer") {
            for preference in value.to_str().unwrap_or_default().split(',') {
                let (name, argument) = preference.split_once('=').unwrap_or((preference, ""));
                let (name, argument) = (name.trim(), argument.trim().trim_matches('"'));
                if name.eq_ignore_ascii_case("respond-async") {
                    prefer.respond_async = true;
                } else if name.eq_ignore_ascii_case("wait")
                    && let Ok(seconds) = argument.parse()
                {
                    prefer.wait = Duration::from_secs(seconds).min(Self::MAX_WAIT);
                }
            }
        }
        prefer
    }
}

impl<S: Sync> FromRequestParts<S> for Prefer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_knows_and_ignores_the_rest() {
        let cases = [
            ("wait=2", 2, false),
            ("respond-async, wait=10", 10, true),
            ("Wait = \"3\"", 3, false),
            ("wait=999", 30, false),
            ("wait=-1", 5, false),
            ("wait=soon, handling=lenient", 5, false),
        ];
        for (text, seconds, respond_async) in cases {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", text.parse().expect("a header value"));
            assert_eq!(Prefer::of(&headers), Prefer { wait: Duration::from_secs(seconds), respond_async }, "{text}");
        }
    }
}
