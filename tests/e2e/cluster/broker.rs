//! One broker of three dies, each of them in turn: so also the one that leads a shard's partition, and those that coordinate the
//! transactions and the group.

use super::{Parts, load::Load, proof};
use crate::e2e::world::Home;
use std::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_of_three_dies_and_what_was_answered_stays() {
    let brokers = engines::KafkaCluster::start(3);
    let parts = Parts::open_on(Home::on(&brokers.bootstrap(), 3)).await;
    let _others = [parts.start("processor"), parts.start("projector")];
    let load = Load::start(&parts);
    load.goes_on(Instant::now(), 20).await;
    for broker in 0..3 {
        let killed = Instant::now();
        brokers.kill(broker);
        load.goes_on(killed, 20).await;
        let pause = (0..super::SHARDS).map(|shard| load.longest_pause(shard, killed)).max();
        println!("the longest pause after the death of broker {broker}: {pause:.1?}");
        brokers.restart(broker);
        load.goes_on(Instant::now(), 20).await;
    }
    let holds = load.end().await;
    println!("{} holds, {} sent more than once", holds.len(), holds.values().filter(|hold| hold.sent > 1).count());
    proof::holds_add_up(&parts, &holds).await;
}
