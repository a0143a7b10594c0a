//! Stock: what is available for everybody, all of it for those who keep it.

use crate::{
    QueryState,
    access::{self, StockSight},
    items::not_found,
    not_kept, store_problem,
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use edge::{AtLeast, MaybeCaller, Page, Params, PathIds, Problem, ProblemDocument};
use read_model::views::{
    item::{self, ItemRow},
    stock::{self, StockRow},
    stock_history::{self, AsOf},
};
use schemas::{
    Caller, ItemId, LocationId, ParseError, Position, PositionToken, Timestamp,
    item::{ItemKind, LocationLevels, StockLevels},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The stock of an item. Everybody sees `available`; the rest is for who keeps the stock.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Stock)]
pub(crate) struct StockAnswer {
    #[schema(value_type = String)]
    item_id: ItemId,
    /// Units that can be bought; null for a digital item. Below zero (for who keeps the stock) while units are missing.
    available: Option<i64>,
    #[serde(flatten)]
    #[schema(value_type = FullStock)]
    full: Option<FullStock>,
}

/// What who keeps the stock sees.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FullStock {
    /// Sellable, damaged and in quality control.
    #[schema(required = false)]
    on_hand: u64,
    /// Reserved by active holds.
    #[schema(required = false)]
    held: u64,
    /// Ordered, not yet bound to a location.
    #[schema(required = false)]
    committed: u64,
    /// Lent to drops.
    #[schema(required = false)]
    allotted: u64,
    /// Kept back from sale.
    #[schema(required = false)]
    safety: u64,
    #[schema(required = false)]
    locations: Vec<LocationAnswer>,
    /// The newest event in it; none where there never was one.
    #[schema(value_type = Option<String>, example = "inventory.events.v1/3@17")]
    position: Option<Position>,
    /// When that was.
    #[schema(value_type = Option<String>, format = DateTime)]
    as_of: Option<Timestamp>,
}

/// The stock at one location.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LocationStock)]
pub(crate) struct LocationAnswer {
    #[schema(value_type = String)]
    location: LocationId,
    /// Can be sold; allocated units stay in it until they ship.
    sellable: u64,
    damaged: u64,
    quality_control: u64,
    /// Bound to sub-orders.
    allocated: u64,
    /// On its way here.
    incoming: u64,
    /// Units of these that are ordered: they are allocated when they arrive.
    forwarded: u64,
}

impl From<LocationLevels> for LocationAnswer {
    fn from(levels: LocationLevels) -> Self {
        let LocationLevels { location, sellable, damaged, quality_control, allocated, incoming, forwarded } = levels;
        Self { location, sellable, damaged, quality_control, allocated, incoming, forwarded }
    }
}

/// The stock of several items.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StockList {
    /// In the order asked, without the items that nobody knows.
    items: Vec<StockAnswer>,
}

/// What a caller sees of an item's stock; none where there is no such item for that caller.
fn answer(caller: Option<&Caller>, item: Option<&ItemRow>, stock: Option<StockRow>) -> Option<StockAnswer> {
    let sight = access::stock_sight(caller, access::owner(item));
    let published = item.and_then(ItemRow::published);
    let digital = published.is_some_and(|(catalog, _)| catalog.kind == ItemKind::Digital);
    let item_id =
        item.map(|item| item.item_id.clone()).or_else(|| stock.as_ref().map(|stock| stock.item_id.clone()))?;
    match sight {
        StockSight::Available => {
            let (catalog, _) = published?;
            let available = stock.map_or(0, |stock| stock.levels.available);
            let available = crate::items::available(catalog.kind, available);
            Some(StockAnswer { item_id, available: available.and_then(|units| i64::try_from(units).ok()), full: None })
        }
        StockSight::Full => {
            let none = (StockLevels::default(), BTreeMap::new(), None, None);
            let (levels, locations, position, as_of) =
                stock.map_or(none, |stock| (stock.levels, stock.locations, Some(stock.position), Some(stock.time)));
            let StockLevels { available, on_hand, held, committed, allotted, safety } = levels;
            let locations = locations.into_values().map(LocationAnswer::from).collect();
            let full = FullStock { on_hand, held, committed, allotted, safety, locations, position, as_of };
            Some(StockAnswer { item_id, available: (!digital).then_some(available), full: Some(full) })
        }
    }
}

/// The stock of up to 200 items.
#[utoipa::path(get, path = "/v1/stock", tag = "Stock", operation_id = "listStock",
    params(
        ("items" = String, Query, description = "Up to 200 ids, separated by commas."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses((status = 200, body = StockList), (status = "default", body = ProblemDocument)),
    security((), ("bearer" = [])))]
pub(crate) async fn list(
    State(state): State<QueryState>,
    MaybeCaller(caller): MaybeCaller,
    at_least: AtLeast,
    mut params: Params,
) -> Result<Response, Problem> {
    let ids = params.ids("items", Page::MAX, ItemId::parse);
    let ids = params.require("items", ids);
    params.finish()?;
    let ids = ids.unwrap_or_default();
    state.at_least(&at_least).await?;
    let views = &*state.views;
    let items = item::get_many(views, &ids).await.map_err(store_problem)?;
    let stocks = stock::get_many(views, &ids).await.map_err(store_problem)?;
    let rows = items.into_iter().zip(stocks);
    let items = rows.filter_map(|(item, stock)| answer(caller.as_ref(), item.as_ref(), stock)).collect();
    Ok((not_kept(), Json(StockList { items })).into_response())
}

/// The stock of an item, now or as of a point in the past.
#[utoipa::path(get, path = "/v1/items/{itemId}/stock", tag = "Stock", operation_id = "getStock",
    params(
        ("itemId" = String, Path),
        ("asOf" = Option<String>, Query, description = "An RFC 3339 time, or a position such as `inventory.events.v1/3@17`. Only for who keeps the stock."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses((status = 200, body = StockAnswer), (status = "default", body = ProblemDocument)),
    security((), ("bearer" = [])))]
pub(crate) async fn get(
    State(state): State<QueryState>,
    MaybeCaller(caller): MaybeCaller,
    PathIds(id): PathIds<ItemId>,
    at_least: AtLeast,
    mut params: Params,
) -> Result<Response, Problem> {
    let as_of = params.parsed("asOf", "invalid_value", point);
    params.finish()?;
    state.at_least(&at_least).await?;
    let views = &*state.views;
    let item = item::get(views, &id).await.map_err(store_problem)?;
    let stock = match as_of {
        None => stock::get(views, &id).await,
        Some(at) => {
            access::require_full(caller.as_ref(), access::owner(item.as_ref()))?;
            check_partition(&state, &id, at)?;
            if let AsOf::Position(at) = at {
                // What the views have not folded yet they cannot tell.
                let mut token = PositionToken::default();
                token.add(at);
                state.progress.wait(&token).await?;
            }
            stock_history::as_of(views, &id, at).await
        }
    };
    let stock = stock.map_err(store_problem)?;
    let answer = answer(caller.as_ref(), item.as_ref(), stock).ok_or_else(not_found)?;
    Ok((not_kept(), Json(answer)).into_response())
}

fn point(text: &str) -> Result<AsOf, ParseError> {
    Position::parse(text).map(AsOf::Position).or_else(|_| Timestamp::parse(text).map(AsOf::Time))
}

/// A position of another partition says nothing of this item.
fn check_partition(state: &QueryState, item: &ItemId, at: AsOf) -> Result<(), Problem> {
    let AsOf::Position(at) = at else { return Ok(()) };
    let partition = state.log.shards().of_key(item.as_str()).0;
    if (at.topic, at.partition) == (schemas::Topic::InventoryEvents, partition) {
        return Ok(());
    }
    let detail = format!("the events of this item are in {}/{partition}", schemas::Topic::InventoryEvents);
    Err(Problem::bad_request("invalid_position", detail))
}
