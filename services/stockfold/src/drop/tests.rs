//! The proof, against logs that are fair and logs that are not.

use super::{
    log::Fact,
    proof::{Proof, prove},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn hash() -> String {
    let seed: Vec<u8> = (0..32).collect();
    Sha256::digest(seed).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The log of a drop of three units with a limit of two.
struct Tale(Vec<Fact>);

impl Tale {
    fn new() -> Self {
        let terms = json!({"items": [{"itemId": "shoe", "quantity": 3}], "limitPerShopper": 2, "queueOpensAt": "2026-01-01T00:00:00Z"});
        let mut tale = Self(Vec::new());
        tale.tell("drop-scheduled", json!({"terms": terms, "seedHash": hash()}));
        tale.tell("queue-opened", json!({"status": "queueing"}));
        tale
    }

    fn tell(&mut self, name: &str, data: Value) {
        let id = format!("drops.events.v1/0@{}", self.0.len() + 1);
        let event_type = format!("stockfold.drops.{name}.v1");
        let time = chrono::DateTime::from_timestamp(1_767_225_600, 0).expect("a time");
        self.0.push(Fact { id, event_type, subject: "d".to_owned(), time, data });
    }

    /// Early ones, in the order in which they are drawn.
    fn drawn(shoppers: &[&str]) -> Vec<String> {
        let seed: Vec<u8> = (0..32).collect();
        let key = |shopper: &&&str| Sha256::new().chain_update(&seed).chain_update(shopper).finalize().to_vec();
        let mut drawn: Vec<&&str> = shoppers.iter().collect();
        drawn.sort_by_key(key);
        drawn.into_iter().map(|shopper| (*shopper).to_owned()).collect()
    }

    fn open(&mut self, early: &[&str]) {
        for shopper in early {
            self.tell("queue-joined", json!({"shopper": shopper, "number": 1}));
        }
        self.tell("drop-opened", json!({"seed": SEED, "early": early.len(), "status": "live"}));
        self.tell("places-drawn", json!({"firstRank": 1, "shoppers": Self::drawn(early)}));
    }

    fn admit(&mut self, shoppers: &[&str]) {
        self.tell("shoppers-admitted", json!({ "shoppers": shoppers }));
    }

    fn claim(&mut self, claim: &str, shopper: &str, quantity: u32, held: u32, sold: u32) {
        let claim = json!({"claim": claim, "orderId": claim, "shopper": shopper, "itemId": "shoe", "quantity": quantity,
            "pool": pool(held, sold)});
        self.tell("claim-granted", claim);
    }

    fn pay(&mut self, claim: &str, held: u32, sold: u32) {
        self.tell("claim-committed", json!({"claim": claim, "pool": pool(held, sold)}));
    }

    fn proof(&self) -> Proof {
        prove("d", &self.0)
    }

    /// The checks that do not hold.
    fn broken(&self) -> Vec<&'static str> {
        self.proof().checks.into_iter().filter(|check| !check.ok).map(|check| check.name).collect()
    }
}

fn pool(held: u32, sold: u32) -> Value {
    json!({"itemId": "shoe", "levels": {"remaining": 3 - held - sold, "held": held, "sold": sold}})
}

/// A fair drop: three early, one late; one lets it pass, one does not pay.
fn fair() -> Tale {
    let mut tale = Tale::new();
    tale.open(&["ann", "bob", "cid"]);
    let order = Tale::drawn(&["ann", "bob", "cid"]);
    tale.tell("queue-joined", json!({"shopper": "dan", "number": 4, "rank": 4}));
    let three: Vec<&str> = order.iter().map(String::as_str).collect();
    tale.admit(&three);
    tale.claim("c1", three[0], 2, 2, 0);
    tale.pay("c1", 0, 2);
    tale.claim("c2", three[1], 1, 1, 2);
    tale.tell("admissions-expired", json!({"shoppers": [three[2]]}));
    tale.tell(
        "claim-released",
        json!({"claim": "c2", "shopper": three[1], "quantity": 1, "toItem": false, "pool": pool(0, 2)}),
    );
    tale.admit(&["dan"]);
    tale.claim("c3", "dan", 1, 1, 2);
    tale.pay("c3", 0, 3);
    tale
}

#[test]
fn a_fair_drop_is_proved() {
    let proof = fair().proof();
    assert!(proof.ok(), "{:?}", proof.checks);
    let totals = &proof.totals;
    assert_eq!((totals.sold, totals.held, totals.buyers, totals.claims, totals.released), (3, 0, 2, 3, 1));
    assert_eq!((totals.places, totals.early, totals.admitted, totals.passed), (4, 3, 4, 1));
}

/// A fair log with one word changed; the check that must notice.
#[test]
fn each_way_to_cheat_is_noticed() {
    let at = |name: &str, nth: usize| {
        let tale = fair();
        let found = tale.0.iter().enumerate().filter(|(_, fact)| fact.name() == name);
        found.map(|(at, _)| at).nth(nth).expect("it is told")
    };
    let with = |at: usize, field: &str, value: Value| {
        let mut tale = fair();
        tale.0[at].data[field] = value;
        tale.broken()
    };
    let without = |at: usize| {
        let mut tale = fair();
        tale.0.remove(at);
        tale.broken()
    };
    let turns = "admitted in that order, claimed only when admitted";
    let seed = with(at("drop-scheduled", 0), "seedHash", json!("00".repeat(32)));
    assert_eq!(seed, ["the seed is the one that was committed to"]);
    let mut order = Tale::drawn(&["ann", "bob", "cid"]);
    order.swap(0, 2);
    let drawn = with(at("places-drawn", 0), "shoppers", json!(order));
    assert_eq!(drawn, ["who came early was drawn in the order of the seed", turns]);
    let late = with(at("queue-joined", 3), "rank", json!(5));
    assert_eq!(late, ["who came later queues in the order of the log", turns]);
    assert_eq!(with(at("shoppers-admitted", 0), "shoppers", json!(["dan"]))[0], turns);
    assert!(without(at("shoppers-admitted", 1)).contains(&turns));
    assert!(without(at("claim-released", 0)).contains(&"never more claimed than was lent"));
    let greedy = with(at("claim-granted", 0), "quantity", json!(3));
    assert!(greedy.contains(&"nobody ever has more than the limit"), "{greedy:?}");
    let twice = with(at("claim-granted", 1), "claim", json!("c1"));
    assert!(twice.contains(&"every claim is granted, paid for and given back at most once"), "{twice:?}");
}

#[test]
fn more_admitted_than_units_are_free_is_noticed() {
    let mut tale = Tale::new();
    tale.open(&["ann", "bob", "cid", "dan"]);
    let order = Tale::drawn(&["ann", "bob", "cid", "dan"]);
    tale.admit(&order.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(tale.broken(), ["never more admitted than units are free"]);
}
