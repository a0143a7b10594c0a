//! What webhooks say, in our provider's words, and who may say it.

use crate::{
    fact::Fact,
    provider::{Notice, WebhookError, WebhookMessage},
    signature::{WebhookSecret, verify},
};
use schemas::{Money, OrderId, PaymentId, RefundId, Timestamp};
use serde::{Deserialize, Serialize};

/// The most characters of a provider's reference or reason.
const LONGEST_TEXT: usize = 255;

/// The types of messages that are read.
const TYPES: [&str; 5] =
    ["payment.authorized", "payment.declined", "payment.captured", "payment.capture_failed", "refund.settled"];

/// What a message says, by its `type`. Fields that are not known here are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all_fields = "camelCase")]
pub enum WebhookEvent {
    /// The money of a payment is reserved.
    #[serde(rename = "payment.authorized")]
    Authorized {
        /// Of which order.
        order_id: OrderId,
        /// Our id of the payment.
        payment_id: PaymentId,
        /// How much, above zero.
        amount: Money,
        /// The provider's id for it.
        reference: String,
    },
    /// It is not, for good.
    #[serde(rename = "payment.declined")]
    Declined {
        /// Of which order.
        order_id: OrderId,
        /// Our id of the payment.
        payment_id: PaymentId,
        /// The provider's word for why.
        reason: String,
    },
    /// The money is taken.
    #[serde(rename = "payment.captured")]
    Captured {
        /// Of which order.
        order_id: OrderId,
        /// Our id of the payment.
        payment_id: PaymentId,
        /// How much, above zero.
        amount: Money,
        /// The provider's id for the payment.
        reference: String,
    },
    /// It cannot be taken, for good.
    #[serde(rename = "payment.capture_failed")]
    CaptureFailed {
        /// Of which order.
        order_id: OrderId,
        /// Our id of the payment.
        payment_id: PaymentId,
        /// The provider's word for why.
        reason: String,
    },
    /// Money was given back.
    #[serde(rename = "refund.settled")]
    RefundSettled {
        /// Of which order.
        order_id: OrderId,
        /// Our id of the refund.
        refund_id: RefundId,
    },
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize)]
struct Sent<'a> {
    timestamp: Timestamp,
    #[serde(flatten)]
    event: &'a WebhookEvent,
}

impl WebhookEvent {
    /// The body of a message that tells it.
    ///
    /// # Panics
    /// Never: ids, texts and numbers are JSON.
    #[must_use]
    pub fn body(&self, happened_at: Timestamp) -> Vec<u8> {
        serde_json::to_vec(&Sent { timestamp: happened_at, event: self }).expect("ids, texts and numbers are JSON")
    }

    /// Reads a body; `None` where its type is none of ours.
    fn read(body: &[u8]) -> Result<Option<Self>, WebhookError> {
        let unreadable = |error: serde_json::Error| WebhookError::Unreadable(error.to_string());
        let kind: Kind = serde_json::from_slice(body).map_err(unreadable)?;
        if !TYPES.contains(&kind.kind.as_str()) {
            return Ok(None);
        }
        let event: Self = serde_json::from_slice(body).map_err(unreadable)?;
        event.check().map(Some)
    }

    fn check(self) -> Result<Self, WebhookError> {
        let (amount, text) = match &self {
            Self::Authorized { amount, reference, .. } | Self::Captured { amount, reference, .. } => {
                (Some(amount), Some(reference))
            }
            Self::Declined { reason, .. } | Self::CaptureFailed { reason, .. } => (None, Some(reason)),
            Self::RefundSettled { .. } => (None, None),
        };
        let fault = |what: &str| Err(WebhookError::Unreadable(what.to_owned()));
        if amount.is_some_and(|amount| amount.minor() <= 0) {
            return fault("the amount is not above zero");
        }
        let is_text =
            |text: &String| (1..=LONGEST_TEXT).contains(&text.chars().count()) && !text.contains(char::is_control);
        if text.is_some_and(|text| !is_text(text)) {
            return fault("a reference or reason has 1 to 255 characters, none of them a control character");
        }
        Ok(self)
    }

    fn notice(self) -> Notice {
        let told = |order: OrderId, fact: Fact| Notice { order, command: fact.into(), before: None };
        match self {
            Self::Authorized { order_id, payment_id, amount, reference } => {
                told(order_id, Fact::Authorized { payment: payment_id, amount, reference })
            }
            Self::Declined { order_id, payment_id, reason } => {
                told(order_id, Fact::Declined { payment: payment_id, reason })
            }
            Self::Captured { order_id, payment_id, amount, reference } => {
                // What was taken was reserved before, whether we heard of it or not.
                let reserved = Fact::Authorized { payment: payment_id.clone(), amount, reference };
                let taken = told(order_id, Fact::Captured { payment: payment_id, amount });
                Notice { before: Some(reserved.into()), ..taken }
            }
            Self::CaptureFailed { order_id, payment_id, reason } => {
                told(order_id, Fact::CaptureFailed { payment: payment_id, reason })
            }
            Self::RefundSettled { order_id, refund_id } => told(order_id, Fact::GivenBack { refund: refund_id }),
        }
    }
}

/// The secrets that count: one, or two while it is being changed.
#[derive(Debug, Clone)]
pub struct Webhooks(Vec<WebhookSecret>);

impl Webhooks {
    /// The most secrets that count at once.
    pub const MOST_SECRETS: usize = 2;

    /// Takes messages that were signed with `newest`, or with the one before.
    #[must_use]
    pub fn new(newest: WebhookSecret, before: Option<WebhookSecret>) -> Self {
        Self(std::iter::once(newest).chain(before).collect())
    }

    /// Checks a message and reads it; `None` where it tells nothing that matters here.
    pub fn read(&self, message: WebhookMessage<'_>, now: Timestamp) -> Result<Option<Notice>, WebhookError> {
        if !planted::bug!("webhook-signature-unchecked") {
            verify(&self.0, message, now)?;
        }
        Ok(WebhookEvent::read(message.body)?.map(WebhookEvent::notice))
    }
}
