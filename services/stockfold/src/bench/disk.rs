//! The disk's own rate: what one durable write costs without us.

use anyhow::{Context as _, Result};
use std::{
    fs::OpenOptions,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

/// Appends of 4 KiB to a growing file, each followed by fdatasync: how many a second.
pub fn syncs_per_second(folder: &Path, time: Duration) -> Result<f64> {
    let path = folder.join("sync-rate");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(&path).context("sync-rate")?;
    let block = [0x5a_u8; 4_096];
    let start = Instant::now();
    let mut syncs = 0_u32;
    while start.elapsed() < time {
        file.write_all(&block)?;
        file.sync_data()?;
        syncs += 1;
    }
    let rate = f64::from(syncs) / start.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(rate)
}
