//! What is bought most of late, and what is bought together: public, and a few seconds old.

use crate::{
    QueryState,
    items::{ItemAnswer, not_found},
    store_problem,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use edge::{AtLeast, MaybeCaller, Params, PathIds, Problem, ProblemDocument};
use read_model::views::{
    item,
    sales::{most_bought, together},
};
use schemas::{Caller, ItemId, Role, Timestamp};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::Mutex;

/// How old an answer may be, in milliseconds.
const FRESH_MS: i64 = 5_000;
/// The most items that can be asked for, and how many stay when none is asked for.
const MOST: usize = 50;
const USUAL: usize = 10;
/// Items that are looked at, so that enough remain where some are in sale no longer.
const LOOKED_AT: usize = 4 * MOST;

type Counts = Arc<Vec<(ItemId, u64)>>;

/// What was bought most, reckoned once for all who ask within a few seconds.
#[derive(Default)]
pub(crate) struct Popular {
    /// By minutes asked for: when it was reckoned, and what came out. Held while it is reckoned, so that a crowd asks once.
    known: Mutex<BTreeMap<u32, (Timestamp, Counts)>>,
}

impl Popular {
    async fn of(&self, state: &QueryState, minutes: u32, anew: bool) -> Result<Counts, Problem> {
        let mut known = self.known.lock().await;
        let now = state.edge.now();
        if let Some((at, counts)) = known.get(&minutes).filter(|_| !anew)
            && (0..FRESH_MS).contains(&(now.millis() - at.millis()))
        {
            return Ok(Arc::clone(counts));
        }
        let found = most_bought::top(&*state.views, state.log.shards(), now, minutes, LOOKED_AT).await;
        let counts = Arc::new(found.map_err(store_problem)?);
        known.insert(minutes, (now, Arc::clone(&counts)));
        Ok(counts)
    }
}

/// Items that are popular, the most first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PopularItems {
    items: Vec<PopularItem>,
    limit: usize,
}

/// An item, and how popular it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct PopularItem {
    item: ItemAnswer,
    /// Units bought, or orders with both: for operators, analysts and the shop's own systems.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
}

/// The items that were bought most in the last minutes, in confirmed orders; what was cancelled since does not count.
#[utoipa::path(get, path = "/v1/analytics/most-bought", tag = "Analytics", operation_id = "listMostBought",
    params(
        ("minutes" = Option<u32>, Query, minimum = 1, maximum = 60, description = "The minute that goes on and those before it; 30 without it."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 50, description = "So many items; 10 without it."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses((status = 200, body = PopularItems), (status = "default", body = ProblemDocument)))]
pub(crate) async fn most_bought(
    State(state): State<QueryState>,
    MaybeCaller(caller): MaybeCaller,
    at_least: AtLeast,
    mut params: Params,
) -> Result<Response, Problem> {
    let minutes = params.parsed("minutes", "out_of_range", |text| match text.parse() {
        Ok(minutes @ 1..=most_bought::MOST_MINUTES) => Ok(minutes),
        Ok(_) | Err(_) => Err("must be a whole number from 1 to 60"),
    });
    let limit = limit(&mut params);
    params.finish()?;
    state.at_least(&at_least).await?;
    let anew = !at_least.0.is_empty();
    let counts = state.popular.of(&state, minutes.unwrap_or(30), anew).await?;
    answer(&state, &counts, limit, caller.as_ref()).await
}

/// The items that are most often in the same confirmed order as this one, whatever became of the order.
#[utoipa::path(get, path = "/v1/items/{itemId}/bought-together", tag = "Analytics", operation_id = "listBoughtTogether",
    params(
        ("itemId" = String, Path),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 50, description = "So many items; 10 without it."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses((status = 200, body = PopularItems), (status = "default", body = ProblemDocument)))]
pub(crate) async fn bought_together(
    State(state): State<QueryState>,
    MaybeCaller(caller): MaybeCaller,
    PathIds(id): PathIds<ItemId>,
    at_least: AtLeast,
    mut params: Params,
) -> Result<Response, Problem> {
    let limit = limit(&mut params);
    params.finish()?;
    state.at_least(&at_least).await?;
    item::get(&*state.views, &id).await.map_err(store_problem)?.ok_or_else(not_found)?;
    let counts = together::top(&*state.views, state.log.shards(), &id, LOOKED_AT).await.map_err(store_problem)?;
    answer(&state, &counts, limit, caller.as_ref()).await
}

fn limit(params: &mut Params) -> usize {
    let limit = params.parsed("limit", "out_of_range", |text| match text.parse() {
        Ok(limit @ 1..=MOST) => Ok(limit),
        Ok(_) | Err(_) => Err("must be a whole number from 1 to 50"),
    });
    limit.unwrap_or(USUAL)
}

/// The first of them that are in sale.
async fn answer(
    state: &QueryState,
    counts: &[(ItemId, u64)],
    limit: usize,
    caller: Option<&Caller>,
) -> Result<Response, Problem> {
    let ids: Vec<ItemId> = counts.iter().map(|(item, _)| item.clone()).collect();
    let rows = item::get_many(&*state.views, &ids).await.map_err(store_problem)?;
    let sees_count = caller.is_some_and(|caller| match caller.role {
        Role::Operator | Role::Analyst | Role::Service | Role::Engine => true,
        Role::Shopper | Role::Store | Role::Supplier | Role::Warehouse => false,
    });
    let items = rows.into_iter().zip(counts).filter_map(|(row, (_, count))| {
        let item = ItemAnswer::of(row?, caller).filter(ItemAnswer::is_listed)?;
        Some(PopularItem { item, count: sees_count.then_some(*count) })
    });
    let items = items.take(limit).collect();
    Ok((kept(caller), Json(PopularItems { items, limit })).into_response())
}

/// Anybody may keep what everybody is told, as long as it was kept here.
fn kept(caller: Option<&Caller>) -> [(HeaderName, HeaderValue); 2] {
    let kept = if caller.is_some() { "private, no-store" } else { "public, max-age=5" };
    [(header::CACHE_CONTROL, HeaderValue::from_static(kept)), (header::VARY, HeaderValue::from_static("authorization"))]
}
