//! What comes from outside, read by one set of rules whoever carries it: strict [`json`], its [`fields`] with every fault,
//! the facts of an item ([`catalog`]), what suppliers publish ([`feed`]), and what "the same request" means ([`effects`]).
//!
//! Pure: bytes in, values or typed faults out. HTTP is the edge's, the log is the inbound service's.

pub mod catalog;
pub mod effects;
pub mod feed;
pub mod fields;
pub mod json;
pub mod mac;

pub use effects::Effects;
pub use fields::{FieldError, Fields, FromFields, Node};
pub use mac::MacKey;
