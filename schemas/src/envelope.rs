//! The envelope of an event: CloudEvents 1.0 attributes, typed.

use crate::{
    cart::CartEvent,
    drop::DropEvent,
    follows::FollowsEvent,
    ids::{CommandId, CorrelationId},
    item::ItemEvent,
    order::OrderEvent,
    shopper::ShopperEvent,
    store::StoreEvent,
    time::Timestamp,
    topic::{AggregateKey, Topic},
    warehouse::WarehouseEvent,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The attributes of an event record; `ce_id` is `topic/partition@seq` and `ce_source` comes from the namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// `ce_type`, such as `stockfold.inventory.hold-granted.v1`.
    #[serde(rename = "type")]
    pub event_type: std::borrow::Cow<'static, str>,
    /// `ce_subject`: the key of the aggregate.
    pub subject: String,
    /// `ce_time`: the engine's time of the decision.
    pub time: Timestamp,
    /// `ce_sequence`: dense in the partition, from 1.
    pub seq: u64,
    /// `ce_epoch`: of the lease that wrote it.
    pub epoch: u64,
    /// `ce_actor`: role and pseudonym of who caused it.
    pub actor: String,
    /// `ce_causationid`: the command.
    pub causation: CommandId,
    /// `ce_correlationid`: the request.
    pub correlation: CorrelationId,
    /// W3C trace context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// Why the value of a record is not an event.
#[derive(Debug, Error)]
pub enum EventReadError {
    /// No event of this build has that type.
    #[error("unknown event type `{0}`: a newer Stockfold wrote it; upgrade this one")]
    UnknownType(String),
    /// The value is not the JSON of that type.
    #[error("the value is not a `{event_type}`: {source}")]
    Value {
        /// The type that the envelope names.
        event_type: &'static str,
        /// What the JSON reader said.
        source: serde_json::Error,
    },
}

/// Declares an enum of events: each variant wraps a struct and names its stored type.
macro_rules! events {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $stored:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
        #[serde(untagged)]
        #[expect(missing_docs, reason = "each variant is documented at its struct")]
        pub enum $name { $($variant($variant)),+ }

        $(impl From<$variant> for $name {
            fn from(event: $variant) -> Self { Self::$variant(event) }
        })+

        impl $name {
            /// Every stored type, in the order of the variants.
            pub const TYPES: &'static [&'static str] = &[$($stored),+];

            /// The stored type, `ce_type`.
            #[must_use]
            pub const fn event_type(&self) -> &'static str {
                match self { $(Self::$variant(_) => $stored),+ }
            }

            /// Reads the value of a record of type `event_type`; `None` where the type is not of this enum.
            pub fn read(event_type: &str, value: &[u8]) -> Option<Result<Self, $crate::EventReadError>> {
                match event_type {
                    $($stored => Some(serde_json::from_slice::<$variant>(value).map(Self::$variant).map_err(
                        |source| $crate::EventReadError::Value { event_type: $stored, source },
                    )),)+
                    _ => None,
                }
            }

            /// The JSON Schema of every stored type.
            pub fn schemas() -> Vec<(&'static str, schemars::Schema)> {
                vec![$(($stored, schemars::schema_for!($variant))),+]
            }
        }
    };
}
pub(crate) use events;

/// Any event of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// Of an item.
    Item(ItemEvent),
    /// Of an order.
    Order(OrderEvent),
    /// Of a cart.
    Cart(CartEvent),
    /// Of a store.
    Store(StoreEvent),
    /// Of a warehouse.
    Warehouse(WarehouseEvent),
    /// Of a drop.
    Drop(DropEvent),
    /// Of what a shopper follows.
    Follows(FollowsEvent),
    /// Of a shopper.
    Shopper(ShopperEvent),
}

impl Event {
    /// The stored type, `ce_type`.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Item(event) => event.event_type(),
            Self::Order(event) => event.event_type(),
            Self::Cart(event) => event.event_type(),
            Self::Store(event) => event.event_type(),
            Self::Warehouse(event) => event.event_type(),
            Self::Drop(event) => event.event_type(),
            Self::Follows(event) => event.event_type(),
            Self::Shopper(event) => event.event_type(),
        }
    }

    /// Every stored type.
    pub fn types() -> impl Iterator<Item = &'static str> + Clone {
        let all = [
            ItemEvent::TYPES,
            OrderEvent::TYPES,
            CartEvent::TYPES,
            StoreEvent::TYPES,
            WarehouseEvent::TYPES,
            DropEvent::TYPES,
            FollowsEvent::TYPES,
            ShopperEvent::TYPES,
        ];
        all.into_iter().flatten().copied()
    }

    /// The topic that carries it.
    #[must_use]
    pub const fn topic(&self) -> Topic {
        match self {
            Self::Item(_) => Topic::InventoryEvents,
            Self::Order(_) => Topic::OrdersEvents,
            Self::Cart(_) => Topic::CartsEvents,
            Self::Store(_) => Topic::StoresEvents,
            Self::Warehouse(_) => Topic::WarehousesEvents,
            Self::Drop(_) => Topic::DropsEvents,
            Self::Follows(_) => Topic::FollowsEvents,
            Self::Shopper(_) => Topic::ShoppersEvents,
        }
    }

    /// Reads the value of a record of type `event_type`.
    pub fn read(event_type: &str, value: &[u8]) -> Result<Self, EventReadError> {
        if let Some(event) = ItemEvent::read(event_type, value) {
            return event.map(Self::Item);
        }
        if let Some(event) = OrderEvent::read(event_type, value) {
            return event.map(Self::Order);
        }
        if let Some(event) = CartEvent::read(event_type, value) {
            return event.map(Self::Cart);
        }
        if let Some(event) = StoreEvent::read(event_type, value) {
            return event.map(Self::Store);
        }
        if let Some(event) = WarehouseEvent::read(event_type, value) {
            return event.map(Self::Warehouse);
        }
        if let Some(event) = DropEvent::read(event_type, value) {
            return event.map(Self::Drop);
        }
        if let Some(event) = FollowsEvent::read(event_type, value) {
            return event.map(Self::Follows);
        }
        if let Some(event) = ShopperEvent::read(event_type, value) {
            return event.map(Self::Shopper);
        }
        Err(EventReadError::UnknownType(event_type.to_owned()))
    }

    /// The aggregate that an event of `topic` with that subject belongs to; `None` for what carries no events.
    #[must_use]
    pub fn aggregate(topic: Topic, subject: &str) -> Option<AggregateKey> {
        match topic {
            Topic::InventoryEvents => crate::ItemId::parse(subject).ok().map(AggregateKey::Item),
            Topic::OrdersEvents => crate::OrderId::parse(subject).ok().map(AggregateKey::Order),
            Topic::CartsEvents => crate::SubjectId::parse(subject).ok().map(AggregateKey::Cart),
            Topic::StoresEvents => crate::StoreId::parse(subject).ok().map(AggregateKey::Store),
            Topic::WarehousesEvents => crate::LocationId::parse(subject).ok().map(AggregateKey::Warehouse),
            Topic::DropsEvents => crate::DropId::parse(subject).ok().map(AggregateKey::Drop),
            Topic::FollowsEvents => crate::SubjectId::parse(subject).ok().map(AggregateKey::Follows),
            Topic::ShoppersEvents => crate::SubjectId::parse(subject).ok().map(AggregateKey::Shopper),
            Topic::Commands
            | Topic::InternalCommands
            | Topic::Snapshots
            | Topic::DeadLetters
            | Topic::Replies
            | Topic::SupplierItems
            | Topic::ItemsState
            | Topic::StockState
            | Topic::OrdersState => None,
        }
    }
}
