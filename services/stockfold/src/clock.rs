//! Where the time comes from.

use anyhow::{Context as _, Result, bail};
use parking_lot::Mutex;
use schemas::{Clock, Timestamp};
use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicI64, Ordering},
};
use thiserror::Error;

/// The newest stops that a test clock knows again.
const STOPS_KEPT: usize = 1_000;

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
    /// The times that it was sent to, ascending; the last is the time. Held while the file is written.
    stops: Mutex<Vec<Timestamp>>,
}

/// Why a test clock was not moved.
#[derive(Debug, Error)]
pub enum NotMoved {
    /// It was never sent to that time, and stands at this later one.
    #[error("the clock stands at {0} and moves forward only")]
    Past(Timestamp),
    /// The time could not be made durable.
    #[error("{0:#}")]
    Unwritten(anyhow::Error),
}

impl TestClock {
    /// Stands where `file` says; a new one stands at the system's time.
    pub fn open(file: &Path) -> Result<Self> {
        let stops = match std::fs::read_to_string(file) {
            Ok(text) => text.lines().map(|line| Timestamp::parse(line.trim()).ok()).collect(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(vec![SystemClock.now()]),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        let stops: Vec<Timestamp> = stops.filter(|stops: &Vec<_>| stops.is_sorted()).unwrap_or_default();
        let Some(now) = stops.last() else { bail!("{} holds something else than rising times", file.display()) };
        let clock = Self { millis: AtomicI64::new(now.millis()), file: file.to_owned(), stops: Mutex::new(stops) };
        clock.write(&clock.stops.lock())?;
        Ok(clock)
    }

    /// Moves it to `to` and tells the time then: a later one where it has been at `to` before.
    pub fn advance(&self, to: Timestamp) -> Result<Timestamp, NotMoved> {
        let mut stops = self.stops.lock();
        let now = self.now();
        // Sent twice, perhaps because the first answer was lost; who sent it does not know what others did since.
        if stops.binary_search(&to).is_ok() {
            return Ok(now);
        }
        if to < now {
            return Err(NotMoved::Past(now));
        }
        let forgotten = (stops.len() + 1).saturating_sub(STOPS_KEPT);
        let mut moved = stops[forgotten..].to_vec();
        moved.push(to);
        // Written first: after a restart the clock must not stand before what the log has seen.
        self.write(&moved).map_err(NotMoved::Unwritten)?;
        *stops = moved;
        self.millis.store(to.millis(), Ordering::SeqCst);
        Ok(to)
    }

    /// Into a draft that takes the file's place: a disk that is full, or a death in the middle, leaves the old time.
    fn write(&self, stops: &[Timestamp]) -> Result<()> {
        let draft = self.file.with_extension("draft");
        let lines: String = stops.iter().map(|stop| format!("{stop}\n")).collect();
        let written = File::create(&draft).and_then(|mut file| {
            file.write_all(lines.as_bytes())?;
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
    fn of_moves_at_once_the_latest_time_stays_and_earlier_ones_went_before_it_or_are_refused() {
        let home = tempfile::tempdir().expect("a directory");
        let file = home.path().join("test-clock");
        let clock = TestClock::open(&file).expect("it opens");
        let before = clock.now();
        std::thread::scope(|scope| {
            for seconds in 1..=16 {
                let clock = &clock;
                scope.spawn(move || match clock.advance(before.plus_seconds(seconds)) {
                    Ok(now) => assert_eq!(now, before.plus_seconds(seconds)),
                    Err(NotMoved::Past(now)) => assert!(now > before.plus_seconds(seconds)),
                    Err(NotMoved::Unwritten(fault)) => panic!("{fault}"),
                });
            }
        });
        assert_eq!(clock.now(), before.plus_seconds(16));
        assert_eq!(TestClock::open(&file).expect("it opens").now(), before.plus_seconds(16));
    }

    #[test]
    fn an_earlier_time_is_refused_unless_it_was_sent_before_also_after_a_restart() {
        let home = tempfile::tempdir().expect("a directory");
        let file = home.path().join("test-clock");
        let clock = TestClock::open(&file).expect("it opens");
        let at = |seconds| clock.now().plus_seconds(seconds);
        let (skipped, first, second) = (at(5), at(10), at(20));
        assert_eq!(clock.advance(first).expect("later"), first);
        assert_eq!(clock.advance(first).expect("sent twice"), first);
        assert_eq!(clock.advance(second).expect("later"), second);
        let restarted = TestClock::open(&file).expect("it opens");
        for clock in [&clock, &restarted] {
            assert_eq!(clock.advance(first).expect("sent twice, others went on"), second);
            assert!(matches!(clock.advance(skipped), Err(NotMoved::Past(now)) if now == second));
            assert_eq!(clock.now(), second);
        }
    }

    #[test]
    fn its_file_stays_small_and_is_only_believed_where_it_holds_rising_times() {
        let home = tempfile::tempdir().expect("a directory");
        let file = home.path().join("test-clock");
        let lines = (0..STOPS_KEPT as u32).map(|s| format!("{}\n", Timestamp::from_millis(0).plus_seconds(s)));
        std::fs::write(&file, lines.collect::<String>()).expect("written");
        let clock = TestClock::open(&file).expect("it opens");
        let next = clock.now().plus_seconds(1);
        assert_eq!(clock.advance(next).expect("later"), next);
        let text = std::fs::read_to_string(&file).expect("read");
        assert_eq!((text.lines().count(), text.lines().last()), (STOPS_KEPT, Some(next.to_string().as_str())));
        for damaged in ["", "noon\n", "2030-01-02T00:00:00Z\n2030-01-01T00:00:00Z\n"] {
            std::fs::write(&file, damaged).expect("written");
            assert!(TestClock::open(&file).is_err(), "{damaged:?}");
        }
    }
}
