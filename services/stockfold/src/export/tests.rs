//! What is written is read back by the crate's own reader, value by value.

use super::{Bound, FormatArg, Wanted, part::Part};
use crate::remote_log::Line;
use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::RowAccessor as _,
};
use schemas::{Position, PositionToken, Topic};
use serde_json::json;

fn event(seq: u64, time: Option<&str>, data: &str) -> String {
    let mut event = json!({"specversion": "1.0", "id": format!("orders.events.v1/2@{seq}"), "source": "/stockfold",
        "type": "stockfold.orders.order-placed.v1", "subject": format!("o-{seq}"), "datacontenttype": "application/json",
        "dataschema": "urn:stockfold:schema:x", "sequence": format!("{seq:020}"), "epoch": 3, "actor": "a", "causationid": "c",
        "correlationid": "d"});
    if let Some(time) = time {
        event["time"] = json!(time);
    }
    let mut text = event.to_string();
    text.pop();
    format!("{text},\"data\":{data}}}")
}

#[test]
fn parquet_holds_what_the_log_told_over_many_row_groups() {
    let dir = tempfile::tempdir().expect("a directory");
    let count = 45_000_u64;
    let texts: Vec<String> = (1..=count)
        .map(|seq| {
            event(seq, Some("2026-01-31T23:59:59.123Z"), if seq % 100 == 0 { "null" } else { "{\"z\":1,\"a\":\"ü\"}" })
        })
        .collect();
    let line = |text: &str| serde_json::from_str::<Line<'_>>(text).map(|line| line.id).expect("an event");
    assert_eq!(line(&texts[0]).seq, 1);
    let mut part =
        Part::new(dir.path(), FormatArg::Parquet, &serde_json::from_str(&texts[0]).expect("an event")).expect("a part");
    for text in &texts {
        part.add(text.as_bytes(), &serde_json::from_str(text).expect("an event")).expect("added");
    }
    let (path, name, events) = part.close().expect("closed");
    assert_eq!((name.to_str(), events), (Some("date=2026-01-31/part-0002-00000000000000000001.parquet"), count));
    let reader =
        SerializedFileReader::new(std::fs::File::open(dir.path().join(path)).expect("there")).expect("Parquet");
    assert_eq!(reader.metadata().num_row_groups(), 3);
    let mut seen = 0;
    for row in reader.get_row_iter(None).expect("rows") {
        let row = row.expect("a row");
        seen += 1;
        let text = |column: usize| row.get_string(column).expect("text").as_str();
        assert_eq!(text(0), format!("orders.events.v1/2@{seen}"));
        assert_eq!(text(3), "stockfold.orders.order-placed.v1");
        assert_eq!(row.get_timestamp_millis(5).expect("a time"), 1_769_903_999_123);
        assert_eq!(row.get_long(9).expect("an epoch"), 3);
        assert_eq!(
            (row.get_int(14).expect("a partition"), row.get_long(15).expect("a seq")),
            (2, i64::try_from(seen).expect("small"))
        );
        // Bytes as they were written, not as a map would order them.
        assert_eq!(row.get_string(16).ok().map(String::as_str), (seen % 100 != 0).then_some("{\"z\":1,\"a\":\"ü\"}"));
    }
    assert_eq!(seen, count);
}

#[test]
fn ndjson_holds_the_lines_as_they_came() {
    let dir = tempfile::tempdir().expect("a directory");
    let text = event(1, None, "{}");
    let mut part =
        Part::new(dir.path(), FormatArg::Ndjson, &serde_json::from_str(&text).expect("an event")).expect("a part");
    part.add(text.as_bytes(), &serde_json::from_str(&text).expect("an event")).expect("added");
    let (path, name, _) = part.close().expect("closed");
    assert_eq!(name.to_str(), Some("date=unknown/part-0002-00000000000000000001.ndjson"));
    assert_eq!(std::fs::read_to_string(dir.path().join(path)).expect("there"), format!("{text}\n"));
}

#[test]
fn bounds_are_times_or_places() {
    let wanted = |from: Option<&str>, to: Option<&str>| {
        let bound = |text: Option<&str>| text.map(|text| Bound::parse(text).expect("a bound"));
        Wanted { from: bound(from), to: bound(to) }
    };
    let has = |wanted: &Wanted, seq: u64, time: &str| {
        let text = event(seq, Some(time), "{}");
        wanted.has(&serde_json::from_str(&text).expect("an event"))
    };
    let days = wanted(Some("2026-01-02"), Some("2026-01-03T12:00:00Z"));
    let taken = ["2026-01-01T23:59:59.999Z", "2026-01-02T00:00:00Z", "2026-01-03T11:59:59Z", "2026-01-03T12:00:00Z"];
    assert_eq!(taken.map(|time| has(&days, 1, time)), [false, true, true, false]);
    let places = wanted(None, Some("orders.events.v1/2@5~orders.events.v1/1@1"));
    assert_eq!([5, 6].map(|seq| has(&places, seq, "2026-01-01T00:00:00Z")), [true, false]);
    assert!(Bound::parse("yesterday").is_err() && Bound::parse("").is_err());
    let mut token = PositionToken::default();
    token.add(Position { topic: Topic::OrdersEvents, partition: 1, seq: 9 });
    assert_eq!(Bound::parse("orders.events.v1/1@9"), Ok(Bound::Places(token)));
}
