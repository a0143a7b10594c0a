//! Views, and the port to their store: [`sqlite`] embedded, [`scylla`] in a cluster.
//!
//! A view is one file under [`views`]: its row, its fold, its key and its queries. The store knows nothing of them: it
//! keeps rows of bytes by table, partition key and clustering key, each with the seq that it was folded from. [`fold`]
//! stands between: it drives all folds over a batch, whichever views there are.

pub mod backoff;
pub mod fold;
pub mod frontier;
pub mod keeper;
pub mod scylla;
pub mod sqlite;
pub mod store;
pub mod views;

pub use store::*;
