//! Events to views. [`fold`] is the core and does no IO; [`runner`] reads the log, and the store, and writes.
//!
//! Which views there are is not known here: the read-model's registry says so.

pub mod fold;
pub mod runner;
pub mod state;
mod status;
mod worker;

pub use fold::{Fold, StopReason, Stopped, Unreadable};
pub use runner::{Projector, ProjectorError, ProjectorOptions};
pub use status::{PartitionState, PartitionStatus, ProjectorStatus};
