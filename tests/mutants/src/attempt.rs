//! One check, run once in a process of its own: with a bug it must fail.

use crate::executables::{Executable, Executables, SIMULATION};
use planted::{Bug, Catcher, VARIABLE};
use std::{
    io::Read,
    process::{Command, Stdio},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// What does not end in this time is stopped: some bugs make a loop endless, and that is noticed too.
const LIMIT: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How often it is told that a check still runs.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// Said of a check: the most characters.
const MOST: usize = 120;

/// How a check ended.
pub enum Verdict {
    /// It failed, after so many seeds where it has any; and what it said.
    Caught { by: String, seeds: Option<u64> },
    /// It passed.
    Missed,
    /// It failed, but no seed says what was broken: too little happened, or it could not run.
    Other { why: String },
}

/// Runs checks.
pub struct Attempt<'a> {
    pub executables: &'a Executables,
    /// Seeds that the simulation may use.
    pub seeds: u64,
}

/// How a process ended, and all that it printed.
struct Ended {
    passed: bool,
    in_time: bool,
    text: String,
}

impl Attempt<'_> {
    /// Runs a check with a bug, or without any.
    pub fn run(&self, bug: Option<&Bug>, catcher: Catcher) -> Result<Verdict, String> {
        match catcher {
            Catcher::Simulation => {
                let (package, prefix) = SIMULATION;
                let binary = self.executables.with(package, |test| test.starts_with(prefix));
                let binary = binary.ok_or("there is no simulation")?;
                let seeds = self.seeds.to_string();
                let ended = run(binary, bug, &[prefix], &[("SEEDS", &seeds), ("FROM", "1")])?;
                Ok(simulated(&ended))
            }
            Catcher::Test { package, test } => {
                let binary = self.executables.with(package, |other| other == test);
                let binary = binary.ok_or_else(|| format!("{package} has no test `{test}`"))?;
                let ended = run(binary, bug, &["--exact", test], &[])?;
                let by = || if ended.in_time { said(&ended.text) } else { "it does not end".to_owned() };
                Ok(if ended.passed { Verdict::Missed } else { Verdict::Caught { by: by(), seeds: None } })
            }
        }
    }
}

fn run(
    binary: &Executable,
    bug: Option<&Bug>,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Result<Ended, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", binary.path.display());
    let mut command = Command::new(&binary.path);
    command.args(arguments).current_dir(&binary.folder).stdin(Stdio::null());
    command.env_remove("SEED").env("RUST_BACKTRACE", "0").env(VARIABLE, bug.map_or("", |bug| bug.name));
    command.envs(variables.iter().copied());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let printed = [child.stdout.take().map(gather), child.stderr.take().map(gather)];
    let begun = Instant::now();
    let (mut tell_at, mut in_time) = (TELL_EVERY, true);
    let status = loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        if begun.elapsed() > LIMIT {
            in_time = false;
            child.kill().map_err(failed)?;
        }
        if begun.elapsed() > tell_at {
            let (what, seconds) = (bug.map_or("without a bug", |bug| bug.name), begun.elapsed().as_secs());
            eprintln!("    {what}: `{}` has run for {seconds} s", arguments.join(" "));
            tell_at += TELL_EVERY;
        }
        std::thread::sleep(LOOK_EVERY);
    };
    let text = printed.into_iter().flatten().filter_map(|thread| thread.join().ok()).collect::<Vec<_>>().join("\n");
    Ok(Ended { passed: status.success(), in_time, text })
}

/// Reads to the end beside the process, which would wait for it otherwise.
fn gather(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is all that there is.
        _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A run of the simulation fails with `seed N: what was broken`.
fn simulated(ended: &Ended) -> Verdict {
    if ended.passed {
        return Verdict::Missed;
    }
    if !ended.in_time {
        return Verdict::Other { why: "it does not end".to_owned() };
    }
    let seed_of = |line: &str| {
        let (seed, what) = line.strip_prefix("seed ")?.split_once(": ")?;
        Some((seed.parse::<u64>().ok()?, short(what)))
    };
    match ended.text.lines().find_map(seed_of) {
        Some((seed, by)) => Verdict::Caught { by, seeds: Some(seed) },
        None => Verdict::Other { why: said(&ended.text) },
    }
}

/// What the first panic said.
fn said(text: &str) -> String {
    let lines = text.lines().skip_while(|line| !line.contains("panicked at ")).skip(1);
    let mut lines = lines.filter(|line| !line.trim().is_empty() && !line.starts_with("note: "));
    lines.next().map_or_else(|| "it ended without a word".to_owned(), short)
}

fn short(text: &str) -> String {
    let text = text.trim();
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST - 1).chain(['…']).collect() }
}
