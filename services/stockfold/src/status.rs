//! `stockfold status`: what a running engine says of itself.

use crate::{auth::Auth, print, settings::Settings};
use anyhow::{Context as _, Result, ensure};
use comfy_table::{Table, presets};
use schemas::Role;
use serde_json::Value;

/// Asks the engine at the configured address and prints tables, or its JSON.
pub fn run(settings: &Settings, json: bool) -> Result<()> {
    let auth = Auth::existing(settings)?;
    let token = auth.mint(Role::Operator, "stockfold-status", None, None, 60)?;
    let url = format!("http://{}/v1/status", settings.address()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status: Value = runtime.block_on(async {
        let answer = reqwest::Client::new().get(&url).bearer_auth(token).send().await.with_context(|| {
            format!("no engine answers at {url}; start one with `stockfold up`, or name --bind and --port")
        })?;
        let code = answer.status();
        let text = answer.text().await?;
        ensure!(code.is_success(), "{url}: {code} {text}");
        serde_json::from_str(&text).context("the engine's answer is not JSON")
    })?;
    if json {
        print::line(serde_json::to_string_pretty(&status)?)?;
    } else {
        print::line(table(&status["shards"], SHARDS))?;
        let mut partitions = status["projector"].clone();
        if let Some(partitions) = partitions.as_array_mut() {
            // Partitions that nothing was ever written to say nothing.
            partitions.retain(|partition| partition["end"] != 0);
        }
        print::line(table(&partitions, PROJECTOR))?;
        print::line(format_args!("{} events are not in the views yet.", status["lag"]))?;
        for parked in status["parked"].as_array().into_iter().flatten() {
            print::line(parked_line(parked))?;
        }
        if let Some(lag) = status["inbound"]["lag"].as_u64() {
            print::line(format_args!("{lag} records of suppliers are not done yet."))?;
        }
    }
    Ok(())
}

/// What is told of a key that is parked, or of views that stand still.
fn parked_line(parked: &Value) -> String {
    let text = |name: &str| parked[name].as_str().unwrap_or("?").to_owned();
    let what = match parked["key"].as_str() {
        Some(key) => format!("The views have parked `{key}`"),
        None => "Views that are fed by several keys stand still".to_owned(),
    };
    let (first, reason, letter) = (text("first"), text("reason"), text("letter"));
    format!("{what} from {first} on: {reason} (`stockfold dead-letters show {letter}`)")
}

/// Heading and JSON field of each column.
type Columns = &'static [(&'static str, &'static str)];

const SHARDS: Columns = &[
    ("SHARD", "shard"),
    ("STATE", "state"),
    ("EPOCH", "epoch"),
    ("INVENTORY", "inventorySeq"),
    ("ORDERS", "ordersSeq"),
    ("AGGREGATES", "aggregates"),
    ("DEADLINES", "deadlines"),
    ("NEXT DUE", "nextDue"),
    ("WAITING", "waiters"),
    ("RECOVERED IN MS", "recoveredInMs"),
];

const PROJECTOR: Columns = &[
    ("TOPIC", "topic"),
    ("PARTITION", "partition"),
    ("FOLDED", "seq"),
    ("LOG END", "end"),
    ("LAG", "lag"),
    ("STATE", "state"),
];

fn table(rows: &Value, columns: Columns) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(columns.iter().map(|(heading, _)| *heading));
    for row in rows.as_array().into_iter().flatten() {
        table.add_row(columns.iter().map(|(_, field)| match &row[*field] {
            Value::Null => "–".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }));
    }
    table
}
