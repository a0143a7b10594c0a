//! `POST {paymentInputUrl}`: card details become a token, the address becomes ciphertext, and only then a command.

use crate::{
    CommandState, TokenizeError,
    address::{self, AddressDoc},
    answer,
    asker::Asker,
    roles,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use edge::{
    Fields, FromFields, JsonBody, Node, PathIds, Problem, ProblemDocument,
    fields::{Read as _, object, small, text},
};
use schemas::{
    Caller, Command, OrderId, PaymentId, Personal, Rejection, Role, SubjectId,
    order::{Address, OrderCommand, OrderRejection, OrderReply, PaymentStatus, StartPayment},
};
use serde::Serialize;
use std::fmt;
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// Card details. Wiped when dropped, never printed, never recorded.
pub struct Card {
    /// The number, 12–19 digits.
    pub number: Zeroizing<String>,
    /// Month and year.
    pub expiry: Option<(u8, u16)>,
    /// The code on the back.
    pub security_code: Option<Zeroizing<String>>,
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Card(masked)")
    }
}

/// How it is paid.
#[derive(Debug)]
enum Means {
    Card(Card),
    Token(String),
}

/// A payment: card details or a token of the provider, and where the order goes.
#[derive(Debug)]
pub(crate) struct PaymentBody {
    means: Means,
    address: Option<Address>,
}

/// A payment.
#[derive(ToSchema)]
#[schema(as = NewPayment, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes PaymentBody")]
pub(crate) struct PaymentDoc {
    /// Either this or `paymentMethodToken`.
    payment_details: Option<PaymentDetailsDoc>,
    /// The provider's token for the means of payment.
    payment_method_token: Option<String>,
    /// Where the order goes. Stored as ciphertext under the shopper's key.
    shipping_address: Option<AddressDoc>,
}

#[derive(ToSchema)]
#[schema(as = PaymentDetails)]
#[expect(dead_code, reason = "describes Card")]
struct PaymentDetailsDoc {
    card: CardFormDoc,
}

/// A card, or its number alone.
#[derive(ToSchema)]
#[schema(as = CardOrNumber)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes Card")]
enum CardFormDoc {
    /// 12–19 digits.
    Number(String),
    Card(CardDoc),
}

#[derive(ToSchema)]
#[schema(as = Card, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes Card")]
struct CardDoc {
    /// 12–19 digits.
    number: String,
    /// 1–12; with `expiryYear`.
    expiry_month: Option<u8>,
    /// Four digits.
    expiry_year: Option<u16>,
    /// 3 or 4 digits.
    security_code: Option<String>,
}

/// A text of so many digits. Its faults never quote it.
fn digits(count: std::ops::RangeInclusive<usize>) -> impl edge::fields::Read<Zeroizing<String>> {
    move |node: &Node<'_>| {
        let sound = node
            .value()
            .as_str()
            .filter(|text| count.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()));
        match sound {
            Some(text) => Some(Zeroizing::new(text.to_owned())),
            None => node.fault("invalid_digits", format!("must be {} to {} digits", count.start(), count.end())),
        }
    }
}

/// A provider's token. A card number in its place would be recorded: it is refused.
fn token(node: &Node<'_>) -> Option<String> {
    let token = text(1..=255).read(node)?;
    let is_number = token.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-'));
    if is_number { node.fault("not_a_token", "must be a provider's token, not a number") } else { Some(token) }
}

fn read_card(fields: &mut Fields<'_>) -> Option<Card> {
    let number = fields.get("number", digits(12..=19));
    let month = fields.opt("expiryMonth", small(1..=12));
    let year = fields.opt("expiryYear", small(2_000..=9_999));
    let security_code = fields.opt("securityCode", digits(3..=4));
    let expiry = match (fields.has("expiryMonth"), fields.has("expiryYear")) {
        (true, false) => return fields.fault("expiryYear", "missing", "is required with expiryMonth"),
        (false, true) => return fields.fault("expiryMonth", "missing", "is required with expiryYear"),
        (true, true) | (false, false) => month.zip(year).map(|(month, year)| (month as u8, year as u16)),
    };
    Some(Card { number: number?, expiry, security_code })
}

/// A card as an object, or its number alone.
fn card(node: &Node<'_>) -> Option<Card> {
    if node.value().is_string() {
        return Some(Card { number: digits(12..=19).read(node)?, expiry: None, security_code: None });
    }
    object(read_card).read(node)
}

impl FromFields for PaymentBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let details = object(|fields: &mut Fields<'_>| fields.get("card", card));
        let card = fields.opt("paymentDetails", details);
        let token = fields.opt("paymentMethodToken", token);
        let address = fields.opt("shippingAddress", object(address::address));
        let means = match (fields.has("paymentDetails"), fields.has("paymentMethodToken")) {
            (true, false) => Means::Card(card?),
            (false, true) => Means::Token(token?),
            (true, true) => return fields.fault("paymentMethodToken", "ambiguous", "either this or paymentDetails"),
            (false, false) => return fields.fault("paymentDetails", "missing", "is required, or paymentMethodToken"),
        };
        Some(Self { means, address })
    }
}

/// What became of a payment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PaymentAnswer {
    /// The payment.
    #[schema(value_type = String)]
    payment_id: PaymentId,
    /// `authorized` or `pending`.
    #[schema(value_type = String)]
    status: PaymentStatus,
}

/// Pays an order. 402 `payment_declined` where the provider refuses; the buyer may try again until the deadline.
#[utoipa::path(post, path = "/v1/orders/{orderId}/payments", tag = "Checkout", operation_id = "payOrder", request_body = PaymentDoc,
    params(("orderId" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = PaymentAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn pay(
    State(state): State<CommandState>,
    PathIds(order): PathIds<OrderId>,
    mut asker: Asker,
    body: JsonBody<PaymentBody>,
) -> Result<Response, Problem> {
    roles::order(&asker.caller)?;
    // The digest is taken before the card is exchanged and the address sealed: neither gives the same text twice.
    let effect = asker.effect(&state, None, &format!("pay {order}"), &body)?;
    let payment_id = PaymentId::parse(effect.id.as_str()).expect("all ids follow one rule");
    let PaymentBody { means, address } = body.content;
    let method_token = match means {
        Means::Token(token) => token,
        Means::Card(card) => state.cards.tokenize(card).await.map_err(|error| match error {
            TokenizeError::Unavailable(_) => {
                Problem::unavailable("payment_provider_unavailable", "the payment provider is not available")
            }
        })?,
    };
    let shipping_address = match address {
        Some(address) => Some(sealed(&state, &asker.caller, &order, &address).await?),
        None => None,
    };
    let location = answer::order_url(&order);
    let wanted = payment_id.clone();
    let command = OrderCommand::StartPayment(StartPayment { effect, payment_id, method_token, shipping_address });
    let render = |reply| rendered(&wanted, answer::order(reply)?);
    state.answer(asker, Command::Order { order, command }, || location, render).await
}

/// The address under the shopper's key, which is durable before this returns.
async fn sealed(
    state: &CommandState,
    caller: &Caller,
    order: &OrderId,
    address: &Address,
) -> Result<Personal<Address>, Problem> {
    let subject = address_subject(state, caller, order);
    keys::seal(&*state.keys, &subject, address).await.map_err(|error| {
        tracing::error!(%error, "an address could not be sealed");
        Problem::unavailable("keys_unavailable", "personal data cannot be protected, so it is not taken")
    })
}

/// Whose data the address is: the shopper's, or, where a system pays for somebody whom it does not name here, of whoever
/// the order belongs to, so that it can be forgotten with the order.
fn address_subject(state: &CommandState, caller: &Caller, order: &OrderId) -> SubjectId {
    match caller.role {
        Role::Shopper => caller.subject.clone(),
        Role::Store
        | Role::Supplier
        | Role::Warehouse
        | Role::Service
        | Role::Analyst
        | Role::Operator
        | Role::Engine => state.edge.pseudonym(&format!("order/{order}")),
    }
}

fn rendered(payment_id: &PaymentId, order: OrderReply) -> Result<(StatusCode, Json<PaymentAnswer>), Problem> {
    let payment = order.payments.into_iter().find(|payment| payment.payment_id == *payment_id);
    let Some(payment) = payment else {
        return Err(Problem::internal(&"the order answered without the payment"));
    };
    match payment.status {
        PaymentStatus::Authorized | PaymentStatus::Pending => {
            Ok((StatusCode::OK, Json(PaymentAnswer { payment_id: payment.payment_id, status: payment.status })))
        }
        PaymentStatus::Declined => {
            let reason = payment.reason.unwrap_or_default();
            Err(Rejection::Order(OrderRejection::PaymentDeclined { reason }).into())
        }
    }
}
