//! ScyllaDB (or Apache Cassandra), as the views and the keys use it: the connection, and the versions of its tables.
//!
//! This is the only crate that knows the driver. It knows nothing of rows: whoever keeps some prepares statements with
//! [`Cql::prepare`] and brings its tables as [`Migration`]s.

mod config;
mod error;
mod lock;
mod migrate;
mod session;
mod tls;

pub use config::{CqlConfig, Credentials, Keyspace, Replication, Tls};
pub use error::CqlError;
pub use migrate::{Applied, Migration, migrate, verify};
pub use scylla::{
    deserialize::row::DeserializeRow,
    serialize::row::SerializeRow,
    statement::{Consistency, prepared::PreparedStatement},
};
pub use session::Cql;
