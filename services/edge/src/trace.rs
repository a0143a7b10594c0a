//! The name of a request: in its problem, its response, its commands and the log.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, request::Parts},
};
use schemas::CorrelationId;
use std::convert::Infallible;

/// The response header that names the request.
pub const TRACE_ID: HeaderName = HeaderName::from_static("trace-id");

tokio::task_local! {
    /// The trace id of the request that this task serves.
    pub(crate) static CURRENT: u128;
}

/// The trace of a request (W3C Trace Context): the caller's, or one begun here.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The trace id.
    pub id: u128,
    /// The caller's `traceparent`, to travel with commands.
    pub traceparent: Option<String>,
}

impl Trace {
    /// Continues the caller's trace, or begins one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let sent = headers.get("traceparent").and_then(|value| value.to_str().ok());
        match sent.and_then(|text| parse(text).map(|id| (id, text))) {
            Some((id, text)) => Self { id, traceparent: Some(text.to_owned()) },
            None => Self { id: uuid::Uuid::new_v4().as_u128(), traceparent: None },
        }
    }

    /// The trace id as 32 hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        format!("{:032x}", self.id)
    }

    /// The trace id as what ties commands and events together.
    ///
    /// # Panics
    /// Never: 32 hexadecimal digits are an id.
    #[must_use]
    pub fn correlation(&self) -> CorrelationId {
        CorrelationId::parse(&self.hex()).expect("32 hexadecimal digits are an id")
    }
}

/// Reads `00-<trace id>-<parent id>-<flags>`, <https://www.w3.org/TR/trace-context/#traceparent-header>.
fn parse(text: &str) -> Option<u128> {
    let lower_hex = |part: &str, len: usize| {
        part.len() == len && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut parts = text.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let well_formed = version == "00"
        && parts.next().is_none()
        && lower_hex(trace, 32)
        && lower_hex(parent, 16)
        && lower_hex(flags, 2)
        && parent.bytes().any(|byte| byte != b'0');
    if !well_formed {
        return None;
    }
    u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)
}

/// The trace id of the current request as text; a fresh one outside of a request.
#[must_use]
pub fn current_id() -> String {
    let id = CURRENT.try_with(|id| *id).unwrap_or_else(|_| uuid::Uuid::new_v4().as_u128());
    format!("{id:032x}")
}

impl<S: Sync> FromRequestParts<S> for Trace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continues_a_well_formed_traceparent_only() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(parse(good), Some(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
