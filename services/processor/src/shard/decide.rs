//! One batch of commands: decide, encode, evolve; and what becomes of a command that cannot be decided.

use super::{Effects, Entry, Rebuild, Saved, Shard, outbox::Cause, record};
use domain::{Aggregate, Answer, Context, Decided, Decision, Wait, Waiter};
use event_log::{Batch, CommandSource, NewEvent, Received};
use schemas::{
    AggregateKey, Command, CommandEnvelope, Envelope, Event, Position, PositionToken, Rejection, Reply, ReplyBody,
    Timestamp, reply::Undecidable,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// `evolve` panicked on the state itself, which is broken now.
pub(super) struct Broken;

/// How a command that could be decided ended.
enum Outcome {
    Answered(Result<ReplyBody, Rejection>),
    Waits(Wait),
    Silent,
}

impl Shard {
    pub(super) fn decide_all(&mut self, time: Timestamp, commands: Vec<Received>) -> Effects {
        let now = self.now(time);
        let mut batch = Batch { events: Vec::with_capacity(commands.len()), ..Batch::default() };
        let mut commands = commands.into_iter();
        while let Some(received) = commands.next() {
            let key = received.envelope.command.aggregate();
            if let Err(Broken) = self.decide_one(now, &key, &received, &mut batch) {
                self.close(&mut batch);
                let rest = std::iter::once(received).chain(commands).collect();
                return Effects { batch: Some(batch), rebuild: Some(Rebuild { careful: key, rest }) };
            }
        }
        self.close(&mut batch);
        Effects { batch: Some(batch), rebuild: None }
    }

    /// Ends a batch: how far the commands are consumed after it.
    pub(super) fn close(&mut self, batch: &mut Batch) {
        batch.consumed = self.consumed;
        self.stats.replies += batch.replies.len() as u64;
    }

    fn decide_one(
        &mut self,
        now: Timestamp,
        key: &AggregateKey,
        received: &Received,
        batch: &mut Batch,
    ) -> Result<(), Broken> {
        let Received { source, envelope } = received;
        let cause = Cause::of(envelope);
        let outcome = match self.decided(key, &envelope.command, &cause, now) {
            Some(Ok(decision)) => self.apply(now, key, decision, &cause, batch)?,
            Some(Err(rejection)) => Ok(Outcome::Answered(Err(rejection))),
            None => Err(Undecidable::CommandDeadLettered),
        };
        match outcome {
            Ok(outcome) => self.conclude(now, key, outcome, &cause, *source, batch),
            Err(why) => self.bury(now, key, envelope, *source, why, batch),
        }
        self.advance(*source);
        Ok(())
    }

    /// Decides; `None` where that panicked twice. `decide` takes the state by reference, so a panic leaves it whole.
    fn decided(&self, key: &AggregateKey, command: &Command, cause: &Cause<'_>, now: Timestamp) -> Option<Decided> {
        let fresh;
        let aggregate = match self.state.live.get(key) {
            Some(entry) => &entry.aggregate,
            None => {
                assert!(!self.state.finished.contains_key(key), "an aggregate was not restored before its command");
                fresh = Aggregate::new(key);
                &fresh
            }
        };
        let cx = Context { now, command_id: cause.id, caller: cause.caller, policy: &self.options.policy };
        let attempt = || catch_unwind(AssertUnwindSafe(|| aggregate.decide(command, cx))).ok();
        attempt().or_else(attempt)
    }

    /// Puts a decision into the batch and evolves by its events; an error says why it is not done, and then nothing has
    /// changed.
    fn apply(
        &mut self,
        now: Timestamp,
        key: &AggregateKey,
        decision: Decision,
        cause: &Cause<'_>,
        batch: &mut Batch,
    ) -> Result<Result<Outcome, Undecidable>, Broken> {
        let Decision { events, sends, answer } = decision;
        let (event, send) = (batch.events.len(), batch.internal.len());
        self.encode(now, key, &events, cause, batch);
        self.send(now, key, events.len(), sends, cause, batch);
        let fits = batch.events[event..].iter().all(record::holds_event)
            && batch.internal[send..].iter().all(record::holds_command);
        let failed = if fits {
            self.evolve(now, key, &events).map(|done| (!done).then_some(Undecidable::CommandDeadLettered))
        } else {
            Ok(Some(Undecidable::TooLarge))
        };
        if !matches!(failed, Ok(None)) {
            batch.events.truncate(event);
            batch.internal.truncate(send);
        }
        if let Some(why) = failed? {
            return Ok(Err(why));
        }
        self.stats.events += events.len() as u64;
        self.stats.sent += (batch.internal.len() - send) as u64;
        Ok(Ok(match answer {
            Answer::Now(body) => Outcome::Answered(Ok(body)),
            Answer::Later(wait) => Outcome::Waits(wait),
            Answer::Nobody => Outcome::Silent,
        }))
    }

    /// The records of events that follow the last one of their topic.
    fn encode(&self, now: Timestamp, key: &AggregateKey, events: &[Event], cause: &Cause<'_>, batch: &mut Batch) {
        if events.is_empty() {
            return;
        }
        let (first, actor) = (self.state.topic(key.topic()).seq + 1, cause.caller.actor());
        for (seq, event) in (first..).zip(events) {
            assert_eq!(event.topic(), key.topic(), "an aggregate's events stand in its own topic");
            let envelope = Envelope {
                event_type: event.event_type().into(),
                subject: key.as_str().to_owned(),
                time: now,
                seq,
                epoch: self.epoch,
                actor: actor.clone(),
                causation: cause.id.clone(),
                correlation: cause.correlation.clone(),
                traceparent: cause.traceparent.map(str::to_owned),
            };
            batch.events.push(NewEvent { topic: key.topic(), envelope, value: record::encode(event) });
        }
    }

    /// What other aggregates are asked for, as of so many events from now.
    fn send(
        &self,
        now: Timestamp,
        key: &AggregateKey,
        events: usize,
        sends: Vec<Command>,
        cause: &Cause<'_>,
        batch: &mut Batch,
    ) {
        if sends.is_empty() {
            return;
        }
        let seq = if events == 0 { self.state.seq_of(key) } else { self.state.topic(key.topic()).seq + events as u64 };
        let positions = self.positions_at(key, seq, cause.positions);
        let sends = sends.into_iter().enumerate();
        batch.internal.extend(sends.map(|(ordinal, command)| cause.send(ordinal, command, &positions, now)));
    }

    /// Applies events to the state, each once; `false` where that panicked and no harm was done.
    fn evolve(&mut self, now: Timestamp, key: &AggregateKey, events: &[Event]) -> Result<bool, Broken> {
        if events.is_empty() {
            return Ok(true);
        }
        let policy = &self.options.policy;
        let careful = !self.options.careful.is_empty() && self.options.careful.contains(key);
        let entry =
            self.state.live.entry(key.clone()).or_insert_with(|| Entry::new(Aggregate::new(key), Saved::default()));
        if careful {
            let mut copy = entry.aggregate.clone();
            if !evolves(&mut copy, events, now, policy) {
                return Ok(false);
            }
            entry.aggregate = copy;
        } else if !evolves(&mut entry.aggregate, events, now, policy) {
            return Err(Broken);
        }
        let topic = self.state.topic_mut(key.topic());
        let first = topic.seq + 1;
        topic.seq += events.len() as u64;
        topic.epoch = self.epoch;
        self.state.last_time = now;
        self.state.touched(key, first);
        self.saving.events += events.len() as u64;
        Ok(true)
    }

    /// Answers the command and all who wait for its aggregate, or lets its client wait.
    fn conclude(
        &mut self,
        now: Timestamp,
        key: &AggregateKey,
        outcome: Outcome,
        cause: &Cause<'_>,
        source: CommandSource,
        batch: &mut Batch,
    ) {
        self.stats.commands += 1;
        let waited_for = self.waiters.contains(key);
        match outcome {
            Outcome::Answered(outcome) => {
                self.stats.refused += u64::from(outcome.is_err());
                // What an aggregate refuses another one is no answer to the client: the asking one owns that.
                let to = cause.reply_to.filter(|_| outcome.is_ok() || !matches!(source, CommandSource::Internal(_)));
                if let Some(to) = to {
                    let positions = self.positions(key, cause.positions);
                    batch.replies.push(Reply { to, positions, outcome });
                }
            }
            Outcome::Waits(wait) => {
                let to = cause.reply_to.filter(|_| !(waited_for && planted::bug!("waiter-forgotten")));
                if let Some(to) = to {
                    let waiter = Waiter { to, wait, positions: PositionToken::default() };
                    self.waiters.add(now, key.clone(), waiter);
                }
            }
            Outcome::Silent => {}
        }
        if waited_for || self.waiters.contains(key) {
            self.answer_waiters(key, cause.positions, batch);
        }
    }

    pub(super) fn answer_waiters(&mut self, key: &AggregateKey, told: &PositionToken, batch: &mut Batch) {
        let positions = self.positions(key, told);
        if let Some(entry) = self.state.live.get(key) {
            self.waiters.answer(key, &entry.aggregate, &positions, &mut batch.replies);
        }
    }

    /// Refuses a command that cannot be decided, and keeps it for an operator.
    fn bury(
        &mut self,
        now: Timestamp,
        key: &AggregateKey,
        envelope: &CommandEnvelope,
        source: CommandSource,
        why: Undecidable,
        batch: &mut Batch,
    ) {
        self.stats.commands += 1;
        self.stats.dead_letters += 1;
        batch.dead_letters.push(record::letter(key, &why, now, envelope));
        // An internal command's client waits for the asking aggregate, whose deadline ends that.
        if let (Some(to), false) = (envelope.reply_to, matches!(source, CommandSource::Internal(_))) {
            let positions = self.positions(key, &envelope.positions);
            batch.replies.push(Reply { to, positions, outcome: Err(Rejection::Undecidable(why)) });
        }
    }

    /// What happens to an aggregate because of the time.
    pub(super) fn apply_deadline(
        &mut self,
        now: Timestamp,
        key: &AggregateKey,
        cause: &Cause<'_>,
        batch: &mut Batch,
    ) -> Result<bool, Broken> {
        let Some(entry) = self.state.live.get(key) else { return Ok(true) };
        let cx = Context { now, command_id: cause.id, caller: cause.caller, policy: &self.options.policy };
        let attempt = || catch_unwind(AssertUnwindSafe(|| entry.aggregate.on_clock(cx))).ok();
        let Some(decision) = attempt().or_else(attempt) else { return Ok(false) };
        if self.apply(now, key, decision, cause, batch)?.is_err() {
            return Ok(false);
        }
        if self.waiters.contains(key) {
            self.answer_waiters(key, cause.positions, batch);
        }
        Ok(true)
    }

    /// What the chain told so far, and how far the aggregate is now.
    fn positions(&self, key: &AggregateKey, told: &PositionToken) -> PositionToken {
        self.positions_at(key, self.state.seq_of(key), told)
    }

    /// The same where the aggregate is at `seq`; 0 where nothing happened to it.
    fn positions_at(&self, key: &AggregateKey, seq: u64, told: &PositionToken) -> PositionToken {
        let mut positions = told.clone();
        if seq > 0 {
            let seq = if planted::bug!("position-too-low") { seq - 1 } else { seq };
            positions.add(Position { topic: key.topic(), partition: self.options.shard.0, seq });
        }
        positions
    }

    fn advance(&mut self, source: CommandSource) {
        match source {
            CommandSource::Memory => {}
            CommandSource::Commands(offset) => {
                debug_assert!(offset >= self.consumed.commands, "a command was delivered twice");
                self.consumed.commands = if planted::bug!("command-consumed-twice") { offset } else { offset + 1 };
            }
            CommandSource::Internal(offset) => {
                let is_next = offset >= self.consumed.internal || planted::bug!("internal-command-skipped");
                debug_assert!(is_next, "an internal command was delivered twice");
                self.consumed.internal = offset + 1;
                self.stats.received += 1;
            }
        }
    }
}

fn evolves(aggregate: &mut Aggregate, events: &[Event], now: Timestamp, policy: &domain::Policy) -> bool {
    catch_unwind(AssertUnwindSafe(|| events.iter().for_each(|event| aggregate.evolve(event, now, policy)))).is_ok()
}
