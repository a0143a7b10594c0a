//! What a supplier's system says of an item: the command, and the event that records what was news.
//!
//! Statements arrive in any order, late, and more than once. Each has its place among those of its source (`sequence`) and among
//! those of all sources (`at`), so that the same statements lead to the same item in whatever order they come.

use super::Catalog;
use crate::{
    effect::{Digest, Effect},
    ids::{EffectId, LocationId},
    money::Money,
    quantity::Quantity,
    tagged::tagged,
    text::ParseError,
    time::Timestamp,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, sync::Arc};
use uuid::Uuid;

/// A supplier's system, by the `source` of its CloudEvents: a URI reference of 1 to 255 visible ASCII characters; cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeedSource(Arc<str>);

impl FeedSource {
    /// Parses a source; [`ParseError::Text`] for what follows another rule.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let is_source = matches!(text.len(), 1..=255) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_source { Ok(Self(text.into())) } else { Err(ParseError::Text(Self::RULE)) }
    }

    const RULE: &'static str = "a source is 1 to 255 visible ASCII characters without spaces";

    /// The source as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FeedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FeedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FeedSource({self})")
    }
}

impl Serialize for FeedSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FeedSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl schemars::JsonSchema for FeedSource {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FeedSource".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "uri-reference", "pattern": "^[!-~]{1,255}$"})
    }
}

tagged! {
    "fact", rename_all = "snake_case", rename_all_fields = "camelCase";
    /// What a supplier's system may say of an item. Renaming a variant changes stored bytes.
    #[derive(Debug, Clone, PartialEq, Eq, schemars::JsonSchema)]
    pub enum SupplyFact {
        /// It is in sale, with these facts and this price.
        Listed {
            /// All facts.
            catalog: Box<Catalog>,
            /// The price, zero or more.
            price: Money,
        },
        /// It has another price.
        PriceChanged {
            /// The price, zero or more.
            price: Money,
        },
        /// It is out of sale.
        Delisted,
        /// So many sellable units lie at a location, as of the statement's time.
        StockReported {
            /// Where.
            location: LocationId,
            /// Sellable units, 0–1,000,000,000.
            counted: u64,
        },
        /// Units came in, at the statement's time.
        StockReceived {
            /// Where.
            location: LocationId,
            /// How many.
            quantity: Quantity,
            /// The delivery note or the like.
            document: String,
        },
    }
}

/// What a supplier's system says of an item. The answer is that it is done, also where it was known or is out of date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Supply {
    /// Its id is the statement's, its digest that of what is said: both are derived, see [`Supply::new`].
    pub effect: Effect,
    /// Who says so.
    pub source: FeedSource,
    /// Its number there: a later statement of the same source has a greater one.
    pub sequence: u64,
    /// As of when. Of two sources, the one whose newest statement is as of later is believed.
    pub at: Timestamp,
    /// What.
    pub said: SupplyFact,
}

impl Supply {
    /// A statement, with the effect that the same source and sequence always have, over whatever way it came.
    ///
    /// The id is derived from source and sequence, the digest from time and content. No secret is needed: nothing in it is personal.
    #[must_use]
    pub fn new(source: FeedSource, sequence: u64, at: Timestamp, said: SupplyFact) -> Self {
        // A source has no space.
        let id = Uuid::new_v5(&STATEMENTS, format!("{source} {sequence}").as_bytes());
        let content = serde_json::to_value((at, &said)).expect("plain data with text keys");
        let digest = Digest::new(Uuid::new_v5(&id, sorted(content).to_string().as_bytes()).into_bytes());
        let id = EffectId::parse(&id.to_string()).expect("a UUID is an id");
        Self { effect: Effect { id, digest }, source, sequence, at, said }
    }
}

/// A document with its fields in the order of their names, at every depth: whoever wrote it, it says the same.
fn sorted(document: Value) -> Value {
    match document {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}

/// The name space of the ids of statements. Another one would make every known statement look new.
const STATEMENTS: Uuid = Uuid::from_u128(0x7a1f_0c52_6f0e_4b8e_9d7c_51d4_0a3e_88b6);

/// A supplier's system said something new; what it changed stands in the events behind this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SupplyRecorded {
    /// As in [`Supply`].
    pub effect: Effect,
    /// Who says so.
    pub source: FeedSource,
    /// Its number there.
    pub sequence: u64,
    /// As of when.
    pub at: Timestamp,
    /// What.
    pub said: SupplyFact,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(price: i64) -> SupplyFact {
        let currency = crate::Currency::parse("EUR").expect("a currency");
        SupplyFact::PriceChanged { price: Money::new(price, currency).expect("an amount") }
    }

    #[test]
    fn a_statement_is_known_by_source_and_sequence_and_differs_by_content() {
        let source = |text| FeedSource::parse(text).expect("a source");
        let at = Timestamp::from_millis(1_000);
        let first = Supply::new(source("//erp/a"), 7, at, said(500));
        assert_eq!(Supply::new(source("//erp/a"), 7, at, said(500)).effect, first.effect);
        for other in [said(501), SupplyFact::Delisted] {
            let other = Supply::new(source("//erp/a"), 7, at, other).effect;
            assert_eq!(other.id, first.effect.id);
            assert_ne!(other.digest, first.effect.digest);
        }
        assert_ne!(Supply::new(source("//erp/a"), 7, at.plus_millis(1), said(500)).effect.digest, first.effect.digest);
        assert_ne!(Supply::new(source("//erp/a"), 8, at, said(500)).effect.id, first.effect.id);
        assert_ne!(Supply::new(source("//erp/b"), 7, at, said(500)).effect.id, first.effect.id);
    }

    #[test]
    fn a_source_is_a_reference_without_spaces() {
        for good in ["a", "https://erp.example/feeds/7?x=1#y", "urn:x:1", &"x".repeat(255)] {
            assert_eq!(FeedSource::parse(good).expect("a source").as_str(), good);
        }
        for bad in ["", " ", "a b", "a\n", "ä", "\u{0}", &"x".repeat(256)] {
            assert!(FeedSource::parse(bad).is_err(), "{bad:?}");
            assert!(serde_json::from_value::<FeedSource>(serde_json::Value::from(bad)).is_err(), "{bad:?}");
        }
    }
}
