//! One seed from the first command to the last check.

mod calm;
mod late;
pub mod saga;
mod weather;

use super::{
    Tally, bump,
    checker::{
        self,
        evidence::{Evidence, list},
    },
    clients::Clients,
    doom::Doom,
    generators::{self, Made, service},
    invariants,
    owner::{After, Owner, Weather},
    provider::Provider,
    random::Random,
    swarm::Swarm,
    tail::Tail,
    views::Views,
};
use event_log::{
    EventLog, SubmitError,
    simulated::{Profile, SimulatedLog, SimulatedOptions},
};
use schemas::{Caller, Command, CommandEnvelope, ShardCount, ShardId, Timestamp};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

/// When every world begins, in milliseconds since 1970.
const BEGINNING: i64 = 1_700_000_000_000;
/// What is remembered for a day must not be forgotten in a run: its clock moves no further.
const LONGEST_MS: i64 = 20 * 3_600_000;

struct World {
    swarm: Swarm,
    random: Random,
    log: Arc<SimulatedLog>,
    now: Timestamp,
    /// The latest time that was.
    latest: Timestamp,
    step: u64,
    owners: Vec<Option<Owner>>,
    /// Owners that sleep before a commit: of which shard, and until when.
    sleepers: Vec<(u64, usize, Owner)>,
    /// Commands that are under way, and when they arrive.
    network: Vec<(u64, CommandEnvelope)>,
    clients: Clients,
    made: Made,
    provider: Provider,
    tail: Tail,
    views: Views,
    /// While it is calm nothing fails.
    calm: Arc<AtomicBool>,
    fates: Arc<Mutex<Tally>>,
    tally: Tally,
    doom: Arc<Doom>,
}

/// Runs a seed up to its last check: what it left behind, and how often what happened.
///
/// # Panics
/// With the name of the invariant that an engine's own assertion, or the world itself, found broken.
pub fn run(swarm: &Swarm) -> (Evidence, Tally) {
    let mut world = World::new(swarm.clone());
    for command in generators::opening(&mut world.made, &mut world.random, swarm) {
        world.wish(0, service(), command);
        // Small inboxes take no more before somebody works.
        if swarm.inbox < 100 {
            (0..world.owners.len()).for_each(|shard| _ = world.pass(shard));
        }
    }
    for _ in 0..swarm.steps {
        world.step();
    }
    world.calm_down();
    world.end()
}

impl World {
    fn new(swarm: Swarm) -> Self {
        let shards = ShardCount::new(swarm.shards).expect("a few");
        let options = SimulatedOptions::new(swarm.profile, shards);
        let (inbox_capacity, has_shortcut) = (swarm.inbox, swarm.shortcut);
        let log = SimulatedLog::new(SimulatedOptions { inbox_capacity, has_shortcut, ..options });
        let (calm, fates) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Tally::new())));
        let mut random = Random::new(swarm.seed);
        log.on_commit(weather::fates(&swarm.faults, random.fork(), Arc::clone(&calm), Arc::clone(&fates)));
        let mut clients = Clients::default();
        clients.node = log.register(clients.inbox.clone());
        let now = Timestamp::from_millis(BEGINNING);
        Self {
            random,
            log,
            now,
            latest: now,
            step: 0,
            owners: (0..swarm.shards).map(|_| None).collect(),
            sleepers: Vec::new(),
            network: Vec::new(),
            clients,
            made: Made::default(),
            provider: Provider::default(),
            tail: Tail::default(),
            views: Views::default(),
            calm,
            fates,
            tally: Tally::new(),
            doom: Arc::new(Doom::never()),
            swarm,
        }
    }

    fn step(&mut self) {
        self.step += 1;
        match self.random.below(100) {
            0..28 => self.ask(),
            28..33 => self.ask_again(),
            33..38 => self.provider_answers(),
            38..72 => {
                // In a shop the way from an order to its return is long.
                for _ in 0..if self.swarm.shop || self.swarm.drops { 4 } else { 1 } {
                    let shard = self.random.below(self.owners.len() as u64);
                    self.pass(usize::try_from(shard).expect("a few"));
                }
            }
            72..82 => self.move_replies(),
            82..89 => self.project(),
            89..93 => self.read_views(),
            93..98 => self.time_passes(),
            _ => {
                let shard = self.random.below(self.owners.len() as u64);
                self.pass(usize::try_from(shard).expect("a few"));
            }
        }
        self.weather();
        self.arrive();
        self.listen();
    }

    /// A client wants something.
    fn wish(&mut self, client: usize, caller: Caller, command: Command) -> usize {
        let wish = self.clients.wish(client, caller, command);
        self.submit_wish(wish);
        wish
    }

    fn submit_wish(&mut self, wish: usize) {
        let envelope = self.clients.ask(wish, self.now);
        self.send(envelope);
    }

    /// Now, or when the weather lets it arrive.
    fn submit(&mut self, envelope: CommandEnvelope) {
        match self.log.submit(envelope.clone()) {
            Ok(()) => {
                self.clients.arrived(&envelope, self.latest.millis());
                bump(&mut self.tally, "commands");
            }
            // In good weather there is room once somebody has worked.
            Err(SubmitError::Full) if self.is_calm() => {
                (0..self.owners.len()).for_each(|shard| _ = self.pass(shard));
                self.submit(envelope);
            }
            Err(SubmitError::Full | SubmitError::DiskReserve) => bump(&mut self.tally, "not taken"),
            Err(other) => panic!("the simulated log takes commands: {other}"),
        }
    }

    fn ask(&mut self) {
        let client = usize::try_from(self.random.below(self.swarm.clients as u64)).expect("a few");
        self.tail.read(&self.log);
        self.made.now = self.now.millis();
        self.made.crowd.read(&self.tail.events);
        self.made.floor.read(&self.tail.events, &mut self.random);
        for (caller, command) in self.made.ask(&mut self.random, &self.swarm) {
            self.wish(client, caller, command);
        }
    }

    /// The same once more, or the same id with something else.
    fn ask_again(&mut self) {
        let Some(wish) = self.clients.again(&mut self.random) else { return };
        if self.random.chance(15) {
            let number = self.clients.wishes() as u64;
            let wished = self.clients.wished(wish).clone();
            if let Some(command) = generators::twist(&wished.command, number) {
                bump(&mut self.tally, "same id, other content");
                self.wish(0, wished.caller, command);
                return;
            }
        }
        bump(&mut self.tally, "asked again");
        self.submit_wish(wish);
    }

    fn provider_answers(&mut self) {
        self.tail.read(&self.log);
        self.provider.read(&self.tail.events);
        if let Some(command) = self.provider.answer(&mut self.random, self.swarm.quirks) {
            let envelope = self.clients.tell(service(), command, self.now);
            self.send(envelope);
        }
    }

    fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    /// Whether the shard had something to do.
    fn pass(&mut self, shard: usize) -> bool {
        let id = ShardId(u32::try_from(shard).expect("a few"));
        let (log, swarm, doom) = (Arc::clone(&self.log), self.swarm.clone(), Arc::clone(&self.doom));
        let weather = Weather { now: self.now, swarm: &swarm, calm: self.is_calm(), doom: &doom };
        let (random, tally) = (&mut self.random, &mut self.tally);
        let owner = self.owners[shard].take();
        let mut owner = owner.unwrap_or_else(|| Owner::recover(&log, id, &weather, random, tally));
        match owner.pass(&log, &weather, random, tally) {
            After::Serves { busy } => {
                self.owners[shard] = Some(owner);
                busy
            }
            After::Sleeps => {
                let until = self.step + self.random.below(30);
                self.sleepers.push((until, shard, owner));
                true
            }
            After::Gone => true,
        }
    }

    /// Batches become durable; replies arrive, or are lost.
    fn move_replies(&mut self) {
        let n = usize::try_from(self.random.between(1, 6)).expect("small");
        match self.swarm.profile {
            Profile::Embedded => self.log.make_durable(n),
            Profile::Cluster if self.random.per_mille(self.swarm.faults.reply_lost) => {
                if self.log.replies_under_way() > 0 {
                    bump(&mut self.tally, "fault: reply lost");
                }
                self.log.lose_replies(1);
            }
            Profile::Cluster => self.log.deliver_replies(n),
        }
    }

    /// Clients look at their answers.
    fn listen(&mut self) {
        self.tail.read(&self.log);
        self.clients.hear(self.step, &self.tail.seen, &self.swarm, &mut self.random, &mut self.tally);
    }

    fn project(&mut self) {
        let records = usize::try_from(self.random.below(40)).expect("small");
        let second = self.random.per_mille(self.swarm.faults.second_projector);
        if second {
            bump(&mut self.tally, "fault: second projector");
        }
        let (views, tally) = (&mut self.views, &mut self.tally);
        views.project(&self.log, usize::from(second), records, Some(&self.swarm.faults), &mut self.random, tally);
    }

    /// What the run left behind.
    fn end(mut self) -> (Evidence, Tally) {
        let (views, random) = (&mut self.views, &mut self.random);
        (0..2).for_each(|which| views.project(&self.log, which, usize::MAX, None, random, &mut self.tally));
        self.tail.read(&self.log);
        for (what, n) in self.fates.lock().expect("no panic holds it").iter() {
            *self.tally.entry(what.clone()).or_default() += n;
        }
        for event in &self.tail.events {
            bump(&mut self.tally, &event.name);
            for refusal in list(&event.value, "refusals") {
                let why = refusal["refusal"]["reason"].as_str().or_else(|| refusal["cause"].as_str());
                bump(&mut self.tally, &format!("{}: {}", event.name, why.unwrap_or("?")));
            }
            let parts = list(&event.value, "subOrders");
            if event.name == "sub-orders-planned" && parts.len() > 1 {
                let joined = parts.iter().any(|part| !part["parent"].is_null());
                bump(&mut self.tally, if joined { "plans of joined parcels" } else { "plans of several parcels" });
            }
        }
        *self.tally.entry("events".to_owned()).or_default() += self.tail.events.len() as u64;
        let seconds = (self.latest.millis() - BEGINNING) / 1_000;
        *self.tally.entry("simulated seconds".to_owned()).or_default() += seconds.unsigned_abs();
        let evidence = Evidence {
            events: self.tail.events,
            internal: self.tail.internal,
            calls: self.clients.calls,
            answers: self.clients.answers,
            reads: self.clients.reads,
            views: self.views.all(),
            skew: self.swarm.faults.skew_ms,
        };
        let ends = invariants::unknown::count(&evidence);
        for (what, n) in [
            ("calls done", ends.done),
            ("calls refused", ends.refused),
            ("calls unknown, done", ends.unknown_done),
            ("calls unknown, not done", ends.unknown_not),
            ("calls unknown", ends.unknown),
        ] {
            *self.tally.entry(what.to_owned()).or_default() += n;
        }
        (evidence, self.tally)
    }
}

/// What the checker says of a run, as text; `None` where nothing is wrong.
pub fn judge(evidence: &Evidence) -> Option<String> {
    let found = checker::check(evidence);
    let first = found.first()?;
    let others: Vec<_> =
        found.iter().skip(1).take(4).map(|v| format!("  also `{}`: {}", v.invariant, v.what)).collect();
    let others = if others.is_empty() { String::new() } else { format!("\n{}", others.join("\n")) };
    Some(format!("`{}` is broken: {}{others}", first.invariant, first.what))
}
