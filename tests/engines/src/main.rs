//! Keeps a Kafka and a CQL store running for manual work.

use std::{process::ExitCode, time::Duration};

use engines::{CqlCluster, EngineError, KafkaCluster};

const HELP: &str = "\
Runs Apache Kafka and Apache Cassandra on Java, with nothing in them, until Ctrl-C; then everything is removed.
Prints what stockfold and its tests must know of them to stdout, as lines for a shell.

Usage: engines [--brokers N] [--cql N] [--kafka-only | --cql-only]

  --brokers N   how many Kafka brokers (default 1)
  --cql N       how many Cassandra nodes (default 1)
  --kafka-only  no Cassandra
  --cql-only    no Kafka
  --help        this text";

struct Wanted {
    brokers: usize,
    cql: usize,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let Some(wanted) = parse(&args) else {
        eprintln!("{HELP}");
        return ExitCode::from(2);
    };
    match run(&wanted) {
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("engines: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(args: &[String]) -> Option<Wanted> {
    let mut wanted = Wanted { brokers: 1, cql: 1 };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--brokers" => wanted.brokers = args.next()?.parse().ok().filter(|count| *count > 0)?,
            "--cql" => wanted.cql = args.next()?.parse().ok().filter(|count| *count > 0)?,
            "--kafka-only" => wanted.cql = 0,
            "--cql-only" => wanted.brokers = 0,
            _ => return None,
        }
    }
    (wanted.brokers + wanted.cql > 0).then_some(wanted)
}

/// Returns only when a server died.
fn run(wanted: &Wanted) -> Result<(), EngineError> {
    eprintln!("engines: starting {} broker(s) and {} CQL node(s)", wanted.brokers, wanted.cql);
    let kafka = (wanted.brokers > 0).then(|| KafkaCluster::try_start(wanted.brokers)).transpose()?;
    if let Some(kafka) = &kafka {
        println!("export KAFKA_BROKERS={}", kafka.bootstrap());
    }
    let cql = (wanted.cql > 0).then(|| CqlCluster::try_start(wanted.cql)).transpose()?;
    if let Some(cql) = &cql {
        println!("export SCYLLA_NODES={}", cql.nodes());
    }
    eprintln!("engines: serving until Ctrl-C");
    let alive =
        || kafka.as_ref().is_none_or(|kafka| kafka.are_alive()) && cql.as_ref().is_none_or(|cql| cql.are_alive());
    while alive() {
        std::thread::sleep(Duration::from_secs(1));
    }
    eprintln!("engines: a server has died");
    Ok(())
}
