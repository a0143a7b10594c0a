//! How many units a command may name.

use crate::text::ParseError;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::{fmt, num::NonZeroU32};

/// A number of units in a command: 1 to 1,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Quantity(NonZeroU32);

impl Quantity {
    /// The most units that one command may name.
    pub const MAX: u32 = 1_000_000;

    /// Checks the range; [`ParseError::Quantity`] outside it.
    pub fn new(units: u32) -> Result<Self, ParseError> {
        match NonZeroU32::new(units) {
            Some(n) if units <= Self::MAX => Ok(Self(n)),
            _ => Err(ParseError::Quantity),
        }
    }

    /// The number of units.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// The number of units, as wide as stock is counted.
    #[must_use]
    pub fn units(self) -> u64 {
        u64::from(self.0.get())
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u32::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl schemars::JsonSchema for Quantity {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Quantity".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "integer", "minimum": 1, "maximum": Self::MAX})
    }
}
