//! Which warehouses ship an order, by trying them all: the naive plan.

use crate::sim::checker::evidence::{list, number, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The most locations of which all sets are tried.
const MOST_LOCATIONS: usize = 6;

/// Units by location, line.
pub type Parcels = BTreeMap<(String, String), i64>;

/// What sub-orders of a plan ship of their own stock.
pub fn parcels(sub_orders: &[Value]) -> Parcels {
    let mut parcels = Parcels::new();
    for sub_order in sub_orders {
        for line in list(sub_order, "lines") {
            let key = (text(sub_order, "location").to_owned(), text(line, "lineId").to_owned());
            *parcels.entry(key).or_default() += number(line, "quantity");
        }
    }
    parcels
}

/// Units by what a key picks of each row.
fn sums<'a>(rows: impl Iterator<Item = (String, &'a Value)>, units: &str) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    rows.for_each(|(key, row)| *sums.entry(key).or_default() += number(row, units));
    sums
}

/// What is wrong with a plan, as far as its own inputs tell.
pub fn wrong(sub_orders: &[Value], inputs: &Value) -> Option<String> {
    let item_of: BTreeMap<&str, &str> =
        list(inputs, "lines").iter().map(|line| (text(line, "lineId"), text(line, "itemId"))).collect();
    let offers = list(inputs, "offers");
    let at = |offer: &Value| format!("{}/{}", text(offer, "location"), text(offer, "itemId"));
    let offered = sums(offers.iter().map(|offer| (at(offer), offer)), "units");
    let wanted = sums(list(inputs, "lines").iter().map(|line| (text(line, "lineId").to_owned(), line)), "quantity");
    let mut taken = BTreeMap::<String, i64>::new();
    let mut of_line = BTreeMap::<String, i64>::new();
    for ((location, line), units) in parcels(sub_orders) {
        let Some(item) = item_of.get(line.as_str()) else { return Some(format!("line {line} was not to be planned")) };
        *taken.entry(format!("{location}/{item}")).or_default() += units;
        *of_line.entry(line).or_default() += units;
    }
    let over = |sums: &BTreeMap<String, i64>, most: &BTreeMap<String, i64>| {
        sums.iter().find(|(key, units)| **units > most.get(*key).copied().unwrap_or(0)).map(|(key, _)| key.clone())
    };
    if let Some(offer) = over(&taken, &offered) {
        return Some(format!("more is planned than {offer} has"));
    }
    if let Some(line) = over(&of_line, &wanted) {
        return Some(format!("more is planned than line {line} wants"));
    }
    let items: BTreeSet<&str> = item_of.values().copied().collect();
    for item in items {
        let lines = || item_of.iter().filter(|(_, of)| **of == item).map(|(line, _)| (*line).to_owned());
        let there: i64 = offers.iter().filter(|offer| text(offer, "itemId") == item).map(|o| number(o, "units")).sum();
        let want: i64 = lines().map(|line| wanted.get(&line).copied().unwrap_or(0)).sum();
        let has: i64 = lines().map(|line| of_line.get(&line).copied().unwrap_or(0)).sum();
        if has != want.min(there) {
            return Some(format!("{has} of {item} are planned, {want} wanted, {there} offered"));
        }
    }
    let used: BTreeSet<String> = parcels(sub_orders).into_keys().map(|(location, _)| location).collect();
    let best = fewest(inputs, &item_of, &offered, &wanted)?;
    if used != best {
        return Some(format!("{used:?} ship, and not {best:?}"));
    }
    joined(sub_orders, inputs, &best)
}

/// Parcels that are joined all go to the first location; others go to nobody else.
fn joined(sub_orders: &[Value], inputs: &Value, used: &BTreeSet<String>) -> Option<String> {
    let hub = used.iter().min_by_key(|location| rank(inputs, location));
    let hub = hub.filter(|_| used.len() > 1 && inputs["consolidate"] == Value::Bool(true));
    let id_at = |location: &String| sub_orders.iter().find(|part| part["location"] == location.as_str());
    let to = hub.and_then(id_at).map_or(Value::Null, |part| part["subOrderId"].clone());
    let goes = |part: &&Value| part["parent"] == if part["subOrderId"] == to { Value::Null } else { to.clone() };
    let wrong = sub_orders.iter().find(|part| !goes(part));
    wrong.map(|part| format!("{part} does not go to {to}"))
}

/// The locations of the best plan: the fewest, and of as few the first ones; `None` where there are too many to try.
fn fewest(
    inputs: &Value,
    item_of: &BTreeMap<&str, &str>,
    offered: &BTreeMap<String, i64>,
    wanted: &BTreeMap<String, i64>,
) -> Option<BTreeSet<String>> {
    let mut need = BTreeMap::<&str, i64>::new();
    wanted.iter().for_each(|(line, units)| *need.entry(item_of[line.as_str()]).or_default() += units);
    let has = |location: &str, item: &str| offered.get(&format!("{location}/{item}")).copied().unwrap_or(0);
    let all: BTreeSet<&str> = list(inputs, "offers").iter().map(|offer| text(offer, "location")).collect();
    let mut ranked: Vec<&str> =
        all.into_iter().filter(|location| need.keys().any(|item| has(location, item) > 0)).collect();
    if ranked.len() > MOST_LOCATIONS {
        return None;
    }
    ranked.sort_by_key(|location| rank(inputs, location));
    for (item, units) in &mut need {
        *units = (*units).min(ranked.iter().map(|location| has(location, item)).sum());
    }
    let enough = |set: &Vec<usize>| {
        need.iter().all(|(item, units)| set.iter().map(|at| has(ranked[*at], item)).sum::<i64>() >= *units)
    };
    let sets = (0..1_u32 << ranked.len()).map(|set| (0..ranked.len()).filter(|at| set >> at & 1 == 1).collect());
    let best = sets.filter(enough).min_by_key(|set: &Vec<usize>| (set.len(), set.clone()))?;
    Some(best.into_iter().map(|at| ranked[at].to_owned()).collect())
}

/// Priority, distance, country, id; what is not known comes last.
fn rank<'a>(inputs: &'a Value, location: &'a str) -> (i64, i64, bool, &'a str) {
    let origin = list(inputs, "origins").iter().find(|origin| text(origin, "location") == location);
    let known = |name: &str| origin.and_then(|origin| origin[name].as_i64()).unwrap_or(i64::MAX);
    let abroad = origin.is_none_or(|origin| origin["sameCountry"] != Value::Bool(true));
    (known("priority"), known("distanceKm"), abroad, location)
}
