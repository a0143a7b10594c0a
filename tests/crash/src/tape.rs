//! What was done to the files of a directory, in order, with what the clients were told between; and the end of the process
//! at one of them.

use crate::splitmix;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What a client learnt. It may not be lost by a crash that comes later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Mark {
    /// A command of the run was answered.
    Answered {
        /// Its number in the scenario.
        wish: usize,
        /// The position token.
        positions: String,
        /// Done, not refused.
        done: bool,
    },
    /// A key was given out.
    Key {
        /// Whose.
        subject: String,
        /// Its id.
        id: uuid::Uuid,
        /// The secret itself, to look for it once it is destroyed; empty where nobody will.
        secret: Vec<u8>,
    },
    /// The clock was moved.
    Time {
        /// To this time.
        millis: i64,
    },
    /// The destruction of a subject's keys began.
    Forgetting {
        /// Whose.
        subject: String,
    },
    /// The destruction of a subject's keys was answered.
    Forgotten {
        /// Whose.
        subject: String,
    },
}

impl Mark {
    /// That a request was answered: requests have the numbers of their wishes.
    ///
    /// # Panics
    /// If it is no such request.
    #[must_use]
    pub fn answered(reply: &schemas::Reply) -> Self {
        let wish = usize::try_from(reply.to.request).expect("a number of a wish");
        Self::Answered { wish, positions: reply.positions.to_string(), done: reply.outcome.is_ok() }
    }
}

/// One entry of a tape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// A file was opened for the first time under this name.
    Open {
        /// Its number: another file under the same name later has another.
        file: u32,
        /// Its name in the directory.
        name: String,
        /// What stood in it; `None` where opening made it.
        content: Option<Vec<u8>>,
    },
    /// Bytes were written.
    Write {
        /// Where to.
        file: u32,
        /// From this byte on.
        at: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// A file was cut.
    Truncate {
        /// Which.
        file: u32,
        /// To so many bytes.
        length: u64,
    },
    /// A file was synced.
    Sync {
        /// Which.
        file: u32,
    },
    /// A name was removed.
    Delete {
        /// Which.
        name: String,
    },
    /// The directory was synced.
    SyncNames,
    /// No change of a file: what a client learnt.
    Mark(Mark),
}

/// A change that is about to happen.
pub enum Change<'a> {
    /// See [`Op::Write`].
    Write {
        /// Where to.
        file: u32,
        /// From this byte on.
        at: u64,
        /// What.
        bytes: &'a [u8],
    },
    /// See [`Op::Truncate`].
    Truncate {
        /// Which.
        file: u32,
        /// To so many bytes.
        length: u64,
    },
    /// See [`Op::Sync`].
    Sync {
        /// Which.
        file: u32,
    },
    /// See [`Op::Delete`].
    Delete {
        /// Which.
        path: &'a Path,
    },
    /// See [`Op::SyncNames`].
    SyncNames,
}

/// How an entry stands in a file: a line of JSON, then `length` bytes.
#[derive(Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Line {
    Open { file: u32, name: String, length: Option<usize> },
    Write { file: u32, at: u64, length: usize },
    Truncate { file: u32, to: u64 },
    Sync { file: u32 },
    Delete { name: String },
    SyncNames,
    Mark { mark: Mark },
}

impl Op {
    /// Whether it changes a file, so that a crash may come after it.
    #[must_use]
    pub const fn is_point(&self) -> bool {
        match self {
            Self::Open { content, .. } => content.is_none(),
            Self::Mark(_) => false,
            Self::Write { .. } | Self::Truncate { .. } | Self::Sync { .. } | Self::Delete { .. } | Self::SyncNames => {
                true
            }
        }
    }
}

/// A tape that runs.
pub struct Tape {
    dir: PathBuf,
    state: Mutex<State>,
}

struct State {
    kept: Kept,
    /// The files that have been opened, by their present names.
    files: BTreeMap<String, u32>,
    next_file: u32,
    points: u64,
    /// The point at which the process dies: a write in its middle, anything else before it is done.
    die_at: Option<u64>,
}

enum Kept {
    InFile(File),
    InMemory(Vec<Op>),
}

static RUNNING: Mutex<BTreeMap<PathBuf, Arc<Tape>>> = Mutex::new(BTreeMap::new());

fn running() -> MutexGuard<'static, BTreeMap<PathBuf, Arc<Tape>>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The tape that runs on the directory of a file.
#[must_use]
pub fn of(path: &Path) -> Option<Arc<Tape>> {
    running().get(path.parent()?).cloned()
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

impl Tape {
    /// Runs on a directory until [`Self::stop`], written to a file as it goes, so that it outlives its process.
    pub fn to_file(dir: &Path, file: &Path, die_at: Option<u64>) -> io::Result<Arc<Self>> {
        Ok(Self::start(dir, Kept::InFile(File::create(file)?), die_at))
    }

    /// Runs on a directory until [`Self::stop`].
    #[must_use]
    pub fn in_memory(dir: &Path) -> Arc<Self> {
        Self::start(dir, Kept::InMemory(Vec::new()), None)
    }

    fn start(dir: &Path, kept: Kept, die_at: Option<u64>) -> Arc<Self> {
        let state = State { kept, files: BTreeMap::new(), next_file: 0, points: 0, die_at };
        let tape = Arc::new(Self { dir: dir.to_owned(), state: Mutex::new(state) });
        running().insert(dir.to_owned(), Arc::clone(&tape));
        tape
    }

    /// Ends the recording; what it holds, where it was kept in memory.
    pub fn stop(&self) -> Vec<Op> {
        running().remove(&self.dir);
        match &mut self.state().kept {
            Kept::InFile(_) => Vec::new(),
            Kept::InMemory(ops) => std::mem::take(ops),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a client learnt.
    pub fn mark(&self, mark: Mark) {
        self.state().keep(Op::Mark(mark));
    }

    /// Looks at a file before it is opened: what stands in it, where this tape does not know it yet.
    pub fn before_open(&self, path: &Path) -> Option<Vec<u8>> {
        let is_known = self.state().files.contains_key(&name_of(path));
        if is_known { None } else { std::fs::read(path).ok() }
    }

    /// A file was opened; its number.
    pub fn opened(&self, path: &Path, content: Option<Vec<u8>>) -> u32 {
        let (name, mut state) = (name_of(path), self.state());
        if let Some(file) = state.files.get(&name) {
            return *file;
        }
        let file = state.next_file;
        state.next_file += 1;
        state.files.insert(name.clone(), file);
        if content.is_none() {
            state.reach();
        }
        state.keep(Op::Open { file, name, content });
        file
    }

    /// Notes a change and performs it: `perform` is told how many bytes of a write. Where the process must die, it does.
    ///
    /// # Panics
    /// If it cannot be performed: then the tape would tell what did not happen.
    pub fn change(&self, change: &Change<'_>, perform: impl FnOnce(usize) -> i32) -> i32 {
        let mut state = self.state();
        let dies = state.is_last();
        match *change {
            Change::Write { file, at, bytes } => {
                let length = if dies { torn(bytes.len(), at) } else { bytes.len() };
                if length > 0 {
                    state.keep(Op::Write { file, at, bytes: bytes[..length].to_vec() });
                    assert_eq!(perform(length), 0, "{length} bytes are written at {at}");
                }
                if dies { die() } else { 0 }
            }
            _ if dies => die(),
            Change::Truncate { file, length } => {
                state.keep(Op::Truncate { file, length });
                perform(0)
            }
            Change::Sync { file } => {
                state.keep(Op::Sync { file });
                perform(0)
            }
            Change::SyncNames => {
                state.keep(Op::SyncNames);
                perform(0)
            }
            Change::Delete { path } => {
                let name = name_of(path);
                state.files.remove(&name);
                state.keep(Op::Delete { name });
                perform(0)
            }
        }
    }
}

/// How much of a write is done when the process dies in its middle: some sectors.
fn torn(length: usize, at: u64) -> usize {
    let sectors = length / 512;
    if sectors == 0 { length / 2 } else { (splitmix(at ^ length as u64) % (sectors as u64 + 1)) as usize * 512 }
}

/// kill -9, from inside. The tape's lock is held: no other thread writes any more.
fn die() -> ! {
    let killed = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    // The signal may take a moment.
    std::thread::sleep(std::time::Duration::from_secs(60));
    unreachable!("SIGKILL was sent: {killed:?}");
}

impl State {
    /// Counts a point, and says whether it is the last.
    fn is_last(&mut self) -> bool {
        self.points += 1;
        self.die_at == Some(self.points)
    }

    fn reach(&mut self) {
        if self.is_last() {
            die();
        }
    }

    fn keep(&mut self, op: Op) {
        match &mut self.kept {
            Kept::InFile(file) => write_op(file, &op).expect("the tape can be written"),
            Kept::InMemory(ops) => ops.push(op),
        }
    }
}

fn write_op(file: &mut File, op: &Op) -> io::Result<()> {
    let none: &[u8] = &[];
    let (line, bytes) = match op {
        Op::Open { file, name, content } => {
            let length = content.as_ref().map(Vec::len);
            (Line::Open { file: *file, name: name.clone(), length }, content.as_deref().unwrap_or(none))
        }
        Op::Write { file, at, bytes } => (Line::Write { file: *file, at: *at, length: bytes.len() }, bytes.as_slice()),
        Op::Truncate { file, length } => (Line::Truncate { file: *file, to: *length }, none),
        Op::Sync { file } => (Line::Sync { file: *file }, none),
        Op::Delete { name } => (Line::Delete { name: name.clone() }, none),
        Op::SyncNames => (Line::SyncNames, none),
        Op::Mark(mark) => (Line::Mark { mark: mark.clone() }, none),
    };
    let mut buffer = serde_json::to_vec(&line)?;
    buffer.push(b'\n');
    buffer.extend_from_slice(bytes);
    file.write_all(&buffer)
}

/// Writes a tape that was kept in memory.
pub fn save(path: &Path, ops: &[Op]) -> io::Result<()> {
    let mut file = File::create(path)?;
    ops.iter().try_for_each(|op| write_op(&mut file, op))
}

/// Reads a tape.
pub fn load(path: &Path) -> io::Result<Vec<Op>> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut ops = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(ops);
        }
        let mut bytes = |length: usize| {
            let mut bytes = vec![0; length];
            reader.read_exact(&mut bytes).map(|()| bytes)
        };
        ops.push(match serde_json::from_slice(&line)? {
            Line::Open { file, name, length } => Op::Open { file, name, content: length.map(&mut bytes).transpose()? },
            Line::Write { file, at, length } => Op::Write { file, at, bytes: bytes(length)? },
            Line::Truncate { file, to } => Op::Truncate { file, length: to },
            Line::Sync { file } => Op::Sync { file },
            Line::Delete { name } => Op::Delete { name },
            Line::SyncNames => Op::SyncNames,
            Line::Mark { mark } => Op::Mark(mark),
        });
    }
}
