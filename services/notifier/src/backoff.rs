//! How long to wait before trying again.

/// Doubles from `first_ms` to `most_ms`.
pub(crate) fn delay_ms(attempts: u32, first_ms: u64, most_ms: u64) -> u64 {
    first_ms.saturating_mul(1_u64.checked_shl(attempts).unwrap_or(u64::MAX)).min(most_ms)
}

#[cfg(test)]
mod tests {
    use super::delay_ms;

    #[test]
    fn it_doubles_up_to_the_most() {
        let delays: Vec<u64> = [0, 1, 2, 6, 7, 63, 64, u32::MAX].map(|attempts| delay_ms(attempts, 10, 1_000)).into();
        assert_eq!(delays, [10, 20, 40, 640, 1_000, 1_000, 1_000, 1_000]);
    }
}
