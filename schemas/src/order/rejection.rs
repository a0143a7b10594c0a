//! What an order refuses, in the order of its checks.

use super::{OrderRefusal, OrderStatus};
use crate::{
    ids::{ItemId, LineId},
    money::Money,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A refusal of an order. The order is the order of the checks; the variant's name is the problem's code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error, schemars::JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum OrderRejection {
    /// No such order, or somebody else's.
    #[error("no such order")]
    OrderNotFound,
    /// The same key came before with another body.
    #[error("this idempotency key was used before with another body")]
    IdempotencyKeyReused,
    /// The same id was placed before with other content.
    #[error("an order with this id exists with different content")]
    ExistsWithDifferentContent,
    /// Lines of one item name different prices that the buyer saw.
    #[error("the lines of item {item_id} expect different prices")]
    ExpectedPricesDiffer {
        /// The item.
        item_id: ItemId,
    },
    /// The lines of one item add up to more than one command may name.
    #[error("the lines of item {item_id} add up to more than 1,000,000 units")]
    ItemQuantityTooLarge {
        /// The item.
        item_id: ItemId,
    },
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
    /// As many payments were started as an order takes.
    #[error("an order takes at most {limit} payments")]
    TooManyPayments {
        /// The most payments of an order.
        limit: u32,
    },
    /// No payment was started.
    #[error("the order must be paid first")]
    PaymentRequired,
    /// The provider declined.
    #[error("the payment was declined: {reason}")]
    PaymentDeclined {
        /// The provider's word for why.
        reason: String,
    },
    /// Nothing is left to cancel.
    #[error("nothing is left that has not shipped")]
    AlreadyShipped,
    /// What was planned is not what is due.
    #[error("the plan does not fit what is due")]
    PlanNotFitting,
    /// The order has no such sub-order, or it is another warehouse's.
    #[error("no such sub-order")]
    SubOrderNotFound,
    /// Several sub-orders can ship: one must be named.
    #[error("several sub-orders can ship; name one")]
    SubOrderRequired,
    /// Nothing is allocated that has not shipped.
    #[error("nothing is allocated that has not shipped")]
    NothingToShip,
    /// The order has no such shipment, or it is none of this warehouse's.
    #[error("no such shipment")]
    ShipmentNotFound,
    /// Nothing has shipped to the customer.
    #[error("nothing has shipped to the customer")]
    NothingToDeliver,
    /// The time in which returns may be announced is over.
    #[error("the time for returns is over")]
    ReturnWindowClosed,
    /// The order has no such return.
    #[error("no such return")]
    ReturnNotFound,
    /// All of the return has come back.
    #[error("all of the return has come back")]
    ReturnComplete,
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
    /// The sub-order has fewer allocated units of the line.
    #[error("the sub-order can ship {allocated} units of line {line_id}")]
    NotThatManyAllocated {
        /// The line.
        line_id: LineId,
        /// Units allocated and not shipped.
        allocated: u32,
    },
    /// A digital line does not come back.
    #[error("line {line_id} is digital and does not come back")]
    NotReturnable {
        /// The line.
        line_id: LineId,
    },
    /// Fewer units of the line have shipped and are not announced yet.
    #[error("{returnable} units of line {line_id} can come back")]
    NotThatManyReturnable {
        /// The line.
        line_id: LineId,
        /// Units shipped and not announced.
        returnable: u32,
    },
    /// The return has fewer units of the line that have not come back.
    #[error("{expected} units of line {line_id} are expected")]
    NotThatManyExpected {
        /// The line.
        line_id: LineId,
        /// Units announced and not received.
        expected: u32,
    },
    /// As many shipments left as an order takes.
    #[error("an order takes at most {limit} shipments")]
    TooManyShipments {
        /// The most shipments of an order.
        limit: u32,
    },
    /// As many returns were announced, or received, as an order takes.
    #[error("an order takes at most {limit} returns and as many receipts of them")]
    TooManyReturns {
        /// The most returns of an order.
        limit: u32,
    },
    /// A checkout is cancelled as a whole.
    #[error("before it is confirmed an order is cancelled as a whole")]
    CancelAsAWhole,
    /// As many parts were cancelled as an order takes; what is left can only be cancelled as a whole.
    #[error("after {limit} cancellations an order is cancelled as a whole")]
    TooManyCancellations {
        /// The most cancellations of an order.
        limit: u32,
    },
    /// The money is in another currency than the order.
    #[error("the order is in another currency")]
    WrongCurrency,
    /// More than is kept.
    #[error("at most {refundable} can be refunded")]
    RefundTooLarge {
        /// What is kept and can be given back.
        refundable: Money,
    },
    /// No such payment or refund of this order.
    #[error("no such payment")]
    PaymentNotFound,
}
