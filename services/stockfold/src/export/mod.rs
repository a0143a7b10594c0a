//! `stockfold export`: a topic into files, by day, resumed where it was left.
//!
//! Partition by partition, so that one file is open at a time and the place in the log is one number.

mod manifest;
mod parquet;
mod part;
#[cfg(test)]
mod tests;

use crate::{
    logging, print,
    remote::{Remote, RemoteArgs},
    remote_log::{self, Line, Places, Query},
};
use anyhow::{Result, bail};
use manifest::{Manifest, Terms};
use part::Part;
use schemas::{Position, PositionToken, Role, Timestamp, Topic};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long to go on asking while nothing comes.
const PATIENCE: Duration = Duration::from_secs(120);

/// What `export` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "DIR/TOPIC/date=YYYY-MM-DD/part-….parquet has a column for each attribute of the CloudEvents and `data` as JSON \
    text; DIR/TOPIC/manifest.json says how far it came. The same command again goes on from there: after a kill, or for what \
    has come since."
)]
pub struct ExportArgs {
    /// Such as inventory.events.v1, orders.events.v1, items.state.v1 or dead-letters.v1
    #[arg(value_parser = remote_log::topic)]
    topic: Topic,
    /// Of the files
    #[arg(long, value_enum, default_value = "parquet")]
    format: FormatArg,
    /// From this time on (RFC 3339, or a day), or after these ids of events joined by `~`
    #[arg(long, value_parser = Bound::parse)]
    from: Option<Bound>,
    /// Before this time, or up to these ids; else the end of the log
    #[arg(long, value_parser = Bound::parse)]
    to: Option<Bound>,
    /// Where the folder of the topic is
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// How the files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FormatArg {
    /// Apache Parquet
    Parquet,
    /// A JSON object a line
    Ndjson,
}

impl FormatArg {
    const fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Ndjson => "ndjson",
        }
    }
}

/// A time, or places of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Bound {
    Time(Timestamp),
    Places(PositionToken),
}

impl Bound {
    fn parse(text: &str) -> Result<Self, String> {
        let day = format!("{text}T00:00:00Z");
        if let Ok(time) = Timestamp::parse(text).or_else(|_| Timestamp::parse(&day)) {
            return Ok(Self::Time(time));
        }
        match PositionToken::parse(text) {
            Ok(token) if !token.is_empty() => Ok(Self::Places(token)),
            Ok(_) | Err(_) => {
                Err("is a time such as 2026-01-31T00:00:00Z, a day, or ids of events joined by ~".to_owned())
            }
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Time(time) => time.to_string(),
            Self::Places(token) => token.to_string(),
        }
    }

    /// The place in a partition, where it is one.
    fn seq(&self, partition: u32) -> Option<u64> {
        match self {
            Self::Time(_) => None,
            Self::Places(token) => token.positions().find(|at| at.partition == partition).map(|at| at.seq),
        }
    }

    fn is_before(&self, line: &Line<'_>) -> bool {
        let Self::Time(bound) = self else { return false };
        let time = line.time.as_deref().and_then(|time| Timestamp::parse(time).ok());
        time.is_none_or(|time| *bound <= time)
    }
}

/// What is exported of a topic.
struct Wanted {
    from: Option<Bound>,
    to: Option<Bound>,
}

impl Wanted {
    fn has(&self, line: &Line<'_>) -> bool {
        let starts = match &self.from {
            None | Some(Bound::Places(_)) => true,
            Some(from) => from.is_before(line),
        };
        let ends = match &self.to {
            Some(Bound::Time(_)) => self.to.as_ref().is_some_and(|to| to.is_before(line)),
            Some(to @ Bound::Places(_)) => to.seq(line.id.partition).is_none_or(|last| line.id.seq > last),
            None => false,
        };
        starts && !ends
    }
}

/// Exports, or goes on with an export.
pub fn run(args: &ExportArgs) -> Result<()> {
    logging::start(if std::env::var_os("STOCKFOLD_LOG").is_some() { "info" } else { "warn" })?;
    for bound in [&args.from, &args.to].into_iter().flatten() {
        if let Bound::Places(token) = bound
            && token.positions().any(|at| at.topic != args.topic)
        {
            bail!("{token} names another topic than {}", args.topic);
        }
    }
    let started = Instant::now();
    let remote = Remote::new(&args.remote, Role::Operator, "stockfold-export")?;
    let folder = args.out.join(args.topic.name());
    let text = |bound: &Option<Bound>| bound.as_ref().map(Bound::text);
    let terms = Terms {
        topic: args.topic.name().to_owned(),
        format: args.format.name().to_owned(),
        from: text(&args.from),
        to: text(&args.to),
    };
    let mut manifest = Manifest::open(&folder, terms)?;
    let before = manifest.events();
    let wanted = Wanted { from: args.from.clone(), to: args.to.clone() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // The first one says how many there are.
        let partitions = partition(&remote, args, &folder, &wanted, &mut manifest, 0).await?;
        for number in 1..partitions {
            partition(&remote, args, &folder, &wanted, &mut manifest, number).await?;
        }
        anyhow::Ok(())
    })?;
    let (events, seconds) = (manifest.events() - before, started.elapsed().as_secs_f64());
    if args.json {
        let told = serde_json::json!({"topic": args.topic.name(), "folder": folder, "events": events,
            "allEvents": manifest.events(), "parts": manifest.parts(), "seconds": seconds});
        print::line(told)?;
    } else {
        print::line(format_args!(
            "{}: {events} events in {seconds:.1} s; {} in {} parts in {}",
            args.topic,
            manifest.events(),
            manifest.parts(),
            folder.display()
        ))?;
    }
    Ok(())
}

/// Exports what has come in a partition since; answers how many partitions there are.
async fn partition(
    remote: &Remote,
    args: &ExportArgs,
    folder: &Path,
    wanted: &Wanted,
    manifest: &mut Manifest,
    number: u32,
) -> Result<u32> {
    let begin = wanted.from.as_ref().and_then(|from| from.seq(number)).unwrap_or_default();
    let mut last = manifest.after(number).max(begin);
    let mut places = Places::default();
    if last > 0 {
        places.after.add(Position { topic: args.topic, partition: number, seq: last });
    }
    let query = Query {
        topic: args.topic,
        partition: Some(number),
        key: None,
        event_type: None,
        follow: false,
        patience: Some(PATIENCE),
    };
    let mut part: Option<Part> = None;
    let mut each = |text: &[u8], line: &Line<'_>| -> Result<()> {
        if wanted.has(line) {
            if let Some(full) = part.take_if(|part| part.is_full() || part.day != part::day(line)) {
                manifest.commit(number, last, Some(full.close()?))?;
            }
            let open = match &mut part {
                Some(open) => open,
                None => part.insert(Part::new(folder, args.format, line)?),
            };
            open.add(text, line)?;
        }
        last = line.id.seq;
        Ok(())
    };
    let partitions = remote_log::read(remote, &query, &mut places, &mut each).await?;
    let written = part.map(Part::close).transpose()?;
    if written.is_some() || last > manifest.after(number) {
        manifest.commit(number, last, written)?;
    }
    Ok(partitions)
}
