//! The real processes under real faults: a schedule of them hits a whole cluster under load, and what is left must add up.
//!
//! Three brokers, a CQL node and seven processes of the engine ([`fleet`]) serve clients ([`scenario`]) that ask again with
//! the same key while nobody knows the outcome. A seed makes the schedule ([`plan`]): the same seed hits the same at the
//! same time, though what runs meanwhile is not the same to the byte. After it comes a time without faults in which every
//! call must be answered and everything must end. Then the log goes to the checker of the simulation, which shares no code
//! with the engine and judges every command and every event; what clients were told is held against the log
//! ([`answers`]), and what both APIs show against the checker's fold ([`shown`]).
//!
//! `make chaos` takes ten minutes; `MINUTES=2` as many, `SEED=7` repeats a schedule. As a test it is short. A full disk is a
//! limit that the kernel sets to one server's files: every write fails until there is room, on any Linux and without
//! privileges.

mod answers;
mod client;
mod fleet;
mod history;
mod log;
mod nemesis;
mod plan;
mod report;
mod scenario;
mod shown;
mod tampered;

use crate::{
    e2e::{cluster::items_of, engine::Engine, world::SHARDS},
    sim::checker::{self, evidence::Event},
};
use client::Client;
use fleet::Fleet;
use history::History;
use log::Tail;
use rand::{SeedableRng as _, rngs::StdRng};
use report::Report;
use reqwest::StatusCode;
use scenario::Shop;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How long faults happen in an ordinary run of the tests.
const SHORT: Duration = Duration::from_secs(75);

const CLIENTS: usize = 32;
/// Each client has its own: a checkout makes older ones of its shopper make way.
const SHOPPERS: usize = CLIENTS;

/// Units of an item that is hot, and of one that is not.
const FEW: u32 = 12;
const MANY: u32 = 200_000;

/// Within this time after the last fault everything has ended: a hold lives for seconds, and a minute of grace.
const ENDS_WITHIN: Duration = Duration::from_secs(240);

/// Within this time the views have what the log has.
const SHOWN_WITHIN: Duration = Duration::from_secs(60);

/// Between two looks.
const LOOK: Duration = Duration::from_secs(2);

/// What the checker would say of a history of the simulation, and is checked here in another way: the form of answers and
/// views over HTTP is another one.
const CHECKED_ELSEWHERE: [&str; 2] = ["views-equal-fold", "the-run-proves-something"];

/// Settings of a run.
#[derive(Debug, Clone, Copy)]
struct Run {
    seed: u64,
    length: Duration,
}

impl Run {
    fn from_environment() -> Self {
        let setting = |name: &str| {
            let text = std::env::var(name).ok()?;
            Some(text.parse::<f64>().unwrap_or_else(|_| panic!("{name} is a number, not `{text}`")))
        };
        let seed = setting("SEED").map_or_else(|| u64::from(rand::random::<u16>()), |seed| seed as u64);
        let length = setting("MINUTES").map_or(SHORT, |minutes| Duration::from_secs_f64(minutes * 60.0));
        Self { seed, length }
    }
}

/// Opens a shop on a fleet: one process makes the secrets and leaves, two make the stock. Two, for the checker wants all
/// commands in the log, where those are that come from another process.
async fn open(fleet: &Fleet) -> Shop {
    let up = Engine::start(Arc::clone(&fleet.home), "up", &[]);
    assert!(up.terminate(), "SIGTERM ends with success");
    let processor = Engine::start(Arc::clone(&fleet.home), "processor", &[]);
    let api = Engine::start(Arc::clone(&fleet.home), "api", &[]);
    let hot: Vec<String> = (0..SHARDS).map(|shard| items_of(shard).next().expect("every shard has items")).collect();
    let cold: Vec<String> = (0..SHARDS).flat_map(|shard| items_of(shard).skip(1).take(2)).collect();
    for (items, units) in [(&hot, FEW), (&cold, MANY)] {
        for item in items {
            api.stock(item, 700, units).await;
        }
    }
    let shop = Shop {
        hot,
        cold,
        service: api.token("service", "shop"),
        operator: api.token("operator", "ops"),
        shoppers: (0..SHOPPERS).map(|n| api.token("shopper", &format!("shopper-{n}"))).collect(),
        closed: AtomicBool::new(false),
    };
    assert!(api.terminate() && processor.terminate(), "SIGTERM ends with success");
    shop
}

/// Sends clients, who come until the shop closes.
fn send_clients(seed: u64, fleet: &Arc<Fleet>, shop: &Arc<Shop>, history: &Arc<History>) -> JoinSet<()> {
    let client = |number: usize| Client {
        number,
        fleet: Arc::clone(fleet),
        history: Arc::clone(history),
        random: StdRng::seed_from_u64(seed ^ ((number as u64 + 1) << 32)),
        seen: BTreeMap::new(),
    };
    (0..CLIENTS).map(|number| scenario::shop(client(number), Arc::clone(shop))).collect()
}

/// Tells now and then how it goes.
async fn tell_progress(fleet: Arc<Fleet>, history: Arc<History>) {
    loop {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let (ends, missing) = (history.ends(), fleet.missing());
        let missing = if missing.is_empty() { String::new() } else { format!("; not there: {}", missing.join(", ")) };
        fleet.tell(&format!(
            "{} calls done, {} refused, {} unknown, {} sent again{missing}",
            ends.done, ends.refused, ends.unknown, ends.repeated
        ));
    }
}

/// Waits until every process is ready and nothing is under way, and reads the log; what does not end is wrong.
async fn calm(fleet: &Fleet, shop: &Shop, wrong: &mut Vec<String>) -> Vec<Event> {
    let (begun, mut tail) = (Instant::now(), Tail::default());
    loop {
        let mut waits = match tail.read(fleet, &shop.operator).await {
            Ok(()) => log::under_way(&tail.events),
            Err(error) => vec![error],
        };
        waits.extend(not_ready(fleet).await);
        if waits.is_empty() {
            fleet.tell(&format!("everything has ended {:.1?} after the last answer", begun.elapsed()));
            return tail.events;
        }
        if begun.elapsed() > ENDS_WITHIN {
            wrong.extend(waits.into_iter().map(|what| format!("does not end: {what}")));
            return tail.events;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Processes that are not there, or say that they are not ready.
async fn not_ready(fleet: &Fleet) -> Vec<String> {
    let mut waits: Vec<_> = fleet.missing().into_iter().map(|name| format!("{name} is not there")).collect();
    for slot in &fleet.slots {
        let Some(engine) = slot.engine() else { continue };
        let ready = engine.try_ask(reqwest::Method::GET, "/readyz", crate::e2e::engine::Ask::default()).await;
        match ready {
            Ok(answer) if answer.status == StatusCode::OK => {}
            Ok(answer) => waits.push(format!("{} is not ready: {}", slot.name, answer.body)),
            Err(error) => waits.push(format!("{} does not answer: {error}", slot.name)),
        }
    }
    waits
}

/// Waits until the views show what the log has; how many rows were compared.
async fn views(fleet: &Fleet, shop: &Shop, events: &[Event], wrong: &mut Vec<String>) -> usize {
    let (begun, models) = (Instant::now(), log::fold(events));
    loop {
        let (count, differ) = shown::check(fleet, &models, &shop.service, &shop.operator).await;
        if differ.is_empty() || begun.elapsed() > SHOWN_WITHIN {
            wrong.extend(differ);
            return count;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The simulation's checker over the log.
fn judge(fleet: &Fleet, events: Vec<Event>, wrong: &mut Vec<String>) -> checker::evidence::Evidence {
    let evidence = log::evidence(fleet, events);
    let found = checker::check(&evidence).into_iter().filter(|v| !CHECKED_ELSEWHERE.contains(&v.invariant));
    wrong.extend(found.map(|violation| format!("{}: {}", violation.invariant, violation.what)));
    wrong.extend(log::dead_letters(fleet));
    evidence
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_oversold_lost_or_kept_whatever_dies() {
    let run = Run::from_environment();
    println!("chaos of seed {}, {:.1} minutes", run.seed, run.length.as_secs_f64() / 60.0);
    let fleet = Arc::new(Fleet::start(run.seed));
    let shop = Arc::new(open(&fleet).await);
    let (supervisors, history) = (fleet.supervise(), Arc::<History>::default());
    let clients = send_clients(run.seed, &fleet, &shop, &history);
    let progress = tokio::spawn(tell_progress(Arc::clone(&fleet), Arc::clone(&history)));
    let begun = Instant::now();
    while history.ends().done < CLIENTS {
        assert!(begun.elapsed() < ENDS_WITHIN, "nobody is served; logs are in {}", fleet.folder.display());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    let faults = plan::plan(run.seed, run.length, Fleet::processes());
    println!("the schedule, from {:.1} s on:", fleet.clock().as_secs_f64());
    faults.iter().for_each(|fault| println!("  {fault}"));
    let carried_out = {
        let (fleet, faults) = (Arc::clone(&fleet), faults.clone());
        tokio::task::spawn_blocking(move || nemesis::run(&fleet, &faults)).await.expect("it is carried out")
    };
    fleet.tell("no more faults");
    shop.closed.store(true, Ordering::Relaxed);
    clients.join_all().await;
    fleet.tell("every client has gone");
    let mut wrong = carried_out.wrong.clone();
    let events = calm(&fleet, &shop, &mut wrong).await;
    let rows = views(&fleet, &shop, &events, &mut wrong).await;
    progress.abort();

    let calls = history.calls();
    wrong.extend(history.all_wrong());
    let evidence = judge(&fleet, events, &mut wrong);
    let (checked, told_wrong) = answers::check(&calls, &evidence.events);
    wrong.extend(told_wrong);
    wrong.extend(answers::proves_something(&calls));
    drop(supervisors);
    wrong.extend(fleet.panics());
    let report = Report {
        run,
        calls: &calls,
        carried_out: &carried_out,
        evidence: &evidence,
        checked,
        rows,
        reads: history.reads(),
        wrong: &wrong,
    };
    report.print(&fleet);
    assert!(wrong.is_empty(), "{}", report.failure(&fleet));
    std::fs::remove_dir_all(&fleet.folder).expect("the logs are ours");
}
