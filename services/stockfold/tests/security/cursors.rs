//! Cursors that nobody gave, or that were given for something else.

use super::{
    engine::{Ask, engine, token},
    targets::{Kind, Maker},
};
use proptest::{prelude::*, test_runner::TestRunner};

/// Two lists with a second page each, and the cursors of those: of alice's orders, and of an item's ledger.
fn cursors(engine: &std::sync::Arc<super::engine::Engine>) -> (String, String, String) {
    let maker = Maker::new(engine);
    maker.make(Kind::Order);
    let last = maker.make(Kind::Order);
    let cursor = |path: &str, role: &str, sub: &str, position: &str| {
        let ask = Ask::get(path).by(&token(role, sub)).header("stockfold-at-least", position);
        engine.done(&ask).body["nextCursor"].as_str().expect("a second page").to_owned()
    };
    let orders = cursor("/v1/orders?limit=1", "shopper", "alice", &last.position);
    let item = maker.make(Kind::CommittedHold);
    let ledger = format!("/v1/items/{}/ledger", item.item);
    let of_ledger = cursor(&format!("{ledger}?limit=1"), "operator", "operator", &item.position);
    (orders, ledger, of_ledger)
}

#[test]
fn a_cursor_opens_the_list_and_the_callers_page_that_it_was_given_for() {
    let engine = engine();
    let (orders, ledger, of_ledger) = cursors(&engine);
    let (alice, bob, operator) = (token("shopper", "alice"), token("shopper", "bob"), token("operator", "operator"));
    engine.done(&Ask::get(format!("/v1/orders?cursor={orders}")).by(&alice));
    engine.done(&Ask::get(format!("/v1/orders?cursor={orders}&shopper=alice")).by(&operator));
    engine.done(&Ask::get(format!("{ledger}?cursor={of_ledger}")).by(&operator));
    let refused = [
        (format!("/v1/orders?cursor={orders}"), &bob),
        (format!("/v1/orders?cursor={orders}"), &operator),
        (format!("/v1/orders?cursor={orders}&shopper=bob"), &operator),
        (format!("/v1/orders?cursor={orders}&status=confirmed"), &alice),
        (format!("/v1/orders?cursor={of_ledger}"), &alice),
        (format!("{ledger}?cursor={orders}"), &operator),
        (format!("/v1/items/another/ledger?cursor={of_ledger}"), &operator),
        (format!("/v1/items?cursor={orders}"), &alice),
        (format!("/v1/items?cursor={of_ledger}"), &operator),
    ];
    for (path, token) in refused {
        let answer = engine.send(&Ask::get(&path).by(token));
        assert_eq!((answer.status, answer.code()), (400, "invalid_cursor"), "{path}: {answer:?}");
    }
}

#[test]
fn a_cursor_with_a_changed_sign_is_refused() {
    let engine = engine();
    let (orders, _, _) = cursors(&engine);
    let alice = token("shopper", "alice");
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() });
    let changed = runner.run(&(0..orders.len(), "[A-Za-z0-9_-]"), |(at, sign)| {
        let mut forged = orders.clone();
        forged.replace_range(at..=at, &sign);
        prop_assume!(forged != orders);
        let answer = engine.send(&Ask::get(format!("/v1/orders?cursor={forged}")).by(&alice));
        prop_assert_eq!((answer.status, answer.code()), (400, "invalid_cursor"), "{}", forged);
        Ok(())
    });
    changed.expect("no forged cursor is opened");
}
