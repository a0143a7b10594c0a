//! One of those who hear of an event.

use super::{Core, Effect};
use read_model::backoff::delay_ms;
use schemas::{
    Caller, Command, CommandEnvelope, CommandId, PositionToken, ReplyAddress, SubjectId, Timestamp,
    shopper::{NotifyShopper, ShopperCommand},
};

/// How long a reply may take before the command is sent again.
const REPLY_TIMEOUT_MS: u64 = 10_000;
/// Delays between tries to submit.
const SUBMIT_BACKOFF_MS: (u64, u64) = (20, 2_000);

#[derive(Debug)]
pub(super) struct Tell {
    job: u64,
    shopper: SubjectId,
    attempts: u32,
    /// When to submit again.
    due_ms: Option<u64>,
}

impl Core {
    /// Tells these now; a job with nobody to tell is done.
    pub(super) fn tell_at_once(&mut self, job: u64, shoppers: Vec<SubjectId>, now_ms: u64) {
        if shoppers.is_empty() {
            self.close(job);
            return;
        }
        for tell in self.open_tells(job, shoppers) {
            self.submit(tell, now_ms);
        }
    }

    /// Tells these when their turn has come.
    pub(super) fn tell_in_turn(&mut self, job: u64, shoppers: Vec<SubjectId>) {
        let tells = self.open_tells(job, shoppers);
        self.paced.extend(tells);
    }

    fn open_tells(&mut self, job: u64, shoppers: Vec<SubjectId>) -> Vec<u64> {
        let Some(opened) = self.jobs.get_mut(&job) else { return Vec::new() };
        opened.open += shoppers.len();
        let mut open = |shopper| {
            let id = self.next_id;
            self.next_id += 1;
            self.tells.insert(id, Tell { job, shopper, attempts: 0, due_ms: None });
            id
        };
        shoppers.into_iter().map(&mut open).collect()
    }

    /// Tells as many of those who wait as the pace allows.
    pub(super) fn release(&mut self, now_ms: u64) {
        while !self.paced.is_empty() && self.pace.take(now_ms) {
            if let Some(tell) = self.paced.pop_front() {
                self.submit(tell, now_ms);
            }
        }
    }

    pub(super) fn submit(&mut self, id: u64, now_ms: u64) {
        let Some(command) = self.command(id) else { return };
        self.effects.push(Effect::Submit { tell: id, command: Box::new(command) });
        // Set before the runner submits: a lost reply cannot leave the tell without a timer.
        self.set_timer(id, now_ms + REPLY_TIMEOUT_MS);
    }

    fn command(&self, id: u64) -> Option<CommandEnvelope> {
        let tell = self.tells.get(&id)?;
        let job = self.jobs.get(&tell.job)?;
        let notification = job.news.of(&tell.shopper);
        let mut positions = PositionToken::default();
        positions.add(job.event);
        // The same whoever has read the event, and however often.
        let command_id = format!("notifier:{}", notification.notification_id);
        let command = ShopperCommand::Notify(NotifyShopper { notification });
        Some(CommandEnvelope {
            id: CommandId::parse(&command_id).expect("a UUID with a word before it, below 64"),
            caller: Caller::engine(),
            correlation: job.correlation.clone(),
            reply_to: Some(ReplyAddress { node: self.setup.node, request: id }),
            positions,
            sent_at: Timestamp::default(),
            traceparent: job.traceparent.clone(),
            command: Command::Shopper { shopper: tell.shopper.clone(), command },
        })
    }

    /// Takes the news that a command was not taken.
    pub fn submit_failed(&mut self, id: u64, now_ms: u64) {
        if let Some(tell) = self.tells.get_mut(&id) {
            let delay = delay_ms(tell.attempts, SUBMIT_BACKOFF_MS.0, SUBMIT_BACKOFF_MS.1);
            tell.attempts = tell.attempts.saturating_add(1);
            self.set_timer(id, now_ms + delay);
        }
    }

    /// Takes the news that a command was answered; whether its tell was open.
    pub fn replied(&mut self, id: u64) -> bool {
        let Some(tell) = self.tells.remove(&id) else { return false };
        if let Some(due) = tell.due_ms {
            self.timers.remove(&(due, id));
        }
        let Some(job) = self.jobs.get_mut(&tell.job) else { return true };
        job.open -= 1;
        match (job.open, job.fan_out.is_some()) {
            (0, true) => self.chunk_told(tell.job),
            (0, false) => self.close(tell.job),
            (_, _) => {}
        }
        true
    }

    fn set_timer(&mut self, id: u64, due_ms: u64) {
        if let Some(tell) = self.tells.get_mut(&id) {
            if let Some(old) = tell.due_ms.replace(due_ms) {
                self.timers.remove(&(old, id));
            }
            self.timers.insert((due_ms, id));
        }
    }
}
