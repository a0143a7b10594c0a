//! One invoice: sorts its rows, and makes of them an order, a cancellation or corrections.

use super::{Adjustment, Cancellation, Correction, Line, MAX_UNITS, Operation, Row, Sale, Units, Way};
use crate::replay::{
    codes::{self, AdjustmentKind},
    fate::{Fate, Fates, Skip},
    london,
};
use std::collections::HashMap;

/// Turns invoices into operations, one after the other.
pub(super) struct Planner<'a> {
    /// Product by code.
    index: &'a HashMap<&'a str, usize>,
    /// Usual price by product.
    prices: &'a [i64],
    operations: Vec<Operation>,
    fates: Fates,
}

/// What a row of a sales invoice is.
enum Piece {
    Line(Units, i64),
    Adjustment(AdjustmentKind, i64, String),
    Damaged(Units),
    Found(Units),
}

impl<'a> Planner<'a> {
    pub(super) fn new(index: &'a HashMap<&'a str, usize>, prices: &'a [i64]) -> Self {
        Self { index, prices, operations: Vec::new(), fates: Fates::default() }
    }

    pub(super) fn finish(self) -> (Vec<Operation>, Fates) {
        (self.operations, self.fates)
    }

    /// Plans all rows of one invoice.
    pub(super) fn invoice(&mut self, rows: &[&Row]) {
        let Some(first) = rows.first() else { return };
        let Some(number) = codes::to_id(&first.invoice) else {
            return self.fates.add(Fate::Skipped(Skip::NoId), rows.len() as u64);
        };
        if first.invoice.starts_with('C') { self.cancellation(number, rows) } else { self.sale(number, first, rows) }
    }

    fn cancellation(&mut self, invoice: String, rows: &[&Row]) {
        let mut wanted = Vec::new();
        let customer = rows.iter().find_map(|row| row.customer.clone());
        for row in rows {
            let fate = match self.cancelled(row, customer.is_some()) {
                Ok(units) => {
                    wanted.push(units);
                    Fate::Cancellation
                }
                Err(skip) => Fate::Skipped(skip),
            };
            self.fates.add(fate, 1);
        }
        if let (Some(customer), false) = (customer, wanted.is_empty()) {
            self.operations.push(Operation::Cancellation(Cancellation { invoice, customer, wanted }));
        }
    }

    /// What a row of a cancellation takes back. Its price is not looked at: the order's counts.
    fn cancelled(&self, row: &Row, known: bool) -> Result<Units, Skip> {
        match codes::service(&row.code) {
            Some((AdjustmentKind::Discount, _)) => return Err(Skip::DiscountCredited),
            Some((AdjustmentKind::Shipping | AdjustmentKind::Fee, _)) => return Err(Skip::ChargeCredited),
            None => {}
        }
        if !known {
            return Err(Skip::CancellationOfGuest);
        }
        if row.quantity >= 0 {
            return Err(Skip::CancellationOfNothing);
        }
        self.units(row, -row.quantity)
    }

    fn units(&self, row: &Row, quantity: i64) -> Result<Units, Skip> {
        if quantity > MAX_UNITS {
            return Err(Skip::TooManyUnits);
        }
        let product = *self.index.get(row.code.as_str()).ok_or(Skip::NeverPriced)?;
        Ok(Units { product, quantity })
    }

    fn sale(&mut self, order_id: String, first: &Row, rows: &[&Row]) {
        let customer = rows.iter().find_map(|row| row.customer.clone());
        // Nobody pays anything: this is the stock room writing, not a till.
        let stock_room = customer.is_none() && rows.iter().all(|row| row.price_micros == 0);
        let (mut lines, mut adjustments) = (Vec::new(), Vec::new());
        for (place, row) in rows.iter().enumerate() {
            match self.piece(row, stock_room) {
                Ok(Piece::Line(Units { product, quantity }, unit_price)) => {
                    lines.push(Line { line_id: format!("l{}", place + 1), product, quantity, unit_price });
                }
                Ok(Piece::Adjustment(kind, amount, label)) => {
                    let adjustment_id = format!("a{}", place + 1);
                    adjustments.push(Adjustment { adjustment_id, kind, amount, label });
                }
                Ok(Piece::Damaged(units)) => self.correction(&order_id, row, units, Operation::Damaged, Fate::Damaged),
                Ok(Piece::Found(units)) => self.correction(&order_id, row, units, Operation::Found, Fate::Found),
                Err(skip) => self.fates.add(Fate::Skipped(skip), 1),
            }
        }
        let goods: i64 = lines.iter().map(|line| line.quantity * line.unit_price).sum();
        let total = goods + adjustments.iter().map(|adjustment| adjustment.amount).sum::<i64>();
        let (goods_rows, other_rows) = (lines.len() as u64, adjustments.len() as u64);
        if lines.is_empty() {
            return self.fates.add(Fate::Skipped(Skip::NoGoods), other_rows);
        }
        if total < 0 {
            return self.fates.add(Fate::Skipped(Skip::NegativeTotal), goods_rows + other_rows);
        }
        self.fates.add(Fate::OrderLine, goods_rows);
        self.fates.add(Fate::Adjustment, other_rows);
        let way = self.way(customer.is_some(), &lines, &adjustments);
        let (invoice, country) = (first.invoice.clone(), first.country.clone());
        let ordered_at = london::to_utc(first.local_time);
        let sale = Sale { invoice, order_id, customer, way, ordered_at, country, lines, adjustments };
        self.operations.push(Operation::Sale(sale));
    }

    fn way(&self, known: bool, lines: &[Line], adjustments: &[Adjustment]) -> Way {
        let at_list_price = lines.iter().all(|line| line.unit_price == self.prices[line.product]);
        if known && at_list_price && adjustments.is_empty() { Way::Shopper } else { Way::External }
    }

    fn piece(&self, row: &Row, stock_room: bool) -> Result<Piece, Skip> {
        let pence = row.pence().ok_or(Skip::SubPenny);
        if let Some((kind, title)) = codes::service(&row.code) {
            return match pence? * row.quantity {
                0 => Err(Skip::ChargeOfNothing),
                amount => Ok(Piece::Adjustment(kind, amount, codes::label(&row.description, title))),
            };
        }
        match (pence?, row.quantity) {
            (..0, _) => Err(Skip::NegativePrice),
            (1.., ..0) => Err(Skip::NegativeSale),
            (_, 0) => Err(Skip::NoUnits),
            (0, lost @ ..0) => Ok(Piece::Damaged(self.units(row, -lost)?)),
            (0, found) if stock_room => Ok(Piece::Found(self.units(row, found)?)),
            (price, sold) => Ok(Piece::Line(self.units(row, sold)?, price)),
        }
    }

    fn correction(&mut self, invoice: &str, row: &Row, units: Units, of: fn(Correction) -> Operation, fate: Fate) {
        let correction = Correction {
            // By row and not by invoice, which may correct the same product twice.
            id: format!("correction-{}", row.number),
            row: row.number,
            reference: invoice.to_owned(),
            units,
            reason: codes::label(&row.description, "stock correction"),
            occurred_at: london::to_utc(row.local_time),
        };
        self.operations.push(of(correction));
        self.fates.add(fate, 1);
    }
}
