//! Compares what the engine says with what the file says. Each comparison is a check of the report.

use super::{
    plan::{Operation, Plan, Stock},
    play::Played,
    readback::{Orders, StockView},
    reckon::{Figures, Reckoned},
};
use serde::Serialize;
use std::collections::{HashMap, HashSet};

/// Differences that a check shows; the rest is counted.
const SHOWN: usize = 10;

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What is compared.
    pub name: &'static str,
    /// Whether it agrees.
    pub ok: bool,
    /// What was compared with what, in figures.
    pub detail: String,
    /// How many differences there are.
    pub differences: usize,
    /// The first of them.
    pub shown: Vec<String>,
}

impl Check {
    fn new(name: &'static str, detail: String, mut differences: Vec<String>) -> Self {
        let count = differences.len();
        differences.truncate(SHOWN);
        Self { name, ok: count == 0, detail, differences: count, shown: differences }
    }
}

/// Everything that is compared.
pub struct Evidence<'a> {
    /// What was to be done.
    pub plan: &'a Plan,
    /// How much stock there was.
    pub stock_mode: Stock,
    /// What was answered.
    pub played: &'a Played,
    /// What must be.
    pub reckoned: &'a Reckoned,
    /// What the orders say.
    pub orders: &'a Orders,
    /// What the stock says.
    pub stock: &'a HashMap<String, StockView>,
}

/// All checks, in the order of the report.
pub fn checks(evidence: &Evidence<'_>) -> Vec<Check> {
    let mut checks = vec![
        answers(evidence),
        rows(evidence),
        stock(evidence),
        oversold(evidence),
        asked(evidence),
        turnover(evidence),
        orders(evidence),
    ];
    if evidence.stock_mode == Stock::Ample {
        checks.push(nothing_refused(evidence));
    }
    checks
}

/// Whether stock is as reckoned; asked again and again until it has settled.
pub fn stock_agrees(plan: &Plan, reckoned: &Reckoned, stock: &HashMap<String, StockView>) -> bool {
    stock_differences(plan, reckoned, stock).is_empty()
}

fn answers(evidence: &Evidence<'_>) -> Check {
    let planned = evidence.plan.operations.len() as u64;
    let mut differences: Vec<String> = evidence.played.failures.iter().map(ToString::to_string).collect();
    if evidence.played.performed != planned {
        differences.push(format!("{} of {planned} operations were performed", evidence.played.performed));
    }
    Check::new("every request was answered as the API promises", format!("{planned} operations"), differences)
}

fn rows(evidence: &Evidence<'_>) -> Check {
    let (plan, played) = (evidence.plan, evidence.played);
    let mut differences = Vec::new();
    if plan.fates.total() != plan.rows {
        differences.push(format!("{} rows have a fate, {} are in the file", plan.fates.total(), plan.rows));
    }
    let matched: u64 = played.matched_rows.iter().sum();
    if matched != plan.cancellation_rows() {
        differences.push(format!("{matched} of {} cancellation rows were looked up", plan.cancellation_rows()));
    }
    Check::new("every row of the file is accounted for once", format!("{} rows", plan.rows), differences)
}

fn stock_differences(plan: &Plan, reckoned: &Reckoned, stock: &HashMap<String, StockView>) -> Vec<String> {
    let mut differences = Vec::new();
    let listed: HashSet<&str> = plan.products.iter().map(|product| product.code.as_str()).collect();
    for code in reckoned.products.keys().filter(|code| !listed.contains(code.as_str())) {
        differences.push(format!("{code}: reckoned and not listed"));
    }
    for product in &plan.products {
        let Some(expected) = reckoned.products.get(&product.code) else {
            differences.push(format!("{}: listed and not reckoned", product.code));
            continue;
        };
        let Some(shown) = stock.get(&product.item_id) else {
            differences.push(format!("{}: the engine shows no stock", product.code));
            continue;
        };
        let must = [expected.on_hand(), expected.committed(), expected.available(), 0, 0, 0];
        let is = [shown.on_hand, shown.ordered(), shown.available, shown.held, shown.allotted, shown.safety];
        let names = ["on hand", "ordered", "available", "held", "allotted", "safety"];
        for ((name, is), must) in names.into_iter().zip(is).zip(must).filter(|((_, is), must)| is != must) {
            differences.push(format!("{}: {name} is {is}, the file says {must}", product.code));
        }
    }
    differences
}

fn stock(evidence: &Evidence<'_>) -> Check {
    let differences = stock_differences(evidence.plan, evidence.reckoned, evidence.stock);
    let detail = format!("{} products", evidence.plan.products.len());
    Check::new("on hand, ordered and available agree for every product", detail, differences)
}

fn oversold(evidence: &Evidence<'_>) -> Check {
    let mut differences = Vec::new();
    let mut sold_out = 0;
    for product in &evidence.plan.products {
        let Some(shown) = evidence.stock.get(&product.item_id) else { continue };
        let had = product.opening(evidence.stock_mode) + product.found;
        sold_out += usize::from(shown.available == 0);
        let (available, ordered) = (shown.available, shown.ordered());
        if available < 0 || ordered > had {
            differences.push(format!("{}: {had} units, {ordered} ordered, {available} available", product.code));
        }
    }
    Check::new("nothing is oversold", format!("{sold_out} products sold out"), differences)
}

fn asked(evidence: &Evidence<'_>) -> Check {
    let mut differences = Vec::new();
    let mut sums = [0; 3];
    for (place, product) in evidence.plan.products.iter().enumerate() {
        // Three sources: the file, the orders that the engine shows, and its refusals.
        let asked = evidence.reckoned.products.get(&product.code).map_or(0, |figures| figures.asked);
        let granted = evidence.orders.granted.get(&product.item_id).copied().unwrap_or(0);
        let refused = evidence.played.refused_units.get(&place).copied().unwrap_or(0);
        if asked != granted + refused {
            differences.push(format!("{}: {asked} asked, {granted} granted, {refused} refused", product.code));
        }
        sums = [sums[0] + asked, sums[1] + granted, sums[2] + refused];
    }
    let detail = format!("{} = {} + {} units", sums[0], sums[1], sums[2]);
    Check::new("asked = granted + refused for every product", detail, differences)
}

fn turnover(evidence: &Evidence<'_>) -> Check {
    let (reckoned, shown) = (&evidence.reckoned.kept, &evidence.orders.kept);
    let mut differences = Vec::new();
    for (invoice, must) in reckoned {
        match shown.get(invoice) {
            Some(is) if is == must => {}
            Some(is) => differences.push(format!("invoice {invoice}: {is} pence kept, the file says {must}")),
            None => differences.push(format!("invoice {invoice}: no order, the file says {must} pence")),
        }
    }
    for invoice in shown.keys().filter(|invoice| !reckoned.contains_key(*invoice)) {
        differences.push(format!("invoice {invoice}: an order that the file does not know"));
    }
    let engine: i64 = shown.values().sum();
    if engine != evidence.reckoned.turnover {
        differences.push(format!("turnover is {engine} pence, the file says {}", evidence.reckoned.turnover));
    }
    let detail = format!("engine {}, file {}", pounds(engine), pounds(evidence.reckoned.turnover));
    Check::new("turnover agrees to the penny, order by order", detail, differences)
}

fn orders(evidence: &Evidence<'_>) -> Check {
    let mut differences = evidence.orders.faults.clone();
    let cancelled: i64 = evidence.reckoned.products.values().map(|figures: &Figures| figures.cancelled).sum();
    if evidence.orders.cancelled != cancelled {
        differences.push(format!("{} units are cancelled, the file says {cancelled}", evidence.orders.cancelled));
    }
    let detail = format!("{} orders, {cancelled} units cancelled", evidence.orders.kept.len());
    Check::new("orders add up: status, total, payments, cancelled units", detail, differences)
}

fn nothing_refused(evidence: &Evidence<'_>) -> Check {
    let refused = &evidence.played.refused;
    let orders = refused.invoices.iter().map(|invoice| format!("invoice {invoice}: refused"));
    let corrections = refused.rows.iter().map(|row| format!("row {row}: correction refused"));
    let sales = evidence.plan.operations.iter().filter(|operation| matches!(operation, Operation::Sale(_))).count();
    Check::new("with ample stock nothing is refused", format!("{sales} orders"), orders.chain(corrections).collect())
}

/// `£1,234.56`.
pub fn pounds(pence: i64) -> String {
    let sign = if pence < 0 { "-" } else { "" };
    format!("{sign}£{}.{:02}", grouped(pence.unsigned_abs() / 100), pence.unsigned_abs() % 100)
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{csv::tests::rows, plan, readback::LocationView, reckon, tests::SHOP};

    /// What an engine without faults shows after the small shop.
    struct Shown {
        plan: Plan,
        played: Played,
        reckoned: Reckoned,
        orders: Orders,
        stock: HashMap<String, StockView>,
    }

    fn faultless() -> Shown {
        let rows = rows(SHOP);
        let (plan, reckoned) = (plan::plan(&rows), reckon::reckon(&rows, false, &reckon::Refused::default()));
        let performed = plan.operations.len() as u64;
        let played = Played { performed, matched_rows: [1, 1, 1], ..Played::default() };
        let mut orders = Orders { kept: reckoned.kept.clone(), cancelled: 6, ..Orders::default() };
        let mut stock = HashMap::new();
        for (code, figures) in &reckoned.products {
            let (on_hand, committed) = (figures.on_hand(), figures.committed());
            let available = figures.available();
            orders.granted.insert(code.clone(), figures.granted);
            let item_id = code.clone();
            stock.insert(code.clone(), StockView { item_id, available, on_hand, committed, ..StockView::default() });
        }
        Shown { plan, played, reckoned, orders, stock }
    }

    /// The names of the checks that fail once `fault` is done to what a faultless engine shows.
    fn failing(fault: impl FnOnce(&mut Shown)) -> Vec<&'static str> {
        let mut shown = faultless();
        fault(&mut shown);
        let Shown { plan, played, reckoned, orders, stock } = &shown;
        let checks = checks(&Evidence { plan, stock_mode: Stock::Ample, played, reckoned, orders, stock });
        checks.into_iter().filter(|check| !check.ok).map(|check| check.name).collect()
    }

    const STOCK: &str = "on hand, ordered and available agree for every product";

    #[test]
    fn passes_what_a_faultless_engine_shows() {
        assert_eq!(failing(|_| {}), [""; 0]);
    }

    #[test]
    fn fails_on_one_unit_of_stock() {
        let lamp = |shown: &mut Shown| shown.stock.remove("A1").expect("stock");
        let put = |shown: &mut Shown, lamp| shown.stock.insert("A1".into(), lamp);
        assert_eq!(failing(|s| drop(lamp(s))), [STOCK]);
        for fault in [
            |lamp: &mut StockView| lamp.on_hand += 1,
            |lamp: &mut StockView| lamp.committed -= 1,
            |lamp: &mut StockView| lamp.locations.push(LocationView { allocated: 1 }),
            |lamp: &mut StockView| lamp.available += 1,
            |lamp: &mut StockView| lamp.held += 1,
        ] {
            let failed = failing(|shown| {
                let mut stock = lamp(shown);
                fault(&mut stock);
                put(shown, stock);
            });
            assert_eq!(failed, [STOCK]);
        }
    }

    #[test]
    fn fails_on_a_unit_that_is_oversold() {
        let failed = failing(|shown| shown.stock.values_mut().for_each(|stock| stock.available = -1));
        assert_eq!(failed, [STOCK, "nothing is oversold"]);
    }

    #[test]
    fn fails_on_one_penny_also_where_another_makes_up_for_it() {
        let failed = failing(|shown| {
            *shown.orders.kept.get_mut("1").expect("kept") += 1;
            *shown.orders.kept.get_mut("5").expect("kept") -= 1;
        });
        assert_eq!(failed, ["turnover agrees to the penny, order by order"]);
    }

    #[test]
    fn fails_on_a_unit_neither_granted_nor_refused() {
        let failed = failing(|shown| *shown.orders.granted.get_mut("A1").expect("granted") -= 1);
        assert_eq!(failed, ["asked = granted + refused for every product"]);
    }

    #[test]
    fn fails_on_a_request_or_row_that_is_missing() {
        assert_eq!(failing(|s| s.played.performed -= 1), ["every request was answered as the API promises"]);
        assert_eq!(failing(|s| s.played.matched_rows[0] -= 1), ["every row of the file is accounted for once"]);
    }

    #[test]
    fn writes_money_for_people() {
        assert_eq!([pounds(445_017_465), pounds(-5), pounds(0)], ["£4,450,174.65", "-£0.05", "£0.00"]);
    }
}
