//! Carries out a schedule.

use super::{
    fleet::{Fleet, STORM, Slot},
    plan::{Fault, Kind},
};
use engines::Nodes;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

/// Within this time a process ends that was told to.
const ENDS_WITHIN: Duration = Duration::from_secs(40);

/// How long a broker that is back takes to get what it missed.
const CATCHES_UP: Duration = Duration::from_secs(8);

/// How long a fault waits for the one before it at the same servers: a busy machine starts them slowly.
const WAITS: Duration = Duration::from_secs(20);

/// How long, and how often, it is looked whether a server with a full disk has stopped.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS: usize = 300;

/// What was done, by kind, and what nobody was there for.
#[derive(Debug, Default)]
pub struct Done {
    pub faults: BTreeMap<Kind, usize>,
    pub missed: usize,
    /// A process that was told to end, and did not.
    pub wrong: Vec<String>,
}

/// Hits what the schedule says; returns once all of it is over and everything is let go on.
pub fn run(fleet: &Arc<Fleet>, faults: &[Fault]) -> Done {
    let (begun, done) = (Instant::now(), Arc::<Mutex<Done>>::default());
    let mut under_way = Vec::new();
    for fault in faults.iter().copied() {
        thread::sleep(fault.at.saturating_sub(begun.elapsed()));
        let (fleet, done) = (Arc::clone(fleet), Arc::clone(&done));
        under_way.push(thread::spawn(move || {
            let hit = hit(&fleet, fault);
            let mut done = done.lock().expect("not poisoned");
            match hit {
                Ok(true) => *done.faults.entry(fault.kind).or_default() += 1,
                Ok(false) => done.missed += 1,
                Err(wrong) => done.wrong.push(wrong),
            }
        }));
    }
    for one in under_way {
        one.join().expect("a fault is carried out");
    }
    Arc::into_inner(done).expect("nobody is left").into_inner().expect("not poisoned")
}

/// Whether there was anybody to hit.
fn hit(fleet: &Fleet, fault: Fault) -> Result<bool, String> {
    let Fault { kind, who, lasting, .. } = fault;
    match kind {
        Kind::Kill => Ok(kill(fleet, &fleet.slots[who], lasting)),
        Kind::Freeze => Ok(freeze(fleet, &fleet.slots[who], lasting)),
        Kind::Terminate => terminate(fleet, &fleet.slots[who], lasting),
        Kind::Storm => {
            storm(fleet, who, lasting);
            Ok(true)
        }
        Kind::BrokerKill => Ok(broker(fleet, who, |server| server.kill(lasting))),
        Kind::BrokerFreeze => Ok(broker(fleet, who, |server| server.freeze(lasting))),
        Kind::BrokerDiskFull => Ok(broker(fleet, who, |server| server.fill_disk(lasting))),
        Kind::CqlBounce => Ok(cql(fleet, who, |server| server.kill(lasting))),
        Kind::CqlFreeze => Ok(cql(fleet, who, |server| server.freeze(lasting))),
        Kind::CqlDiskFull => Ok(cql(fleet, who, |server| server.fill_disk(lasting))),
    }
}

/// Does harm to a broker while all others are there.
fn broker(fleet: &Fleet, at: usize, harm: impl Fn(&Server<'_>) -> bool) -> bool {
    let Some(_one) = alone(&fleet.broker_away) else { return false };
    let was_hit = harm(&Server { fleet, name: format!("broker {at}"), nodes: &fleet.brokers, at });
    // Nobody takes another one before it has what it missed.
    thread::sleep(CATCHES_UP);
    was_hit
}

/// Does harm to the CQL node.
fn cql(fleet: &Fleet, at: usize, harm: impl Fn(&Server<'_>) -> bool) -> bool {
    let Some(_one) = alone(&fleet.cql_away) else { return false };
    harm(&Server { fleet, name: "CQL".to_owned(), nodes: &fleet.cql, at })
}

fn alone(away: &Mutex<()>) -> Option<MutexGuard<'_, ()>> {
    let begun = Instant::now();
    while begun.elapsed() < WAITS {
        if let Ok(alone) = away.try_lock() {
            return Some(alone);
        }
        thread::sleep(LOOK);
    }
    None
}

/// A broker, or the CQL node.
struct Server<'a> {
    fleet: &'a Fleet,
    name: String,
    nodes: &'a Nodes,
    at: usize,
}

/// What harms it and lets it come back; each says whether it did.
impl Server<'_> {
    fn kill(&self, lasting: Duration) -> bool {
        self.tell("kill -9");
        self.nodes.kill(self.at);
        thread::sleep(lasting);
        self.start();
        true
    }

    fn freeze(&self, lasting: Duration) -> bool {
        self.tell("SIGSTOP");
        self.nodes.pause(self.at);
        thread::sleep(lasting);
        self.nodes.resume(self.at);
        self.tell("SIGCONT");
        true
    }

    /// With the first write that fails it stops serving. It is started again when there is room.
    fn fill_disk(&self, lasting: Duration) -> bool {
        self.tell("its disk is full");
        let full = Instant::now();
        self.nodes.fill_disk(self.at);
        let has_stopped = (0..LOOKS).any(|_| {
            thread::sleep(LOOK);
            !self.nodes.serves(self.at)
        });
        let end = if has_stopped { "it serves no longer" } else { "it has written nothing" };
        self.tell(&format!("{end}, {:.1?} after its disk was full", full.elapsed()));
        thread::sleep(lasting);
        self.start();
        has_stopped
    }

    fn start(&self) {
        self.nodes.restart(self.at);
        self.tell("serves again");
    }

    fn tell(&self, what: &str) {
        self.fleet.tell(&format!("{}: {what}", self.name));
    }
}

fn kill(fleet: &Fleet, slot: &Slot, lasting: Duration) -> bool {
    let Some(engine) = fleet.take_down(slot) else {
        fleet.let_up(slot);
        return false;
    };
    fleet.tell(&format!("{}: kill -9", slot.name));
    engine.kill();
    thread::sleep(lasting);
    fleet.let_up(slot);
    true
}

fn freeze(fleet: &Fleet, slot: &Slot, lasting: Duration) -> bool {
    let Some(engine) = slot.engine().filter(|engine| engine.ended().is_none()) else { return false };
    fleet.tell(&format!("{}: SIGSTOP", slot.name));
    engine.signal("STOP");
    thread::sleep(lasting);
    if engine.ended().is_none() {
        engine.signal("CONT");
    }
    fleet.tell(&format!("{}: SIGCONT", slot.name));
    true
}

fn terminate(fleet: &Fleet, slot: &Slot, lasting: Duration) -> Result<bool, String> {
    let Some(engine) = fleet.take_down(slot).filter(|engine| engine.ended().is_none()) else {
        fleet.let_up(slot);
        return Ok(false);
    };
    fleet.tell(&format!("{}: SIGTERM", slot.name));
    let told = Instant::now();
    engine.signal("TERM");
    while engine.ended().is_none() && told.elapsed() < ENDS_WITHIN {
        thread::sleep(Duration::from_millis(50));
    }
    let end = engine.ended();
    engine.kill();
    fleet.tell(&format!("{} ended after {:.1?}: {end:?}", slot.name, told.elapsed()));
    thread::sleep(lasting);
    fleet.let_up(slot);
    end.map(|_| true).ok_or_else(|| format!("{} did not end within {ENDS_WITHIN:?} of its SIGTERM", slot.name))
}

/// So many processors join one after the other, and leave before the shards have settled.
fn storm(fleet: &Fleet, processors: usize, lasting: Duration) {
    fleet.tell(&format!("{processors} processors come and go"));
    for n in 0..processors {
        match fleet.launch(STORM, "processor", &[]) {
            Ok(engine) => {
                thread::sleep(lasting);
                // Every other one leaves politely, so that its shards move at once.
                if n % 2 == 0 {
                    engine.kill()
                } else {
                    engine.signal("TERM")
                }
                thread::sleep(lasting / 2);
            }
            Err(end) => fleet.tell(&format!("a processor of the storm did not start: {end}")),
        }
    }
    fleet.tell("the storm is over");
}
