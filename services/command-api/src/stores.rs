//! What a store says of itself. Its e-mail address is sealed before it is submitted.

use crate::{
    CommandState,
    answer::unexpected,
    asker::{Asker, effect_id},
    roles,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use edge::{
    Fields, FromFields, JsonBody, Node, PathIds, Problem, ProblemDocument,
    fields::{Read as _, list, long_text, text, url},
};
use schemas::{
    Command, Personal, ReplyBody, StoreId, SubjectId,
    store::{EmailAddress, PutStore, StoreCommand, StoreFacts},
};
use serde::Serialize;
use std::fmt;
use utoipa::ToSchema;
use uuid::Uuid;

/// What a store says of itself.
#[derive(ToSchema)]
#[schema(as = StoreFacts)]
pub(crate) struct StoreBody {
    /// 1–200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Where it is told of its drops and orders. Shown to the store itself and operators only, and stored as ciphertext.
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
    /// At most 10,000 characters.
    #[schema(max_length = 10_000)]
    profile: Option<String>,
    /// At most five, http or https.
    #[schema(value_type = Option<Vec<String>>)]
    images: Vec<String>,
}

// Never prints the address.
impl fmt::Debug for StoreBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreBody").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Something before and after one `@`, and no space. Its faults never quote it.
pub(crate) fn email(node: &Node<'_>) -> Option<EmailAddress> {
    let address = text(3..=254).read(node)?;
    let is_sound = address.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !address.contains(char::is_whitespace)
    });
    if is_sound { Some(EmailAddress(address)) } else { node.fault("invalid_email", "must be an e-mail address") }
}

impl FromFields for StoreBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.get("name", text(1..=200));
        let email = fields.get("email", email);
        let profile = fields.opt("profile", long_text(0..=10_000));
        let images = fields.opt("images", list(0..=5, url)).unwrap_or_default();
        Some(Self { name: name?, email: email?, profile, images })
    }
}

/// A store after it was written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StoreWritten)]
pub(crate) struct StoreAnswer {
    /// The store.
    #[schema(value_type = String)]
    store_id: StoreId,
    /// Rises with every change: the first part of the ETag.
    version: u64,
}

/// Makes a store, or replaces what it says of itself.
#[utoipa::path(put, path = "/v1/stores/{storeId}", tag = "Stores", operation_id = "putStore", request_body = StoreBody,
    params(("storeId" = String, Path)),
    responses((status = 201, body = StoreAnswer, description = "As it was made"), (status = 200, body = StoreAnswer),
        (status = "default", body = ProblemDocument)))]
pub(crate) async fn put(
    State(state): State<CommandState>,
    PathIds(store): PathIds<StoreId>,
    asker: Asker,
    body: JsonBody<StoreBody>,
) -> Result<Response, Problem> {
    roles::store(&asker.caller, &store)?;
    // The digest is taken before the address is sealed, which never gives the same text twice.
    let id = effect_id(&Uuid::new_v4().to_string());
    let effect = state.edge.effects().named(id, &format!("put store {store}"), &body.canonical());
    let StoreBody { name, email, profile, images } = body.content;
    // Keys of a subject that is the store: they can be destroyed with it, whoever wrote it.
    let subject = state.edge.pseudonym(&format!("store/{store}"));
    let facts = StoreFacts { name, email: sealed(&state, &subject, &email).await?, profile, images };
    let location = format!("/v1/stores/{store}");
    let render = |reply| match reply {
        ReplyBody::Store(reply) => {
            let status = if reply.created { StatusCode::CREATED } else { StatusCode::OK };
            Ok((status, Json(StoreAnswer { store_id: reply.store_id, version: reply.version })))
        }
        other => Err(unexpected(&other)),
    };
    let command = StoreCommand::Put(PutStore { effect, facts });
    state.answer(asker, Command::Store { store, command }, || location, render).await
}

/// The address under the keys of a subject.
pub(crate) async fn sealed(
    state: &CommandState,
    subject: &SubjectId,
    email: &EmailAddress,
) -> Result<Personal<EmailAddress>, Problem> {
    keys::seal(&*state.keys, subject, email).await.map_err(|error| {
        tracing::error!(%error, "an e-mail address could not be sealed");
        Problem::unavailable("keys_unavailable", "personal data cannot be protected, so it is not taken")
    })
}
