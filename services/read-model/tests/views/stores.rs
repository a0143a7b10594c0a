use crate::{
    contract::block_on,
    shop::{Shop, effect, subject},
};
use read_model::views::stores;
use schemas::{
    Personal, StoreId,
    store::{StoreFacts, StoreSet},
};

fn set(version: u64, name: &str) -> StoreSet {
    let key_id = "67e55044-10b1-426f-9247-bb680e5fe0c8".parse().expect("a UUID");
    let email = Personal::from_sealed(subject("s"), key_id, "c2VhbGVk".to_owned());
    StoreSet {
        effect: effect("put"),
        version,
        facts: StoreFacts { name: name.to_owned(), email, profile: None, images: Vec::new() },
    }
}

#[test]
fn a_store_is_what_it_said_last() {
    let mut shop = Shop::open();
    let acme = StoreId::parse("acme").expect("an id");
    let get = |shop: &Shop| block_on(stores::get(&shop.store, &acme)).expect("it reads");
    assert_eq!(get(&shop), None);
    shop.seller("acme", set(1, "Acme"));
    let position = shop.seller("acme", set(2, "Acme & Sons"));
    shop.seller("globex", set(1, "Globex"));
    let row = get(&shop).expect("a store");
    assert_eq!((row.version, row.seq, row.facts.name.as_str()), (2, position.seq, "Acme & Sons"));
}
