//! The reserve of free disk, below which clients are refused.

use parking_lot::Mutex;
use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Instant,
};

/// How often the file system is asked, in milliseconds: at full speed some tens of megabytes are written between.
const EVERY_MS: u64 = 250;

/// Watches the free space of the data directory.
pub(super) struct Disk {
    reserve_bytes: u64,
    free_bytes: Box<dyn Fn() -> Option<u64> + Send + Sync>,
    started: Instant,
    next_ms: AtomicU64,
    asking: Mutex<()>,
    low: AtomicBool,
}

impl Disk {
    /// Watches the file system of `dir`.
    pub(super) fn of(dir: &Path, reserve_bytes: u64) -> Self {
        let dir = dir.to_owned();
        let free = move || rustix::fs::statvfs(&dir).ok().map(|fs| fs.f_bavail.saturating_mul(fs.f_frsize));
        Self::new(reserve_bytes, Box::new(free))
    }

    fn new(reserve_bytes: u64, free_bytes: Box<dyn Fn() -> Option<u64> + Send + Sync>) -> Self {
        let (next_ms, asking, low) = (AtomicU64::new(0), Mutex::new(()), AtomicBool::new(false));
        Self { reserve_bytes, free_bytes, started: Instant::now(), next_ms, asking, low }
    }

    /// Whether free space is below the reserve, as of a moment ago.
    pub(super) fn is_low(&self) -> bool {
        let elapsed = self.started.elapsed().as_millis() as u64;
        if elapsed >= self.next_ms.load(Ordering::Relaxed)
            && let Some(_only_one_asks) = self.asking.try_lock()
        {
            // A file system that does not answer is no reason to refuse.
            let low = (self.free_bytes)().is_some_and(|free| free < self.reserve_bytes);
            if low != self.low.swap(low, Ordering::Relaxed) {
                if low {
                    tracing::warn!(
                        reserve_bytes = self.reserve_bytes,
                        "free disk is below the reserve: refusing clients"
                    );
                } else {
                    tracing::info!("free disk is above the reserve again");
                }
            }
            self.next_ms.store(elapsed + EVERY_MS, Ordering::Relaxed);
        }
        self.low.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn is_low_below_the_reserve_and_not_once_space_is_back() {
        let free = Arc::new(AtomicU64::new(99));
        let seen = Arc::clone(&free);
        let disk = Disk::new(100, Box::new(move || Some(seen.load(Ordering::Relaxed))));
        assert!(disk.is_low());
        free.store(100, Ordering::Relaxed);
        disk.next_ms.store(0, Ordering::Relaxed);
        assert!(!disk.is_low());
    }

    #[test]
    fn a_file_system_that_does_not_answer_is_not_low() {
        assert!(!Disk::new(u64::MAX, Box::new(|| None)).is_low());
    }
}
