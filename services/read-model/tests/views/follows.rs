use crate::{
    contract::block_on,
    shop::{BEGIN_MS, Shop, effect, subject},
};
use read_model::views::{
    fan_outs::{self, Cursor},
    followers::{self, Followers},
    follows,
};
use schemas::{
    Position, ShardCount, StoreId, SubjectId, Timestamp, Topic,
    follows::{StoreFollowed, StoreUnfollowed},
};

fn store(id: &str) -> StoreId {
    StoreId::parse(id).expect("an id")
}

fn follow(shop: &mut Shop, shopper: &str, of: &str) {
    shop.follows(shopper, StoreFollowed { effect: effect("follow"), store: store(of) });
}

fn unfollow(shop: &mut Shop, shopper: &str, of: &str) {
    shop.follows(shopper, StoreUnfollowed { effect: effect("unfollow"), store: store(of) });
}

fn followed(shop: &Shop, after: Option<&str>, limit: usize) -> Vec<String> {
    let after = after.map(store);
    let alice = subject("alice");
    let page = follows::page(&shop.store, &alice, after.as_ref(), limit);
    block_on(page).expect("it reads").into_iter().map(|follow| follow.store.to_string()).collect()
}

fn followers(shop: &Shop, partition: u32, after: Option<&str>, limit: usize) -> Vec<String> {
    let after = after.map(subject);
    let acme = store("acme");
    let page = followers::page(&shop.store, &acme, partition, after.as_ref(), limit);
    block_on(page).expect("it reads").iter().map(SubjectId::to_string).collect()
}

fn count(shop: &Shop, of: &str) -> Followers {
    let shards = ShardCount::new(3).expect("a count");
    block_on(followers::count(&shop.store, &store(of), shards)).expect("it reads")
}

#[test]
fn a_shopper_sees_what_they_follow_by_id_and_since_when() {
    let mut shop = Shop::open();
    for of in ["globex", "acme", "initech", "umbrella"] {
        follow(&mut shop, "alice", of);
    }
    follow(&mut shop, "bob", "hooli");
    unfollow(&mut shop, "alice", "initech");
    assert_eq!(followed(&shop, None, 9), ["acme", "globex", "umbrella"]);
    assert_eq!(followed(&shop, None, 2), ["acme", "globex"]);
    assert_eq!(followed(&shop, Some("globex"), 2), ["umbrella"]);
    let page = block_on(follows::page(&shop.store, &subject("alice"), None, 1)).expect("it reads");
    assert_eq!(page[0].followed_at, Timestamp::from_millis(BEGIN_MS + 1_000));
}

#[test]
fn a_stores_followers_are_read_in_chunks_of_a_partition() {
    let mut shop = Shop::open();
    for shopper in ["dora", "alice", "carl", "bob"] {
        follow(&mut shop, shopper, "acme");
    }
    follow(&mut shop, "erin", "globex");
    unfollow(&mut shop, "carl", "acme");
    assert_eq!(followers(&shop, 0, None, 2), ["alice", "bob"]);
    assert_eq!(followers(&shop, 0, Some("bob"), 2), ["dora"]);
    assert_eq!(followers(&shop, 1, None, 2), [""; 0], "another partition's are others");
}

#[test]
fn followers_are_counted_and_a_replay_counts_nobody_twice() {
    let mut shop = Shop::open();
    for shopper in ["alice", "bob", "carl"] {
        follow(&mut shop, shopper, "acme");
    }
    unfollow(&mut shop, "bob", "acme");
    follow(&mut shop, "bob", "globex");
    follow(&mut shop, "bob", "acme");
    unfollow(&mut shop, "alice", "acme");
    let expected = (Followers { count: 2, changes: 6 }, Followers { count: 1, changes: 1 }, Followers::default());
    let counted = |shop: &Shop| (count(shop, "acme"), count(shop, "globex"), count(shop, "hooli"));
    assert_eq!(counted(&shop), expected);
    for batch in [1, 3, 100] {
        shop.replay(batch);
        assert_eq!(counted(&shop), expected, "batches of {batch}");
        assert_eq!(followers(&shop, 0, None, 9), ["bob", "carl"]);
    }
}

#[test]
fn a_fan_out_goes_on_from_its_latest_cursor() {
    let shop = Shop::open();
    let event = |seq| Position { topic: Topic::DropsEvents, partition: 1, seq };
    let get = |seq| block_on(fan_outs::get(&shop.store, event(seq))).expect("it reads");
    let keep =
        |seq, cursor: &Cursor| block_on(fan_outs::keep(&shop.store, "c", event(seq), cursor)).expect("it writes");
    assert_eq!(get(7), None);
    let first = Cursor { partition: 0, after: Some(subject("bob")), chunks: 1 };
    let second = Cursor { partition: 1, after: None, chunks: 2 };
    keep(7, &first);
    assert_eq!(get(7).as_ref(), Some(&first));
    keep(7, &second);
    keep(7, &first);
    assert_eq!(get(7).as_ref(), Some(&second), "an older one changes nothing");
    assert_eq!(get(8), None);
}
