//! Log lines: for people where stdout is a terminal, JSON where it is not.

use anyhow::{Context as _, Result};
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Starts logging to stderr with a filter such as `info` or `processor=debug,info`.
pub fn start(filter: &str) -> Result<()> {
    let filter = EnvFilter::try_new(filter).context("`log` is not a tracing filter such as `info`")?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stdout().is_terminal() {
        lines.compact().init();
    } else {
        lines.json().flatten_event(true).init();
    }
    Ok(())
}
