//! A store with many followers, in real views: read in chunks, and never all of them at once.
//!
//! `NOTIFIER_FOLLOWERS=1000000 cargo test --release -p notifier crowd` tells a million, and prints what memory that took.

use crate::{
    CHUNK,
    core::{Core, Effect, Setup},
    core_tests::{NOW, cancelled, record, subject, told},
    look::Sources,
};
use event_log::sqlite::{SqliteLog, SqliteOptions};
use read_model::{
    Checkpoints, ViewStore as _,
    fold::Fact,
    sqlite::SqliteViews,
    views::{self, followers},
};
use schemas::{
    Digest, Effect as Id, EffectId, Event, Position, ShardCount, StoreId, Topic,
    follows::{FollowsEvent, StoreFollowed},
};
use std::sync::Arc;

/// Who follows, by number.
fn name(number: u32) -> String {
    format!("follower-{number:08}")
}

async fn crowd(count: u32) -> (Sources, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let shards = ShardCount::new(3).expect("a count");
    let options = SqliteOptions { shards, disk_reserve_bytes: 0, ..SqliteOptions::new(dir.path()) };
    let log = SqliteLog::open(options).expect("a log");
    let store = Arc::new(SqliteViews::open(&dir.path().join("views.sqlite"), &views::tables()).expect("views"));
    let effect = Id { id: EffectId::parse("e").expect("an id"), digest: Digest::default() };
    let store_id = StoreId::parse("acme").expect("an id");
    let event = Event::Follows(FollowsEvent::from(StoreFollowed { effect, store: store_id }));
    let mut rows = Vec::new();
    for number in 0..count {
        let record = record(&name(number), u64::from(number) + 1, event.clone());
        let envelope = record.envelope.expect("an event");
        let position = Position { topic: Topic::FollowsEvents, partition: number % 3, seq: envelope.seq };
        let fact = Fact { position, envelope: &envelope, event: &event };
        <followers::ByStore as read_model::fold::Listing>::list(&fact, &mut rows);
        if rows.len() == 10_000 || number + 1 == count {
            store.write("tests", &rows, &Checkpoints::new()).await.expect("written");
            rows.clear();
        }
    }
    (Sources { log, views: store }, dir)
}

/// The most memory that this process has had, in KiB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_crowd_is_told_chunk_by_chunk() {
    let count: u32 = std::env::var("NOTIFIER_FOLLOWERS").ok().and_then(|count| count.parse().ok()).unwrap_or(20_000);
    let (sources, _dir) = crowd(count).await;
    let mut heard = vec![false; count as usize];
    let before = most_memory();
    let setup = Setup { node: 1, shards: sources.log.shards(), per_second: u32::MAX };
    let mut core = Core::new(setup, &Checkpoints::new());
    core.take(&record("d-1", 1, Event::Drop(cancelled())), NOW, 0).expect("taken");
    let (mut chunks, mut now_ms, mut most) = (0, 0, 0);
    loop {
        let effects = core.take_effects();
        if effects.is_empty() {
            let Some(due) = core.next_due_ms() else { break };
            now_ms = due;
            core.tick(now_ms);
            continue;
        }
        for effect in effects {
            match effect {
                Effect::Page { job, event, store, from } => {
                    let page = sources.page(event, &store, from).await.expect("it reads");
                    assert!(page.followers.len() <= CHUNK);
                    core.paged(job, page, now_ms);
                }
                Effect::Keep { event, cursor } => {
                    sources.keep(event, &cursor).await.expect("written");
                    chunks += 1;
                }
                Effect::Submit { tell, command } => {
                    let number = told(&command).0.as_str().rsplit('-').next().and_then(|n| n.parse::<usize>().ok());
                    let heard = &mut heard[number.expect("a number")];
                    assert!(!std::mem::replace(heard, true), "nobody is asked twice");
                    assert!(core.replied(tell));
                }
                Effect::Buyers { .. } => panic!("nobody has ordered"),
            }
            most = most.max(core.open().1);
        }
    }
    assert!(heard.iter().all(|heard| *heard), "everybody is told");
    assert_eq!(core.open(), (0, 0));
    assert!(most <= CHUNK, "{most} were in memory at once");
    assert!(chunks >= count as usize / CHUNK);
    println!("{count} followers in {chunks} chunks; memory grew by {} KiB at most", most_memory() - before);
}

#[tokio::test]
async fn a_fan_out_that_was_begun_goes_on_where_it_was_noted_and_one_that_ended_tells_nobody() {
    let (sources, _dir) = crowd(5_000).await;
    let event = Position { topic: Topic::DropsEvents, partition: 0, seq: 9 };
    let store = StoreId::parse("acme").expect("an id");
    let first = sources.page(event, &store, None).await.expect("it reads");
    assert_eq!((first.followers.len(), &first.followers[0]), (CHUNK, &subject(&name(0))));
    let next = first.next.expect("there are more");
    sources.keep(event, &next).await.expect("written");
    let second = sources.page(event, &store, None).await.expect("it reads");
    assert_eq!(Some(second), sources.page(event, &store, Some(next)).await.ok());
    let end = read_model::views::fan_outs::Cursor { partition: 3, after: None, chunks: 9 };
    sources.keep(event, &end).await.expect("written");
    let page = sources.page(event, &store, None).await.expect("it reads");
    assert_eq!((page.followers.len(), page.next), (0, None));
}
