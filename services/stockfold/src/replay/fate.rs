//! What becomes of a row. Every row of the file ends in exactly one of these.

use std::collections::BTreeMap;

/// Why a row cannot be used. The order is the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skip {
    /// A discount on a credit note.
    DiscountCredited,
    /// Postage, a fee or the like on a credit note.
    ChargeCredited,
    /// A cancellation that names nobody.
    CancellationOfGuest,
    /// A line of a credit note that takes nothing back.
    CancellationOfNothing,
    /// A charge of zero.
    ChargeOfNothing,
    /// A price that is a fraction of a penny.
    SubPenny,
    /// A price below zero.
    NegativePrice,
    /// Units taken back at a price, outside a cancellation.
    NegativeSale,
    /// Zero units.
    NoUnits,
    /// More units than one command may name.
    TooManyUnits,
    /// A product without a price.
    NeverPriced,
    /// A code that cannot be an id.
    NoId,
    /// An invoice without goods.
    NoGoods,
    /// An invoice whose adjustments are more than its goods.
    NegativeTotal,
}

impl Skip {
    /// The name in `--json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DiscountCredited => "discount_credited",
            Self::ChargeCredited => "charge_credited",
            Self::CancellationOfGuest => "cancellation_of_guest",
            Self::CancellationOfNothing => "cancellation_of_nothing",
            Self::ChargeOfNothing => "charge_of_nothing",
            Self::SubPenny => "sub_penny",
            Self::NegativePrice => "negative_price",
            Self::NegativeSale => "negative_sale",
            Self::NoUnits => "no_units",
            Self::TooManyUnits => "too_many_units",
            Self::NeverPriced => "never_priced",
            Self::NoId => "no_id",
            Self::NoGoods => "no_goods",
            Self::NegativeTotal => "negative_total",
        }
    }

    /// The explanation for people.
    pub const fn why(self) -> &'static str {
        match self {
            Self::DiscountCredited => {
                "a discount given on a credit note: an order's adjustments are fixed when it is placed"
            }
            Self::ChargeCredited => {
                "postage or a fee given back on a credit note: it names no order to give it back on"
            }
            Self::CancellationOfGuest => "a cancellation without a customer: nobody's orders to look among",
            Self::CancellationOfNothing => "a line of a credit note with units above or at zero",
            Self::ChargeOfNothing => "postage or a fee of zero: nothing to charge",
            Self::SubPenny => "a price below a penny: money is whole pence",
            Self::NegativePrice => "a price below zero",
            Self::NegativeSale => "negative units at a price outside a cancellation: neither a sale nor a correction",
            Self::NoUnits => "zero units",
            Self::TooManyUnits => "more than 1,000,000 units, the most that a command may name",
            Self::NeverPriced => {
                "a product that is never sold at a price here, so it has no usual price to be listed at"
            }
            Self::NoId => "a code or invoice number longer than an id may be",
            Self::NoGoods => "an invoice of postage and fees only: an order needs a line of goods",
            Self::NegativeTotal => "an invoice whose deductions are more than its goods: a total is never below zero",
        }
    }
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// A line of an order.
    OrderLine,
    /// An adjustment of an order.
    Adjustment,
    /// Looks for lines to cancel; how many it finds is known when it is played.
    Cancellation,
    /// Stock moved to `damaged`.
    Damaged,
    /// Stock that was found, received.
    Found,
    /// Not used.
    Skipped(Skip),
}

/// How many rows have which fate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fates(BTreeMap<Fate, u64>);

impl Fates {
    /// Counts `rows` rows.
    pub fn add(&mut self, fate: Fate, rows: u64) {
        if rows > 0 {
            *self.0.entry(fate).or_default() += rows;
        }
    }

    /// Rows of one fate.
    pub fn of(&self, fate: Fate) -> u64 {
        self.0.get(&fate).copied().unwrap_or(0)
    }

    /// Rows of all fates.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Skipped rows by reason.
    pub fn skipped(&self) -> Vec<(Skip, u64)> {
        let skips = self.0.iter().filter_map(|(fate, rows)| match fate {
            Fate::Skipped(skip) => Some((*skip, *rows)),
            Fate::OrderLine | Fate::Adjustment | Fate::Cancellation | Fate::Damaged | Fate::Found => None,
        });
        skips.collect()
    }
}
