//! Waiting for what the engine does by itself: on an idle machine it takes moments.

use std::{
    fmt::Debug,
    future::Future,
    time::{Duration, Instant},
};

/// How long that may take where everything else runs on the same two cores. Who waits so long will not see it.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(25);

/// Looks until what is seen is as wanted, and gives it; what was seen last is told where that never happens.
pub async fn until<T: Debug, F: Future<Output = T>>(
    wanted: &str,
    look: impl Fn() -> F,
    is_so: impl Fn(&T) -> bool,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = look().await;
        if is_so(&seen) {
            return seen;
        }
        assert!(Instant::now() < deadline, "it does not come to {wanted}: {seen:?}");
        tokio::time::sleep(PAUSE).await;
    }
}
