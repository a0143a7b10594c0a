//! The command line.

use crate::{
    auth::Auth,
    bench,
    dead_letters::{self, DeadLettersCommand},
    drop,
    engine::Services,
    export::{self, ExportArgs},
    forget::{self, ForgetArgs},
    import::{self, ImportArgs},
    logging,
    plan::Plan,
    print, replay, schema,
    settings::{SettingFlags, Settings},
    status,
    tail::{self, TailArgs},
    topics, up,
};
use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand, ValueEnum, value_parser};
use schemas::Role;
use std::{ops::RangeInclusive, path::PathBuf};

/// How long a token may be valid: a second to 365 days.
const TTL_SECONDS: RangeInclusive<i64> = 1..=31_536_000;

/// An event-sourced order and inventory engine: the last unit is sold once, and the log can prove it.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 110)]
#[command(after_help = "Start with `stockfold up --seed demo`, then open http://127.0.0.1:8080/docs.\n\
    Every setting is a flag, a STOCKFOLD_* variable or a key of stockfold.toml: `stockfold config show`.")]
pub struct Cli {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the whole engine in one process: on an embedded log, or on --kafka and --scylla
    Up(Up),
    /// Decide the commands of a cluster's shards; run as many as you like, they share the shards
    Processor(Part),
    /// Fold a cluster's events into its views
    Projector(Part),
    /// Ask the payment provider for what a cluster's orders need
    Payments(Part),
    /// Plan which warehouses ship a cluster's orders
    Fulfilment(Part),
    /// Tell people what happens to a cluster's drops and orders, in the app and by mail
    Notifier(Part),
    /// Take what suppliers publish to a cluster's supplier.items.v1
    Inbound(Part),
    /// Serve a cluster's whole HTTP API: what command-api and query-api serve
    Api(Part),
    /// Take commands for a cluster over HTTP
    CommandApi(Part),
    /// Serve a cluster's views over HTTP
    QueryApi(Part),
    /// Make a bearer token for local use
    Token(Token),
    /// Show shards, positions, lag and what is due of a running engine
    Status(Status),
    /// Look at the settings
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Make, change and list the topics of a Kafka cluster
    Topics {
        #[command(subcommand)]
        command: topics::TopicsCommand,
    },
    /// Make the keyspaces and tables of views and keys in ScyllaDB
    Schema {
        #[command(subcommand)]
        command: schema::SchemaCommand,
    },
    /// Look at what could not be used in a running engine, and use it again
    DeadLetters {
        #[command(subcommand)]
        command: DeadLettersCommand,
    },
    /// Import files of catalog and stock commands into a running engine, resumable
    Import(ImportArgs),
    /// Forget a person: destroy the keys of their personal data in a running engine, for good
    Forget(ForgetArgs),
    /// Show what happens in a running engine, as it comes
    Tail(TailArgs),
    /// Write a topic of a running engine's log to files by day, Parquet or NDJSON, resumable
    Export(ExportArgs),
    /// Play real retail data through the HTTP API of a fresh engine, and reconcile it to the penny
    Replay(Replay),
    /// Play a drop with a crowd, or prove from the log that a drop was fair
    Drop {
        #[command(subcommand)]
        command: DropVerb,
    },
    /// Measure this machine
    Bench {
        #[command(subcommand)]
        command: BenchCommand,
    },
}

/// What a part of an engine takes: settings only.
#[derive(Debug, clap::Args)]
pub struct Part {
    #[command(flatten)]
    settings: SettingFlags,
}

/// What `up` takes.
#[derive(Debug, clap::Args)]
pub struct Up {
    #[command(flatten)]
    settings: SettingFlags,
    /// Use a clock that stands still until `POST /v1/test-clock/advance` moves it; fixed when DATA is created
    #[arg(long)]
    test_clock: bool,
    /// Fill an empty engine
    #[arg(long, value_enum)]
    seed: Option<Seed>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Seed {
    /// Three items with stock
    Demo,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TokenRole {
    Shopper,
    Store,
    Supplier,
    Warehouse,
    Service,
    Analyst,
    Operator,
}

impl From<TokenRole> for Role {
    fn from(role: TokenRole) -> Self {
        match role {
            TokenRole::Shopper => Self::Shopper,
            TokenRole::Store => Self::Store,
            TokenRole::Supplier => Self::Supplier,
            TokenRole::Warehouse => Self::Warehouse,
            TokenRole::Service => Self::Service,
            TokenRole::Analyst => Self::Analyst,
            TokenRole::Operator => Self::Operator,
        }
    }
}

#[derive(Debug, clap::Args)]
struct Token {
    /// What the token may do
    #[arg(long, value_enum)]
    role: TokenRole,
    /// Who it is
    #[arg(long)]
    sub: String,
    /// The store, of `--role store`
    #[arg(long, required_if_eq("role", "store"))]
    store: Option<String>,
    /// The location, of `--role warehouse`
    #[arg(long, required_if_eq("role", "warehouse"))]
    location: Option<String>,
    /// How long it is valid; a year at most, as nothing calls a token back
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400, value_parser = value_parser!(u32).range(TTL_SECONDS))]
    ttl: u32,
    #[command(flatten)]
    settings: SettingFlags,
}

#[derive(Debug, clap::Args)]
struct Status {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print every setting, its value and where that comes from; fails where `up` would refuse one
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: SettingFlags,
    },
}

/// How much opening stock a replay receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Stock {
    /// As much as will be asked for
    Ample,
    /// 60 % of it: refusals happen
    Tight,
}

#[derive(Debug, clap::Args)]
struct Replay {
    /// The data: CSV, plain or .gz, with the columns of the UCI "Online Retail" set
    file: PathBuf,
    /// Opening stock
    #[arg(long, value_enum, default_value = "ample")]
    stock: Stock,
    /// Requests in flight
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Of the engine that it plays on; without --data that is a scratch directory
    #[command(flatten)]
    settings: SettingFlags,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Durable holds a second on one hot item, beside the disk's own rate, or the brokers' where --kafka names them
    Hot(Hot),
}

/// What `bench hot` takes.
#[derive(Debug, clap::Args)]
pub struct Hot {
    /// How long each figure is measured
    #[arg(long, default_value_t = 5)]
    pub seconds: u64,
    /// Where the scratch directory is made: the disk that is measured
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

#[derive(Debug, Subcommand)]
enum DropVerb {
    /// Play a drop against a running engine, with bots and slow ones in the crowd, and prove from the log that it was fair
    #[command(
        after_help = "Start the engine with `stockfold up --rate-limit 0`; with `--checkout-seconds 10 --grace-seconds 1 \
        --admission-seconds 5` who does not pay gives back soon."
    )]
    Simulate(Simulate),
    /// Recompute a drop from its events: draw, turns, limit, units
    Verify(Verify),
}

/// What `drop simulate` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Simulate {
    /// How many come
    #[arg(long, default_value_t = 20_000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub shoppers: u32,
    /// How many units there are
    #[arg(long, default_value_t = 500, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub units: u32,
    /// Over how many seconds they come
    #[arg(long, default_value_t = 10.0)]
    pub within: f64,
    /// Of how many a WebSocket is open meanwhile
    #[arg(long, default_value_t = 0)]
    pub sockets: u32,
    /// Units that one shopper may have
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u32).range(1..=100))]
    pub limit: u32,
    /// Bots, of a hundred
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u32).range(0..=30))]
    pub bots: u32,
    /// Of a hundred, who never claim; as many claim and never pay
    #[arg(long, default_value_t = 2, value_parser = value_parser!(u32).range(0..=30))]
    pub slow: u32,
    /// Without a waiting room: all of them claim at once
    #[arg(long)]
    pub no_queue: bool,
    /// How long the drop is open at most
    #[arg(long, default_value_t = 15, value_parser = value_parser!(u64).range(1..=600))]
    pub minutes: u64,
    /// Where the engine is; else where the settings say
    #[arg(long)]
    pub url: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

/// What `drop verify` takes.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// The drop
    pub drop: String,
    /// Where the engine is; else where the settings say
    #[arg(long)]
    pub url: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

/// Runs what the command line says.
pub fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Verb::Up(args) => {
            let settings = Settings::load(&args.settings)?;
            logging::start(settings.text("log"))?;
            up::run(&settings, args.test_clock, args.seed.is_some())
        }
        Verb::Processor(args) => part(&args, Services::PROCESSOR),
        Verb::Projector(args) => part(&args, Services::PROJECTOR),
        Verb::Payments(args) => part(&args, Services::PAYMENTS),
        Verb::Fulfilment(args) => part(&args, Services::FULFILMENT),
        Verb::Notifier(args) => part(&args, Services::NOTIFIER),
        Verb::Inbound(args) => part(&args, Services::INBOUND),
        Verb::Api(args) => part(&args, Services::API),
        Verb::CommandApi(args) => part(&args, Services::COMMAND_API),
        Verb::QueryApi(args) => part(&args, Services::QUERY_API),
        Verb::Token(args) => {
            let settings = Settings::load(&args.settings)?;
            let auth = Auth::existing(&settings)?;
            let (store, location) = (args.store.as_deref(), args.location.as_deref());
            print::line(auth.mint(args.role.into(), &args.sub, store, location, args.ttl)?)?;
            Ok(())
        }
        Verb::Status(args) => status::run(&Settings::load(&args.settings)?, args.json),
        Verb::Config { command: ConfigCommand::Show { json, settings } } => {
            show_config(&Settings::load(&settings)?, json)
        }
        Verb::Topics { command } => topics::run(command),
        Verb::Schema { command } => schema::run(command),
        Verb::DeadLetters { command } => dead_letters::run(&command),
        Verb::Import(args) => import::run(&args),
        Verb::Forget(args) => forget::run(&args),
        Verb::Tail(args) => tail::run(&args),
        Verb::Export(args) => export::run(&args),
        Verb::Replay(args) => {
            let settings = Settings::load(&args.settings)?;
            logging::start_quietly(&settings)?;
            let options =
                replay::Options { file: args.file, stock: args.stock, concurrency: args.concurrency, json: args.json };
            bench::scratch::with_engine_of(settings, None, Services::ALL, |engine| {
                engine.runtime().block_on(replay::run(&options, engine.base_url(), &|role, sub, store| {
                    engine.mint(role, sub, store)
                }))
            })
            .context("replay")
        }
        Verb::Drop { command: DropVerb::Simulate(args) } => {
            let settings = Settings::load(&args.settings)?;
            drop::simulate::run(&args, &settings)
        }
        Verb::Drop { command: DropVerb::Verify(args) } => drop::verify(&args, &Settings::load(&args.settings)?),
        Verb::Bench { command: BenchCommand::Hot(args) } => {
            let settings = Settings::load(&args.settings)?;
            logging::start_quietly(&settings)?;
            bench::hot::run(&args, settings)
        }
    }
}

fn part(args: &Part, services: Services) -> Result<()> {
    let settings = Settings::load(&args.settings)?;
    logging::start(settings.text("log"))?;
    up::run_part(&settings, services)
}

fn show_config(settings: &Settings, json: bool) -> Result<()> {
    if json {
        print::line(serde_json::to_string_pretty(&settings.shown())?)?;
    } else {
        print::line(settings_table(settings))?;
    }
    // Shown first: whoever has to mend a setting sees where it comes from.
    Plan::of(settings, false).map(drop)
}

fn settings_table(settings: &Settings) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(["SETTING", "VALUE", "FROM", "WHAT IT IS"]);
    for shown in settings.shown() {
        table.add_row([shown.key.to_owned(), shown.value, shown.source.to_string(), shown.help.to_owned()]);
    }
    table
}
