//! How an order is split over warehouses: a pure function of what is due and of what could ship from where.
//!
//! One warehouse if one has everything, else the fewest parcels; of plans with as many parcels the one whose best warehouse
//! stands first by priority, then by distance, then by id, then the one whose second best does, and so on. What nobody has is
//! left out: it is backordered. Lines and offers may come in any order.

mod choose;
mod distance;

#[cfg(test)]
mod tests;

pub use distance::{days_to_customer, distance_km, origin, with_arrivals};

use choose::{Matrix, choose};
use schemas::{
    ItemId, LineId, LocationId, Quantity, SubOrderId,
    order::{LineQuantity, Origin, PlanInputs, PlannedSubOrder},
};
use std::collections::{BTreeMap, BTreeSet};

/// Splits what is due; the sub-order that stands at place *n* of the plan gets `id(n)`. Nobody's arrival is known yet.
///
/// The line ids of the inputs must be unique.
pub fn plan(inputs: &PlanInputs, id: impl Fn(usize) -> SubOrderId) -> Vec<PlannedSubOrder> {
    let demands = demands(inputs);
    let stocks = stocks(inputs, &demands);
    let ranked = ranked(inputs, stocks.keys().copied());
    let matrix = matrix(&demands, &stocks, &ranked);
    let chosen = choose(&matrix);
    let mut parcels: Vec<Vec<LineQuantity>> = vec![Vec::new(); chosen.len()];
    for (item, (_, lines)) in demands.iter().enumerate() {
        let shares = shares(&matrix, &chosen, item);
        for (parcel, taken) in hand_out(lines, &shares) {
            parcels[parcel].push(taken);
        }
    }
    let has_hub = inputs.consolidate && parcels.len() > 1;
    let sub_order = |(at, mut lines): (usize, Vec<LineQuantity>)| {
        lines.sort_by(|a, b| a.line_id.cmp(&b.line_id));
        // The first is the best: the others ship to it.
        let parent = (has_hub && at > 0).then(|| id(0));
        let location = ranked[chosen[at]].clone();
        PlannedSubOrder { sub_order_id: id(at), parent, location, lines, arrival_at: None }
    };
    parcels.into_iter().enumerate().map(sub_order).collect()
}

/// The lines that want units of each item, ordered.
type Demands<'a> = BTreeMap<&'a ItemId, BTreeMap<&'a LineId, u64>>;
/// By location, the units that it has of what is wanted.
type Stocks<'a> = BTreeMap<&'a LocationId, BTreeMap<&'a ItemId, u64>>;

fn demands(inputs: &PlanInputs) -> Demands<'_> {
    let mut demands = Demands::new();
    for line in &inputs.lines {
        *demands.entry(&line.item_id).or_default().entry(&line.line_id).or_default() += u64::from(line.quantity.get());
    }
    demands
}

fn stocks<'a>(inputs: &'a PlanInputs, demands: &Demands<'_>) -> Stocks<'a> {
    let mut stocks = Stocks::new();
    for offer in inputs.offers.iter().filter(|offer| offer.units > 0 && demands.contains_key(&offer.item_id)) {
        *stocks.entry(&offer.location).or_default().entry(&offer.item_id).or_default() += offer.units;
    }
    stocks
}

/// Locations, the one that ships most gladly first.
fn ranked<'a>(inputs: &'a PlanInputs, locations: impl Iterator<Item = &'a LocationId>) -> Vec<&'a LocationId> {
    let origins: BTreeMap<_, _> = inputs.origins.iter().map(|origin| (&origin.location, origin)).collect();
    let ranks: BTreeSet<_> = locations.map(|location| rank(location, origins.get(location).copied())).collect();
    ranks.into_iter().map(|rank| rank.location).collect()
}

/// The order in which locations ship: by its fields, from the first to the last.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank<'a> {
    is_no_warehouse: bool,
    priority: u32,
    has_no_distance: bool,
    distance_km: u32,
    is_abroad: bool,
    location: &'a LocationId,
}

fn rank<'a>(location: &'a LocationId, origin: Option<&Origin>) -> Rank<'a> {
    let priority = origin.and_then(|origin| origin.priority);
    let distance = origin.and_then(|origin| origin.distance_km);
    Rank {
        is_no_warehouse: priority.is_none(),
        priority: if planted::bug!("priority-ignored") { 0 } else { priority.unwrap_or_default() },
        has_no_distance: distance.is_none(),
        distance_km: distance.unwrap_or_default(),
        is_abroad: origin.and_then(|origin| origin.same_country) != Some(true),
        location,
    }
}

/// What each location can contribute, and what all of them can, by item.
fn matrix(demands: &Demands<'_>, stocks: &Stocks<'_>, ranked: &[&LocationId]) -> Matrix {
    let wanted: Vec<u64> = demands.values().map(|lines| lines.values().sum()).collect();
    let contributes = |location: &&LocationId| {
        let stock = &stocks[location];
        let units = |(item, &wanted): (&&ItemId, &u64)| {
            let units = stock.get(item).copied().unwrap_or_default();
            if planted::bug!("plan-beyond-offer") && units > 0 { wanted } else { units.min(wanted) }
        };
        demands.keys().zip(&wanted).map(units).collect()
    };
    let have: Vec<Vec<u64>> = ranked.iter().map(contributes).collect();
    let shippable = |(item, &wanted): (usize, &u64)| have.iter().map(|units| units[item]).sum::<u64>().min(wanted);
    let need = wanted.iter().enumerate().map(shippable).collect();
    Matrix { have, need }
}

/// How many units of an item each of the chosen ships: one of them all of it where it can, else the best ones first.
fn shares(matrix: &Matrix, chosen: &[usize], item: usize) -> Vec<u64> {
    let mut left = matrix.need[item];
    let whole = chosen.iter().position(|&location| matrix.have[location][item] >= left);
    let share = |(at, &location): (usize, &usize)| {
        let units = if whole.is_some_and(|whole| whole != at) { 0 } else { matrix.have[location][item].min(left) };
        left -= units;
        units
    };
    chosen.iter().enumerate().map(share).collect()
}

/// Fills the lines from the shares, both in order: which share gives how much to which line.
fn hand_out(lines: &BTreeMap<&LineId, u64>, shares: &[u64]) -> Vec<(usize, LineQuantity)> {
    let mut taken = Vec::new();
    let mut lines = lines.iter().map(|(&line, &units)| (line, units));
    let (mut line, mut wanted) = lines.next().expect("an item is wanted by a line");
    for (parcel, &share) in shares.iter().enumerate() {
        let mut left = share;
        while left > 0 {
            if wanted == 0 {
                (line, wanted) = lines.next().expect("the shares are not more than the lines");
            }
            let units = left.min(wanted);
            let quantity = u32::try_from(units).ok().and_then(|units| Quantity::new(units).ok());
            let quantity = quantity.expect("some units, not more than a line has");
            taken.push((parcel, LineQuantity { line_id: line.clone(), quantity }));
            left -= units;
            wanted -= units;
        }
    }
    taken
}
