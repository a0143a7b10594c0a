//! The state topics: the newest public row of each item, of its stock and of each order, whole, for sinks and table joins.
//!
//! What is written is always a row of the views, looked up after they have folded the event that touched it, so a hot row
//! is written once for all the events that gathered. [`core`] says what is to be looked up and written, [`runner`] does it.
//!
//! **Who writes last?** Nothing keeps two projectors from writing the same topics: of two that look at a row, the one that
//! saw the older may write last, and then stop for good. So every writer also reads the topics that it writes. A record that
//! is not the one it wrote itself last is held against the row: where they differ, the row is written again. Whatever stands
//! behind all others in the log is seen by whoever still runs, or starts next, and so the last record of a key is its row.

pub mod core;
mod order;
mod record;
mod rows;
mod runner;
mod status;

pub use self::core::{Round, StateCore, sources};
pub use record::Publication;
pub use rows::StateRows;
pub use runner::{StateWriter, StateWriterOptions};
pub use status::StateWriterStatus;

/// The consumer whose checkpoints say how far the state topics are.
pub const STATE_CONSUMER: &str = "state";
