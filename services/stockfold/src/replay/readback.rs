//! Reads orders and stock back from the engine once everything is played.

use super::{
    client::{Call, Client},
    plan::{Plan, Way},
    play::{self, Placed, Played},
};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Items in one query of stock; the API allows 200.
const ITEMS_AT_ONCE: usize = 100;
/// How long the last events may take to reach stock. Answers wait for orders, not for what orders then tell their items.
const SETTLE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(250);

#[derive(Debug, Clone, Copy, Deserialize)]
struct Money {
    amount: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LineView {
    item_id: String,
    quantity: i64,
    unit_price: Money,
    cancelled: i64,
}

#[derive(Debug, Deserialize)]
struct AdjustmentView {
    amount: Money,
    #[serde(default)]
    included: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PaymentView {
    authorized: i64,
    #[serde(default)]
    refund_due: i64,
}

#[derive(Debug, Deserialize)]
struct OrderView {
    status: String,
    lines: Vec<LineView>,
    #[serde(default)]
    adjustments: Vec<AdjustmentView>,
    total: Money,
    #[serde(default)]
    payments: Vec<PaymentView>,
}

/// Stock of an item, as the engine shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockView {
    /// Which item.
    pub item_id: String,
    /// Units that can be sold.
    pub available: i64,
    /// Units in all buckets.
    pub on_hand: i64,
    /// Units held by checkouts.
    pub held: i64,
    /// Units ordered that belong to no location yet.
    pub committed: i64,
    /// Units lent to drops.
    pub allotted: i64,
    /// Units kept back.
    pub safety: i64,
    /// By location.
    pub locations: Vec<LocationView>,
}

/// Stock of an item at one location.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationView {
    /// Units ordered that it will ship.
    pub allocated: i64,
}

impl StockView {
    /// Units ordered, planned or not.
    pub fn ordered(&self) -> i64 {
        self.committed + self.locations.iter().map(|location| location.allocated).sum::<i64>()
    }
}

#[derive(Debug, Deserialize)]
struct StockPage {
    items: Vec<StockView>,
}

/// Everything that the orders say.
#[derive(Debug, Clone, Default)]
pub struct Orders {
    /// Pence kept by invoice.
    pub kept: BTreeMap<String, i64>,
    /// Pence asked for when the orders were placed.
    pub placed_value: i64,
    /// Units ordered by item.
    pub granted: BTreeMap<String, i64>,
    /// Units cancelled, of all items.
    pub cancelled: i64,
    /// Orders by status.
    pub by_status: BTreeMap<String, u64>,
    /// What an order says that cannot be.
    pub faults: Vec<String>,
}

impl OrderView {
    fn goods(&self) -> i64 {
        self.lines.iter().map(|line| line.quantity * line.unit_price.amount).sum()
    }

    fn charged(&self) -> impl Iterator<Item = i64> {
        self.adjustments.iter().filter(|adjustment| !adjustment.included).map(|adjustment| adjustment.amount.amount)
    }

    /// Pence that are kept: what each line counts, less the share of its cancelled units.
    fn kept(&self) -> i64 {
        let counts = self.lines.iter().zip(self.line_amounts());
        let kept = counts
            .map(|(line, amount)| amount - amount * i128::from(line.cancelled) / i128::from(line.quantity.max(1)));
        i64::try_from(kept.sum::<i128>()).unwrap_or(i64::MAX)
    }

    /// What each line counts: its value, and its part of the adjustments by cumulative rounding (design 5.2, Money).
    fn line_amounts(&self) -> Vec<i128> {
        let values: Vec<i128> =
            self.lines.iter().map(|line| i128::from(line.quantity * line.unit_price.amount)).collect();
        let units: Vec<i128> = self.lines.iter().map(|line| i128::from(line.quantity)).collect();
        let weights = if values.iter().sum::<i128>() == 0 { &units } else { &values };
        let (all, charged) = (weights.iter().sum::<i128>().max(1), i128::from(self.charged().sum::<i64>()));
        let upto = (0..=weights.len()).map(|end| (charged * weights[..end].iter().sum::<i128>()).div_euclid(all));
        let upto: Vec<i128> = upto.collect();
        values.iter().zip(upto.windows(2)).map(|(value, part)| value + part[1] - part[0]).collect()
    }

    fn faults(&self, way: Way) -> Vec<String> {
        let mut faults = Vec::new();
        if !matches!(self.status.as_str(), "confirmed" | "cancelled" | "refunding" | "refunded") {
            faults.push(format!("was confirmed and is now {}", self.status));
        }
        let total = self.goods() + self.charged().sum::<i64>();
        if total != self.total.amount {
            faults.push(format!("its total is {} and its lines and adjustments sum to {total}", self.total.amount));
        }
        // What the engine itself reckons to keep of a shopper's money.
        let taken: i64 = self.payments.iter().map(|payment| payment.authorized - payment.refund_due).sum();
        if way == Way::Shopper && taken != self.kept() {
            faults.push(format!("its payments keep {taken} and its lines are worth {}", self.kept()));
        }
        faults
    }
}

impl Orders {
    fn add(&mut self, invoice: String, way: Way, order: &OrderView) {
        for line in &order.lines {
            *self.granted.entry(line.item_id.clone()).or_default() += line.quantity;
            self.cancelled += line.cancelled;
        }
        self.faults.extend(order.faults(way).into_iter().map(|fault| format!("order of invoice {invoice}: {fault}")));
        *self.by_status.entry(order.status.clone()).or_default() += 1;
        self.placed_value += order.total.amount;
        self.kept.insert(invoice, order.kept());
    }
}

/// Reads every granted order.
pub async fn orders(client: &Arc<Client>, played: &Played, concurrency: usize) -> Result<Orders> {
    let progress = play::bar("reading orders back", played.placed.len());
    let mut orders = Orders::default();
    let mut reads = JoinSet::new();
    let mut left = played.placed.iter();
    loop {
        while reads.len() < concurrency
            && let Some((invoice, placed)) = left.next()
        {
            reads.spawn(order(Arc::clone(client), invoice.clone(), placed.clone()));
        }
        let Some(read) = reads.join_next().await else { break };
        match read? {
            Ok((invoice, way, order)) => orders.add(invoice, way, &order),
            Err(error) => orders.faults.push(format!("{error:#}")),
        }
        progress.inc(1);
    }
    progress.finish();
    Ok(orders)
}

async fn order(client: Arc<Client>, invoice: String, placed: Placed) -> Result<(String, Way, OrderView)> {
    let answer = client.send(&Call::get(format!("/v1/orders/{}", placed.order_id), placed.position)).await?;
    ensure!(answer.status.is_success(), "order of invoice {invoice}: {} {}", answer.status, answer.body);
    let order = serde_json::from_value(answer.body).with_context(|| format!("order of invoice {invoice}"))?;
    Ok((invoice, placed.way, order))
}

/// Reads the stock of every product until `settled` says that it is as expected, or the time is over.
pub async fn stock(
    client: &Client,
    plan: &Plan,
    settled: impl Fn(&HashMap<String, StockView>) -> bool,
) -> Result<HashMap<String, StockView>> {
    let begun = Instant::now();
    loop {
        let mut stock = HashMap::new();
        for products in plan.products.chunks(ITEMS_AT_ONCE) {
            let ids: Vec<&str> = products.iter().map(|product| product.item_id.as_str()).collect();
            let answer = client.send(&Call::get(format!("/v1/stock?items={}", ids.join(",")), None)).await?;
            ensure!(answer.status.is_success(), "stock: {} {}", answer.status, answer.body);
            let page: StockPage = serde_json::from_value(answer.body).context("stock")?;
            stock.extend(page.items.into_iter().map(|item| (item.item_id.clone(), item)));
        }
        if settled(&stock) || begun.elapsed() > SETTLE {
            return Ok(stock);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
