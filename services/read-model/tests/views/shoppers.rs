use crate::{
    contract::block_on,
    shop::{Shop, effect, subject},
};
use read_model::views::shoppers;
use schemas::shopper::{ShopperFacts, ShopperSet};

#[test]
fn a_shopper_is_what_they_said_last() {
    let mut shop = Shop::open();
    let set = |version, locale: &str| {
        let facts = ShopperFacts { locale: Some(locale.to_owned()), ..ShopperFacts::default() };
        ShopperSet { effect: effect("put"), version, facts }
    };
    let ask = [subject("bob"), subject("alice")];
    let get = |shop: &Shop| block_on(shoppers::get_many(&shop.store, &ask)).expect("it reads");
    assert_eq!(get(&shop), [None, None]);
    shop.shopper("alice", set(1, "de"));
    shop.shopper("alice", set(2, "de-CH"));
    let alice = block_on(shoppers::get(&shop.store, &subject("alice"))).expect("it reads").expect("a shopper");
    assert_eq!((alice.version, alice.facts.locale.as_deref()), (2, Some("de-CH")));
    assert_eq!(get(&shop), [None, Some(alice)]);
}
