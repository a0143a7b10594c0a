//! Free holds of foreign systems.

use super::{Asks, Made, anyone, of_item, price, some_item, units};
use crate::sim::{random::Random, swarm::Swarm};
use schemas::{
    FreeHoldId, LocationId, Metadata, Role,
    item::{CommitHold, HoldId, ItemCommand, PlaceHold, ReleaseHold, ShipStock},
};

/// A new hold, or something of one that is there.
pub fn ask(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Asks {
    // Mostly of the newest: the others are over.
    let recent = if random.chance(85) { made.holds.len().saturating_sub(3) } else { 0 };
    let known = random.pick(&made.holds[recent..]).cloned();
    let Some((owner, item, hold)) = known.filter(|_| random.chance(60)) else { return place(made, random, swarm) };
    let caller = if random.chance(4) { anyone(random) } else { owner };
    let commit = || ItemCommand::CommitHold(CommitHold { hold: hold.clone() });
    let commands = match random.below(6) {
        0 => vec![ItemCommand::ReleaseHold(ReleaseHold { hold })],
        1 | 2 => vec![commit()],
        3 => vec![ship(made, hold, random, swarm)],
        _ => vec![commit(), ship(made, hold, random, swarm)],
    };
    commands.into_iter().map(|command| (caller.clone(), of_item(item.clone(), command))).collect()
}

/// From where units are, or from where nothing ever was.
fn ship(made: &mut Made, hold: HoldId, random: &mut Random, swarm: &Swarm) -> ItemCommand {
    let moon = || LocationId::parse("moon").expect("an id");
    ItemCommand::Ship(ShipStock {
        effect: made.effect("shipment"),
        hold,
        sub_order: None,
        location: if random.chance(10) { moon() } else { super::location(random, swarm) },
        quantity: random.chance(50).then(|| units(random, swarm, 2)),
    })
}

fn place(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Asks {
    let (item, caller, effect) = (some_item(random, swarm), anyone(random), made.effect("hold"));
    let id = FreeHoldId::parse(effect.id.as_str()).expect("an id");
    let hold = HoldId::Free { caller: caller.subject.clone(), id };
    made.holds.push((caller.clone(), item.clone(), hold.clone()));
    let place = PlaceHold {
        hold,
        quantity: units(random, swarm, 4),
        expected_price: random.chance(10).then(|| price(random, swarm)),
        // A store only holds what it sells itself, as its route has it.
        only_store: caller.store.clone().filter(|_| caller.role == Role::Store),
        expires_in_seconds: Some(random.between(5, 200)),
        reference: random.chance(20).then(|| "till-7".to_owned()),
        metadata: Metadata::default(),
        effect: Some(effect),
    };
    vec![(caller, of_item(item, ItemCommand::PlaceHold(place)))]
}
