//! What is known of a warehouse.

use crate::{
    CommandState,
    address::{AddressDoc, address, degrees},
    answer::unexpected,
    asker::{Asker, effect_id},
    roles,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use edge::{
    Fields, FromFields, JsonBody, PathIds, Problem, ProblemDocument,
    fields::{object, small, text},
};
use schemas::{
    Command, LocationId, ReplyBody,
    order::Address,
    warehouse::{Coordinates, PutWarehouse, WarehouseCommand, WarehouseFacts},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The last to ship.
const LAST_PRIORITY: u32 = 1_000_000;

/// A warehouse: where it stands, and how gladly it ships.
#[derive(Debug, ToSchema)]
#[schema(as = WarehouseFacts)]
pub(crate) struct WarehouseBody {
    /// 1–200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// A business address: it is not sealed.
    #[schema(value_type = AddressDoc)]
    address: Address,
    /// Degrees, north is positive; kept to a millionth.
    #[schema(value_type = f64, minimum = -90, maximum = 90)]
    latitude: i32,
    /// Degrees, east is positive; kept to a millionth.
    #[schema(value_type = f64, minimum = -180, maximum = 180)]
    longitude: i32,
    /// Of warehouses that can ship in as few parcels, the one with the lowest number does.
    #[schema(maximum = 1_000_000)]
    priority: u32,
}

impl FromFields for WarehouseBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.get("name", text(1..=200));
        let address = fields.get("address", object(address));
        let latitude = fields.get("latitude", degrees(90));
        let longitude = fields.get("longitude", degrees(180));
        let priority = fields.get("priority", small(0..=LAST_PRIORITY));
        Some(Self { name: name?, address: address?, latitude: latitude?, longitude: longitude?, priority: priority? })
    }
}

/// A warehouse after it was written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WarehouseWritten)]
pub(crate) struct WarehouseAnswer {
    /// Its location.
    #[schema(value_type = String)]
    location: LocationId,
    /// Rises with every change.
    version: u64,
}

/// Makes a warehouse of a location, or replaces what is known of it. Orders are planned by it from now on.
#[utoipa::path(put, path = "/v1/warehouses/{location}", tag = "Fulfilment", operation_id = "putWarehouse",
    request_body = WarehouseBody, params(("location" = String, Path)),
    responses((status = 201, body = WarehouseAnswer, description = "As it was made"),
        (status = 200, body = WarehouseAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn put(
    State(state): State<CommandState>,
    PathIds(location): PathIds<LocationId>,
    asker: Asker,
    body: JsonBody<WarehouseBody>,
) -> Result<Response, Problem> {
    roles::warehouse(&asker.caller, &location)?;
    let id = effect_id(&Uuid::new_v4().to_string());
    let effect = state.edge.effects().named(id, &format!("put warehouse {location}"), &body.canonical());
    let WarehouseBody { name, address, latitude, longitude, priority } = body.content;
    let coordinates = Coordinates { latitude_micro: latitude, longitude_micro: longitude };
    let facts = WarehouseFacts { name, address, coordinates, priority };
    let url = format!("/v1/warehouses/{location}");
    let render = |reply| match reply {
        ReplyBody::Warehouse(reply) => {
            let status = if reply.created { StatusCode::CREATED } else { StatusCode::OK };
            Ok((status, Json(WarehouseAnswer { location: reply.location, version: reply.version })))
        }
        other => Err(unexpected(&other)),
    };
    let command = WarehouseCommand::Put(PutWarehouse { effect, facts });
    state.answer(asker, Command::Warehouse { location, command }, || url, render).await
}
