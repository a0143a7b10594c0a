//! Orders: a shopper's own, or a store's, newest first; each in full for whose it is, and of a store that sells lines of it
//! these lines alone.

mod answer;
pub(crate) mod by_warehouse;
mod parcels;

use crate::{QueryState, access, not_kept, pager::Pager, personal::opened, store_problem};
use answer::{OrderAnswer, OrderSummary};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use edge::{AtLeast, Authenticated, Page, Params, PathIds, Problem, ProblemDocument};
use read_model::views::{
    order::{self, OrderRow},
    orders_by_shopper::{self, OrderPlace},
    orders_by_store,
};
use schemas::{Caller, OrderId, Role, StoreId, SubjectId, Timestamp, order::OrderStatus};
use serde::Serialize;

/// A page of orders, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderList {
    orders: Vec<OrderSummary>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
    limit: usize,
}

/// Whose orders are listed.
enum Whose {
    /// Those of a shopper.
    Shopper(SubjectId),
    /// Those that a store has placed, or sells lines of.
    Store(StoreId),
}

/// What a list of orders is asked for.
struct Query {
    since: Option<Timestamp>,
    statuses: Vec<OrderStatus>,
    shopper: Option<String>,
    page: Page,
}

impl Query {
    fn read(mut params: Params) -> Result<Self, Problem> {
        let query = Self {
            since: params.time("since"),
            statuses: params.parsed("status", "invalid_value", statuses).unwrap_or_default(),
            shopper: params.raw("shopper"),
            page: params.page(),
        };
        params.finish()?;
        Ok(query)
    }

    /// Names the list in its cursors: another filter, or another shopper's, is another list.
    fn name(&self, whose: &Whose) -> String {
        let whose = match whose {
            Whose::Shopper(shopper) => shopper.to_string(),
            Whose::Store(store) => format!("store/{store}"),
        };
        format!("orders|{whose}|{:?}|{:?}", self.since.map(Timestamp::millis), self.statuses)
    }

    fn passes(&self, row: &OrderRow) -> bool {
        self.statuses.is_empty() || self.statuses.contains(&row.status)
    }
}

fn statuses(text: &str) -> Result<Vec<OrderStatus>, String> {
    let read = |word: &str| {
        OrderStatus::ALL.into_iter().find(|status| status.as_str() == word).ok_or_else(|| {
            let known: Vec<&str> = OrderStatus::ALL.iter().map(|status| status.as_str()).collect();
            format!("must be one or more of {}, separated by commas", known.join(", "))
        })
    };
    text.split(',').map(read).collect()
}

/// Orders of the caller, newest first; of a store's staff those that the store has placed, and those of its items.
///
/// Of an order that somebody else placed a store sees its own lines, with their sum as `total` and their own `status`.
#[utoipa::path(get, path = "/v1/orders", tag = "Orders", operation_id = "listOrders",
    params(
        ("since" = Option<String>, Query, description = "Only orders of this RFC 3339 time or later."),
        ("status" = Option<String>, Query, description = "Only orders that are one of these, separated by commas."),
        ("shopper" = Option<String>, Query, description = "Whose orders, by `sub`: for services and operators."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Entries of a page; 50 without it. Under a narrow filter a page may have fewer."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses((status = 200, body = OrderList), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn list(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    at_least: AtLeast,
    params: Params,
) -> Result<Response, Problem> {
    let query = Query::read(params)?;
    let whose = whose(&state, &caller, &query)?;
    let name = query.name(&whose);
    let after = query.page.cursor.as_ref().map(|cursor| open(&state, &name, cursor)).transpose()?;
    state.at_least(&at_least).await?;
    let (orders, next) = scan(&state, &caller, &query, &whose, after).await?;
    let next_cursor =
        next.map(|place| state.edge.cursors().seal(&name, &(place.ordered_at.millis(), place.order_id.as_str())));
    Ok((not_kept(), Json(OrderList { orders, next_cursor, limit: query.page.limit })).into_response())
}

fn whose(state: &QueryState, caller: &Caller, query: &Query) -> Result<Whose, Problem> {
    match (&query.shopper, &caller.store) {
        (None, Some(store)) if caller.role == Role::Store => Ok(Whose::Store(store.clone())),
        (None, _) => Ok(Whose::Shopper(caller.subject.clone())),
        (Some(_), _) if !caller.is_trusted() => Err(Problem::forbidden("`shopper` takes the role service or operator")),
        (Some(sub), _) => Ok(Whose::Shopper(state.edge.pseudonym(sub))),
    }
}

fn open(state: &QueryState, name: &str, cursor: &str) -> Result<OrderPlace, Problem> {
    let (millis, order_id): (i64, OrderId) = state.edge.cursors().open(name, cursor)?;
    Ok(OrderPlace { ordered_at: Timestamp::from_millis(millis), order_id })
}

async fn scan(
    state: &QueryState,
    caller: &Caller,
    query: &Query,
    whose: &Whose,
    after: Option<OrderPlace>,
) -> Result<(Vec<OrderSummary>, Option<OrderPlace>), Problem> {
    let views = &*state.views;
    let mut pager = Pager::new(query.page.limit, after);
    let mut ended = false;
    while let Some((after, count)) = pager.next().filter(|_| !ended) {
        let places = match whose {
            Whose::Shopper(shopper) => orders_by_shopper::page(views, shopper, after, count).await,
            Whose::Store(store) => orders_by_store::page(views, store, after, count).await,
        };
        let mut places = places.map_err(store_problem)?;
        ended = places.len() < count;
        // Newest first: what is older than `since` ends the list.
        if let Some(old) = query.since.and_then(|since| places.iter().position(|place| place.ordered_at < since)) {
            places.truncate(old);
            ended = true;
        }
        let ids: Vec<OrderId> = places.iter().map(|place| place.order_id.clone()).collect();
        let rows = order::get_many(views, &ids).await.map_err(store_problem)?;
        for (place, row) in places.into_iter().zip(rows) {
            // The shopper's list is asked for them: whose it is was looked at before.
            let seen = match whose {
                Whose::Shopper(_) => row,
                Whose::Store(_) => row.and_then(|row| access::seen_of_order(caller, row)),
            };
            pager.look(place, seen.filter(|row| query.passes(row)).map(OrderSummary::of));
        }
    }
    Ok(pager.page(ended))
}

/// An order, in full; for the staff of a store that sells lines of somebody's order, these lines alone.
///
/// A store learns of them what is to be done and what became of it: `status` and `total` are those of its lines, and shopper,
/// address, payments, `metadata` and what others sell are left out.
#[utoipa::path(get, path = "/v1/orders/{orderId}", tag = "Orders", operation_id = "getOrder",
    params(
        ("orderId" = String, Path),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses((status = 200, body = OrderAnswer), (status = "default", description = "A problem; somebody else's order is 404.", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn get(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    PathIds(id): PathIds<OrderId>,
    at_least: AtLeast,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    state.at_least(&at_least).await?;
    let row = order::get(&*state.views, &id).await.map_err(store_problem)?;
    let row = row
        .and_then(|row| access::seen_of_order(&caller, row))
        .ok_or_else(|| Problem::not_found("order_not_found", "no such order"))?;
    // None where the person was forgotten.
    let address = match &row.shipping_address {
        Some(sealed) => opened(&state, sealed).await?,
        None => None,
    };
    Ok((not_kept(), Json(OrderAnswer::of(row, address))).into_response())
}
