//! What happens when: a schedule of faults that a seed makes, before anything runs.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use std::{fmt, time::Duration};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// kill -9 of a process of the engine, which is started again.
    Kill,
    /// SIGSTOP and SIGCONT of one.
    Freeze,
    /// SIGTERM of one, which is started again.
    Terminate,
    /// Processors come and go, each before the shards have settled.
    Storm,
    /// kill -9 of a broker, which is started again.
    BrokerKill,
    /// A broker is frozen.
    BrokerFreeze,
    /// The disk of a broker is full: it stops itself, and is started again when there is room.
    BrokerDiskFull,
    /// kill -9 of the CQL node, which is started again.
    CqlBounce,
    /// The CQL node is frozen.
    CqlFreeze,
    /// The disk of the CQL node is full: it serves no longer, and is started again when there is room.
    CqlDiskFull,
}

impl Kind {
    pub const ALL: [Self; 10] = [
        Self::Kill,
        Self::Freeze,
        Self::Terminate,
        Self::Storm,
        Self::BrokerKill,
        Self::BrokerFreeze,
        Self::BrokerDiskFull,
        Self::CqlBounce,
        Self::CqlFreeze,
        Self::CqlDiskFull,
    ];

    /// As the report names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill -9",
            Self::Freeze => "freeze",
            Self::Terminate => "SIGTERM",
            Self::Storm => "rebalance storm",
            Self::BrokerKill => "broker kill -9",
            Self::BrokerFreeze => "broker freeze",
            Self::BrokerDiskFull => "broker disk full",
            Self::CqlBounce => "CQL bounce",
            Self::CqlFreeze => "CQL freeze",
            Self::CqlDiskFull => "CQL disk full",
        }
    }

    /// What it hits.
    const fn room(self) -> Room {
        match self {
            Self::Kill | Self::Freeze | Self::Terminate => Room::Process,
            Self::Storm => Room::Storm,
            Self::BrokerKill | Self::BrokerFreeze | Self::BrokerDiskFull => Room::Broker,
            Self::CqlBounce | Self::CqlFreeze | Self::CqlDiskFull => Room::Cql,
        }
    }
}

/// What is hit; of all but processes one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Process,
    Storm,
    Broker,
    Cql,
}

/// A fault to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Since the beginning.
    pub at: Duration,
    pub kind: Kind,
    /// Which process or broker; in a storm, how many processors.
    pub who: usize,
    pub lasting: Duration,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>6.1} s  {:<16} {} {:.1} s",
            self.at.as_secs_f64(),
            self.kind.name(),
            self.who,
            self.lasting.as_secs_f64()
        )
    }
}

/// Brokers of the cluster.
pub const BROKERS: usize = 3;

/// How long a broker that was away has to get all that it missed, before another may go: no partition may lose two.
const BROKER_RECOVERS: Duration = Duration::from_secs(15);

/// The same of the CQL node, and of a process: without it there would be nothing to hit.
const CQL_RECOVERS: Duration = Duration::from_secs(15);
const PROCESS_RECOVERS: Duration = Duration::from_secs(4);

/// The faults of a seed, ascending, of so many processes in so long a time.
pub fn plan(seed: u64, length: Duration, processes: usize) -> Vec<Fault> {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut faults, mut free) =
        (Vec::new(), Free { process: vec![Duration::ZERO; processes], others: [Duration::ZERO; 3] });
    // Every kind comes early once, so that a short run has them all; servers first, which take long to come back.
    let mut first = Kind::ALL.to_vec();
    first.shuffle(&mut random);
    first.sort_by_key(|kind| matches!(kind.room(), Room::Process | Room::Storm));
    let mut at = Duration::from_secs(3);
    while at < length {
        for _ in 0..random.random_range(1..=3) {
            let due = first.iter().copied().find(|kind| free.has(kind.room(), at));
            let kind = due.unwrap_or_else(|| any(&mut random));
            let Some(who) = free.somebody(kind, at, &mut random) else { continue };
            first.retain(|other| *other != kind);
            let lasting = lasting(kind, &mut random);
            free.take(kind, who, at + lasting);
            faults.push(Fault { at, kind, who, lasting });
        }
        at += Duration::from_millis(random.random_range(1_500..6_000));
    }
    faults
}

/// Processes are many, and are hit more often.
fn any(random: &mut StdRng) -> Kind {
    match random.random_range(0..100) {
        0..35 => Kind::Kill,
        35..60 => Kind::Freeze,
        60..68 => Kind::Terminate,
        68..76 => Kind::Storm,
        76..82 => Kind::BrokerKill,
        82..86 => Kind::BrokerFreeze,
        86..90 => Kind::BrokerDiskFull,
        90..93 => Kind::CqlBounce,
        93..97 => Kind::CqlFreeze,
        _ => Kind::CqlDiskFull,
    }
}

/// How long it lasts: of what is killed or stops itself, until it is started again.
fn lasting(kind: Kind, random: &mut StdRng) -> Duration {
    let millis = match kind {
        Kind::Kill => 0..6_000,
        Kind::Freeze => 1_000..15_000,
        Kind::Terminate => 0..2_000,
        Kind::Storm => 500..2_500,
        Kind::BrokerKill | Kind::BrokerFreeze => 1_000..12_000,
        Kind::CqlBounce => 0..5_000,
        Kind::BrokerDiskFull | Kind::CqlDiskFull | Kind::CqlFreeze => 1_000..8_000,
    };
    Duration::from_millis(random.random_range(millis))
}

/// From when on somebody may be hit again.
struct Free {
    process: Vec<Duration>,
    /// Storms, brokers, CQL.
    others: [Duration; 3],
}

impl Free {
    fn other(room: Room) -> usize {
        match room {
            Room::Process | Room::Storm => 0,
            Room::Broker => 1,
            Room::Cql => 2,
        }
    }

    /// Whether there may be somebody to hit now; a process is drawn first.
    fn has(&self, room: Room, at: Duration) -> bool {
        room == Room::Process || self.others[Self::other(room)] <= at
    }

    /// Whom a fault may hit now.
    fn somebody(&self, kind: Kind, at: Duration, random: &mut StdRng) -> Option<usize> {
        let free = |room| self.has(room, at);
        match kind.room() {
            Room::Process => {
                let who = random.random_range(0..self.process.len());
                (self.process[who] <= at).then_some(who)
            }
            Room::Storm => free(Room::Storm).then(|| random.random_range(2..=4)),
            Room::Broker => free(Room::Broker).then(|| random.random_range(0..BROKERS)),
            Room::Cql => free(Room::Cql).then_some(0),
        }
    }

    fn take(&mut self, kind: Kind, who: usize, until: Duration) {
        match kind.room() {
            Room::Process => self.process[who] = until + PROCESS_RECOVERS,
            Room::Storm => self.others[0] = until * 2,
            Room::Broker => self.others[1] = until + BROKER_RECOVERS,
            Room::Cql => self.others[2] = until + CQL_RECOVERS,
        }
    }
}

#[test]
fn a_seed_makes_one_schedule_that_never_takes_two_brokers() {
    for seed in 0..200 {
        let faults = plan(seed, Duration::from_secs(600), 7);
        assert_eq!(faults, plan(seed, Duration::from_secs(600), 7));
        let short = plan(seed, super::SHORT, 7);
        assert!(Kind::ALL.iter().all(|kind| short.iter().any(|fault| fault.kind == *kind)), "{seed} lacks a kind");
        let away: Vec<_> = faults.iter().filter(|fault| fault.kind.room() == Room::Broker).collect();
        assert!(away.windows(2).all(|two| two[0].at + two[0].lasting + BROKER_RECOVERS <= two[1].at), "{away:?}");
    }
    assert_ne!(plan(1, Duration::from_secs(600), 7), plan(2, Duration::from_secs(600), 7));
}
