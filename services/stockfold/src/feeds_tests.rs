//! Records that others wrote into the suppliers' topic of an embedded engine: each bad one is kept as it was, and the good
//! ones around it go through.

use crate::{bench::scratch::with_engine_in, engine::Engine};
use anyhow::{Context as _, Result, ensure};
use event_log::{DeadLetter, EventLog, NewRecord, ReadFrom, Record};
use schemas::{Role, Topic};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

const LIMIT: Duration = Duration::from_secs(120);

/// A record in binary mode about the item `tea`, with some headers changed; an empty one is taken away.
fn record(kind: &str, sequence: &str, changes: &[(&str, &[u8])], value: Option<&[u8]>) -> NewRecord {
    let kind = format!("stockfold.supplier.{kind}.v1");
    let mut headers: Vec<(String, Vec<u8>)> = [
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_type", &kind),
        ("ce_source", "//erp"),
        ("ce_id", "e"),
        ("ce_subject", "tea"),
        ("ce_sequence", sequence),
        ("ce_time", "2025-01-01T10:00:00Z"),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .into();
    for (name, value) in changes {
        headers.retain(|(known, _)| known != name);
        if !value.is_empty() {
            headers.push(((*name).to_owned(), value.to_vec()));
        }
    }
    NewRecord { topic: Topic::SupplierItems, key: "tea".to_owned(), headers, value: value.map(<[u8]>::to_vec) }
}

fn facts(kind: &str) -> Vec<u8> {
    json!({"name": "Tea", "kind": kind, "price": {"amount": 100, "currency": "EUR"}}).to_string().into_bytes()
}

fn report(units: u32) -> Vec<u8> {
    json!({"location": "main", "quantity": units}).to_string().into_bytes()
}

/// A bad record of every kind, by its code.
fn bad() -> Vec<(&'static str, NewRecord)> {
    let units = report(1);
    let reported = |changes: &[(&str, &[u8])]| record("stock-reported", "50", changes, Some(&units));
    let of = |value: &[u8]| record("stock-reported", "50", &[], Some(value));
    let large = vec![b' '; intake::feed::MAX_EVENT_BYTES + 1];
    vec![
        ("tombstone", record("stock-reported", "50", &[], None)),
        ("too_large", of(&large)),
        ("not_a_cloud_event", NewRecord { headers: Vec::new(), ..of(b"\xff\xfe\x00") }),
        ("unsupported_spec_version", reported(&[("ce_specversion", b"0.3")])),
        ("unsupported_content_type", reported(&[("content-type", b"application/avro")])),
        ("invalid_json", of(b"{\"location\":\"main\",\"location\":\"north\",\"quantity\":1}")),
        ("invalid_json", of(b"\xff{")),
        ("attribute_missing", reported(&[("ce_id", b"")])),
        ("attribute_invalid", reported(&[("ce_source", b"\xff\x00")])),
        ("sequence_missing", reported(&[("ce_sequence", b"")])),
        ("sequence_invalid", reported(&[("ce_sequence", b"five")])),
        ("time_missing", reported(&[("ce_time", b"")])),
        ("time_invalid", reported(&[("ce_time", b"yesterday")])),
        ("unknown_type", reported(&[("ce_type", b"com.example.eaten")])),
        ("subject_mismatch", reported(&[("ce_subject", b"cup")])),
        ("invalid_data", of(b"{\"location\":\"main\",\"quantity\":-1,\"colour\":\"red\"}")),
        ("kind_immutable", record("item-listed", "51", &[], Some(&facts("digital")))),
        ("time_in_future", reported(&[("ce_time", b"9000-01-01T00:00:00Z")])),
    ]
}

fn read(log: &dyn EventLog, topic: Topic) -> Result<Vec<Record>> {
    let from = log.shards().all().map(|shard| ReadFrom { topic, partition: shard.0, offset: 0 });
    let from: Vec<ReadFrom> = from.collect();
    let mut reader = log.reader(&from)?;
    let mut records = Vec::new();
    loop {
        let more = reader.poll(1 << 20, Duration::ZERO)?;
        if more.is_empty() {
            return Ok(records);
        }
        records.extend(more);
    }
}

/// Waits until the item has so many units.
async fn until_units(engine: &Engine, units: u32) -> Result<Value> {
    let (token, began) = (engine.mint(Role::Operator, "ops", None)?, Instant::now());
    let client = reqwest::Client::new();
    loop {
        let url = format!("{}/v1/items/tea/stock", engine.base_url());
        let stock: Value = client.get(url).bearer_auth(&token).send().await?.json().await?;
        if stock["onHand"] == json!(units) {
            return Ok(stock);
        }
        ensure!(began.elapsed() < LIMIT, "{units} units are not there: {stock}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until there are so many letters.
async fn letters(engine: &Engine, count: usize) -> Result<Vec<DeadLetter>> {
    let began = Instant::now();
    loop {
        let found = read(&*engine.log(), Topic::DeadLetters)?;
        if found.len() >= count {
            return found.iter().map(|record| DeadLetter::read(record).context("a letter")).collect();
        }
        ensure!(began.elapsed() < LIMIT, "{} letters of {count}", found.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn check(engine: &Engine, letters: &[DeadLetter]) -> Result<()> {
    let originals: BTreeMap<u64, Record> =
        read(&*engine.log(), Topic::SupplierItems)?.into_iter().map(|record| (record.offset, record)).collect();
    let mut codes: Vec<&str> = letters.iter().filter_map(|letter| letter.text("code")).collect();
    let mut expected: Vec<&str> = bad().iter().map(|(code, _)| *code).collect();
    codes.sort_unstable();
    expected.sort_unstable();
    assert_eq!(codes, expected);
    for letter in letters {
        let from = &letter.fields["from"];
        let original = &originals[&from["offset"].as_u64().context("an offset")?];
        assert_eq!(from["isTombstone"].as_bool().unwrap_or_default(), original.value.is_none(), "{letter:?}");
        match letter.original() {
            Some(bytes) => assert_eq!(bytes, original.value.clone().unwrap_or_default(), "{letter:?}"),
            None => assert_eq!(letter.text("code"), Some("too_large")),
        }
        let headers = from["headers"].as_array().context("headers")?;
        assert_eq!(headers.len(), original.headers.len());
        assert!(letter.text("reason").is_some_and(|reason| !reason.is_empty()));
    }
    Ok(())
}

#[test]
fn each_bad_record_is_kept_as_it_was_and_the_good_ones_around_it_go_through() {
    let home = tempfile::tempdir().expect("a directory");
    let data = home.path().join("data");
    let count = bad().len();
    let first = with_engine_in(Some(data.clone()), None, |engine| {
        let log = engine.log();
        log.publish(vec![record("item-listed", "1", &[], Some(&facts("physical")))])?;
        for (n, (_, bad)) in bad().into_iter().enumerate() {
            let sequence = (n + 2).to_string();
            let good = record("stock-reported", &sequence, &[], Some(&report(u32::try_from(n)? + 10)));
            log.publish(vec![bad, good])?;
        }
        engine.runtime().block_on(async {
            let last = u32::try_from(count)? + 9;
            until_units(engine, last).await?;
            check(engine, &letters(engine, count).await?)
        })
    });
    first.expect("it runs");
    // What is done is done: the next start takes what is new, and no letter comes twice.
    let second = with_engine_in(Some(data), None, |engine| {
        engine.log().publish(vec![record("stock-reported", "99", &[], Some(&report(3)))])?;
        engine.runtime().block_on(async {
            until_units(engine, 3).await?;
            check(engine, &letters(engine, count).await?)
        })
    });
    second.expect("it runs again");
}
