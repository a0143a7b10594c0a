//! Commands on their way, and time.

use super::{Core, Effect};
use crate::job::State;
use read_model::backoff::delay_ms;
use schemas::ReplyAddress;

/// How long a reply may take before the command is sent again.
const REPLY_TIMEOUT_MS: u64 = 10_000;
/// Delays between tries to submit.
const SUBMIT_BACKOFF_MS: (u64, u64) = (20, 2_000);

impl Core {
    /// Takes the news that a command was not taken.
    pub fn submit_failed(&mut self, id: u64, now_ms: u64) {
        if let Some(job) = self.jobs.get_mut(&id) {
            let delay = delay_ms(job.attempts, SUBMIT_BACKOFF_MS.0, SUBMIT_BACKOFF_MS.1);
            job.attempts = job.attempts.saturating_add(1);
            self.set_timer(id, now_ms + delay);
        }
    }

    /// Takes the news that a command was answered, done or refused; whether its job was open.
    pub fn replied(&mut self, id: u64) -> bool {
        self.close(id, false)
    }

    /// Lets time pass: plans what has rested, submits again.
    pub fn tick(&mut self, now_ms: u64) {
        while let Some(&(due, id)) = self.timers.first() {
            if due > now_ms {
                break;
            }
            self.timers.remove(&(due, id));
            let Some(job) = self.jobs.get_mut(&id) else { continue };
            job.due_ms = None;
            match job.state {
                State::Resting => {
                    job.state = State::Ready;
                    self.ready.push_back(id);
                }
                State::Ready | State::Looking { .. } => {}
                State::Submitting(_) => self.submit(id, now_ms),
            }
        }
    }

    pub(super) fn submit(&mut self, id: u64, now_ms: u64) {
        let Some(job) = self.jobs.get(&id) else { return };
        let State::Submitting(plan) = &job.state else { return };
        let command = job.envelope((**plan).clone(), ReplyAddress { node: self.setup.node, request: id });
        self.effects.push(Effect::Submit { job: id, command: Box::new(command) });
        // Set before the runner submits: a lost reply cannot leave the job without a timer.
        self.set_timer(id, now_ms + REPLY_TIMEOUT_MS);
    }

    pub(super) fn set_state(&mut self, id: u64, state: State) {
        if let Some(job) = self.jobs.get_mut(&id) {
            job.state = state;
        }
    }

    pub(super) fn set_timer(&mut self, id: u64, due_ms: u64) {
        if let Some(job) = self.jobs.get_mut(&id) {
            if let Some(old) = job.due_ms.replace(due_ms) {
                self.timers.remove(&(old, id));
            }
            self.timers.insert((due_ms, id));
        }
    }
}
