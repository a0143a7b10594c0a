//! `stockfold bench hot`: durable holds a second on one hot item, as multiples of the disk's own rate.

use super::{
    alone::Alone,
    http_client::Connection,
    proof::{self, Answered},
    scratch,
};
use crate::{
    cli::Hot,
    engine::{Engine, HoldPlacer, Services},
    print,
    settings::Settings,
};
use anyhow::{Context as _, Result, ensure};
use comfy_table::{CellAlignment, Table, presets};
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use schemas::{ItemId, Role};
use serde::Serialize;
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How long brokers are under load before anything is measured.
const WARM_UP: Duration = Duration::from_secs(15);
/// Units received for each measured item: 20 receipts of a million.
const RECEIPTS: u64 = 20;
const RECEIPT_UNITS: u64 = 1_000_000;

/// One measured line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figure {
    way: &'static str,
    item: ItemId,
    in_flight: usize,
    holds: u64,
    holds_per_second: f64,
    /// As a multiple of what the disk or the brokers do alone.
    times_alone: f64,
    goal: Option<f64>,
    p50_micros: u64,
    p99_micros: u64,
    /// How long the views needed, once the load had ended, to show all of it; the next figure begins after that.
    /// Null where nothing is folded.
    views_catch_up_ms: Option<u128>,
    /// Grants in the log: all that were answered, and those still under way when the time was up.
    holds_in_log: u64,
}

/// All of a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    seconds_each: u64,
    cores: usize,
    /// What was measured without us.
    alone: &'static str,
    /// The mean of the beginning and the end.
    alone_per_second: f64,
    sold_out: SoldOut,
    figures: Vec<Figure>,
}

/// The race for fewer units than are asked for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SoldOut {
    units: u64,
    asked: u64,
    granted: u64,
    refused: u64,
}

/// How long answers took, of all clients: one of its own for each would not fit into the processor's cache.
type Latency = Arc<Mutex<Histogram<u64>>>;

fn latency() -> Result<Latency> {
    Ok(Arc::new(Mutex::new(Histogram::new_with_bounds(1, 60_000_000, 3)?)))
}

/// What one client of a workload saw.
struct Client {
    name: String,
    granted: u64,
    refused: u64,
    latency: Latency,
}

impl Client {
    fn new(number: usize, latency: &Latency) -> Self {
        Self { name: format!("c{number}"), granted: 0, refused: 0, latency: Arc::clone(latency) }
    }

    fn next_hold(&self) -> String {
        format!("{}-{}", self.name, self.granted + self.refused)
    }

    fn count(&mut self, granted: bool, since: Instant) {
        let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.latency.lock().saturating_record(micros);
        if granted { self.granted += 1 } else { self.refused += 1 }
    }
}

/// What a run measures, and for how long each figure.
struct Bench<'a> {
    engine: &'a Engine,
    /// Part of the names of its items.
    run: &'a str,
    time: Duration,
}

/// Runs the benchmark and prints its table, or JSON. Fails where anything was oversold or lost.
pub fn run(args: &Hot, settings: Settings) -> Result<()> {
    let mut report = None;
    // Brokers alone are asked how fast holds are decided; with a store beside them, what the whole engine does.
    let decides_only = settings.is_flag("kafka") && settings.some("scylla").is_none();
    let services = if decides_only { Services::DECIDING } else { Services::ALL };
    scratch::with_engine_of(settings, args.scratch.as_deref(), services, |engine| {
        report = Some(measure(engine, args)?);
        Ok(())
    })?;
    let report = report.context("nothing was measured")?;
    if args.json {
        print::line(serde_json::to_string_pretty(&report)?)?;
    } else {
        show(&report)?;
    }
    Ok(())
}

fn measure(engine: &Engine, args: &Hot) -> Result<Report> {
    let time = Duration::from_secs(args.seconds.max(1));
    let alone = Alone::of(engine, args.scratch.as_deref());
    // The names of a run on a cluster are new each time; what is there stays.
    let run = uuid::Uuid::new_v4().simple().to_string();
    let bench = Bench { engine, run: &run[..8], time };
    let progress = ProgressBar::new(if alone.needs_sample() { 8 } else { 7 });
    progress.set_style(ProgressStyle::with_template("{bar:24} {msg}")?);
    let step = |message: &'static str| {
        progress.inc(1);
        progress.set_message(message);
    };
    // Brokers are measured with events of a load, and become twice as fast under the first one: Java compiles meanwhile.
    let sample = if alone.needs_sample() {
        step("warming the brokers up");
        Some(workload(&Bench { time: WARM_UP, ..bench }, "warm-up", 1_024, None)?.item)
    } else {
        None
    };
    // In the beginning and at the end: machines that are shared change their speed while one measures.
    step(alone.name());
    let before = alone.per_second(time, sample.as_ref())?;
    let mut figures = Vec::new();
    for (in_flight, goal) in alone.goals_in_process() {
        step("in process");
        figures.push(workload(&bench, "in process", in_flight, goal)?);
    }
    step("over HTTP");
    figures.push(workload(&bench, "HTTP", 64, alone.goal_over_http())?);
    step("selling out");
    let sold_out = sold_out(&bench)?;
    step(alone.name());
    let after = alone.per_second(time, sample.as_ref())?;
    progress.finish_and_clear();
    let alone_per_second = f64::midpoint(before, after);
    for figure in &mut figures {
        figure.times_alone = figure.holds_per_second / alone_per_second;
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let seconds_each = time.as_secs();
    Ok(Report { seconds_each, cores, alone: alone.name(), alone_per_second, sold_out, figures })
}

/// Lists the item and receives its stock through the public API.
async fn prepare(engine: &Engine, item: &str, units: &[u64]) -> Result<ItemId> {
    let token = engine.mint(Role::Operator, "bench", None)?;
    let body = json!({"name": item, "kind": "physical", "price": {"amount": 100, "currency": "EUR"}});
    let url = format!("{}/v1/items/{item}", engine.base_url());
    let put = reqwest::Client::new().put(url).bearer_auth(&token).json(&body).send().await?;
    ensure!(put.status().is_success(), "listing {item}: {}", put.text().await?);
    let mut connection = Connection::open(engine.base_url(), &token).await?;
    for (n, quantity) in units.iter().enumerate() {
        let body = json!({"receiptId": format!("r{n}"), "location": "main", "quantity": quantity, "document": "bench"});
        connection.post_ok(&format!("/v1/items/{item}/receipts"), body.to_string()).await?;
    }
    Ok(ItemId::parse(item)?)
}

fn workload(bench: &Bench<'_>, way: &'static str, in_flight: usize, goal: Option<f64>) -> Result<Figure> {
    let Bench { engine, run, time } = *bench;
    engine.runtime().block_on(async {
        let name = format!("hot-{}-{in_flight}-{run}", way.to_lowercase().replace(' ', "-"));
        let received = RECEIPTS * RECEIPT_UNITS;
        let item = prepare(engine, &name, &[RECEIPT_UNITS; RECEIPTS as usize]).await?;
        let stop = Arc::new(AtomicBool::new(false));
        let start = Instant::now();
        let mut clients = tokio::task::JoinSet::new();
        let latency = latency()?;
        for number in 0..in_flight {
            let client = Client::new(number, &latency);
            let limit = Until::Stopped(Arc::clone(&stop));
            if way == "HTTP" {
                clients.spawn(over_http(
                    engine.base_url().to_owned(),
                    engine.mint(Role::Service, "bench", None)?,
                    item.clone(),
                    client,
                    limit,
                ));
            } else {
                clients.spawn(in_process(engine.hold_placer()?, item.clone(), client, limit));
            }
        }
        tokio::time::sleep(time).await;
        stop.store(true, Ordering::Relaxed);
        let seconds = start.elapsed().as_secs_f64();
        let clients = finish(clients).await?;
        let holds: u64 = clients.iter().map(|client| client.granted).sum();
        ensure!(clients.iter().all(|client| client.refused == 0), "a hold was refused though there was stock");
        ensure!(holds > 0, "no hold was granted");
        let quantile = |q| latency.lock().value_at_quantile(q);
        let catch_up = engine.views_catch_up().await?;
        let holds_in_log = proof::check(engine.log().as_ref(), &item, received, &answered(&clients))?;
        Ok(Figure {
            way,
            item,
            in_flight,
            holds,
            #[allow(clippy::cast_precision_loss)]
            holds_per_second: holds as f64 / seconds,
            times_alone: 0.0,
            goal,
            p50_micros: quantile(0.5),
            p99_micros: quantile(0.99),
            views_catch_up_ms: catch_up.map(|time| time.as_millis()),
            holds_in_log,
        })
    })
}

/// 20,000 claims on 10,000 units: exactly so many are granted, the others refused.
fn sold_out(bench: &Bench<'_>) -> Result<SoldOut> {
    const UNITS: u64 = 10_000;
    const CLIENTS: u64 = 64;
    const EACH: u64 = 2 * UNITS / CLIENTS + 1;
    let Bench { engine, run, .. } = *bench;
    engine.runtime().block_on(async {
        let item = prepare(engine, &format!("sold-out-{run}"), &[UNITS]).await?;
        let (mut clients, latency) = (tokio::task::JoinSet::new(), latency()?);
        for number in 0..CLIENTS {
            let client = Client::new(usize::try_from(number)?, &latency);
            clients.spawn(in_process(engine.hold_placer()?, item.clone(), client, Until::Asked(EACH)));
        }
        let clients = finish(clients).await?;
        let granted = clients.iter().map(|client| client.granted).sum();
        let refused = clients.iter().map(|client| client.refused).sum();
        ensure!(granted == UNITS, "{granted} of {UNITS} units were granted");
        ensure!(granted + refused == CLIENTS * EACH, "some claims were not answered");
        // Refused claims have ids too, so only their number is compared here.
        let in_log = proof::check(engine.log().as_ref(), &item, UNITS, &Answered::new())?;
        ensure!(in_log == granted, "{in_log} holds are in the log, {granted} were answered");
        Ok(SoldOut { units: UNITS, asked: CLIENTS * EACH, granted, refused })
    })
}

/// When a client ends.
enum Until {
    Stopped(Arc<AtomicBool>),
    Asked(u64),
}

impl Until {
    fn is_over(&self, client: &Client) -> bool {
        match self {
            Self::Stopped(stop) => stop.load(Ordering::Relaxed),
            Self::Asked(most) => client.granted + client.refused >= *most,
        }
    }
}

async fn in_process(placer: HoldPlacer, item: ItemId, mut client: Client, until: Until) -> Result<Client> {
    while !until.is_over(&client) {
        let since = Instant::now();
        let granted = placer.place(&item, &client.next_hold()).await?;
        client.count(granted, since);
    }
    Ok(client)
}

async fn over_http(base_url: String, token: String, item: ItemId, mut client: Client, until: Until) -> Result<Client> {
    let mut connection = Connection::open(&base_url, &token).await?;
    let path = format!("/v1/items/{item}/holds");
    while !until.is_over(&client) {
        let since = Instant::now();
        let body = format!(r#"{{"holdId":"{}","quantity":1,"expiresInSeconds":3600}}"#, client.next_hold());
        connection.post_ok(&path, body).await?;
        client.count(true, since);
    }
    Ok(client)
}

async fn finish(mut clients: tokio::task::JoinSet<Result<Client>>) -> Result<Vec<Client>> {
    let mut finished = Vec::new();
    while let Some(client) = clients.join_next().await {
        finished.push(client??);
    }
    Ok(finished)
}

fn answered(clients: &[Client]) -> Answered {
    clients.iter().map(|client| (client.name.clone(), client.granted)).collect()
}

fn show(report: &Report) -> Result<()> {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "holds on one item",
        "in flight",
        "holds/s",
        "× alone",
        "goal",
        "p50 µs",
        "p99 µs",
        "views after",
    ]);
    table.add_row([report.alone, "", &format!("{:.0}", report.alone_per_second), "1.00", "", "", "", ""]);
    for figure in &report.figures {
        table.add_row([
            figure.way.to_owned(),
            figure.in_flight.to_string(),
            format!("{:.0}", figure.holds_per_second),
            format!("{:.2}", figure.times_alone),
            figure.goal.map(|goal| format!("≥ {goal}")).unwrap_or_default(),
            figure.p50_micros.to_string(),
            figure.p99_micros.to_string(),
            figure.views_catch_up_ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms")),
        ]);
    }
    for column in 1..8 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    print::line(table)?;
    let SoldOut { units, asked, granted, refused } = report.sold_out;
    print::line(format_args!("{asked} claims on {units} units: {granted} granted, {refused} refused."))?;
    print::line(format_args!(
        "Every answered hold is in the log, once; nothing was oversold. {} cores.",
        report.cores
    ))?;
    Ok(())
}
