use super::{kit::*, transfers_kit::*};
use crate::item::Item;
use schemas::item::*;

fn restored(item: &Item) -> Item {
    let bytes = serde_json::to_vec(item).expect("a state is JSON");
    serde_json::from_slice(&bytes).expect("a stored state reads")
}

#[test]
fn a_restored_item_is_the_same() {
    let given = given_stock(50)
        .and(receive("more", "shop", 5))
        .and(move_stock("m", Bucket::Sellable, Bucket::Damaged, 2))
        .and(hold(free("h"), 2))
        .and(hold(free("g"), 3))
        .and(commit(free("g")))
        .and(ship("s", free("g"), None, "main", Some(1)))
        .and(hold(of_order("o"), 4))
        .and(commit(of_order("o")))
        .and(allocate("s1", of_order("o"), "main", 3))
        .and(ItemCommand::Uncommit(uncommit("c", of_order("o"), 1, &[])))
        .and(transfer("t1", "main", "shop", 2))
        .and(transfer("t2", "shop", "depot", 1))
        .and(arrive("r", "t2", None, 1))
        .and(forward("x", of_order("o"), ("s1", "s2"), ("main", "shop"), 2))
        .and(forward("y", of_order("o"), ("s1", "s2"), ("main", "shop"), 1))
        .and(forward_arrives("y", of_order("o")))
        .and(release(of_order("p")))
        .and(ItemCommand::Allot(allot("a", 2)))
        .and(set_safety(3));
    assert_eq!(restored(&given.item), given.item);
    assert_eq!(restored(&given.item).due(), given.item.due());
}

#[test]
fn the_same_state_has_the_same_bytes() {
    let given = (0..200).fold(given_stock(1_000), |given, n| given.and(hold(free(&format!("h{n}")), 1)));
    let bytes = |item: &Item| serde_json::to_vec(item).expect("JSON");
    assert_eq!(bytes(&given.item), bytes(&restored(&given.item)));
}

#[test]
fn an_item_survives_the_aggregates_own_form() {
    let key = schemas::AggregateKey::Item(schemas::ItemId::parse("sku-1").expect("id"));
    let given = given_stock(5).and(hold(of_order("o"), 2)).and(commit(of_order("o")));
    let given = given.and(allocate("s", of_order("o"), "main", 1));
    let aggregate = crate::Aggregate::Item(Box::new(given.item));
    let bytes = serde_json::to_vec(&aggregate).expect("JSON");
    let read: crate::Aggregate = serde_json::from_slice(&bytes).expect("a stored state reads");
    assert_eq!(serde_json::to_vec(&read).expect("JSON"), bytes);
    drop(crate::Aggregate::new(&key));
}
