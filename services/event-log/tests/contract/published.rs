//! Records that are published by themselves: durable, in order per key, in the shard of their key, with their headers.

use crate::world::{LONG, World, events, item_of, lease, read, seqs, shards};
use event_log::{CommitOutcome, EventLog, LogError, MAX_RECORD_BYTES, NewDeadLetter, NewRecord, ReadFrom, Record};
use schemas::{ShardId, Topic};
use std::{collections::BTreeMap, time::Duration};

super::on_every_log!(
    a_record_stands_in_the_shard_of_its_key_with_its_headers,
    records_of_a_key_are_in_their_order,
    what_was_published_is_there_after_a_reopening,
    of_states_the_last_record_of_each_key_is_the_newest,
    a_reader_follows_what_is_published,
    shards_go_on_while_others_publish,
    letters_of_shards_and_of_others_stand_side_by_side,
    what_can_never_be_written_is_refused_before_anything_is,
    a_closed_log_takes_nothing,
);

fn record(topic: Topic, key: &str, n: u32) -> NewRecord {
    let headers = vec![("ce_id".to_owned(), n.to_string().into_bytes())];
    NewRecord { topic, key: key.to_owned(), headers, value: Some(format!(r#"{{"n":{n}}}"#).into_bytes()) }
}

fn tombstone(topic: Topic, key: &str, n: u32) -> NewRecord {
    NewRecord { value: None, ..record(topic, key, n) }
}

/// What was published, as it is read.
fn told(record: &Record) -> NewRecord {
    let Record { topic, key, headers, value, envelope, .. } = record.clone();
    assert_eq!(envelope, None);
    NewRecord { topic, key, headers, value }
}

/// The numbers of the records of a key, in order.
fn numbers(records: &[Record], key: &str) -> Vec<u32> {
    let number = |record: &Record| String::from_utf8(record.headers[0].1.clone()).unwrap().parse().unwrap();
    records.iter().filter(|record| record.key == key).map(number).collect()
}

fn a_record_stands_in_the_shard_of_its_key_with_its_headers(world: &mut dyn World) {
    let log = world.open();
    let headers: Vec<(String, Vec<u8>)> = [
        ("ce_id", b"a".as_slice()),
        ("ce_id", b"twice"),
        ("", b"no name"),
        ("empty", b""),
        ("Stra\u{df}e", &[0xff, 0x00, 0xfe]),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_vec()))
    .into();
    for topic in [Topic::SupplierItems, Topic::DeadLetters, Topic::ItemsState, Topic::StockState, Topic::OrdersState] {
        for shard in 0..4 {
            let key = item_of(shard).to_string();
            let value = Some(vec![0xff, 0, b'{']);
            let published = NewRecord { topic, key: key.clone(), headers: headers.clone(), value };
            log.publish(vec![published.clone()]).unwrap();
            assert_eq!(shards().of_key(&key), ShardId(shard));
            let found = read(&*log, topic, shard);
            assert_eq!(found.iter().map(told).collect::<Vec<_>>(), [published], "{topic}/{shard}");
        }
    }
    log.publish(Vec::new()).unwrap();
}

fn records_of_a_key_are_in_their_order(world: &mut dyn World) {
    let log = world.open();
    let keys: Vec<_> = (0..8).map(|n| format!("sku-{n}")).collect();
    for call in 0..5 {
        let batch = (0..20).flat_map(|i| keys.iter().map(move |key| record(Topic::SupplierItems, key, call * 20 + i)));
        log.publish(batch.collect()).unwrap();
    }
    let all: Vec<_> = (0..4).flat_map(|shard| read(&*log, Topic::SupplierItems, shard)).collect();
    assert_eq!(all.len(), 800);
    for key in &keys {
        assert_eq!(numbers(&all, key), (0..100).collect::<Vec<_>>(), "{key}");
    }
}

fn what_was_published_is_there_after_a_reopening(world: &mut dyn World) {
    let topics = [Topic::SupplierItems, Topic::DeadLetters, Topic::StockState];
    let key = item_of(2).to_string();
    let before = {
        let log = world.open();
        for topic in topics {
            for n in 0..3 {
                log.publish(vec![record(topic, &format!("{key}-{n}"), n), record(topic, &key, n)]).unwrap();
            }
        }
        topics.map(|topic| (0..4).map(|shard| read(&*log, topic, shard)).collect::<Vec<_>>())
    };
    world.close();
    let log = world.open();
    let after = topics.map(|topic| (0..4).map(|shard| read(&*log, topic, shard)).collect::<Vec<_>>());
    assert_eq!(after, before);
    for topic in topics {
        let end = log.end(topic, 2).unwrap();
        log.publish(vec![record(topic, &key, 7)]).unwrap();
        let newest = read(&*log, topic, 2).pop().unwrap();
        assert!(newest.offset >= end, "{topic}: {} was given before {end}", newest.offset);
        assert_eq!(told(&newest), record(topic, &key, 7));
    }
}

/// What a reader of the whole topic has in the end: `None` where a key has ended.
fn newest(log: &dyn EventLog, topic: Topic) -> BTreeMap<String, Option<Vec<u8>>> {
    let all = (0..4).flat_map(|shard| read(log, topic, shard));
    all.map(|record| (record.key, record.value)).collect()
}

fn of_states_the_last_record_of_each_key_is_the_newest(world: &mut dyn World) {
    let log = world.open();
    for topic in Topic::STATES {
        for n in 0..30 {
            let a = record(topic, "a", n);
            let b = if n % 3 == 0 { tombstone(topic, "b", n) } else { record(topic, "b", n) };
            let batch = vec![a.clone(), b, NewRecord { value: Some(b"newer".to_vec()), ..a }];
            log.publish(batch).unwrap();
        }
        log.publish(vec![record(topic, "gone", 1), tombstone(topic, "gone", 2)]).unwrap();
    }
    let check = |log: &dyn EventLog| {
        for topic in Topic::STATES {
            let found = newest(log, topic);
            assert_eq!(found["a"], Some(b"newer".to_vec()), "{topic}");
            assert_eq!(found["b"], Some(br#"{"n":29}"#.to_vec()), "{topic}");
            assert_eq!(found["gone"], None, "{topic}");
            assert_eq!(found.len(), 3);
        }
    };
    check(&*log);
    drop(log);
    world.close();
    check(&*world.open());
}

fn a_reader_follows_what_is_published(world: &mut dyn World) {
    let log = world.open();
    let key = item_of(1).to_string();
    for topic in [Topic::SupplierItems, Topic::DeadLetters, Topic::OrdersState] {
        let mut reader = log.reader(&[ReadFrom { topic, partition: 1, offset: 0 }]).unwrap();
        for n in 0..4 {
            let published = if n == 2 { tombstone(topic, &key, n) } else { record(topic, &key, n) };
            log.publish(vec![published.clone()]).unwrap();
            let found = reader.poll(1 << 20, LONG).unwrap();
            assert_eq!(found.iter().map(told).collect::<Vec<_>>(), [published], "{topic}");
            assert_eq!(reader.places()[0].offset, log.end(topic, 1).unwrap());
        }
        assert!(reader.poll(1 << 20, Duration::ZERO).unwrap().is_empty());
    }
}

fn shards_go_on_while_others_publish(world: &mut dyn World) {
    let log = world.open();
    std::thread::scope(|scope| {
        for shard in 0..2 {
            let mut owner = lease(&*log, shard);
            scope.spawn(move || {
                for seq in 1..=50 {
                    let mut batch = events(&*owner, [seq]);
                    batch.dead_letters.push(NewDeadLetter::new("own", "why", b"", serde_json::Map::new()));
                    assert_eq!(owner.commit(batch), CommitOutcome::Committed);
                }
            });
        }
        for publisher in 0..2 {
            let log = &log;
            scope.spawn(move || {
                for n in 0..25 {
                    let key = format!("p-{publisher}");
                    let topics = [Topic::DeadLetters, Topic::SupplierItems, Topic::StockState];
                    log.publish(topics.map(|topic| record(topic, &key, n)).into()).unwrap();
                }
            });
        }
    });
    world.settle();
    let of = |topic| (0..4).flat_map(|shard| read(&*log, topic, shard)).collect::<Vec<_>>();
    let letters = of(Topic::DeadLetters);
    assert_eq!(letters.iter().filter(|letter| letter.key == "own").count(), 100);
    for key in ["p-0", "p-1"] {
        assert_eq!(numbers(&letters, key), (0..25).collect::<Vec<_>>());
        assert_eq!(numbers(&of(Topic::SupplierItems), key), (0..25).collect::<Vec<_>>());
        assert_eq!(numbers(&of(Topic::StockState), key).last(), Some(&24));
    }
    for shard in 0..2 {
        assert_eq!(seqs(&read(&*log, Topic::InventoryEvents, shard)), (1..=50).collect::<Vec<_>>());
    }
}

fn letters_of_shards_and_of_others_stand_side_by_side(world: &mut dyn World) {
    let log = world.open();
    let key = item_of(3).to_string();
    let mut owner = lease(&*log, 3);
    let mut expected = Vec::new();
    for n in 1..=3 {
        let letter = NewDeadLetter::new(&key, "why", n.to_string().as_bytes(), serde_json::Map::new());
        let value = Some(letter.value.clone());
        expected.push(NewRecord { topic: Topic::DeadLetters, key: key.clone(), headers: Vec::new(), value });
        let mut batch = events(&*owner, [n]);
        batch.dead_letters.push(letter);
        assert_eq!(owner.commit(batch), CommitOutcome::Committed);
        world.settle();
        let published = record(Topic::DeadLetters, &key, n as u32);
        log.publish(vec![published.clone()]).unwrap();
        expected.push(published);
    }
    let found: Vec<_> = read(&*log, Topic::DeadLetters, 3).iter().map(told).collect();
    assert_eq!(found, expected);
}

fn what_can_never_be_written_is_refused_before_anything_is(world: &mut dyn World) {
    let log = world.open();
    let good = record(Topic::SupplierItems, "a", 1);
    let large = NewRecord { value: Some(vec![b'x'; MAX_RECORD_BYTES as usize]), ..good.clone() };
    let named = NewRecord { headers: vec![("a\0b".to_owned(), Vec::new())], ..good.clone() };
    let elsewhere = record(Topic::InventoryEvents, "a", 1);
    for bad in [large, named, elsewhere] {
        let topic = bad.topic;
        let refused = log.publish(vec![good.clone(), bad]).unwrap_err();
        assert!(matches!(refused, LogError::Mismatch(_)), "{topic}: {refused}");
    }
    let shard = shards().of_key("a").0;
    assert!(read(&*log, Topic::SupplierItems, shard).is_empty());
    // As large as is promised.
    let most = NewRecord { value: Some(vec![b'x'; MAX_RECORD_BYTES as usize - 1_000]), ..good };
    log.publish(vec![most.clone()]).unwrap();
    assert!(read(&*log, Topic::SupplierItems, shard).iter().map(told).eq([most]));
}

fn a_closed_log_takes_nothing(world: &mut dyn World) {
    let log = world.open();
    log.close();
    let refused = log.publish(vec![record(Topic::SupplierItems, "a", 1)]).unwrap_err();
    assert!(matches!(refused, LogError::Unavailable(_)), "{refused}");
}
