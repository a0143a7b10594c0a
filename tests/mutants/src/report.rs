//! What is said of a run: a table in Markdown, one line, or JSON.

use crate::attempt::Verdict;
use planted::{Bug, Catcher};
use serde_json::{Value, json};
use std::{fmt::Write as _, time::Duration};

/// A bug, and how its check ended.
pub struct Caught<'a> {
    pub bug: &'a Bug,
    pub verdict: Verdict,
    pub took: Duration,
}

impl Caught<'_> {
    /// Whether the check that must see the bug did.
    pub const fn is_caught(&self) -> bool {
        matches!(self.verdict, Verdict::Caught { .. })
    }

    /// Whether the simulation has found another invariant broken than those that are named with the bug.
    pub fn is_by_another(&self) -> bool {
        let Verdict::Caught { by, seeds: Some(_) } = &self.verdict else { return false };
        !self.bug.invariant.split(", ").any(|name| by.starts_with(&format!("`{name}`")))
    }
}

/// A check, as people call it.
pub fn name(catcher: Catcher) -> String {
    match catcher {
        Catcher::Simulation => "the simulation".to_owned(),
        Catcher::Test { package, test } => format!("{package}, {test}"),
    }
}

/// One bug on one line.
pub fn line(caught: &Caught<'_>) -> String {
    let Caught { bug, verdict, took } = caught;
    let took = took.as_secs_f64();
    match verdict {
        Verdict::Caught { by, seeds: Some(seed) } => {
            format!("{}: caught by seed {seed} in {took:.1} s: {by}", bug.name)
        }
        Verdict::Caught { by, seeds: None } => {
            format!("{}: caught in {took:.1} s by {}: {by}", bug.name, name(bug.catcher))
        }
        Verdict::Missed => format!("{}: MISSED by {} ({took:.1} s)", bug.name, name(bug.catcher)),
        Verdict::Other { why } => {
            format!("{}: MISSED by {}, which failed otherwise: {why}", bug.name, name(bug.catcher))
        }
    }
}

/// All of them as a table in Markdown.
pub fn table(all: &[Caught<'_>]) -> String {
    let mut table = "| bug | what is wrong | what must hold | caught by | seeds |\n|---|---|---|---|---|\n".to_owned();
    for Caught { bug, verdict, .. } in all {
        let by = match (bug.catcher, verdict) {
            (Catcher::Simulation, Verdict::Caught { by, .. }) => format!("simulation: {by}"),
            (Catcher::Test { package, test }, Verdict::Caught { .. }) => format!("`{package}`: `{test}`"),
            (_, Verdict::Missed | Verdict::Other { .. }) => "**nothing**".to_owned(),
        };
        let seeds = match verdict {
            Verdict::Caught { seeds: Some(seeds), .. } => seeds.to_string(),
            Verdict::Caught { seeds: None, .. } | Verdict::Missed | Verdict::Other { .. } => "–".to_owned(),
        };
        let cells =
            [&format!("`{}`", bug.name), bug.what, bug.invariant, &by, &seeds].map(|cell| cell.replace('|', "\\|"));
        // Writing into a text cannot fail.
        _ = writeln!(table, "| {} |", cells.join(" | "));
    }
    table
}

/// What was done, on one line.
pub fn summary(all: &[Caught<'_>], seeds: u64, took: Duration) -> String {
    let caught = all.iter().filter(|caught| caught.is_caught());
    let (simulated, tested): (Vec<_>, Vec<_>) = caught.partition(|caught| caught.bug.catcher == Catcher::Simulation);
    let missed: Vec<_> = all.iter().filter(|caught| !caught.is_caught()).map(|caught| caught.bug.name).collect();
    let others: Vec<_> = all.iter().filter(|caught| caught.is_by_another()).map(|caught| caught.bug.name).collect();
    let others =
        if others.is_empty() { String::new() } else { format!("; by another invariant: {}", others.join(", ")) };
    let missed = if missed.is_empty() { "none missed".to_owned() } else { format!("MISSED: {}", missed.join(", ")) };
    format!(
        "mutants: {} bugs planted; {} caught by the simulation within {seeds} seeds, {} by tests{others}; {missed}; {} s",
        all.len(),
        simulated.len(),
        tested.len(),
        took.as_secs()
    )
}

/// All of it as JSON, on one line.
pub fn json(all: &[Caught<'_>], seeds: u64) -> Value {
    let bug = |caught: &Caught<'_>| {
        let Caught { bug, verdict, took } = caught;
        let (by, seed) = match verdict {
            Verdict::Caught { by, seeds } => (Some(by), *seeds),
            Verdict::Other { why } => (Some(why), None),
            Verdict::Missed => (None, None),
        };
        json!({
            "name": bug.name, "what": bug.what, "invariant": bug.invariant, "check": name(bug.catcher),
            "caught": caught.is_caught(), "said": by, "afterSeeds": seed, "ms": took.as_millis() as u64,
        })
    };
    let caught = all.iter().filter(|caught| caught.is_caught()).count();
    json!({
        "planted": all.len(), "caught": caught, "missed": all.len() - caught, "seeds": seeds,
        "bugs": all.iter().map(bug).collect::<Vec<_>>(),
    })
}
