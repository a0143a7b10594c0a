//! What the routes work with.

use crate::{
    CardTokenizer, Submitter, TestClock, Webhooks,
    asker::{Asker, reused},
};
use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use edge::{Edge, POSITION, Problem};
use keys::KeyStore;
use read_model::{StoreError, ViewStore};
use schemas::{Command, ReplyBody};
use serde_json::json;
use std::{future::Future, sync::Arc};

/// What the routes work with; cheap to clone.
#[derive(Clone)]
pub struct CommandState {
    /// The conventions: effects, pseudonyms.
    pub edge: Edge,
    /// The way of a command.
    pub submitter: Arc<Submitter>,
    /// Seals personal data.
    pub keys: Arc<dyn KeyStore>,
    /// Where a cart looks up what is available, before it asks.
    pub views: Arc<dyn ViewStore>,
    /// Exchanges card numbers for tokens.
    pub cards: Arc<dyn CardTokenizer>,
    /// Checks and reads what the payment provider tells by itself.
    pub webhooks: Webhooks,
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
        self.answer_with(asker, command, location, |reply| std::future::ready(render(reply))).await
    }

    /// The same where `render` has to look something up.
    pub(crate) async fn answer_with<R: IntoResponse, F: Future<Output = Result<R, Problem>>>(
        &self,
        asker: Asker,
        command: Command,
        location: impl FnOnce() -> String,
        render: impl FnOnce(ReplyBody) -> F,
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
        let mut response = render(reply).await?.into_response();
        if let Some(value) = edge::position::position_header(&positions) {
            response.headers_mut().insert(POSITION, value);
        }
        Ok(response)
    }
}

/// What a fault of the view store tells the client: nothing was asked of any aggregate.
pub(crate) fn store_problem(fault: StoreError) -> Problem {
    match fault {
        StoreError::Unavailable(cause) => {
            tracing::warn!(%cause, "the view store is not available");
            Problem::unavailable("views_unavailable", "the views cannot be read at the moment")
        }
        StoreError::Corrupt(cause) => Problem::internal(&cause),
    }
}
