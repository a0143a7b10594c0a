//! What a replay has done, from the engine's answers.

use crate::replay::{plan::Way, reckon::Refused};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

/// An order that was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its id in the engine.
    pub order_id: String,
    /// The way it went.
    pub way: Way,
    /// The newest position that an answer about it carried.
    pub position: Option<String>,
}

/// An answer that the API does not promise, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was asked, and for what.
    pub asked: String,
    /// What came.
    pub came: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.asked, self.came)
    }
}

/// Everything that was done.
#[derive(Debug, Clone, Default)]
pub struct Played {
    /// Granted orders by invoice.
    pub placed: BTreeMap<String, Placed>,
    /// What was refused.
    pub refused: Refused,
    /// Refused orders by way.
    pub refused_by_way: BTreeMap<Way, u64>,
    /// Units of refused orders, by product.
    pub refused_units: BTreeMap<usize, i64>,
    /// Operations that were performed, with whatever outcome.
    pub performed: u64,
    /// Cancel calls that were answered with done.
    pub cancels: u64,
    /// Rows of cancellations of which all, some, none of the units were found.
    pub matched_rows: [u64; 3],
    /// Units of cancellations that were found, and that were not.
    pub matched_units: [i64; 2],
    /// Moves to `damaged` that were done.
    pub moves: u64,
    /// Receipts of found stock that were done.
    pub finds: u64,
    /// Orders that were cancelled in part or whole.
    pub cancelled_orders: BTreeSet<String>,
    /// What went wrong.
    pub failures: Vec<Failure>,
    /// The time for catalog and opening stock.
    pub stocking: Duration,
    /// The time for everything after.
    pub trading: Duration,
}
