//! How long to wait before the next try.

/// Doubles from `first_ms` to `most_ms`.
pub(crate) fn delay_ms(attempts: u32, first_ms: u64, most_ms: u64) -> u64 {
    first_ms.saturating_mul(1_u64.checked_shl(attempts).unwrap_or(u64::MAX)).min(most_ms)
}

#[cfg(test)]
mod tests {
    use super::delay_ms;

    #[test]
    fn doubles_up_to_the_most() {
        let delays: Vec<u64> = (0..6).map(|attempts| delay_ms(attempts, 50, 1_000)).collect();
        assert_eq!(delays, [50, 100, 200, 400, 800, 1_000]);
        assert_eq!(delay_ms(u32::MAX, 50, 1_000), 1_000);
    }
}
