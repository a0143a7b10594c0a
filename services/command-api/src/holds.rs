//! Free holds: for systems that keep their own orders.

use crate::{
    CommandState,
    answer::{self, HoldAnswer},
    asker::{Asker, effect_id},
    roles,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use edge::openapi::IdSchema;
use edge::{
    Fields, FromFields, JsonBody, OptionalBody, PathIds, Problem, ProblemDocument,
    fields::{id, metadata, quantity, small, text},
};
use schemas::{
    Command, EffectId, FreeHoldId, ItemId, LocationId, Metadata, Quantity,
    item::{CommitHold, HoldId, ItemCommand, PlaceHold, ReleaseHold, ShipStock},
};
use utoipa::ToSchema;

/// The longest life of a free hold: 30 days.
const MAX_SECONDS: u32 = 2_592_000;

/// Units to reserve.
#[derive(Debug, ToSchema)]
#[schema(as = Hold, rename_all = "camelCase")]
pub(crate) struct HoldBody {
    /// The caller's id for it; ids of two callers never meet.
    #[schema(value_type = IdSchema)]
    hold_id: FreeHoldId,
    /// How many.
    #[schema(value_type = u32, minimum = 1, maximum = 1_000_000)]
    quantity: Quantity,
    /// Its life, 1–2,592,000 s.
    #[schema(minimum = 1, maximum = 2_592_000)]
    expires_in_seconds: u32,
    /// The caller's reference.
    reference: Option<String>,
    /// The caller's own pairs.
    #[schema(value_type = Option<Object>)]
    metadata: Metadata,
}

impl FromFields for HoldBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let hold_id = fields.get("holdId", id(FreeHoldId::parse));
        let quantity = fields.get("quantity", quantity);
        let expires_in_seconds = fields.get("expiresInSeconds", small(1..=MAX_SECONDS));
        let reference = fields.opt("reference", text(1..=200));
        let metadata = fields.opt("metadata", metadata).unwrap_or_default();
        Some(Self {
            hold_id: hold_id?,
            quantity: quantity?,
            expires_in_seconds: expires_in_seconds?,
            reference,
            metadata,
        })
    }
}

/// No fields.
#[derive(Debug, ToSchema)]
#[schema(as = Empty)]
pub(crate) struct EmptyBody {}

impl FromFields for EmptyBody {
    fn read(_: &mut Fields<'_>) -> Option<Self> {
        Some(Self {})
    }
}

/// Units that left.
#[derive(Debug, ToSchema)]
#[schema(as = ShipHold, rename_all = "camelCase")]
pub(crate) struct ShipBody {
    /// The shipment: it takes effect once.
    #[schema(value_type = IdSchema)]
    shipment_id: EffectId,
    /// From where.
    #[schema(value_type = IdSchema)]
    location: LocationId,
    /// How many; without it all that is open.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1_000_000)]
    quantity: Option<Quantity>,
}

impl FromFields for ShipBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let shipment_id = fields.get("shipmentId", id(EffectId::parse));
        let location = fields.get("location", id(LocationId::parse));
        let quantity = fields.opt("quantity", quantity);
        Some(Self { shipment_id: shipment_id?, location: location?, quantity })
    }
}

fn own(asker: &Asker, id: FreeHoldId) -> HoldId {
    HoldId::Free { caller: asker.caller.subject.clone(), id }
}

async fn answered(
    state: &CommandState,
    asker: Asker,
    item: ItemId,
    hold: &FreeHoldId,
    command: ItemCommand,
    status: StatusCode,
) -> Result<Response, Problem> {
    let location = || format!("/v1/items/{item}/holds/{hold}");
    let command = Command::Item { item: item.clone(), command };
    let render = |reply| answer::hold(reply).map(|body| (status, Json(body)));
    state.answer(asker, command, location, render).await
}

/// Reserves units.
///
/// 409 `insufficient_stock` with `available` where there are too few. The same hold again is answered 201 with the hold
/// as it is by then: look at `status` before you sell, it may be over.
#[utoipa::path(post, path = "/v1/items/{itemId}/holds", tag = "Holds", operation_id = "placeHold", request_body = HoldBody,
    params(("itemId" = String, Path)),
    responses((status = 201, body = HoldAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn place(
    State(state): State<CommandState>,
    PathIds(item): PathIds<ItemId>,
    mut asker: Asker,
    body: JsonBody<HoldBody>,
) -> Result<Response, Problem> {
    roles::holds(&asker.caller)?;
    let named = Some(effect_id(body.content.hold_id.as_str()));
    let effect = asker.effect(&state, named, &format!("hold {item}"), &body)?;
    let HoldBody { hold_id, quantity, expires_in_seconds, reference, metadata } = body.content;
    let command = ItemCommand::PlaceHold(PlaceHold {
        hold: own(&asker, hold_id.clone()),
        quantity,
        expected_price: None,
        only_store: asker.caller.store.clone(),
        expires_in_seconds: Some(expires_in_seconds),
        reference,
        metadata,
        effect: Some(effect),
    });
    answered(&state, asker, item, &hold_id, command, StatusCode::CREATED).await
}

/// Turns held units into ordered ones: the deadline ends.
///
/// 409 `hold_expired` or `hold_released` where the hold is over.
#[utoipa::path(post, path = "/v1/items/{itemId}/holds/{holdId}/commit", tag = "Holds", operation_id = "commitHold",
    params(("itemId" = String, Path), ("holdId" = String, Path)),
    responses((status = 200, body = HoldAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn commit(
    State(state): State<CommandState>,
    PathIds((item, hold)): PathIds<(ItemId, FreeHoldId)>,
    asker: Asker,
    _: OptionalBody<EmptyBody>,
) -> Result<Response, Problem> {
    roles::holds(&asker.caller)?;
    let command = ItemCommand::CommitHold(CommitHold { hold: own(&asker, hold.clone()) });
    answered(&state, asker, item, &hold, command, StatusCode::OK).await
}

/// Gives units back: held ones, and committed ones that have not shipped.
#[utoipa::path(post, path = "/v1/items/{itemId}/holds/{holdId}/release", tag = "Holds", operation_id = "releaseHold",
    params(("itemId" = String, Path), ("holdId" = String, Path)),
    responses((status = 200, body = HoldAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn release(
    State(state): State<CommandState>,
    PathIds((item, hold)): PathIds<(ItemId, FreeHoldId)>,
    asker: Asker,
    _: OptionalBody<EmptyBody>,
) -> Result<Response, Problem> {
    roles::holds(&asker.caller)?;
    let command = ItemCommand::ReleaseHold(ReleaseHold { hold: own(&asker, hold.clone()) });
    answered(&state, asker, item, &hold, command, StatusCode::OK).await
}

/// Records units of a committed hold that left: allocates and ships at once.
///
/// What it is refused with changed nothing: 409 `hold_not_committed`; `location_not_found` where the item was never
/// stocked; `insufficient_at_location` with `available` where the location has too few on record (count it, then send
/// the same shipment again).
#[utoipa::path(post, path = "/v1/items/{itemId}/holds/{holdId}/ship", tag = "Holds", operation_id = "shipHold", request_body = ShipBody,
    params(("itemId" = String, Path), ("holdId" = String, Path)),
    responses((status = 200, body = HoldAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn ship(
    State(state): State<CommandState>,
    PathIds((item, hold)): PathIds<(ItemId, FreeHoldId)>,
    mut asker: Asker,
    body: JsonBody<ShipBody>,
) -> Result<Response, Problem> {
    roles::holds(&asker.caller)?;
    let named = Some(body.content.shipment_id.clone());
    let effect = asker.effect(&state, named, &format!("ship {item} {hold}"), &body)?;
    let ShipBody { shipment_id: _, location, quantity } = body.content;
    let hold_id = own(&asker, hold.clone());
    let command = ItemCommand::Ship(ShipStock { effect, hold: hold_id, sub_order: None, location, quantity });
    answered(&state, asker, item, &hold, command, StatusCode::OK).await
}
