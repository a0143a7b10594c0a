//! Drops, their items and the orders of their claims say the same; and nobody knows a seed before it is revealed.

use crate::sim::{
    checker::{
        Key,
        evidence::{Event, Evidence, ORDERS, text},
    },
    model::{Model, Violations, drop::Drop},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

type Models = BTreeMap<Key, Box<dyn Model>>;

pub fn check(evidence: &Evidence, models: &Models, found: &mut Violations) {
    seeds_are_secret(evidence, found);
    claims_are_opened(evidence, found);
    for drop in models.values().filter_map(|model| model.as_drop()) {
        claims_have_orders(drop, models, found);
        units_agree(drop, models, found);
    }
    let drops: BTreeSet<&str> =
        models.values().filter_map(|model| model.as_drop()).map(|drop| drop.id.as_str()).collect();
    for item in models.values().filter_map(|model| model.as_item()) {
        for (id, lent) in &item.allotments {
            found.must(lent.units == 0, "drops-end", || format!("{}: {id} is still lent: {lent:?}", item.id));
            let known = drops.contains(lent.drop.as_str());
            found.must(known, "drop-units-agree", || format!("{}: {id} is lent to nobody: {lent:?}", item.id));
        }
    }
}

/// A seed stands in the event that reveals it, and nowhere else in the log or in what clients were told. Its view takes
/// it from there.
fn seeds_are_secret(evidence: &Evidence, found: &mut Violations) {
    let revealed = evidence.events.iter().filter(|event| event.name == "drop-opened");
    for (opened, seed) in revealed.map(|event| (event, text(&event.value, "seed"))) {
        let tells = |value: &Value| value.to_string().contains(seed);
        let elsewhere = |event: &&Event| event.position() != opened.position() && tells(&event.value);
        let known = evidence.events.iter().find(elsewhere).map(Event::position);
        found.must(known.is_none(), "seed-is-secret", || format!("{} is known from {known:?}", opened.subject));
        let told = evidence.internal.iter().find(|command| tells(command));
        found.must(told.is_none(), "seed-is-secret", || format!("{} is told in {told:?}", opened.subject));
        let told = evidence.answers.iter().find(|answer| tells(&answer.body));
        found.must(told.is_none(), "seed-is-secret", || format!("{} is told in {told:?}", opened.subject));
    }
}

/// The order of a claim is opened by the decision that grants it: its command stands in the log with the grant.
fn claims_are_opened(evidence: &Evidence, found: &mut Violations) {
    let mut opened: BTreeSet<(&str, &str, &str)> = BTreeSet::new();
    for sent in &evidence.internal {
        let command = &sent["command"];
        if text(&command["command"], "op") == "open" {
            let cause = text(sent, "id").rsplit_once('.').map_or("", |(cause, _)| cause);
            opened.insert((cause, text(command, "order"), text(&command["command"]["claim"], "claim")));
        }
    }
    for granted in evidence.events.iter().filter(|event| event.name == "claim-granted") {
        let value = &granted.value;
        let known = opened.contains(&(granted.causation.as_str(), text(value, "orderId"), text(value, "claim")));
        found.must(known, "claims-have-orders", || format!("{}: nobody opens the order of {value}", granted.subject));
    }
}

/// Every claim has an order of what was claimed; and it is bought as its order is confirmed.
fn claims_have_orders(drop: &Drop, models: &Models, found: &mut Violations) {
    use crate::sim::model::drop::Sale;
    for (id, claim) in &drop.claims {
        let order = models.get(&(ORDERS.to_owned(), claim.order.clone())).and_then(|model| model.as_order());
        let own = order.filter(|order| order.is_of(&drop.id, id, claim));
        // An id that an order had already: its claim is given back.
        let fits = match (own, claim.stage) {
            (Some(order), Sale::Bought) => order.has_ended("confirmed"),
            (Some(order), Sale::Released) => !order.has_ended("confirmed"),
            (None, stage) => stage == Sale::Released && order.is_some_and(crate::sim::model::order::Order::is_placed),
            (Some(_), Sale::Held) => false,
        };
        found.must(fits, "claims-have-orders", || format!("{}: {id} {claim:?} of {order:?}", drop.id));
    }
}

/// What a drop has sold and given back is what its items have ordered and taken back.
fn units_agree(drop: &Drop, models: &Models, found: &mut Violations) {
    for pool in &drop.pools {
        let items = models.values().filter_map(|model| model.as_item());
        let lent = items.filter(|item| item.id == pool.item).flat_map(|item| item.allotments.values());
        let lent: Vec<_> = lent.filter(|lent| lent.drop == drop.id).collect();
        let fits = |lent: &crate::sim::model::item::Allotment| {
            (lent.units, lent.ordered, lent.returned, lent.into)
                == (pool.lends(), pool.bought, pool.returned, pool.into)
        };
        found.must(lent.len() == 1 && fits(lent[0]), "drop-units-agree", || {
            format!("{}: {pool:?}, and the item has {lent:?}", drop.id)
        });
    }
}
