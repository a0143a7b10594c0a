//! Stock of an item: receipts, counts, moves, safety.

use crate::{
    CommandState,
    answer::{self, SafetyAnswer, StockAnswer},
    asker::Asker,
    docs::BucketDoc,
    roles,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use edge::openapi::IdSchema;
use edge::{
    Fields, FromFields, JsonBody, PathIds, Problem, ProblemDocument,
    fields::{id, metadata, quantity, small, text, time, unsigned, word},
};
use schemas::{
    Caller, Command, Effect, EffectId, ItemId, LocationId, Metadata, Quantity, ReplyBody, Timestamp,
    item::{Bucket, CountStock, ItemCommand, MoveStock, ReceiveStock, SetSafety, TransferStock},
};
use serde::Serialize;
use utoipa::ToSchema;

/// The most sellable units that a location holds.
const MAX_UNITS: u64 = 1_000_000_000;

/// Units that came in.
#[derive(Debug, ToSchema)]
#[schema(as = Receipt, rename_all = "camelCase")]
pub(crate) struct ReceiptBody {
    /// The receipt: received once, however often it is sent.
    #[schema(value_type = IdSchema)]
    pub receipt_id: EffectId,
    /// Where.
    #[schema(value_type = IdSchema)]
    pub location: LocationId,
    /// How many.
    #[schema(value_type = u32, minimum = 1, maximum = 1_000_000)]
    pub quantity: Quantity,
    /// The delivery note or the like.
    pub document: String,
    /// Business time.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub occurred_at: Option<Timestamp>,
    /// The caller's own pairs.
    #[schema(value_type = Option<Object>)]
    pub metadata: Metadata,
}

impl FromFields for ReceiptBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let receipt_id = fields.get("receiptId", id(EffectId::parse));
        let location = fields.get("location", id(LocationId::parse));
        let quantity = fields.get("quantity", quantity);
        let document = fields.get("document", text(1..=200));
        let occurred_at = fields.opt("occurredAt", time);
        let metadata = fields.opt("metadata", metadata).unwrap_or_default();
        Some(Self {
            receipt_id: receipt_id?,
            location: location?,
            quantity: quantity?,
            document: document?,
            occurred_at,
            metadata,
        })
    }
}

impl ReceiptBody {
    /// The command that books the receipt.
    pub fn command(self, caller: &Caller, effect: Effect) -> Result<ItemCommand, Problem> {
        if !planted::bug!("location-unchecked") {
            roles::stock(caller, &self.location)?;
        }
        let Self { receipt_id: _, location, quantity, document, occurred_at, metadata } = self;
        Ok(ItemCommand::Receive(ReceiveStock { effect, location, quantity, document, occurred_at, metadata }))
    }
}

/// What a count found.
#[derive(Debug, ToSchema)]
#[schema(as = Count, rename_all = "camelCase")]
pub(crate) struct CountBody {
    /// The count; without it one is derived from the idempotency key.
    #[schema(value_type = Option<IdSchema>)]
    pub count_id: Option<EffectId>,
    /// Where.
    #[schema(value_type = IdSchema)]
    pub location: LocationId,
    /// Sellable units found.
    #[schema(maximum = 1_000_000_000)]
    pub counted: u64,
    /// Sellable units on record when the counting began.
    pub expected: Option<u64>,
    /// Why it was counted.
    pub reason: String,
}

impl FromFields for CountBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let count_id = fields.opt("countId", id(EffectId::parse));
        let location = fields.get("location", id(LocationId::parse));
        let counted = fields.get("counted", unsigned(0..=MAX_UNITS));
        let expected = fields.opt("expected", unsigned(0..=MAX_UNITS));
        let reason = fields.get("reason", text(1..=200));
        Some(Self { count_id, location: location?, counted: counted?, expected, reason: reason? })
    }
}

impl CountBody {
    /// The command that sets what was counted.
    pub fn command(self, caller: &Caller, effect: Effect) -> Result<ItemCommand, Problem> {
        roles::stock(caller, &self.location)?;
        let Self { count_id: _, location, counted, expected, reason } = self;
        Ok(ItemCommand::Count(CountStock { effect, location, counted, expected, reason }))
    }
}

/// Units that change buckets at one location.
#[derive(Debug, ToSchema)]
#[schema(as = Move, rename_all = "camelCase")]
pub(crate) struct MoveBody {
    /// The move; without it one is derived from the idempotency key.
    #[schema(value_type = Option<IdSchema>)]
    pub move_id: Option<EffectId>,
    /// Where.
    #[schema(value_type = IdSchema)]
    pub location: LocationId,
    /// Out of `sellable`, `damaged` or `quality_control`.
    #[schema(value_type = BucketDoc)]
    pub from: Bucket,
    /// Into one of these.
    #[schema(value_type = BucketDoc)]
    pub to: Bucket,
    /// How many.
    #[schema(value_type = u32, minimum = 1, maximum = 1_000_000)]
    pub quantity: Quantity,
    /// Why.
    pub reason: String,
    /// A document.
    pub reference: String,
    /// Another location: a transfer, of sellable units, which are on the way until they are received there.
    #[schema(value_type = Option<IdSchema>)]
    pub to_location: Option<LocationId>,
}

impl FromFields for MoveBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let move_id = fields.opt("moveId", id(EffectId::parse));
        let location = fields.get("location", id(LocationId::parse));
        let to_location = fields.opt("toLocation", id(LocationId::parse));
        // What leaves for another location was sellable here and is so there.
        let is_transfer = fields.has("toLocation");
        let bucket = |fields: &mut Fields<'_>, name| match is_transfer {
            false => fields.get(name, word::<Bucket>()),
            true => match fields.opt(name, word::<Bucket>()).unwrap_or(Bucket::Sellable) {
                Bucket::Sellable => Some(Bucket::Sellable),
                Bucket::Damaged | Bucket::QualityControl => {
                    fields.fault(name, "invalid_value", "a transfer takes sellable units to sellable ones")
                }
            },
        };
        let from = bucket(fields, "from");
        let to = bucket(fields, "to");
        let quantity = fields.get("quantity", quantity);
        let reason = fields.get("reason", text(1..=200));
        let reference = fields.get("reference", text(1..=200));
        Some(Self {
            move_id,
            location: location?,
            from: from?,
            to: to?,
            quantity: quantity?,
            reason: reason?,
            reference: reference?,
            to_location,
        })
    }
}

impl MoveBody {
    /// The command that moves the units, within their location or to another.
    pub fn command(self, caller: &Caller, effect: Effect) -> Result<ItemCommand, Problem> {
        roles::stock(caller, &self.location)?;
        let Self { move_id: _, location, from, to, quantity, reason, reference, to_location } = self;
        Ok(match to_location {
            None => ItemCommand::Move(MoveStock { effect, location, from, to, quantity, reason, reference }),
            Some(to_location) => {
                ItemCommand::Transfer(TransferStock { effect, location, to_location, quantity, reason, reference })
            }
        })
    }
}

/// Units to keep back from sale.
#[derive(Debug, ToSchema)]
#[schema(as = Safety)]
pub(crate) struct SafetyBody {
    /// 0–1,000,000.
    #[schema(maximum = 1_000_000)]
    pub quantity: u32,
}

impl FromFields for SafetyBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let quantity = fields.get("quantity", small(0..=Quantity::MAX));
        Some(Self { quantity: quantity? })
    }
}

async fn answered<T: Serialize>(
    state: &CommandState,
    asker: Asker,
    item: ItemId,
    command: ItemCommand,
    render: impl FnOnce(ReplyBody) -> Result<(StatusCode, T), Problem>,
) -> Result<Response, Problem> {
    let location = format!("{}/stock", answer::item_url(&item));
    let render = |reply| render(reply).map(|(status, body)| (status, Json(body)));
    state.answer(asker, Command::Item { item, command }, || location, render).await
}

/// Books units that came in.
#[utoipa::path(post, path = "/v1/items/{itemId}/receipts", tag = "Stock", operation_id = "receiveStock", request_body = ReceiptBody,
    params(("itemId" = String, Path)),
    responses((status = 201, body = StockAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn receive(
    State(state): State<CommandState>,
    PathIds(item): PathIds<ItemId>,
    mut asker: Asker,
    body: JsonBody<ReceiptBody>,
) -> Result<Response, Problem> {
    let own = Some(body.content.receipt_id.clone());
    let effect = asker.effect(&state, own, &format!("receive {item}"), &body)?;
    let command = body.content.command(&asker.caller, effect)?;
    answered(&state, asker, item, command, answer::stock).await
}

/// Sets the sellable units of a location to what was counted.
///
/// 409 `stale_count` with `current` where the stock changed since the counting began.
#[utoipa::path(post, path = "/v1/items/{itemId}/counts", tag = "Stock", operation_id = "countStock", request_body = CountBody,
    params(("itemId" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = StockAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn count(
    State(state): State<CommandState>,
    PathIds(item): PathIds<ItemId>,
    mut asker: Asker,
    body: JsonBody<CountBody>,
) -> Result<Response, Problem> {
    let effect = asker.effect(&state, body.content.count_id.clone(), &format!("count {item}"), &body)?;
    let command = body.content.command(&asker.caller, effect)?;
    answered(&state, asker, item, command, answer::stock).await
}

/// Moves units of a location from one bucket to another, or with `toLocation` sends them to another location.
///
/// A transfer takes sellable units that no order has, and answers `moveId`: what arrives is posted to
/// `…/moves/{moveId}/receive`. Until then they are `incoming` there, and not available to sell.
#[utoipa::path(post, path = "/v1/items/{itemId}/moves", tag = "Stock", operation_id = "moveStock", request_body = MoveBody,
    params(("itemId" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = StockAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn move_units(
    State(state): State<CommandState>,
    PathIds(item): PathIds<ItemId>,
    mut asker: Asker,
    body: JsonBody<MoveBody>,
) -> Result<Response, Problem> {
    let effect = asker.effect(&state, body.content.move_id.clone(), &format!("move {item}"), &body)?;
    let move_id = body.content.to_location.is_some().then(|| effect.id.clone());
    let command = body.content.command(&asker.caller, effect)?;
    let render = |reply| answer::stock(reply).map(|(status, stock)| (status, StockAnswer { move_id, ..stock }));
    answered(&state, asker, item, command, render).await
}

/// Sets the units that are kept back from sale.
#[utoipa::path(put, path = "/v1/items/{itemId}/safety", tag = "Stock", operation_id = "setSafety", request_body = SafetyBody,
    params(("itemId" = String, Path)),
    responses((status = 200, body = SafetyAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn set_safety(
    State(state): State<CommandState>,
    PathIds(item): PathIds<ItemId>,
    asker: Asker,
    body: JsonBody<SafetyBody>,
) -> Result<Response, Problem> {
    roles::catalog(&asker.caller)?;
    let command = ItemCommand::SetSafety(SetSafety { quantity: body.content.quantity });
    answered(&state, asker, item, command, answer::safety).await
}
