//! Who asks, under which key, in which trace, and how long they wait.

use crate::{CommandState, Origin};
use axum::{extract::FromRequestParts, http::request::Parts};
use edge::{Authenticated, IdempotencyKey, JsonBody, Params, Prefer, Problem, Trace};
use schemas::{Caller, Effect, EffectId, Rejection, order::OrderRejection};
use std::time::Duration;

/// The part of a request that every command has.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub caller: Caller,
    pub key: IdempotencyKey,
    pub trace: Trace,
    pub wait: Duration,
    pub respond_async: bool,
    /// Whether the effect's id was derived from the key, so that a repeat with another body reuses the key.
    derived: bool,
}

impl Asker {
    /// Whose command it is, and where it comes from.
    pub fn into_origin(self) -> (Caller, Origin) {
        let correlation = self.trace.correlation();
        (self.caller, Origin { correlation, traceparent: self.trace.traceparent, wait: self.wait })
    }

    /// The effect of a request: `own` where its body names it, else derived from caller, operation and key; 400
    /// `idempotency_key_missing` where there is neither.
    pub fn effect<T>(
        &mut self,
        state: &CommandState,
        own: Option<EffectId>,
        operation: &str,
        body: &JsonBody<T>,
    ) -> Result<Effect, Problem> {
        match own {
            Some(id) => Ok(state.edge.effects().named(id, operation, &body.canonical())),
            None => self.derived_effect(state, operation, &body.canonical()),
        }
    }

    /// The effect that caller, operation and key name; 400 `idempotency_key_missing` without a key.
    pub fn derived_effect(
        &mut self,
        state: &CommandState,
        operation: &str,
        canonical: &[u8],
    ) -> Result<Effect, Problem> {
        self.derived = true;
        Ok(state.edge.effects().derived(&self.caller, operation, self.key.required()?, canonical))
    }

    /// As if that caller had asked, under that key, and waits as long as it takes.
    pub const fn of(caller: Caller, key: String, trace: Trace) -> Self {
        Self {
            caller,
            key: IdempotencyKey(Some(key)),
            trace,
            wait: Duration::MAX,
            respond_async: false,
            derived: false,
        }
    }

    /// Whether [`Self::derived_effect`] was asked for.
    pub const fn is_derived(&self) -> bool {
        self.derived
    }
}

impl FromRequestParts<CommandState> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &CommandState) -> Result<Self, Problem> {
        let asker = Self::with_query(parts, state).await?;
        Params::from_request_parts(parts, state).await?.finish()?;
        Ok(asker)
    }
}

impl Asker {
    /// Of a call that reads its query itself; any other takes no parameters.
    pub async fn with_query(parts: &mut Parts, state: &CommandState) -> Result<Self, Problem> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, state).await?;
        let key = IdempotencyKey::from_request_parts(parts, state).await?;
        let Ok(trace) = Trace::from_request_parts(parts, state).await;
        let Ok(Prefer { wait, respond_async }) = Prefer::from_request_parts(parts, state).await;
        Ok(Self { caller, key, trace, wait, respond_async, derived: false })
    }
}

/// An id of the vocabulary as the id of an effect.
///
/// # Panics
/// Never: all ids follow one rule.
pub(crate) fn effect_id(id: &str) -> EffectId {
    EffectId::parse(id).expect("all ids follow one rule")
}

/// A refusal of a derived effect that was met before with other content: the key was used again.
pub(crate) fn reused(problem: Problem) -> Problem {
    match problem.code() {
        "exists_with_different_content" | "exists_with_different_quantity" => {
            Rejection::Order(OrderRejection::IdempotencyKeyReused).into()
        }
        _ => problem,
    }
}
