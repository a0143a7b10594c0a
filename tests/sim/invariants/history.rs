//! What clients were told, and when: nobody is told the past, or what is not there yet.

use crate::sim::{
    checker::evidence::{Answer, CARTS, Call, Evidence, FOLLOWS, SHOPPERS, text},
    model::{Violations, item::GRACE_MS},
};
use std::collections::{BTreeMap, BTreeSet};

pub fn check(evidence: &Evidence, found: &mut Violations) {
    let calls: BTreeMap<u64, &Call> = evidence.calls.iter().map(|call| (call.request, call)).collect();
    let mut answered = BTreeMap::new();
    for answer in &evidence.answers {
        let Some(call) = calls.get(&answer.request) else {
            found.must(false, "one-answer", || format!("nobody asked for {answer:?}"));
            continue;
        };
        *answered.entry(answer.request).or_insert(0) += 1;
        for (place, seq) in &answer.positions {
            let end = answer.seen.get(place).copied().unwrap_or(0);
            found.must(answer.seen.is_empty() || *seq <= end, "answered-is-in-log", || {
                format!("{place}@{seq} was told while the log ended at {end}: {}", call.command)
            });
        }
        // A cart to which nothing has happened shows that it is empty, and a shopper may have nothing to unfollow.
        let may_be_new = [CARTS, FOLLOWS, SHOPPERS].contains(&call.aggregate().0);
        let has_position = !answer.positions.is_empty() || !answer.done || may_be_new;
        found.must(has_position, "answered-is-in-log", || format!("{} was told no position: {answer:?}", call.id));
    }
    let twice = answered.iter().find(|(_, times)| **times > 1);
    found.must(twice.is_none(), "one-answer", || format!("request {twice:?} was answered so often"));
    in_order(evidence, &calls, found);
    deadlines(evidence, &calls, found);
    reads(evidence, found);
    let done = evidence.answers.iter().filter(|answer| answer.done).count();
    found.must(done > 0 && done * 20 >= evidence.answers.len(), "the-run-proves-something", || {
        format!("{done} of {} answers are not refusals", evidence.answers.len())
    });
}

/// Who asks after somebody was answered is not told an older position of the same aggregate.
fn in_order(evidence: &Evidence, calls: &BTreeMap<u64, &Call>, found: &mut Violations) {
    let places: BTreeMap<(&str, &str), String> =
        evidence.events.iter().map(|e| ((e.topic.as_str(), e.subject.as_str()), e.place())).collect();
    let mut told: BTreeMap<(&str, &str), Vec<(u64, u64)>> = BTreeMap::new();
    for answer in &evidence.answers {
        let Some(call) = calls.get(&answer.request) else { continue };
        // The order answers a checkout and a claim, with the positions of whoever asked for the same first.
        if answer.done && matches!(text(call.asked(), "op"), "checkout" | "claim") {
            continue;
        }
        let key = call.aggregate();
        let Some(seq) = places.get(&key).and_then(|place| answer.positions.get(place)) else { continue };
        let earlier = told.entry(key).or_default();
        let newest = earlier.iter().filter(|(order, _)| *order < call.order).map(|(_, seq)| *seq).max();
        found.must(newest.is_none_or(|newest| *seq >= newest), "positions-never-go-back", || {
            format!("{} was told @{seq}, after @{newest:?} had been told: {}", call.id, call.command)
        });
        earlier.push((answer.order, *seq));
    }
}

/// A command that stood in the log before a deadline wins: it is never told that its time is over.
fn deadlines(evidence: &Evidence, calls: &BTreeMap<u64, &Call>, found: &mut Violations) {
    let mut due = BTreeMap::new();
    for event in &evidence.events {
        let (value, expires) = (&event.value, super::super::model::item::ends_for_good(&event.value["expiresAt"]));
        if let (Some(at), "hold-granted" | "holds-granted") = (expires, event.name.as_str()) {
            let hold = if event.name == "hold-granted" { text(&value["hold"], "id") } else { "" };
            due.insert((event.topic.as_str(), event.subject.as_str(), hold), at);
        }
    }
    let late = |answer: &Answer| matches!(text(&answer.body, "code"), "hold_expired" | "checkout_expired");
    let submitted: BTreeSet<&str> =
        evidence.events.iter().filter(|e| e.name == "order-submitted").map(|e| e.subject.as_str()).collect();
    for answer in evidence.answers.iter().filter(|answer| !answer.done && late(answer)) {
        let Some(call) = calls.get(&answer.request) else { continue };
        let (topic, subject) = call.aggregate();
        // Who has submitted waits for a payment, and is told when that came too late.
        if text(call.asked(), "op") == "submit" && submitted.contains(subject) {
            continue;
        }
        let hold = text(&call.asked()["hold"], "id");
        let Some(due) = due.get(&(topic, subject, hold)) else { continue };
        found.must(call.arrived.saturating_add(evidence.skew) >= *due, "no-early-expiry", || {
            let left = due - call.arrived;
            format!("{} came {left} ms before the end (grace {GRACE_MS} ms) and is told: {}", call.id, answer.body)
        });
    }
}

/// A client that presents its token reads what is at least as new, and never older than what it read before.
fn reads(evidence: &Evidence, found: &mut Violations) {
    let mut newest: BTreeMap<(usize, &str, &str), u64> = BTreeMap::new();
    let mut ends: BTreeMap<(&str, &str, u64), u64> = BTreeMap::new();
    for event in &evidence.events {
        ends.insert((event.topic.as_str(), event.subject.as_str(), event.seq), event.seq);
    }
    // A cart that is empty has no row.
    for read in evidence.reads.iter().filter(|read| read.row.is_some() || read.table != "cart_v1") {
        let seq = read.row.as_ref().map_or(0, super::views::seq_of_row);
        let key = (read.client, read.table.as_str(), read.key.as_str());
        let before = newest.insert(key, seq).unwrap_or(0);
        found.must(seq >= before, "positions-never-go-back", || {
            format!("client {} read @{seq} after @{before}: {} {}", read.client, read.table, read.key)
        });
        let (topic, subject) = (read.aggregate.0, read.aggregate.1.as_str());
        // Other rows do not have every event of their aggregate in them.
        let must =
            ends.range((topic, subject, 0)..=(topic, subject, read.token)).next_back().map_or(0, |(_, seq)| *seq);
        let whole = matches!(read.table.as_str(), "item_v1" | "order_v1" | "drop_v1");
        found.must(!whole || seq >= must, "positions-never-go-back", || {
            format!("client {} knew @{must}, and read @{seq}: {} {}", read.client, read.table, read.key)
        });
    }
}
