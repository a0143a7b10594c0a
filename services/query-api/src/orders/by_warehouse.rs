//! What a warehouse is to ship, has shipped, and is to receive: its sub-orders, newest first.

use super::{
    answer::AddressAnswer,
    parcels::{ShipmentAnswer, SubOrderAnswer, statuses},
};
use crate::{QueryState, not_kept, pager::Pager, personal::opened, store_problem};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use edge::{AtLeast, Authenticated, Page, Params, PathIds, Problem, ProblemDocument, require};
use read_model::views::{
    order::{self, OrderRow, SubOrderRow, SubOrderStatus},
    orders_by_warehouse::{self, SubOrderPlace},
};
use schemas::{LocationId, OrderId, Rejection, Role, SubOrderId, Timestamp, warehouse::WarehouseRejection};
use serde::Serialize;

/// A page of sub-orders, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WarehouseOrderList {
    orders: Vec<WarehouseOrder>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
    limit: usize,
}

/// A sub-order, and what a warehouse needs to know of its order.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct WarehouseOrder {
    #[schema(value_type = String)]
    order_id: OrderId,
    #[schema(value_type = String, format = DateTime)]
    ordered_at: Timestamp,
    #[serde(flatten)]
    sub_order: SubOrderAnswer,
    /// What is on its way here from other warehouses, to be shipped on.
    incoming: Vec<ShipmentAnswer>,
    /// Where it goes, until it is there; null where none is known, it ships to a warehouse, or the person was forgotten.
    shipping_address: Option<AddressAnswer>,
}

struct Query {
    statuses: Vec<SubOrderStatus>,
    page: Page,
}

/// Sub-orders of a warehouse, newest first: for itself and for operators.
#[utoipa::path(get, path = "/v1/warehouses/{location}/orders", tag = "Fulfilment", operation_id = "listWarehouseOrders",
    params(
        ("location" = String, Path),
        ("status" = Option<String>, Query, description = "Only sub-orders that are one of these, separated by commas."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Entries of a page; 50 without it. Under a narrow filter a page may have fewer."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses((status = 200, body = WarehouseOrderList), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn list(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    PathIds(location): PathIds<LocationId>,
    at_least: AtLeast,
    mut params: Params,
) -> Result<Response, Problem> {
    let statuses = params.parsed("status", "invalid_value", statuses).unwrap_or_default();
    let query = Query { statuses, page: params.page() };
    params.finish()?;
    require(&caller, &[Role::Warehouse, Role::Service, Role::Operator])?;
    if caller.role == Role::Warehouse && caller.location.as_ref() != Some(&location) {
        return Err(Problem::from(Rejection::Warehouse(WarehouseRejection::WarehouseNotFound)));
    }
    let name = format!("warehouse-orders|{location}|{:?}", query.statuses);
    let after = query.page.cursor.as_ref().map(|cursor| open(&state, &name, cursor)).transpose()?;
    state.at_least(&at_least).await?;
    let (found, next) = scan(&state, &query, &location, after).await?;
    let mut orders = Vec::with_capacity(found.len());
    for (row, id) in found {
        orders.extend(entry(&state, &row, &id).await?);
    }
    let next_cursor = next.map(|place| {
        let SubOrderPlace { planned_at, order_id, sub_order_id } = place;
        state.edge.cursors().seal(&name, &(planned_at.millis(), order_id.as_str(), sub_order_id.as_str()))
    });
    Ok((not_kept(), Json(WarehouseOrderList { orders, next_cursor, limit: query.page.limit })).into_response())
}

fn open(state: &QueryState, name: &str, cursor: &str) -> Result<SubOrderPlace, Problem> {
    let (millis, order_id, sub_order_id): (i64, OrderId, SubOrderId) = state.edge.cursors().open(name, cursor)?;
    Ok(SubOrderPlace { planned_at: Timestamp::from_millis(millis), order_id, sub_order_id })
}

/// A page of the list: each entry's order, and which part of it.
type Found = (Vec<(OrderRow, SubOrderId)>, Option<SubOrderPlace>);

async fn scan(
    state: &QueryState,
    query: &Query,
    location: &LocationId,
    after: Option<SubOrderPlace>,
) -> Result<Found, Problem> {
    let views = &*state.views;
    let mut pager = Pager::new(query.page.limit, after);
    let mut ended = false;
    while let Some((after, count)) = pager.next().filter(|_| !ended) {
        let places = orders_by_warehouse::page(views, location, after, count).await.map_err(store_problem)?;
        ended = places.len() < count;
        let ids: Vec<OrderId> = places.iter().map(|place| place.order_id.clone()).collect();
        let rows = order::get_many(views, &ids).await.map_err(store_problem)?;
        for (place, row) in places.into_iter().zip(rows) {
            let passes = |row: &OrderRow| {
                let status = row.sub_order(&place.sub_order_id).map(|sub_order| row.status_of(sub_order));
                status.is_some_and(|status| query.statuses.is_empty() || query.statuses.contains(&status))
            };
            let found = row.filter(passes).map(|row| (row, place.sub_order_id.clone()));
            pager.look(place, found);
        }
    }
    Ok(pager.page(ended))
}

async fn entry(state: &QueryState, row: &OrderRow, id: &SubOrderId) -> Result<Option<WarehouseOrder>, Problem> {
    let Some(sub_order) = row.sub_order(id) else { return Ok(None) };
    let address = match &row.shipping_address {
        Some(sealed) if needs_address(row, sub_order) => opened(state, sealed).await?,
        Some(_) | None => None,
    };
    let children = row.sub_orders.iter().filter(|child| child.parent.as_ref() == Some(id));
    let incoming = children.flat_map(|child| &child.shipments).filter(|shipment| shipment.arrived_at.is_none());
    Ok(Some(WarehouseOrder {
        order_id: row.order_id.clone(),
        ordered_at: row.ordered_at,
        sub_order: SubOrderAnswer::of(row, sub_order),
        incoming: incoming.map(ShipmentAnswer::of).collect(),
        shipping_address: address.map(AddressAnswer::from),
    }))
}

/// Only who ships to the customer needs to know where that is, and only until it is there.
fn needs_address(row: &OrderRow, sub_order: &SubOrderRow) -> bool {
    let is_on = match row.status_of(sub_order) {
        SubOrderStatus::Planned | SubOrderStatus::Allocated | SubOrderStatus::Shipped => true,
        SubOrderStatus::Forwarded
        | SubOrderStatus::Received
        | SubOrderStatus::Delivered
        | SubOrderStatus::Cancelled => false,
    };
    sub_order.parent.is_none() && is_on
}
