//! How fast followers are told: so many a second, in even steps, so that a store with millions leaves room for the others.

/// The time over which what was not used may be made up for.
const BURST_MS: u64 = 100;

/// A pace, in thousandths of a message: each costs a thousand.
#[derive(Debug)]
pub(crate) struct Pace {
    per_second: u64,
    credit: u64,
    at_ms: u64,
}

impl Pace {
    /// So many a second; at least one.
    pub fn new(per_second: u32) -> Self {
        Self { per_second: u64::from(per_second).max(1), credit: 1_000, at_ms: 0 }
    }

    /// Whether one may be sent now; it is counted then.
    pub fn take(&mut self, now_ms: u64) -> bool {
        let earned = now_ms.saturating_sub(self.at_ms).saturating_mul(self.per_second);
        self.credit = self.credit.saturating_add(earned).min((self.per_second * BURST_MS).max(1_000));
        self.at_ms = self.at_ms.max(now_ms);
        let has_credit = self.credit >= 1_000;
        if has_credit {
            self.credit -= 1_000;
        }
        has_credit
    }

    /// When the next one may be sent.
    pub fn due_ms(&self) -> u64 {
        self.at_ms + 1_000_u64.saturating_sub(self.credit).div_ceil(self.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn as_many_are_sent_in_a_second_as_are_meant_to_be() {
        for per_second in [1, 7, 1_000, 5_000] {
            let mut pace = Pace::new(per_second);
            let (mut now_ms, mut sent) = (1, 0_u64);
            while now_ms <= 10_000 {
                if pace.take(now_ms) {
                    sent += 1;
                } else {
                    assert!(pace.due_ms() > now_ms, "it goes on");
                    now_ms = pace.due_ms();
                }
            }
            let (least, most) = (u64::from(per_second) * 10 - 1, u64::from(per_second) * 102 / 10 + 2);
            assert!((least..=most).contains(&sent), "{per_second} a second: {sent} in 10 s");
        }
    }

    #[test]
    fn a_long_rest_earns_no_more_than_a_burst() {
        let mut pace = Pace::new(100);
        let mut burst = 0;
        while pace.take(60_000) {
            burst += 1;
        }
        assert_eq!(burst, 10);
    }
}
