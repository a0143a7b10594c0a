//! Every point of a run: the directories that a crash there may leave, and the process killed there.

use crate::{
    check::{Expected, recover},
    disk::{self, Disk, Image, Loss},
    history::History,
    plant::Plant,
    process::{Ended, kill, spawn},
    report::{Failure, Plan, Report, describe, keep},
    scenario::Scenario,
    subject::runtime,
    tape::{self, Mark, Op, Tape},
};
use std::{
    collections::{HashSet, hash_map::DefaultHasher},
    hash::{Hash as _, Hasher as _},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, channel, sync_channel},
    },
};
use tokio::runtime::Runtime;

/// A directory to recover on, or a process to kill.
enum Job {
    State { point: u64, loss: Loss, image: Image, marks: usize, only_views: bool, again: bool },
    Kill { point: u64 },
}

/// A recorded run, and what follows from it.
struct Run<'a> {
    plan: &'a Plan,
    ops: &'a [Op],
    marks: Vec<Mark>,
    later: Option<History>,
    scenario: &'a Scenario,
    life: String,
}

impl Run<'_> {
    fn expected(&self, marks: usize, only_views: bool) -> Expected<'_> {
        Expected {
            scenario: self.scenario,
            marks: &self.marks[..marks],
            later: self.later.as_ref(),
            life: &self.life,
            only_views,
        }
    }
}

/// What all workers share.
struct Shared<'a> {
    exe: &'a Path,
    report: &'a Report,
    failure: Mutex<Option<Failure>>,
    failed: AtomicBool,
}

/// Records a run of the process `exe` and goes through all of its points; the first failure ends it.
///
/// # Panics
/// If this machine gives no directory, thread or process.
pub fn run(plan: &Plan, exe: &Path) -> Result<Report, Failure> {
    crate::vfs::register();
    let scratch = disk::scratch();
    let file = scratch.path().join("run.tape");
    let broken = |why: String| Failure {
        place: "the recorded run, without a crash".to_owned(),
        why,
        replay: format!("make crash-points SEED={} ARGS='--rounds {}'", plan.seed, plan.rounds),
    };
    let ended = spawn(plan, exe, scratch.path(), &file, None).map_err(broken)?;
    if ended != Ended::Well {
        return Err(broken("the process did not end well".to_owned()));
    }
    let ops = tape::load(&file).expect("a tape");
    let (runtime, report) = (runtime(), Report::default());
    let scenario = Scenario::new(plan.seed, plan.rounds);
    let run = Run::of(plan, &ops, Vec::new(), "again", &scenario, &runtime).map_err(broken)?;
    let shared = Shared { exe, report: &report, failure: Mutex::new(None), failed: AtomicBool::new(false) };
    count(&ops, &report);
    let (sender, receiver) = sync_channel(4 * plan.workers);
    let receiver = Mutex::new(receiver);
    let (working, workers) = channel();
    std::thread::scope(|threads| {
        // Moved in, so that the workers end when all is sent, and who tells of them after them.
        let (sender, working, workers) = (sender, working, workers);
        for _ in 0..plan.workers {
            let (run, shared, receiver, working) = (&run, &shared, &receiver, working.clone());
            threads.spawn(move || {
                work(run, shared, receiver);
                drop(working);
            });
        }
        drop(working);
        let told = shared.report;
        threads.spawn(move || told.tell(&workers));
        send_states(&run, &report, &sender);
        if let Some(every) = std::num::NonZero::new(plan.kill_every) {
            let points = report.points.load(Relaxed);
            (1..=points).filter(|point| *point % every == 0).for_each(|point| {
                // Nobody takes it once something has failed.
                _ = sender.send(Job::Kill { point });
            });
        }
    });
    let failure = shared.failure.into_inner().expect("no panic holds it");
    failure.map_or(Ok(report), Err)
}

fn count(ops: &[Op], report: &Report) {
    let of = |wanted: fn(&Op) -> bool| ops.iter().filter(|op| wanted(op)).count() as u64;
    report.points.store(of(Op::is_point), Relaxed);
    report.writes.store(of(|op| matches!(op, Op::Write { .. })), Relaxed);
    report.syncs.store(of(|op| matches!(op, Op::Sync { .. })), Relaxed);
}

impl<'a> Run<'a> {
    /// Reads what the log is when the tape has ended.
    fn of(
        plan: &'a Plan,
        ops: &'a [Op],
        before: Vec<Mark>,
        life: &str,
        scenario: &'a Scenario,
        runtime: &Runtime,
    ) -> Result<Self, String> {
        let mut marks = before;
        marks.extend(marks_of(ops));
        let mut run = Self { plan, ops, marks, later: None, scenario, life: life.to_owned() };
        let mut disk = Disk::default();
        ops.iter().for_each(|op| disk.apply(op));
        let dir = disk::scratch();
        disk::put(&disk.image(Loss::Nothing), dir.path()).expect("a directory can be written");
        let path = dir.path().canonicalize().expect("a path");
        run.later = Some(recover(&path, &run.expected(run.marks.len(), false), runtime, None)?);
        Ok(run)
    }
}

/// Walks the tape; what a crash after each point may leave goes to the workers, what is equal once.
fn send_states(run: &Run<'_>, report: &Report, sender: &SyncSender<Job>) {
    let plan = run.plan;
    let points = run.ops.iter().filter(|op| op.is_point()).count() as u64;
    let mut seen = Seen::default();
    let stride = points / (plan.again + 1) + 1;
    walk(run.ops, plan.plant, |point, marks, disk| {
        report.reckoned.store(point, Relaxed);
        let torn = (0..plan.torn).map(|n| Loss::Torn(plan.seed.wrapping_add(n)));
        for loss in [Loss::Nothing, Loss::Unsynced].into_iter().chain(torn) {
            let image = disk.image(loss);
            report.states.fetch_add(1, Relaxed);
            let again = plan.again > 0 && point % stride == 0 && matches!(loss, Loss::Torn(_));
            if let Some(only_views) = seen.look(&image, marks).or_else(|| again.then_some(false)) {
                let only_views = only_views && !again;
                if sender.send(Job::State { point, loss, image, marks, only_views, again }).is_err() {
                    return false;
                }
            }
        }
        true
    });
}

pub(crate) fn marks_of(ops: &[Op]) -> Vec<Mark> {
    ops.iter().filter_map(|op| if let Op::Mark(mark) = op { Some(mark.clone()) } else { None }).collect()
}

/// What was looked at already, by hash.
#[derive(Default)]
struct Seen {
    whole: HashSet<u64>,
    without_views: HashSet<u64>,
}

impl Seen {
    /// Notes a directory after so many marks: `None` where it was looked at, else whether only its views are new.
    fn look(&mut self, image: &Image, marks: usize) -> Option<bool> {
        let hash = |with_views: bool| {
            let mut hasher = DefaultHasher::new();
            marks.hash(&mut hasher);
            let files = image.iter().filter(|(name, _)| with_views || !name.starts_with("views"));
            files.for_each(|file| file.hash(&mut hasher));
            hasher.finish()
        };
        self.whole.insert(hash(true)).then(|| !self.without_views.insert(hash(false)))
    }
}

/// Calls `at` after each point and all marks that follow it, with the disk as it is then, until it says false.
fn walk(ops: &[Op], plant: Option<Plant>, mut at: impl FnMut(u64, usize, &Disk) -> bool) {
    let (mut disk, mut point, mut marks) = (Disk::default(), 0, 0);
    let mut unsynced = HashSet::new();
    for (number, op) in ops.iter().enumerate() {
        if let (Op::Open { file, name, .. }, Some(plant)) = (op, plant)
            && plant.loses_sync(name)
        {
            unsynced.insert(*file);
        }
        match op {
            Op::Sync { file } if unsynced.contains(file) => {}
            _ => disk.apply(op),
        }
        point += u64::from(op.is_point());
        marks += usize::from(matches!(op, Op::Mark(_)));
        let next_is_point = ops.get(number + 1).is_none_or(Op::is_point);
        if next_is_point && point > 0 && !at(point, marks, &disk) {
            return;
        }
    }
}

fn work(run: &Run<'_>, shared: &Shared<'_>, jobs: &Mutex<Receiver<Job>>) {
    let runtime = runtime();
    loop {
        let job = jobs.lock().expect("no panic holds it").recv();
        let Ok(job) = job else { return };
        if shared.failed.load(Relaxed) {
            continue;
        }
        let result = match job {
            Job::State { point, loss, image, marks, only_views, again } => {
                let expected = run.expected(marks, only_views);
                let result = state(run, &image, &expected, again, shared, &runtime);
                result.map_err(|fault| fault.at(run, point, loss))
            }
            Job::Kill { point } => kill(run.plan, run.scenario, shared.exe, point, shared.report, &runtime),
        };
        if let Err(failure) = result {
            shared.failed.store(true, Relaxed);
            shared.failure.lock().expect("no panic holds it").get_or_insert(failure);
        }
    }
}

/// What is wrong in a state, and where the second crash was, if one was.
struct Fault {
    why: String,
    second: Option<(Vec<Op>, u64, Loss)>,
}

impl Fault {
    fn at(self, run: &Run<'_>, point: u64, loss: Loss) -> Failure {
        let what = run.ops.iter().filter(|op| op.is_point()).nth(usize::try_from(point - 1).expect("a point"));
        let what = what.map_or_else(String::new, |op| describe(op, run.ops));
        let Some((ops, second, second_loss)) = self.second else {
            return Failure {
                place: format!("crash after point {point} ({what}), state {loss}"),
                why: self.why,
                replay: keep(run.plan, "run", run.ops, point, loss),
            };
        };
        Failure {
            place: format!(
                "crash after point {point} ({what}), state {loss}; then after point {second} of the recovery"
            ),
            why: self.why,
            replay: keep(run.plan, "recovery", &ops, second, second_loss),
        }
    }
}

/// A panic of the check is a fault as well.
pub(crate) fn guarded<T>(check: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(format!("panicked: {}", text.unwrap_or_else(|| "see above".to_owned())))
    })
}

fn state(
    run: &Run<'_>,
    image: &Image,
    expected: &Expected<'_>,
    again: bool,
    shared: &Shared<'_>,
    runtime: &Runtime,
) -> Result<(), Fault> {
    let dir = disk::scratch();
    disk::put(image, dir.path()).expect("a directory can be written");
    let path = dir.path().canonicalize().expect("a path");
    shared.report.recoveries.fetch_add(1, Relaxed);
    let tape = again.then(|| Tape::in_memory(&path));
    let recovered = guarded(|| recover(&path, expected, runtime, tape.as_ref()));
    let recording = tape.map(|tape| tape.stop());
    recovered.map_err(|why| Fault { why, second: None })?;
    match recording {
        Some(recording) => second_crash(run, image, expected.marks, recording, shared, runtime),
        None => Ok(()),
    }
}

/// The recovery crashes too, at each of its points up to the first new answer.
fn second_crash(
    run: &Run<'_>,
    image: &Image,
    before: &[Mark],
    recording: Vec<Op>,
    shared: &Shared<'_>,
    runtime: &Runtime,
) -> Result<(), Fault> {
    // What stood there before the recovery opened it.
    let base = (0..).zip(image).map(|(number, (name, bytes))| Op::Open {
        file: 1_000_000 + number,
        name: name.clone(),
        content: Some(bytes.clone()),
    });
    let ops: Vec<Op> = base.chain(recording).collect();
    let fault = |why, at: Option<(u64, Loss)>| {
        let second = at.map(|(point, loss)| {
            let marks = before.iter().cloned().map(Op::Mark);
            (marks.chain(ops.iter().cloned()).collect(), point, loss)
        });
        Fault { why, second }
    };
    let own =
        Run::of(run.plan, &ops, before.to_vec(), "thrice", run.scenario, runtime).map_err(|why| fault(why, None))?;
    let first_answer = ops.iter().position(|op| matches!(op, Op::Mark(Mark::Answered { .. }))).unwrap_or(ops.len());
    let mut seen = Seen::default();
    let mut result = Ok(());
    walk(&ops[..first_answer], None, |point, new, disk| {
        shared.report.again.fetch_add(1, Relaxed);
        for loss in [Loss::Nothing, Loss::Unsynced, Loss::Torn(run.plan.seed)] {
            let image = disk.image(loss);
            shared.report.states.fetch_add(1, Relaxed);
            if let (Some(only_views), true) = (seen.look(&image, new), result.is_ok()) {
                let expected = own.expected(before.len() + new, only_views);
                result = state(&own, &image, &expected, false, shared, runtime)
                    .map_err(|found| fault(found.why, Some((point, loss))));
            }
        }
        result.is_ok() && !shared.failed.load(Relaxed)
    });
    result
}

/// Goes to one point of a kept tape.
pub fn replay(plan: &Plan, file: &Path, point: u64, loss: Loss) -> Result<(), String> {
    crate::vfs::register();
    let ops = tape::load(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let (runtime, scenario) = (runtime(), Scenario::new(plan.seed, plan.rounds));
    let run = Run::of(plan, &ops, Vec::new(), "again", &scenario, &runtime);
    // A process that was killed, or that never served, leaves no later log to compare with.
    let run = run.unwrap_or_else(|_| Run {
        plan,
        ops: &ops,
        marks: marks_of(&ops),
        later: None,
        scenario: &scenario,
        life: "again".to_owned(),
    });
    let mut found = None;
    walk(&ops, plan.plant, |at, marks, disk| {
        if at == point {
            found = Some((disk.image(loss), marks));
        }
        at <= point
    });
    let (image, marks) = found.ok_or_else(|| format!("the tape has no point {point}"))?;
    let dir = disk::scratch();
    disk::put(&image, dir.path()).expect("a directory can be written");
    let path = dir.path().canonicalize().expect("a path");
    recover(&path, &run.expected(marks, false), &runtime, None).map(drop)
}
