//! The waiting room: one place per shopper, drawn ranks for the early, and admissions whose clocks can stand still.
//!
//! Every step costs the logarithm of the places. What can be found from the places alone is not stored.

use super::draw;
use schemas::{
    SubjectId, Timestamp,
    drop::{QueueLevels, Seed},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// How far a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Not admitted yet.
    #[serde(rename = "w")]
    Waits,
    /// May claim until then, on the clock of admissions: see [`Room::until`].
    #[serde(rename = "a")]
    Admitted(i64),
    /// Used up by a claim.
    #[serde(rename = "u")]
    Used,
    /// Let pass.
    #[serde(rename = "x")]
    Expired,
}

/// A shopper's newest place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// In the order of joining, from 1.
    pub number: u64,
    /// Fixed by the draw, or by joining late.
    pub rank: Option<u64>,
    pub stage: Stage,
}

impl Place {
    /// Whether it still leads to a claim.
    pub fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Waits | Stage::Admitted(_))
    }
}

/// The state of the waiting room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Room {
    places: BTreeMap<SubjectId, Place>,
    pub levels: QueueLevels,
    /// Of the draw; not before nobody can join early any more.
    seed: Option<Seed>,
    /// How many joined early.
    early: u64,
    /// How many milliseconds the clocks of admissions have stood still since the start, as of the last time they went.
    stood_still: i64,
    /// They stand still since then.
    stopped_at: Option<Timestamp>,
    /// Shoppers who wait, by rank.
    waiting: BTreeMap<u64, SubjectId>,
    /// Who is admitted, by the end of that and the rank.
    admitted: BTreeSet<(i64, u64, SubjectId)>,
    /// Who is still to be drawn, the next one last.
    undrawn: Vec<([u8; 32], SubjectId)>,
}

impl Room {
    /// A waiting room that nobody has entered.
    pub fn new() -> Self {
        Self { levels: QueueLevels { next_rank: 1, ..QueueLevels::default() }, ..Self::default() }
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// A shopper's newest place.
    pub fn place(&self, shopper: &SubjectId) -> Option<&Place> {
        self.places.get(shopper)
    }

    /// Whether early shoppers are still to be drawn.
    pub fn is_drawing(&self) -> bool {
        !self.undrawn.is_empty()
    }

    /// The shoppers who are drawn next.
    pub fn next_drawn(&self) -> impl Iterator<Item = &SubjectId> {
        self.undrawn.iter().rev().map(|(_, shopper)| shopper)
    }

    /// The rank that is drawn next.
    pub fn next_drawn_rank(&self) -> u64 {
        self.early - self.undrawn.len() as u64 + 1
    }

    /// Who waits, by rank, from that one on.
    pub fn waiting(&self, from: u64) -> impl Iterator<Item = (u64, &SubjectId)> {
        self.waiting.range(from..).map(|(rank, shopper)| (*rank, shopper))
    }

    /// Whose admission has come to its end, in order.
    pub fn expired(&self, now: Timestamp) -> impl Iterator<Item = &SubjectId> {
        let runs = self.stopped_at.is_none();
        self.admitted
            .iter()
            .take_while(move |(ends, _, _)| runs && self.until(*ends, now) <= now)
            .map(|(_, _, who)| who)
    }

    /// The earliest end of an admission, while the clocks go.
    pub fn due(&self) -> Option<Timestamp> {
        let (ends, _, _) = self.admitted.first().filter(|_| self.stopped_at.is_none())?;
        Some(Timestamp::from_millis(ends.saturating_add(self.stood_still)))
    }

    /// The end of an admission as it is now: it moves while the clocks stand still.
    pub fn until(&self, ends: i64, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(ends.saturating_add(self.stood_still_at(now)))
    }

    /// How long the clocks of admissions have stood still since the start, in milliseconds.
    pub fn stood_still_ms(&self, now: Timestamp) -> u64 {
        u64::try_from(self.stood_still_at(now)).expect("time does not go back")
    }

    fn stood_still_at(&self, now: Timestamp) -> i64 {
        self.stood_still + self.stopped_at.map_or(0, |since| now.millis() - since.millis())
    }

    /// Lets the clocks of admissions go, or stops them.
    pub fn run(&mut self, runs: bool, time: Timestamp) {
        if !runs {
            self.stopped_at.get_or_insert(time);
        } else {
            self.stood_still = self.stood_still_at(time);
            self.stopped_at = None;
        }
    }

    /// A shopper takes the next place.
    pub fn join(&mut self, shopper: &SubjectId, number: u64, rank: Option<u64>) {
        self.levels.places += 1;
        assert_eq!(number, self.levels.places, "places are numbered densely");
        if let Some(rank) = rank {
            assert_eq!(rank, number, "who is late goes by the order of joining");
            self.waiting.insert(rank, shopper.clone());
        }
        let before = self.places.insert(shopper.clone(), Place { number, rank, stage: Stage::Waits });
        assert!(before.is_none_or(|before| !before.is_open()), "a shopper has one place");
    }

    /// Nobody joins early any more: the order of the draw is what it is.
    pub fn open(&mut self, seed: Seed) {
        (self.stood_still, self.stopped_at) = (0, None);
        self.seed = Some(seed);
        self.early = self.levels.places;
        self.prepare_draw();
    }

    fn prepare_draw(&mut self) {
        let Some(seed) = &self.seed else { return };
        let early = self.places.iter().filter(|(_, place)| place.rank.is_none());
        let key = |shopper: &SubjectId, place: &Place| {
            if !planted::bug!("draw-ignores-seed") {
                return draw::key_of(seed, shopper);
            }
            let mut by_number = [0; 32];
            by_number[..8].copy_from_slice(&place.number.to_be_bytes());
            by_number
        };
        self.undrawn = early.map(|(shopper, place)| (key(shopper, place), shopper.clone())).collect();
        self.undrawn.sort_unstable_by(|a, b| b.cmp(a));
    }

    /// The next early shoppers have their ranks.
    pub fn draw(&mut self, first_rank: u64, shoppers: &[SubjectId]) {
        for (rank, shopper) in (first_rank..).zip(shoppers) {
            let (_, next) = self.undrawn.pop().expect("no more are drawn than joined early");
            assert_eq!(next, *shopper, "the draw is what the seed says");
            self.places.get_mut(shopper).expect("who is drawn has joined").rank = Some(rank);
            self.waiting.insert(rank, next);
        }
    }

    /// The next in line may claim.
    pub fn admit(&mut self, shoppers: &[SubjectId], until: Timestamp) {
        assert!(!self.is_drawing(), "nobody is admitted before the draw is out");
        let ends = until.millis() - self.stood_still;
        for shopper in shoppers {
            let (rank, next) = self.waiting.pop_first().expect("no more are admitted than wait");
            assert_eq!(next, *shopper, "the next is the one with the lowest rank");
            self.places.get_mut(shopper).expect("who waits has joined").stage = Stage::Admitted(ends);
            self.admitted.insert((ends, rank, next));
            self.levels.next_rank = rank + 1;
            self.levels.admitted += 1;
        }
    }

    /// An admission is over: used up by a claim, or let pass.
    pub fn leave(&mut self, shopper: &SubjectId, stage: Stage) {
        let place = self.places.get_mut(shopper).expect("who is admitted has joined");
        let Stage::Admitted(ends) = place.stage else { panic!("{shopper} is not admitted") };
        let rank = place.rank.expect("who is admitted has a rank");
        place.stage = stage;
        let was = self.admitted.remove(&(ends, rank, shopper.clone()));
        assert!(was, "who is admitted stands among the admitted");
        self.levels.admitted -= 1;
    }

    /// The drop is over: nobody is admitted any more.
    pub fn close(&mut self) {
        *self = Self { levels: self.levels, seed: self.seed, early: self.early, ..Self::default() };
    }
}

/// As it stands in a snapshot, where a place is a short row.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    levels: QueueLevels,
    seed: Option<Seed>,
    early: u64,
    stood_still: i64,
    stopped_at: Option<Timestamp>,
    places: Vec<Row>,
}

type Row = (SubjectId, u64, Option<u64>, Stage);

impl Serialize for Room {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut stored = serializer.serialize_struct("Room", 6)?;
        stored.serialize_field("levels", &self.levels)?;
        stored.serialize_field("seed", &self.seed)?;
        stored.serialize_field("early", &self.early)?;
        stored.serialize_field("stoodStill", &self.stood_still)?;
        stored.serialize_field("stoppedAt", &self.stopped_at)?;
        stored.serialize_field("places", &Rows(&self.places))?;
        stored.end()
    }
}

struct Rows<'a>(&'a BTreeMap<SubjectId, Place>);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(who, place)| (who, place.number, place.rank, place.stage)))
    }
}

impl<'de> Deserialize<'de> for Room {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Stored { levels, seed, early, stood_still, stopped_at, places } = Stored::deserialize(deserializer)?;
        let mut room = Self { levels, seed, early, stood_still, stopped_at, ..Self::default() };
        for (shopper, number, rank, stage) in places {
            match (rank, stage) {
                (Some(rank), Stage::Waits) => {
                    room.waiting.insert(rank, shopper.clone());
                }
                (Some(rank), Stage::Admitted(ends)) => {
                    room.admitted.insert((ends, rank, shopper.clone()));
                }
                (_, Stage::Waits | Stage::Admitted(_) | Stage::Used | Stage::Expired) => {}
            }
            room.places.insert(shopper, Place { number, rank, stage });
        }
        room.prepare_draw();
        Ok(room)
    }
}
