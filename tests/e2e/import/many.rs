//! A long file with a bad line in a hundred: what is good takes effect once, what is bad is kept with its reason, and the same
//! import again changes nothing.

use super::{
    super::world::{World, in_both_worlds},
    Shop, goods, summary, write_goods,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

in_both_worlds!(good_lines_take_effect_once_bad_ones_are_kept_and_again_nothing_changes);

async fn good_lines_take_effect_once_bad_ones_are_kept_and_again_nothing_changes(world: World) {
    let shop = Shop::open(world);
    let count = world.choose(20_000, 4_000);
    let file = shop.path("goods.ndjson");
    let refused = write_goods(&file, count);
    let name = file.to_str().expect("UTF-8");
    let first = shop.run(&["import", name, "--json"]);
    assert!(!first.status.success(), "lines were refused");
    let (told, bad) = (summary(&first), refused.len() as u64);
    let counts =
        |told: &Value| ["lines", "applied", "already", "refused"].map(|field| told[field].as_u64().expect("a number"));
    assert_eq!(counts(&told), [count, count - bad, 0, bad], "{told}");
    assert!(!shop.path("goods.ndjson.import.json").exists(), "an import that is over leaves no journal");
    let events = shop.log("inventory.events.v1").await;
    check_events(&events, count);
    check_stock(&shop, count).await;
    let letters = shop.log("dead-letters.v1").await;
    check_letters(&letters, &refused, told["import"].as_str().expect("an id"));
    let listed = listed(&shop, refused.len()).await;
    // Again: the same lines are refused, and nothing else happens.
    let again = summary(&shop.run(&["import", name, "--json"]));
    assert_eq!(counts(&again), [count, 0, count - bad, bad], "{again}");
    assert_eq!(again["import"], told["import"]);
    assert_eq!(shop.log("inventory.events.v1").await.len(), events.len(), "no event more");
    assert_eq!(identities(&shop.log("dead-letters.v1").await), identities(&letters), "no letter that was not there");
    assert_eq!(super::many::listed(&shop, refused.len()).await, listed, "and none is listed twice");
}

/// One event for each good line, and none besides.
fn check_events(events: &BTreeMap<String, Value>, count: u64) {
    let mut by_type: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for event in events.values() {
        let name = event["type"].as_str().expect("a type");
        let of = |field: &str| event["data"][field].to_string();
        let what = format!("{} {} {}", event["subject"], of("receiptId"), of("quantity"));
        by_type.entry(name).or_default().insert(format!("{what} {}", event["id"]));
    }
    let number = |name: &str| by_type.get(name).map_or(0, BTreeSet::len) as u64;
    let items = goods::items(count);
    assert!(number("stockfold.inventory.item-listed.v1") >= items + 2, "{items}");
    assert!(number("stockfold.inventory.stock-received.v1") > 2 * items);
    let mut received: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for event in events.values().filter(|event| event["type"] == "stockfold.inventory.stock-received.v1") {
        let item = event["subject"].as_str().expect("an item");
        received.entry(item).or_default().push(event["data"]["quantity"].as_u64().expect("a number"));
    }
    for n in 0..items {
        let item = goods::item(n);
        let mut expected = goods::received(n);
        let got = received.get_mut(item.as_str()).unwrap_or_else(|| panic!("{item} was never received"));
        got.sort_unstable();
        expected.sort_unstable();
        assert_eq!(*got, expected, "{item}");
    }
}

/// The views show of each item what its lines make.
async fn check_stock(shop: &Shop, count: u64) {
    let operator = shop.engine.token("operator", "ops");
    let numbers: Vec<u64> = (0..goods::items(count)).collect();
    let until = Instant::now() + Duration::from_secs(300);
    for some in numbers.chunks(100) {
        let ids: Vec<String> = some.iter().map(|n| goods::item(*n)).collect();
        let expected: Vec<Value> = some
            .iter()
            .map(|n| {
                let all: u64 = goods::received(*n).iter().sum();
                // One is damaged, one is kept back.
                json!({"itemId": goods::item(*n), "onHand": all, "available": all as i64 - 2})
            })
            .collect();
        loop {
            let shown = shop.engine.get(Some(&operator), &format!("/v1/stock?items={}", ids.join(",")), "").await;
            let rows = shown.body["items"].as_array().cloned().unwrap_or_default();
            let got: Vec<Value> = rows
                .iter()
                .map(|row| json!({"itemId": row["itemId"], "onHand": row["onHand"], "available": row["available"]}))
                .collect();
            if got == expected {
                break;
            }
            assert!(Instant::now() < until, "{} instead of {expected:?}", shown.body);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// What a reader knows a letter by.
fn identities(letters: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let of = |letter: &Value| format!("{} {} {}", letter["from"]["import"], letter["from"]["line"], letter["original"]);
    letters.values().map(|event| of(&event["data"])).collect()
}

/// A letter for each refused line, with its reason.
fn check_letters(letters: &BTreeMap<String, Value>, refused: &BTreeMap<u64, &'static str>, import: &str) {
    assert_eq!(letters.len(), refused.len());
    let mut codes = BTreeMap::new();
    for event in letters.values() {
        let letter = &event["data"];
        assert_eq!((&letter["kind"], &letter["from"]["import"]), (&json!("import_line"), &json!(import)), "{letter}");
        assert!(letter["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{letter}");
        let line = letter["from"]["line"].as_u64().expect("a line");
        codes.insert(line, letter["code"].as_str().expect("a code").to_owned());
    }
    let expected: BTreeMap<u64, String> = refused.iter().map(|(line, code)| (*line, (*code).to_owned())).collect();
    assert_eq!(codes, expected);
}

/// The ids of all letters that are listed, once there are so many.
async fn listed(shop: &Shop, count: usize) -> BTreeSet<String> {
    let operator = shop.engine.token("operator", "ops");
    let until = Instant::now() + Duration::from_secs(300);
    loop {
        let (mut ids, mut cursor) = (BTreeSet::new(), String::new());
        loop {
            let page = shop.engine.get(Some(&operator), &format!("/v1/dead-letters?limit=200{cursor}"), "").await;
            for letter in page.body["deadLetters"].as_array().unwrap_or_else(|| panic!("{page:?}")) {
                assert!(ids.insert(letter["letterId"].as_str().expect("an id").to_owned()), "listed twice");
            }
            match page.body["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        if ids.len() >= count {
            return ids;
        }
        assert!(Instant::now() < until, "{} letters are listed of {count}", ids.len());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
