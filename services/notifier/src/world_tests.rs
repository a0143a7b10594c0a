//! Followers, shoppers who are told a thing once, and a notifier that crashes wherever it can.

use crate::{
    core::{Core, Effect, Page, Setup},
    core_tests::{NOW, cancelled, record, subject, told},
};
use read_model::{Checkpoints, views::fan_outs::Cursor};
use schemas::{EffectId, Event, Position, ShardCount, SubjectId, Topic};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const PARTITIONS: u32 = 3;
const CHUNK: usize = 4;

/// What outlives a crash: followers, what shoppers were told, what was noted, and the checkpoint.
#[derive(Default)]
struct World {
    followers: BTreeMap<u32, BTreeSet<SubjectId>>,
    known: BTreeSet<(SubjectId, EffectId)>,
    inbox: BTreeMap<SubjectId, u32>,
    noted: BTreeMap<Position, Cursor>,
    checkpoints: Checkpoints,
    asked: usize,
}

impl World {
    fn with(followers: usize) -> Self {
        let mut world = Self::default();
        for number in 0..followers {
            let partition = u32::try_from(number).expect("few") * 7 % PARTITIONS;
            world.followers.entry(partition).or_default().insert(subject(&format!("s-{number:04}")));
        }
        world
    }

    /// As the views are read.
    fn page(&self, event: Position, from: Option<Cursor>) -> Page {
        let from = from.or_else(|| self.noted.get(&event).cloned()).unwrap_or_default();
        let (chunks, mut after) = (from.chunks + 1, from.after);
        for partition in from.partition..PARTITIONS {
            let all = self.followers.get(&partition).into_iter().flatten();
            let behind = all.filter(|id| after.as_ref().is_none_or(|after| *id > after));
            let followers: Vec<SubjectId> = behind.take(CHUNK).cloned().collect();
            if !followers.is_empty() {
                let same = Cursor { partition, after: followers.last().cloned(), chunks };
                let other = Cursor { partition: partition + 1, after: None, chunks };
                let next = if followers.len() < CHUNK { other } else { same };
                return Page { followers, next: (next.partition < PARTITIONS).then_some(next) };
            }
            after = None;
        }
        Page { followers: Vec::new(), next: None }
    }

    /// Runs a notifier for so many steps, or until nothing is left; whether it came to the end.
    fn run(&mut self, steps: usize) -> bool {
        let setup = Setup { node: 1, shards: ShardCount::new(PARTITIONS).expect("a count"), per_second: 1_000_000 };
        let mut core = Core::new(setup, &self.checkpoints);
        let read = self.checkpoints.get(&(Topic::DropsEvents, 0)).map_or(0, |checkpoint| checkpoint.seq);
        for seq in read + 1..=2 {
            core.take(&record("d-1", seq, Event::Drop(cancelled())), NOW, 0).expect("taken");
        }
        let mut todo: VecDeque<Effect> = VecDeque::new();
        for step in 0.. {
            todo.extend(core.take_effects());
            let Some(effect) = todo.pop_front() else { break };
            if step == steps {
                return false;
            }
            match effect {
                Effect::Page { job, event, from, .. } => core.paged(job, self.page(event, from), step as u64),
                Effect::Keep { event, cursor } => _ = self.noted.insert(event, cursor),
                Effect::Submit { tell, command } => {
                    let (shopper, notification) = told(&command);
                    self.asked += 1;
                    if self.known.insert((shopper.clone(), notification.notification_id)) {
                        *self.inbox.entry(shopper).or_default() += 1;
                    }
                    core.replied(tell);
                }
                Effect::Buyers { .. } => panic!("nobody has ordered"),
            }
            core.tick(step as u64);
            // Written now and then: here after every third step.
            if step % 3 == 0 {
                self.checkpoints = core.done().collect();
            }
        }
        self.checkpoints = core.done().collect();
        true
    }
}

#[test]
fn whoever_follows_is_told_once_wherever_it_crashes() {
    let followers = 23;
    for crash in 0.. {
        let mut world = World::with(followers);
        let has_ended = world.run(crash);
        let before = world.asked;
        // The same drop was called off once: of its two events one is a repeat under another number.
        assert!(world.run(usize::MAX), "it comes to an end");
        assert_eq!(world.inbox.len(), followers, "crash after {crash} steps");
        assert!(world.inbox.values().all(|told| *told == 1), "crash after {crash} steps: {:?}", world.inbox);
        let repeated = world.asked - 2 * followers;
        assert!(repeated <= 2 * CHUNK, "crash after {crash} steps, {before} asked: {repeated} were asked again");
        if has_ended {
            return;
        }
    }
}

#[test]
fn a_notifier_that_crashes_all_the_time_gets_on_and_asks_few_again() {
    let mut world = World::with(200);
    let mut crashes = 0;
    while !world.run(CHUNK * 3 + crashes % 5) {
        crashes += 1;
        assert!(crashes < 200, "it gets on");
    }
    assert_eq!((world.inbox.len(), world.inbox.values().max()), (200, Some(&1)));
}
