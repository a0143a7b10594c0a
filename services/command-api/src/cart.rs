//! A shopper's or guest's own cart: lines, and the merge at login.

use crate::{
    CommandState,
    answer::unexpected,
    asker::{Asker, effect_id},
    roles,
    state::store_problem,
};
use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
    response::Response,
};
use edge::{
    Fields, FromFields, JsonBody, Params, PathIds, Problem, ProblemDocument,
    fields::{id, price, quantity, small, text},
    openapi::{CartSchema, IdSchema, MoneySchema},
};
use read_model::views::{
    cart::{self, ShownCart},
    item,
};
use schemas::{
    Command, Effect, ItemId, Money, Quantity, ReplyBody, Role, SubjectId,
    cart::{AddUnits, CartCommand, CartReply, MergeCart, RemoveUnits, SetCartLine},
};
use utoipa::ToSchema;
use uuid::Uuid;

/// Where a cart is read.
const CART_URL: &str = "/v1/cart";
/// The longest token that a body may hold.
const MAX_TOKEN: usize = 8_192;

/// What a line is to be.
#[derive(Debug, ToSchema)]
#[schema(as = CartLineFacts, rename_all = "camelCase")]
pub(crate) struct LineBody {
    /// How many; 0 takes the line out.
    #[schema(minimum = 0, maximum = 1_000_000)]
    quantity: u32,
    /// The price that the shopper saw: a checkout is refused where it is another then.
    #[schema(value_type = Option<MoneySchema>)]
    expected_unit_price: Option<Money>,
}

impl FromFields for LineBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let quantity = fields.get("quantity", small(0..=Quantity::MAX));
        let expected_unit_price = fields.opt("expectedUnitPrice", price);
        Some(Self { quantity: quantity?, expected_unit_price })
    }
}

/// Units to add or to take out.
#[derive(Debug, ToSchema)]
#[schema(as = CartUnits, rename_all = "camelCase")]
pub(crate) struct UnitsBody {
    /// What.
    #[schema(value_type = IdSchema)]
    item_id: ItemId,
    /// How many.
    #[schema(value_type = u32, minimum = 1, maximum = 1_000_000)]
    quantity: Quantity,
}

impl FromFields for UnitsBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let item_id = fields.get("itemId", id(ItemId::parse));
        let quantity = fields.get("quantity", quantity);
        Some(Self { item_id: item_id?, quantity: quantity? })
    }
}

/// Whose cart is merged into the caller's.
#[derive(ToSchema)]
#[schema(as = CartMerge, rename_all = "camelCase")]
pub(crate) struct MergeBody {
    /// The token of the guest, as `POST /guests` gave it.
    guest_token: String,
}

impl FromFields for MergeBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let guest_token = fields.get("guestToken", text(1..=MAX_TOKEN));
        Some(Self { guest_token: guest_token? })
    }
}

/// Sets how many of an item are in the caller's cart.
///
/// 409 `insufficient_stock` with `available` where the line would grow beyond what is available, those that the caller's
/// own open checkouts hold not counted against it. With an `Idempotency-Key` it is set once for that key.
#[utoipa::path(put, path = "/v1/cart/lines/{itemId}", tag = "Cart", operation_id = "putCartLine", request_body = LineBody,
    params(("itemId" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = CartSchema), (status = "default", body = ProblemDocument)))]
pub(crate) async fn put_line(
    State(state): State<CommandState>,
    PathIds(item): PathIds<ItemId>,
    mut asker: Asker,
    body: JsonBody<LineBody>,
) -> Result<Response, Problem> {
    roles::cart(&asker.caller)?;
    let operation = format!("set cart line {item}");
    let effect = match asker.key.0 {
        Some(_) => asker.effect(&state, None, &operation, &body)?,
        // Set twice, it is what was said last: without a key each request is one of its own.
        None => state.edge.effects().named(effect_id(&Uuid::new_v4().to_string()), &operation, &body.canonical()),
    };
    let LineBody { quantity, expected_unit_price } = body.content;
    let quantity = Quantity::new(quantity).ok();
    let available = if quantity.is_some() { available(&state, &item).await? } else { None };
    let line = SetCartLine { effect, item_id: item, quantity, expected_unit_price, available };
    answered(&state, asker, CartCommand::SetLine(line)).await
}

#[derive(Debug, Clone, Copy)]
enum Operation {
    Add,
    Remove,
}

#[derive(ToSchema)]
#[schema(as = CartOperation, rename_all = "UPPERCASE")]
#[expect(dead_code, reason = "describes Operation")]
enum OperationDoc {
    Add,
    Remove,
}

/// Who asks, and for which of the two.
pub(crate) struct CartCall {
    asker: Asker,
    operation: Operation,
}

impl FromRequestParts<CommandState> for CartCall {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &CommandState) -> Result<Self, Problem> {
        let asker = Asker::with_query(parts, state).await?;
        let mut params = Params::from_request_parts(parts, state).await?;
        let operation = params.word("op", &[("ADD", Operation::Add), ("REMOVE", Operation::Remove)]);
        let operation = params.require("op", operation);
        params.finish()?;
        let operation = operation.ok_or_else(|| Problem::bad_request("invalid_query", "op is required"))?;
        Ok(Self { asker, operation })
    }
}

/// Adds units of an item to the caller's cart, or takes some out.
///
/// 409 `insufficient_stock` with `available` where there would be more than that; taking out is never refused for it.
#[utoipa::path(patch, path = "/v1/cart", tag = "Cart", operation_id = "patchCart", request_body = UnitsBody,
    params(("op" = inline(OperationDoc), Query, description = "What to do; read without case"), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = CartSchema), (status = "default", body = ProblemDocument)))]
pub(crate) async fn patch(
    State(state): State<CommandState>,
    CartCall { mut asker, operation }: CartCall,
    body: JsonBody<UnitsBody>,
) -> Result<Response, Problem> {
    roles::cart(&asker.caller)?;
    let name = match operation {
        Operation::Add => "add to cart",
        Operation::Remove => "remove from cart",
    };
    let effect: Effect = asker.effect(&state, None, name, &body)?;
    let UnitsBody { item_id, quantity } = body.content;
    let command = match operation {
        Operation::Add => {
            let available = available(&state, &item_id).await?;
            CartCommand::AddUnits(AddUnits { effect, item_id, quantity, available })
        }
        Operation::Remove => CartCommand::RemoveUnits(RemoveUnits { effect, item_id, quantity }),
    };
    answered(&state, asker, command).await
}

/// Merges the cart of a guest into the caller's, as at login: the sums by item. The guest's cart is empty after it.
///
/// A guest's cart that a checkout locks gives nothing. 422 `invalid_token` where the guest's token does not hold.
#[utoipa::path(post, path = "/v1/cart/merge", tag = "Cart", operation_id = "mergeCart", request_body = MergeBody,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = CartSchema), (status = "default", body = ProblemDocument)))]
pub(crate) async fn merge(
    State(state): State<CommandState>,
    mut asker: Asker,
    body: JsonBody<MergeBody>,
) -> Result<Response, Problem> {
    roles::cart(&asker.caller)?;
    asker.key.required()?;
    let guest = guest(&state, &body.content.guest_token).await?;
    // A guest may have got another token since: it is the guest that the request names.
    let effect = asker.derived_effect(&state, "merge cart", guest.as_str().as_bytes())?;
    answered(&state, asker, CartCommand::Merge(MergeCart { effect, guest })).await
}

/// Whose token it is.
async fn guest(state: &CommandState, token: &str) -> Result<SubjectId, Problem> {
    let caller = state.edge.caller_of(token).await?;
    if caller.role == Role::Shopper {
        return Ok(caller.subject);
    }
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_token", "the token is of no guest"))
}

/// Units of an item that anybody can buy, as the view says; none of a digital one. 404 for what was never listed.
async fn available(state: &CommandState, item: &ItemId) -> Result<Option<u64>, Problem> {
    let row = item::get(&*state.views, item).await.map_err(store_problem)?;
    let row = row.filter(|row| row.published().is_some());
    let row = row.ok_or_else(|| Problem::not_found("item_not_found", "no such item"))?;
    Ok(cart::buyable(&row))
}

async fn answered(state: &CommandState, asker: Asker, command: CartCommand) -> Result<Response, Problem> {
    let shopper = asker.caller.subject.clone();
    let command = Command::Cart { shopper, command };
    let render = |reply| async move {
        match reply {
            ReplyBody::Cart(reply) => shown(state, &reply).await.map(Json),
            other => Err(unexpected(&other)),
        }
    };
    state.answer_with(asker, command, || CART_URL.to_owned(), render).await
}

/// The cart that was answered, with what its items say now.
async fn shown(state: &CommandState, reply: &CartReply) -> Result<ShownCart, Problem> {
    let views = &*state.views;
    let row = cart::get(views, &reply.shopper).await;
    let shown = match row {
        Ok(row) => cart::shown(views, row.told(reply)).await,
        Err(fault) => Err(fault),
    };
    // It is done: to say that nothing happened would be wrong.
    shown.map_err(|fault| store_problem(fault).unknown())
}
