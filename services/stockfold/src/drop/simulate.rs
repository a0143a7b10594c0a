//! `stockfold drop simulate`: a crowd on a drop, and the proof that nobody was cheated.

use super::{
    client::Api,
    crowd::{Crowd, End, Kind, Scene, Turn},
    log,
    proof::{self, Check, Proof},
    watch::{Sockets, watch},
};
use crate::{cli::Simulate, print, settings::Settings};
use anyhow::{Context as _, Result, bail, ensure};
use chrono::{SecondsFormat, Utc};
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use schemas::Role;
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Between scheduling and the doors: sockets are opened meanwhile.
const LEAD_PER_SOCKET: Duration = Duration::from_micros(1_500);
const LEAD: Duration = Duration::from_secs(4);
/// How often the terminal shows how it goes.
const TICK: Duration = Duration::from_millis(250);

/// Round trips of one kind, in milliseconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Latency {
    what: &'static str,
    count: u64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    shoppers: u32,
    units: u32,
    sockets: u32,
    seconds: f64,
    ends: BTreeMap<&'static str, u64>,
    latencies: Vec<Latency>,
    refusals: BTreeMap<String, u64>,
    socket_messages: u64,
    sockets_lost: u64,
    requests_sent_again: u64,
    proof: Proof,
}

/// Plays the drop and proves it from the log; an error where something does not hold.
pub fn run(args: &Simulate, settings: &Settings) -> Result<()> {
    ensure!(args.units >= 1 && args.shoppers >= 1, "a drop takes a unit and a shopper at least");
    ensure!(args.sockets <= args.shoppers, "--sockets are those of shoppers: at most --shoppers");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(play(args, settings))?;
    if args.json {
        print::line(serde_json::to_string_pretty(&report)?)?;
    } else {
        print::line(table(&report))?;
        print::line(report.proof.table())?;
        print::line(format_args!(
            "{} of {} units sold to {} shoppers of {} in {:.1} s.",
            report.proof.totals.sold, report.units, report.proof.totals.buyers, report.shoppers, report.seconds
        ))?;
    }
    if !report.proof.ok() {
        bail!("drop {}: something does not hold", report.proof.drop);
    }
    Ok(())
}

async fn play(args: &Simulate, settings: &Settings) -> Result<Report> {
    let api = Api::new(settings, args.url.as_deref())?;
    api.check().await?;
    let scene = scene(args, &api).await?;
    let crowd = Arc::new(Crowd::new(api, scene));
    let begun = crowd.scene.doors;
    let sockets = Arc::new(Sockets::default());
    let (mut shoppers, mut watchers) = (JoinSet::new(), JoinSet::new());
    for number in 0..args.shoppers {
        let turn = Arc::new(Turn::default());
        shoppers.spawn(Arc::clone(&crowd).play(number, kind(args, number), Arc::clone(&turn)));
        if number < args.sockets {
            watchers.spawn(watch(Arc::clone(&crowd), Arc::clone(&sockets), number, turn));
        }
    }
    let shown = tokio::spawn(show(Arc::clone(&crowd), Arc::clone(&sockets), args.clone()));
    let overseen = tokio::spawn(oversee(Arc::clone(&crowd), Duration::from_secs(args.minutes * 60)));
    let mut ends: BTreeMap<End, u64> = BTreeMap::new();
    while let Some(ended) = shoppers.join_next().await {
        let end = ended.context("a shopper's task")?;
        crowd.counts.ended.fetch_add(1, Ordering::Relaxed);
        match end {
            Ok(end) => *ends.entry(end).or_default() += 1,
            Err(error) => crowd.fault(format!("{error:#}")),
        }
    }
    // Whoever held units and did not pay gives them back; who could have bought them was there until the end.
    overseen.await.context("the overseer's task")??;
    crowd.end();
    let seconds = begun.elapsed().as_secs_f64();
    shown.await.context("the display's task")?;
    watchers.shutdown().await;
    let facts = log::of_drop(&crowd.api, &crowd.scene.drop).await?;
    let mut proof = proof::prove(&crowd.scene.drop, &facts);
    proof.checks.extend(answered(&crowd, &facts));
    Ok(report(args, &crowd, &sockets, seconds, &ends, proof))
}

/// Slow ones and bots are spread over the crowd.
fn kind(args: &Simulate, number: u32) -> Kind {
    match number % 100 {
        n if n < args.bots => Kind::Bot,
        n if n < args.bots + args.slow => Kind::Sleeper,
        n if n < args.bots + 2 * args.slow => Kind::Forgetful,
        _ => Kind::Ordinary,
    }
}

/// A store, an item with its stock, and a drop of all of it.
async fn scene(args: &Simulate, api: &Api) -> Result<Scene> {
    let run = uuid::Uuid::new_v4().simple().to_string();
    let (drop, item, store) = (format!("sim-{run}"), format!("sim-{run}"), "sim-store".to_owned());
    let operator = api.token(Role::Operator, "stockfold-drop", None)?;
    let seller = api.token(Role::Store, "stockfold-drop-store", Some(&store))?;
    let put = |path: String, token: String, body: Value| async move {
        api.send(Method::PUT, &path, &token, Some(&path), Some(&body)).await?.done(&path)
    };
    let post = |path: String, token: String, key: String, body: Value| async move {
        api.send(Method::POST, &path, &token, Some(&key), Some(&body)).await?.done(&path)
    };
    let facts = json!({ "name": "The simulation's store", "email": "store@example.com" });
    put(format!("/v1/stores/{store}"), seller.clone(), facts).await?;
    let price = json!({ "amount": 19_900, "currency": "EUR" });
    let listed = json!({ "name": "Limited", "kind": "physical", "store": store, "price": price });
    put(format!("/v1/items/{item}"), operator.clone(), listed).await?;
    let receipt = json!({ "receiptId": run, "location": "main", "quantity": args.units, "document": "simulation" });
    post(format!("/v1/items/{item}/receipts"), operator, run.clone(), receipt).await?;
    let within = Duration::from_secs_f64(args.within);
    let lead = LEAD + LEAD_PER_SOCKET * args.sockets;
    let (doors, now) = (Instant::now() + lead, Utc::now());
    // Half of the crowd is early where there is a waiting room.
    let starts = if args.no_queue { Duration::ZERO } else { within / 2 };
    let at = |after: Duration| (now + after).to_rfc3339_opts(SecondsFormat::Millis, true);
    let mut terms = json!({
        "dropId": drop, "title": "Simulated drop", "limitPerShopper": args.limit,
        "items": [{ "itemId": item, "quantity": args.units, "price": price }],
        "startsAt": at(lead + starts), "endsAt": at(lead + starts + Duration::from_secs(args.minutes * 60)),
    });
    if !args.no_queue {
        terms["queueOpensAt"] = json!(at(lead.saturating_sub(Duration::from_secs(1))));
    }
    post("/v1/drops".to_owned(), seller, run, terms).await?;
    Ok(Scene { drop, item, limit: args.limit, queue: !args.no_queue, doors, starts: doors + starts, within })
}

/// Ends the play once nothing can be had any more: all is sold, or the drop is over.
async fn oversee(crowd: Arc<Crowd>, longest: Duration) -> Result<()> {
    let path = format!("/v1/drops/{}", crowd.scene.drop);
    let token = crowd.api.token(Role::Operator, "stockfold-drop", None)?;
    let until = crowd.scene.starts + longest;
    loop {
        tokio::time::sleep(TICK * 4).await;
        let seen = crowd.api.send(Method::GET, &path, &token, None, None).await?;
        let over = matches!(seen.body["status"].as_str(), Some("sold_out" | "ended" | "cancelled" | "rejected"));
        // Everybody has left, and nothing is held: nobody will buy the rest.
        let gone = crowd.counts.ended.load(Ordering::Relaxed) == crowd.counts.came.load(Ordering::Relaxed)
            && crowd.counts.came.load(Ordering::Relaxed) > 0
            && seen.body["items"].as_array().into_iter().flatten().all(|item| item["held"] == 0)
            && Instant::now() > crowd.scene.doors + crowd.scene.within;
        if over || gone || Instant::now() > until {
            crowd.end();
            return Ok(());
        }
    }
}

/// Shows how it goes until it is over.
async fn show(crowd: Arc<Crowd>, sockets: Arc<Sockets>, args: Simulate) {
    let bar = if args.json { ProgressBar::hidden() } else { ProgressBar::new(u64::from(args.units)) };
    let style = ProgressStyle::with_template("{elapsed_precise} sold {pos}/{len} {wide_bar} {msg}");
    bar.set_style(style.expect("a template of known fields"));
    while !crowd.is_over() {
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        bar.set_position(count(&crowd.counts.bought));
        bar.set_message(format!(
            "{} came, {} queue, {} granted, {} left, {} sockets",
            count(&crowd.counts.came),
            count(&crowd.counts.places),
            count(&crowd.counts.granted),
            count(&crowd.counts.ended),
            count(&sockets.open),
        ));
        tokio::time::sleep(TICK).await;
    }
    bar.finish_and_clear();
}

/// What the crowd knows, held against the log.
fn answered(crowd: &Crowd, facts: &[log::Fact]) -> Vec<Check> {
    let granted: BTreeSet<&str> =
        facts.iter().filter(|fact| fact.name() == "claim-granted").map(|fact| fact.text("orderId")).collect();
    let claims = crowd.claims.lock();
    let told: BTreeSet<&str> = claims.iter().map(|(_, order)| order.as_str()).collect();
    let mut faults: Vec<String> = told.difference(&granted).map(|order| format!("{order} is not in the log")).collect();
    faults.extend(granted.difference(&told).map(|order| format!("{order} was granted and told nobody")));
    let known = Check::new("every claimant was answered, as the log says", format!("{} grants", told.len()), faults);
    let faults = std::mem::take(&mut *crowd.faults.lock());
    let unharmed = Check::new("no trick helped, and no request failed", String::new(), faults);
    vec![known, unharmed]
}

fn report(
    args: &Simulate,
    crowd: &Crowd,
    sockets: &Sockets,
    seconds: f64,
    ends: &BTreeMap<End, u64>,
    proof: Proof,
) -> Report {
    let name = |end: &End| match end {
        End::Bought => "bought",
        End::Missed => "missed",
        End::Gave => "gave back",
        End::Repelled => "bots repelled",
    };
    let ms = |micros: u64| micros as f64 / 1_000.0;
    let latency = |(what, histogram): (&'static str, hdrhistogram::Histogram<u64>)| Latency {
        what,
        count: histogram.len(),
        p50_ms: ms(histogram.value_at_quantile(0.5)),
        p99_ms: ms(histogram.value_at_quantile(0.99)),
        max_ms: ms(histogram.max()),
    };
    Report {
        shoppers: args.shoppers,
        units: args.units,
        sockets: args.sockets,
        seconds,
        ends: ends.iter().map(|(end, count)| (name(end), *count)).collect(),
        latencies: crowd.latencies().into_iter().map(latency).collect(),
        refusals: crowd.refusals.lock().clone(),
        socket_messages: sockets.messages.load(Ordering::Relaxed),
        sockets_lost: sockets.lost.load(Ordering::Relaxed),
        requests_sent_again: crowd.counts.retries.load(Ordering::Relaxed),
        proof,
    }
}

fn table(report: &Report) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(["asked", "times", "p50 ms", "p99 ms", "longest ms"]);
    for row in &report.latencies {
        let ms = |value: f64| format!("{value:.1}");
        let cells = [row.what.to_owned(), row.count.to_string(), ms(row.p50_ms), ms(row.p99_ms), ms(row.max_ms)];
        table.add_row(cells);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
