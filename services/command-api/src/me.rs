//! What shoppers say of themselves: where, how and of what they want to be told. The e-mail address is sealed before it
//! is submitted.

use crate::{
    CommandState,
    answer::unexpected,
    asker::{Asker, effect_id},
    roles,
    stores::{email, sealed},
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use edge::{
    Fields, FromFields, JsonBody, Problem, ProblemDocument,
    fields::{Node, Read as _, boolean, id, list, nested, text},
};
use schemas::{
    Command, ReplyBody, StoreId,
    shopper::{Channels, NotificationSettings, PutShopper, ShopperCommand, ShopperFacts},
    store::EmailAddress,
};
use serde::Serialize;
use std::{collections::BTreeSet, fmt};
use utoipa::ToSchema;
use uuid::Uuid;

/// Where it is read.
const ME_URL: &str = "/v1/me";
/// The longest tag of a language that is taken.
const LONGEST_LOCALE: usize = 35;
/// The most stores that a shopper mutes: as many as they may follow.
const MOST_MUTED: usize = 1_000;

/// How a topic of notifications reaches the caller: both ways unless said otherwise.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(as = NotificationChannels, rename_all = "camelCase")]
pub(crate) struct ChannelsBody {
    /// Into `GET /notifications`.
    #[schema(value_type = Option<bool>)]
    in_app: bool,
    /// By e-mail, where an address is set.
    #[schema(value_type = Option<bool>)]
    email: bool,
}

impl FromFields for ChannelsBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let in_app = fields.opt("inApp", boolean).unwrap_or(true);
        let email = fields.opt("email", boolean).unwrap_or(true);
        Some(Self { in_app, email })
    }
}

impl From<ChannelsBody> for Channels {
    fn from(body: ChannelsBody) -> Self {
        Self { in_app: body.in_app, email: body.email }
    }
}

/// What the caller wants to be told of, and how.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(as = NotificationSettings, rename_all = "camelCase")]
pub(crate) struct SettingsBody {
    /// Drops of stores that they follow, changes of them, and the own turn in a waiting room.
    drops: Option<ChannelsBody>,
    /// Payments, shipments and refunds of the own orders.
    orders: Option<ChannelsBody>,
}

impl FromFields for SettingsBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let drops = fields.opt("drops", nested::<ChannelsBody>);
        let orders = fields.opt("orders", nested::<ChannelsBody>);
        Some(Self { drops, orders })
    }
}

impl From<SettingsBody> for NotificationSettings {
    fn from(body: SettingsBody) -> Self {
        let channels = |body: Option<ChannelsBody>| body.map_or_else(Channels::default, Channels::from);
        Self { drops: channels(body.drops), orders: channels(body.orders) }
    }
}

/// What a shopper says of themselves, whole: what is left out is not set any more.
#[derive(ToSchema)]
#[schema(as = PersonFacts, rename_all = "camelCase")]
pub(crate) struct MeBody {
    /// Where messages go; without it there is no e-mail. Shown to the caller only, and stored as ciphertext.
    #[schema(value_type = Option<String>, format = "email")]
    email: Option<EmailAddress>,
    /// The language of messages, a BCP 47 tag such as `de-CH`.
    #[schema(max_length = 35)]
    locale: Option<String>,
    /// The zone of times in messages, an IANA name such as `Europe/Zurich`.
    time_zone: Option<String>,
    notifications: Option<SettingsBody>,
    /// Stores of which the caller wants to hear nothing; at most 1,000.
    #[schema(value_type = Option<Vec<String>>)]
    muted_stores: BTreeSet<StoreId>,
}

// Never prints the address.
impl fmt::Debug for MeBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeBody").field("locale", &self.locale).finish_non_exhaustive()
    }
}

/// A tag of the form of BCP 47: a language, then subtags; which of them exist is not looked up.
fn locale(node: &Node<'_>) -> Option<String> {
    let tag = text(2..=LONGEST_LOCALE).read(node)?;
    let mut subtags = tag.split('-');
    let is_language =
        |subtag: &str| (2..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_subtag =
        |subtag: &str| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_tag = subtags.next().is_some_and(is_language) && subtags.all(is_subtag);
    if is_tag { Some(tag) } else { node.fault("invalid_locale", "must be a language tag such as `en` or `de-CH`") }
}

/// A zone of the IANA's database, with exactly that name.
fn time_zone(node: &Node<'_>) -> Option<String> {
    let name = text(1..=64).read(node)?;
    if name.parse::<chrono_tz::Tz>().is_ok() {
        return Some(name);
    }
    node.fault("invalid_time_zone", "must be the IANA name of a time zone, such as `Europe/Zurich`")
}

impl FromFields for MeBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.opt("email", email);
        let locale = fields.opt("locale", locale);
        let time_zone = fields.opt("timeZone", time_zone);
        let notifications = fields.opt("notifications", nested::<SettingsBody>);
        let muted_stores = fields.opt("mutedStores", list(0..=MOST_MUTED, id(StoreId::parse))).unwrap_or_default();
        Some(Self { email, locale, time_zone, notifications, muted_stores: muted_stores.into_iter().collect() })
    }
}

/// A shopper after they were written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PersonWritten)]
pub(crate) struct MeAnswer {
    /// Rises with every change.
    version: u64,
}

/// Sets what the caller says of themselves: where, how and of what they want to be told.
#[utoipa::path(put, path = "/v1/me", tag = "People", operation_id = "putMe", request_body = MeBody,
    responses((status = 201, body = MeAnswer, description = "Said for the first time"), (status = 200, body = MeAnswer),
        (status = "default", body = ProblemDocument)))]
pub(crate) async fn put(
    State(state): State<CommandState>,
    asker: Asker,
    body: JsonBody<MeBody>,
) -> Result<Response, Problem> {
    roles::person(&asker.caller)?;
    // The digest is taken before the address is sealed, which never gives the same text twice.
    let id = effect_id(&Uuid::new_v4().to_string());
    let effect = state.edge.effects().named(id, "put me", &body.canonical());
    let shopper = asker.caller.subject.clone();
    let MeBody { email, locale, time_zone, notifications, muted_stores } = body.content;
    let email = match email {
        Some(email) => Some(sealed(&state, &shopper, &email).await?),
        None => None,
    };
    let notifications = notifications.map_or_else(NotificationSettings::default, NotificationSettings::from);
    let facts = ShopperFacts { email, locale, time_zone, notifications, muted_stores };
    let render = |reply| match reply {
        ReplyBody::Shopper(reply) => {
            let status = if reply.created { StatusCode::CREATED } else { StatusCode::OK };
            Ok((status, Json(MeAnswer { version: reply.version })))
        }
        other => Err(unexpected(&other)),
    };
    let command = ShopperCommand::Put(PutShopper { effect, facts });
    state.answer(asker, Command::Shopper { shopper, command }, || ME_URL.to_owned(), render).await
}
