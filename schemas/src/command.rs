//! A command on its way to the shard that owns its aggregate.

use crate::{
    caller::Caller,
    cart::CartCommand,
    drop::DropCommand,
    follows::FollowsCommand,
    ids::{CommandId, CorrelationId, DropId, ItemId, LocationId, OrderId, StoreId, SubjectId},
    item::ItemCommand,
    order::OrderCommand,
    position::PositionToken,
    reply::ReplyAddress,
    shopper::ShopperCommand,
    store::StoreCommand,
    tagged::tagged,
    time::Timestamp,
    topic::AggregateKey,
    warehouse::WarehouseCommand,
};
use serde::{Deserialize, Serialize};

tagged! {
    "aggregate", rename_all = "snake_case";
    /// What is asked of which aggregate.
    #[derive(Debug, Clone, PartialEq, Eq, schemars::JsonSchema)]
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
        /// Of a cart.
        Cart {
            /// Whose.
            shopper: SubjectId,
            /// The command.
            command: CartCommand,
        },
        /// Of a store.
        Store {
            /// The store.
            store: StoreId,
            /// The command.
            command: StoreCommand,
        },
        /// Of a warehouse.
        Warehouse {
            /// The location.
            location: LocationId,
            /// The command.
            command: WarehouseCommand,
        },
        /// Of a drop.
        Drop {
            /// The drop.
            drop: DropId,
            /// The command.
            command: DropCommand,
        },
        /// Of what a shopper follows.
        Follows {
            /// Whose.
            shopper: SubjectId,
            /// The command.
            command: FollowsCommand,
        },
        /// Of a shopper.
        Shopper {
            /// Who.
            shopper: SubjectId,
            /// The command.
            command: ShopperCommand,
        },
    }
}

impl Command {
    /// The aggregate that decides.
    #[must_use]
    pub fn aggregate(&self) -> AggregateKey {
        match self {
            Self::Item { item, .. } => AggregateKey::Item(item.clone()),
            Self::Order { order, .. } => AggregateKey::Order(order.clone()),
            Self::Cart { shopper, .. } => AggregateKey::Cart(shopper.clone()),
            Self::Store { store, .. } => AggregateKey::Store(store.clone()),
            Self::Warehouse { location, .. } => AggregateKey::Warehouse(location.clone()),
            Self::Drop { drop, .. } => AggregateKey::Drop(drop.clone()),
            Self::Follows { shopper, .. } => AggregateKey::Follows(shopper.clone()),
            Self::Shopper { shopper, .. } => AggregateKey::Shopper(shopper.clone()),
        }
    }

    /// The key that decides on the shard.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Item { item, .. } => item.as_str(),
            Self::Order { order, .. } => order.as_str(),
            Self::Cart { shopper, .. } | Self::Follows { shopper, .. } | Self::Shopper { shopper, .. } => {
                shopper.as_str()
            }
            Self::Store { store, .. } => store.as_str(),
            Self::Warehouse { location, .. } => location.as_str(),
            Self::Drop { drop, .. } => drop.as_str(),
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
