//! `stockfold topics`: the topics of a Kafka cluster.

use crate::{
    kafka, print,
    settings::{SettingFlags, Settings},
};
use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use comfy_table::{Table, presets};
use event_log::kafka::admin::{self, Applied, Copies, Options, TopicEntry};
use schemas::ShardCount;
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub enum TopicsCommand {
    /// Make the topics of the cluster agree with the list: nothing, or all of it
    Apply(Apply),
    /// Print the list of topics: what they hold, who writes them, how they are kept
    List(List),
}

/// What `topics apply` takes.
#[derive(Debug, clap::Args)]
pub struct Apply {
    /// Copies of each partition
    #[arg(long, value_name = "N", default_value_t = 3)]
    replication: u32,
    /// How many copies must have a record before it is acknowledged [default: 2, or 1 of fewer than 3 copies]
    #[arg(long, value_name = "N")]
    min_isr: Option<u32>,
    /// Only say what would be changed
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

/// What `topics list` takes.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Print JSON, with all settings
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

/// Runs a command on topics.
pub fn run(command: TopicsCommand) -> Result<()> {
    match command {
        TopicsCommand::Apply(args) => apply(&args),
        TopicsCommand::List(args) => list(&args),
    }
}

fn shards(settings: &Settings) -> Result<ShardCount> {
    let count = u32::try_from(settings.number("shards", 1, 4_096)?)?;
    ShardCount::new(count).context("`shards` is 1 to 4,096")
}

fn apply(args: &Apply) -> Result<()> {
    let settings = Settings::load(&args.settings)?;
    let config = kafka::config(&settings)?;
    let min_isr = args.min_isr.unwrap_or(if args.replication < 3 { 1 } else { 2 });
    let copies = Copies { replication: args.replication, min_isr };
    let applied = admin::apply(&config, Options { shards: shards(&settings)?, copies, dry_run: args.dry_run })?;
    if args.json {
        print::line(serde_json::to_string_pretty(&applied)?)?;
    } else {
        print::line(changes_table(&applied))?;
    }
    match applied.changes.iter().filter(|change| change.is_refusal()).count() {
        0 if args.json => Ok(()),
        0 => Ok(print::line(summary(&applied))?),
        refused => bail!("nothing was changed: {refused} of the changes cannot be made"),
    }
}

fn changes_table(applied: &Applied) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["TOPIC", "CHANGE"]);
    for topic in &applied.topics {
        let mut changes = applied.changes.iter().filter(|change| change.topic() == topic).peekable();
        if changes.peek().is_none() {
            table.add_row([topic, "–"]);
        }
        for change in changes {
            let text = if change.is_refusal() { format!("refused: {change}") } else { change.to_string() };
            table.add_row([topic, &text]);
        }
    }
    table
}

fn summary(applied: &Applied) -> String {
    match (applied.changes.len(), applied.applied) {
        (0, _) => "The cluster has all topics as it should.".to_owned(),
        (count, true) => format!("{count} changes were made."),
        (count, false) => format!("{count} changes would be made."),
    }
}

fn list(args: &List) -> Result<()> {
    let settings = Settings::load(&args.settings)?;
    let (namespace, shards) = (settings.text("namespace"), shards(&settings)?);
    let entries = &admin::topics().topics;
    if args.json {
        let entries: Vec<_> = entries.iter().map(|entry| described(entry, namespace, shards)).collect();
        print::line(serde_json::to_string_pretty(&entries)?)?;
        return Ok(());
    }
    let mut table = Table::new();
    let header = ["TOPIC", "PARTITIONS", "KEPT", "CLEANUP", "KEY", "WRITTEN BY", "HOLDS"];
    table.load_style(presets::NOTHING).set_header(header);
    for entry in entries {
        table.add_row([
            format!("{namespace}.{}", entry.topic),
            entry.partitions.count(shards).to_string(),
            entry.retention.to_string(),
            entry.cleanup.name().to_owned(),
            entry.key.clone(),
            entry.writers.join(", "),
            entry.holds.clone(),
        ]);
    }
    print::line(table)?;
    Ok(())
}

fn described(entry: &TopicEntry, namespace: &str, shards: ShardCount) -> Value {
    json!({
        "topic": format!("{namespace}.{}", entry.topic),
        "partitions": entry.partitions.count(shards),
        "key": entry.key,
        "writers": entry.writers,
        "holds": entry.holds,
        "payloads": entry.payloads,
        "settings": admin::topics().settings(entry),
    })
}
