//! Turnover by day, store and currency: for operators and analysts, and for a store its own.

use crate::{QueryState, not_kept, store_problem};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use edge::{AtLeast, Authenticated, Page, Params, Problem, ProblemDocument, openapi::MoneySchema, require};
use read_model::views::sales::turnover::{self, ByCurrency, Day, Takings};
use schemas::{Caller, Currency, Money, Role, StoreId, Timestamp, money::MAX_EXACT};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most days that can be asked for.
const MOST_DAYS: i64 = 366;
/// Days that are told of where nothing else is asked for.
const USUAL_DAYS: i64 = 7;
/// Days that are read for one page.
const DAYS_READ: usize = 31;

/// A page of turnover: by day, then store (what the shop itself sells first), then currency.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TurnoverList {
    turnover: Vec<TurnoverAnswer>,
    /// Where the next page begins; null at the end. A page may have fewer entries than asked for.
    next_cursor: Option<String>,
    limit: usize,
}

/// What a store took on a day, in one currency. What is cancelled or comes back counts on the day on which that happens.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Turnover)]
struct TurnoverAnswer {
    /// In UTC, by the time of the event.
    #[schema(example = "2026-01-31")]
    day: String,
    /// Absent: what the shop itself sells, adjustments of orders as a whole, and refunds by operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    store: Option<StoreId>,
    /// Orders confirmed; one with lines of two stores counts at both.
    orders: i64,
    /// Units in them.
    units: i64,
    /// Units that were cancelled or came back.
    units_back: i64,
    /// Lines with their own adjustments, as they were confirmed.
    #[schema(value_type = MoneySchema)]
    gross: Money,
    /// What was cancelled after its confirmation.
    #[schema(value_type = MoneySchema)]
    cancelled: Money,
    /// What came back.
    #[schema(value_type = MoneySchema)]
    returned: Money,
    /// What operators gave back beside that.
    #[schema(value_type = MoneySchema)]
    refunded: Money,
    /// Gross less all of these.
    #[schema(value_type = MoneySchema)]
    net: Money,
}

/// Where a page goes on: in that day, after that store and currency.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Place {
    day: i64,
    after: Option<(Option<StoreId>, String)>,
}

struct Query {
    first: i64,
    last: i64,
    store: Option<StoreId>,
    currency: Option<Currency>,
    page: Page,
}

impl Query {
    fn read(mut params: Params, now: Timestamp) -> Result<Self, Problem> {
        let to = params.parsed("to", "invalid_value", day);
        let from = params.parsed("from", "invalid_value", day);
        let store = params.id("store", StoreId::parse);
        let currency = params.parsed("currency", "invalid_value", Currency::parse);
        let page = params.page();
        let last = to.unwrap_or_else(|| Day::of(now).0);
        let first = from.unwrap_or(last - (USUAL_DAYS - 1));
        if !(0..MOST_DAYS).contains(&(last - first)) {
            params.fault::<()>("from", "out_of_range", "must be a day up to `to`, and at most 366 days of both");
        }
        params.finish()?;
        Ok(Self { first, last, store, currency, page })
    }

    fn name(&self) -> String {
        format!("turnover|{}|{}|{:?}|{:?}", self.first, self.last, self.store, self.currency)
    }
}

/// Reads `2026-01-31`.
fn day(text: &str) -> Result<i64, &'static str> {
    let time = if text.len() == 10 { Timestamp::parse(&format!("{text}T00:00:00Z")).ok() } else { None };
    time.map(|time| Day::of(time).0).ok_or("must be a day such as 2026-01-31")
}

/// Turnover by day, store and currency.
#[utoipa::path(get, path = "/v1/analytics/turnover", tag = "Analytics", operation_id = "listTurnover",
    params(
        ("from" = Option<String>, Query, description = "The first day (UTC), such as `2026-01-25`; six days before `to` without it."),
        ("to" = Option<String>, Query, description = "The last day, itself included; today without it."),
        ("store" = Option<String>, Query, description = "Of this store only. A store's own token needs none."),
        ("currency" = Option<String>, Query, description = "In this currency only."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Entries of a page; 50 without it. A page may have fewer."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses((status = 200, body = TurnoverList), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn turnover(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    at_least: AtLeast,
    params: Params,
) -> Result<Response, Problem> {
    let mut query = Query::read(params, state.edge.now())?;
    query.store = seen(&caller, query.store)?;
    let name = query.name();
    let from: Option<Place> =
        query.page.cursor.as_ref().map(|cursor| state.edge.cursors().open(&name, cursor)).transpose()?;
    state.at_least(&at_least).await?;
    let (turnover, next) = page(&state, &query, from).await?;
    let next_cursor = next.map(|place| state.edge.cursors().seal(&name, &place));
    Ok((not_kept(), Json(TurnoverList { turnover, next_cursor, limit: query.page.limit })).into_response())
}

/// Of which store the caller may know, of those that they ask for.
fn seen(caller: &Caller, asked: Option<StoreId>) -> Result<Option<StoreId>, Problem> {
    require(caller, &[Role::Store, Role::Analyst, Role::Operator])?;
    if caller.role != Role::Store {
        return Ok(asked);
    }
    match (&caller.store, asked) {
        (Some(own), None) => Ok(Some(own.clone())),
        (Some(own), Some(asked)) if *own == asked => Ok(Some(asked)),
        _ => Err(Problem::forbidden("a store sees its own turnover only")),
    }
}

async fn page(
    state: &QueryState,
    query: &Query,
    from: Option<Place>,
) -> Result<(Vec<TurnoverAnswer>, Option<Place>), Problem> {
    let (begin, mut after) = from.map_or((query.first, None), |place| (place.day, place.after));
    let (mut found, mut last) = (Vec::new(), None);
    for (days_read, day) in (begin..=query.last).enumerate() {
        if days_read == DAYS_READ {
            return Ok((found, Some(Place { day, after: None })));
        }
        let after = after.take();
        for (store, by_currency) in of_day(state, query, Day(day)).await? {
            for (code, takings) in by_currency {
                let place = (store.clone(), code);
                let Ok(currency) = Currency::parse(&place.1) else { continue };
                let is_wanted = query.currency.is_none_or(|wanted| wanted == currency);
                if !is_wanted || after.as_ref().is_some_and(|after| place <= *after) {
                    continue;
                }
                if found.len() == query.page.limit {
                    return Ok((found, last));
                }
                found.push(of_takings(Day(day), store.clone(), currency, &takings));
                last = Some(Place { day, after: Some(place) });
            }
        }
    }
    Ok((found, None))
}

async fn of_day(state: &QueryState, query: &Query, day: Day) -> Result<BTreeMap<Option<StoreId>, ByCurrency>, Problem> {
    let (views, shards) = (&*state.views, state.log.shards());
    match &query.store {
        Some(store) => {
            let takings = turnover::of_store(views, shards, day, store).await.map_err(store_problem)?;
            Ok(BTreeMap::from([(Some(store.clone()), takings)]))
        }
        None => turnover::of_all(views, shards, day).await.map_err(store_problem),
    }
}

fn of_takings(day: Day, store: Option<StoreId>, currency: Currency, takings: &Takings) -> TurnoverAnswer {
    // Beyond what JSON readers keep exactly no sum is told: the largest that is.
    let money =
        |minor: i64| Money::new(minor.clamp(-MAX_EXACT, MAX_EXACT), currency).unwrap_or_else(|_| Money::zero(currency));
    TurnoverAnswer {
        day: day.begin().to_string().chars().take(10).collect(),
        store,
        orders: takings.orders,
        units: takings.units,
        units_back: takings.units_back,
        gross: money(takings.gross),
        cancelled: money(takings.cancelled),
        returned: money(takings.returned),
        refunded: money(takings.refunded),
        net: money(takings.net()),
    }
}
