//! Where the time comes from.

use anyhow::{Context as _, Result};
use schemas::{Clock, Timestamp};
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicI64, Ordering},
};

/// The system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        chrono::Utc::now().into()
    }
}

/// A clock that stands still until it is moved by hand, forward only; also over a restart.
pub struct TestClock {
    millis: AtomicI64,
    file: PathBuf,
}

impl TestClock {
    /// Stands where `file` says; a new one stands at the system's time.
    pub fn open(file: &Path) -> Result<Self> {
        let start = match std::fs::read_to_string(file) {
            Ok(text) => Timestamp::parse(text.trim()).with_context(|| format!("{} holds no time", file.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => SystemClock.now(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        let clock = Self { millis: AtomicI64::new(start.millis()), file: file.to_owned() };
        clock.write(start)?;
        Ok(clock)
    }

    /// Moves it to `to`; an earlier time changes nothing.
    pub fn advance(&self, to: Timestamp) -> Result<()> {
        // Written first: after a restart the clock must not stand before what the log has seen.
        self.write(to.max(self.now()))?;
        self.millis.fetch_max(to.millis(), Ordering::SeqCst);
        Ok(())
    }

    fn write(&self, time: Timestamp) -> Result<()> {
        std::fs::write(&self.file, time.to_string()).with_context(|| format!("cannot write {}", self.file.display()))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Ordering::SeqCst))
    }
}
