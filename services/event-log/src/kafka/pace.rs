//! When the next transaction may begin.
//!
//! Begun before the markers of the last one are written, it is answered CONCURRENT_TRANSACTIONS, and librdkafka asks again
//! after 20 ms. So commands gather for a moment after each commit. How long the brokers need is learnt from how often a
//! beginning was slow: the pause rises quickly with one that was, and sinks slowly with those that were not, so that about
//! one in a hundred is.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_micros(1_500);
const LONGEST: Duration = Duration::from_millis(4);
const UP: Duration = Duration::from_micros(500);
const DOWN: Duration = Duration::from_micros(5);
/// A beginning that took longer, and this for each of its records, has waited for librdkafka's 20 ms.
const SLOW: Duration = Duration::from_millis(15);
const EACH: Duration = Duration::from_micros(10);
/// What begins later after the last commit says nothing about the pause.
const SOON: Duration = Duration::from_millis(10);

/// See the module.
#[derive(Debug)]
pub(super) struct Pace {
    pause: Duration,
    ended: Option<Instant>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { pause: FIRST, ended: None }
    }
}

impl Pace {
    /// When the next transaction may begin; none = at once.
    pub(super) fn next(&self) -> Option<Instant> {
        self.ended.map(|ended| ended + self.pause)
    }

    /// A transaction began, and its `records` were written after `took`.
    pub(super) fn wrote(&mut self, began: Instant, records: u32, took: Duration) {
        if self.ended.is_none_or(|ended| began.saturating_duration_since(ended) > SOON) {
            return;
        }
        self.pause =
            if took > SLOW + EACH * records { (self.pause + UP).min(LONGEST) } else { self.pause.saturating_sub(DOWN) };
    }

    /// A transaction has ended.
    pub(super) fn ended(&mut self, at: Instant) {
        self.ended = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(pace: &mut Pace, begins: Duration, took: Duration) -> Duration {
        let ended = Instant::now();
        pace.ended(ended);
        pace.wrote(ended + begins, 1, took);
        pace.pause
    }

    const FAST: Duration = Duration::from_millis(2);
    const AT_ONCE: Duration = Duration::from_millis(1);

    #[test]
    fn slow_beginnings_lengthen_the_pause_up_to_its_limit() {
        let mut pace = Pace::default();
        assert!(pace.next().is_none());
        assert_eq!(after(&mut pace, AT_ONCE, Duration::from_millis(21)), FIRST + UP);
        let pauses = (0..50).map(|_| after(&mut pace, AT_ONCE, Duration::from_millis(21)));
        assert_eq!(pauses.last(), Some(LONGEST));
        assert_eq!(pace.next(), pace.ended.map(|ended| ended + LONGEST));
    }

    #[test]
    fn many_records_take_their_time() {
        let mut pace = Pace::default();
        let ended = Instant::now();
        pace.ended(ended);
        pace.wrote(ended + AT_ONCE, 2_000, Duration::from_millis(21));
        assert_eq!(pace.pause, FIRST - DOWN);
    }

    #[test]
    fn quick_ones_shorten_it_to_nothing() {
        let mut pace = Pace::default();
        assert_eq!(after(&mut pace, AT_ONCE, FAST), FIRST - DOWN);
        assert_eq!((0..1_000).map(|_| after(&mut pace, AT_ONCE, FAST)).last(), Some(Duration::ZERO));
    }

    #[test]
    fn a_beginning_after_a_rest_teaches_nothing() {
        let mut pace = Pace::default();
        for took in [FAST, Duration::from_millis(30)] {
            assert_eq!(after(&mut pace, Duration::from_millis(50), took), FIRST);
        }
    }
}
