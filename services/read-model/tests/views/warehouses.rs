use crate::{
    contract::block_on,
    shop::{Shop, effect},
};
use read_model::views::warehouses;
use schemas::{
    LocationId,
    order::Address,
    warehouse::{Coordinates, WarehouseFacts, WarehouseSet},
};

fn set(version: u64, priority: u32) -> WarehouseSet {
    let address = Address {
        name: "W".to_owned(),
        lines: vec!["1 Dock".to_owned()],
        city: "Leeds".to_owned(),
        postal_code: None,
        region: None,
        country: "GB".to_owned(),
        phone: None,
        coordinates: None,
    };
    let coordinates = Coordinates { latitude_micro: 53_800_000, longitude_micro: -1_550_000 };
    let facts = WarehouseFacts { name: "W".to_owned(), address, coordinates, priority };
    WarehouseSet { effect: effect("w"), version, facts }
}

#[test]
fn a_warehouse_is_as_it_was_set_last_and_all_are_listed_by_location() {
    let mut shop = Shop::open();
    for (location, version, priority) in [("ham", 1, 5), ("ber", 1, 7), ("ham", 2, 3)] {
        shop.warehouse(location, set(version, priority).into());
    }
    for _ in 0..2 {
        let all = block_on(warehouses::all(&shop.store)).expect("it reads");
        let shown: Vec<_> = all.iter().map(|row| (row.location.as_str(), row.version, row.facts.priority)).collect();
        assert_eq!(shown, [("ber", 1, 7), ("ham", 2, 3)]);
        let get = |location: &str| {
            let location = LocationId::parse(location).expect("an id");
            block_on(warehouses::get(&shop.store, &location)).expect("it reads")
        };
        assert_eq!((get("ham"), get("cgn")), (all.last().cloned(), None));
        shop.replay(2);
    }
}
