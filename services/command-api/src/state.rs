//! What the routes work with.

use crate::{
    CardTokenizer, Submitter, TestClock,
    asker::{Asker, reused},
};
use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use edge::{Edge, POSITION, Problem};
use keys::KeyStore;
use schemas::{Command, ReplyBody};
use serde_json::json;
use std::sync::Arc;

/// What the routes work with; cheap to clone.
#[derive(Clone)]
pub struct CommandState {
    /// The conventions: effects, pseudonyms.
    pub edge: Edge,
    /// The way of a command.
    pub submitter: Arc<Submitter>,
    /// Seals personal data.
    pub keys: Arc<dyn KeyStore>,
    /// Exchanges card numbers for tokens.
    pub cards: Arc<dyn CardTokenizer>,
    /// Moves the clock, where it is moved by hand.
    pub test_clock: Option<Arc<dyn TestClock>>,
}

impl CommandState {
    /// Submits and answers: with what `render` makes of the reply and the position, or 202 and `location` where the
    /// client does not want to wait.
    pub(crate) async fn answer<R: IntoResponse>(
        &self,
        asker: Asker,
        command: Command,
        location: impl FnOnce() -> String,
        render: impl FnOnce(ReplyBody) -> Result<R, Problem>,
    ) -> Result<Response, Problem> {
        let (respond_async, derived) = (asker.respond_async, asker.is_derived());
        let (caller, origin) = asker.into_origin();
        if respond_async {
            self.submitter.send(caller, command, origin)?;
            let location = location();
            let body = Json(json!({"status": "accepted", "location": location}));
            return Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], body).into_response());
        }
        let answer = self.submitter.ask(caller, command, origin).await;
        let (reply, positions) = answer.map_err(|problem| if derived { reused(problem) } else { problem })?;
        let mut response = render(reply)?.into_response();
        if let Some(value) = edge::position::position_header(&positions) {
            response.headers_mut().insert(POSITION, value);
        }
        Ok(response)
    }
}
