//! The report: tables for people, one JSON document with `--json`.

use super::{
    client::{Kind, Latencies, histogram},
    fate::Fate,
    plan::{Operation, Plan, Stock, Way},
    play::Played,
    readback::Orders,
    verify::{Check, grouped, pounds},
};
use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use serde::Serialize;
use std::fmt::Write as _;

/// Orders of one way.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WayRow {
    way: &'static str,
    asked: u64,
    confirmed: u64,
    refused: u64,
    cancelled_in_part_or_whole: u64,
}

/// Rows of one fate.
#[derive(Debug, Serialize)]
struct FateRow {
    fate: &'static str,
    rows: u64,
    why: &'static str,
}

/// Round trips of one kind, in milliseconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LatencyRow {
    command: &'static str,
    count: u64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Units {
    asked: i64,
    granted: i64,
    refused: i64,
    cancelled: i64,
    damaged: i64,
    found: i64,
    corrections_refused: usize,
    cancellation_units_not_found: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Speed {
    catalog_seconds: f64,
    trade_seconds: f64,
    commands: u64,
    commands_per_second: f64,
    orders_per_second: f64,
    retries: u64,
}

/// The whole report.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    stock: &'static str,
    products: usize,
    rows: u64,
    fates: Vec<FateRow>,
    orders: Vec<WayRow>,
    units: Units,
    placed_pence: i64,
    turnover_pence: i64,
    speed: Speed,
    latencies: Vec<LatencyRow>,
    checks: Vec<Check>,
    ok: bool,
}

/// Puts the report together.
pub fn report(
    plan: &Plan,
    stock: Stock,
    played: &Played,
    orders: &Orders,
    measured: (&Latencies, u64),
    checks: Vec<Check>,
) -> Report {
    let (latencies, retries) = measured;
    Report {
        stock: match stock {
            Stock::Ample => "ample",
            Stock::Tight => "tight",
        },
        products: plan.products.len(),
        rows: plan.rows,
        fates: fates(plan, played),
        orders: vec![way(plan, played, Way::Shopper, "shopper"), way(plan, played, Way::External, "external")],
        units: units(plan, played, orders),
        placed_pence: orders.placed_value,
        turnover_pence: orders.kept.values().sum(),
        speed: speed(played, latencies, retries),
        latencies: latency_rows(latencies),
        ok: checks.iter().all(|check| check.ok),
        checks,
    }
}

fn fates(plan: &Plan, played: &Played) -> Vec<FateRow> {
    let row = |fate, rows, why| FateRow { fate, rows, why };
    let of = |fate| plan.fates.of(fate);
    let [full, part, none] = played.matched_rows;
    let mut rows = vec![
        row("order line", of(Fate::OrderLine), "a line of an order, granted or refused"),
        row("adjustment", of(Fate::Adjustment), "postage or a fee of an order"),
        row("cancellation, found", full, "all of its units were cancelled on earlier orders"),
        row("cancellation, found in part", part, "what the customer's earlier orders still had was cancelled"),
        row("cancellation, not found", none, "cancels what came before the file, or what was refused"),
        row("damaged", of(Fate::Damaged), "stock that was lost: moved to damaged, or refused for want of stock"),
        row("found", of(Fate::Found), "stock that was found, charged to nobody: received"),
    ];
    rows.extend(plan.fates.skipped().into_iter().map(|(skip, rows)| row(skip.name(), rows, skip.why())));
    rows
}

fn way(plan: &Plan, played: &Played, way: Way, name: &'static str) -> WayRow {
    let asked =
        plan.operations.iter().filter(|operation| matches!(operation, Operation::Sale(sale) if sale.way == way));
    let confirmed = || played.placed.iter().filter(|(_, placed)| placed.way == way);
    let cancelled = confirmed().filter(|(invoice, _)| played.cancelled_orders.contains(*invoice));
    WayRow {
        way: name,
        asked: asked.count() as u64,
        confirmed: confirmed().count() as u64,
        refused: played.refused_by_way.get(&way).copied().unwrap_or(0),
        cancelled_in_part_or_whole: cancelled.count() as u64,
    }
}

fn units(plan: &Plan, played: &Played, orders: &Orders) -> Units {
    let refused_rows = &played.refused.rows;
    let damaged = plan.operations.iter().filter_map(|operation| match operation {
        Operation::Damaged(correction) if !refused_rows.contains(&correction.row) => Some(correction.units.quantity),
        Operation::Damaged(_) | Operation::Found(_) | Operation::Sale(_) | Operation::Cancellation(_) => None,
    });
    Units {
        asked: plan.products.iter().map(|product| product.asked).sum(),
        granted: orders.granted.values().sum(),
        refused: played.refused_units.values().sum(),
        cancelled: orders.cancelled,
        damaged: damaged.sum(),
        found: plan.products.iter().map(|product| product.found).sum(),
        corrections_refused: refused_rows.len(),
        cancellation_units_not_found: played.matched_units[1],
    }
}

fn speed(played: &Played, latencies: &Latencies, retries: u64) -> Speed {
    let commands =
        latencies.iter().filter(|(kind, _)| **kind != Kind::Read).map(|(_, histogram)| histogram.len()).sum();
    let (catalog, trade) = (played.stocking.as_secs_f64(), played.trading.as_secs_f64());
    let orders = played.placed.len() + played.refused.invoices.len();
    Speed {
        catalog_seconds: catalog,
        trade_seconds: trade,
        commands,
        commands_per_second: commands as f64 / (catalog + trade).max(0.001),
        orders_per_second: orders as f64 / trade.max(0.001),
        retries,
    }
}

fn latency_rows(latencies: &Latencies) -> Vec<LatencyRow> {
    let mut all = histogram();
    let commands = latencies.iter().filter(|(kind, _)| **kind != Kind::Read);
    for (_, histogram) in commands {
        // Same bounds on both sides, so that adding cannot fail.
        let _ = all.add(histogram);
    }
    let row = |command, histogram: &hdrhistogram::Histogram<u64>| LatencyRow {
        command,
        count: histogram.len(),
        p50_ms: histogram.value_at_quantile(0.5) as f64 / 1_000.0,
        p99_ms: histogram.value_at_quantile(0.99) as f64 / 1_000.0,
        max_ms: histogram.max() as f64 / 1_000.0,
    };
    let kinds = latencies.iter().map(|(kind, histogram)| row(kind.as_str(), histogram));
    std::iter::once(row("all commands", &all)).chain(kinds).collect()
}

impl Report {
    /// Whether everything agrees.
    pub const fn ok(&self) -> bool {
        self.ok
    }

    /// The first check that failed, with its first difference.
    pub fn first_difference(&self) -> Option<String> {
        let check = self.checks.iter().find(|check| !check.ok)?;
        let shown = check.shown.first().map(String::as_str).unwrap_or_default();
        Some(format!("not so: {}; differences: {}, the first: {shown}", check.name, check.differences))
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let units = &self.units;
        for table in [self.row_table(), self.order_table(), self.latency_table(), self.check_table()] {
            let _ = writeln!(text, "{table}\n");
        }
        let _ = writeln!(
            text,
            "Units     {} asked = {} granted + {} refused; {} cancelled, {} damaged, {} found, {} corrections refused",
            units.asked,
            units.granted,
            units.refused,
            units.cancelled,
            units.damaged,
            units.found,
            units.corrections_refused
        );
        let (placed, turnover) = (pounds(self.placed_pence), pounds(self.turnover_pence));
        let _ = writeln!(text, "Turnover  {turnover}, kept of {placed} placed");
        let speed = &self.speed;
        let _ = writeln!(
            text,
            "Speed     {:.0} commands/s, {:.0} orders/s: {} commands in {:.1} s (catalog {:.1} s, trade {:.1} s), {} retries",
            speed.commands_per_second,
            speed.orders_per_second,
            grouped(speed.commands),
            speed.catalog_seconds + speed.trade_seconds,
            speed.catalog_seconds,
            speed.trade_seconds,
            speed.retries
        );
        for check in self.checks.iter().filter(|check| !check.ok) {
            let _ = writeln!(text, "\nNot so: {}; differences: {}", check.name, check.differences);
            for difference in &check.shown {
                let _ = writeln!(text, "  {difference}");
            }
        }
        text
    }

    fn row_table(&self) -> Table {
        let mut table = table(&["Rows of the file", "Rows", "What became of them"]);
        for fate in &self.fates {
            table.add_row([fate.fate.replace('_', " "), grouped(fate.rows), fate.why.to_owned()]);
        }
        let sum: u64 = self.fates.iter().map(|fate| fate.rows).sum();
        table.add_row(["all".to_owned(), grouped(sum), format!("of {} in the file", grouped(self.rows))]);
        right(table, 1..2)
    }

    fn order_table(&self) -> Table {
        let mut table = table(&["Orders", "Asked", "Confirmed", "Refused", "Later cancelled, in part or whole"]);
        for row in &self.orders {
            let figures = [row.asked, row.confirmed, row.refused, row.cancelled_in_part_or_whole].map(grouped);
            table.add_row(std::iter::once(row.way.to_owned()).chain(figures));
        }
        right(table, 1..5)
    }

    fn latency_table(&self) -> Table {
        let mut table = table(&["Answers", "Count", "p50 ms", "p99 ms", "max ms"]);
        for row in &self.latencies {
            let times = [row.p50_ms, row.p99_ms, row.max_ms].map(|ms| format!("{ms:.1}"));
            table.add_row([row.command.to_owned(), grouped(row.count)].into_iter().chain(times));
        }
        right(table, 1..5)
    }

    fn check_table(&self) -> Table {
        let mut table = table(&["Reconciliation", "", "Figures"]);
        for check in &self.checks {
            let verdict = if check.ok { "yes".to_owned() } else { format!("NO: {}", check.differences) };
            table.add_row([check.name.to_owned(), verdict, check.detail.clone()]);
        }
        table
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header.to_vec());
    table
}

fn right(mut table: Table, columns: std::ops::Range<usize>) -> Table {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
