//! The process that plays the scenario, and its death.

use crate::{
    check::{Expected, recover},
    disk::{self, Disk, Loss},
    points::{guarded, marks_of},
    report::{Failure, Plan, Report, keep},
    scenario::Scenario,
    subject::Life,
    tape,
};
use std::{path::Path, sync::atomic::Ordering::Relaxed};
use tokio::runtime::Runtime;

/// How a process ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    Killed,
}

/// Plays the scenario in a process of its own, in `dir`/data.
pub(crate) fn spawn(plan: &Plan, exe: &Path, dir: &Path, tape: &Path, die_at: Option<u64>) -> Result<Ended, String> {
    use std::os::unix::process::ExitStatusExt as _;
    let data = dir.join("data");
    std::fs::create_dir_all(&data).expect("a directory");
    let life =
        Life { dir: data, tape: tape.to_owned(), seed: plan.seed, rounds: plan.rounds, die_at, plant: plan.plant };
    let status = std::process::Command::new(exe).args(life.arguments()).status().expect("a process can be started");
    match (status.success(), status.signal()) {
        (true, _) => Ok(Ended::Well),
        (_, Some(9)) => Ok(Ended::Killed),
        _ => Err(format!("the process ended by itself: {status}")),
    }
}

/// Kills the process at a point: what it left is what its own tape says, and the engine recovers on it.
pub(crate) fn kill(
    plan: &Plan,
    scenario: &Scenario,
    exe: &Path,
    point: u64,
    report: &Report,
    runtime: &Runtime,
) -> Result<(), Failure> {
    let scratch = disk::scratch();
    let file = scratch.path().join("run.tape");
    let place = format!("the process was killed at point {point}");
    let broken = |why| Failure { place: place.clone(), why, replay: format!("make crash-points SEED={}", plan.seed) };
    let ended = spawn(plan, exe, scratch.path(), &file, Some(point)).map_err(broken)?;
    report.kills.fetch_add(u64::from(ended == Ended::Killed), Relaxed);
    let ops = tape::load(&file).expect("a tape");
    let mut disk = Disk::default();
    ops.iter().for_each(|op| disk.apply(op));
    let data = scratch.path().join("data").canonicalize().expect("a path");
    let marks = marks_of(&ops);
    let expected = Expected { scenario, marks: &marks, later: None, life: "again", only_views: false };
    let last = ops.iter().filter(|op| op.is_point()).count() as u64;
    let checked = guarded(|| {
        let image = disk.image(Loss::Nothing);
        match disk::differs(&image, &data).map_err(|error| error.to_string())? {
            Some(name) => Err(format!("tape: {name} is not what the tape says: a write passed it by")),
            None => recover(&data, &expected, runtime, None).map(drop),
        }
    });
    checked.map_err(|why| Failure { place, why, replay: keep(plan, "kill", &ops, last, Loss::Nothing) })
}
