//! `stockfold replay`: half a year of a real shop, played through the public HTTP API, and reconciled to the penny.
//!
//! [`csv`] reads the rows, [`plan`] says what to ask of the engine, [`play`] asks it, [`readback`] reads what has become of it,
//! [`reckon`] computes the same from the rows alone, [`verify`] compares the two, and [`report`] tells. Plan and reckoning are
//! pure and share nothing but the row.
//!
//! Data: Online Retail (D. Chen, 2015), UCI Machine Learning Repository, doi:10.24432/C5BW33, CC BY 4.0.

mod book;
pub mod client;
mod codes;
mod csv;
mod fate;
mod london;
mod plan;
mod play;
mod readback;
mod reckon;
mod report;
#[cfg(test)]
mod tests;
mod verify;

use crate::cli::Stock;
use anyhow::{Result, bail, ensure};
use plan::Operation;
use std::{io::Write as _, path::PathBuf, sync::Arc};

/// What `replay` takes.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data: CSV, plain or gzip.
    pub file: PathBuf,
    /// How much opening stock there is.
    pub stock: Stock,
    /// Operations under way at once.
    pub concurrency: usize,
    /// Whether the report is JSON.
    pub json: bool,
}

/// Plays the file to the engine at `base_url` (without `/v1`), prints the report, and fails on any difference.
///
/// `tokens` makes a token from role, `sub` and store; it is called once for each customer and must make tokens that live as
/// long as the replay. The engine must be fresh, or have played the same file with the same stock before: then every
/// request is a repetition, which changes nothing.
pub async fn run(options: &Options, base_url: &str, tokens: &client::Mint<'_>) -> Result<()> {
    ensure!((1..=4_096).contains(&options.concurrency), "concurrency is from 1 to 4096");
    let rows = csv::read(&options.file)?;
    let plan = Arc::new(plan::plan(&rows));
    let tokens = client::Tokens::mint(tokens, plan.operations.iter().filter_map(Operation::customer))?;
    let client = Arc::new(client::Client::new(base_url, tokens, options.concurrency)?);
    let slots = u32::try_from(options.concurrency)?;
    let player = play::Player::new(Arc::clone(&plan), Arc::clone(&client), options.stock, slots);
    let played = player.play().await?;
    // Taken before reading back: figures are of the play, not of its verification.
    let retries = client.retries();
    let reckoned = reckon::reckon(&rows, options.stock == Stock::Tight, &played.refused);
    let orders = readback::orders(&client, &played, options.concurrency).await?;
    let agrees = |stock: &_| verify::stock_agrees(&plan, &reckoned, stock);
    let stock = readback::stock(&client, &plan, agrees).await?;
    let evidence = verify::Evidence {
        plan: &plan,
        stock_mode: options.stock,
        played: &played,
        reckoned: &reckoned,
        orders: &orders,
        stock: &stock,
    };
    let checks = verify::checks(&evidence);
    let report = report::report(&plan, options.stock, &played, &orders, (&client.latencies(), retries), checks);
    let text = if options.json { serde_json::to_string_pretty(&report)? } else { report.text() };
    writeln!(std::io::stdout().lock(), "{text}")?;
    if !report.ok() {
        bail!("{}", report.first_difference().unwrap_or_default());
    }
    Ok(())
}
