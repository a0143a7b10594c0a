//! Catalog and stock of items.

use super::{Asks, Made, anyone, item_ids, location, of_item, price, some_stock, units};
use crate::sim::{random::Random, swarm::Swarm};
use schemas::{
    Command, ItemId, Metadata, SourceId, StoreId,
    item::{
        Bucket, Catalog, CountStock, DelistItem, ItemCommand, ItemKind, ListItem, MoveStock, PatchItem, ReceiveStock,
        ReceiveTransfer, SetSafety, SourceVersion, TransferStock,
    },
};
use serde_json::json;

/// What opens the shop: every item is listed and has a few units.
pub fn opening(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Vec<Command> {
    let ids = item_ids(swarm);
    let mut commands: Vec<_> = ids.iter().map(|id| listing(id, random)).collect();
    for id in &ids[..swarm.items] {
        // In a shop some lies at each location.
        let times = if swarm.shop || swarm.drops { 3 * swarm.locations } else { 1 };
        commands.extend((0..times).map(|_| receive(made, id, random, swarm)));
    }
    commands.extend(super::registers::opening(made, random, swarm));
    commands
}

/// A plain listing, which nothing can refuse.
fn listing(item: &ItemId, random: &mut Random) -> Command {
    let catalog = catalog(item, item.as_str() == "ebook", None);
    let price = super::euros(100 * i64::from(random.between(1, 5)));
    of_item(item.clone(), ItemCommand::List(ListItem { catalog, price, source: None, expected_version: None }))
}

/// A change of stock or catalog.
pub fn ask(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Asks {
    let (item, caller) = (some_stock(random, swarm), anyone(random));
    let command = match random.below(30) {
        0 => list(&item, random, swarm, None),
        1 => {
            let source = SourceId::parse(if random.chance(50) { "feed" } else { "erp" }).expect("an id");
            let version = random.below(6);
            list(&item, random, swarm, Some(SourceVersion { source, version }))
        }
        2 => patch(made, &item, random, swarm),
        3 if random.chance(if swarm.shop || swarm.drops { 8 } else { 50 }) => {
            of_item(item, ItemCommand::Delist(DelistItem { source: None }))
        }
        4..14 => receive(made, &item, random, swarm),
        // Who counts all day sells nothing.
        14..18 if (swarm.shop || swarm.drops) && random.chance(70) => receive(made, &item, random, swarm),
        14..18 => count(made, &item, random, swarm),
        18..22 => move_units(made, &item, random, swarm),
        22..25 => transfer(made, &item, random, swarm),
        25..28 => return receive_transfer(made, random, swarm),
        _ => {
            let much = random.chance(swarm.extremes) && !swarm.shop && !swarm.drops;
            let quantity = if much { 1_000_000 } else { random.between(0, 3) };
            of_item(item, ItemCommand::SetSafety(SetSafety { quantity }))
        }
    };
    vec![(caller, command)]
}

fn receive(made: &mut Made, item: &ItemId, random: &mut Random, swarm: &Swarm) -> Command {
    // In a shop an item has a home: who orders two of them gets two parcels.
    let home = item.as_str().bytes().map(usize::from).sum::<usize>();
    let home = super::locations(swarm).nth(home % swarm.locations).filter(|_| swarm.shop && random.chance(94));
    let receive = ReceiveStock {
        effect: made.effect("receipt"),
        location: home.unwrap_or_else(|| location(random, swarm)),
        quantity: units(random, swarm, if swarm.shop { 10 } else { 20 }),
        document: "note".to_owned(),
        occurred_at: None,
        metadata: Metadata::default(),
    };
    of_item(item.clone(), ItemCommand::Receive(receive))
}

fn count(made: &mut Made, item: &ItemId, random: &mut Random, swarm: &Swarm) -> Command {
    let counted = match random.below(100) {
        n if n < swarm.extremes => 1_000_000_000,
        n if n < 2 * swarm.extremes => 1_000_000_001,
        n if n < 15 => 0,
        _ => random.below(25),
    };
    let count = CountStock {
        effect: made.effect("count"),
        location: location(random, swarm),
        counted,
        expected: random.chance(30).then(|| random.below(10)),
        reason: "stocktaking".to_owned(),
    };
    of_item(item.clone(), ItemCommand::Count(count))
}

fn move_units(made: &mut Made, item: &ItemId, random: &mut Random, swarm: &Swarm) -> Command {
    let buckets = [Bucket::Sellable, Bucket::Damaged, Bucket::QualityControl];
    let mut bucket = |first: u64| {
        let at = if random.chance(first) { 0 } else { random.below(3) };
        buckets[usize::try_from(at).expect("below three")]
    };
    let (from, to) = (bucket(50), bucket(20));
    let moved = MoveStock {
        effect: made.effect("move"),
        location: location(random, swarm),
        from,
        to,
        quantity: units(random, swarm, 4),
        reason: "fell".to_owned(),
        reference: "r".to_owned(),
    };
    of_item(item.clone(), ItemCommand::Move(moved))
}

fn transfer(made: &mut Made, item: &ItemId, random: &mut Random, swarm: &Swarm) -> Command {
    let effect = made.effect("transfer");
    made.transfers.push((item.clone(), effect.id.clone()));
    let transfer = TransferStock {
        effect,
        location: location(random, swarm),
        to_location: location(random, swarm),
        quantity: units(random, swarm, 4),
        reason: "nearer".to_owned(),
        reference: "lorry".to_owned(),
    };
    of_item(item.clone(), ItemCommand::Transfer(transfer))
}

/// Units of a transfer arrive, or never will.
fn receive_transfer(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Asks {
    let recent = made.transfers.len().saturating_sub(4);
    let Some((item, transfer)) = random.pick(&made.transfers[recent..]).cloned() else {
        let item = some_stock(random, swarm);
        return vec![(super::service(), transfer(made, &item, random, swarm))];
    };
    let unknown = random.per_mille(30);
    let effect = made.effect("arrival");
    let receive = ReceiveTransfer {
        transfer: if unknown { effect.id.clone() } else { transfer },
        effect,
        quantity: random.chance(50).then(|| random.between(0, 3)),
        lost: if random.chance(20) { random.between(1, 2) } else { 0 },
    };
    let caller = if random.chance(50) { super::warehouse(location(random, swarm).as_str()) } else { anyone(random) };
    vec![(caller, of_item(item, ItemCommand::ReceiveTransfer(receive)))]
}

fn patch(made: &mut Made, item: &ItemId, random: &mut Random, swarm: &Swarm) -> Command {
    let patch = match random.below(6) {
        0 => json!({"name": "renamed"}),
        1 => json!({"category": null}),
        2 => json!({"category": "gifts", "name": "a gift"}),
        3 => json!({"kind": "digital"}),
        4 => json!({"colour": "red"}),
        _ => json!({"price": price(random, swarm)}),
    };
    let patch = PatchItem {
        patch: patch.as_object().cloned().unwrap_or_default(),
        effect: Some(made.effect("patch")),
        expected_version: random.chance(20).then(|| random.below(4)),
    };
    of_item(item.clone(), ItemCommand::Patch(patch))
}

fn list(item: &ItemId, random: &mut Random, swarm: &Swarm, source: Option<SourceVersion>) -> Command {
    let digital = (item.as_str() == "ebook") != random.per_mille(20);
    let catalog = catalog(item, digital, random.chance(50).then_some("things"));
    let expected_version = random.chance(10).then(|| random.below(4));
    of_item(
        item.clone(),
        ItemCommand::List(ListItem { catalog, price: price(random, swarm), source, expected_version }),
    )
}

pub(super) fn catalog(item: &ItemId, digital: bool, category: Option<&str>) -> Catalog {
    Catalog {
        name: item.to_string(),
        description: None,
        category: category.map(str::to_owned),
        // The second and the fourth item are a seller's, all others are the shop's own.
        store: matches!(item.as_str(), "sku-1" | "sku-3").then(|| StoreId::parse("store-a").expect("an id")),
        kind: if digital { ItemKind::Digital } else { ItemKind::Physical },
        attributes: serde_json::Map::new(),
        images: Vec::new(),
        file: digital.then(|| format!("https://files.example/{item}")),
        metadata: Metadata::default(),
    }
}
