//! How far it is from a warehouse to a customer, and how long that takes.

use schemas::{
    LocationId, Timestamp,
    order::{Address, Origin, PlanInputs, PlannedSubOrder},
    warehouse::{Coordinates, WarehouseFacts},
};

/// The mean radius of the earth in kilometres (IUGG).
const EARTH_KM: f64 = 6_371.008_8;
const DAY_SECONDS: u32 = 86_400;
/// A warehouse packs for so long.
const PACKING_DAYS: u32 = 1;
/// A carrier takes so many days up to that distance in km.
const TRANSIT_DAYS: [(u32, u32); 5] = [(100, 1), (500, 2), (1_500, 3), (5_000, 5), (u32::MAX, 8)];
/// Distances to an address are told in steps of so many km, upwards: a plan stands in the log for ever, and from exact distances
/// to three warehouses anybody could reckon where a person lives, also one who was forgotten.
const STEP_KM: u32 = 50;
/// Where the distance is not known: inside of a country, and otherwise.
const TRANSIT_DAYS_UNKNOWN: (u32, u32) = (3, 7);

/// The great-circle distance between two places in whole km, by the haversine formula (R. W. Sinnott, "Virtues of the
/// Haversine", Sky and Telescope 68, 1984): good to half a percent, as the earth is no ball.
#[must_use]
pub fn distance_km(from: Coordinates, to: Coordinates) -> u32 {
    let radians = |micro: i32| (f64::from(micro) / 1e6).to_radians();
    let half_sine = |angle: f64| (angle / 2.0).sin().powi(2);
    let (north_from, north_to) = (radians(from.latitude_micro), radians(to.latitude_micro));
    let east = radians(to.longitude_micro) - radians(from.longitude_micro);
    let chord = half_sine(north_to - north_from) + north_from.cos() * north_to.cos() * half_sine(east);
    // Rounding may leave a hair more than 1 between antipodes.
    let km = 2.0 * EARTH_KM * chord.clamp(0.0, 1.0).sqrt().asin();
    // At most half the circumference: 20,015 km.
    km.round() as u32
}

/// What a plan may know of a location, which need not be a known warehouse, and of the way from there to an address.
#[must_use]
pub fn origin(location: &LocationId, warehouse: Option<&WarehouseFacts>, to: Option<&Address>) -> Origin {
    let way = warehouse.zip(to);
    let distance = |(warehouse, to): (&WarehouseFacts, &Address)| {
        to.coordinates.map(|to| distance_km(warehouse.coordinates, to).next_multiple_of(STEP_KM))
    };
    let is_same = |(warehouse, to): (&WarehouseFacts, &Address)| warehouse.address.country == to.country;
    Origin {
        location: location.clone(),
        priority: warehouse.map(|warehouse| warehouse.priority),
        distance_km: way.and_then(distance),
        same_country: way.map(is_same),
    }
}

/// Days from the order to the customer: packed, and then on the way.
#[must_use]
pub fn days_to_customer(origin: Option<&Origin>) -> u32 {
    let unknown = match origin.and_then(|origin| origin.same_country) {
        Some(true) => TRANSIT_DAYS_UNKNOWN.0,
        Some(false) | None => TRANSIT_DAYS_UNKNOWN.1,
    };
    let by_distance = |km: u32| TRANSIT_DAYS.iter().find(|(most, _)| km <= *most).map(|(_, days)| *days);
    PACKING_DAYS + origin.and_then(|origin| origin.distance_km).and_then(by_distance).unwrap_or(unknown)
}

/// The plan with the time at which each part should be with the customer.
///
/// What ships on from another warehouse leaves there once the last part has come; as nobody knows how far two warehouses are from
/// each other, a part is taken to need as long to there as to the customer.
#[must_use]
pub fn with_arrivals(now: Timestamp, inputs: &PlanInputs, planned: Vec<PlannedSubOrder>) -> Vec<PlannedSubOrder> {
    let days =
        |location: &LocationId| days_to_customer(inputs.origins.iter().find(|origin| origin.location == *location));
    let joined = planned.iter().filter(|part| part.parent.is_some()).map(|part| days(&part.location)).max();
    let arrives = |mut part: PlannedSubOrder| {
        let hub = joined.map(|last| {
            let hub = planned.iter().find(|part| part.parent.is_none());
            last + hub.map_or(0, |hub| days(&hub.location))
        });
        let days = hub.unwrap_or_else(|| days(&part.location));
        part.arrival_at = Some(now.plus_seconds(days * DAY_SECONDS));
        part
    };
    planned.clone().into_iter().map(arrives).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::{Quantity, SubOrderId, order::LineQuantity};

    fn place(latitude_micro: i32, longitude_micro: i32) -> Coordinates {
        Coordinates { latitude_micro, longitude_micro }
    }

    const BERLIN: Coordinates = Coordinates { latitude_micro: 52_520_000, longitude_micro: 13_405_000 };
    const HAMBURG: Coordinates = Coordinates { latitude_micro: 53_551_000, longitude_micro: 9_994_000 };

    #[test]
    fn distances_are_those_of_the_globe() {
        assert_eq!(distance_km(BERLIN, BERLIN), 0);
        assert_eq!(distance_km(BERLIN, HAMBURG), 255);
        assert_eq!(distance_km(HAMBURG, BERLIN), 255);
        // A quarter and a half of the circumference, and the short way over the date line.
        assert_eq!(distance_km(place(0, 0), place(90_000_000, 0)), 10_008);
        assert_eq!(distance_km(place(0, 0), place(0, 180_000_000)), 20_015);
        assert_eq!(distance_km(place(-90_000_000, 5), place(90_000_000, -70_000_000)), 20_015);
        assert_eq!(distance_km(place(0, 179_500_000), place(0, -179_500_000)), 111);
    }

    fn address(country: &str, coordinates: Option<Coordinates>) -> Address {
        Address {
            name: "A".to_owned(),
            lines: vec!["1 Road".to_owned()],
            city: "C".to_owned(),
            postal_code: None,
            region: None,
            country: country.to_owned(),
            phone: None,
            coordinates,
        }
    }

    fn warehouse() -> WarehouseFacts {
        WarehouseFacts { name: "W".to_owned(), address: address("DE", None), coordinates: BERLIN, priority: 7 }
    }

    fn location(id: &str) -> LocationId {
        LocationId::parse(id).expect("an id")
    }

    #[test]
    fn an_origin_knows_what_warehouse_and_address_tell() {
        let location = location("ber");
        let told = |warehouse: Option<&WarehouseFacts>, to: Option<&Address>| {
            let origin = origin(&location, warehouse, to);
            (origin.priority, origin.distance_km, origin.same_country)
        };
        let (near, somewhere) = (address("DE", Some(HAMBURG)), address("FR", None));
        assert_eq!(told(Some(&warehouse()), Some(&near)), (Some(7), Some(300), Some(true)));
        assert_eq!(told(Some(&warehouse()), Some(&somewhere)), (Some(7), None, Some(false)));
        assert_eq!(told(Some(&warehouse()), None), (Some(7), None, None));
        assert_eq!(told(None, Some(&near)), (None, None, None));
    }

    #[test]
    fn an_address_cannot_be_reckoned_from_the_distances_that_the_log_keeps() {
        let at = |latitude_micro, longitude_micro| {
            let to = address("DE", Some(place(latitude_micro, longitude_micro)));
            [BERLIN, HAMBURG, place(48_137_000, 11_575_000)].map(|coordinates| {
                let warehouse = WarehouseFacts { coordinates, ..warehouse() };
                origin(&location("w"), Some(&warehouse), Some(&to)).distance_km
            })
        };
        // Ten km apart, and no plan tells them from each other.
        assert_eq!(at(51_340_000, 12_375_000), at(51_400_000, 12_500_000));
    }

    #[test]
    fn a_step_of_distance_changes_no_estimate() {
        for (most, _) in TRANSIT_DAYS.iter().filter(|(most, _)| *most != u32::MAX) {
            assert_eq!(most % STEP_KM, 0, "{most} km");
        }
    }

    fn known(id: &str, distance_km: Option<u32>, same_country: Option<bool>) -> Origin {
        Origin { location: location(id), priority: Some(0), distance_km, same_country }
    }

    #[test]
    fn it_takes_a_day_to_pack_and_longer_the_farther_it_goes() {
        let days = |km| days_to_customer(Some(&known("a", Some(km), None)));
        let cases = [(0, 2), (100, 2), (101, 3), (500, 3), (1_500, 4), (5_000, 6), (5_001, 9), (20_015, 9)];
        for (km, expected) in cases {
            assert_eq!(days(km), expected, "{km} km");
        }
        assert_eq!(days_to_customer(Some(&known("a", None, Some(true)))), 4);
        assert_eq!(days_to_customer(Some(&known("a", None, Some(false)))), 8);
        assert_eq!(days_to_customer(None), 8);
    }

    #[test]
    fn what_is_joined_arrives_together_after_the_last_part_has_come() {
        let part = |id: &str, parent: Option<&str>, at: &str| PlannedSubOrder {
            sub_order_id: SubOrderId::parse(id).expect("an id"),
            parent: parent.map(|id| SubOrderId::parse(id).expect("an id")),
            location: location(at),
            lines: vec![LineQuantity {
                line_id: schemas::LineId::parse("l").expect("an id"),
                quantity: Quantity::new(1).expect("a quantity"),
            }],
            arrival_at: None,
        };
        let inputs = PlanInputs {
            origins: vec![known("near", Some(10), None), known("far", Some(6_000), None)],
            ..PlanInputs::default()
        };
        let now = Timestamp::from_millis(0);
        let arrivals = |planned: Vec<PlannedSubOrder>| -> Vec<i64> {
            let arrives = |part: PlannedSubOrder| part.arrival_at.map_or(0, Timestamp::millis) / 86_400_000;
            with_arrivals(now, &inputs, planned).into_iter().map(arrives).collect()
        };
        assert_eq!(arrivals(vec![part("a", None, "near"), part("b", None, "far")]), [2, 9]);
        assert_eq!(arrivals(vec![part("a", None, "near"), part("b", Some("a"), "far")]), [11, 11]);
    }
}
