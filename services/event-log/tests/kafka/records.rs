//! What others see, and what becomes of what others write.

use super::Kafka;
use crate::world::{
    LONG, World, command, event, events, item_of, lease, numbers, read, seqs, take, take_all, try_read,
};
use event_log::{Batch, CommitOutcome, EventLog, LogError, ReadFrom};
use rdkafka::producer::{BaseRecord, Producer};
use schemas::{Position, Topic, item::ItemEvent};
use std::time::{Duration, Instant};

/// All that a consumer of Kafka's own prints of the records of a topic.
fn consume(world: &Kafka, topic: Topic, count: u32) -> String {
    let (brokers, topic, count) = (&world.options.config.brokers, world.topic(topic), count.to_string());
    let told = engines::kafka_tool(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        &[
            ["--bootstrap-server", brokers, "--topic", &topic, "--max-messages", &count].as_slice(),
            &["--from-beginning", "--isolation-level", "read_committed", "--timeout-ms", "30000"],
            &["--property", "print.headers=true", "--property", "print.key=true", "--property", "print.partition=true"],
        ]
        .concat(),
    );
    assert!(told.status.success(), "{told:?}");
    String::from_utf8(told.stdout).unwrap()
}

#[test]
fn a_consumer_that_is_not_ours_sees_cloud_events() {
    let mut world = Kafka::new();
    let log = world.open();
    let mut owner = lease(&*log, 1);
    let first = event(&*owner, Topic::InventoryEvents, 1);
    let envelope = first.envelope.clone();
    assert_eq!(owner.commit(Batch { events: vec![first], ..Batch::default() }), CommitOutcome::Committed);
    let seen = consume(&world, Topic::InventoryEvents, 1);
    let id = Position { topic: Topic::InventoryEvents, partition: 1, seq: 1 };
    let expected = [
        "Partition:1".to_owned(),
        "content-type:application/json".to_owned(),
        "ce_specversion:1.0".to_owned(),
        format!("ce_id:{id}"),
        format!("ce_source:/{}", world.options.config.namespace),
        format!("ce_type:{}", ItemEvent::TYPES[0]),
        format!("ce_subject:{}", item_of(1)),
        format!("ce_time:{}", envelope.time),
        "ce_sequence:00000000000000000001".to_owned(),
        format!("ce_epoch:{}", owner.epoch()),
        "ce_causationid:c-1".to_owned(),
        "ce_correlationid:r-1".to_owned(),
        format!("traceparent:{}", envelope.traceparent.unwrap()),
        format!("{}\t{{\"n\":1}}", item_of(1)),
    ];
    for part in expected {
        assert!(seen.contains(&part), "no `{part}` in {seen}");
    }
}

#[test]
fn what_is_no_command_goes_to_the_dead_letters_and_holds_up_nothing() {
    let mut world = Kafka::new();
    let (log, other) = (world.open(), world.another());
    let mut owner = lease(&*log, 1);
    let stranger = world.stranger(&[]);
    let topic = world.topic(Topic::Commands);
    other.submit(command(1, 1)).unwrap();
    assert!(other.flush(LONG));
    // No JSON, no command, and one that belongs to another shard.
    let misplaced = serde_json::to_vec(&command(2, 7)).unwrap();
    for value in [b"?".as_slice(), b"{}", &misplaced] {
        stranger.send(BaseRecord::to(&topic).partition(1).key("who").payload(value)).unwrap();
    }
    stranger.flush(LONG).unwrap();
    other.submit(command(1, 2)).unwrap();
    assert!(other.flush(LONG));

    let taken = take(&mut *owner, 1);
    assert_eq!(numbers(&taken.commands), [1]);
    let mut consumed = owner.consumed();
    taken.commands.iter().for_each(|received| consumed.pass(received.source));
    assert_eq!(owner.commit(Batch { consumed, ..Batch::default() }), CommitOutcome::Committed);
    assert_eq!(take_all(&mut *owner), [2]);

    let letters = read(&*log, Topic::DeadLetters, 1);
    let text = |i: usize| String::from_utf8(letters[i].value.clone().unwrap()).unwrap();
    assert_eq!(letters.len(), 3);
    assert!(letters.iter().all(|letter| letter.key == "who"));
    assert!(text(0).contains("\"original\":\"?\""), "{}", text(0));
    assert!(text(2).contains("it belongs to shard 2"), "{}", text(2));
    // They are passed for good; the command after them was not committed.
    assert_eq!(lease(&*log, 1).consumed().commands, consumed.commands + 3);
    assert_eq!(take_all(&mut *lease(&*log, 1)), [2]);
}

#[test]
fn a_record_that_is_no_event_has_no_envelope() {
    let mut world = Kafka::new();
    let log = world.open();
    let stranger = world.stranger(&[]);
    let topic = world.topic(Topic::OrdersEvents);
    stranger.send(BaseRecord::to(&topic).partition(0).key("o-1").payload("{}")).unwrap();
    stranger.flush(LONG).unwrap();
    let records = read(&*log, Topic::OrdersEvents, 0);
    assert_eq!((records.len(), records[0].envelope.as_ref()), (1, None));
}

#[test]
fn a_reader_says_which_events_are_missing() {
    let mut world = Kafka::new();
    let log = world.open();
    let mut owner = lease(&*log, 1);
    for seq in 1..=3 {
        assert_eq!(owner.commit(events(&*owner, [seq])), CommitOutcome::Committed);
    }
    let newest = read(&*log, Topic::InventoryEvents, 1)[2].offset;
    let refusal = |offset: u64| {
        let from = ReadFrom { topic: Topic::InventoryEvents, partition: 1, offset };
        match log.reader(&[from]).and_then(|mut reader| reader.poll(1, LONG)) {
            Err(LogError::Corrupt(text)) => text,
            other => panic!("{other:?}"),
        }
    };
    let text = refusal(newest + 100);
    assert!(text.contains(&format!("and {} should be read", newest + 100)), "{text}");

    // Somebody deletes the beginning of the history.
    delete_before(&world, Topic::InventoryEvents, 1, newest);
    let text = refusal(0);
    assert!(text.contains(&format!("has the offsets {newest} to")), "{text}");
    assert_eq!(seqs(&try_read(&*log, Topic::InventoryEvents, 1, newest).unwrap()), [3]);
}

#[test]
fn of_topics_that_age_reading_begins_with_the_oldest_record_that_is_left() {
    let mut world = Kafka::new();
    let log = world.open();
    for n in 1..=3 {
        log.submit(command(1, n)).unwrap();
    }
    world.settle();
    delete_before(&world, Topic::Commands, 1, 2);
    let left = try_read(&*log, Topic::Commands, 1, 0).unwrap();
    assert_eq!(left.iter().map(|record| record.offset).collect::<Vec<_>>(), [2]);
}

#[test]
fn clients_commands_that_grew_too_old_are_passed_over() {
    let mut world = Kafka::new();
    let (log, other) = (world.open(), world.another());
    let mut owner = lease(&*log, 1);
    for n in 1..=3 {
        other.submit(command(1, n)).unwrap();
    }
    assert!(other.flush(LONG));
    delete_before(&world, Topic::Commands, 1, 2);
    assert_eq!(take_all(&mut *lease(&*log, 1)), [3]);
    assert!(owner.poll(10, Duration::ZERO).unwrap().closed);
}

#[test]
fn internal_commands_that_were_removed_before_they_were_decided_stop_the_shard_loudly() {
    let mut world = Kafka::new();
    let log = world.open();
    drop(lease(&*log, 2));
    let mut sender = lease(&*log, 1);
    let batch = Batch { internal: (1..=3).map(|n| command(2, n)).collect(), ..events(&*sender, [1]) };
    assert_eq!(sender.commit(batch), CommitOutcome::Committed);
    delete_before(&world, Topic::InternalCommands, 2, 2);
    let mut next = lease(&*log, 2);
    let until = Instant::now() + LONG;
    let text = loop {
        match next.poll(10, Duration::from_millis(10)) {
            Ok(polled) => assert!(polled.commands.is_empty() && !polled.drained, "{polled:?}"),
            Err(LogError::Corrupt(text)) => break text,
            Err(other) => panic!("{other:?}"),
        }
        assert!(Instant::now() < until, "it is silent");
    };
    assert!(text.contains("has the offsets 2 to 4, and the shard has come to 0"), "{text}");
}

/// Somebody deletes the records of a partition before an offset.
pub(super) fn delete_before(world: &Kafka, topic: Topic, partition: u32, offset: u64) {
    let list = tempfile::NamedTempFile::new().unwrap();
    let place = serde_json::json!({ "topic": world.topic(topic), "partition": partition, "offset": offset });
    serde_json::to_writer(&list, &serde_json::json!({ "version": 1, "partitions": [place] })).unwrap();
    let (brokers, path) = (&world.options.config.brokers, list.path().to_str().unwrap());
    let class = "org.apache.kafka.tools.DeleteRecordsCommand";
    let told = engines::kafka_tool(class, &["--bootstrap-server", brokers, "--offset-json-file", path]);
    assert!(told.status.success(), "{told:?}");
}
