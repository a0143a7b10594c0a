//! The process that is killed: plays a scenario on the embedded engine, with a tape on its directory.

use crate::{
    engine::{Engine, START, Stores},
    plant::Plant,
    scenario::{Scenario, Step, subject},
    tape::{Mark, Tape},
    vfs,
};
use rusqlite::{Connection, OpenFlags};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::runtime::Runtime;

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Life {
    /// The directory, empty.
    pub dir: PathBuf,
    /// Where the tape is written.
    pub tape: PathBuf,
    /// Of the scenario.
    pub seed: u64,
    /// Of the scenario.
    pub rounds: u32,
    /// The point at which the process dies.
    pub die_at: Option<u64>,
    /// A fault put in on purpose.
    pub plant: Option<Plant>,
}

impl Life {
    /// The arguments of a process that plays it.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            "play".to_owned(),
            format!("--dir={}", self.dir.display()),
            format!("--tape={}", self.tape.display()),
            format!("--seed={}", self.seed),
            format!("--rounds={}", self.rounds),
        ];
        arguments.extend(self.die_at.map(|point| format!("--die-at={point}")));
        arguments.extend(self.plant.map(|plant| format!("--plant={}", plant.name())));
        arguments
    }
}

/// Plays it to the end, or until the process dies.
pub fn run(life: &Life) -> Result<(), String> {
    vfs::register();
    let dir = life.dir.canonicalize().map_err(|error| error.to_string())?;
    let tape = Tape::to_file(&dir, &life.tape, life.die_at).map_err(|error| error.to_string())?;
    let scenario = Scenario::new(life.seed, life.rounds);
    let runtime = runtime();
    let mut player = Player { dir: &dir, tape: &tape, scenario: &scenario, runtime: &runtime, plant: life.plant };
    player.play()?;
    tape.stop();
    Ok(())
}

/// Drives the futures of views and keys.
///
/// # Panics
/// If the system gives no threads.
#[must_use]
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads")
}

struct Player<'a> {
    dir: &'a Path,
    tape: &'a Arc<Tape>,
    scenario: &'a Scenario,
    runtime: &'a Runtime,
    plant: Option<Plant>,
}

impl Player<'_> {
    fn start(&self, life: u32, now: schemas::Timestamp) -> Result<Engine, String> {
        let stores = Stores::open(self.dir, self.plant)?;
        let projector = stores.project(self.runtime)?;
        let tape = Arc::clone(self.tape);
        let hearing = move |reply: &schemas::Reply| tape.mark(Mark::answered(reply));
        Engine::start(stores, projector, &format!("life{life}"), now, Box::new(hearing), self.plant)
    }

    fn play(&mut self) -> Result<(), String> {
        let mut life = 0;
        let mut engine = self.start(life, START)?;
        for step in &self.scenario.steps {
            match step {
                Step::Ask(wishes) => {
                    for wish in wishes.clone() {
                        self.send(&engine, wish)?;
                    }
                    for wish in wishes.clone() {
                        engine.hear(wish as u64)?;
                    }
                }
                Step::Settle => engine.settle()?,
                Step::CheckpointViews => self.checkpoint_views().map_err(|error| error.to_string())?,
                Step::Pass(seconds) => {
                    engine.pass(*seconds);
                    self.tape.mark(Mark::Time { millis: engine.now().millis() });
                    engine.settle()?;
                }
                Step::Forget(person) => {
                    let subject = subject(person);
                    self.tape.mark(Mark::Forgetting { subject: person.clone() });
                    let destroyed = self.runtime.block_on(engine.stores.keys.destroy(&subject));
                    destroyed.map_err(|error| error.to_string())?;
                    self.tape.mark(Mark::Forgotten { subject: person.clone() });
                }
                Step::Restart => {
                    let now = engine.now();
                    engine.stop()?;
                    life += 1;
                    engine = self.start(life, now)?;
                }
            }
        }
        engine.stop()
    }

    fn send(&self, engine: &Engine, number: usize) -> Result<(), String> {
        let wish = &self.scenario.wishes[number];
        let key = wish.person().map(|person| {
            let key = self.runtime.block_on(engine.stores.keys.key_for(&subject(person)));
            let id = key.map_err(|error| error.to_string())?.id();
            let secret = self.secret(id).map_err(|error| error.to_string())?;
            self.tape.mark(Mark::Key { subject: person.to_owned(), id, secret });
            Ok::<_, String>(id)
        });
        engine.send(number as u64, wish.command(key.transpose()?))
    }

    fn secret(&self, id: uuid::Uuid) -> rusqlite::Result<Vec<u8>> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let keys = Connection::open_with_flags(self.dir.join(keys::SqliteKeyStore::FILE), flags)?;
        keys.query_row("SELECT secret FROM subject_keys WHERE key_id = ?1", [id.as_bytes()], |row| row.get(0))
    }

    /// What SQLite does after 128 MiB of write-ahead log.
    fn checkpoint_views(&self) -> rusqlite::Result<()> {
        let views = Connection::open(self.dir.join("views.sqlite"))?;
        views.pragma_update(None, "synchronous", "normal")?;
        views.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
    }
}
