//! What an order refuses, in the order of its checks.

use super::{OrderRefusal, OrderStatus};
use crate::{ids::LineId, money::Money};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A refusal of an order. The order is the order of the checks; the variant's name is the problem's code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error, schemars::JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum OrderRejection {
    /// The same key came before with another body.
    #[error("this idempotency key was used before with another body")]
    IdempotencyKeyReused,
    /// No such order, or somebody else's.
    #[error("no such order")]
    OrderNotFound,
    /// The same id was placed before with other content.
    #[error("an order with this id exists with different content")]
    ExistsWithDifferentContent,
    /// The items refused; the order ended as `rejected`.
    #[error("the order was rejected")]
    OrderRejected {
        /// Everything that was refused.
        refusals: Vec<OrderRefusal>,
    },
    /// The order has not been held in full yet.
    #[error("the order is {status:?}")]
    OrderNotReady {
        /// Its status.
        status: OrderStatus,
    },
    /// The checkout's deadline has passed.
    #[error("the checkout has expired")]
    CheckoutExpired,
    /// The order was cancelled.
    #[error("the order was cancelled")]
    OrderCancelled,
    /// Another system takes the money of this order.
    #[error("this order is paid outside")]
    PaymentExternal,
    /// The order is paid in full.
    #[error("the order is paid")]
    AlreadyPaid,
    /// No payment was started.
    #[error("the order must be paid first")]
    PaymentRequired,
    /// The provider declined.
    #[error("the payment was declined: {reason}")]
    PaymentDeclined {
        /// The provider's word for why.
        reason: String,
    },
    /// The order has no such line.
    #[error("the order has no line {line_id}")]
    LineNotFound {
        /// The line.
        line_id: LineId,
    },
    /// The line has fewer open units.
    #[error("line {line_id} has {open} open units")]
    NotThatManyOpen {
        /// The line.
        line_id: LineId,
        /// Units that have not shipped and are not cancelled.
        open: u32,
    },
    /// A checkout is cancelled as a whole.
    #[error("before it is confirmed an order is cancelled as a whole")]
    CancelAsAWhole,
    /// Nothing is left to cancel.
    #[error("nothing is left that has not shipped")]
    AlreadyShipped,
    /// More than is kept, or nothing was captured.
    #[error("at most {refundable} can be refunded")]
    RefundTooLarge {
        /// What is kept and can be given back.
        refundable: Money,
    },
    /// The money is in another currency than the order.
    #[error("the order is in another currency")]
    WrongCurrency,
    /// No such payment or refund of this order.
    #[error("no such payment")]
    PaymentNotFound,
}
