//! `stockfold tail`: a topic of a running engine's log, as it comes.

use crate::{
    logging, print,
    remote::{Remote, RemoteArgs},
    remote_log::{self, Line, Places, Query},
};
use anyhow::{Context as _, Result};
use schemas::{PositionToken, Role, Topic};
use std::{io::IsTerminal as _, time::Duration};

/// The most characters of data on a line for people.
const DATA: usize = 400;

/// What `tail` takes.
#[derive(Debug, clap::Args)]
pub struct TailArgs {
    /// Such as inventory.events.v1, orders.events.v1, items.state.v1 or dead-letters.v1
    #[arg(value_parser = remote_log::topic)]
    topic: Topic,
    /// `beginning`, `end`, or ids of events joined by `~`: what comes after
    #[arg(long, default_value = "end")]
    from: String,
    /// Only this partition
    #[arg(long)]
    partition: Option<u32>,
    /// Only this key: an item, an order, …
    #[arg(long)]
    key: Option<String>,
    /// Only this type, such as stockfold.inventory.stock-received.v1
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Print JSON, as it is where stdout is no terminal
    #[arg(long)]
    json: bool,
    /// End at what is the end now
    #[arg(long)]
    no_follow: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Prints events until they end, or for ever.
pub fn run(args: &TailArgs) -> Result<()> {
    logging::start(if std::env::var_os("STOCKFOLD_LOG").is_some() { "info" } else { "warn" })?;
    let remote = Remote::new(&args.remote, Role::Operator, "stockfold-tail")?;
    let mut places = match args.from.as_str() {
        "beginning" => Places::default(),
        "end" => Places { else_end: true, ..Places::default() },
        ids => Places { after: PositionToken::parse(ids).context("--from")?, else_end: false },
    };
    let query = Query {
        topic: args.topic,
        partition: args.partition,
        key: args.key.clone(),
        event_type: args.event_type.clone(),
        follow: !args.no_follow,
        patience: args.no_follow.then_some(Duration::from_secs(30)),
    };
    let for_people = !args.json && std::io::stdout().is_terminal();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut each = |text: &[u8], line: &Line<'_>| -> Result<()> {
            match for_people {
                true => print::line(row(line))?,
                false => print::line(String::from_utf8_lossy(text))?,
            }
            Ok(())
        };
        remote_log::read(&remote, &query, &mut places, &mut each).await
    })?;
    Ok(())
}

/// A line for people, coloured: when, where, what, of whom, and the data.
fn row(line: &Line<'_>) -> String {
    let name = line.event_type.strip_prefix("stockfold.").unwrap_or(&line.event_type);
    let color = match &line.event_type {
        letter if letter.contains("dead-letter") => 31,
        refused if refused.contains("refused") || refused.contains("rejected") || refused.contains("cancelled") => 33,
        _ => 32,
    };
    let data = line.data.get();
    let cut = data.char_indices().nth(DATA).map_or(data.len(), |(at, _)| at);
    let more = if cut < data.len() { "…" } else { "" };
    format!(
        "\u{1b}[2m{:<24} {:>3}@{:<9}\u{1b}[0m \u{1b}[{color}m{name:<34}\u{1b}[0m \u{1b}[1m{:<24}\u{1b}[0m {}{more}",
        line.time.as_deref().unwrap_or("–"),
        line.id.partition,
        line.id.seq,
        line.subject,
        &data[..cut],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_what_happened_to_whom() {
        let text = r#"{"specversion":"1.0","id":"inventory.events.v1/3@17","source":"/stockfold","type":"stockfold.inventory.stock-received.v1",
            "subject":"mug","time":"2026-01-01T00:00:00.000Z","datacontenttype":"application/json","sequence":"00000000000000000017","data":{"quantity":5}}"#;
        let row = row(&serde_json::from_str(text).expect("an event"));
        for word in ["2026-01-01T00:00:00.000Z", "3@17", "inventory.stock-received.v1", "mug", "{\"quantity\":5}"] {
            assert!(row.contains(word), "{word} is not in {row}");
        }
    }
}
