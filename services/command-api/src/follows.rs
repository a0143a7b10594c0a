//! The stores that a shopper follows.

use crate::{
    CommandState,
    answer::unexpected,
    asker::{Asker, effect_id},
    holds::EmptyBody,
    roles,
};
use axum::{Json, extract::State, response::Response};
use edge::{JsonBody, OptionalBody, PathIds, Problem, ProblemDocument};
use schemas::{
    Command, Effect, ReplyBody, StoreId,
    follows::{FollowStore, FollowsCommand, UnfollowStore},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Where they are read.
const FOLLOWS_URL: &str = "/v1/follows";

/// A shopper's follow of a store after a command.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Following)]
pub(crate) struct FollowAnswer {
    /// The store.
    #[schema(value_type = String)]
    store_id: StoreId,
    /// Whether the caller follows it now.
    following: bool,
}

/// Follows a store: the caller is told of its drops.
///
/// 409 `too_many_follows` with `limit` beyond 1,000 stores. With an `Idempotency-Key` it is done once for that key.
#[utoipa::path(put, path = "/v1/follows/{storeId}", tag = "People", operation_id = "followStore",
    params(("storeId" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = FollowAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn follow(
    State(state): State<CommandState>,
    PathIds(store): PathIds<StoreId>,
    mut asker: Asker,
    OptionalBody(body): OptionalBody<EmptyBody>,
) -> Result<Response, Problem> {
    roles::person(&asker.caller)?;
    let effect = effect(&state, &mut asker, &format!("follow {store}"), &body)?;
    answered(&state, asker, FollowsCommand::Follow(FollowStore { effect, store })).await
}

/// Follows a store no longer.
#[utoipa::path(delete, path = "/v1/follows/{storeId}", tag = "People", operation_id = "unfollowStore",
    params(("storeId" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = FollowAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn unfollow(
    State(state): State<CommandState>,
    PathIds(store): PathIds<StoreId>,
    mut asker: Asker,
    OptionalBody(body): OptionalBody<EmptyBody>,
) -> Result<Response, Problem> {
    roles::person(&asker.caller)?;
    let effect = effect(&state, &mut asker, &format!("unfollow {store}"), &body)?;
    answered(&state, asker, FollowsCommand::Unfollow(UnfollowStore { effect, store })).await
}

/// The effect that the key names; without one each request is one of its own.
fn effect(
    state: &CommandState,
    asker: &mut Asker,
    operation: &str,
    body: &JsonBody<EmptyBody>,
) -> Result<Effect, Problem> {
    match asker.key.0 {
        Some(_) => asker.effect(state, None, operation, body),
        None => Ok(state.edge.effects().named(effect_id(&Uuid::new_v4().to_string()), operation, &body.canonical())),
    }
}

async fn answered(state: &CommandState, asker: Asker, command: FollowsCommand) -> Result<Response, Problem> {
    let shopper = asker.caller.subject.clone();
    let render = |reply| match reply {
        ReplyBody::Follows(reply) => Ok(Json(FollowAnswer { store_id: reply.store, following: reply.following })),
        other => Err(unexpected(&other)),
    };
    state.answer(asker, Command::Follows { shopper, command }, || FOLLOWS_URL.to_owned(), render).await
}
