//! What every log promises. Each function is a test of every implementation.

pub mod assignments;
mod commands;
mod commits;
mod leases;
mod published;
mod readers;
mod snapshots;

/// Runs tests on every implementation.
macro_rules! on_every_log {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() { super::$test(&mut $crate::world::Sqlite::new()); })+
        }
        mod kafka {
            $(#[test] fn $test() { super::$test(&mut $crate::kafka::Kafka::new()); })+
        }
        mod simulated_embedded {
            $(#[test] fn $test() {
                super::$test(&mut $crate::world::Simulated::new(event_log::simulated::Profile::Embedded));
            })+
        }
        mod simulated_cluster {
            $(#[test] fn $test() {
                super::$test(&mut $crate::world::Simulated::new(event_log::simulated::Profile::Cluster));
            })+
        }
    };
}
use on_every_log;
