//! The port to a payment provider.

use schemas::{Money, OrderId, PaymentId, RefundId, Timestamp, order::OrderCommand};
use std::{fmt, future::Future, pin::Pin};
use thiserror::Error;
use zeroize::Zeroizing;

/// A future of the port: object-safe, so that the provider is chosen when the process is composed.
pub type ProviderFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, ProviderError>> + Send + 'a>>;

/// Card details on their way to the provider. Wiped when dropped, never printed, never recorded.
pub struct CardDetails {
    /// The number, digits only.
    pub number: Zeroizing<String>,
    /// Month and year.
    pub expiry: Option<(u8, u16)>,
    /// The code on the back.
    pub security_code: Option<Zeroizing<String>>,
}

impl fmt::Debug for CardDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardDetails(masked)")
    }
}

/// Asks for money to be reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorize {
    /// Of which order.
    pub order: OrderId,
    /// Our id of the payment: the idempotency key, and what the provider knows the payment by from here on.
    pub payment: PaymentId,
    /// The provider's token for the means of payment.
    pub method_token: String,
    /// How much.
    pub amount: Money,
}

/// Asks for reserved money to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The idempotency key: the position of the event that asked.
    pub key: String,
    /// Of which order.
    pub order: OrderId,
    /// Of which payment.
    pub payment: PaymentId,
    /// How much.
    pub amount: Money,
}

/// Asks for money to be given back: released where it is reserved only, refunded where it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GiveBack {
    /// Our id of the refund: the idempotency key of the void and of the refund.
    pub refund: RefundId,
    /// Of which order.
    pub order: OrderId,
    /// Of which payment.
    pub payment: PaymentId,
    /// How much.
    pub amount: Money,
}

/// What a provider says to an authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization {
    /// The money is reserved.
    Authorized {
        /// The provider's id for it.
        reference: String,
    },
    /// It is not, for good.
    Declined {
        /// The provider's word for why.
        reason: String,
    },
    /// It decides later, and says so by webhook.
    Pending,
}

/// What a provider says to a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaptureOutcome {
    /// The money is taken.
    Captured,
    /// It cannot be taken, for good.
    Failed {
        /// The provider's word for why.
        reason: String,
    },
}

/// What a provider says to a void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoidOutcome {
    /// The reserved money is released.
    Voided,
    /// So much is not reserved any more: it was taken, and must be refunded.
    NotReserved,
}

/// Why a provider gave no answer. Every call is tried again under the same key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProviderError {
    /// It cannot be reached, or is busy.
    #[error("the payment provider is not available: {0}")]
    Unavailable(String),
}

/// A webhook as it came in: three headers, and the exact bytes of the body. An absent header is empty.
#[derive(Debug, Clone, Copy)]
pub struct WebhookMessage<'a> {
    /// `webhook-id`: the same each time that it is sent.
    pub id: &'a str,
    /// `webhook-timestamp`: when it was sent, in seconds since 1970.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or more, spaces between them.
    pub signatures: &'a str,
    /// The body as it came.
    pub body: &'a [u8],
}

/// What a webhook tells: a command to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which order.
    pub order: OrderId,
    /// What it is told.
    pub command: OrderCommand,
    /// What it is told before, where it does not know the payment: no money comes in unrecorded.
    pub before: Option<OrderCommand>,
}

/// Why a webhook is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WebhookError {
    /// A header is absent or malformed.
    #[error("webhook-id, webhook-timestamp and webhook-signature are required, as Standard Webhooks has them")]
    Unsigned,
    /// It was sent too long ago, or in the future.
    #[error("webhook-timestamp is more than five minutes from now")]
    Stale,
    /// No signature was made with our secret over these bytes.
    #[error("no signature fits")]
    Forged,
    /// It is genuine, and says nothing that can be read.
    #[error("{0}")]
    Unreadable(String),
}

/// A payment provider. Every call is idempotent by its key: a repeat gives the first answer.
pub trait Provider: Send + Sync {
    /// Exchanges card details for a token; nothing of the card can be read from it.
    fn tokenize(&self, card: CardDetails) -> ProviderFuture<'_, String>;
    /// Reserves money.
    fn authorize(&self, request: Authorize) -> ProviderFuture<'_, Authorization>;
    /// Takes reserved money.
    fn capture(&self, request: Capture) -> ProviderFuture<'_, CaptureOutcome>;
    /// Releases reserved money that was not taken: all of `amount`, or nothing.
    fn void(&self, request: GiveBack) -> ProviderFuture<'_, VoidOutcome>;
    /// Gives back money that was taken.
    fn refund(&self, request: GiveBack) -> ProviderFuture<'_, ()>;
    /// Checks and reads a webhook; `None` where it tells nothing that matters here.
    fn read_webhook(&self, message: WebhookMessage<'_>, now: Timestamp) -> Result<Option<Notice>, WebhookError>;
}
