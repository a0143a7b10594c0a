//! The one binary: `stockfold up` for everything in one process, and the operator's tools.

mod app;
mod auth;
mod backends;
mod bench;
mod cli;
mod clock;
mod credentials;
mod drop;
mod engine;
mod http;
mod kafka;
mod keyspaces;
mod logging;
mod mail;
mod ops;
mod plan;
mod print;
mod provider;
mod replay;
mod schema;
mod seed;
mod settings;
mod stall;
mod status;
mod topics;
mod up;

use clap::Parser as _;
use std::process::ExitCode;

// Measured against the system's allocator: 5 to 10 % more holds a second.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
