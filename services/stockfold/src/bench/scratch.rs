//! An engine of its own for a benchmark or a replay, in a directory that goes with it.

use crate::{
    engine::Engine,
    settings::{SettingFlags, Settings},
};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Runs `work` on an engine in `data`, or in a scratch directory below `parent` or the working directory's disk.
pub fn with_engine_in(
    data: Option<PathBuf>,
    parent: Option<&Path>,
    work: impl FnOnce(&Engine) -> Result<()>,
) -> Result<()> {
    let scratch = match &data {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix(".stockfold-").tempdir_in(parent.unwrap_or(Path::new(".")))?),
    };
    let folder = data.or_else(|| scratch.as_ref().map(|dir| dir.path().to_owned())).unwrap_or_default();
    let mut settings = Settings::load(&SettingFlags::default())?;
    settings.set("data", folder.to_string_lossy());
    settings.set("port", "0");
    settings.set("rate-limit", "0");
    let engine = Engine::start(&settings, false)?;
    let outcome = work(&engine);
    engine.stop();
    outcome
}

/// As [`with_engine_in`], with the scratch directory in the working directory.
pub fn with_engine(data: Option<PathBuf>, work: impl FnOnce(&Engine) -> Result<()>) -> Result<()> {
    with_engine_in(data, None, work)
}
