//! `make crash-points`, and the process that it kills.

use crash::{
    disk::Loss,
    plant::Plant,
    points,
    report::Plan,
    subject::{self, Life},
};
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

const HELP: &str = "\
Records a run of the embedded engine and crashes it at each of its writes and syncs.

Usage: crash [--seed=N] [--rounds=N] [--torn=N] [--kill-every=N] [--again=N] [--plant=FAULT] [--keep=DIR]
       crash --tape=FILE --point=N --state=killed|unsynced|torn:N [--seed=N] [--rounds=N] [--plant=FAULT]

  --seed        of what the clients do (default 7)
  --rounds      of load in each of the run's two lives (default 4)
  --torn        states with some of what was not synced lost, at each point (default 3)
  --kill-every  the process is killed at every so many-th point; 0 for never (default 1)
  --again       at so many points the recovery is crashed too (default 24)
  --plant       a fault put in on purpose: log-unsynced, keys-unsynced, checkpoint-first, batch-in-two
  --keep        where the tape of a failure is kept (default target/crash-points)
  --tape        goes to one point of a kept tape instead";

/// What was asked for: names without dashes.
struct Asked(BTreeMap<String, String>);

impl Asked {
    fn parse(arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut asked = BTreeMap::new();
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            let name = argument.strip_prefix("--")?;
            let (name, value) = match name.split_once('=') {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None => (name.to_owned(), arguments.next()?),
            };
            asked.insert(name, value);
        }
        Some(Self(asked))
    }

    fn number(&mut self, name: &str, otherwise: u64) -> Option<u64> {
        self.0.remove(name).map_or(Some(otherwise), |value| value.parse().ok())
    }

    fn plan(&mut self) -> Option<Plan> {
        let plant = match self.0.remove("plant") {
            Some(name) => Some(Plant::parse(&name)?),
            None => None,
        };
        Some(Plan {
            seed: self.number("seed", 7)?,
            rounds: u32::try_from(self.number("rounds", 4)?).ok()?,
            torn: self.number("torn", 3)?,
            kill_every: self.number("kill-every", 1)?,
            again: self.number("again", 24)?,
            plant,
            keep: self.0.remove("keep").unwrap_or_else(|| "target/crash-points".to_owned()).into(),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
        })
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|first| first == "play").is_some() {
        return end(play(arguments));
    }
    let Some((mut asked, plan)) = Asked::parse(arguments).and_then(|mut asked| asked.plan().map(|plan| (asked, plan)))
    else {
        eprintln!("{HELP}");
        return ExitCode::from(2);
    };
    let tape = asked.0.remove("tape").map(PathBuf::from);
    let point = asked.number("point", 1);
    let state = asked.0.remove("state").map_or(Some(Loss::Nothing), |state| Loss::parse(&state));
    let (Some(point), Some(state), true) = (point, state, asked.0.is_empty()) else {
        eprintln!("{HELP}");
        return ExitCode::from(2);
    };
    match tape {
        Some(tape) => {
            let result = points::replay(&plan, &tape, point, state);
            end(result.map(|()| println!("crash points: nothing is wrong at point {point}, state {state}")))
        }
        None => {
            let exe = std::env::current_exe().expect("this program");
            let result = points::run(&plan, &exe);
            end(result
                .map(|report| println!("crash points: {report}; nothing is wrong"))
                .map_err(|failure| failure.to_string()))
        }
    }
}

fn end(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("crash points: WRONG: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The process that is killed.
fn play(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let asked = Asked::parse(arguments).and_then(|mut asked| {
        let plan = asked.plan()?;
        let dir = asked.0.remove("dir")?.into();
        let tape = asked.0.remove("tape")?.into();
        let die_at = asked.0.remove("die-at").map(|point| point.parse()).transpose().ok()?;
        Some(Life { dir, tape, seed: plan.seed, rounds: plan.rounds, die_at, plant: plan.plant })
    });
    subject::run(&asked.ok_or("it does not know what to play")?)
}
