//! The independent computation: what stock and turnover must be, straight from the rows.
//!
//! It shares nothing with the plan but the parsed row, and is written the other way round (row by row instead of invoice
//! by invoice, rules as one list of conditions), so that a mistake in one is not a mistake in both. Of the engine it takes one
//! thing only: which invoices and corrections it refused. With ample stock that is none, and everything here follows
//! from the file alone.
//!
//! **Turnover to the penny.** Turnover is the sum of what is kept of the orders that were granted, by the share of design 5.2.
//! An order's adjustments (the file's belong to no line) are summed and spread over its lines by value, or by units where
//! the goods are worth nothing: the lines up to and with the i-th get `⌊sum · value up to there / value of all⌋`, so the parts
//! sum to the whole. Of a line that counts `a` with its part, cancelling c of q units takes `⌊a·c/q⌋` away. So it depends on how
//! much is cancelled and not in how many steps, and of what is cancelled whole nothing is kept. No line ever counts less than
//! zero here: a deduction is at most the goods' value, or the invoice was skipped.

use super::csv::Row;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What the engine refused. With ample stock both are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    /// Invoices whose orders were refused.
    pub invoices: BTreeSet<String>,
    /// Rows whose correction was refused.
    pub rows: BTreeSet<u64>,
}

/// Figures of one product, in units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Asked for by sales.
    pub asked: i64,
    /// Of that, ordered.
    pub granted: i64,
    /// Of that, refused.
    pub refused: i64,
    /// Of what was ordered, cancelled.
    pub cancelled: i64,
    /// Moved to `damaged`.
    pub damaged: i64,
    /// Received because it was found.
    pub found: i64,
    /// Received before the first sale.
    pub opening: i64,
}

impl Figures {
    /// Sellable and damaged units.
    pub const fn on_hand(&self) -> i64 {
        self.opening + self.found
    }

    /// Units ordered and not cancelled: nothing is shipped here.
    pub const fn committed(&self) -> i64 {
        self.granted - self.cancelled
    }

    /// Units that can still be sold.
    pub const fn available(&self) -> i64 {
        self.on_hand() - self.damaged - self.committed()
    }
}

/// What must be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reckoned {
    /// By stock code.
    pub products: BTreeMap<String, Figures>,
    /// Pence kept.
    pub turnover: i64,
    /// Pence kept by invoice.
    pub kept: BTreeMap<String, i64>,
}

#[derive(Default)]
struct Invoice<'a> {
    customer: Option<&'a str>,
    charged: bool,
    goods: Vec<Goods<'a>>,
    extras: Vec<i64>,
}

struct Goods<'a> {
    code: &'a str,
    ordered: i64,
    cancelled: i64,
    pence: i64,
}

/// Codes that are no goods. Kept apart from the plan's table on purpose.
fn is_extra(code: &str) -> bool {
    let code = code.to_ascii_uppercase();
    let postage = matches!(&*code, "POST" | "DOT" | "C2");
    let money = matches!(&*code, "D" | "M" | "S" | "B" | "AMAZONFEE" | "BANK CHARGES" | "CRUK" | "ADJUST" | "ADJUST2");
    postage || money
}

fn is_credit(row: &Row) -> bool {
    row.invoice.as_bytes().first() == Some(&b'C')
}

/// Whether one command can name as many units.
fn fits(units: i64) -> bool {
    units <= 1_000_000
}

/// Reckons stock and turnover. `tight`: opening stock is 60 % of what sales ask for, not all of it and the corrections.
pub fn reckon(rows: &[Row], tight: bool, refused: &Refused) -> Reckoned {
    let mut products: BTreeMap<&str, Figures> = BTreeMap::new();
    for row in rows {
        let priced = row.price_micros > 0 && row.pence().is_some();
        if row.quantity > 0 && priced && !is_credit(row) && !is_extra(&row.code) {
            products.entry(&row.code).or_default();
        }
    }
    let mut invoices = orders(rows, &products);
    for figures in invoices.values().flat_map(|invoice| &invoice.goods) {
        products.entry(figures.code).or_default().asked += figures.ordered;
    }
    let lost = corrections(rows, &invoices, &mut products, refused);
    for (code, figures) in &mut products {
        let lost = lost.get(code).copied().unwrap_or(0);
        figures.opening = if tight { figures.asked * 6 / 10 } else { figures.asked + lost };
    }
    invoices.retain(|number, invoice| {
        let granted = !refused.invoices.contains(*number);
        for goods in &invoice.goods {
            let figures = products.entry(goods.code).or_default();
            *if granted { &mut figures.granted } else { &mut figures.refused } += goods.ordered;
        }
        granted
    });
    cancel(rows, &mut invoices);
    for goods in invoices.values().flat_map(|invoice| &invoice.goods) {
        products.entry(goods.code).or_default().cancelled += goods.cancelled;
    }
    let kept: BTreeMap<String, i64> =
        invoices.iter().map(|(number, invoice)| ((*number).to_owned(), kept(invoice))).collect();
    let products = products.into_iter().map(|(code, figures)| (code.to_owned(), figures)).collect();
    Reckoned { products, turnover: kept.values().sum(), kept }
}

/// Every invoice that is an order: it has goods, and its total is not below zero.
fn orders<'a>(rows: &'a [Row], products: &BTreeMap<&str, Figures>) -> HashMap<&'a str, Invoice<'a>> {
    let mut invoices: HashMap<&str, Invoice<'_>> = HashMap::new();
    for row in rows.iter().filter(|row| !is_credit(row)) {
        let invoice = invoices.entry(&row.invoice).or_default();
        invoice.customer = invoice.customer.or(row.customer.as_deref());
        invoice.charged |= row.price_micros != 0;
        let Some(pence) = row.pence() else { continue };
        if is_extra(&row.code) {
            invoice.extras.push(pence * row.quantity);
        } else if row.quantity > 0 && pence >= 0 && fits(row.quantity) && products.contains_key(row.code.as_str()) {
            invoice.goods.push(Goods { code: &row.code, ordered: row.quantity, cancelled: 0, pence });
        }
    }
    invoices.retain(|_, invoice| {
        let goods: i64 = invoice.goods.iter().map(|goods| goods.ordered * goods.pence).sum();
        let sale = invoice.customer.is_some() || invoice.charged;
        sale && !invoice.goods.is_empty() && goods + invoice.extras.iter().sum::<i64>() >= 0
    });
    invoices
}

/// Books what was lost and found, and returns what was to be booked as lost, refused or not, by product.
fn corrections<'a>(
    rows: &'a [Row],
    orders: &HashMap<&str, Invoice<'_>>,
    products: &mut BTreeMap<&str, Figures>,
    refused: &Refused,
) -> HashMap<&'a str, i64> {
    let mut lost: HashMap<&str, i64> = HashMap::new();
    let charged: BTreeSet<&str> =
        rows.iter().filter(|row| row.price_micros != 0).map(|row| row.invoice.as_str()).collect();
    for row in rows {
        if is_credit(row) || is_extra(&row.code) || row.price_micros != 0 || !fits(row.quantity.abs()) {
            continue;
        }
        let Some(figures) = products.get_mut(row.code.as_str()) else { continue };
        let nobodys = !orders.contains_key(row.invoice.as_str()) && !charged.contains(row.invoice.as_str());
        if row.quantity < 0 {
            *lost.entry(&row.code).or_default() -= row.quantity;
            if !refused.rows.contains(&row.number) {
                figures.damaged -= row.quantity;
            }
        } else if nobodys && row.customer.is_none() {
            figures.found += row.quantity;
        }
    }
    lost
}

/// Walks the file once: orders come up as their invoices begin, and each credit looks through those of its customer, latest first.
fn cancel<'a>(rows: &'a [Row], invoices: &mut HashMap<&'a str, Invoice<'a>>) {
    let mut customers: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut begun: BTreeSet<&str> = BTreeSet::new();
    let mut creditors: HashMap<&str, &str> = HashMap::new();
    for row in rows.iter().filter(|row| is_credit(row)) {
        if let Some(customer) = &row.customer {
            creditors.entry(&row.invoice).or_insert(customer);
        }
    }
    for row in rows {
        if is_credit(row) {
            let Some(customer) = creditors.get(row.invoice.as_str()) else { continue };
            let mut open = if is_extra(&row.code) || !fits(-row.quantity) { 0 } else { (-row.quantity).max(0) };
            for number in customers.get(customer).into_iter().flatten().rev() {
                let lines = invoices.get_mut(number).into_iter().flat_map(|invoice| &mut invoice.goods);
                for line in lines.filter(|line| line.code == row.code) {
                    let taken = open.min(line.ordered - line.cancelled);
                    line.cancelled += taken;
                    open -= taken;
                }
            }
        } else if begun.insert(&row.invoice)
            && let Some(customer) = invoices.get(row.invoice.as_str()).and_then(|invoice| invoice.customer)
        {
            customers.entry(customer).or_default().push(&row.invoice);
        }
    }
}

fn kept(invoice: &Invoice<'_>) -> i64 {
    let extras: i128 = invoice.extras.iter().copied().map(i128::from).sum();
    let value = |goods: &Goods<'_>| i128::from(goods.ordered) * i128::from(goods.pence);
    let worthless = invoice.goods.iter().all(|goods| goods.pence == 0);
    let weight = |goods: &Goods<'_>| if worthless { i128::from(goods.ordered) } else { value(goods) };
    let all: i128 = invoice.goods.iter().map(weight).sum();
    let (mut kept, mut passed) = (0, 0);
    for goods in &invoice.goods {
        let before = (extras * passed).div_euclid(all);
        passed += weight(goods);
        let counts = value(goods) + (extras * passed).div_euclid(all) - before;
        kept += counts - counts * i128::from(goods.cancelled) / i128::from(goods.ordered);
    }
    i64::try_from(kept).unwrap_or(i64::MAX)
}
