//! Where the time comes from.

use anyhow::{Context as _, Result};
use parking_lot::Mutex;
use schemas::{Clock, Timestamp};
use std::{
    fs::File,
    io::Write as _,
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
    writing: Mutex<()>,
}

impl TestClock {
    /// Stands where `file` says; a new one stands at the system's time.
    pub fn open(file: &Path) -> Result<Self> {
        let start = match std::fs::read_to_string(file) {
            Ok(text) => Timestamp::parse(text.trim()).with_context(|| format!("{} holds no time", file.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => SystemClock.now(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        let clock = Self { millis: AtomicI64::new(start.millis()), file: file.to_owned(), writing: Mutex::new(()) };
        clock.write(start)?;
        Ok(clock)
    }

    /// Moves it to `to`; an earlier time changes nothing.
    pub fn advance(&self, to: Timestamp) -> Result<()> {
        let _one_at_a_time = self.writing.lock();
        // Written first: after a restart the clock must not stand before what the log has seen.
        self.write(to.max(self.now()))?;
        self.millis.fetch_max(to.millis(), Ordering::SeqCst);
        Ok(())
    }

    /// Into a draft that takes the file's place: a disk that is full, or a death in the middle, leaves the old time.
    fn write(&self, time: Timestamp) -> Result<()> {
        let draft = self.file.with_extension("draft");
        let written = File::create(&draft).and_then(|mut file| {
            file.write_all(time.to_string().as_bytes())?;
            file.sync_all()
        });
        written
            .and_then(|()| std::fs::rename(&draft, &self.file))
            .with_context(|| format!("cannot write {}", self.file.display()))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_cannot_be_written_is_not_told_and_leaves_the_old_one() {
        let home = tempfile::tempdir().expect("a directory");
        let file = home.path().join("test-clock");
        let clock = TestClock::open(&file).expect("it opens");
        let before = clock.now();
        // As a disk that is full or a process that dies leaves it: the draft is there, the file is what it was.
        std::fs::create_dir(home.path().join("test-clock.draft")).expect("a directory");
        assert!(clock.advance(before.plus_seconds(60)).is_err());
        assert_eq!(clock.now(), before);
        std::fs::remove_dir(home.path().join("test-clock.draft")).expect("empty");
        assert_eq!(TestClock::open(&file).expect("it opens").now(), before);
    }

    #[test]
    fn of_two_moves_at_once_the_later_time_stays() {
        let home = tempfile::tempdir().expect("a directory");
        let file = home.path().join("test-clock");
        let clock = TestClock::open(&file).expect("it opens");
        let before = clock.now();
        std::thread::scope(|scope| {
            for seconds in 1..=16 {
                let clock = &clock;
                scope.spawn(move || clock.advance(before.plus_seconds(seconds)).expect("it is written"));
            }
        });
        assert_eq!(clock.now(), before.plus_seconds(16));
        assert_eq!(TestClock::open(&file).expect("it opens").now(), before.plus_seconds(16));
    }
}
