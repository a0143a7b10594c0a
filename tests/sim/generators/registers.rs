//! Stores and warehouses: what is said of them.

use super::{Asks, Made, anyone, caller, location, locations, warehouse};
use crate::sim::{random::Random, swarm::Swarm};
use schemas::{
    Command, LocationId, Role, StoreId,
    order::Address,
    store::{PutStore, StoreCommand, StoreFacts},
    warehouse::{Coordinates, PutWarehouse, WarehouseCommand, WarehouseFacts},
};
use serde_json::json;

/// Most warehouses are known from the start.
pub fn opening(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Vec<Command> {
    let known: Vec<_> = locations(swarm).filter(|_| random.chance(80)).collect();
    known.into_iter().map(|location| put_warehouse(made, location, random)).collect()
}

/// What is known of a store or a warehouse is said anew, also by who may not.
pub fn ask(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Asks {
    if random.chance(50) {
        let location = location(random, swarm);
        let caller = match random.below(4) {
            0 => warehouse(location.as_str()),
            1 => warehouse("leeds"),
            2 => anyone(random),
            _ => caller(Role::Operator, "ops", None),
        };
        return vec![(caller, put_warehouse(made, location, random))];
    }
    let id = if random.chance(70) { "store-a" } else { "store-b" };
    let caller = match random.below(3) {
        0 => caller(Role::Store, "seller-a", Some("store-a")),
        1 => anyone(random),
        _ => caller(Role::Operator, "ops", None),
    };
    vec![(caller, put_store(made, id, random))]
}

fn put_warehouse(made: &mut Made, location: LocationId, random: &mut Random) -> Command {
    let address = Address {
        name: "hall".to_owned(),
        lines: vec!["1 Long Road".to_owned()],
        city: "town".to_owned(),
        postal_code: None,
        region: None,
        country: if random.chance(70) { "DE" } else { "GB" }.to_owned(),
        phone: None,
        coordinates: None,
    };
    let micro = |random: &mut Random| i32::try_from(random.below(60)).expect("small") * 1_000_000;
    let coordinates = Coordinates { latitude_micro: micro(random), longitude_micro: micro(random) };
    let facts = WarehouseFacts { name: "hall".to_owned(), address, coordinates, priority: random.between(0, 2) };
    let command = WarehouseCommand::Put(PutWarehouse { effect: made.effect("warehouse"), facts });
    Command::Warehouse { location, command }
}

fn put_store(made: &mut Made, id: &str, random: &mut Random) -> Command {
    let mut effect = made.effect("store");
    // The digest is that of what is said: of a few things.
    let says = random.below(4);
    effect.digest = super::digest(2_000_000 + says);
    let sealed = json!({
        "subject": id, "keyId": "00000000-0000-4000-8000-000000000000", "sealed": format!("sealed-{}", made.count),
    });
    let facts = StoreFacts {
        name: format!("store {says}"),
        email: serde_json::from_value(sealed).expect("as it is stored"),
        profile: random.chance(30).then(|| "about".to_owned()),
        images: Vec::new(),
    };
    let store = StoreId::parse(id).expect("an id");
    Command::Store { store, command: StoreCommand::Put(PutStore { effect, facts }) }
}
