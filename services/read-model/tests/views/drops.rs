use super::drop::{drafted, scheduled, second, store, terms};
use crate::{
    contract::block_on,
    shop::{Shop, effect},
};
use read_model::views::drops::{self, DropPlace};
use schemas::{StoreId, Timestamp, drop::DropChanged};

const DAY: i64 = 86_400;

fn of_store(shop: &Shop, id: &str) -> Vec<String> {
    let store = StoreId::parse(id).expect("an id");
    ids(&block_on(drops::of_store(&shop.store, &store, None, 10)).expect("it reads"))
}

fn all(shop: &Shop, after: Option<&DropPlace>, limit: usize) -> Vec<DropPlace> {
    block_on(drops::all(&shop.store, after, limit)).expect("it reads")
}

fn ids(page: &[DropPlace]) -> Vec<String> {
    page.iter().map(|place| place.drop_id.to_string()).collect()
}

fn schedule(shop: &mut Shop, id: &str, starts_at: Timestamp) {
    let terms = terms(starts_at);
    shop.drop(id, drafted(&terms));
    shop.drop(id, scheduled(&terms));
}

#[test]
fn a_store_has_drafts_too_and_everybody_what_is_scheduled_the_latest_start_first() {
    let mut shop = Shop::open();
    schedule(&mut shop, "soon", second(100));
    schedule(&mut shop, "late", second(40 * DAY));
    schedule(&mut shop, "next", second(101));
    shop.drop("draft", drafted(&terms(second(3 * DAY))));
    for _ in 0..2 {
        assert_eq!(of_store(&shop, "acme"), ["late", "draft", "next", "soon"]);
        assert_eq!(of_store(&shop, "globex"), Vec::<String>::new());
        assert_eq!(ids(&all(&shop, None, 10)), ["late", "next", "soon"]);
        shop.replay(3);
    }
}

#[test]
fn pages_go_on_over_days_and_within_one() {
    let mut shop = Shop::open();
    let starts = (0..130).map(|n| if n % 3 == 0 { n * DAY } else { 7 * DAY + n });
    let mut expected: Vec<(i64, String)> = starts.map(|start| (start, format!("d-{start}"))).collect();
    for (start, id) in &expected {
        schedule(&mut shop, id, second(*start));
    }
    expected.sort_by(|a, b| b.cmp(a));
    let expected: Vec<String> = expected.into_iter().map(|(_, id)| id).collect();
    for limit in [1, 7, 200] {
        let (mut found, mut last) = (Vec::new(), None);
        loop {
            let page = all(&shop, last.as_ref(), limit);
            found.extend(ids(&page));
            match page.into_iter().next_back() {
                Some(place) => last = Some(place),
                None => break,
            }
        }
        assert_eq!(found, expected, "{limit} at a time");
    }
}

#[test]
fn a_drop_that_starts_at_another_time_moves() {
    let mut shop = Shop::open();
    schedule(&mut shop, "hat", second(5 * DAY));
    schedule(&mut shop, "shoe", second(100));
    let mut change = |before: i64, after: i64| {
        let (terms, previous) = (terms(second(after)), terms(second(before)));
        shop.drop("shoe", DropChanged { effect: effect("e"), store: store("acme"), terms, previous });
        let found = (of_store(&shop, "acme"), ids(&all(&shop, None, 10)));
        assert_eq!(found.0, found.1);
        found.0
    };
    assert_eq!(change(100, 9 * DAY), ["shoe", "hat"]);
    assert_eq!(change(9 * DAY, 5 * DAY + 1), ["shoe", "hat"], "within a day");
    assert_eq!(change(5 * DAY + 1, 5 * DAY + 1), ["shoe", "hat"], "and where it stands");
    assert_eq!(change(5 * DAY + 1, 2 * DAY), ["hat", "shoe"]);
}
