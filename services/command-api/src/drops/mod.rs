//! Drops: a store schedules them, changes them before they start, pauses them, and calls them off.

mod terms;

use crate::{
    CommandState,
    answer::unexpected,
    asker::{Asker, effect_id},
    roles,
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::Response,
};
use edge::{JsonBody, OptionalBody, PathIds, Problem, ProblemDocument, openapi::MoneySchema};
use schemas::{
    Command, DropId, ItemId, Metadata, Money, Quantity, ReplyBody, StoreId, Timestamp,
    drop::{
        CancelDrop, ChangeDrop, DropCommand, DropItem, DropReply, DropState, DropStatus, DropTerms, PauseDrop,
        ResumeDrop, ScheduleDrop, SeedHash,
    },
};
use serde::Serialize;
use terms::{DropBody, DropItemBody, PatchBody, ReasonBody};
use utoipa::ToSchema;

/// A drop after a command.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DropWritten)]
pub(crate) struct DropAnswer {
    /// The drop.
    #[schema(value_type = String)]
    drop_id: DropId,
    /// The store that offers it.
    #[schema(value_type = String)]
    store: StoreId,
    /// `scheduled`, `queueing`, `live`, `all_held`, `paused`, `sold_out`, `ended` or `cancelled`.
    #[schema(value_type = String)]
    status: DropStatus,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// What it offers.
    items: Vec<DropItemAnswer>,
    #[schema(value_type = String, format = DateTime)]
    starts_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    ends_at: Timestamp,
    /// Units that one shopper may have.
    #[schema(value_type = u32)]
    limit_per_shopper: Quantity,
    #[schema(value_type = Option<String>, format = DateTime)]
    queue_opens_at: Option<Timestamp>,
    admit_at_once: Option<u32>,
    /// SHA-256 of the seed of the draw, 64 hexadecimal digits.
    #[schema(value_type = Option<String>)]
    seed_hash: Option<SeedHash>,
    /// The caller's own pairs.
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    #[schema(value_type = Object)]
    metadata: Metadata,
}

/// An item of a drop.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DropItemWritten)]
struct DropItemAnswer {
    #[schema(value_type = String)]
    item_id: ItemId,
    /// Units that the item lends.
    #[schema(value_type = u32)]
    quantity: Quantity,
    #[schema(value_type = MoneySchema)]
    price: Money,
    /// Units that nobody has claimed.
    remaining: u32,
    /// Units that are claimed and not paid for.
    held: u32,
    /// Units that are bought.
    sold: u32,
}

impl From<DropState> for DropAnswer {
    fn from(state: DropState) -> Self {
        let DropState { drop_id, store, status, terms, pools, seed_hash, created: _, metadata } = state;
        let levels = |item: &DropItem| {
            pools.iter().find(|pool| pool.item_id == item.item_id).map(|pool| pool.levels).unwrap_or_default()
        };
        let items = terms.items.iter().map(|item| {
            let levels = levels(item);
            DropItemAnswer {
                item_id: item.item_id.clone(),
                quantity: item.quantity,
                price: item.price,
                remaining: levels.remaining,
                held: levels.held,
                sold: levels.sold,
            }
        });
        Self {
            drop_id,
            store,
            status,
            items: items.collect(),
            title: terms.title,
            starts_at: terms.starts_at,
            ends_at: terms.ends_at,
            limit_per_shopper: terms.limit_per_shopper,
            queue_opens_at: terms.queue_opens_at,
            admit_at_once: terms.admit_at_once,
            seed_hash,
            metadata,
        }
    }
}

/// Where a drop is read.
pub(crate) fn drop_url(drop: &DropId) -> String {
    format!("/v1/drops/{drop}")
}

fn told(reply: ReplyBody) -> Result<DropAnswer, Problem> {
    match reply {
        ReplyBody::Drop(DropReply::Drop(state)) => Ok(DropAnswer::from(*state)),
        other => Err(unexpected(&other)),
    }
}

/// Schedules a drop: its items lend their units, all or none.
///
/// 409 `drop_rejected` with `refusals` where some item does not lend its units; the others have theirs back then. The answer
/// has the hash of the seed by which early joiners are drawn.
#[utoipa::path(post, path = "/v1/drops", tag = "Drops", operation_id = "scheduleDrop", request_body = DropBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Needed where the body has no `dropId`.")),
    responses((status = 201, body = DropAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn schedule(
    State(state): State<CommandState>,
    mut asker: Asker,
    body: JsonBody<DropBody>,
) -> Result<Response, Problem> {
    roles::drops(&asker.caller)?;
    let named = body.content.drop_id.as_ref().map(|drop| effect_id(drop.as_str()));
    let effect = asker.effect(&state, named, "schedule drop", &body)?;
    let body = body.content;
    let store = roles::drop_store(&asker.caller, body.store)?;
    // Derived from caller and key: a retry joins the drop that the first try made.
    let drop = DropId::parse(effect.id.as_str()).expect("all ids follow one rule");
    let item = |item: DropItemBody| DropItem { item_id: item.item_id, quantity: item.quantity, price: item.price };
    let terms = DropTerms {
        title: body.title,
        items: body.items.into_iter().map(item).collect(),
        starts_at: body.starts_at,
        ends_at: body.ends_at,
        limit_per_shopper: body.limit_per_shopper,
        queue_opens_at: body.queue_opens_at,
        admit_at_once: body.admit_at_once,
    };
    let command = DropCommand::Schedule(ScheduleDrop { effect, store, terms, metadata: body.metadata });
    let location = drop_url(&drop);
    let header = [(header::LOCATION, location.clone())];
    let render = |reply| told(reply).map(|drop| (StatusCode::CREATED, header, Json(drop)));
    state.answer(asker, Command::Drop { drop, command }, || location, render).await
}

/// Changes the terms of a drop before it starts (JSON merge patch, RFC 7396). Its items and their quantities stay.
#[utoipa::path(patch, path = "/v1/drops/{dropId}", tag = "Drops", operation_id = "patchDrop",
    request_body(content = Object, description = "`title`, `startsAt`, `endsAt`, `limitPerShopper`, `queueOpensAt`, `admitAtOnce`; null takes one away",
        content_type = "application/merge-patch+json"),
    params(("dropId" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = DropAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn patch(
    State(state): State<CommandState>,
    PathIds(drop): PathIds<DropId>,
    mut asker: Asker,
    body: JsonBody<PatchBody>,
) -> Result<Response, Problem> {
    roles::drops(&asker.caller)?;
    let effect = asker.effect(&state, None, &format!("patch drop {drop}"), &body)?;
    let command = DropCommand::Change(ChangeDrop { effect, patch: body.content.patch });
    answered(&state, asker, drop, command).await
}

/// Stops claims and admissions for a while; the clocks of those who are admitted stand still.
#[utoipa::path(post, path = "/v1/drops/{dropId}/pause", tag = "Drops", operation_id = "pauseDrop", request_body = Option<ReasonBody>,
    params(("dropId" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = DropAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn pause(
    State(state): State<CommandState>,
    PathIds(drop): PathIds<DropId>,
    mut asker: Asker,
    OptionalBody(body): OptionalBody<ReasonBody>,
) -> Result<Response, Problem> {
    roles::drops(&asker.caller)?;
    let effect = asker.effect(&state, None, &format!("pause drop {drop}"), &body)?;
    let command = DropCommand::Pause(PauseDrop { effect, reason: body.content.reason });
    answered(&state, asker, drop, command).await
}

/// Goes on after a pause.
#[utoipa::path(post, path = "/v1/drops/{dropId}/resume", tag = "Drops", operation_id = "resumeDrop",
    params(("dropId" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = DropAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn resume(
    State(state): State<CommandState>,
    PathIds(drop): PathIds<DropId>,
    mut asker: Asker,
    OptionalBody(body): OptionalBody<crate::holds::EmptyBody>,
) -> Result<Response, Problem> {
    roles::drops(&asker.caller)?;
    let effect = asker.effect(&state, None, &format!("resume drop {drop}"), &body)?;
    let command = DropCommand::Resume(ResumeDrop { effect });
    answered(&state, asker, drop, command).await
}

/// Calls a drop off: units that nobody has claimed go back to their items; what is claimed may still be paid.
#[utoipa::path(post, path = "/v1/drops/{dropId}/cancel", tag = "Drops", operation_id = "cancelDrop", request_body = Option<ReasonBody>,
    params(("dropId" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = DropAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn cancel(
    State(state): State<CommandState>,
    PathIds(drop): PathIds<DropId>,
    mut asker: Asker,
    OptionalBody(body): OptionalBody<ReasonBody>,
) -> Result<Response, Problem> {
    roles::drops(&asker.caller)?;
    let effect = asker.effect(&state, None, &format!("cancel drop {drop}"), &body)?;
    let command = DropCommand::Cancel(CancelDrop { effect, reason: body.content.reason });
    answered(&state, asker, drop, command).await
}

async fn answered(state: &CommandState, asker: Asker, drop: DropId, command: DropCommand) -> Result<Response, Problem> {
    let location = drop_url(&drop);
    state.answer(asker, Command::Drop { drop, command }, || location, |reply| told(reply).map(Json)).await
}
