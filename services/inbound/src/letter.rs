//! The dead letter of a supplier's record.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use event_log::{LetterKind, NewDeadLetter, NewRecord, Record, dead_letter::About};
use intake::{FieldError, feed::FeedError};
use schemas::{Rejection, Timestamp};
use serde_json::{Map, Value, json};

/// Of headers that are longer together nothing is kept but `headersBytes`, how long they are.
const HEADER_BYTES: usize = 32 << 10;
/// Of more faults only so many are told.
const MOST_FAULTS: usize = 20;
/// Of a longer text of a fault only the beginning.
const FAULT_CHARS: usize = 300;

/// Of a record that nobody can use.
pub(crate) fn unreadable(record: &Record, error: &FeedError, at: Timestamp) -> NewRecord {
    letter(record, error.code(), &error.to_string(), error.errors(), at)
}

/// Of a record whose statement its item refuses.
pub(crate) fn refused(record: &Record, rejection: &Rejection, at: Timestamp) -> NewRecord {
    let told = serde_json::to_value(rejection).unwrap_or_default();
    let code = told["code"].as_str().unwrap_or("refused");
    letter(record, code, &rejection.to_string(), &[], at)
}

fn letter(record: &Record, code: &str, reason: &str, errors: &[FieldError], at: Timestamp) -> NewRecord {
    let mut from = About::place(record.topic, record.partition, record.offset);
    let bytes: usize = record.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > HEADER_BYTES {
        from.insert("headersBytes".to_owned(), bytes.into());
    } else {
        from.insert("headers".to_owned(), record.headers.iter().map(header).collect());
    }
    if record.value.is_none() {
        from.insert("isTombstone".to_owned(), true.into());
    }
    let about = About { kind: LetterKind::SupplierRecord, code: code.to_owned(), at, from };
    let mut fields: Map<String, Value> = about.fields();
    if !errors.is_empty() {
        fields.insert("errors".to_owned(), errors.iter().take(MOST_FAULTS).map(fault).collect());
    }
    NewDeadLetter::new(&record.key, reason, record.value.as_deref().unwrap_or_default(), fields).into_record()
}

/// As text where it is, else in base 64.
fn header((name, value): &(String, Vec<u8>)) -> Value {
    match std::str::from_utf8(value) {
        Ok(value) => json!({"name": name, "value": value}),
        Err(_) => json!({"name": name, "base64": STANDARD.encode(value)}),
    }
}

fn fault(fault: &FieldError) -> Value {
    let short = |text: &str| text.chars().take(FAULT_CHARS).collect::<String>();
    json!({"pointer": short(&fault.pointer), "code": fault.code, "detail": short(&fault.detail)})
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_log::{DeadLetter, MAX_RECORD_BYTES};
    use schemas::{Topic, item::ItemRejection};

    fn record(value: Option<&[u8]>, headers: Vec<(String, Vec<u8>)>) -> Record {
        let (topic, key, value) = (Topic::SupplierItems, "tea".to_owned(), value.map(<[u8]>::to_vec));
        Record { topic, partition: 3, offset: 41, key, envelope: None, headers, value }
    }

    fn told(letter: &NewRecord) -> Value {
        serde_json::from_slice(letter.value.as_deref().expect("a value")).expect("JSON")
    }

    #[test]
    fn a_letter_holds_where_it_came_from_and_every_byte() {
        let headers = vec![("ce_type".to_owned(), b"x".to_vec()), ("raw".to_owned(), vec![0xff, 0])];
        let bytes = [0xfe, 0, b'{', 0xff];
        let letter =
            unreadable(&record(Some(&bytes), headers), &FeedError::NotACloudEvent("why"), Timestamp::default());
        assert_eq!((letter.topic, letter.key.as_str()), (Topic::DeadLetters, "tea"));
        let expected = json!({"topic": "supplier.items.v1", "partition": 3, "offset": 41,
            "headers": [{"name": "ce_type", "value": "x"}, {"name": "raw", "base64": "/wA="}]});
        let told = told(&letter);
        assert_eq!(told["from"], expected);
        assert_eq!((&told["kind"], &told["code"]), (&json!("supplier_record"), &json!("not_a_cloud_event")));
        let fields = told.as_object().expect("an object").clone();
        let read = DeadLetter { key: letter.key, kind: LetterKind::SupplierRecord, fields };
        assert_eq!(read.original().as_deref(), Some(&bytes[..]));
    }

    #[test]
    fn a_refusal_is_told_by_its_name() {
        let refused = refused(
            &record(Some(b"{}"), Vec::new()),
            &Rejection::Item(ItemRejection::KindImmutable),
            Timestamp::default(),
        );
        assert_eq!(told(&refused)["code"], "kind_immutable");
    }

    #[test]
    fn a_tombstone_is_told_from_an_empty_value() {
        let letter = |value| told(&unreadable(&record(value, Vec::new()), &FeedError::Tombstone, Timestamp::default()));
        assert_eq!(letter(None)["from"]["isTombstone"], true);
        assert!(letter(Some(b""))["from"].get("isTombstone").is_none());
    }

    #[test]
    fn whatever_the_record_its_letter_fits() {
        let long = "\u{1}".repeat(2_000_000);
        let faults = |pointer: &String| {
            let fault = FieldError { pointer: pointer.clone(), code: "unknown_field".into(), detail: pointer.clone() };
            FeedError::Faults(vec![fault; 100])
        };
        for headers in
            [vec![(long.clone(), long.clone().into_bytes())], vec![("a".to_owned(), vec![1; HEADER_BYTES - 1])]]
        {
            let letter = unreadable(&record(Some(long.as_bytes()), headers), &faults(&long), Timestamp::default());
            let bytes = letter.value.as_ref().expect("a value").len() + letter.key.len();
            assert!(bytes + 1_024 < MAX_RECORD_BYTES as usize, "{bytes}");
        }
    }
}
