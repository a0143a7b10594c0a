//! The stock ledger: every change, with cause, actor and document.

use crate::{QueryState, access, items::not_found, not_kept, stock::LocationAnswer, store_problem};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use edge::{AtLeast, Authenticated, Params, PathIds, Problem, ProblemDocument};
use read_model::views::{
    item,
    ledger::{self, LedgerBucket, LedgerKind, LedgerRow},
};
use schemas::{CommandId, EffectId, ItemId, Position, Timestamp};
use serde::Serialize;

/// A change of an item's stock.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LedgerEntry {
    /// Where the event stands in the log.
    #[schema(value_type = String, example = "inventory.events.v1/3@17")]
    position: Position,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// What happened, such as `stock_received` or `hold_granted`.
    #[schema(value_type = String, example = "stock_received")]
    kind: LedgerKind,
    /// Units that it moved; of a count what it added or (below zero) took, of the safety stock the new number.
    quantity: i64,
    /// What they were counted as, such as `sellable` or `held`, where the kind does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "sellable")]
    from: Option<LedgerBucket>,
    /// What they are counted as from then on, where the kind does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "damaged")]
    to: Option<LedgerBucket>,
    /// Over all locations, after it.
    buckets_after: LevelsAnswer,
    /// The locations that it touched, after it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations_after: Vec<LocationAnswer>,
    /// Role and pseudonym of who caused it.
    actor: String,
    /// The command that caused it.
    #[schema(value_type = String)]
    cause: CommandId,
    /// Whose units: `order/<order>/<attempt>`, `drop/<drop>/<claim>` or `free/<caller>/<id>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<String>,
    /// The receipt, count, move, shipment or other effect that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    effect_id: Option<EffectId>,
    /// A document, or a foreign system's reference.
    reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Stock over all locations.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StockLevels)]
pub(crate) struct LevelsAnswer {
    available: i64,
    on_hand: u64,
    held: u64,
    committed: u64,
    allotted: u64,
    safety: u64,
}

impl From<LedgerRow> for LedgerEntry {
    fn from(row: LedgerRow) -> Self {
        let schemas::item::StockLevels { available, on_hand, held, committed, allotted, safety } = row.levels;
        Self {
            position: row.position,
            time: row.time,
            kind: row.kind,
            quantity: row.quantity,
            from: row.from,
            to: row.to,
            buckets_after: LevelsAnswer { available, on_hand, held, committed, allotted, safety },
            locations_after: row.places.into_iter().map(LocationAnswer::from).collect(),
            actor: row.actor,
            cause: row.cause,
            hold: row.hold,
            effect_id: row.effect,
            reference: row.reference,
            reason: row.reason,
        }
    }
}

/// A page of the ledger, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LedgerList {
    entries: Vec<LedgerEntry>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
    limit: usize,
}

/// The ledger of an item, newest first.
#[utoipa::path(get, path = "/v1/items/{itemId}/ledger", tag = "Stock", operation_id = "getLedger",
    params(
        ("itemId" = String, Path),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses((status = 200, body = LedgerList), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn list(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    PathIds(id): PathIds<ItemId>,
    at_least: AtLeast,
    mut params: Params,
) -> Result<Response, Problem> {
    let page = params.page();
    params.finish()?;
    let name = format!("ledger|{id}");
    let before = page.cursor.as_ref().map(|cursor| state.edge.cursors().open::<u64>(&name, cursor)).transpose()?;
    state.at_least(&at_least).await?;
    let views = &*state.views;
    let item = item::get(views, &id).await.map_err(store_problem)?;
    access::require_full(Some(&caller), access::owner(item.as_ref()))?;
    if item.is_none() {
        return Err(not_found());
    }
    let mut rows = ledger::page(views, &id, before, page.limit + 1).await.map_err(store_problem)?;
    let more = rows.len() > page.limit;
    rows.truncate(page.limit);
    let next = rows.last().filter(|_| more).map(|row| row.position.seq);
    let next_cursor = next.map(|seq| state.edge.cursors().seal(&name, &seq));
    let entries = rows.into_iter().map(LedgerEntry::from).collect();
    Ok((not_kept(), Json(LedgerList { entries, next_cursor, limit: page.limit })).into_response())
}
