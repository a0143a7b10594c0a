//! One seed from the first command to the last check.

use super::{
    MUST_HAPPEN, Tally,
    asks::{Made, service},
    audit::Audit,
    owner::{After, Owner, replay},
    provider,
    random::Random,
    shop::Shop,
    views::Views,
};
use event_log::{
    EventLog, SubmitError,
    simulated::{Fate, Profile, SimulatedLog, SimulatedOptions},
};
use schemas::{
    Caller, Command, CommandEnvelope, CommandId, CorrelationId, PositionToken, ShardCount, ShardId, Timestamp,
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

/// What a storm consists of, at most.
const STEPS: u32 = 260;

struct World {
    random: Random,
    log: Arc<SimulatedLog>,
    profile: Profile,
    now: Timestamp,
    owners: Vec<Option<Owner>>,
    shop: Shop,
    made: Made,
    audit: Audit,
    views: Views,
    /// While it is calm nothing fails.
    calm: Arc<AtomicBool>,
    fates: Arc<Mutex<Tally>>,
    tally: Tally,
    sent: u64,
}

/// Runs a seed; panics with what it broke.
pub fn run(seed: u64) -> Tally {
    let mut world = World::new(seed);
    for command in world.made.opening(&mut world.random) {
        let wish = world.shop.wish(service(), command);
        world.submit_wish(wish);
    }
    for _ in 0..world.random.between(STEPS / 2, STEPS) {
        world.step();
    }
    world.calm_down();
    world.check();
    world.tally
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let profile = if seed.is_multiple_of(2) { Profile::Embedded } else { Profile::Cluster };
        let shards = random.between(1, 4);
        let log = SimulatedLog::new(SimulatedOptions::new(profile, ShardCount::new(shards).expect("a few")));
        let (calm, fates) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Tally::new())));
        let mut fate_of = random.fork();
        let (is_calm, count) = (Arc::clone(&calm), Arc::clone(&fates));
        log.on_commit(Box::new(move |_| {
            let (fate, name) = match fate_of.below(100) {
                _ if is_calm.load(Ordering::Relaxed) => return Fate::Committed,
                0..3 => (Fate::Aborted, "aborted"),
                3..5 => (Fate::Fenced, "fenced"),
                5..7 => (Fate::Indefinite { committed: true }, "indefinite"),
                7..9 => (Fate::Indefinite { committed: false }, "indefinite"),
                _ => return Fate::Committed,
            };
            *count.lock().expect("no panic holds it").entry(name).or_default() += 1;
            fate
        }));
        let mut shop = Shop::default();
        shop.node = log.register(shop.inbox.clone());
        Self {
            random,
            log,
            profile,
            now: Timestamp::from_millis(1_700_000_000_000),
            owners: (0..shards).map(|_| None).collect(),
            shop,
            made: Made::default(),
            audit: Audit::default(),
            views: Views::default(),
            calm,
            fates,
            tally: Tally::new(),
            sent: 0,
        }
    }

    fn step(&mut self) {
        match self.random.below(100) {
            0..21 => self.ask(),
            21..27 => self.ask_again(),
            27..33 => self.provider_answers(),
            33..74 => {
                let shard = self.random.below(self.owners.len() as u64);
                self.pass(usize::try_from(shard).expect("a few"), 1);
            }
            74..86 => self.move_replies(),
            86..93 => {
                let records = usize::try_from(self.random.below(40)).expect("small");
                self.views.project(&self.log, records, &mut self.random, 5);
            }
            93..98 => self.time_passes(),
            98 => self.fence(),
            _ if self.random.chance(50) => self.crash(),
            _ => {}
        }
        self.listen();
    }

    fn time_passes(&mut self) {
        let millis = match self.random.below(10) {
            0..2 => self.random.between(60_000, 400_000),
            2..5 => self.random.between(5_000, 40_000),
            _ => self.random.between(1, 3_000),
        };
        self.now = self.now.plus_millis(i64::from(millis));
    }

    fn submit(&mut self, envelope: CommandEnvelope) {
        match self.log.submit(envelope) {
            Ok(()) | Err(SubmitError::Full) => {}
            Err(other) => panic!("the simulated log takes commands: {other}"),
        }
    }

    fn submit_wish(&mut self, wish: usize) {
        let envelope = self.shop.ask(wish, self.now);
        self.submit(envelope);
    }

    fn ask(&mut self) {
        for (caller, command) in self.made.ask(&mut self.random) {
            let wish = self.shop.wish(caller, command);
            self.submit_wish(wish);
        }
    }

    fn ask_again(&mut self) {
        if let Some(wish) = self.shop.again(&mut self.random) {
            *self.tally.entry("retried").or_default() += 1;
            self.submit_wish(wish);
        }
    }

    fn provider_answers(&mut self) {
        self.audit.read(&self.log);
        if let Some(command) = provider::answer(&self.audit, &mut self.random) {
            self.send(service(), command);
        }
    }

    /// A command that nobody waits for.
    fn send(&mut self, caller: Caller, command: Command) {
        self.sent += 1;
        let id = format!("p{}", self.sent);
        self.submit(CommandEnvelope {
            id: CommandId::parse(&id).expect("an id"),
            caller,
            correlation: CorrelationId::parse(&id).expect("an id"),
            reply_to: None,
            positions: PositionToken::default(),
            sent_at: self.now,
            traceparent: None,
            command,
        });
    }

    /// Whether the shard had something to do.
    fn pass(&mut self, shard: usize, deadly: u64) -> bool {
        let id = ShardId(u32::try_from(shard).expect("a few"));
        let mut owner = self.owners[shard].take().unwrap_or_else(|| Owner::recover(&self.log, id, &mut self.tally));
        match owner.pass(&self.log, self.now, &mut self.random, deadly) {
            After::Serves { busy } => {
                self.owners[shard] = Some(owner);
                busy
            }
            After::Gone => {
                *self.tally.entry("owner died").or_default() += 1;
                true
            }
        }
    }

    /// Batches become durable; replies arrive, or are lost.
    fn move_replies(&mut self) {
        let n = usize::try_from(self.random.between(1, 6)).expect("small");
        match self.profile {
            Profile::Embedded => self.log.make_durable(n),
            Profile::Cluster if self.random.chance(10) => {
                if self.log.replies_under_way() > 0 {
                    *self.tally.entry("reply lost").or_default() += 1;
                }
                self.log.lose_replies(1);
            }
            Profile::Cluster => self.log.deliver_replies(n),
        }
    }

    /// Clients look at their answers, and so does the audit.
    fn listen(&mut self) {
        let heard = self.shop.hear(&mut self.tally);
        if heard.is_empty() {
            return;
        }
        self.audit.read(&self.log);
        heard.iter().for_each(|(wish, reply)| self.audit.check_answer(wish, reply));
    }

    fn fence(&mut self) {
        let shard = self.random.below(self.owners.len() as u64);
        self.log.fence(ShardId(u32::try_from(shard).expect("a few")));
    }

    /// The process ends at once: what was not durable is gone, and so is everybody who waits.
    fn crash(&mut self) {
        *self.tally.entry("crash").or_default() += 1;
        self.owners.iter_mut().for_each(|owner| *owner = None);
        self.log.crash();
        self.shop.hang_up();
        self.shop.node = self.log.register(self.shop.inbox.clone());
    }

    /// Nothing fails any more: who was not answered asks once more, the provider answers all, every deadline passes.
    fn calm_down(&mut self) {
        self.calm.store(true, Ordering::Relaxed);
        self.settle();
        for wish in self.shop.unanswered() {
            self.submit_wish(wish);
        }
        self.settle();
        // In good weather to ask once is enough.
        for _ in 0..12 {
            self.ask();
        }
        self.settle();
        let open = self.shop.unanswered();
        assert!(open.is_empty(), "never answered: {:?}", self.shop.wished(open[0]));
        for _ in 0..6 {
            self.now = self.now.plus_seconds(500);
            self.settle();
        }
    }

    /// Until neither a shard nor the provider has anything to do.
    fn settle(&mut self) {
        self.run_dry();
        for round in 0.. {
            assert!(round < 1_000, "the provider is never done");
            self.audit.read(&self.log);
            if self.audit.open_at_provider().is_empty() {
                break;
            }
            for _ in 0..4 {
                self.provider_answers();
            }
            self.run_dry();
        }
    }

    /// All shards work until none has anything to do.
    fn run_dry(&mut self) {
        for round in 0.. {
            assert!(round < 1_000, "the shards never come to rest");
            let mut busy = false;
            for shard in 0..self.owners.len() {
                busy |= self.pass(shard, 0);
            }
            self.log.make_durable(usize::MAX);
            self.log.deliver_replies(usize::MAX);
            self.listen();
            if !busy {
                break;
            }
        }
    }

    fn check(&mut self) {
        self.audit.read(&self.log);
        self.audit.check_calm();
        for (shard, owner) in self.log.shards().all().zip(&self.owners) {
            let owner = owner.as_ref().expect("it is calm");
            assert_eq!(owner.shard.waiting(), 0, "somebody waits for ever");
            check_state(&self.log, shard, owner);
        }
        self.views.check(&self.log, &mut self.random);
        self.audit.count(&MUST_HAPPEN, &mut self.tally);
        for (what, n) in self.fates.lock().expect("no panic holds it").iter() {
            *self.tally.entry(what).or_default() += n;
        }
    }
}

/// What the owner knows is what a replay of all events makes, and what snapshots and the events after them make.
fn check_state(log: &SimulatedLog, shard: ShardId, owner: &Owner) {
    for with_snapshots in [false, true] {
        let epoch = owner.shard.epoch() + 1;
        let rebuilt =
            replay(log, shard, epoch, with_snapshots).finish(owner.shard.consumed()).expect("the log is whole");
        for (key, seq, state) in owner.shard.live() {
            let Some(other) = rebuilt.aggregate(key) else {
                assert!(state.is_finished(), "{key:?} is not rebuilt");
                continue;
            };
            let json = |state| serde_json::to_value(state).expect("plain data");
            assert_eq!(json(state), json(other), "{key:?}@{seq}, from snapshots: {with_snapshots}");
        }
    }
}
