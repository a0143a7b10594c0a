//! Drops: public, cached by entity tag. Those that were never scheduled are for their own store and who acts for the shop.

mod answer;
pub(crate) mod queue;

use crate::{QueryState, access, pager::Pager, store_problem};
use answer::{DropAnswer, DropList};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use edge::{AtLeast, ETag, MaybeCaller, Page, Params, PathIds, Problem, ProblemDocument, not_modified};
use read_model::views::{
    drop::{self, DropRow},
    drops::{self, DropPlace},
};
use schemas::{
    Caller, DropId, Rejection, StoreId,
    drop::{DropRejection, DropStatus},
};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// What a list of drops is asked for.
struct Query {
    status: Option<DropStatus>,
    store: Option<StoreId>,
    page: Page,
}

impl Query {
    fn read(mut params: Params) -> Result<Self, Problem> {
        let words = DropStatus::ALL.map(|status| (status.as_str(), status));
        let query = Self {
            status: params.word("status", &words),
            store: params.id("store", StoreId::parse),
            page: params.page(),
        };
        params.finish()?;
        Ok(query)
    }

    fn passes(&self, caller: Option<&Caller>, row: &DropRow) -> bool {
        access::sees_drop(caller, row) && self.status.is_none_or(|status| row.status == status)
    }

    /// Names the list in its cursors: another filter is another list.
    fn name(&self) -> String {
        format!("drops|{:?}|{:?}", self.status, self.store)
    }

    async fn keys(
        &self,
        state: &QueryState,
        after: Option<&DropPlace>,
        count: usize,
    ) -> Result<Vec<DropPlace>, Problem> {
        let keys = match &self.store {
            Some(store) => drops::of_store(&*state.views, store, after, count).await,
            None => drops::all(&*state.views, after, count).await,
        };
        keys.map_err(store_problem)
    }
}

/// Drops, the latest start first.
#[utoipa::path(get, path = "/v1/drops", tag = "Drops", operation_id = "listDrops",
    params(
        ("status" = Option<String>, Query, description = "Only drops of this status."),
        ("store" = Option<String>, Query, description = "Only drops of this store; with a token of it also those that were not scheduled."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Entries of a page; 50 without it. Under a narrow filter a page may have fewer."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
        ("If-None-Match" = Option<String>, Header, description = "The ETag that is known: 304 where it has not changed."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses(
        (status = 200, body = DropList, headers(("ETag" = String, description = "Of the page."))),
        (status = 304, description = "Not changed."),
        (status = "default", body = ProblemDocument)))]
pub(crate) async fn list(
    State(state): State<QueryState>,
    MaybeCaller(caller): MaybeCaller,
    at_least: AtLeast,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = Query::read(params)?;
    let caller = caller.as_ref();
    state.at_least(&at_least).await?;
    let after = match &query.page.cursor {
        Some(cursor) => {
            let (starts_at, drop_id) = state.edge.cursors().open(&query.name(), cursor)?;
            Some(DropPlace { starts_at, drop_id })
        }
        None => None,
    };
    let mut pager = Pager::new(query.page.limit, after);
    let mut ended = false;
    while let Some((after, count)) = pager.next().filter(|_| !ended) {
        let places = query.keys(&state, after, count).await?;
        ended = places.len() < count;
        let ids: Vec<DropId> = places.iter().map(|place| place.drop_id.clone()).collect();
        let rows = drop::get_many(&*state.views, &ids).await.map_err(store_problem)?;
        for (place, row) in places.into_iter().zip(rows) {
            pager.look(place, row.filter(|row| query.passes(caller, row)));
        }
    }
    let (rows, next) = pager.page(ended);
    let next_cursor = next.map(|place| state.edge.cursors().seal(&query.name(), &(place.starts_at, place.drop_id)));
    let tag = tag_of(&rows, next_cursor.as_deref());
    if not_modified(&headers, tag) {
        return Ok((StatusCode::NOT_MODIFIED, kept(caller, tag)).into_response());
    }
    let drops = rows.into_iter().map(DropAnswer::from).collect();
    Ok((kept(caller, tag), Json(DropList { drops, next_cursor, limit: query.page.limit })).into_response())
}

/// The tag of a page: how many drops it has, and which version of each.
fn tag_of(rows: &[DropRow], next_cursor: Option<&str>) -> ETag {
    let mut hasher = DefaultHasher::new();
    rows.iter().for_each(|row| (row.drop_id.as_str(), row.seq).hash(&mut hasher));
    next_cursor.hash(&mut hasher);
    ETag { catalog: rows.len() as u64, row: hasher.finish() }
}

/// A drop.
///
/// `remaining`, `held` and `sold` of each item change with every claim; follow them live rather than by asking again. `seed` is
/// there once the drop has opened: it proves the draw, `seedHash` is its SHA-256.
#[utoipa::path(get, path = "/v1/drops/{dropId}", tag = "Drops", operation_id = "getDrop",
    params(
        ("dropId" = String, Path),
        ("If-None-Match" = Option<String>, Header, description = "The ETag that is known: 304 where it has not changed."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses(
        (status = 200, body = DropAnswer, headers(("ETag" = String, description = "`\"<version>.<row version>\"`"))),
        (status = 304, description = "Not changed."),
        (status = "default", body = ProblemDocument)))]
pub(crate) async fn get(
    State(state): State<QueryState>,
    MaybeCaller(caller): MaybeCaller,
    PathIds(id): PathIds<DropId>,
    at_least: AtLeast,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    params.finish()?;
    state.at_least(&at_least).await?;
    let caller = caller.as_ref();
    let row = seen(&state, caller, &id).await?;
    let tag = ETag { catalog: row.version, row: row.seq };
    if not_modified(&headers, tag) {
        return Ok((StatusCode::NOT_MODIFIED, kept(caller, tag)).into_response());
    }
    Ok((kept(caller, tag), Json(DropAnswer::from(row))).into_response())
}

/// A drop that the caller may know of; 404 for any other, as for one that is not there.
pub(crate) async fn seen(state: &QueryState, caller: Option<&Caller>, id: &DropId) -> Result<DropRow, Problem> {
    let row = drop::get(&*state.views, id).await.map_err(store_problem)?;
    row.filter(|row| access::sees_drop(caller, row)).ok_or_else(not_found)
}

fn not_found() -> Problem {
    Rejection::Drop(DropRejection::DropNotFound).into()
}

/// Anybody may keep what everybody is told, and asks each time whether it still holds.
fn kept(caller: Option<&Caller>, tag: ETag) -> [(header::HeaderName, HeaderValue); 3] {
    let kept = if caller.is_some() { "private, no-cache" } else { "public, no-cache" };
    [
        (header::CACHE_CONTROL, HeaderValue::from_static(kept)),
        (header::VARY, HeaderValue::from_static("authorization")),
        (header::ETAG, tag.header()),
    ]
}
