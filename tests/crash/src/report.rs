//! What is done, what was done, and how something that is wrong is told.

use crate::{
    disk::Loss,
    plant::Plant,
    tape::{self, Op},
};
use std::{
    fmt,
    path::PathBuf,
    sync::{
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

/// What is done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Of the scenario.
    pub seed: u64,
    /// Rounds of load in each of the run's two lives.
    pub rounds: u32,
    /// How many directories that lost some of what was not synced are made at each point.
    pub torn: u64,
    /// The process is killed at every so many-th point; 0: never.
    pub kill_every: u64,
    /// At so many points the recovery is killed too, at each of its own points.
    pub again: u64,
    /// A fault put in on purpose.
    pub plant: Option<Plant>,
    /// Where the tape of a failure is kept.
    pub keep: PathBuf,
    /// Threads that recover.
    pub workers: usize,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Report {
    /// Changes of files in the recorded run.
    pub points: AtomicU64,
    /// Of them, writes.
    pub writes: AtomicU64,
    /// Of them, syncs.
    pub syncs: AtomicU64,
    /// Of the points, those whose directories are reckoned.
    pub reckoned: AtomicU64,
    /// Directories reckoned.
    pub states: AtomicU64,
    /// Directories on which the engine recovered: those that are not equal.
    pub recoveries: AtomicU64,
    /// Processes killed.
    pub kills: AtomicU64,
    /// Points of recoveries at which another crash came.
    pub again: AtomicU64,
}

/// How often it is told how far it is.
const TELL_EVERY: Duration = Duration::from_secs(10);

impl Report {
    /// Tells on standard error how far it is, until nobody holds the other end of `workers`.
    pub(crate) fn tell(&self, workers: &Receiver<()>) {
        let begun = Instant::now();
        while workers.recv_timeout(TELL_EVERY) == Err(RecvTimeoutError::Timeout) {
            let [points, reckoned, recoveries, kills] =
                [&self.points, &self.reckoned, &self.recoveries, &self.kills].map(|count| count.load(Relaxed));
            let seconds = begun.elapsed().as_secs();
            eprintln!(
                "{seconds:>4} s: {reckoned} of {points} points, {recoveries} directories recovered; then {kills} of \
                 {points} kills"
            );
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [points, writes, syncs, states, recoveries, kills, again] =
            [&self.points, &self.writes, &self.syncs, &self.states, &self.recoveries, &self.kills, &self.again]
                .map(|count| count.load(Relaxed));
        write!(
            f,
            "{points} points ({writes} writes, {syncs} syncs), {again} more in recoveries; {kills} processes killed; \
             {states} states, {recoveries} different ones recovered"
        )
    }
}

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where.
    pub place: String,
    /// What.
    pub why: String,
    /// The tape and what to do with it.
    pub replay: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  {}\n  replay: {}", self.why, self.place, self.replay)
    }
}

/// A point in words.
pub(crate) fn describe(op: &Op, ops: &[Op]) -> String {
    let name = |wanted: &u32| {
        let name = ops.iter().find_map(|op| match op {
            Op::Open { file, name, .. } if file == wanted => Some(name.as_str()),
            _ => None,
        });
        name.unwrap_or("?").to_owned()
    };
    match op {
        Op::Open { name, .. } => format!("{name} made"),
        Op::Write { file, at, bytes } => format!("{} bytes written at {at} of {}", bytes.len(), name(file)),
        Op::Truncate { file, length } => format!("{} cut to {length} bytes", name(file)),
        Op::Sync { file } => format!("{} synced", name(file)),
        Op::Delete { name } => format!("{name} deleted"),
        Op::SyncNames => "directory synced".to_owned(),
        Op::Mark(_) => String::new(),
    }
}

/// Keeps the tape; the command that goes to this point of it.
pub(crate) fn keep(plan: &Plan, kind: &str, ops: &[Op], point: u64, loss: Loss) -> String {
    let path = plan.keep.join(format!("{kind}-{}-{point}.tape", plan.seed));
    let kept = std::fs::create_dir_all(&plan.keep).and_then(|()| tape::save(&path, ops));
    let plant = plan.plant.map_or_else(String::new, |plant| format!(" --plant {}", plant.name()));
    let (seed, rounds, path) = (plan.seed, plan.rounds, path.display());
    let kept = kept.map_or_else(|error| format!(" ({error})"), |()| String::new());
    format!(
        "make crash-points SEED={seed} ARGS='--rounds {rounds} --tape {path} --point {point} --state {loss}{plant}'{kept}"
    )
}
