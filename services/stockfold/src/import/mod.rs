//! `stockfold import`: files of commands into a running engine, line by line, resumed where they were left.
//!
//! [`source`] reads lines, [`send`] sends them and takes results, [`journal`] keeps how far it came, [`file`] puts the three
//! together for one file, [`watch`] does so for what comes into a directory.

mod file;
mod journal;
mod rejected;
mod send;
mod source;
mod watch;

use crate::{
    logging, print,
    remote::{Remote, RemoteArgs},
};
use anyhow::{Result, bail};
use file::{Importer, Summary};
use schemas::Role;
use source::{Format, Place};
use std::{path::PathBuf, time::Duration};

/// What `import` takes.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "A line is a command: {\"op\":\"receive\",\"itemId\":\"mug\",\"receiptId\":\"r-1\",\"location\":\"main\",\
    \"quantity\":5,\"document\":\"note 1\"}. What was killed goes on where it was by the same command; the same file again \
    changes nothing."
)]
pub struct ImportArgs {
    /// Files: .ndjson, .jsonl or .csv, plain or .gz; `-` is standard input
    #[arg(required_unless_present = "watch")]
    files: Vec<PathBuf>,
    /// Import what appears in this directory, in the order of names, until SIGTERM; then it is moved to DIR/done or DIR/failed
    #[arg(long, value_name = "DIR", conflicts_with = "files")]
    watch: Option<PathBuf>,
    /// How long a file in --watch must have stayed as it is, in seconds; rename files into the directory to be sure
    #[arg(long, value_name = "SECONDS", default_value_t = 2)]
    settle: u64,
    /// Read and check every line, and run none
    #[arg(long)]
    dry_run: bool,
    /// Of standard input: ndjson or csv
    #[arg(long, value_enum, default_value = "ndjson")]
    format: FormatArg,
    /// Names the import instead of the file's content: what was imported under a name has no effect again
    #[arg(long, value_name = "ID", conflicts_with = "watch")]
    import_id: Option<String>,
    /// Where it is kept how far imports have come; else beside each file
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Write lines that are refused to this file too, with the reason
    #[arg(long, value_name = "FILE", conflicts_with = "watch")]
    rejected: Option<PathBuf>,
    /// Begin anew a file that has changed since a part of it was imported
    #[arg(long)]
    restart: bool,
    /// How long to go on asking while the engine does not answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    patience: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum FormatArg {
    Ndjson,
    Csv,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Ndjson => Self::Ndjson,
            FormatArg::Csv => Self::Csv,
        }
    }
}

/// Imports; an error where a line was refused.
pub fn run(args: &ImportArgs) -> Result<()> {
    logging::start(if std::env::var_os("STOCKFOLD_LOG").is_some() { "info" } else { "warn" })?;
    let remote = Remote::new(&args.remote, Role::Operator, "stockfold-import")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let importer = Importer {
            remote: &remote,
            dry_run: args.dry_run,
            state: args.state.clone(),
            // What comes into a directory again is meant.
            restart: args.restart || args.watch.is_some(),
            patience: args.watch.is_none().then(|| Duration::from_secs(args.patience)),
        };
        match &args.watch {
            Some(dir) => watch::run(&importer, dir, Duration::from_secs(args.settle), args.json).await,
            None => tokio::select! {
                all = files(&importer, args) => all,
                () = stopped() => bail!("stopped; the same command goes on from there"),
            },
        }
    })
}

async fn files(importer: &Importer<'_>, args: &ImportArgs) -> Result<()> {
    let mut refused = 0;
    for path in &args.files {
        let place = if path.as_os_str() == "-" { Place::Stdin } else { Place::File(path.clone()) };
        let format = match &place {
            Place::Stdin => Some(args.format.into()),
            Place::File(path) => Format::of(path),
        };
        let Some(format) = format else {
            bail!("{}: a file to import is named .ndjson, .jsonl or .csv, or one of these and .gz", path.display());
        };
        let summary = importer.import(place, format, args.import_id.as_deref(), args.rejected.as_deref()).await?;
        tell(&summary, args.json)?;
        refused += summary.tally.refused;
    }
    match refused {
        0 => Ok(()),
        1 => bail!("1 line was refused"),
        _ => bail!("{refused} lines were refused"),
    }
}

/// Prints what became of a file.
fn tell(summary: &Summary, json: bool) -> Result<()> {
    if json {
        print::line(serde_json::to_string(summary)?)?;
    } else {
        print::line(summary.text())?;
    }
    Ok(())
}

/// Ends when the process is told to.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
