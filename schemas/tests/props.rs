//! Whatever comes in: what is read can be written and read again, and nothing panics.

use crate::{folder, mutate::mutated};
use proptest::{prelude::*, test_runner::TestRunner};
use schemas::{
    AggregateKey, Envelope, Event, ItemId, Money, Position, PositionToken, Quantity, Timestamp, Topic,
    item::ItemCommand, order::OrderCommand,
};
use serde_json::Value;

/// The rule of ids, written without the code's.
fn follows_the_rule(text: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 64 && text.starts_with(letters) && text.chars().all(|c| letters(c) || "_.:-".contains(c))
}

/// What Event::read makes of it is an event that reads again as it was written.
fn reads_again(event_type: &str, value: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(event) = Event::read(event_type, value) {
        prop_assert_eq!(event.event_type(), event_type);
        let written = serde_json::to_vec(&event).expect("an event is JSON");
        let again = Event::read(event_type, &written);
        prop_assert!(again.is_ok(), "{} was read, and cannot be read again", String::from_utf8_lossy(value));
        prop_assert_eq!(again.expect("just looked at"), event);
    }
    Ok(())
}

#[test]
fn an_event_that_somebody_damaged_is_refused_or_reads_as_it_is_written() {
    for event_type in Event::types() {
        let sample = std::fs::read(folder("samples").join(format!("{event_type}.json"))).expect("a sample");
        let sample: Value = serde_json::from_slice(&sample).expect("JSON");
        let mut runner =
            TestRunner::new(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() });
        let read = runner.run(&mutated(sample), |value| reads_again(event_type, &value));
        read.unwrap_or_else(|fault| panic!("{event_type}: {fault}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_id_is_what_follows_the_rule(text in prop_oneof![any::<String>(), "[A-Za-z0-9_.:/ -]{0,66}"]) {
        prop_assert_eq!(ItemId::parse(&text).is_ok(), follows_the_rule(&text), "{:?}", text);
        let json = Value::from(text.as_str());
        prop_assert_eq!(serde_json::from_value::<ItemId>(json).is_ok(), follows_the_rule(&text), "{:?}", text);
    }

    #[test]
    fn bytes_are_no_events(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in any::<proptest::sample::Index>()) {
        let types: Vec<_> = Event::types().chain(["", "x"]).collect();
        reads_again(types[kind.index(types.len())], &bytes)?;
        let _ = serde_json::from_slice::<ItemCommand>(&bytes);
        let _ = serde_json::from_slice::<OrderCommand>(&bytes);
    }

    #[test]
    fn a_position_token_is_read_as_it_is_written(text in prop_oneof![
        any::<String>(),
        "((inventory|orders)\\.events\\.v1/[0-9]{1,10}@[0-9]{1,20}~?){0,4}",
        "[a-z.]{0,20}/[+-]?[0-9]{0,3}@[+-]?[0-9]{0,3}",
    ]) {
        if let Ok(token) = PositionToken::parse(&text) {
            prop_assert_eq!(PositionToken::parse(&token.to_string()), Ok(token));
        }
        if let Ok(position) = Position::parse(&text) {
            prop_assert_eq!(Position::parse(&position.to_string()), Ok(position));
        }
    }

    #[test]
    fn a_time_is_read_as_it_is_written(text in prop_oneof![
        any::<String>(),
        "[0-9]{4}-[0-1][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,12})?(Z|z|[+-][0-2][0-9]:[0-5][0-9])",
    ]) {
        if let Ok(time) = Timestamp::parse(&text) {
            let written = time.to_string();
            // An offset may lead out of the years that RFC 3339 can write.
            if (Timestamp::from_millis(-62_167_219_200_000)..=Timestamp::MAX).contains(&time) {
                prop_assert_eq!(Timestamp::parse(&written), Ok(time), "{}", written);
            }
        }
    }

    #[test]
    fn numbers_and_amounts_are_read_within_their_bounds(value in crate::mutate::odd()) {
        if let Ok(quantity) = serde_json::from_value::<Quantity>(value.clone()) {
            prop_assert!((1..=1_000_000).contains(&quantity.get()));
        }
        let money = serde_json::json!({"amount": value, "currency": "EUR"});
        if let Ok(money) = serde_json::from_value::<Money>(money) {
            prop_assert!(money.minor().unsigned_abs() < 1 << 53);
        }
    }

    #[test]
    fn headers_of_somebody_else_are_no_envelope(values in proptest::collection::vec(any::<String>(), 12), missing in 0_usize..12) {
        let mut at = 0;
        let envelope = Envelope::from_headers(|_| {
            at += 1;
            values.get(at - 1).filter(|_| at != missing).map(String::as_str)
        });
        if let Some(envelope) = envelope {
            prop_assert!(follows_the_rule(envelope.causation.as_str()));
        }
    }

    #[test]
    fn topics_and_keys_are_found_by_name_or_not_at_all(name in any::<String>()) {
        if let Some(topic) = Topic::from_name(&name) {
            prop_assert_eq!(topic.name(), name.as_str());
        }
        for topic in Topic::EVENTS {
            let key = Event::aggregate(topic, &name);
            prop_assert_eq!(key.as_ref().map(AggregateKey::as_str), follows_the_rule(&name).then_some(name.as_str()));
        }
    }
}
