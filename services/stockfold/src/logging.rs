//! Log lines: for people where stdout is a terminal, JSON where it is not.

use crate::settings::Settings;
use anyhow::{Context as _, Result};
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// What the text of a filter means, such as `info` or `processor=debug,info`.
pub fn filter(text: &str) -> Result<EnvFilter> {
    EnvFilter::try_new(text).context("`log` is not a tracing filter such as `info`")
}

/// Starts logging to stderr with a filter.
pub fn start(text: &str) -> Result<()> {
    let filter = filter(text)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stdout().is_terminal() {
        lines.compact().init();
    } else {
        lines.json().flatten_event(true).init();
    }
    Ok(())
}

/// The same for work that shows its own progress: only what is wrong, unless more was asked for on the command line.
pub fn start_quietly(settings: &Settings) -> Result<()> {
    start(if settings.is_flag("log") { settings.text("log") } else { "warn" })
}
