//! Every point of a short run; and that the checks find what is put in on purpose.

use crash::{disk::Loss, plant::Plant, points, report::Plan};
use std::path::{Path, PathBuf};

const EXE: &str = env!("CARGO_BIN_EXE_crash");

/// A short run, with few states at each point.
fn plan() -> Plan {
    Plan {
        seed: 7,
        rounds: 1,
        torn: 1,
        kill_every: 0,
        again: 0,
        plant: None,
        keep: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("crash-points"),
        workers: std::thread::available_parallelism().map_or(1, usize::from),
    }
}

#[test]
fn nothing_is_lost_at_any_point_of_a_run_nor_of_a_recovery() {
    let plan = Plan { kill_every: 1, again: 1, ..plan() };
    let report = points::run(&plan, Path::new(EXE)).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{report}");
    let count = |count: &std::sync::atomic::AtomicU64| count.load(std::sync::atomic::Ordering::Relaxed);
    let points = count(&report.points);
    assert!(points > 400, "{report}");
    assert!(count(&report.syncs) > 40, "{report}");
    // A run is never quite like the last: some end before their point.
    assert!(count(&report.kills) > points * 3 / 4, "{report}");
    assert!(count(&report.again) > 20, "{report}");
}

/// That a fault is found, by this check, and again by the command that is printed.
fn is_found(plant: Plant, by: &str) {
    let plan = Plan { plant: Some(plant), ..plan() };
    let failure = points::run(&plan, Path::new(EXE)).map(|report| report.to_string()).expect_err("nothing was found");
    assert!(failure.why.starts_with(by), "{failure}");

    let words: Vec<&str> = failure.replay.split([' ', '\'']).collect();
    let after = |name: &str| words[words.iter().position(|word| *word == name).expect("an argument") + 1];
    let (tape, point) = (Path::new(after("--tape")), after("--point").parse().expect("a number"));
    let state = Loss::parse(after("--state")).expect("a state");
    assert_eq!(after("--plant"), plant.name());
    let again = points::replay(&plan, tape, point, state).expect_err("the replay finds nothing");
    assert!(again.starts_with(by), "{again}");
}

#[test]
fn a_log_that_is_not_synced_loses_what_was_answered() {
    is_found(Plant::LogUnsynced, "answered: ");
}

#[test]
fn keys_that_are_not_synced_are_lost() {
    is_found(Plant::KeysUnsynced, "keys: ");
}

#[test]
fn a_checkpoint_before_its_rows_leaves_views_that_are_no_fold() {
    is_found(Plant::CheckpointFirst, "views: ");
}

#[test]
fn a_batch_in_two_parts_is_found_with_one_of_them() {
    is_found(Plant::BatchInTwo, "whole batches: ");
}
