//! Forgetting a person: their keys are destroyed, what they asked the shop to keep for them is emptied, and that it was done is
//! on record. What happened to orders and stock stays, without the person.

use crate::{CommandState, Origin, asker::Asker, roles, state::store_problem};
use axum::{Json, extract::State, http::StatusCode, response::IntoResponse, response::Response};
use edge::{
    Fields, FromFields, JsonBody, POSITION, PathIds, Problem, ProblemDocument, fields::boolean,
    position::position_header,
};
use read_model::views::{cart, follows, order, orders_by_shopper};
use schemas::{
    Caller, Command, Effect, OrderId, PositionToken, Role, SubjectId,
    cart::{CartCommand, SetCartLine},
    follows::{FollowsCommand, UnfollowStore},
    order::OrderStatus,
    shopper::{ForgetShopper, ShopperCommand},
};
use serde::Serialize;
use std::fmt::Display;
use utoipa::ToSchema;

/// Keys of a list that are read at once.
const PAGE: usize = 200;
/// The most open orders that are named.
const MOST_NAMED: usize = 100;
/// Commands that are under way at once.
const AT_ONCE: usize = 32;

/// What remains of a forgotten person, and why.
const REMAINS: [&str; 3] = [
    "orders, stock and money as they happened, under the pseudonym: they are the books, and name nobody",
    "notifications in the app, which hold ids only, under the pseudonym",
    "mails that were sent, and what consumers have copied: they are told by stockfold.shoppers.shopper-forgotten.v1",
];

/// How a person is to be forgotten.
#[derive(Debug, ToSchema)]
#[schema(as = Forget, rename_all = "camelCase")]
pub(crate) struct ForgetBody {
    /// Only say what would be done; without it `false`.
    #[schema(value_type = Option<bool>)]
    dry_run: bool,
    /// Also where orders are open, which can then be delivered to no address; without it `false`.
    #[schema(value_type = Option<bool>)]
    force: bool,
}

impl FromFields for ForgetBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let dry_run = fields.opt("dryRun", boolean).unwrap_or(false);
        let force = fields.opt("force", boolean).unwrap_or(false);
        Some(Self { dry_run, force })
    }
}

/// What was done, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Forgotten {
    /// The pseudonym.
    #[schema(value_type = String)]
    subject: SubjectId,
    dry_run: bool,
    /// Keys that are destroyed now, or would be: nothing that they sealed can be read again.
    keys: usize,
    /// Stores that are followed no longer.
    follows: usize,
    /// Lines that were taken out of the cart.
    cart_lines: usize,
    /// The order whose checkout locks the cart, so that its lines stay until that ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    cart_locked_by: Option<OrderId>,
    /// Orders that something is still to be delivered of, the newest first; 100 at most.
    open_orders: Vec<OpenOrder>,
    /// What stays, and why.
    remains: [&'static str; 3],
}

/// An order of which something is still to be delivered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OpenOrder {
    #[schema(value_type = String)]
    order_id: OrderId,
    #[schema(value_type = String)]
    status: OrderStatus,
}

/// Forgets a person, for good: destroys their keys, so that no address and no e-mail address of theirs can be read in any copy
/// of the log; takes back what they said of themselves, what they follow, and the lines of their cart.
///
/// 409 `orders_open` with `orders` where something is still to be delivered, without `force`. It is on record as
/// `stockfold.shoppers.shopper-forgotten.v1`, with the operator as its actor.
#[utoipa::path(post, path = "/v1/subjects/{subject}/forget", tag = "Privacy", operation_id = "forgetSubject",
    request_body = ForgetBody,
    params(("subject" = String, Path, description = "The pseudonym: `GET /v1/subjects?sub=` tells it."), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Forgotten), (status = "default", body = ProblemDocument)))]
pub(crate) async fn forget(
    State(state): State<CommandState>,
    PathIds(subject): PathIds<SubjectId>,
    mut asker: Asker,
    body: JsonBody<ForgetBody>,
) -> Result<Response, Problem> {
    roles::operator(&asker.caller)?;
    let effect = asker.effect(&state, None, &format!("forget {subject}"), &body)?;
    let ForgetBody { dry_run, force } = body.content;
    let open_orders = open_orders(&state, &subject).await?;
    if !open_orders.is_empty() && !force && !dry_run && !planted::bug!("forgotten-over-open-orders") {
        return Err(orders_open(&open_orders));
    }
    let (caller, origin) = asker.into_origin();
    let mut token = PositionToken::default();
    let (keys, follows, (cart_lines, cart_locked_by)) = if dry_run {
        let cart = cart::get(&*state.views, &subject).await.map_err(store_problem)?;
        (
            live_keys(&state, &subject).await?,
            followed(&state, &subject).await?.len(),
            (cart.lines.len(), cart.locked_by),
        )
    } else {
        let keys = destroy(&state, &subject).await?;
        tracing::info!(target: "audit", actor = %caller.subject, %subject, keys, "a subject's keys were destroyed");
        let ask = Ask { state: &state, subject: &subject, origin: &origin, effect: &effect };
        token.union(&ask.record(caller, keys).await?);
        let follows = ask.unfollow(&mut token).await?;
        (keys, follows, ask.empty_cart(&mut token).await?)
    };
    let answer =
        Forgotten { subject, dry_run, keys, follows, cart_lines, cart_locked_by, open_orders, remains: REMAINS };
    let mut response = (StatusCode::OK, Json(answer)).into_response();
    if let Some(value) = position_header(&token) {
        response.headers_mut().insert(POSITION, value);
    }
    Ok(response)
}

fn orders_open(open: &[OpenOrder]) -> Problem {
    let detail = "something is still to be delivered to this person: deliver or cancel it first, or use `force`";
    let orders = serde_json::to_value(open).unwrap_or_default();
    Problem::new(StatusCode::CONFLICT, "orders_open", detail).with("orders", orders)
}

async fn open_orders(state: &CommandState, subject: &SubjectId) -> Result<Vec<OpenOrder>, Problem> {
    let (mut open, mut after) = (Vec::new(), None);
    loop {
        let page =
            orders_by_shopper::page(&*state.views, subject, after.as_ref(), PAGE).await.map_err(store_problem)?;
        let ids: Vec<OrderId> = page.iter().map(|place| place.order_id.clone()).collect();
        let rows = order::get_many(&*state.views, &ids).await.map_err(store_problem)?;
        let rows = rows.into_iter().flatten().filter(|row| is_open(row.status));
        open.extend(rows.map(|row| OpenOrder { order_id: row.order_id, status: row.status }));
        after = page.last().cloned();
        if page.len() < PAGE || open.len() >= MOST_NAMED {
            open.truncate(MOST_NAMED);
            return Ok(open);
        }
    }
}

/// Whether something may still be sent to the buyer.
const fn is_open(status: OrderStatus) -> bool {
    match status {
        OrderStatus::Holding | OrderStatus::AwaitingPayment | OrderStatus::Confirmed => true,
        OrderStatus::Shipped
        | OrderStatus::Delivered
        | OrderStatus::Cancelled
        | OrderStatus::Rejected
        | OrderStatus::Expired
        | OrderStatus::Refunding
        | OrderStatus::Refunded => false,
    }
}

async fn live_keys(state: &CommandState, subject: &SubjectId) -> Result<usize, Problem> {
    let keys = state.keys.list(subject).await.map_err(|error| keys_unavailable(&error))?;
    Ok(keys.iter().filter(|key| !key.is_destroyed).count())
}

/// Destroys the keys; how many are destroyed now, those of earlier times too, so that a repeat is answered the same.
async fn destroy(state: &CommandState, subject: &SubjectId) -> Result<usize, Problem> {
    state.keys.destroy(subject).await.map_err(|error| keys_unavailable(&error))?;
    let keys = state.keys.list(subject).await.map_err(|error| keys_unavailable(&error))?;
    Ok(keys.iter().filter(|key| key.is_destroyed).count())
}

fn keys_unavailable(error: &dyn Display) -> Problem {
    tracing::error!(%error, "keys could not be destroyed");
    Problem::unavailable("keys_unavailable", "the keys cannot be reached; the same request again goes on with it")
}

async fn followed(state: &CommandState, subject: &SubjectId) -> Result<Vec<follows::Follow>, Problem> {
    // Nobody follows more stores than one page has.
    follows::page(&*state.views, subject, None, 10 * PAGE).await.map_err(store_problem)
}

/// The request, as far as its commands need it.
struct Ask<'r> {
    state: &'r CommandState,
    subject: &'r SubjectId,
    origin: &'r Origin,
    effect: &'r Effect,
}

impl Ask<'_> {
    /// Puts it on record.
    async fn record(&self, caller: Caller, keys: usize) -> Result<PositionToken, Problem> {
        let (effect, keys_destroyed) = (self.effect.clone(), u32::try_from(keys).unwrap_or(u32::MAX));
        let command = ShopperCommand::Forget(ForgetShopper { effect, keys_destroyed });
        let command = Command::Shopper { shopper: self.subject.clone(), command };
        let (_, token) = self.state.submitter.ask(caller, command, self.origin.clone()).await?;
        Ok(token)
    }

    /// As the person would say it: their carts and follows obey nobody else. All of it has the correlation of the request.
    fn own(&self) -> Caller {
        Caller { role: Role::Shopper, subject: self.subject.clone(), store: None, location: None }
    }

    /// An effect of its own for each part of the request, the same for a repeat.
    fn part(&self, what: &str) -> Effect {
        self.state.edge.effects().derived(&self.own(), what, self.effect.id.as_str(), &[])
    }

    /// Asks all of these; those that were refused are left out of the token.
    async fn all(&self, commands: Vec<Command>, token: &mut PositionToken) -> Result<Vec<Problem>, Problem> {
        let mut refused = Vec::new();
        for commands in commands.chunks(AT_ONCE) {
            let mut begun = Vec::new();
            for command in commands {
                let pending = self.state.submitter.begin(self.own(), command.clone(), self.origin.clone());
                begun.push(pending.map_err(|error| self.state.submitter.not_taken(error))?);
            }
            for pending in begun {
                match self.state.submitter.answer(pending).await {
                    Ok((_, position)) => token.union(&position),
                    Err(problem) if problem.status().is_server_error() => return Err(problem),
                    Err(problem) => refused.push(problem),
                }
            }
        }
        Ok(refused)
    }

    async fn unfollow(&self, token: &mut PositionToken) -> Result<usize, Problem> {
        let unfollow = |follow: follows::Follow| {
            let effect = self.part(&format!("unfollow {}", follow.store));
            let command = FollowsCommand::Unfollow(UnfollowStore { effect, store: follow.store });
            Command::Follows { shopper: self.subject.clone(), command }
        };
        let commands: Vec<Command> = followed(self.state, self.subject).await?.into_iter().map(unfollow).collect();
        let count = commands.len();
        Ok(count - self.all(commands, token).await?.len())
    }

    async fn empty_cart(&self, token: &mut PositionToken) -> Result<(usize, Option<OrderId>), Problem> {
        let cart = cart::get(&*self.state.views, self.subject).await.map_err(store_problem)?;
        let remove = |line: cart::CartRowLine| {
            let effect = self.part(&format!("remove {}", line.line.item_id));
            let line = SetCartLine {
                effect,
                item_id: line.line.item_id,
                quantity: None,
                expected_unit_price: None,
                available: None,
            };
            Command::Cart { shopper: self.subject.clone(), command: CartCommand::SetLine(line) }
        };
        let commands: Vec<Command> = cart.lines.into_iter().map(remove).collect();
        let count = commands.len();
        let refused = self.all(commands, token).await?;
        Ok((count - refused.len(), cart.locked_by))
    }
}
