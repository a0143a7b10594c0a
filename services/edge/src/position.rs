//! Position tokens in headers.

use crate::problem::Problem;
use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, request::Parts},
};
use schemas::PositionToken;

/// Of the answer to a command: how far a view must be to show what it did.
pub const POSITION: HeaderName = HeaderName::from_static("stockfold-position");
/// Of a GET: wait until the view is there.
pub const AT_LEAST: HeaderName = HeaderName::from_static("stockfold-at-least");

/// The value of `Stockfold-Position`; none for a token without positions.
#[must_use]
pub fn position_header(token: &PositionToken) -> Option<HeaderValue> {
    if token.is_empty() { None } else { HeaderValue::try_from(token.to_string()).ok() }
}

/// `Stockfold-At-Least`, empty where it is not sent; 400 `invalid_position` for what is no token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AtLeast(pub PositionToken);

impl<S: Sync> FromRequestParts<S> for AtLeast {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(&AT_LEAST) else { return Ok(Self::default()) };
        let token = value.to_str().ok().and_then(|text| PositionToken::parse(text.trim()).ok());
        token.map(Self).ok_or_else(|| {
            Problem::bad_request("invalid_position", "Stockfold-At-Least takes a token that Stockfold-Position gave")
        })
    }
}
