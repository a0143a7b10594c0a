//! A shopper's own: what they said of themselves, whom they follow, and what they were told.

use crate::{QueryState, not_kept, personal::opened, store_problem};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use edge::{AtLeast, Authenticated, Page, Params, Problem, ProblemDocument, require};
use read_model::views::{
    follows::{self, Follow},
    inbox::{self, InboxRow},
    shoppers,
};
use schemas::{
    Caller, DropId, EffectId, OrderId, Role, StoreId, Timestamp,
    shopper::{Channels, NotificationKind, ShopperFacts},
    store::EmailAddress,
};
use serde::Serialize;
use std::collections::BTreeSet;

/// How a topic of notifications reaches the caller.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ShownChannels)]
struct ChannelsAnswer {
    in_app: bool,
    email: bool,
}

impl From<Channels> for ChannelsAnswer {
    fn from(Channels { in_app, email }: Channels) -> Self {
        Self { in_app, email }
    }
}

/// What the caller wants to be told of, and how.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ShownNotificationSettings)]
struct SettingsAnswer {
    drops: ChannelsAnswer,
    orders: ChannelsAnswer,
}

/// What a shopper says of themselves.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Person)]
pub(crate) struct MeAnswer {
    /// Where messages go; null where none was set, or it was forgotten.
    #[schema(value_type = Option<String>, format = "email")]
    email: Option<EmailAddress>,
    locale: Option<String>,
    time_zone: Option<String>,
    notifications: SettingsAnswer,
    /// Stores of which they want to hear nothing.
    #[schema(value_type = Vec<String>)]
    muted_stores: BTreeSet<StoreId>,
    /// Rises with every change; 0 while nothing was said.
    version: u64,
}

/// What the caller says of themselves; the defaults where they have said nothing.
#[utoipa::path(get, path = "/v1/me", tag = "People", operation_id = "getMe",
    params(("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token.")),
    responses((status = 200, body = MeAnswer), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn me(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    at_least: AtLeast,
    params: Params,
) -> Result<Response, Problem> {
    require(&caller, &[Role::Shopper])?;
    params.finish()?;
    state.at_least(&at_least).await?;
    let row = shoppers::get(&*state.views, &caller.subject).await.map_err(store_problem)?;
    let (version, facts) = row.map_or((0, ShopperFacts::default()), |row| (row.version, row.facts));
    let ShopperFacts { email, locale, time_zone, notifications, muted_stores } = facts;
    let email = match email {
        Some(sealed) => opened(&state, &sealed).await?,
        None => None,
    };
    let notifications = SettingsAnswer { drops: notifications.drops.into(), orders: notifications.orders.into() };
    let answer = MeAnswer { email, locale, time_zone, notifications, muted_stores, version };
    Ok((not_kept(), Json(answer)).into_response())
}

/// A page of the stores that the caller follows, by id.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FollowList {
    follows: Vec<FollowAnswer>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
    limit: usize,
}

/// A store that is followed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Follow)]
struct FollowAnswer {
    #[schema(value_type = String)]
    store_id: StoreId,
    #[schema(value_type = String, format = DateTime)]
    followed_at: Timestamp,
}

impl From<Follow> for FollowAnswer {
    fn from(Follow { store, followed_at }: Follow) -> Self {
        Self { store_id: store, followed_at }
    }
}

/// The stores that the caller follows, by id.
#[utoipa::path(get, path = "/v1/follows", tag = "People", operation_id = "listFollows",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Entries of a page; 50 without it."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses((status = 200, body = FollowList), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn follows(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    at_least: AtLeast,
    params: Params,
) -> Result<Response, Problem> {
    let Page { limit, cursor } = page_of(&caller, params)?;
    let name = format!("follows|{}", caller.subject);
    let after: Option<StoreId> = cursor.map(|cursor| state.edge.cursors().open(&name, &cursor)).transpose()?;
    state.at_least(&at_least).await?;
    let found = follows::page(&*state.views, &caller.subject, after.as_ref(), limit + 1).await;
    let (found, last) = first_of(found.map_err(store_problem)?, limit, |follow| follow.store.clone());
    let next = last.map(|store| state.edge.cursors().seal(&name, &store));
    let follows = found.into_iter().map(FollowAnswer::from).collect();
    Ok((not_kept(), Json(FollowList { follows, next_cursor: next, limit })).into_response())
}

/// A page of what the caller was told, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotificationList {
    notifications: Vec<NotificationAnswer>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
    limit: usize,
}

/// Something that a shopper was told. It names what it is about: its words are the app's.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Notification)]
pub(crate) struct NotificationAnswer {
    /// The same for the same thing told, and of its e-mail.
    #[schema(value_type = String)]
    notification_id: EffectId,
    /// `drop_scheduled`, `drop_changed`, `drop_cancelled`, `drop_admitted`, `order_confirmed`, `payment_failed`,
    /// `order_shipped` or `order_refunded`.
    #[schema(value_type = String)]
    kind: NotificationKind,
    /// When that happened.
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Timestamp,
    /// When the caller was told.
    #[schema(value_type = String, format = DateTime)]
    told_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    store_id: Option<StoreId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    drop_id: Option<DropId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    order_id: Option<OrderId>,
}

impl From<InboxRow> for NotificationAnswer {
    fn from(InboxRow { told_at, notification, .. }: InboxRow) -> Self {
        Self {
            notification_id: notification.notification_id,
            kind: notification.kind,
            occurred_at: notification.occurred_at,
            told_at,
            store_id: notification.store,
            drop_id: notification.drop,
            order_id: notification.order_id,
        }
    }
}

/// What the caller was told, newest first.
#[utoipa::path(get, path = "/v1/notifications", tag = "People", operation_id = "listNotifications",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Entries of a page; 50 without it."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
        ("Stockfold-At-Least" = Option<String>, Header, description = "Wait until the views are past this token."),
    ),
    responses((status = 200, body = NotificationList), (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn notifications(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    at_least: AtLeast,
    params: Params,
) -> Result<Response, Problem> {
    let Page { limit, cursor } = page_of(&caller, params)?;
    let name = format!("notifications|{}", caller.subject);
    let before: Option<u64> = cursor.map(|cursor| state.edge.cursors().open(&name, &cursor)).transpose()?;
    state.at_least(&at_least).await?;
    let found = inbox::page(&*state.views, &caller.subject, before, limit + 1).await;
    let (found, last) = first_of(found.map_err(store_problem)?, limit, |row| row.seq);
    let next = last.map(|seq| state.edge.cursors().seal(&name, &seq));
    let notifications = found.into_iter().map(NotificationAnswer::from).collect();
    Ok((not_kept(), Json(NotificationList { notifications, next_cursor: next, limit })).into_response())
}

/// The page of a list that only shoppers have.
fn page_of(caller: &Caller, mut params: Params) -> Result<Page, Problem> {
    let page = params.page();
    params.finish()?;
    require(caller, &[Role::Shopper])?;
    Ok(page)
}

/// The first `limit` of what was found, and the place of the last of them where there is more: one more than asked for tells.
fn first_of<T, P>(mut found: Vec<T>, limit: usize, place: impl Fn(&T) -> P) -> (Vec<T>, Option<P>) {
    let has_more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| has_more).map(place);
    (found, last)
}
