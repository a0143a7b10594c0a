//! The products of the file, and how many units of them will be asked for.

use super::{Operation, Row, Stock};
use crate::replay::codes;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

/// A product to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The stock code of the file.
    pub code: String,
    /// Its id in the engine.
    pub item_id: String,
    /// Its most frequent description.
    pub name: String,
    /// Its usual price in pence.
    pub price: i64,
    /// Units that sales will ask for.
    pub asked: i64,
    /// Units that corrections will move to `damaged`.
    pub damaged: i64,
    /// Units that corrections will find.
    pub found: i64,
}

impl Product {
    /// Units to receive before the first sale.
    pub const fn opening(&self, stock: Stock) -> i64 {
        match stock {
            // What is found is not counted on: it may come too late.
            Stock::Ample => self.asked + self.damaged,
            Stock::Tight => self.asked * 60 / 100,
        }
    }
}

/// A product while the plan is made; `code` is a slice of the rows.
pub(super) struct Draft<'a> {
    pub(super) code: &'a str,
    pub(super) price: i64,
    item_id: String,
    name: String,
    asked: i64,
    damaged: i64,
    found: i64,
}

impl Draft<'_> {
    pub(super) fn finish(self) -> Product {
        let Self { code, price, item_id, name, asked, damaged, found } = self;
        Product { code: code.to_owned(), item_id, name, price, asked, damaged, found }
    }
}

#[derive(Default)]
struct Seen<'a> {
    prices: HashMap<i64, u64>,
    names: HashMap<&'a str, u64>,
}

/// Every product that is sold at a price, by code.
pub(super) fn products(rows: &[Row]) -> Vec<Draft<'_>> {
    let mut seen: BTreeMap<&str, Seen<'_>> = BTreeMap::new();
    let sold = |row: &&Row| !row.invoice.starts_with('C') && row.quantity > 0 && row.price_micros > 0;
    for row in rows.iter().filter(sold) {
        let Some(price) = row.pence() else { continue };
        if codes::service(&row.code).is_some() {
            continue;
        }
        let seen = seen.entry(&row.code).or_default();
        *seen.prices.entry(price).or_default() += 1;
        *seen.names.entry(&row.description).or_default() += 1;
    }
    seen.into_iter().filter_map(|(code, seen)| draft(code, &seen)).collect()
}

fn draft<'a>(code: &'a str, seen: &Seen<'_>) -> Option<Draft<'a>> {
    // Ties go to the lower price and the first name of the alphabet: a hash map's order must not decide.
    let price = seen.prices.iter().max_by_key(|(price, sales)| (**sales, Reverse(**price)))?;
    let name = seen.names.iter().max_by_key(|(name, sales)| (**sales, Reverse(**name)))?;
    let (price, name) = (*price.0, codes::label(name.0, code));
    Some(Draft { code, price, item_id: codes::to_id(code)?, name, asked: 0, damaged: 0, found: 0 })
}

/// Adds up what `operations` will ask for.
pub(super) fn count_units(products: &mut [Draft<'_>], operations: &[Operation]) {
    for operation in operations {
        match operation {
            Operation::Sale(sale) => {
                for line in &sale.lines {
                    products[line.product].asked += line.quantity;
                }
            }
            Operation::Damaged(correction) => products[correction.units.product].damaged += correction.units.quantity,
            Operation::Found(correction) => products[correction.units.product].found += correction.units.quantity,
            Operation::Cancellation(_) => {}
        }
    }
}
