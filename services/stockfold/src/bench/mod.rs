//! Benchmarks, each with a check that what it measured was right.

mod alone;
mod disk;
pub mod hot;
mod http_client;
mod proof;
pub mod scratch;
