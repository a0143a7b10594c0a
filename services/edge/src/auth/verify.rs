//! Verifies bearer tokens (RFC 7519, with the advice of RFC 8725).

use super::{
    AuthConfig, Claims, Identity, Session,
    cache::TokenCache,
    is_subject,
    jwks::{Jwks, Lookup},
    unavailable,
};
use crate::{edge::EdgeError, mac::MacKey, problem::Problem};
use axum::http::{HeaderMap, StatusCode, header};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use schemas::{Caller, Clock, Role, SubjectId, Timestamp};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A verified token is verified anew after so long, so that a withdrawn key ends it.
const CACHED_MS: i64 = 300_000;
/// How far ahead of ours the issuer's clock may be.
const NOT_BEFORE_LEEWAY_S: u64 = 60;
/// The longest token that is looked at.
const MAX_TOKEN: usize = 8_192;

/// Turns the `Authorization` header into an identity.
pub(crate) struct Verifier {
    issuer: String,
    local: Option<DecodingKey>,
    jwks: Option<Jwks>,
    secret: MacKey,
    rules: [Validation; 3],
    cache: TokenCache,
    /// Of the wall: a token's time is the issuer's, also where the engine runs on a test clock.
    clock: Arc<dyn Clock>,
}

impl Verifier {
    pub fn new(config: &AuthConfig, clock: Arc<dyn Clock>) -> Result<Self, EdgeError> {
        let rule = |algorithm| {
            let mut rule = Validation::new(algorithm);
            rule.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
            rule.set_issuer(&[&config.issuer]);
            rule.set_audience(&[&config.audience]);
            // Checked below, by a clock that is an argument.
            rule.validate_exp = false;
            rule.validate_aud = !planted::bug!("audience-unchecked");
            rule
        };
        let jwks = config.jwks_url.clone().map(|url| Jwks::new(url, Arc::clone(&clock))).transpose();
        Ok(Self {
            issuer: config.issuer.clone(),
            local: config.local_key.as_deref().map(DecodingKey::from_secret),
            jwks: jwks.map_err(|cause| EdgeError::Jwks(cause.to_string()))?,
            secret: MacKey::new(&config.pseudonym_secret),
            rules: [rule(Algorithm::HS256), rule(Algorithm::RS256), rule(Algorithm::ES256)],
            cache: TokenCache::default(),
            clock,
        })
    }

    /// The pseudonym of a `sub` of our issuer.
    pub fn pseudonym(&self, sub: &str) -> SubjectId {
        self.secret.pseudonym(&self.issuer, sub)
    }

    /// Who sends these headers.
    pub async fn identify(&self, headers: &HeaderMap) -> Identity {
        let mut sent = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = sent.next() else { return Identity::Anonymous };
        if sent.next().is_some() {
            // What stands before this may have checked the other one.
            return Identity::Refused("Authorization may be sent once only");
        }
        let token =
            value.to_str().ok().and_then(|text| text.split_once(' ')).map(|(scheme, rest)| (scheme, rest.trim()));
        match token {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => self.verify(token).await,
            Some(_) | None => Identity::Refused("Authorization must be: Bearer <token>"),
        }
    }

    /// Whose token it is that a body names.
    pub async fn caller_of(&self, token: &str) -> Result<Caller, Problem> {
        match self.verify(token).await {
            Identity::Known(session) => Ok(session.caller),
            Identity::Refused(why) => Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_token", why)),
            Identity::Unavailable => Err(unavailable()),
            Identity::Anonymous => Err(Problem::internal(&"a token was verified as none")),
        }
    }

    async fn verify(&self, token: &str) -> Identity {
        if token.len() > MAX_TOKEN {
            return Identity::Refused("the token is too long");
        }
        let hash = Sha256::digest(token.as_bytes()).into();
        let now = self.clock.now();
        if let Some(session) = self.cache.get(&hash, now) {
            return Identity::Known(session);
        }
        match self.check(token, now).await {
            Ok(session) => {
                let kept = session.until.min(now.plus_millis(CACHED_MS));
                self.cache.put(hash, session.clone(), kept);
                Identity::Known(session)
            }
            Err(refused) => refused,
        }
    }

    async fn check(&self, token: &str, now: Timestamp) -> Result<Session, Identity> {
        if planted::bug!("alg-none-accepted") && token.ends_with('.') {
            let claims = jsonwebtoken::dangerous::insecure_decode_claims(token);
            return self.caller(claims.map_err(|_| Identity::Refused("the token has no claims"))?, now);
        }
        // An unknown algorithm, `none` among them, is no header that can be read.
        let head =
            jsonwebtoken::decode_header(token).map_err(|_| Identity::Refused("the token is not a signed JWT"))?;
        if head.crit.is_some() {
            return Err(Identity::Refused("the token has critical extensions that are not known here"));
        }
        let claims = match (head.alg, &self.local, &self.jwks) {
            (Algorithm::HS256, Some(key), _) => decode(token, key, &self.rules[0])?,
            (Algorithm::RS256 | Algorithm::ES256, _, Some(jwks)) => {
                let kid = head.kid.as_deref().ok_or(Identity::Refused("the token names no key"))?;
                let found = match jwks.find(kid).await {
                    Lookup::Found(found) => found,
                    Lookup::Unknown => return Err(Identity::Refused("the token's key is not known")),
                    Lookup::OutOfReach => return Err(Identity::Unavailable),
                };
                if found.algorithm != head.alg {
                    return Err(Identity::Refused("the token's key is for another algorithm"));
                }
                let rule = &self.rules[if head.alg == Algorithm::RS256 { 1 } else { 2 }];
                decode(token, &found.key, rule)?
            }
            _ => return Err(Identity::Refused("the token's algorithm is not accepted")),
        };
        self.caller(claims, now)
    }

    fn caller(&self, claims: Claims, now: Timestamp) -> Result<Session, Identity> {
        let now_s = u64::try_from(now.millis() / 1_000).unwrap_or_default();
        if claims.exp <= now_s && !planted::bug!("expiry-unchecked") {
            return Err(Identity::Refused("the token has expired"));
        }
        if claims.nbf.is_some_and(|nbf| nbf > now_s + NOT_BEFORE_LEEWAY_S) {
            return Err(Identity::Refused("the token is not valid yet"));
        }
        if !is_subject(&claims.sub) {
            return Err(Identity::Refused("the token's sub must have 1 to 255 characters"));
        }
        let role = role(&claims.role).ok_or(Identity::Refused("the token's role is not known"))?;
        if role == Role::Store && claims.store.is_none() {
            return Err(Identity::Refused("a token of role store must name its store"));
        }
        if role == Role::Warehouse && claims.location.is_none() {
            return Err(Identity::Refused("a token of role warehouse must name its location"));
        }
        let caller = Caller {
            role,
            subject: self.pseudonym(&claims.sub),
            store: claims.store.filter(|_| role == Role::Store),
            location: claims.location.filter(|_| role == Role::Warehouse),
        };
        let exp_ms = i64::try_from(claims.exp).unwrap_or(i64::MAX).saturating_mul(1_000);
        Ok(Session { caller, until: Timestamp::from_millis(exp_ms) })
    }
}

/// A role that a token can have: the engine has none.
fn role(name: &str) -> Option<Role> {
    [Role::Shopper, Role::Store, Role::Supplier, Role::Warehouse, Role::Service, Role::Analyst, Role::Operator]
        .into_iter()
        .find(|role| role.as_str() == name)
}

fn decode(token: &str, key: &DecodingKey, rule: &Validation) -> Result<Claims, Identity> {
    use jsonwebtoken::errors::ErrorKind;
    if planted::bug!("signature-unchecked") {
        return jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| Identity::Refused("no claims"));
    }
    jsonwebtoken::decode::<Claims>(token, key, rule).map(|data| data.claims).map_err(|fault| {
        Identity::Refused(match fault.kind() {
            ErrorKind::InvalidIssuer => "the token is of another issuer",
            ErrorKind::InvalidAudience => "the token is for another audience",
            ErrorKind::MissingRequiredClaim(_) => "the token lacks one of exp, iss, aud, sub",
            ErrorKind::InvalidSignature => "the token's signature does not hold",
            ErrorKind::Json(_) => "the token's claims must be exp, iss, aud, sub, role, and store or location by role",
            _ => "the token does not hold",
        })
    })
}
