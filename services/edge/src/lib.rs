//! The conventions of the HTTP API that command-api and query-api share: problems, bodies, callers, idempotency keys,
//! positions, cursors, limits.
//!
//! [`Edge::dress`] puts one layer around a router: it names the request (trace), finds out who calls, limits rates and
//! time, and turns whatever is not a problem yet into one. What it found stands in the request's extensions, so the
//! extractors here ([`Authenticated`], [`JsonBody`], …) need no state.

pub mod auth;
pub mod body;
mod cors;
mod edge;
pub mod etag;
pub mod idempotency;
mod layer;
mod meter;
pub mod openapi;
pub mod page;
pub mod params;
mod peer;
pub mod position;
pub mod prefer;
pub mod problem;
pub mod queue_ticket;
pub mod rate;
mod rejection;
mod rest;
pub mod tickets;
pub mod trace;

// What comes in is read by the rules of every way in; callers of the edge need not know where they stand.
pub use intake::{FieldError, Fields, FromFields, Node, fields};

use intake::mac;

pub use auth::{AuthConfig, Authenticated, Grant, MaybeCaller, MaybeSession, Session, is_subject, require};
pub use body::{JsonBody, MAX_BODY, OptionalBody, RawBody};
pub use edge::{Edge, EdgeConfig, EdgeError};
pub use etag::{ETag, if_match, not_modified};
pub use idempotency::IdempotencyKey;
pub use page::{Cursors, Page};
pub use params::{Params, PathIds};
pub use peer::Peer;
pub use position::{AtLeast, POSITION};
pub use prefer::Prefer;
pub use problem::{Outcome, Problem, ProblemDocument};
pub use rate::RateConfig;
pub use tickets::Tickets;
pub use trace::Trace;
