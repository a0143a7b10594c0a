//! The outbox: what a decision asks of other aggregates, as commands with ids that are the same when decided again.

use schemas::{Caller, Command, CommandEnvelope, CommandId, CorrelationId, PositionToken, ReplyAddress, Timestamp};
use uuid::Uuid;

/// Namespace of the ids that would otherwise be too long. Changing it changes ids that are decided again.
const CHAINS: Uuid = Uuid::from_u128(0x6d0f_3a52_8a6b_5c7e_9b1d_2f44_e07a_91c3);

/// What caused a decision: a command, or a deadline.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause<'a> {
    pub id: &'a CommandId,
    pub caller: &'a Caller,
    pub correlation: &'a CorrelationId,
    pub reply_to: Option<ReplyAddress>,
    /// Told by the chain of commands so far.
    pub positions: &'a PositionToken,
    pub traceparent: Option<&'a str>,
}

impl<'a> Cause<'a> {
    pub fn of(envelope: &'a CommandEnvelope) -> Self {
        Self {
            id: &envelope.id,
            caller: &envelope.caller,
            correlation: &envelope.correlation,
            reply_to: envelope.reply_to,
            positions: &envelope.positions,
            traceparent: envelope.traceparent.as_deref(),
        }
    }

    /// The envelope of what it sends, as the `ordinal`-th; `positions` are those of the cause and its own events.
    pub fn send(&self, ordinal: usize, command: Command, positions: &PositionToken, now: Timestamp) -> CommandEnvelope {
        CommandEnvelope {
            id: internal_id(self.id, ordinal),
            caller: self.caller.clone(),
            correlation: self.correlation.clone(),
            reply_to: self.reply_to,
            positions: positions.clone(),
            sent_at: now,
            traceparent: self.traceparent.map(str::to_owned),
            command,
        }
    }
}

/// The cause's id and the ordinal; a UUIDv5 of that where a long chain would outgrow an id.
pub(crate) fn internal_id(cause: &CommandId, ordinal: usize) -> CommandId {
    let text = format!("{cause}.{ordinal}");
    CommandId::parse(&text).unwrap_or_else(|_| {
        let hashed = Uuid::new_v5(&CHAINS, text.as_bytes());
        CommandId::parse(hashed.hyphenated().encode_lower(&mut Uuid::encode_buffer())).expect("a UUID is an id")
    })
}

/// The id of a deadline: of this aggregate, at this time.
pub(super) fn deadline_id(key: &schemas::AggregateKey, due: Timestamp) -> CommandId {
    let named = format!("{}/{}", key.kind(), key.as_str());
    let hash = Uuid::new_v5(&CHAINS, named.as_bytes()).simple();
    CommandId::parse(&format!("clock-{hash}-{}", due.millis().unsigned_abs())).expect("6 + 32 + 1 + 19 characters")
}
