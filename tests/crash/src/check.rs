//! Recovers the real engine on what a crash left, and compares.

use crate::{
    engine::{Engine, START, Stores, wait_folded},
    history::{Facts, History},
    rows,
    scenario::{AMPLE, PROBE, Scenario, Wish, subject},
    tape::{Mark, Tape},
};
use event_log::EventLog as _;
use keys::{KeyError, SqliteKeyStore};
use schemas::{PositionToken, Rejection, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};
use tokio::runtime::Runtime;

/// What must be true of a directory after a crash.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// What clients want.
    pub scenario: &'a Scenario,
    /// What they learnt before the crash.
    pub marks: &'a [Mark],
    /// The log as it was later, had there been no crash.
    pub later: Option<&'a History>,
    /// Distinguishes this recovery's commands from all earlier ones.
    pub life: &'a str,
    /// Log and keys are as in a state that was checked before: only what is read from them is new.
    pub only_views: bool,
}

/// Recovers on a directory, with a tape or without; the log as it is at the end, or what is wrong.
pub fn recover(
    dir: &Path,
    expected: &Expected<'_>,
    runtime: &Runtime,
    tape: Option<&Arc<Tape>>,
) -> Result<History, String> {
    let stores = Stores::open(dir, None)?;
    let found = History::read(&*stores.log)?;
    if let Some(later) = expected.later {
        found.check_began(later)?;
    }
    let learnt = Learnt::of(expected.marks)?;
    learnt.check_answers(expected.scenario, &found)?;
    learnt.check_keys(dir, &stores, &found, runtime)?;
    let projector = stores.project(runtime)?;
    wait_folded(&projector)?;
    rows::check(dir, &found)?;
    if expected.only_views {
        stores.log.close();
        leave((projector, stores));
        return Ok(found);
    }
    let told = tape.cloned();
    let hearing = move |reply: &schemas::Reply| {
        if let Some(tape) = &told {
            tape.mark(Mark::answered(reply));
        }
    };
    let mut engine = Engine::start(stores, projector, expected.life, learnt.now, Box::new(hearing), None)?;
    engine.settle()?;
    go_on(&mut engine, expected.scenario, &learnt.answered, runtime, tape)?;
    engine.pass(3_600);
    if let Some(tape) = tape {
        tape.mark(Mark::Time { millis: engine.now().millis() });
    }
    engine.settle()?;
    let last = History::read(&*engine.stores.log)?;
    found.check_began(&last)?;
    Facts::of(&last)?.check_end(expected.scenario)?;
    rows::check(dir, &last)?;
    engine.stores.log.close();
    leave(engine);
    Ok(last)
}

/// Lets something end by itself: a projector does with its next poll, and nothing waits for that.
fn leave(what: impl Send + 'static) {
    std::thread::spawn(move || drop(what));
}

/// Who was not answered asks again, and one more asks for the first time.
fn go_on(
    engine: &mut Engine,
    scenario: &Scenario,
    answered: &BTreeSet<usize>,
    runtime: &Runtime,
    tape: Option<&Arc<Tape>>,
) -> Result<(), String> {
    let phase = |wish: &Wish| match wish {
        Wish::List(_) => 0,
        Wish::Receive(_) => 1,
        Wish::Hold { .. } | Wish::Order { .. } => 2,
    };
    let open = |number: &usize| !answered.contains(number);
    for wanted in 0..3 {
        let of_phase = |number: &usize| phase(&scenario.wishes[*number]) == wanted;
        let numbers: Vec<usize> = (0..scenario.wishes.len()).filter(open).filter(of_phase).collect();
        for &number in &numbers {
            let wish = &scenario.wishes[number];
            let key = wish.person().map(|person| {
                let key = runtime.block_on(engine.stores.keys.key_for(&subject(person)));
                let id = key.map_err(|error| format!("keys: {error}"))?.id();
                if let Some(tape) = tape {
                    tape.mark(Mark::Key { subject: person.to_owned(), id, secret: Vec::new() });
                }
                Ok::<_, String>(id)
            });
            engine.send(number as u64, wish.command(key.transpose()?))?;
        }
        for &number in &numbers {
            let reply = engine.hear(number as u64)?;
            if let Err(refused @ (Rejection::Undecidable(_) | Rejection::Order(_))) = &reply.outcome {
                return Err(format!("serves: {:?} is refused: {refused}", scenario.wishes[number]));
            }
        }
    }
    let probe = Wish::Hold { item: AMPLE[0], id: PROBE.to_owned(), person: None };
    let request = scenario.wishes.len() as u64;
    engine.send(request, probe.command(None))?;
    match engine.hear(request)?.outcome {
        Ok(_) => Ok(()),
        Err(refused) => Err(format!("serves: the next command is refused: {refused}")),
    }
}

/// The marks, by what they are about.
struct Learnt<'a> {
    now: Timestamp,
    answered: BTreeSet<usize>,
    answers: Vec<(usize, PositionToken, bool)>,
    /// Subject and secret of each key.
    keys: BTreeMap<uuid::Uuid, (&'a str, &'a [u8])>,
    /// Whether the destruction was answered.
    forgotten: BTreeMap<&'a str, bool>,
}

impl<'a> Learnt<'a> {
    fn of(marks: &'a [Mark]) -> Result<Self, String> {
        let mut learnt = Self {
            now: START,
            answered: BTreeSet::new(),
            answers: Vec::new(),
            keys: BTreeMap::new(),
            forgotten: BTreeMap::new(),
        };
        for mark in marks {
            match mark {
                Mark::Answered { wish, positions, done } => {
                    let positions = PositionToken::parse(positions).map_err(|error| error.to_string())?;
                    learnt.answered.insert(*wish);
                    learnt.answers.push((*wish, positions, *done));
                }
                Mark::Key { subject, id, secret } => _ = learnt.keys.insert(*id, (subject, secret)),
                Mark::Time { millis } => learnt.now = Timestamp::from_millis(*millis),
                Mark::Forgetting { subject } => _ = learnt.forgotten.insert(subject, false),
                Mark::Forgotten { subject } => _ = learnt.forgotten.insert(subject, true),
            }
        }
        Ok(learnt)
    }

    /// Answered = in the log, once, at the position that was told.
    fn check_answers(&self, scenario: &Scenario, found: &History) -> Result<(), String> {
        let facts = Facts::of(found)?;
        for (number, positions, done) in &self.answers {
            // The probe of an earlier recovery is no wish.
            let Some(wish) = scenario.wishes.get(*number) else { continue };
            for position in positions.positions() {
                let end = found.end(position.topic, position.partition);
                if position.seq > end {
                    return Err(format!("answered: {wish:?} was told {position}, and the log ends at {end}"));
                }
            }
            let count = facts.count(wish);
            if count != usize::from(*done) {
                let told = if *done { "done" } else { "refused" };
                return Err(format!("answered: {wish:?} was {told}, and took effect {count} times"));
            }
        }
        Ok(())
    }

    /// A key that was given out opens, one that was destroyed does not and its bytes are gone, and the log names no other.
    fn check_keys(&self, dir: &Path, stores: &Stores, found: &History, runtime: &Runtime) -> Result<(), String> {
        for (id, (person, secret)) in &self.keys {
            let key = runtime.block_on(stores.keys.key(&subject(person), *id));
            match (key, self.forgotten.get(person)) {
                (Ok(_), None | Some(false)) | (Err(KeyError::Destroyed), Some(_)) => {}
                (Ok(_), Some(true)) => return Err(format!("keys: {id} of {person} was destroyed, and is back")),
                (Err(error), _) => return Err(format!("keys: {id} of {person} was given out: {error}")),
            }
            if self.forgotten.get(person) == Some(&true) && !secret.is_empty() {
                check_wiped(dir, secret)?;
            }
        }
        for record in found.events() {
            let value: serde_json::Value =
                serde_json::from_slice(record.value.as_deref().unwrap_or_default()).unwrap_or_default();
            let Some(named) = value["metadata"]["key"].as_str().and_then(|id| id.parse().ok()) else { continue };
            if !self.keys.contains_key(&named) {
                return Err(format!("keys: the log names {named}, which was not given out before"));
            }
        }
        Ok(())
    }
}

/// That the bytes of a destroyed secret stand in no file of the keys.
fn check_wiped(dir: &Path, secret: &[u8]) -> Result<(), String> {
    for entry in fs::read_dir(dir).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(SqliteKeyStore::FILE)) {
            continue;
        }
        let bytes = fs::read(&path).map_err(|error| error.to_string())?;
        if bytes.windows(secret.len()).any(|window| window == secret) {
            return Err(format!("keys: a destroyed secret stands in {}", path.display()));
        }
    }
    Ok(())
}
