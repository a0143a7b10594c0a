//! A fixed saga, and a death at every step of it: whatever dies when, all holds end, and money and stock agree.
//!
//! The seeds meet such deaths by chance; here none is left out. The run without a death counts the steps (see
//! [`Doom`]); then each of them is the last one of a run. What follows is as it always is: the shards recover, clients
//! ask again until they are answered, the planner and the provider read the log. At the end the checker of the simulation
//! looks at all of it, and every order and item must be what it is without a death.

mod script;

use super::{World, judge};
use crate::sim::{
    Tally,
    checker::evidence::{Evidence, ITEMS, ORDERS, minor},
    doom::{Doom, Victim},
    generators,
    swarm::{Faults, Swarm},
};
use event_log::simulated::{Fate, OnCommit, Profile};
use script::{Act, Script, end, script};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// What each order and item came to.
type End = BTreeMap<String, Value>;

/// How commits on a cluster end that do not end well, each a step of its own.
const FATES: [(&str, Fate); 4] = [
    ("commit aborted", Fate::Aborted),
    ("commit fenced", Fate::Fenced),
    ("commit indefinite, in the log", Fate::Indefinite { committed: true }),
    ("commit indefinite, not in the log", Fate::Indefinite { committed: false }),
];

/// The places that every run must have had, or it proves nothing of them.
const PLACES: [&str; 5] = ["has taken a command", "has polled", "has decided", "has committed", "has folded"];

fn fates(doom: Arc<Doom>) -> OnCommit {
    Box::new(move |_| {
        let struck = FATES.into_iter().find(|(place, _)| doom.strikes(place));
        struck.map_or(Fate::Committed, |(_, fate)| fate)
    })
}

fn stage(profile: Profile) -> Swarm {
    let faults = Faults::default();
    Swarm { profile, shards: 3, quirks: 0, snapshot_every: 8, inbox: 10_000, shop: true, faults, ..Swarm::of(1) }
}

impl World {
    fn play(&mut self, script: &Script) {
        self.calm.store(true, Ordering::Relaxed);
        self.provider.undecided.extend(script.undecided.iter().cloned());
        for act in &script.acts {
            match act {
                Act::Ask(ask) => {
                    let (caller, command) = (**ask).clone();
                    let wish = self.clients.wish(0, caller, command);
                    self.until_answered(wish);
                }
                Act::Decide(payment) => {
                    self.provider.undecided.remove(payment);
                    self.rest();
                }
                Act::Pass(seconds) => {
                    self.now = self.latest.plus_seconds(*seconds);
                    self.latest = self.now;
                    self.rest();
                }
            }
        }
        // Who died with the last step is there again.
        self.doom = Arc::new(Doom::never());
        self.rest();
        self.check_owners();
    }

    fn until_answered(&mut self, wish: usize) {
        for _ in 0..4 {
            self.submit_wish(wish);
            self.may_die("has taken a command");
            self.rest();
            if !self.clients.unanswered().contains(&wish) {
                return;
            }
        }
        panic!("answered-is-in-log: never answered: {:?}", self.clients.wished(wish));
    }

    /// A step of what is no shard: whether it was the last one.
    fn may_die(&mut self, place: &'static str) -> bool {
        let dies = self.doom.strikes(place);
        self.fall();
        dies
    }

    /// The process ends if it has to.
    fn fall(&mut self) {
        if self.doom.ends_the_process() {
            self.crash();
        }
    }

    /// Until neither the shards nor the provider nor the planner has anything to do.
    fn rest(&mut self) {
        for round in 0.. {
            assert!(round < 200, "every-order-ends: the saga never comes to rest");
            self.work();
            self.fold();
            self.tail.read(&self.log);
            self.provider.read(&self.tail.events);
            self.made.floor.read(&self.tail.events, &mut self.random);
            let mut asks = generators::floor::plans(&mut self.made);
            let said = if self.provider.owes() > 0 { self.provider.answer(&mut self.random, 0) } else { None };
            asks.extend(said.map(|command| (generators::service(), command)));
            if asks.is_empty() {
                return;
            }
            for (caller, command) in asks {
                let envelope = self.clients.tell(caller, command, self.now);
                self.submit(envelope);
                self.may_die("has taken a command");
            }
        }
    }

    /// Until no shard has anything to do, and all that was committed is durable and told.
    fn work(&mut self) {
        for round in 0.. {
            assert!(round < 1_000, "every-order-ends: the shards never come to rest");
            self.step += 1;
            let mut busy = false;
            for shard in 0..self.owners.len() {
                busy |= self.pass(shard);
                self.fall();
            }
            busy |= self.carry();
            self.listen();
            if !busy {
                return;
            }
        }
    }

    /// One batch becomes durable, or one reply arrives: others have been decided meanwhile. Whether there was one.
    fn carry(&mut self) -> bool {
        match self.swarm.profile {
            Profile::Embedded => {
                let some = self.log.handed_over() > 0;
                if some && !self.may_die("is not flushed") {
                    self.log.make_durable(1);
                    self.may_die("is flushed");
                }
                some
            }
            Profile::Cluster => {
                let some = self.log.replies_under_way() > 0;
                if some && self.may_die("reply under way") {
                    self.log.lose_replies(1);
                } else if some {
                    self.log.deliver_replies(1);
                }
                some
            }
        }
    }

    /// The projector folds what is new, and dies before it has written that, if it does.
    fn fold(&mut self) {
        let view_lost = if self.doom.strikes("has folded") { 1_000 } else { 0 };
        let faults = Faults { view_lost, ..Faults::default() };
        let (views, random, tally) = (&mut self.views, &mut self.random, &mut self.tally);
        views.project(&self.log, 0, usize::MAX, Some(&faults), random, tally);
        self.fall();
    }
}

/// What a run came to, reckoned from the log in the plainest way.
fn ended(evidence: &Evidence) -> End {
    let mut end = End::new();
    for event in &evidence.events {
        let value = &event.value;
        if event.topic == ITEMS && !value["stock"].is_null() {
            let of = |name: &str| value["stock"][name].clone();
            let stock = json!([of("available"), of("onHand"), of("held"), of("committed")]);
            end.insert(format!("item {}", event.subject), stock);
        }
        if event.topic != ORDERS {
            continue;
        }
        let entry = end.entry(format!("order {}", event.subject)).or_insert_with(|| json!([null, 0, 0, 0, 0]));
        let sum = match event.name.as_str() {
            "payment-authorized" => 1,
            "payment-captured" => 2,
            "refund-due" => 3,
            "refund-settled" => 4,
            "order-confirmed" | "order-rejected" | "order-expired" | "order-cancelled" | "rehold-failed" => {
                entry[0] = json!(event.name);
                continue;
            }
            _ => continue,
        };
        entry[sum] = json!(entry[sum].as_i64().unwrap_or_default() + minor(value, "amount"));
    }
    end
}

/// Plays it; what it came to, and what is wrong with that.
fn play(profile: Profile, doom: Doom) -> (Result<End, String>, Arc<Doom>) {
    let doom = Arc::new(doom);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(stage(profile));
        world.doom = Arc::clone(&doom);
        // Where the whole process dies nobody is left to be told how a commit ended.
        if doom.victim() == Victim::Owner {
            world.log.on_commit(fates(Arc::clone(&doom)));
        }
        world.play(&script());
        let (evidence, _) = world.end();
        judge(&evidence).map_or_else(|| Ok(ended(&evidence)), Err)
    }));
    let panicked = |panic: Box<dyn std::any::Any + Send>| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!(
            "`{}` is broken: {}",
            crate::sim::invariants::named_by(text.unwrap_or("")),
            text.unwrap_or("a panic")
        ))
    };
    (outcome.unwrap_or_else(panicked), doom)
}

/// Dies at each of so many steps in turn; where it struck, and the first thing that went wrong.
fn die_at_each(steps: u64, profile: Profile, victim: Victim, expected: &End) -> (Tally, Option<String>) {
    let (next, found) = (AtomicU64::new(0), Mutex::new((Tally::new(), None)));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(8) {
            scope.spawn(|| {
                loop {
                    let step = next.fetch_add(1, Ordering::Relaxed);
                    if step >= steps || found.lock().expect("no panic holds it").1.is_some() {
                        break;
                    }
                    let (outcome, doom) = play(profile, Doom::at(step, victim));
                    let place = doom.struck();
                    let wrong = match outcome {
                        _ if place.is_none() => {
                            Some("nothing died: the run is not the one that was counted".to_owned())
                        }
                        Err(wrong) => Some(wrong),
                        Ok(end) => (end != *expected).then(|| format!("it came to {end:#?}, not to {expected:#?}")),
                    };
                    let mut found = found.lock().expect("no panic holds it");
                    super::bump(&mut found.0, place.unwrap_or("nowhere"));
                    if let Some(wrong) = wrong {
                        found.1.get_or_insert(format!(
                            "{profile:?}, {victim:?} dies at step {step} of {steps} (`{}`): {wrong}",
                            place.unwrap_or("nowhere")
                        ));
                    }
                }
            });
        }
    });
    found.into_inner().expect("no panic holds it")
}

/// All steps of one log and one kind of death.
fn every_step(profile: Profile, victim: Victim, places: &[&str]) {
    // There is no step of that number: nothing dies, and all steps are counted.
    let (outcome, doom) = play(profile, Doom::at(u64::MAX, victim));
    let outcome = outcome.unwrap_or_else(|wrong| panic!("without a death: {wrong}"));
    let expected: End = end().into_iter().map(|(what, value)| (what.to_owned(), value)).collect();
    assert_eq!(outcome, expected, "without a death");
    let counted = doom.places();
    for place in PLACES.iter().chain(places) {
        assert!(counted.get(*place).is_some_and(|n| *n > 0), "no step was at `{place}`: {counted:?}");
    }
    let steps = counted.values().sum();
    let (tried, wrong) = die_at_each(steps, profile, victim, &expected);
    assert_eq!(wrong, None);
    assert_eq!(tried, counted, "every step was the last of one run");
    println!("{profile:?}: {victim:?} died at each of {steps} steps, and all was well: {tried:?}");
}

#[test]
fn a_process_on_files_dies_at_every_step() {
    every_step(Profile::Embedded, Victim::Process, &["is not flushed", "is flushed"]);
}

#[test]
fn a_process_on_a_cluster_dies_at_every_step() {
    every_step(Profile::Cluster, Victim::Process, &["reply under way"]);
}

#[test]
fn the_owner_of_a_shard_dies_at_every_step() {
    every_step(Profile::Cluster, Victim::Owner, &FATES.map(|(place, _)| place));
}
