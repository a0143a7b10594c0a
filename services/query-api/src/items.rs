//! Items: public, cached by entity tag.

use crate::{QueryState, access, pager::Pager, store_problem};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use edge::{
    AtLeast, ETag, MaybeCaller, Page, Params, PathIds, Problem, ProblemDocument, not_modified, openapi::MoneySchema,
};
use read_model::views::{
    item::{self, ItemRow},
    item_list::{self, ListFilter},
};
use schemas::{Caller, ItemId, Metadata, Money, StoreId, Timestamp, item::ItemKind};
use serde::Serialize;
use serde_json::{Map, Value};

/// An item.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Item)]
pub(crate) struct ItemAnswer {
    #[schema(value_type = String, example = "85123A")]
    item_id: ItemId,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    /// The store that owns it; absent = the shop itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    store: Option<StoreId>,
    /// `physical` or `digital`.
    #[schema(value_type = String, example = "physical")]
    kind: ItemKind,
    #[schema(value_type = MoneySchema)]
    price: Money,
    /// Units that can be bought; null for a digital item, which has no stock.
    available: Option<u64>,
    /// Whether it is in sale.
    listed: bool,
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    attributes: Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<String>,
    /// Where the file of a digital item is: only for who may edit the item, and the shop's own systems.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    #[schema(value_type = Object)]
    metadata: Metadata,
    /// Rises with every edit; the first part of the ETag.
    catalog_version: u64,
    /// When facts, price or sale changed last.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl ItemAnswer {
    /// What a row tells that caller; none where the item was never listed.
    pub fn of(row: ItemRow, caller: Option<&Caller>) -> Option<Self> {
        let (catalog, price) = row.catalog.zip(row.price)?;
        let file = catalog.file.filter(|_| access::sees_file(caller, catalog.store.as_ref()));
        Some(Self {
            item_id: row.item_id,
            available: available(catalog.kind, row.available),
            name: catalog.name,
            description: catalog.description,
            category: catalog.category,
            store: catalog.store,
            kind: catalog.kind,
            price,
            listed: row.listed,
            attributes: catalog.attributes,
            images: catalog.images,
            file,
            metadata: catalog.metadata,
            catalog_version: row.catalog_version,
            changed_at: row.changed_at,
        })
    }

    pub fn is_listed(&self) -> bool {
        self.listed
    }

    fn can_be_bought(&self) -> bool {
        self.listed && self.available.is_none_or(|units| units > 0)
    }
}

/// What buyers are told: a shortfall is none of their business, and a digital item has no number.
pub(crate) fn available(kind: ItemKind, available: i64) -> Option<u64> {
    match kind {
        ItemKind::Physical => Some(u64::try_from(available).unwrap_or(0)),
        ItemKind::Digital => None,
    }
}

/// A page of items.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ItemList {
    items: Vec<ItemAnswer>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
    limit: usize,
}

/// What a list of items is asked for.
struct Query {
    category: Option<String>,
    store: Option<StoreId>,
    available: Option<bool>,
    ids: Option<Vec<ItemId>>,
    attributes: Vec<(String, String)>,
    page: Page,
}

impl Query {
    fn read(mut params: Params) -> Result<Self, Problem> {
        let query = Self {
            category: params.raw("category"),
            store: params.id("store", StoreId::parse),
            available: params.flag("available"),
            ids: params.ids("ids", Page::MAX, ItemId::parse),
            attributes: params.parsed("filter", "invalid_value", attributes).unwrap_or_default(),
            page: params.page(),
        };
        params.word("sort", &[("itemId", ())]);
        if query.ids.is_some() && query.page.cursor.is_some() {
            params.fault::<()>("cursor", "invalid_value", "a list of `ids` has one page");
        }
        params.finish()?;
        Ok(query)
    }

    fn passes(&self, item: &ItemAnswer) -> bool {
        self.category.as_ref().is_none_or(|category| item.category.as_ref() == Some(category))
            && self.store.as_ref().is_none_or(|store| item.store.as_ref() == Some(store))
            && self.available.is_none_or(|available| item.can_be_bought() == available)
            && self.attributes.iter().all(|(name, value)| has_attribute(&item.attributes, name, value))
    }

    /// Names the list in its cursors: another filter is another list.
    fn name(&self) -> String {
        format!("items|{:?}|{:?}|{:?}|{:?}", self.category, self.store, self.available, self.attributes)
    }

    fn keys(&self) -> ListFilter {
        match (&self.store, &self.category) {
            (Some(store), _) => ListFilter::Store(store.clone()),
            (None, Some(category)) => ListFilter::Category(category.clone()),
            (None, None) => ListFilter::All,
        }
    }
}

/// Reads `colour:red,size:M`.
fn attributes(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    let pair = |part: &str| part.split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let pairs: Option<Vec<_>> = text.split(',').map(pair).collect();
    pairs.filter(|pairs| pairs.len() <= 10).ok_or("must be up to ten of attribute:value, separated by commas")
}

fn has_attribute(attributes: &Map<String, Value>, name: &str, wanted: &str) -> bool {
    match attributes.get(name) {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Number(number)) => number.to_string() == wanted,
        Some(Value::Bool(flag)) => wanted == if *flag { "true" } else { "false" },
        Some(Value::Array(values)) => values.iter().any(|value| value.as_str() == Some(wanted)),
        Some(Value::Null | Value::Object(_)) | None => false,
    }
}

/// Items in sale, ordered by id.
#[utoipa::path(get, path = "/v1/items", tag = "Items", operation_id = "listItems",
    params(
        ("category" = Option<String>, Query, description = "Only items of this category."),
        ("store" = Option<String>, Query, description = "Only items of this store."),
        ("available" = Option<bool>, Query, description = "Only items that can be bought now, or cannot."),
        ("ids" = Option<String>, Query, description = "Up to 200 ids, separated by commas: these items, in this order, also if delisted."),
        ("filter" = Option<String>, Query, description = "Attributes, such as `colour:red,size:M`."),
        ("sort" = Option<String>, Query, description = "`itemId`, the only order without search."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Entries of a page; 50 without it. Under a narrow filter a page may have fewer."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses((status = 200, body = ItemList), (status = "default", body = ProblemDocument)))]
pub(crate) async fn list(
    State(state): State<QueryState>,
    MaybeCaller(caller): MaybeCaller,
    at_least: AtLeast,
    params: Params,
) -> Result<Response, Problem> {
    let query = Query::read(params)?;
    let caller = caller.as_ref();
    state.at_least(&at_least).await?;
    let (items, next) = match &query.ids {
        Some(ids) => (by_id(&state, &query, ids, caller).await?, None),
        None => scan(&state, &query, caller).await?,
    };
    let next_cursor = next.map(|place| state.edge.cursors().seal(&query.name(), &place));
    Ok((cached(caller), Json(ItemList { items, next_cursor, limit: query.page.limit })).into_response())
}

async fn by_id(
    state: &QueryState,
    query: &Query,
    ids: &[ItemId],
    caller: Option<&Caller>,
) -> Result<Vec<ItemAnswer>, Problem> {
    let rows = item::get_many(&*state.views, ids).await.map_err(store_problem)?;
    let items = rows.into_iter().flatten().filter_map(|row| ItemAnswer::of(row, caller));
    Ok(items.filter(|item| query.passes(item)).collect())
}

async fn scan(
    state: &QueryState,
    query: &Query,
    caller: Option<&Caller>,
) -> Result<(Vec<ItemAnswer>, Option<ItemId>), Problem> {
    let after = match &query.page.cursor {
        Some(cursor) => Some(state.edge.cursors().open(&query.name(), cursor)?),
        None => None,
    };
    let (keys, views) = (query.keys(), &*state.views);
    let mut pager = Pager::new(query.page.limit, after);
    let mut ended = false;
    while let Some((after, count)) = pager.next().filter(|_| !ended) {
        let ids = item_list::page(views, &keys, after, count).await.map_err(store_problem)?;
        ended = ids.len() < count;
        let rows = item::get_many(views, &ids).await.map_err(store_problem)?;
        for (id, row) in ids.into_iter().zip(rows) {
            pager.look(id, row.and_then(|row| ItemAnswer::of(row, caller)).filter(|item| query.passes(item)));
        }
    }
    Ok(pager.page(ended))
}

/// An item.
#[utoipa::path(get, path = "/v1/items/{itemId}", tag = "Items", operation_id = "getItem",
    params(
        ("itemId" = String, Path),
        ("If-None-Match" = Option<String>, Header, description = "The ETag that is known: 304 where it has not changed."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses(
        (status = 200, body = ItemAnswer, headers(("ETag" = String, description = "`\"<catalog version>.<row version>\"`"))),
        (status = 304, description = "Not changed."),
        (status = "default", body = ProblemDocument)))]
pub(crate) async fn get(
    State(state): State<QueryState>,
    MaybeCaller(caller): MaybeCaller,
    PathIds(id): PathIds<ItemId>,
    at_least: AtLeast,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    params.finish()?;
    state.at_least(&at_least).await?;
    let row = item::get(&*state.views, &id).await.map_err(store_problem)?.ok_or_else(not_found)?;
    let tag = ETag { catalog: row.catalog_version, row: row.seq };
    let caller = caller.as_ref();
    let answer = ItemAnswer::of(row, caller).ok_or_else(not_found)?;
    let tagged = [(header::ETAG, tag.header())];
    if not_modified(&headers, tag) {
        return Ok((StatusCode::NOT_MODIFIED, cached(caller), tagged).into_response());
    }
    Ok((cached(caller), tagged, Json(answer)).into_response())
}

/// Anybody may keep what everybody is told, and asks each time whether it still holds.
fn cached(caller: Option<&Caller>) -> [(header::HeaderName, HeaderValue); 2] {
    let kept = if caller.is_some() { "private, no-cache" } else { "public, no-cache" };
    [(header::CACHE_CONTROL, HeaderValue::from_static(kept)), (header::VARY, HeaderValue::from_static("authorization"))]
}

/// 404.
pub(crate) fn not_found() -> Problem {
    Problem::not_found("item_not_found", "no such item")
}
