//! Deadlines: what happens because time passes, in the order (due, key).

use super::{
    Effects, Rebuild, Shard,
    decide::Broken,
    outbox::{Cause, deadline_id},
    record,
};
use event_log::Batch;
use schemas::{AggregateKey, Caller, CorrelationId, PositionToken, Timestamp};

impl Shard {
    pub(super) fn pass_time(&mut self, time: Timestamp) -> Effects {
        let now = self.now(time);
        let mut batch = Batch::default();
        let mut rebuild = None;
        let (engine, told) = (Caller::engine(), PositionToken::default());
        // Only what is due at `time`: a command that arrived between `time` and the last event's may not be overtaken.
        let until = if planted::bug!("expiry-by-newest-event") { now } else { time };
        while let Some((due, key)) = self.state.deadlines.first().filter(|(due, _)| *due <= until).cloned() {
            let id = deadline_id(&key, due);
            let correlation = CorrelationId::parse(id.as_str()).expect("a command's id is an id");
            let cause = Cause {
                id: &id,
                caller: &engine,
                correlation: &correlation,
                reply_to: None,
                positions: &told,
                traceparent: None,
            };
            match self.apply_deadline(now, &key, &cause, &mut batch) {
                Ok(true) if self.state.deadlines.first() != Some(&(due, key.clone())) => {}
                // It panicked twice, no record holds it, or it is still due: the clock may not stand still here for ever.
                Ok(_) => self.bury_deadline(due, key, now, &mut batch),
                Err(Broken) => {
                    rebuild = Some(Rebuild { careful: key, rest: Vec::new() });
                    break;
                }
            }
        }
        self.waiters.expire(time);
        self.close(&mut batch);
        let empty = batch.events.is_empty() && batch.replies.is_empty() && batch.dead_letters.is_empty();
        Effects { batch: if empty && batch.internal.is_empty() { None } else { Some(batch) }, rebuild }
    }

    /// A deadline that cannot be handled is kept for an operator, and rests until its aggregate has another one.
    fn bury_deadline(&mut self, due: Timestamp, key: AggregateKey, now: Timestamp, batch: &mut Batch) {
        self.stats.dead_letters += 1;
        batch.dead_letters.push(record::deadline_letter(&key, due, now));
        self.state.deadlines.remove(&(due, key));
    }
}
