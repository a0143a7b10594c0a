//! `POST /webhooks/payments`: what a payment provider tells by itself. Nobody's token: the signature says who it is.

use crate::{CommandState, Origin};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use edge::{Params, Problem, ProblemDocument, Trace};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use schemas::{Caller, Command, CorrelationId, OrderId, ReplyBody, order::OrderCommand};
use std::{sync::Arc, time::Duration};
use thiserror::Error;
use tokio::sync::Semaphore;

/// The most bytes of a webhook.
const MAX_BYTES: usize = 64 * 1_024;
/// How long the order may take; then the provider is asked to send it again.
const WAIT: Duration = Duration::from_secs(10);
/// Webhooks that are recorded at once; the provider sends the others again.
const MOST_AT_ONCE: usize = 256;

/// A webhook as it came in. A header that is absent, or there more than once, is empty.
#[derive(Debug, Clone, Copy)]
pub struct SignedMessage<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`.
    pub timestamp: &'a str,
    /// `webhook-signature`.
    pub signatures: &'a str,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

/// What a webhook tells an order.
#[derive(Debug, Clone)]
pub struct PaymentNotice {
    /// Which order.
    pub order: OrderId,
    /// What it is told.
    pub command: OrderCommand,
    /// What it is told before, where it does not know the payment.
    pub before: Option<OrderCommand>,
}

/// Why a webhook is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoticeError {
    /// It is not shown to be the provider's.
    #[error("{detail}")]
    Unverified {
        /// The problem's code.
        code: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// It is the provider's, and cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// The port to whoever checks and reads the payment provider's webhooks.
pub trait PaymentWebhooks: Send + Sync {
    /// Checks a message and reads it; `None` where it tells nothing that matters here.
    fn read(&self, message: SignedMessage<'_>) -> Result<Option<PaymentNotice>, NoticeError>;
}

/// The port, and how much of it is under way. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    port: Arc<dyn PaymentWebhooks>,
    at_once: Arc<Semaphore>,
}

impl Webhooks {
    /// Over this port.
    #[must_use]
    pub fn new(port: Arc<dyn PaymentWebhooks>) -> Self {
        Self { port, at_once: Arc::new(Semaphore::new(MOST_AT_ONCE)) }
    }
}

/// Takes what the payment provider tells: a message of Standard Webhooks.
///
/// Signed over the raw bytes, sent within five minutes of now. The message's id is its key: send it again until it is
/// answered 2xx, as often as you like. 204 says that it is recorded, or that there is nothing to record: a type that is
/// not known here, a fact that is known, an order that is not. Money for an order that nobody knows is given back.
#[utoipa::path(post, path = "/v1/webhooks/payments", tag = "Checkout", operation_id = "paymentWebhook",
    request_body(content = Object, content_type = "application/json", description = "`{type, timestamp, data}`"),
    params(("webhook-id" = String, Header, description = "The message; the same when it is sent again"),
        ("webhook-timestamp" = String, Header, description = "When it was sent, seconds since 1970"),
        ("webhook-signature" = String, Header, description = "`v1,` and base64; several with spaces between them")),
    responses((status = 204, description = "Recorded, or nothing to record"),
        (status = "default", body = ProblemDocument, description = "401: no signature that holds, or too old")),
    security(()))]
pub(crate) async fn payment(
    State(state): State<CommandState>,
    trace: Trace,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    params.finish()?;
    let body = whole(body).await?;
    let only = |name: &str| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let (id, timestamp) = (only("webhook-id"), only("webhook-timestamp"));
    let message = SignedMessage { id, timestamp, signatures: only("webhook-signature"), body: &body };
    let Some(notice) = state.webhooks.port.read(message).map_err(refused)? else {
        count("ignored");
        return Ok(StatusCode::NO_CONTENT);
    };
    // Only what is genuine takes a place: nobody else can keep the provider out.
    let Ok(_place) = state.webhooks.at_once.try_acquire() else {
        return Err(Problem::unavailable("overloaded", "too many webhooks are being recorded"));
    };
    // The message's id ties what follows from it together, where it can stand in the log.
    let correlation = CorrelationId::parse(id).unwrap_or_else(|_| trace.correlation());
    let origin = Origin { correlation, traceparent: trace.traceparent, wait: WAIT };
    record(&state, notice, &origin).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn whole(body: Body) -> Result<Bytes, Problem> {
    let collected = Limited::new(body, MAX_BYTES).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "a webhook has at most 64 KiB")
                .with("limitBytes", MAX_BYTES)
        } else {
            Problem::bad_request("unreadable_body", "the body could not be read to its end")
        }
    })?;
    Ok(collected.to_bytes())
}

fn refused(error: NoticeError) -> Problem {
    count("refused");
    match error {
        NoticeError::Unverified { code, detail } => Problem::new(StatusCode::UNAUTHORIZED, code, detail)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("StandardWebhooks realm=\"stockfold\"")),
        NoticeError::Unreadable(detail) => {
            // Sending it again will not help: somebody has to look.
            tracing::error!(detail, "a genuine webhook of the payment provider cannot be read");
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unreadable_webhook", detail)
        }
    }
}

/// Tells the order, and waits until that is durable.
async fn record(state: &CommandState, notice: PaymentNotice, origin: &Origin) -> Result<(), Problem> {
    let PaymentNotice { order, command, before } = notice;
    let told = tell(state, &order, command.clone(), origin).await;
    let is_unknown = told.as_ref().is_err_and(|problem| problem.code() == "payment_not_found");
    let told = match before.filter(|_| is_unknown && !planted::bug!("capture-of-unknown-lost")) {
        Some(before) => {
            tell(state, &order, before, origin).await?;
            tell(state, &order, command, origin).await
        }
        None => told,
    };
    match told {
        Ok(_) => count("recorded"),
        // What a later version may decide is sent again.
        Err(problem) if problem.status().is_server_error() || problem.code() == "command_dead_lettered" => {
            return Err(problem);
        }
        Err(problem) => {
            // Sending it again changes nothing: the order has its reasons, and an operator sees them.
            tracing::warn!(%order, code = problem.code(), "an order did not take what a webhook told");
            count("not_taken");
        }
    }
    Ok(())
}

async fn tell(
    state: &CommandState,
    order: &OrderId,
    command: OrderCommand,
    origin: &Origin,
) -> Result<ReplyBody, Problem> {
    let command = Command::Order { order: order.clone(), command };
    state.submitter.ask(Caller::engine(), command, origin.clone()).await.map(|(reply, _)| reply)
}

fn count(outcome: &'static str) {
    metrics::counter!("stockfold_payment_webhooks_total", "outcome" => outcome).increment(1);
}
