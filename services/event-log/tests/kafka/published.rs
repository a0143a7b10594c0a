//! Records that others write too: what they write is read, whatever it is.

use super::{Kafka, faults};
use crate::world::{LONG, World, item_of, read, shards};
use event_log::{LogError, NewRecord};
use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, Producer},
};
use schemas::Topic;
use std::time::{Duration, Instant};

#[test]
fn what_a_client_that_is_not_ours_writes_is_read_as_it_is() {
    let mut world = Kafka::new();
    let log = world.open();
    let stranger = world.stranger(&[]);
    let topic = world.topic(Topic::SupplierItems);
    let key = item_of(1).to_string();
    let headers = OwnedHeaders::new()
        .insert(Header { key: "ce_id", value: Some("id-1") })
        .insert(Header { key: "bytes", value: Some([0xff_u8, 0x00].as_slice()) })
        .insert(Header { key: "none", value: None::<&[u8]> });
    let to = || BaseRecord::<str, [u8]>::to(&topic).partition(1);
    stranger.send(to().key(key.as_str()).payload(b"{}".as_slice()).headers(headers)).unwrap();
    // No headers, no key, no value; a key that is no text; and one in a partition that is not its own.
    stranger.send(to().payload(b"keyless".as_slice())).unwrap();
    stranger.send(to().key(key.as_str())).unwrap();
    stranger.send(BaseRecord::<[u8], [u8]>::to(&topic).partition(1).key(&[0xff, b'a']).payload(b"?")).unwrap();
    stranger.send(to().key(item_of(2).as_str()).payload(b"misplaced".as_slice())).unwrap();
    stranger.flush(LONG).unwrap();
    log.publish(vec![NewRecord {
        topic: Topic::SupplierItems,
        key: key.clone(),
        headers: Vec::new(),
        value: Some(b"ours".to_vec()),
    }])
    .unwrap();

    let found = read(&*log, Topic::SupplierItems, 1);
    let told: Vec<_> = found.iter().map(|record| (record.key.as_str(), record.value.as_deref())).collect();
    assert_eq!(
        told,
        [
            (key.as_str(), Some(b"{}".as_slice())),
            ("", Some(b"keyless")),
            (&key, None),
            ("\u{fffd}a", Some(b"?")),
            (item_of(2).as_str(), Some(b"misplaced")),
            (&key, Some(b"ours")),
        ]
    );
    let headers: Vec<_> = found[0].headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    assert_eq!(headers, [("ce_id", b"id-1".as_slice()), ("bytes", &[0xff, 0x00]), ("none", b"")]);
    assert!(found[1..].iter().all(|record| record.headers.is_empty()));
}

#[test]
fn what_became_of_an_unknown_publish_is_settled_by_publishing_again() {
    let (cluster, mut world) = faults::alone();
    let log = world.open();
    let record = |n: u32| NewRecord {
        topic: Topic::StockState,
        key: "sku-1".to_owned(),
        headers: Vec::new(),
        value: Some(n.to_string().into_bytes()),
    };
    // A broker that was away may be so for a while.
    let publish = |records: &[NewRecord]| {
        let until = Instant::now() + LONG * 3;
        while let Err(error) = log.publish(records.to_vec()) {
            assert!(matches!(error, LogError::Unavailable(_)), "{error}");
            assert!(Instant::now() < until, "{error}");
        }
    };
    let mut unknown = 0;
    for (n, micros) in (0..).step_by(2).zip([0, 500, 1_000, 2_000]) {
        publish(&[record(n)]);
        let told = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_micros(micros));
                cluster.pause(0);
            });
            log.publish((0..100).map(|_| record(n)).chain([record(n + 1)]).collect())
        });
        cluster.resume(0);
        if let Err(error) = told {
            assert!(matches!(error, LogError::Unavailable(_)), "{error}");
            unknown += 1;
        }
        publish(&[record(n), record(n + 1)]);
        let shard = shards().of_key("sku-1").0;
        let newest = read(&*log, Topic::StockState, shard).pop().unwrap();
        assert_eq!(newest.value, record(n + 1).value, "what was published last is the newest");
    }
    assert!(unknown > 0, "every call knew its end");
}
