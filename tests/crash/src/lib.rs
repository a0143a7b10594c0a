//! Kills the embedded engine at every write and sync of a run, and looks at what recovers.
//!
//! A process of the real log, shards, projector, views and keys plays a [`scenario`] while a [`tape`] notes each change of a
//! file, through a [`vfs`] of SQLite's, and what the clients learnt between. From the tape the [`disk`] reckons what a crash
//! after any change may leave: everything (the process was killed), what was synced, some of what was not. On each such
//! directory the real engine recovers and goes on, and [`check`] compares: what was answered is there once, the log is a
//! beginning of what was written, in whole batches, the views are the fold, the keys are there, stock adds up. Beside that
//! the process really is killed, from inside, at the same points. See [`points`].

pub mod check;
pub mod disk;
pub mod engine;
pub mod history;
pub mod plant;
pub mod points;
mod process;
pub mod report;
pub mod rows;
pub mod scenario;
pub mod subject;
pub mod tape;
pub mod vfs;

/// A number that looks random, from one that does not (SplitMix64, Steele et al. 2014).
#[must_use]
pub const fn splitmix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
