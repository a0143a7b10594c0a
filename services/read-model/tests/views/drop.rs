use crate::{
    contract::block_on,
    shop::{BEGIN_MS, Shop, effect, euros, item_id, quantity, subject},
};
use read_model::views::drop::{self, Admissions, DropRow};
use schemas::{
    CancellationId, ClaimId, DropId, Metadata, OrderId, StoreId, Timestamp,
    drop::{
        AdmissionsExpired, AllotRefusal, ClaimCommitted, ClaimFacts, ClaimGranted, ClaimReleased, ClaimUncommitted,
        DropCancelled, DropChanged, DropClosed, DropDrafted, DropEnded, DropItem, DropOpened, DropPaused, DropRejected,
        DropResumed, DropScheduled, DropStatus, DropStatusChanged, DropTerms, ItemPool, LoanRefused, PlacesDrawn,
        PoolLevels, QueueJoined, QueueLevels, QueueOpened, Seed, SeedHash, ShoppersAdmitted, UnitsLent,
    },
};

pub fn store(id: &str) -> StoreId {
    StoreId::parse(id).expect("an id")
}

/// So many seconds after the first event.
pub fn second(seconds: i64) -> Timestamp {
    Timestamp::from_millis(BEGIN_MS + seconds * 1_000)
}

/// Two sizes of a shoe, five of each, with a waiting room.
pub fn terms(starts_at: Timestamp) -> DropTerms {
    let item = |id: &str| DropItem { item_id: item_id(id), quantity: quantity(5), price: euros(9_900) };
    DropTerms {
        title: Some("The shoe".to_owned()),
        items: vec![item("shoe-41"), item("shoe-42")],
        starts_at,
        ends_at: starts_at.plus_seconds(3_600),
        limit_per_shopper: quantity(2),
        queue_opens_at: Some(starts_at),
        admit_at_once: None,
    }
}

pub fn drafted(terms: &DropTerms) -> DropDrafted {
    DropDrafted {
        effect: effect("draft"),
        store: store("acme"),
        terms: terms.clone(),
        answers_due_at: second(30),
        metadata: Metadata::default(),
    }
}

pub fn scheduled(terms: &DropTerms) -> DropScheduled {
    DropScheduled { store: store("acme"), terms: terms.clone(), seed_hash: SeedHash([9; 32]) }
}

pub fn levels(next_rank: u64, places: u64, admitted: u64) -> QueueLevels {
    QueueLevels { next_rank, places, admitted }
}

pub fn joined(shopper: &str, number: u64, rank: Option<u64>, queue: QueueLevels) -> QueueJoined {
    QueueJoined { effect: effect("join"), shopper: subject(shopper), number, rank, queue }
}

pub fn opened(early: u64) -> DropOpened {
    DropOpened { seed: Seed([7; 32]), early, status: DropStatus::Live }
}

pub fn admitted(shoppers: &[&str], until: Timestamp, stood_still_ms: u64, queue: QueueLevels) -> ShoppersAdmitted {
    let shoppers = shoppers.iter().map(|shopper| subject(shopper)).collect();
    ShoppersAdmitted { shoppers, until, stood_still_ms, queue }
}

pub fn expired(shoppers: &[&str], queue: QueueLevels) -> AdmissionsExpired {
    AdmissionsExpired { shoppers: shoppers.iter().map(|shopper| subject(shopper)).collect(), queue }
}

pub fn pool(item: &str, remaining: u32, held: u32, sold: u32) -> ItemPool {
    ItemPool { item_id: item_id(item), levels: PoolLevels { remaining, held, sold } }
}

pub fn granted(shopper: &str, pool: ItemPool, queue: QueueLevels) -> ClaimGranted {
    let claim = ClaimFacts {
        claim: claim("c"),
        order_id: OrderId::parse("o").expect("an id"),
        shopper: subject(shopper),
        item_id: pool.item_id.clone(),
        quantity: quantity(1),
        unit_price: euros(9_900),
        store: store("acme"),
    };
    ClaimGranted { effect: effect("c"), claim, pool, queue }
}

fn claim(id: &str) -> ClaimId {
    ClaimId::parse(id).expect("an id")
}

pub fn get(shop: &Shop, id: &str) -> Option<DropRow> {
    let id = DropId::parse(id).expect("an id");
    block_on(drop::get(&shop.store, &id)).expect("it reads")
}

fn row(shop: &Shop) -> DropRow {
    get(shop, "shoe").expect("a drop")
}

/// A drop that has opened.
fn open(shop: &mut Shop) {
    let terms = terms(second(2));
    shop.drop("shoe", drafted(&terms));
    shop.drop("shoe", scheduled(&terms));
    shop.drop("shoe", opened(0));
}

#[test]
fn a_drop_is_drafted_scheduled_and_opened() {
    let mut shop = Shop::open();
    let terms = terms(second(4));
    assert_eq!(get(&shop, "shoe"), None);
    shop.drop("shoe", drafted(&terms));
    let draft = row(&shop);
    assert_eq!((draft.status, draft.version, draft.store, &draft.terms), (DropStatus::Draft, 1, store("acme"), &terms));
    assert_eq!((draft.pools, draft.seed_hash), (vec![pool("shoe-41", 0, 0, 0), pool("shoe-42", 0, 0, 0)], None));
    shop.drop("shoe", UnitsLent { item_id: item_id("shoe-41") });
    shop.drop("shoe", scheduled(&terms));
    let scheduled = row(&shop);
    assert_eq!((scheduled.status, scheduled.seed_hash), (DropStatus::Scheduled, Some(SeedHash([9; 32]))));
    assert_eq!(scheduled.pools, [pool("shoe-41", 5, 0, 0), pool("shoe-42", 5, 0, 0)]);
    shop.drop("shoe", QueueOpened { status: DropStatus::Queueing });
    assert_eq!(row(&shop).status, DropStatus::Queueing);
    shop.drop("shoe", joined("ada", 1, None, levels(1, 1, 0)));
    let before = row(&shop);
    assert_eq!((before.seed, before.early, before.queue), (None, None, levels(1, 1, 0)), "the seed is a secret yet");
    let at = shop.drop("shoe", opened(1));
    let live = row(&shop);
    assert_eq!((live.status, live.seed, live.early), (DropStatus::Live, Some(Seed([7; 32])), Some(1)));
    assert_eq!((live.opened_at, live.seq, live.drawn), (Some(second(5)), at.seq, 0));
    shop.drop("shoe", PlacesDrawn { first_rank: 1, shoppers: vec![subject("ada")] });
    assert_eq!(row(&shop).drawn, 1);
}

#[test]
fn it_shows_the_units_of_every_item_as_the_events_tell_them() {
    let mut shop = Shop::open();
    open(&mut shop);
    let queue = levels(1, 0, 0);
    shop.drop("shoe", granted("ada", pool("shoe-42", 4, 1, 0), queue));
    assert_eq!(row(&shop).pools, [pool("shoe-41", 5, 0, 0), pool("shoe-42", 4, 1, 0)]);
    shop.drop("shoe", ClaimCommitted { claim: claim("c"), pool: pool("shoe-42", 4, 0, 1) });
    assert_eq!(row(&shop).pools[1], pool("shoe-42", 4, 0, 1));
    let (shopper, quantity) = (subject("ada"), quantity(1));
    let released = pool("shoe-41", 5, 0, 0);
    let event =
        ClaimReleased { claim: claim("d"), shopper: shopper.clone(), quantity, to_item: false, pool: released.clone() };
    shop.drop("shoe", event);
    let cancellation = CancellationId::parse("x").expect("an id");
    let returned = pool("shoe-42", 5, 0, 0);
    let claim = claim("c");
    shop.drop(
        "shoe",
        ClaimUncommitted { claim, cancellation, shopper, quantity, to_item: false, pool: returned.clone() },
    );
    assert_eq!(row(&shop).pools, [released, returned]);
    let pools = vec![pool("shoe-41", 0, 0, 0), pool("shoe-42", 0, 1, 2)];
    shop.drop("shoe", DropEnded { store: store("acme"), pools: pools.clone() });
    let ended = row(&shop);
    assert_eq!((ended.status, ended.pools, ended.over_at), (DropStatus::Ended, pools, Some(ended.changed_at)));
    let at = shop.drop("shoe", DropClosed {});
    assert_eq!((row(&shop).status, row(&shop).seq), (DropStatus::Ended, at.seq));
}

#[test]
fn a_change_is_a_new_version_and_a_rejection_says_why() {
    let mut shop = Shop::open();
    let (before, after) = (terms(second(100)), terms(second(200)));
    shop.drop("shoe", drafted(&before));
    shop.drop("shoe", scheduled(&before));
    let changed =
        DropChanged { effect: effect("e"), store: store("acme"), terms: after.clone(), previous: before.clone() };
    shop.drop("shoe", changed);
    assert_eq!((row(&shop).terms, row(&shop).version, row(&shop).pools), (after, 2, row(&shop).pools));
    shop.drop("hat", drafted(&before));
    let refusals = vec![LoanRefused { item_id: item_id("shoe-41"), refusal: AllotRefusal::Unanswered }];
    shop.drop("hat", DropRejected { refusals: refusals.clone(), store: store("acme") });
    let rejected = get(&shop, "hat").expect("a drop");
    assert!(rejected.is_over());
    assert_eq!((rejected.status, rejected.refusals), (DropStatus::Rejected, refusals));
}

#[test]
fn the_clocks_of_admissions_stand_still_while_it_is_not_live() {
    let mut shop = Shop::open();
    // Its fourth event is at second 3, and opens it.
    open(&mut shop);
    assert_eq!(row(&shop).stood_still_ms(second(60)), 0);
    shop.drop("shoe", DropStatusChanged { status: DropStatus::AllHeld });
    assert_eq!(row(&shop).stood_still_ms(second(60)), 57_000);
    shop.drop("shoe", DropPaused { effect: effect("p"), reason: Some("rain".to_owned()) });
    assert_eq!((row(&shop).stood_still_ms(second(60)), row(&shop).reason.as_deref()), (57_000, Some("rain")));
    shop.drop("shoe", DropResumed { effect: effect("r"), status: DropStatus::Live });
    let running = row(&shop);
    assert_eq!((running.stood_still_ms(second(60)), running.reason, running.status), (2_000, None, DropStatus::Live));
    shop.drop("shoe", DropStatusChanged { status: DropStatus::SoldOut });
    assert_eq!(row(&shop).stood_still_ms(second(10)), 6_000);
    let pools = Vec::new();
    let cancelled =
        DropCancelled { effect: effect("x"), store: store("acme"), terms: terms(second(2)), reason: None, pools };
    shop.drop("shoe", cancelled);
    assert_eq!(row(&shop).status, DropStatus::Cancelled);
}

#[test]
fn a_pause_before_the_start_stops_no_clock() {
    let mut shop = Shop::open();
    let terms = terms(second(4));
    shop.drop("shoe", drafted(&terms));
    shop.drop("shoe", scheduled(&terms));
    shop.drop("shoe", DropPaused { effect: effect("p"), reason: None });
    assert_eq!((row(&shop).status, row(&shop).standing_since), (DropStatus::Paused, None));
    shop.drop("shoe", QueueOpened { status: DropStatus::Paused });
    shop.drop("shoe", DropOpened { seed: Seed([7; 32]), early: 0, status: DropStatus::Paused });
    assert_eq!((row(&shop).status, row(&shop).standing_since), (DropStatus::Paused, Some(second(4))));
}

#[test]
fn it_keeps_how_far_the_first_admissions_came() {
    let mut shop = Shop::open();
    open(&mut shop);
    assert_eq!(row(&shop).admissions, None);
    shop.drop("shoe", admitted(&["ada", "bob"], second(120), 0, levels(3, 9, 2)));
    let first = Some(Admissions { since: second(3), next_rank: 3 });
    assert_eq!((row(&shop).admissions, row(&shop).queue), (first, levels(3, 9, 2)));
    shop.drop("shoe", admitted(&["cid"], second(121), 0, levels(4, 9, 3)));
    assert_eq!((row(&shop).admissions, row(&shop).queue), (first, levels(4, 9, 3)));
    shop.drop("shoe", expired(&["ada"], levels(4, 9, 2)));
    assert_eq!(row(&shop).queue, levels(4, 9, 2));
}

#[test]
fn a_replay_changes_nothing() {
    let mut shop = Shop::open();
    open(&mut shop);
    shop.drop("shoe", admitted(&["ada", "bob"], second(120), 0, levels(3, 9, 2)));
    shop.drop("shoe", DropStatusChanged { status: DropStatus::AllHeld });
    let before = row(&shop);
    for batch in [1, 3, 100] {
        shop.replay(batch);
        assert_eq!(row(&shop), before, "in batches of {batch}");
    }
}
