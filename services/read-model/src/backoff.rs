//! How long whoever follows the log waits before trying again.

/// Milliseconds before the try after that many: doubles from `first_ms` to `most_ms`.
#[must_use]
pub fn delay_ms(attempts: u32, first_ms: u64, most_ms: u64) -> u64 {
    first_ms.saturating_mul(1_u64.checked_shl(attempts).unwrap_or(u64::MAX)).min(most_ms)
}

#[cfg(test)]
mod tests {
    use super::delay_ms;

    #[test]
    fn it_doubles_up_to_the_most() {
        let delays: Vec<u64> = [0, 1, 2, 6, 7, 63, 64, u32::MAX].map(|attempts| delay_ms(attempts, 10, 1_000)).into();
        assert_eq!(delays, [10, 20, 40, 640, 1_000, 1_000, 1_000, 1_000]);
        let delays: Vec<u64> = (0..6).map(|attempts| delay_ms(attempts, 50, 1_000)).collect();
        assert_eq!(delays, [50, 100, 200, 400, 800, 1_000]);
    }
}
