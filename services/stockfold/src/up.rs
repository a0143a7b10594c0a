//! `stockfold up`: everything in one process, until a signal.

use crate::{
    engine::{Engine, Services},
    print, seed,
    settings::Settings,
};
use anyhow::{Context as _, Result, ensure};
use schemas::Role;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// The longest that a stop may take; then the process ends as a kill would end it, which loses nothing.
const STOP_LIMIT: Duration = Duration::from_secs(25);

/// Starts the engine, says how to use it, and stops it on SIGINT or SIGTERM.
pub fn run(settings: &Settings, test_clock: bool, seed_demo: bool) -> Result<()> {
    let engine = Engine::start(settings, test_clock)?;
    if seed_demo {
        let token = engine.mint(Role::Operator, "seed", None)?;
        engine.runtime().block_on(seed::demo(engine.base_url(), &token))?;
    }
    print::line(welcome(&engine, settings, seed_demo))?;
    serve_until_told(engine)
}

/// Starts one of the services of a cluster, and stops it on SIGINT or SIGTERM.
pub fn run_part(settings: &Settings, services: Services) -> Result<()> {
    let is_cluster = settings.some("kafka").is_some() || settings.some("scylla").is_some();
    ensure!(is_cluster, "the parts of an engine meet on a cluster: give --kafka and --scylla, or run `stockfold up`");
    let engine = Engine::start_services(settings, false, services)?;
    print::line(format_args!("Stockfold listens on {}\n  probes at /livez, /readyz and /metrics", engine.base_url()))?;
    serve_until_told(engine)
}

fn serve_until_told(engine: Engine) -> Result<()> {
    engine.runtime().block_on(stopped()).context("signals")?;
    eprintln!("stopping: finishing what was taken, writing snapshots");
    std::thread::spawn(|| {
        std::thread::sleep(STOP_LIMIT);
        eprintln!(
            "error: not stopped within {} s; ending now, nothing that was answered is lost",
            STOP_LIMIT.as_secs()
        );
        std::process::exit(1);
    });
    engine.stop();
    Ok(())
}

async fn stopped() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn welcome(engine: &Engine, settings: &Settings, seeded: bool) -> String {
    let url = engine.base_url();
    let data = match settings.text("data") {
        "data" => String::new(),
        other => format!(" --data {other}"),
    };
    // `status` asks the default address unless it is told another one; port 0 became a real one.
    let mut at = String::new();
    if settings.text("bind") != "127.0.0.1" {
        at = format!(" --bind {}", settings.text("bind"));
    }
    let port = url.rsplit(':').next().unwrap_or_default();
    if port != "8080" {
        at = format!("{at} --port {port}");
    }
    let next = if seeded {
        format!(
            "  TOKEN=$(stockfold token{data} --role shopper --sub alice)\n  \
             curl -s {url}/v1/items/teapot\n  \
             curl -s -X POST '{url}/v1/checkout?op=BEGIN' -H \"Authorization: Bearer $TOKEN\" -H 'Idempotency-Key: first' \\\n       \
             -H 'Content-Type: application/json' -d '{{\"cart\":[{{\"itemId\":\"teapot\",\"quantity\":2}}]}}'"
        )
    } else {
        format!(
            "  TOKEN=$(stockfold token{data} --role operator --sub me)\n  \
             curl -s -X PUT {url}/v1/items/teapot -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\\n       \
             -d '{{\"name\":\"Teapot\",\"kind\":\"physical\",\"price\":{{\"amount\":2495,\"currency\":\"EUR\"}}}}'"
        )
    };
    format!(
        "Stockfold listens on {url}\n  the API to read and try   {url}/docs\n  shards, lag, deadlines    stockfold status{data}{at}\n\
         Next:\n{next}\n"
    )
}
