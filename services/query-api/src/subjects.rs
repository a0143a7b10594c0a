//! People by pseudonym, and their keys: for operators only, and each key that is given out is on record in the log lines.

use crate::{QueryState, not_kept};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use edge::{Authenticated, Params, PathIds, Problem, ProblemDocument, is_subject, require};
use keys::{ALGORITHM, KeyError, KeyState};
use schemas::{Role, SubjectId};
use serde::Serialize;
use uuid::Uuid;

/// Who somebody is in the log.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subject {
    /// The pseudonym.
    #[schema(value_type = String)]
    subject: SubjectId,
}

/// The pseudonym of a shopper.
#[utoipa::path(get, path = "/v1/subjects", tag = "Privacy", operation_id = "findSubject",
    params(("sub" = String, Query, description = "The `sub` of their token; `store/` and its id is a store's contact.")),
    responses((status = 200, body = Subject), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn find(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    mut params: Params,
) -> Result<Response, Problem> {
    require(&caller, &[Role::Operator])?;
    let sub = params.parsed("sub", "invalid_value", |text| {
        if is_subject(text) { Ok(text.to_owned()) } else { Err("must be the `sub` of a token") }
    });
    let sub = params.require("sub", sub);
    params.finish()?;
    let subject = state.edge.pseudonym(&sub.unwrap_or_default());
    Ok((not_kept(), Json(Subject { subject })).into_response())
}

/// The keys of a subject.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubjectKeys {
    #[schema(value_type = String)]
    subject: SubjectId,
    keys: Vec<KeyAnswer>,
}

/// A key of a subject, without its bytes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SubjectKeyState)]
struct KeyAnswer {
    #[schema(value_type = String, format = "uuid")]
    key_id: Uuid,
    /// `live`, or `destroyed`: what it sealed is gone for good.
    status: &'static str,
}

impl From<KeyState> for KeyAnswer {
    fn from(key: KeyState) -> Self {
        Self { key_id: key.id, status: if key.is_destroyed { "destroyed" } else { "live" } }
    }
}

/// The keys that a subject has or had; an empty list of who never gave personal data.
#[utoipa::path(get, path = "/v1/subjects/{subject}/keys", tag = "Privacy", operation_id = "listSubjectKeys",
    params(("subject" = String, Path, description = "The pseudonym.")),
    responses((status = 200, body = SubjectKeys), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn list(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    PathIds(subject): PathIds<SubjectId>,
    params: Params,
) -> Result<Response, Problem> {
    require(&caller, &[Role::Operator])?;
    params.finish()?;
    let keys = state.keys.list(&subject).await.map_err(|error| problem(&error))?;
    let keys = keys.into_iter().map(KeyAnswer::from).collect();
    Ok((not_kept(), Json(SubjectKeys { subject, keys })).into_response())
}

/// A key of a subject.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SubjectKey)]
pub(crate) struct KeyOpened<'k> {
    #[schema(value_type = String)]
    subject: SubjectId,
    #[schema(value_type = String, format = "uuid")]
    key_id: Uuid,
    /// `XChaCha20-Poly1305`: `sealed` is 24 bytes of nonce, then ciphertext and tag; the subject is the associated data.
    algorithm: &'static str,
    /// 32 bytes, base64url without padding.
    key: &'k str,
}

/// A key that opens what was sealed under it. 410 `key_destroyed` once the person was forgotten.
///
/// For the operator, who hands it to a consumer that needs the plain text. Each is logged with who asked. A consumer that keeps it
/// must delete it, and what it opened, when `stockfold.shoppers.shopper-forgotten.v1` comes.
#[utoipa::path(get, path = "/v1/subjects/{subject}/keys/{keyId}", tag = "Privacy", operation_id = "getSubjectKey",
    params(("subject" = String, Path, description = "The pseudonym."), ("keyId" = String, Path, description = "A UUID.")),
    responses((status = 200, body = KeyOpened), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn get(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    PathIds((subject, key_id)): PathIds<(SubjectId, Uuid)>,
    params: Params,
) -> Result<Response, Problem> {
    require(&caller, &[Role::Operator])?;
    params.finish()?;
    let key = state.keys.key(&subject, key_id).await.map_err(|error| problem(&error))?;
    tracing::info!(target: "audit", actor = %caller.subject, %subject, %key_id, "a subject's key was given out");
    let told = key.told();
    let answer = KeyOpened { subject, key_id, algorithm: ALGORITHM, key: &told };
    Ok((not_kept(), Json(answer)).into_response())
}

fn problem(error: &KeyError) -> Problem {
    match error {
        KeyError::Destroyed => Problem::new(StatusCode::GONE, "key_destroyed", "the person was forgotten"),
        KeyError::Unknown => Problem::not_found("key_not_found", "the subject never had such a key"),
        KeyError::Unavailable(cause) => {
            tracing::warn!(cause, "the key store is not available");
            Problem::unavailable("keys_unavailable", "the keys cannot be read at the moment")
        }
        KeyError::Damaged | KeyError::Shape | KeyError::Corrupt(_) => Problem::internal(error),
    }
}
