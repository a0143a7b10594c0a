//! The composition that is broken: three brokers, a CQL node, and the engine as seven processes, each of which is
//! started again when it ends, as any platform would.

use super::plan::BROKERS;
use crate::e2e::{engine::Engine, world::Home};
use engines::{CqlCluster, KafkaCluster};
use std::{
    fs::{self, File},
    path::PathBuf,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// The processes of the engine: their names, services and further flags. One processor has a name that stays over
/// restarts, by which it keeps its shards; the other has none.
const PROCESSES: [(&str, &str, &[&str]); 8] = [
    ("processor-0", "processor", &["--kafka-instance", "processor-0"]),
    ("processor-1", "processor", &[]),
    ("projector-0", "projector", &[]),
    ("projector-1", "projector", &[]),
    ("payments-0", "payments", &[]),
    ("fulfilment-0", "fulfilment", &[]),
    ("api-0", "api", &[]),
    ("api-1", "api", &[]),
];

/// How often somebody looks whether a process has ended.
const LOOK: Duration = Duration::from_millis(200);

/// The name of the processors that come and go.
pub const STORM: &str = "storm";

/// The most characters of a log's last line that are told.
const LAST_WORDS: usize = 160;

/// A place for a process.
pub struct Slot {
    pub name: &'static str,
    service: &'static str,
    flags: Vec<String>,
    engine: RwLock<Option<Arc<Engine>>>,
    /// A fault keeps it from being started.
    pub kept_down: AtomicBool,
}

impl Slot {
    /// Its process, if it listens.
    pub fn engine(&self) -> Option<Arc<Engine>> {
        self.engine.read().expect("not poisoned").clone()
    }
}

/// All of it.
pub struct Fleet {
    pub slots: Vec<Slot>,
    pub home: Arc<Home>,
    pub brokers: KafkaCluster,
    pub cql: CqlCluster,
    /// Held while a broker is away: never two of three.
    pub broker_away: Mutex<()>,
    pub cql_away: Mutex<()>,
    /// The logs of all processes.
    pub folder: PathBuf,
    /// What happened, in words.
    pub timeline: Mutex<Vec<String>>,
    /// Processes that ended, or did not start, with nobody's doing.
    pub ended: Mutex<Vec<String>>,
    begun: Instant,
}

impl Fleet {
    /// Starts the servers; the processes of the engine are up to [`supervise`](Self::supervise).
    pub fn start(seed: u64) -> Self {
        let (brokers, cql) = (KafkaCluster::start(BROKERS), CqlCluster::durable());
        let home = Home::on_both(&brokers.bootstrap(), 3, &cql.nodes());
        let folder = std::env::temp_dir().join(format!("stockfold-chaos-{seed}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for logs");
        let slot = |(name, service, flags): &(&'static str, &'static str, &[&str])| Slot {
            name,
            service,
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            engine: RwLock::default(),
            kept_down: AtomicBool::new(false),
        };
        let slots = PROCESSES.iter().map(slot).collect();
        let (broker_away, cql_away) = (Mutex::default(), Mutex::default());
        let (timeline, ended) = (Mutex::default(), Mutex::default());
        Self { slots, home, brokers, cql, broker_away, cql_away, folder, timeline, ended, begun: Instant::now() }
    }

    /// How many processes there are.
    pub const fn processes() -> usize {
        PROCESSES.len()
    }

    /// Since the servers run.
    pub fn clock(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Tells what happens, as it happens.
    pub fn tell(&self, what: &str) {
        let line = format!("{:>6.1} s  {what}", self.clock().as_secs_f64());
        println!("{line}");
        self.timeline.lock().expect("not poisoned").push(line);
    }

    /// Keeps every process running, each watched by a thread of its own: a start may take long.
    pub fn supervise(self: &Arc<Self>) -> Supervisors {
        let stop = Arc::<AtomicBool>::default();
        let supervisor = |at: usize| {
            let (fleet, stop) = (Arc::clone(self), Arc::clone(&stop));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    fleet.look_after(&fleet.slots[at]);
                    std::thread::sleep(LOOK);
                }
            })
        };
        let threads = (0..self.slots.len()).map(supervisor).collect();
        Supervisors { fleet: Arc::clone(self), stop, threads }
    }

    fn look_after(&self, slot: &Slot) {
        if slot.kept_down.load(Ordering::SeqCst) {
            return;
        }
        if let Some(engine) = slot.engine() {
            let Some(end) = engine.ended() else { return };
            // Who killed it has taken it out of its slot.
            if slot.kept_down.load(Ordering::SeqCst) || !slot.engine().is_some_and(|now| Arc::ptr_eq(&now, &engine)) {
                return;
            }
            self.note_end(format!("{} ended by itself: {end}", slot.name));
            slot.engine.write().expect("not poisoned").take();
        }
        match self.launch(slot.name, slot.service, &slot.flags) {
            Ok(engine) => *slot.engine.write().expect("not poisoned") = Some(Arc::new(engine)),
            Err(end) => {
                self.note_end(format!("{} did not start: {end}: {}", slot.name, self.last_words(slot.name)));
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    }

    /// Counts an end; it is told once, however often it comes again.
    fn note_end(&self, what: String) {
        let mut ended = self.ended.lock().expect("not poisoned");
        if !ended.contains(&what) {
            self.tell(&what);
        }
        ended.push(what);
    }

    /// Takes the process out of its slot, where nobody starts another one before [`let_up`](Self::let_up).
    pub fn take_down(&self, slot: &Slot) -> Option<Arc<Engine>> {
        slot.kept_down.store(true, Ordering::SeqCst);
        slot.engine.write().expect("not poisoned").take()
    }

    pub fn let_up(&self, slot: &Slot) {
        slot.kept_down.store(false, Ordering::SeqCst);
    }

    /// Starts a process whose log is kept under this name.
    pub fn launch(&self, name: &str, service: &'static str, flags: &[String]) -> Result<Engine, String> {
        let log = File::options().create(true).append(true).open(self.log_of(name)).expect("a log that can be written");
        Engine::start_logged(Arc::clone(&self.home), service, flags, log)
    }

    /// Every process that serves HTTP, and listens.
    pub fn apis(&self) -> Vec<(&'static str, Arc<Engine>)> {
        let apis = self.slots.iter().filter(|slot| slot.service == "api");
        apis.filter_map(|slot| Some((slot.name, slot.engine()?))).collect()
    }

    /// Which processes are not there.
    pub fn missing(&self) -> Vec<&'static str> {
        self.slots.iter().filter(|slot| slot.engine().is_none()).map(|slot| slot.name).collect()
    }

    fn log_of(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// The end of a log's last line.
    fn last_words(&self, name: &str) -> String {
        let log = fs::read_to_string(self.log_of(name)).unwrap_or_default();
        let last = log.lines().next_back().unwrap_or_default();
        last.chars().skip(last.chars().count().saturating_sub(LAST_WORDS)).collect()
    }

    /// Lines of the logs that tell of a panic outside of shards.
    ///
    /// A shard's is caught, and its command is kept as a dead letter, which is looked for in the log. An owner that wakes up
    /// decides on what it knew until it learns that it is fenced: it may panic, and nothing of that is in the log.
    pub fn panics(&self) -> Vec<String> {
        let names = self.slots.iter().map(|slot| slot.name).chain([STORM]);
        let logs = names.map(|name| (name, fs::read_to_string(self.log_of(name)).unwrap_or_default()));
        let of_log = |(name, log): (&str, String)| {
            let lines = log.lines().filter(|line| line.contains("panicked at") && !line.contains("thread 'shard-"));
            lines.map(|line| format!("{name} panicked: {line}")).collect::<Vec<_>>()
        };
        logs.flat_map(of_log).collect()
    }

    /// Keeps a file beside the logs.
    pub fn keep(&self, name: &str, lines: impl IntoIterator<Item = String>) -> PathBuf {
        let path = self.folder.join(name);
        let text: String = lines.into_iter().map(|line| line + "\n").collect();
        fs::write(&path, text).expect("a file beside the logs");
        path
    }
}

/// Who keeps the processes running, and kills them in the end, also when a test panics.
pub struct Supervisors {
    fleet: Arc<Fleet>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for Supervisors {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        for slot in &self.fleet.slots {
            if let Some(engine) = self.fleet.take_down(slot) {
                engine.kill();
            }
        }
    }
}
