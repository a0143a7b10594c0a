//! `POST /test-clock/advance`: moves the clock of an engine that was made for it.

use crate::{CommandState, asker::Asker, roles};
use axum::{Json, extract::State, http::StatusCode};
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
    /// It was never sent to that time and stands at a later one. Nothing was moved.
    #[error("the clock stands at {now} and moves forward only")]
    Past {
        /// The engine's time.
        now: Timestamp,
    },
    /// The clock stands where it stood.
    #[error("the clock was not moved: {0}")]
    Unmoved(String),
    /// The clock was moved, but deadlines, internal commands or views did not come to rest in time.
    #[error("the clock was moved, but the engine has not come to rest: {0}")]
    Restless(String),
}

/// A clock that is moved by hand, forward only.
pub trait TestClock: Send + Sync {
    /// Moves the clock to `to`, or leaves it where it is if it has been sent to `to` before; ends when nothing is due, no
    /// internal command is open and the views have caught up. Answers the time then.
    fn advance(&self, to: Timestamp) -> AdvanceFuture<'_>;
}

/// Where to.
#[derive(Debug, ToSchema)]
pub(crate) struct Advance {
    /// A time, not a step, so that it can be sent twice, also when the clock has been moved further since. An earlier time
    /// that it was never sent to is refused.
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
///
/// The time is the id of the effect: the same one again is 200 and changes nothing. Any other time before the present one
/// is 409 `clock_moves_forward_only`, with the present one as `now`.
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
        Err(error @ AdvanceError::Past { now }) => {
            let problem = Problem::new(StatusCode::CONFLICT, "clock_moves_forward_only", error.to_string());
            Err(problem.with("now", now.to_string()))
        }
        Err(error @ AdvanceError::Unmoved(_)) => Err(Problem::unavailable("clock_not_moved", error.to_string())),
        // It was moved: the same time again tells whether all has come to rest.
        Err(error @ AdvanceError::Restless(_)) => {
            Err(Problem::unavailable("engine_restless", error.to_string()).unknown())
        }
    }
}
