//! `POST /test-clock/advance`: moves the clock of an engine that was made for it.

use crate::{CommandState, asker::Asker, roles};
use axum::{Json, extract::State};
use edge::{Fields, FromFields, JsonBody, Problem, ProblemDocument, fields::time};
use schemas::Timestamp;
use serde::Serialize;
use std::{future::Future, pin::Pin};
use thiserror::Error;
use utoipa::ToSchema;

/// A future of the port.
pub type AdvanceFuture<'a> = Pin<Box<dyn Future<Output = Result<Timestamp, AdvanceError>> + Send + 'a>>;

/// Why the engine did not get there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AdvanceError {
    /// The clock was moved, but deadlines, internal commands or views did not come to rest in time.
    #[error("the clock was moved, but the engine has not come to rest: {0}")]
    Restless(String),
}

/// A clock that is moved by hand, forward only.
pub trait TestClock: Send + Sync {
    /// Moves the clock to `to`, or leaves it where it is later already; ends when nothing is due, no internal command is
    /// open and the views have caught up. Answers the time then.
    fn advance(&self, to: Timestamp) -> AdvanceFuture<'_>;
}

/// Where to.
#[derive(Debug, ToSchema)]
pub(crate) struct Advance {
    /// A time, not a step, so that it can be sent twice.
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
}

impl FromFields for Advance {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let to = fields.get("to", time);
        Some(Self { to: to? })
    }
}

/// The time now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Now {
    /// The engine's time.
    #[schema(value_type = String, format = DateTime)]
    now: Timestamp,
}

/// Moves the test clock forward and waits until the engine has come to rest.
#[utoipa::path(post, path = "/v1/test-clock/advance", tag = "Operations", operation_id = "advanceTestClock", request_body = Advance,
    responses((status = 200, body = Now), (status = "default", body = ProblemDocument)))]
pub(crate) async fn advance(
    State(state): State<CommandState>,
    asker: Asker,
    body: JsonBody<Advance>,
) -> Result<Json<Now>, Problem> {
    roles::operator(&asker.caller)?;
    let Some(clock) = &state.test_clock else {
        return Err(Problem::not_found("unknown_path", "this engine has no test clock"));
    };
    match clock.advance(body.content.to).await {
        Ok(now) => Ok(Json(Now { now })),
        Err(error @ AdvanceError::Restless(_)) => Err(Problem::unavailable("engine_restless", error.to_string())),
    }
}
