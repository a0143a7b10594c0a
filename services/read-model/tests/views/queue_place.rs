use super::drop::{admitted, drafted, expired, get, granted, joined, levels, opened, pool, scheduled, second, terms};
use crate::{
    contract::block_on,
    shop::{Shop, subject},
};
use read_model::views::{
    drop::{PlaceStatus, Standing},
    queue_place::{self, Place},
};
use schemas::{
    DropId, Timestamp,
    drop::{DropEnded, DropStatus, DropStatusChanged, PlacesDrawn},
};

fn place(shop: &Shop, drop: &str, shopper: &str) -> Option<Place> {
    let drop = DropId::parse(drop).expect("an id");
    block_on(queue_place::get(&shop.store, &drop, &subject(shopper))).expect("it reads")
}

fn standing(shop: &Shop, shopper: &str, now: Timestamp) -> Standing {
    get(shop, "shoe").expect("a drop").standing(&place(shop, "shoe", shopper).expect("a place"), now)
}

/// The first two events: a drop that starts at second 10.
fn queueing() -> Shop {
    let mut shop = Shop::open();
    let terms = terms(second(10));
    shop.drop("shoe", drafted(&terms));
    shop.drop("shoe", scheduled(&terms));
    shop
}

#[test]
fn who_is_early_has_no_position_before_the_draw() {
    let mut shop = queueing();
    assert_eq!(place(&shop, "shoe", "ada"), None);
    for (shopper, number) in [("ada", 1), ("bob", 2), ("cid", 3)] {
        shop.drop("shoe", joined(shopper, number, None, levels(1, number, 0)));
    }
    let early = place(&shop, "shoe", "bob").expect("a place");
    assert_eq!((early.number, early.rank, early.joined_at), (2, None, second(3)));
    assert_eq!(place(&shop, "hat", "bob"), None, "of that drop only");
    let told = standing(&shop, "bob", second(6));
    assert_eq!((told.status, told.drawn, told.position), (PlaceStatus::Waiting, false, None));
    assert_eq!(told.estimated_wait_seconds, Some(4), "until it starts");
    shop.drop("shoe", opened(3));
    let shoppers = ["cid", "ada", "bob"].map(subject).to_vec();
    shop.drop("shoe", PlacesDrawn { first_rank: 1, shoppers });
    for (shopper, position) in [("cid", 1), ("ada", 2), ("bob", 3)] {
        let told = standing(&shop, shopper, second(8));
        assert_eq!((told.drawn, told.position), (true, Some(position)), "{shopper}");
    }
    shop.drop("shoe", joined("dan", 4, Some(4), levels(1, 4, 0)));
    assert_eq!(standing(&shop, "dan", second(8)).position, Some(4), "who is late stands behind");
}

/// Four late shoppers, of whom two are admitted at second 7 until second 127.
fn two_admitted() -> Shop {
    let mut shop = queueing();
    shop.drop("shoe", opened(0));
    for (shopper, number) in [("ada", 1), ("bob", 2), ("cid", 3), ("dan", 4)] {
        shop.drop("shoe", joined(shopper, number, Some(number), levels(1, number, 0)));
    }
    shop.drop("shoe", admitted(&["ada", "bob"], second(127), 0, levels(3, 4, 2)));
    shop
}

#[test]
fn who_is_admitted_may_claim_until_then_and_the_others_move_up() {
    let mut shop = two_admitted();
    let told = standing(&shop, "ada", second(8));
    assert_eq!((told.status, told.position, told.admitted_until), (PlaceStatus::Admitted, None, Some(second(127))));
    let waits = standing(&shop, "dan", second(8));
    assert_eq!((waits.status, waits.position, waits.estimated_wait_seconds), (PlaceStatus::Waiting, Some(2), None));
    shop.drop("shoe", granted("ada", pool("shoe-41", 4, 1, 0), levels(3, 4, 1)));
    shop.drop("shoe", expired(&["bob"], levels(3, 4, 0)));
    shop.drop("shoe", admitted(&["cid"], second(130), 0, levels(4, 4, 1)));
    let status = |shopper: &str| standing(&shop, shopper, second(17)).status;
    assert_eq!(
        ["ada", "bob", "cid", "dan"].map(status),
        [PlaceStatus::Claimed, PlaceStatus::Expired, PlaceStatus::Admitted, PlaceStatus::Waiting]
    );
    // One in the ten seconds since the room was full.
    let next = standing(&shop, "dan", second(17));
    assert_eq!((next.position, next.estimated_wait_seconds), (Some(1), Some(10)));
}

#[test]
fn an_admission_is_longer_by_the_time_in_which_clocks_stood_still() {
    let mut shop = two_admitted();
    shop.drop("shoe", DropStatusChanged { status: DropStatus::AllHeld });
    let until = |shop: &Shop, shopper: &str, now| standing(shop, shopper, now).admitted_until;
    assert_eq!(until(&shop, "ada", second(58)), Some(second(177)), "they stand since second 8");
    shop.drop("shoe", DropStatusChanged { status: DropStatus::Live });
    assert_eq!(until(&shop, "ada", second(58)), Some(second(128)));
    shop.drop("shoe", admitted(&["cid"], second(130), 1_000, levels(4, 4, 3)));
    assert_eq!(until(&shop, "cid", second(58)), Some(second(130)), "what was before does not count");
}

#[test]
fn who_joins_again_has_a_new_place_and_nothing_of_the_old_one() {
    let mut shop = two_admitted();
    shop.drop("shoe", expired(&["bob"], levels(3, 4, 1)));
    shop.drop("shoe", joined("bob", 5, Some(5), levels(3, 5, 1)));
    let again = place(&shop, "shoe", "bob").expect("a place");
    assert_eq!((again.number, again.rank, again.admission, again.is_expired), (5, Some(5), None, false));
    assert_eq!(standing(&shop, "bob", second(10)).position, Some(3));
    let at = shop.drop("shoe", admitted(&["bob"], second(140), 0, levels(6, 5, 2)));
    assert_eq!(place(&shop, "shoe", "bob").expect("a place").seq, at.seq);
    for batch in [1, 4, 100] {
        shop.replay(batch);
        assert_eq!(standing(&shop, "bob", second(10)).admitted_until, Some(second(140)), "in batches of {batch}");
        assert!(!place(&shop, "shoe", "bob").expect("a place").is_expired);
    }
}

#[test]
fn when_the_drop_is_over_nobody_waits() {
    let mut shop = two_admitted();
    let store = super::drop::store("acme");
    shop.drop("shoe", DropEnded { store, pools: Vec::new() });
    for shopper in ["ada", "dan"] {
        let told = standing(&shop, shopper, second(10));
        assert_eq!((told.status, told.position, told.admitted_until), (PlaceStatus::Over, None, None));
        assert_eq!(told.estimated_wait_seconds, None);
    }
}

#[test]
fn a_thousand_places_drawn_by_one_event_are_a_thousand_rows() {
    let mut shop = queueing();
    let names: Vec<String> = (0..1_000).map(|n| format!("s-{n}")).collect();
    for (name, number) in names.iter().zip(1..) {
        shop.drop("shoe", joined(name, number, None, levels(1, number, 0)));
    }
    shop.drop("shoe", opened(1_000));
    let shoppers = names.iter().rev().map(|name| subject(name)).collect();
    shop.drop("shoe", PlacesDrawn { first_rank: 1, shoppers });
    for (name, rank) in names.iter().rev().zip(1..) {
        assert_eq!(place(&shop, "shoe", name).expect("a place").rank, Some(rank));
    }
}
