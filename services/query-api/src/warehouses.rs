//! Warehouses: for themselves, and for who acts for the shop.

use crate::{QueryState, not_kept, store_problem};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use edge::{AtLeast, Authenticated, Params, PathIds, Problem, ProblemDocument, require};
use read_model::views::warehouses;
use schemas::{
    LocationId, Rejection, Role,
    order::Address,
    warehouse::{WarehouseFacts, WarehouseRejection},
};
use serde::Serialize;

/// A warehouse.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Warehouse)]
pub(crate) struct WarehouseAnswer {
    /// Its location.
    #[schema(value_type = String)]
    location: LocationId,
    name: String,
    address: WarehouseAddress,
    /// Degrees, north is positive.
    latitude: f64,
    /// Degrees, east is positive.
    longitude: f64,
    /// The lowest number ships first.
    priority: u32,
    /// Rises with every change.
    version: u64,
}

/// Where a warehouse stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct WarehouseAddress {
    name: String,
    lines: Vec<String>,
    city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// ISO 3166-1 alpha-2.
    country: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

impl From<Address> for WarehouseAddress {
    fn from(address: Address) -> Self {
        // The warehouse's own coordinates say where it is.
        let Address { name, lines, city, postal_code, region, country, phone, coordinates: _ } = address;
        Self { name, lines, city, postal_code, region, country, phone }
    }
}

/// A warehouse.
#[utoipa::path(get, path = "/v1/warehouses/{location}", tag = "Fulfilment", operation_id = "getWarehouse",
    params(
        ("location" = String, Path),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses((status = 200, body = WarehouseAnswer), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn get(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    PathIds(location): PathIds<LocationId>,
    at_least: AtLeast,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    require(&caller, &[Role::Warehouse, Role::Service, Role::Operator])?;
    let not_found = || Problem::from(Rejection::Warehouse(WarehouseRejection::WarehouseNotFound));
    if caller.role == Role::Warehouse && caller.location.as_ref() != Some(&location) {
        return Err(not_found());
    }
    state.at_least(&at_least).await?;
    let row = warehouses::get(&*state.views, &location).await.map_err(store_problem)?.ok_or_else(not_found)?;
    let WarehouseFacts { name, address, coordinates, priority } = row.facts;
    let degrees = |micro: i32| f64::from(micro) / 1e6;
    let answer = WarehouseAnswer {
        location,
        name,
        address: address.into(),
        latitude: degrees(coordinates.latitude_micro),
        longitude: degrees(coordinates.longitude_micro),
        priority,
        version: row.version,
    };
    Ok((not_kept(), Json(answer)).into_response())
}
