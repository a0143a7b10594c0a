//! An engine of its own for a benchmark or a replay: in a directory that goes with it, or on the cluster that is named.

use crate::{
    engine::{Engine, Services},
    settings::Settings,
};
use anyhow::Result;
use std::path::Path;

/// Runs `work` on an engine with these settings, on a free port and without a limit on requests.
///
/// Data directory and cluster are those that flags name: what the environment or a file says may be a shop's own. Without
/// such a flag the directory is a scratch one, below `parent` or on the working directory's disk.
pub fn with_engine_of(
    mut settings: Settings,
    parent: Option<&Path>,
    services: Services,
    work: impl FnOnce(&Engine) -> Result<()>,
) -> Result<()> {
    if !settings.is_flag("kafka") {
        settings.set("kafka", "");
        settings.set("scylla", "");
    }
    let scratch = if settings.is_flag("data") {
        None
    } else {
        Some(tempfile::Builder::new().prefix(".stockfold-").tempdir_in(parent.unwrap_or(Path::new(".")))?)
    };
    if let Some(scratch) = &scratch {
        settings.set("data", scratch.path().to_string_lossy());
    }
    settings.set("port", "0");
    settings.set("rate-limit", "0");
    let engine = Engine::start_trial(&settings, services)?;
    let outcome = work(&engine);
    engine.stop();
    outcome
}

/// As [`with_engine_of`], with the default settings in `data`.
#[cfg(test)]
pub fn with_engine_in(
    data: Option<std::path::PathBuf>,
    parent: Option<&Path>,
    work: impl FnOnce(&Engine) -> Result<()>,
) -> Result<()> {
    let mut settings = Settings::load(&crate::settings::SettingFlags::default())?;
    if let Some(data) = data {
        settings.set("data", data.to_string_lossy());
    }
    with_engine_of(settings, parent, Services::ALL, work)
}
