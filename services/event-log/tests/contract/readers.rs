//! Readers: committed records only, in order, from anywhere.

use crate::world::{World, event, events, lease, read, seqs, try_read};
use event_log::{CommitOutcome, ReadFrom};
use schemas::Topic;
use std::time::Duration;

super::on_every_log!(
    a_reader_goes_on_where_it_stood,
    a_reader_begins_at_any_record,
    a_reader_of_many_partitions_gets_each_in_order,
    a_poll_brings_about_as_much_as_is_asked_for,
    a_reopened_log_reads_the_same,
);

fn a_reader_goes_on_where_it_stood(world: &mut dyn World) {
    let log = world.open();
    let mut owner = lease(&*log, 1);
    let mut reader = log.reader(&[ReadFrom { topic: Topic::InventoryEvents, partition: 1, offset: 0 }]).unwrap();
    assert!(reader.poll(1 << 20, Duration::ZERO).unwrap().is_empty());
    for seq in 1..=5 {
        let batch = events(&*owner, [seq]);
        assert_eq!(owner.commit(batch), CommitOutcome::Committed);
        world.settle();
        let records = reader.poll(1 << 20, Duration::from_secs(5)).unwrap();
        assert_eq!(seqs(&records), [seq]);
        let next = records[0].offset + 1;
        assert_eq!(reader.places(), [ReadFrom { topic: Topic::InventoryEvents, partition: 1, offset: next }]);
    }
}

fn a_reader_begins_at_any_record(world: &mut dyn World) {
    let log = world.open();
    let mut owner = lease(&*log, 1);
    for first in [1, 4] {
        let batch = events(&*owner, first..first + 3);
        assert_eq!(owner.commit(batch), CommitOutcome::Committed);
    }
    world.settle();
    for record in read(&*log, Topic::InventoryEvents, 1) {
        let rest = try_read(&*log, Topic::InventoryEvents, 1, record.offset).unwrap();
        assert_eq!(seqs(&rest), (record.envelope.unwrap().seq..=6).collect::<Vec<_>>());
    }
    let end = log.end(Topic::InventoryEvents, 1).unwrap();
    assert_eq!(end, read(&*log, Topic::InventoryEvents, 1).last().unwrap().offset + 1);
    assert!(try_read(&*log, Topic::InventoryEvents, 1, end).unwrap().is_empty());
}

fn a_reader_of_many_partitions_gets_each_in_order(world: &mut dyn World) {
    let log = world.open();
    for shard in 0..4 {
        let mut owner = lease(&*log, shard);
        for seq in 1..=30 {
            let mut batch = events(&*owner, [seq]);
            batch.events.extend(Topic::EVENTS[1..].iter().map(|topic| event(&*owner, *topic, seq)));
            assert_eq!(owner.commit(batch), CommitOutcome::Committed);
        }
    }
    world.settle();
    let places = Topic::EVENTS.into_iter().flat_map(|topic| (0..4).map(move |partition| (topic, partition)));
    let from: Vec<_> = places.clone().map(|(topic, partition)| ReadFrom { topic, partition, offset: 0 }).collect();
    let mut reader = log.reader(&from).unwrap();
    let mut records = Vec::new();
    while records.len() < 4 * Topic::EVENTS.len() * 30 {
        let more = reader.poll(100, Duration::from_secs(5)).unwrap();
        assert!(!more.is_empty(), "only {} records", records.len());
        records.extend(more);
    }
    for (topic, partition) in places {
        let of_partition: Vec<_> =
            records.iter().filter(|record| (record.topic, record.partition) == (topic, partition)).cloned().collect();
        assert_eq!(seqs(&of_partition), (1..=30).collect::<Vec<_>>());
    }
}

fn a_poll_brings_about_as_much_as_is_asked_for(world: &mut dyn World) {
    let log = world.open();
    let mut owner = lease(&*log, 1);
    for seq in 1..=100 {
        let batch = events(&*owner, [seq]);
        assert_eq!(owner.commit(batch), CommitOutcome::Committed);
    }
    world.settle();
    let mut reader = log.reader(&[ReadFrom { topic: Topic::InventoryEvents, partition: 1, offset: 0 }]).unwrap();
    assert_eq!(reader.poll(1, Duration::from_secs(5)).unwrap().len(), 1);
    let some = reader.poll(1_000, Duration::from_secs(5)).unwrap().len();
    assert!((2..99).contains(&some), "{some}");
}

fn a_reopened_log_reads_the_same(world: &mut dyn World) {
    let before = {
        let log = world.open();
        let mut owner = lease(&*log, 1);
        for seq in 1..=20 {
            let batch = events(&*owner, [seq]);
            assert_eq!(owner.commit(batch), CommitOutcome::Committed);
        }
        world.settle();
        (read(&*log, Topic::InventoryEvents, 1), log.end(Topic::InventoryEvents, 1).unwrap())
    };
    world.close();
    let log = world.open();
    assert_eq!(read(&*log, Topic::InventoryEvents, 1), before.0);
    assert_eq!(log.end(Topic::InventoryEvents, 1).unwrap(), before.1);
}
