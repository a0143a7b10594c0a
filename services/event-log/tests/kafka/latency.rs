//! scratch
use crate::{
    kafka::Kafka,
    world::{Sink, World, command, events, lease, reply},
};
use event_log::{Batch, CommitOutcome, EventLog};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

fn show(what: &str, mut took: Vec<Duration>) {
    took.sort();
    let n = took.len();
    println!(
        "{what}: p50 {:.1?} p90 {:.1?} p99 {:.1?} max {:.1?} slow(>20ms) {:.1}%",
        took[n / 2],
        took[n * 9 / 10],
        took[n * 99 / 100],
        took[n - 1],
        took.iter().filter(|t| **t > Duration::from_millis(20)).count() as f64 * 100.0 / n as f64
    );
}

#[test]
fn scratch_latency() {
    let mut world = Kafka::new();
    let log = world.open();
    let mut lease = lease(&*log, 1);
    let mut seq = 1;
    for warm in [true, false] {
        for (rest, name) in [(0, "back to back"), (6, "after 6 ms rest")] {
            for size in [1u64, 10, 100, 1000] {
                let mut took = vec![];
                for _ in 0..if warm { 60 } else { 400 } {
                    let batch = events(&*lease, seq..seq + size);
                    seq += size;
                    std::thread::sleep(Duration::from_millis(rest));
                    let t = Instant::now();
                    assert_eq!(lease.commit(batch), CommitOutcome::Committed);
                    took.push(t.elapsed());
                }
                if !warm {
                    show(&format!("commit of {size} events, {name}"), took);
                }
            }
        }
    }
    drop(lease);
    drop(log);
    for micros in [0u64, 500, 1000, 2000] {
        world.options.linger = Duration::from_micros(micros);
        let log = world.another();
        let sink = Arc::new(Sink::default());
        let node = log.register(sink.clone());
        let mut owner = crate::world::lease(&*log, 2);
        let (mut arrived, mut answered) = (vec![], vec![]);
        for n in 1..=300u32 {
            let t = Instant::now();
            log.submit(command(2, n)).unwrap();
            let polled = loop {
                let p = owner.poll(10, Duration::from_millis(50)).unwrap();
                if !p.commands.is_empty() {
                    break p;
                }
            };
            arrived.push(t.elapsed());
            let mut consumed = owner.consumed();
            polled.commands.iter().for_each(|r| consumed.pass(r.source));
            assert_eq!(
                owner.commit(Batch { consumed, replies: vec![reply(node, n.into())], ..Batch::default() }),
                CommitOutcome::Committed
            );
            while sink.requests().len() < n as usize {
                std::thread::yield_now();
            }
            answered.push(t.elapsed());
            std::thread::sleep(Duration::from_millis(3));
        }
        show(&format!("linger {micros} us: submit to poll"), arrived);
        show(&format!("linger {micros} us: submit to answer"), answered);
        // Throughput: 20,000 commands at once.
        let t = Instant::now();
        for n in 0..20_000u32 {
            while log.submit(command(2, n)).is_err() {
                std::thread::yield_now();
            }
        }
        let (mut got, mut txns) = (0, 0);
        while got < 20_000 {
            let polled = owner.poll(256, Duration::from_millis(50)).unwrap();
            if polled.commands.is_empty() {
                continue;
            }
            got += polled.commands.len();
            txns += 1;
            let mut consumed = owner.consumed();
            polled.commands.iter().for_each(|r| consumed.pass(r.source));
            let replies = polled.commands.iter().map(|r| reply(node, r.envelope.reply_to.unwrap().request)).collect();
            assert_eq!(owner.commit(Batch { consumed, replies, ..Batch::default() }), CommitOutcome::Committed);
        }
        println!("linger {micros} us: 20,000 commands in {:?}, {txns} transactions", t.elapsed());
    }
}
