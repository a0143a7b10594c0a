//! The vocabulary of Stockfold: ids, quantities, money, commands, events, rejections and the envelope of the log.
//!
//! Everything here is data: parsing at the edge makes values that cannot be wrong, serde gives them their stored form.
//! What stands in an event's JSON stands in the log for ever: renaming a field or a variant changes stored bytes.

pub mod caller;
pub mod cart;
pub mod cloud_event;
pub mod command;
pub mod dead_letter;
pub mod drop;
pub mod effect;
pub mod envelope;
pub mod follows;
pub mod ids;
pub mod item;
pub mod metadata;
pub mod money;
pub mod order;
pub mod password;
pub mod personal;
pub mod position;
pub mod quantity;
pub mod reply;
pub mod shopper;
pub mod state;
pub mod store;
pub mod supplier;
mod tagged;
pub mod text;
pub mod time;
pub mod topic;
pub mod warehouse;

pub use caller::{Caller, Role};
pub use cloud_event::CloudEvent;
pub use command::{Command, CommandEnvelope};
pub use effect::{Digest, Effect};
pub use envelope::{Envelope, Event, EventReadError};
pub use ids::*;
pub use metadata::Metadata;
pub use money::{Currency, Money, MoneyError};
pub use password::Password;
pub use personal::Personal;
pub use position::{Position, PositionToken};
pub use quantity::Quantity;
pub use reply::{Rejection, Reply, ReplyAddress, ReplyBody};
pub use text::ParseError;
pub use time::{Clock, Timestamp};
pub use topic::{AggregateKey, ShardCount, ShardId, Topic};
