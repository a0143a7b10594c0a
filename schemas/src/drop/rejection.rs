//! What a drop refuses, in the order of its checks.

use super::{DropStatus, LoanRefused};
use crate::{ids::ItemId, money::Currency};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why an item does not lend its units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "reason", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum AllotRefusal {
    /// No such item, it is delisted, or it has no stock.
    ItemUnavailable,
    /// It belongs to another store.
    ItemOfAnotherStore,
    /// Its price is in another currency.
    WrongCurrency {
        /// The item's.
        currency: Currency,
    },
    /// It has not so many.
    InsufficientStock {
        /// Units asked for.
        asked: u64,
        /// Units available.
        available: u64,
    },
    /// It did not answer in time.
    Unanswered,
}

/// A refusal of a drop. The order is the order of the checks; the variant's name is the problem's code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error, schemars::JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum DropRejection {
    /// No such drop, or not the caller's.
    #[error("no such drop")]
    DropNotFound,
    /// The same key came before with another body.
    #[error("this idempotency key was used before with another body")]
    IdempotencyKeyReused,
    /// The drop exists, and is another.
    #[error("the drop exists with other content")]
    ExistsWithDifferentContent,
    /// The terms do not fit together.
    #[error("{detail}")]
    TermsInvalid {
        /// Which field, as a JSON pointer.
        pointer: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Some item does not lend its units.
    #[error("the items do not lend all units")]
    DropRejected {
        /// Everything that was refused.
        refusals: Vec<LoanRefused>,
    },
    /// Its items have not all answered.
    #[error("the drop is not scheduled yet")]
    DropNotReady,
    /// It has started: its terms stay.
    #[error("the drop has started")]
    DropStarted,
    /// It has ended, or was called off.
    #[error("the drop is over")]
    DropOver {
        /// Its status.
        status: DropStatus,
    },
    /// It has no waiting room.
    #[error("this drop has no waiting room")]
    NoQueue,
    /// The waiting room is not open yet, or not any more.
    #[error("the waiting room is not open")]
    QueueClosed {
        /// The drop's status.
        status: DropStatus,
    },
    /// As many have joined as a waiting room takes.
    #[error("the waiting room is full")]
    QueueFull,
    /// No units can be claimed now.
    #[error("the drop is not live")]
    NotLive {
        /// Its status.
        status: DropStatus,
    },
    /// It has several items; the claim must name one of them.
    #[error("name one of the drop's items")]
    ItemRequired,
    /// It does not offer that item.
    #[error("the drop does not offer item {item_id}")]
    ItemNotOffered {
        /// The item.
        item_id: ItemId,
    },
    /// The shopper is not admitted: join the waiting room, and wait.
    #[error("it is not your turn yet")]
    NotAdmitted,
    /// The shopper has as much of the drop as one may have.
    #[error("a shopper may have {limit} units of this drop")]
    LimitReached {
        /// Units that one shopper may have.
        limit: u32,
        /// Units that this one has.
        has: u32,
    },
    /// Every unit is bought.
    #[error("sold out")]
    SoldOut,
    /// Every unit is claimed; some may return.
    #[error("all units are held; some may return")]
    AllHeld {
        /// Units that are free, fewer than asked for.
        remaining: u32,
    },
}
