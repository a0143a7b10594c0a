//! Runs the checks against every planted bug, one bug at a time: each must be caught by the check that is named with it.
//!
//! `make mutants` for all; `ARGS='--seeds 50 receipt-twice'` for fewer seeds and one bug; `ARGS=--json` for machines.
//! It ends with 0 only where every bug was caught, and where the checks pass without one. Progress goes to standard
//! error, the result to standard output.

mod attempt;
mod executables;
mod report;

use attempt::{Attempt, Verdict};
use executables::Executables;
use planted::{ALL, Bug, Catcher};
use report::Caught;
use std::{process::ExitCode, time::Instant};

/// Seeds after which the simulation has missed a bug, unless told otherwise.
const SEEDS: u64 = 200;

/// What was asked for.
struct Options {
    seeds: u64,
    json: bool,
    bugs: Vec<&'static Bug>,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { seeds: SEEDS, json: false, bugs: Vec::new() };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--json" => options.json = true,
                "--seeds" => {
                    let seeds = arguments.next().and_then(|text| text.parse().ok()).filter(|seeds| *seeds > 0);
                    options.seeds = seeds.ok_or("--seeds takes how many seeds the simulation may use, from 1")?;
                }
                name => {
                    let known = ALL.iter().find(|bug| bug.name == name);
                    options.bugs.push(known.ok_or_else(|| format!("`{name}` is neither a planted bug nor an option"))?);
                }
            }
        }
        if options.bugs.is_empty() {
            options.bugs = ALL.iter().collect();
        }
        Ok(options)
    }
}

/// Every check once without a bug: one that fails then proves nothing.
fn pass_without_a_bug(attempt: &Attempt<'_>, options: &Options) -> Result<(), String> {
    let mut checked: Vec<Catcher> = Vec::new();
    for bug in &options.bugs {
        if checked.contains(&bug.catcher) {
            continue;
        }
        checked.push(bug.catcher);
        let name = report::name(bug.catcher);
        match attempt.run(None, bug.catcher)? {
            Verdict::Missed => eprintln!("{name} passes without a bug"),
            // Few seeds see little, and say so; no seed has failed.
            Verdict::Other { why } => eprintln!("{name}, without a bug: {why}"),
            Verdict::Caught { by, .. } => return Err(format!("{name} fails without any bug: {by}")),
        }
    }
    eprintln!("without a bug all {} checks pass", checked.len());
    Ok(())
}

fn run(options: &Options) -> Result<bool, String> {
    let begun = Instant::now();
    let executables = Executables::build()?;
    let attempt = Attempt { executables: &executables, seeds: options.seeds };
    pass_without_a_bug(&attempt, options)?;
    let mut all = Vec::new();
    for (number, bug) in (1..).zip(&options.bugs) {
        let since = Instant::now();
        let verdict = attempt.run(Some(bug), bug.catcher)?;
        let caught = Caught { bug, verdict, took: since.elapsed() };
        eprintln!("{number:>3}/{} {}", options.bugs.len(), report::line(&caught));
        all.push(caught);
    }
    if options.json {
        println!("{}", report::json(&all, options.seeds));
    } else {
        println!("{}\n{}", report::table(&all), report::summary(&all, options.seeds, begun.elapsed()));
    }
    Ok(all.iter().all(Caught::is_caught))
}

fn main() -> ExitCode {
    match Options::read(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("mutants: {why}");
            ExitCode::FAILURE
        }
    }
}
