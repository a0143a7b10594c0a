//! Who calls: bearer tokens, and what their roles allow.

mod cache;
mod jwks;
mod verify;

#[cfg(test)]
mod tests;

pub(crate) use {jwks::is_http, verify::Verifier};

use crate::{mac::MacKey, problem::Problem};
use axum::{extract::FromRequestParts, http::request::Parts};
use jsonwebtoken::{EncodingKey, Header};
use schemas::{Caller, LocationId, Role, StoreId, SubjectId, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use thiserror::Error;

/// How tokens are checked.
#[derive(Clone)]
pub struct AuthConfig {
    /// The `iss` that a token must have.
    pub issuer: String,
    /// The `aud` that a token must name.
    pub audience: String,
    /// The key of HS256 tokens that `stockfold token` makes; without it only JWKS tokens are taken. At least 32 bytes.
    pub local_key: Option<Vec<u8>>,
    /// The secret of the deployment: pseudonyms, digests and cursors come from it. Changing it makes strangers of all.
    /// At least 32 bytes.
    pub pseudonym_secret: Vec<u8>,
    /// Where the public keys of RS256 and ES256 tokens are.
    pub jwks_url: Option<String>,
}

impl AuthConfig {
    /// The pseudonym of a `sub` of the configured issuer.
    #[must_use]
    pub fn pseudonym(&self, sub: &str) -> SubjectId {
        MacKey::new(&self.pseudonym_secret).pseudonym(&self.issuer, sub)
    }
}

// Never prints a key.
impl std::fmt::Debug for AuthConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthConfig")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("jwks_url", &self.jwks_url)
            .finish_non_exhaustive()
    }
}

/// Whether a text can be a `sub`: 1–255 characters, none of them a control character.
#[must_use]
pub fn is_subject(sub: &str) -> bool {
    matches!(sub.chars().count(), 1..=255) && !sub.chars().any(|c| crate::fields::is_unwanted(c, false))
}

/// The claims of a token.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub iss: String,
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
    pub sub: String,
    pub role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    pub exp: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<u64>,
}

/// What a token grants.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The role; `store` needs a store, `warehouse` a location.
    pub role: Role,
    /// The `sub`.
    pub sub: String,
    /// The store that a `store` acts for.
    pub store: Option<StoreId>,
    /// The location that a `warehouse` acts for.
    pub location: Option<LocationId>,
}

/// Why a token cannot be made.
#[derive(Debug, Error)]
pub enum MintError {
    /// There is no key to sign with.
    #[error("no local key is configured: tokens come from the identity provider")]
    NoLocalKey,
    /// The grant is not one that would be accepted.
    #[error("{0}")]
    Grant(&'static str),
    /// The signature failed.
    #[error("the token cannot be signed: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
}

/// Makes an HS256 token for local use.
pub fn mint(config: &AuthConfig, grant: &Grant, ttl: Duration, now: Timestamp) -> Result<String, MintError> {
    let key = config.local_key.as_ref().ok_or(MintError::NoLocalKey)?;
    if !is_subject(&grant.sub) {
        return Err(MintError::Grant("a sub is 1 to 255 characters without control characters"));
    }
    match grant.role {
        Role::Store if grant.store.is_none() => return Err(MintError::Grant("role store needs a store")),
        Role::Warehouse if grant.location.is_none() => return Err(MintError::Grant("role warehouse needs a location")),
        Role::Engine => return Err(MintError::Grant("the engine has no token")),
        Role::Shopper
        | Role::Store
        | Role::Supplier
        | Role::Warehouse
        | Role::Service
        | Role::Analyst
        | Role::Operator => {}
    }
    let now_s = u64::try_from(now.millis() / 1_000).unwrap_or_default();
    let claims = Claims {
        iss: config.issuer.clone(),
        aud: Some(config.audience.clone()),
        sub: grant.sub.clone(),
        role: grant.role.as_str().to_owned(),
        store: grant.store.clone(),
        location: grant.location.clone(),
        exp: now_s.saturating_add(ttl.as_secs()),
        nbf: None,
        iat: Some(now_s),
    };
    Ok(jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(key))?)
}

/// A caller, and until when that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub caller: Caller,
    /// The end of the token, by the wall's clock: what lasts longer than a request must end then.
    pub until: Timestamp,
}

/// What the layer found out about the caller.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// No token.
    Anonymous,
    /// A token that holds.
    Known(Session),
    /// A token that does not hold, and why.
    Refused(&'static str),
    /// The keys to check the token are out of reach.
    Unavailable,
}

fn unavailable() -> Problem {
    Problem::unavailable("identity_unavailable", "the keys of the identity provider are out of reach")
}

fn session(parts: &Parts) -> Result<Option<&Session>, Problem> {
    match parts.extensions.get::<Identity>() {
        Some(Identity::Known(session)) => Ok(Some(session)),
        Some(Identity::Anonymous) => Ok(None),
        Some(Identity::Refused(why)) => Err(Problem::unauthenticated(why, true)),
        Some(Identity::Unavailable) => Err(unavailable()),
        None => Err(Problem::internal(&"a route that needs a caller is not behind Edge::dress")),
    }
}

/// The caller; 401 without a token that holds.
#[derive(Debug, Clone)]
pub struct Authenticated(pub Caller);

impl<S: Sync> FromRequestParts<S> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        session(parts)?.map(|session| Self(session.caller.clone())).ok_or_else(missing)
    }
}

/// The caller of what is public, if there is one; a token that does not hold is 401 here too.
#[derive(Debug, Clone)]
pub struct MaybeCaller(pub Option<Caller>);

impl<S: Sync> FromRequestParts<S> for MaybeCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(session(parts)?.map(|session| session.caller.clone())))
    }
}

/// As [`MaybeCaller`], with the end of the token: for what lasts longer than a request.
#[derive(Debug, Clone)]
pub struct MaybeSession(pub Option<Session>);

impl<S: Sync> FromRequestParts<S> for MaybeSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(session(parts)?.cloned()))
    }
}

/// 401 for who sends no token where one is needed.
#[must_use]
pub fn missing() -> Problem {
    Problem::unauthenticated("send Authorization: Bearer <token>; `stockfold token` makes one for local use", false)
}

/// 403 unless the caller has one of these roles.
pub fn require(caller: &Caller, roles: &[Role]) -> Result<(), Problem> {
    if roles.contains(&caller.role) {
        return Ok(());
    }
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    Err(Problem::forbidden(format!("this takes the role {}; yours is {}", names.join(" or "), caller.role.as_str())))
}
