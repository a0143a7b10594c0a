//! Who sends a command.

use crate::ids::{LocationId, StoreId, SubjectId};
use serde::{Deserialize, Serialize};

/// The role that a token grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A customer.
    Shopper,
    /// A seller; acts for one store.
    Store,
    /// A system that publishes items and stock.
    Supplier,
    /// Acts for one location.
    Warehouse,
    /// A trusted back end.
    Service,
    /// Reads the log.
    Analyst,
    /// Runs the engine.
    Operator,
    /// The engine itself: deadlines and what follows from events.
    Engine,
}

impl Role {
    /// The role as the token names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shopper => "shopper",
            Self::Store => "store",
            Self::Supplier => "supplier",
            Self::Warehouse => "warehouse",
            Self::Service => "service",
            Self::Analyst => "analyst",
            Self::Operator => "operator",
            Self::Engine => "engine",
        }
    }
}

/// Who sends a command: role, pseudonym, and what the role is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Caller {
    /// The role.
    pub role: Role,
    /// The pseudonym of token issuer and `sub`.
    pub subject: SubjectId,
    /// The store that a `store` acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
    /// The location that a `warehouse` acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
}

impl Caller {
    /// The engine itself.
    #[must_use]
    ///
    /// # Panics
    /// Never: the subject is a constant that is an id.
    pub fn engine() -> Self {
        Self { role: Role::Engine, subject: SubjectId::parse("engine").expect("an id"), store: None, location: None }
    }

    /// Whether the caller acts for the shop as a whole.
    #[must_use]
    pub const fn is_trusted(&self) -> bool {
        matches!(self.role, Role::Service | Role::Operator | Role::Engine)
    }

    /// Role and pseudonym, as the stock ledger names who did something.
    #[must_use]
    pub fn actor(&self) -> String {
        format!("{}:{}", self.role.as_str(), self.subject)
    }
}
