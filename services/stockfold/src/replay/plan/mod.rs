//! From rows to a plan: which products to list, and what to ask of the engine, in which order. Pure.
//!
//! Where the file leaves a choice, this is what is chosen:
//!
//! - An invoice is all rows of its number; it stands where its first row stands, at that row's time.
//! - The usual price of a product is its most frequent price among its sales, the lower one of two that are as frequent.
//! - A known customer's invoice goes the shopper's way if all of it is goods at list price. With postage or a fee it does
//!   not: a checkout takes no adjustments, they are for trusted callers.
//! - Goods at price 0 in an invoice that charges something, or that has a customer, are gifts: order lines at 0. Where nobody
//!   is charged anything ("Found", "adjustment", no text at all) it is stock that was found, and is received.
//! - Negative units at price 0 outside a cancellation are stock that was lost, and are moved to `damaged`.

mod catalog;
mod invoice;
#[cfg(test)]
mod tests;

pub use crate::cli::Stock;
pub use catalog::Product;

use super::{codes::AdjustmentKind, csv::Row, fate::Fate, fate::Fates};
use std::collections::HashMap;

/// Units that one command may name at most.
pub const MAX_UNITS: i64 = 1_000_000;

/// Which way an order goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// BEGIN, pay, SUBMIT with the shopper's own token.
    Shopper,
    /// `POST /orders` by another system, paid outside.
    External,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Unique in the order.
    pub line_id: String,
    /// Index into [`Plan::products`].
    pub product: usize,
    /// Units.
    pub quantity: i64,
    /// Pence for one.
    pub unit_price: i64,
}

/// An adjustment of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// Unique in the order.
    pub adjustment_id: String,
    /// What for.
    pub kind: AdjustmentKind,
    /// Pence, signed.
    pub amount: i64,
    /// What a person reads.
    pub label: String,
}

/// A sales invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sale {
    /// The invoice number, as it stands in the file.
    pub invoice: String,
    /// The invoice number as an id: the order's, where the order comes from outside.
    pub order_id: String,
    /// Who; none = a guest.
    pub customer: Option<String>,
    /// Which way it goes.
    pub way: Way,
    /// Business time, RFC 3339.
    pub ordered_at: String,
    /// Where the customer lives.
    pub country: String,
    /// At least one.
    pub lines: Vec<Line>,
    /// Postage, fees, discounts.
    pub adjustments: Vec<Adjustment>,
}

/// Units of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Units {
    /// Index into [`Plan::products`].
    pub product: usize,
    /// How many.
    pub quantity: i64,
}

/// A cancellation invoice: each entry is one row of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// Its number, with the `C`.
    pub invoice: String,
    /// Whose orders it is about.
    pub customer: String,
    /// What comes back.
    pub wanted: Vec<Units>,
}

/// A correction of stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The id of the move or receipt.
    pub id: String,
    /// The row of the file.
    pub row: u64,
    /// The invoice number.
    pub reference: String,
    /// What and how much.
    pub units: Units,
    /// What was written about it.
    pub reason: String,
    /// Business time, RFC 3339.
    pub occurred_at: String,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Place, pay and submit an order.
    Sale(Sale),
    /// Cancel lines of earlier orders.
    Cancellation(Cancellation),
    /// Move stock to `damaged`.
    Damaged(Correction),
    /// Receive stock that was found.
    Found(Correction),
}

impl Operation {
    /// The customer whose operations must be done one after the other.
    pub fn customer(&self) -> Option<&str> {
        match self {
            Self::Sale(sale) => sale.customer.as_deref(),
            Self::Cancellation(cancellation) => Some(&cancellation.customer),
            Self::Damaged(_) | Self::Found(_) => None,
        }
    }
}

/// All that is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Every product that can be listed, by code.
    pub products: Vec<Product>,
    /// What to do once they are listed and in stock, in the order of the file.
    pub operations: Vec<Operation>,
    /// What becomes of the rows.
    pub fates: Fates,
    /// Rows of the file.
    pub rows: u64,
}

/// Makes the plan.
///
/// # Panics
/// If a row were lost or counted twice: the fates sum to the rows.
pub fn plan(rows: &[Row]) -> Plan {
    let mut products = catalog::products(rows);
    let index: HashMap<&str, usize> = products.iter().enumerate().map(|(place, p)| (p.code, place)).collect();
    let prices: Vec<i64> = products.iter().map(|product| product.price).collect();
    let mut planner = invoice::Planner::new(&index, &prices);
    for invoice in invoices(rows) {
        planner.invoice(&invoice);
    }
    let (operations, fates) = planner.finish();
    assert_eq!(fates.total(), rows.len() as u64, "every row has one fate");
    catalog::count_units(&mut products, &operations);
    let products = products.into_iter().map(catalog::Draft::finish).collect();
    Plan { products, operations, fates, rows: rows.len() as u64 }
}

/// The rows of each invoice, in the order of their first rows.
fn invoices(rows: &[Row]) -> Vec<Vec<&Row>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut invoices: Vec<Vec<&Row>> = Vec::new();
    for row in rows {
        let place = *places.entry(&row.invoice).or_insert(invoices.len());
        match invoices.get_mut(place) {
            Some(invoice) => invoice.push(row),
            None => invoices.push(vec![row]),
        }
    }
    invoices
}

impl Plan {
    /// Rows that look for lines to cancel.
    pub fn cancellation_rows(&self) -> u64 {
        self.fates.of(Fate::Cancellation)
    }
}
