//! What an item refuses, in the order of its checks.

use crate::{ids::LocationId, money::Money, time::Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A refusal of an item. The order is the order of the checks; the variant's name is the problem's code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error, schemars::JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ItemRejection {
    /// The same key came before with another body.
    #[error("this idempotency key was used before with another body")]
    IdempotencyKeyReused,
    /// The same id took effect before with another quantity.
    #[error("this id exists with a quantity of {quantity}")]
    ExistsWithDifferentQuantity {
        /// The quantity on record.
        quantity: u32,
    },
    /// The same id took effect before with other content.
    #[error("this id exists with different content")]
    ExistsWithDifferentContent,
    /// No such item, or none that the caller may touch.
    #[error("no such item")]
    ItemNotFound,
    /// The item belongs to another store.
    #[error("the item belongs to another store")]
    ItemOfAnotherStore,
    /// `If-Match` names another version.
    #[error("the item is at catalog version {current}")]
    VersionMismatch {
        /// The version now.
        current: u64,
    },
    /// The kind of an item cannot change.
    #[error("the kind of an item cannot change")]
    KindImmutable,
    /// The merged document is not an item.
    #[error("the patched item is not valid: {reason}")]
    InvalidPatch {
        /// What is wrong.
        reason: String,
    },
    /// The item is delisted.
    #[error("the item is not in sale")]
    ItemNotListed,
    /// A digital item has no stock.
    #[error("a digital item has no stock")]
    DigitalHasNoStock,
    /// No such hold, or another caller's.
    #[error("no such hold")]
    HoldNotFound,
    /// The hold was released before.
    #[error("the hold was released")]
    HoldReleased,
    /// The hold's deadline has passed.
    #[error("the hold has expired")]
    HoldExpired,
    /// The hold is committed, or has shipped.
    #[error("the hold is committed")]
    HoldCommitted,
    /// The hold is not committed, and only ordered units leave.
    #[error("the hold is not committed")]
    HoldNotCommitted,
    /// The units of the hold have shipped.
    #[error("the units have shipped")]
    AlreadyShipped,
    /// The hold has fewer open units.
    #[error("the hold has {open} open units")]
    NotThatManyOpen {
        /// Units that can still be named.
        open: u32,
    },
    /// The price is another now.
    #[error("the price is {price}")]
    PriceChanged {
        /// The price now.
        price: Money,
    },
    /// Fewer units are available than asked for.
    #[error("{asked} asked, {available} available")]
    InsufficientStock {
        /// Units asked for.
        asked: u32,
        /// Units available to sell, never below zero here.
        available: u64,
    },
    /// The item never had stock at that location.
    #[error("the item was never stocked at `{location}`")]
    LocationNotFound {
        /// The location as it was named.
        location: LocationId,
    },
    /// The location has fewer units that no sub-order has.
    #[error("{asked} asked, {available} available at `{location}`")]
    InsufficientAtLocation {
        /// The location as it was named.
        location: LocationId,
        /// Units asked for.
        asked: u32,
        /// Sellable units on record there that no sub-order has.
        available: u64,
    },
    /// The bucket has fewer units.
    #[error("the bucket has {available} units")]
    BucketTooSmall {
        /// Units asked for.
        asked: u32,
        /// Units there that can be moved.
        available: u64,
    },
    /// Out of and into the same bucket.
    #[error("the two buckets are the same")]
    SameBucket,
    /// From and to the same location.
    #[error("the two locations are the same")]
    SameLocation,
    /// No such transfer, or all of it has arrived long ago.
    #[error("no such transfer")]
    TransferNotFound,
    /// The transfer goes to another location than the caller's.
    #[error("the transfer goes to `{location}`")]
    TransferElsewhere {
        /// Where it goes.
        location: LocationId,
    },
    /// The transfer has fewer units on the way.
    #[error("{on_the_way} units are on the way")]
    NotThatManyOnTheWay {
        /// Units on the way.
        on_the_way: u32,
    },
    /// A supplier's statement is as of more than five minutes from now.
    #[error("a statement is as of no more than five minutes from now")]
    TimeInFuture,
    /// More suppliers' systems than an item takes statements from.
    #[error("an item takes statements from no more than {limit} sources")]
    TooManySources {
        /// How many.
        limit: u32,
    },
    /// A supplier's statement on stock is as of before what is remembered one by one.
    #[error("what happened at `{location}` before {oldest} is not remembered one by one any more")]
    ReportTooOld {
        /// The location as it was named.
        location: LocationId,
        /// The oldest time that a statement on it may be as of.
        oldest: Timestamp,
    },
    /// The stock changed since the counting began.
    #[error("the stock changed since the count began; {current} units are on record")]
    StaleCount {
        /// Sellable units on record.
        current: u64,
    },
    /// The location would hold more than 1,000,000,000 units.
    #[error("a location holds at most 1,000,000,000 units")]
    StockTooLarge,
    /// The item would lie at more than 1,000 locations.
    #[error("an item lies at no more than 1,000 locations")]
    TooManyLocations,
    /// No such allotment.
    #[error("no such allotment")]
    AllotmentNotFound,
    /// The allotment has fewer units.
    #[error("the allotment has {available} units")]
    AllotmentTooSmall {
        /// Units in it.
        available: u64,
    },
    /// More would come back than was shipped.
    #[error("{open} shipped units can still come back")]
    NotShipped {
        /// Shipped units not yet returned.
        open: u32,
    },
}
