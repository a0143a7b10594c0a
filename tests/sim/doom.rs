//! One death at a chosen step of a run: whoever tries every step in turn has tried them all.
//!
//! A step is each place at which a process or the owner of a shard can end: before and after a decision, a commit, a flush,
//! a reply. A run without a death counts them.

use super::{Tally, bump};
use std::sync::Mutex;

/// What dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// The whole process, and with it what is not durable.
    Process,
    /// The owner of one shard.
    Owner,
}

#[derive(Debug, Default)]
struct State {
    /// Steps so far.
    count: u64,
    struck: Option<&'static str>,
    /// A death that has not been carried out.
    falling: bool,
    /// How many steps each place had.
    places: Tally,
}

/// The death of a run, if it has one.
#[derive(Debug)]
pub struct Doom {
    /// The step that is the last; none where nothing dies.
    at: Option<u64>,
    victim: Victim,
    state: Mutex<State>,
}

impl Doom {
    /// Nothing dies.
    pub fn never() -> Self {
        Self { at: None, victim: Victim::Process, state: Mutex::default() }
    }

    /// Something dies at the step of that number, from 0.
    pub fn at(step: u64, victim: Victim) -> Self {
        Self { at: Some(step), victim, state: Mutex::default() }
    }

    /// What dies, if anything does.
    pub const fn victim(&self) -> Victim {
        self.victim
    }

    /// A step at this place; whether it is the last one.
    pub fn strikes(&self, place: &'static str) -> bool {
        let mut state = self.state.lock().expect("no panic holds it");
        let strikes = self.at == Some(state.count);
        state.count += 1;
        bump(&mut state.places, place);
        if strikes {
            state.struck = Some(place);
            state.falling = self.victim == Victim::Process;
        }
        strikes
    }

    /// Whether the process has to end now.
    pub fn ends_the_process(&self) -> bool {
        std::mem::take(&mut self.state.lock().expect("no panic holds it").falling)
    }

    /// How many steps there were, by place.
    pub fn places(&self) -> Tally {
        self.state.lock().expect("no panic holds it").places.clone()
    }

    /// Where it struck.
    pub fn struck(&self) -> Option<&'static str> {
        self.state.lock().expect("no panic holds it").struck
    }
}
