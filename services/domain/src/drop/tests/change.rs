//! Change.

use super::*;
use serde_json::{Map, Value, json};

fn change(id: &str, patch: Value) -> DropCommand {
    let Value::Object(patch) = patch else { panic!("a patch is an object") };
    DropCommand::Change(ChangeDrop { effect: effect(id, 1), patch })
}

fn terms() -> DropTerms {
    queued(vec![offered("s", 10)])
}

#[test]
fn merges_the_patch_into_the_terms() {
    let mut world = World::scheduled(terms());
    let decided = world.by(&sam(), change("c", json!({"title": "Later", "limitPerShopper": 3, "admitAtOnce": 4})));
    let after = DropTerms {
        title: Some("Later".to_owned()),
        limit_per_shopper: quantity(3),
        admit_at_once: Some(4),
        ..terms()
    };
    assert_eq!(state(&decided).terms, after);
    let changed = DropChanged { effect: effect("c", 1), store: store("own"), terms: after.clone(), previous: terms() };
    assert_eq!(decided.expect("it is taken").events, [Event::Drop(changed.into())]);
    assert_eq!(*world.drop.terms(), after);
}

#[test]
fn a_price_may_change_and_the_clock_follows_the_times() {
    let mut world = World::scheduled(terms());
    let price = json!([{"itemId": "s", "quantity": 10, "price": {"amount": 900, "currency": "EUR"}}]);
    let patch = json!({"items": price, "queueOpensAt": null, "startsAt": NOW.plus_seconds(60)});
    world.by(&sam(), change("c", patch)).expect("it is taken");
    assert_eq!(world.drop.terms().items[0].price, eur(900));
    assert_eq!(world.drop.due(), Some(NOW.plus_seconds(60)));
}

#[test]
fn the_same_change_again_or_none_changes_nothing() {
    let mut world = World::scheduled(terms());
    let first = world.by(&sam(), change("c", json!({"title": "A"})));
    world.by(&sam(), change("d", json!({"title": "B"}))).expect("it is taken");
    let again = world.by(&sam(), change("c", json!({"title": "A"}))).expect("it is known");
    assert_eq!((first.expect("it is taken").events.len(), again.events.len()), (1, 0));
    assert_eq!(world.by(&sam(), change("e", json!({"title": "B"}))).expect("it is so already").events, []);
    let other = ChangeDrop { effect: effect("c", 2), patch: Map::new() };
    assert_eq!(refusal(&world.by(&sam(), DropCommand::Change(other))), DropRejection::IdempotencyKeyReused);
}

#[test]
fn refuses_terms_that_do_not_fit_and_other_items() {
    let mut world = World::scheduled(terms());
    let item = |id: &str, units: u32, currency: &str| json!({"items": [{"itemId": id, "quantity": units, "price": {"amount": 1, "currency": currency}}]});
    let cases = [
        (json!({"endsAt": NOW}), "/endsAt"),
        (json!({"startsAt": NOW.plus_millis(-1)}), "/startsAt"),
        (json!({"titel": "a slip"}), ""),
        (json!({"startsAt": 7}), ""),
        (item("s", 11, "EUR"), "/items"),
        (item("m", 10, "EUR"), "/items"),
        (item("s", 10, "USD"), "/items"),
    ];
    for (patch, at) in cases {
        match refusal(&world.by(&sam(), change("c", patch.clone()))) {
            DropRejection::TermsInvalid { pointer, .. } => assert_eq!(pointer, at, "{patch}"),
            other => panic!("{patch}: {other:?}"),
        }
    }
    world.pass_to(OPENS);
    let later = json!({"queueOpensAt": NOW.plus_seconds(OPENS + 1)});
    let refused = refusal(&world.by(&sam(), change("c", later)));
    assert!(matches!(refused, DropRejection::TermsInvalid { pointer, .. } if pointer == "/queueOpensAt"));
}

#[test]
fn refuses_before_it_is_scheduled_and_after_its_start_and_its_end() {
    let patch = || change("c", json!({"title": "A"}));
    assert_eq!(refusal(&World::drafted(terms()).by(&sam(), patch())), DropRejection::DropNotReady);
    let mut world = World::live(terms(), &[]);
    assert_eq!(refusal(&world.by(&sam(), patch())), DropRejection::DropStarted);
    world.cancel("x").expect("it is called off");
    let over = DropRejection::DropOver { status: DropStatus::Cancelled };
    assert_eq!(refusal(&world.by(&sam(), patch())), over);
}
