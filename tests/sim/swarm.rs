//! What one seed is like: how large its world is, what is asked in it, and which faults it knows, how often.
//!
//! Each seed has a few faults only (Groce et al.: Swarm Testing, ISSTA 2012): where everything fails all the time, nothing
//! gets far enough for the next thing to fail.

use super::random::Random;
use event_log::simulated::Profile;
use std::fmt;

/// A fault and how often it comes, in a thousand times that it could.
pub type Rate = u64;

/// The settings of a seed.
#[derive(Debug, Clone)]
pub struct Swarm {
    pub seed: u64,
    pub profile: Profile,
    pub shards: u32,
    /// Physical items; one digital item comes with them.
    pub items: usize,
    pub locations: usize,
    pub shoppers: u64,
    pub clients: usize,
    /// Of a hundred commands, so many are about the first item.
    pub hot: u64,
    pub steps: u32,
    /// Lines of an order, at most.
    pub lines: u32,
    /// Of a hundred lines, so many name the item of the line before.
    pub duplicate_lines: u64,
    /// Of a hundred quantities and prices, so many are zero or the most there may be.
    pub extremes: u64,
    /// Of a hundred answers of the provider, so many are declined, partial, too much or in another currency.
    pub quirks: u64,
    /// Whether it is about orders that are sold, shipped and sent back, of few units here and there; else about anything.
    pub shop: bool,
    /// Whether it is about drops: a store sells few units at a time to that many shoppers.
    pub drops: bool,
    pub crowd: u64,
    /// Whether suppliers' systems say things, too.
    pub feeds: bool,
    /// Of a hundred commands of the floor, so many are plans; the others ship, deliver and take back.
    pub planning: u64,
    /// Of a hundred plans, so many join their parcels, and so many look at stock of the past.
    pub consolidated: u64,
    pub stale: u64,
    pub snapshot_every: u64,
    /// Commands of clients that may wait in memory at a shard.
    pub inbox: usize,
    /// Whether they do on a cluster, while their process owns the shard.
    pub shortcut: bool,
    pub faults: Faults,
}

/// Every kind of fault with its rate; zero where the seed does not know it.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// The process dies, and with it what is not durable.
    pub crash: Rate,
    /// An owner dies between two effects.
    pub death: Rate,
    pub aborted: Rate,
    pub fenced: Rate,
    /// Nobody knows whether it is committed.
    pub indefinite: Rate,
    /// An owner sleeps before its commit and wakes when another one has its shard.
    pub zombie: Rate,
    /// A shard starts from an old snapshot, or from none.
    pub old_snapshot: Rate,
    pub duplicate: Rate,
    pub delay: Rate,
    pub reply_lost: Rate,
    /// A client does not wait for its answer, or for a long time does not look.
    pub vanish: Rate,
    pub slow: Rate,
    /// Commands are not taken: a full disk.
    pub disk_full: Rate,
    pub view_lost: Rate,
    pub view_doubled: Rate,
    pub view_half: Rate,
    /// A second projector folds the same partitions.
    pub second_projector: Rate,
    pub clock_jump: Rate,
    /// Owners' clocks run ahead by up to so many milliseconds.
    pub skew_ms: i64,
}

impl Swarm {
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x5357_4152_4d00);
        let random = &mut random;
        let small = |random: &mut Random, most: u32| random.between(1, most);
        let shop = random.chance(60);
        let swarm = Self {
            seed,
            profile: if seed.is_multiple_of(2) { Profile::Embedded } else { Profile::Cluster },
            shards: small(random, if shop { 4 } else { 5 }),
            items: if shop { random.between(2, 4) } else { small(random, 5) } as usize,
            locations: if shop { random.between(2, 3) } else { small(random, 3) } as usize,
            shoppers: u64::from(small(random, 4)),
            clients: small(random, 6) as usize,
            hot: if random.chance(40) { random.below(90) } else { 0 },
            steps: if shop { random.between(200, 600) } else { random.between(120, 400) },
            lines: small(random, 6),
            duplicate_lines: if random.chance(40) { random.below(60) } else { 0 },
            extremes: if random.chance(25) { 1 + random.below(12) } else { 0 },
            quirks: if random.chance(50) { random.below(40) } else { 0 },
            shop,
            drops: false,
            crowd: 1,
            feeds: seed % 5 == 2,
            snapshot_every: u64::from(random.between(4, 40)),
            inbox: if random.chance(20) { 3 } else { 10_000 },
            shortcut: seed % 4 == 3,
            faults: Faults::of(random),
            planning: 15 + random.below(35),
            consolidated: if random.chance(75) { 40 + random.below(60) } else { 0 },
            stale: if random.chance(60) { random.below(90) } else { 0 },
        };
        if seed.is_multiple_of(3) { swarm.about_drops() } else { swarm }
    }

    /// One seed of three: of few units that are sold to some shoppers, or to many.
    fn about_drops(self) -> Self {
        let crowd = [4, 12, 40][usize::try_from(self.seed / 3 % 3).expect("below three")];
        let steps = self.steps.max(400);
        Self { shop: false, drops: true, crowd, steps, items: 4, inbox: 10_000, ..self }
    }
}

impl Faults {
    /// Half of the faults, each seldom, sometimes or often.
    fn of(random: &mut Random) -> Self {
        // One seed of sixteen has good weather.
        let fine = random.chance(6);
        let mut rate = |rates: [Rate; 3]| {
            let rate = rates[usize::try_from(random.below(3)).expect("below three")];
            if random.chance(50) && !fine { rate } else { 0 }
        };
        Self {
            crash: rate([2, 6, 20]),
            death: rate([5, 20, 80]),
            aborted: rate([10, 40, 150]),
            fenced: rate([5, 20, 80]),
            indefinite: rate([10, 40, 150]),
            zombie: rate([10, 30, 100]),
            old_snapshot: rate([100, 400, 1_000]),
            duplicate: rate([10, 50, 200]),
            delay: rate([50, 150, 400]),
            reply_lost: rate([20, 100, 300]),
            vanish: rate([10, 50, 200]),
            slow: rate([20, 100, 300]),
            disk_full: rate([5, 15, 50]),
            view_lost: rate([20, 100, 300]),
            view_doubled: rate([20, 100, 300]),
            view_half: rate([20, 100, 300]),
            second_projector: rate([100, 300, 500]),
            clock_jump: rate([5, 15, 40]),
            skew_ms: i64::try_from(rate([10, 2_000, 40_000])).expect("a few seconds"),
        }
    }
}

impl fmt::Display for Swarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { profile, shards, items, locations, shoppers, clients, hot, .. } = self;
        write!(
            f,
            "{profile:?}, {shards} shards, {items} items at {locations} places, {shoppers} shoppers, {clients} clients, "
        )?;
        write!(f, "{hot} % hot, {} steps, orders of {} lines, ", self.steps, self.lines)?;
        write!(f, "{} % doubled, {} % extreme, {} % quirks, ", self.duplicate_lines, self.extremes, self.quirks)?;
        write!(
            f,
            "{}, ",
            if self.shop {
                "a shop"
            } else if self.drops {
                "drops"
            } else {
                "anything"
            }
        )?;
        write!(f, "a crowd of {}, ", self.crowd)?;
        write!(f, "{}", if self.feeds { "suppliers, " } else { "" })?;
        write!(f, "{} % plans, {} % of them joined, {} % stale, ", self.planning, self.consolidated, self.stale)?;
        write!(f, "snapshots every {} events, inboxes for {}; ", self.snapshot_every, self.inbox)?;
        write!(f, "faults per mille: {:?}", self.faults)
    }
}
