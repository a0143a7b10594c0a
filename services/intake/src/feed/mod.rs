//! What suppliers publish: CloudEvents 1.0 in the modes of the bindings for Kafka and HTTP, read into statements.
//!
//! A message is read as a whole or not at all, and every fault of it is told at once. Pointers of faults are those of the
//! event in its JSON form, whatever mode it came in: `/time`, `/data/price/amount`.

mod attributes;
mod fault;
mod message;
mod payload;
mod statement;

#[cfg(test)]
mod props_tests;
#[cfg(test)]
mod tests;

pub use fault::FeedError;
pub use message::{Message, Mode, decoded};
pub use statement::{SourcePseudonyms, Statement, SupplierEvent};

/// The most bytes of a message's value.
pub const MAX_EVENT_BYTES: usize = 1 << 20;

/// Reads a message; `key` is what it was sent under, where it was sent under one.
pub fn read(message: &Message<'_>, key: Option<&str>) -> Result<SupplierEvent, FeedError> {
    let (attributes, data) = message.open()?;
    statement::event(&attributes, data.as_ref(), key)
}

/// Reads an event in its JSON form, as a batch has many.
pub fn read_document(document: serde_json::Value) -> Result<SupplierEvent, FeedError> {
    let (attributes, data) = message::open_document(document)?;
    statement::event(&attributes, data.as_ref(), None)
}
