//! Money: integer minor units of one ISO 4217 currency. No floats.

use crate::text::ParseError;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use thiserror::Error;

/// The largest integer that every JSON reader keeps exactly: 2^53 − 1.
pub const MAX_EXACT: i64 = 9_007_199_254_740_991;

/// An ISO 4217 currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// Parses a three-letter code such as `EUR`.
    pub fn parse(code: &str) -> Result<Self, ParseError> {
        iso_currency::Currency::from_code(code).map(Self).ok_or(ParseError::Currency)
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&code).map_err(D::Error::custom)
    }
}

impl schemars::JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217"})
    }
}

/// Why two amounts cannot be reckoned together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// The amounts are in different currencies.
    #[error("amounts of different currencies")]
    Currency,
    /// The result is beyond 2^53 − 1 minor units.
    #[error("the amount is too large")]
    Overflow,
}

/// An amount of money: `amount` minor units (cents, pence) of `currency`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, schemars::JsonSchema)]
pub struct Money {
    amount: i64,
    currency: Currency,
}

impl Money {
    /// Checks the range ±(2^53 − 1); [`ParseError::Amount`] outside it.
    pub fn new(amount: i64, currency: Currency) -> Result<Self, ParseError> {
        if (-MAX_EXACT..=MAX_EXACT).contains(&amount) { Ok(Self { amount, currency }) } else { Err(ParseError::Amount) }
    }

    /// Nothing, in `currency`.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { amount: 0, currency }
    }

    /// Minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.amount
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    fn checked(amount: Option<i64>, currency: Currency) -> Result<Self, MoneyError> {
        amount.and_then(|minor| Self::new(minor, currency).ok()).ok_or(MoneyError::Overflow)
    }

    /// The sum; an error where the currencies differ or the sum is too large.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Currency);
        }
        Self::checked(self.amount.checked_add(other.amount), self.currency)
    }

    /// The difference; an error where the currencies differ or the result is too large.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Currency);
        }
        Self::checked(self.amount.checked_sub(other.amount), self.currency)
    }

    /// `units` times the amount; an error where that is too large.
    pub fn times(self, units: u32) -> Result<Self, MoneyError> {
        Self::checked(self.amount.checked_mul(i64::from(units)), self.currency)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency.code())
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            amount: i64,
            currency: Currency,
        }
        let raw = Raw::deserialize(deserializer)?;
        Self::new(raw.amount, raw.currency).map_err(D::Error::custom)
    }
}
