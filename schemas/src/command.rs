//! A command on its way to the shard that owns its aggregate.

use crate::{
    caller::Caller,
    ids::{CommandId, CorrelationId, ItemId, OrderId},
    item::ItemCommand,
    order::OrderCommand,
    position::PositionToken,
    reply::ReplyAddress,
    time::Timestamp,
    topic::AggregateKey,
};
use serde::{Deserialize, Serialize};

/// What is asked of which aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "aggregate", rename_all = "snake_case")]
pub enum Command {
    /// Of an item.
    Item {
        /// The item.
        item: ItemId,
        /// The command.
        command: ItemCommand,
    },
    /// Of an order.
    Order {
        /// The order.
        order: OrderId,
        /// The command.
        command: OrderCommand,
    },
}

impl Command {
    /// The aggregate that decides.
    #[must_use]
    pub fn aggregate(&self) -> AggregateKey {
        match self {
            Self::Item { item, .. } => AggregateKey::Item(item.clone()),
            Self::Order { order, .. } => AggregateKey::Order(order.clone()),
        }
    }

    /// The key that decides on the shard.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Item { item, .. } => item.as_str(),
            Self::Order { order, .. } => order.as_str(),
        }
    }
}

/// A command with all that must travel with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandEnvelope {
    /// Its id: random for a client's, the cause's id and an ordinal for an internal one's.
    pub id: CommandId,
    /// Who asks.
    pub caller: Caller,
    /// The request that it belongs to.
    pub correlation: CorrelationId,
    /// Who waits for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<ReplyAddress>,
    /// The positions of what caused it.
    #[serde(default, skip_serializing_if = "PositionToken::is_empty")]
    pub positions: PositionToken,
    /// When it was sent, by the sender's clock.
    pub sent_at: Timestamp,
    /// W3C trace context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// What is asked.
    pub command: Command,
}
