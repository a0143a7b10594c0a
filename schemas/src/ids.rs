//! Typed ids. All of them follow one rule and are checked once, where they come in.

use crate::text::{ParseError, is_id};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, sync::Arc};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        ///
        /// `[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}`, case-sensitive; cheap to clone.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses an id; anything that does not follow the rule is [`ParseError::Id`].
            pub fn parse(text: &str) -> Result<Self, ParseError> {
                if is_id(text) { Ok(Self(text.into())) } else { Err(ParseError::Id) }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl serde::de::Visitor<'_> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an id")
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::parse(text).map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Visitor)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$"})
            }
        }
    )+};
}

id! {
    /// An item that is sold: the sku, key of the inventory topic.
    ItemId,
    /// An order, key of the orders topic.
    OrderId,
    /// A line of an order.
    LineId,
    /// An adjustment (discount, tax, shipping, fee) of an order.
    AdjustmentId,
    /// A place where stock lies: a warehouse or a shop.
    LocationId,
    /// A store: a seller that owns items.
    StoreId,
    /// A supplier system that publishes items.
    SourceId,
    /// The pseudonym of whoever sends commands: HMAC-SHA-256 of token issuer and `sub`. A shopper is known by it.
    SubjectId,
    /// The id of an effect: what a command is deduplicated by.
    EffectId,
    /// The id of a command; an internal one's is its cause's id and an ordinal.
    CommandId,
    /// What ties all commands and events of one request together.
    CorrelationId,
    /// A receipt of stock.
    ReceiptId,
    /// A foreign system's own hold.
    FreeHoldId,
    /// A shipment that left a location.
    ShipmentId,
    /// The part of an order that one warehouse ships.
    SubOrderId,
    /// A cancellation of order lines.
    CancellationId,
    /// A return of shipped units.
    ReturnId,
    /// A payment attempt of an order.
    PaymentId,
    /// A refund or void that is owed.
    RefundId,
    /// A limited-time offer.
    DropId,
    /// A shopper's claim on a drop.
    ClaimId,
    /// Units lent by an item to a drop.
    AllotmentId,
}
