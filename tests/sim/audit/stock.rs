//! The stock of an item, reckoned from its events: S1 to S5.

use super::{Fact, list, number, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default, Clone, Copy)]
struct Place {
    sellable: i64,
    damaged: i64,
    quality_control: i64,
}

#[derive(Debug, Default, Clone)]
struct Hold {
    granted: i64,
    active: i64,
    committed: i64,
    was_committed: bool,
    is_over: bool,
    /// Its status from each event on.
    statuses: Vec<(u64, &'static str)>,
}

/// An item as its events tell it.
#[derive(Debug, Default)]
pub struct Item {
    digital: bool,
    places: BTreeMap<String, Place>,
    held: i64,
    committed: i64,
    safety: i64,
    holds: BTreeMap<String, Hold>,
    effects: BTreeSet<(String, String)>,
    /// What came in, less what left.
    moved: i64,
    /// The shortfall that is on record, while available is below zero.
    shortfall: i64,
    /// Of the last event that changed available.
    causation: String,
    /// Available before the first event of that causation.
    before: i64,
    /// Available from each event on.
    available: Vec<(u64, i64)>,
}

/// What was true at a position.
fn at<T: Copy>(history: &[(u64, T)], seq: u64) -> Option<T> {
    history.iter().rev().find(|(since, _)| *since <= seq).map(|(_, value)| *value)
}

fn bucket<'a>(place: &'a mut Place, name: &str) -> &'a mut i64 {
    match name {
        "sellable" => &mut place.sellable,
        "damaged" => &mut place.damaged,
        "quality_control" => &mut place.quality_control,
        other => panic!("a bucket `{other}`"),
    }
}

impl Item {
    pub fn take(&mut self, fact: &Fact<'_>) {
        let Fact { name, subject, causation, seq, value } = *fact;
        if self.causation != causation {
            assert!(
                self.available() >= 0 || self.shortfall > 0,
                "{subject}: available is {} and no shortfall is on record",
                self.available()
            );
            causation.clone_into(&mut self.causation);
            self.before = self.available();
        }
        if let Some(effect) = value["effect"]["id"].as_str() {
            let fresh = self.effects.insert((name.to_owned(), effect.to_owned()));
            assert!(fresh, "S5: {subject}: {name} {effect} took effect twice");
        }
        self.apply(fact);
        if !value["stock"].is_null() {
            self.compare(subject, value);
        }
        if self.available() >= 0 {
            self.shortfall = 0;
        }
        self.available.push((seq, self.available()));
        if name == "stock-shipped" {
            // With all events of its command: a correction before it would put on sale what has left.
            assert!(self.available() <= self.before, "{subject}: a shipment raised available from {}", self.before);
        }
    }

    fn apply(&mut self, fact: &Fact<'_>) {
        let value = fact.value;
        let units = |name| number(value, name);
        match fact.name {
            "item-listed" => self.digital = text(&value["catalog"], "kind") == "digital",
            "price-changed" | "item-delisted" => {}
            "stock-received" => {
                self.place(&value["place"]).sellable += units("quantity");
                self.moved += units("quantity");
            }
            "stock-counted" => {
                self.place(&value["place"]).sellable += units("delta");
                self.moved += units("delta");
            }
            "stock-moved" => {
                let (from, to) = (text(value, "from"), text(value, "to"));
                let place = self.place(&value["place"]);
                *bucket(place, from) -= units("quantity");
                *bucket(place, to) += units("quantity");
            }
            "stock-shipped" => self.ship(fact),
            "hold-granted" => self.grant(fact),
            "hold-committed" | "hold-released" | "hold-expired" | "units-uncommitted" => self.end_of_hold(fact),
            "safety-set" => self.safety = units("quantity"),
            "shortfall-detected" => {
                self.shortfall = units("missing");
                assert_eq!(-self.available(), self.shortfall, "{}: a shortfall is what is missing", fact.subject);
            }
            other => panic!("nothing here makes {other}"),
        }
    }

    fn place(&mut self, place: &Value) -> &mut Place {
        self.places.entry(text(place, "location").to_owned()).or_default()
    }

    fn grant(&mut self, fact: &Fact<'_>) {
        let quantity = number(fact.value, "quantity");
        let statuses = vec![(fact.seq, "active")];
        let granted = Hold { granted: quantity, active: quantity, statuses, ..Hold::default() };
        let before = self.holds.insert(fact.value["hold"].to_string(), granted);
        assert!(
            before.is_none(),
            "S5: {}: {} was granted twice, or after its release",
            fact.subject,
            fact.value["hold"]
        );
        if !self.digital {
            assert!(self.available() >= quantity, "S2: {}: {quantity} granted of {}", fact.subject, self.available());
            self.held += quantity;
        }
    }

    fn end_of_hold(&mut self, fact: &Fact<'_>) {
        let value = fact.value;
        let counts = i64::from(!self.digital);
        // A release may come before the hold: a tombstone.
        let hold = self.holds.entry(value["hold"].to_string()).or_default();
        match fact.name {
            "hold-committed" => {
                let quantity = number(value, "quantity");
                assert_eq!(hold.active, quantity, "{}: all of {} is committed", fact.subject, value["hold"]);
                (hold.active, hold.committed, hold.was_committed) = (0, quantity, true);
                hold.statuses.push((fact.seq, "committed"));
                self.held -= quantity * counts;
                self.committed += quantity * counts;
            }
            "hold-released" => {
                let (held, committed) = (number(value, "held"), number(value, "committed"));
                assert!(!hold.is_over, "{}: {} was given back twice", fact.subject, value["hold"]);
                assert_eq!((hold.active, hold.committed), (held, committed), "{}: {}", fact.subject, value["hold"]);
                (hold.active, hold.committed, hold.is_over) = (0, 0, true);
                hold.statuses.push((fact.seq, "released"));
                self.held -= held * counts;
                self.committed -= committed * counts;
            }
            "hold-expired" => {
                let quantity = number(value, "quantity");
                assert_eq!(hold.active, quantity, "{}: {} expires", fact.subject, value["hold"]);
                (hold.active, hold.is_over) = (0, true);
                hold.statuses.push((fact.seq, "expired"));
                self.held -= quantity * counts;
            }
            _ => {
                let committed = number(value, "committed");
                assert!(list(value, "allocated").is_empty(), "nothing is allocated yet");
                hold.committed -= committed;
                assert!(hold.committed >= 0, "{}: more given back than ordered of {}", fact.subject, value["hold"]);
                self.committed -= committed * counts;
            }
        }
    }

    fn ship(&mut self, fact: &Fact<'_>) {
        let value = fact.value;
        let (quantity, committed) = (number(value, "quantity"), number(value, "committed"));
        assert!(list(value, "allocated").is_empty(), "nothing is allocated yet");
        assert_eq!(quantity, committed, "what leaves was ordered");
        self.place(&value["places"][0]).sellable -= quantity;
        self.moved -= quantity;
        self.committed -= committed;
        let hold = self.holds.get_mut(&value["hold"].to_string()).expect("what ships was held");
        assert!(hold.was_committed, "{} is committed before it ships", value["hold"]);
        hold.committed -= committed;
        hold.statuses.push((fact.seq, if hold.committed > 0 { "committed" } else { "shipped" }));
        assert!(hold.committed >= 0, "more left than was ordered of {}", value["hold"]);
    }

    fn available(&self) -> i64 {
        let sellable: i64 = self.places.values().map(|place| place.sellable).sum();
        sellable - self.committed - self.held - self.safety
    }

    /// The levels in the event are those that follow from all events.
    fn compare(&self, subject: &str, value: &Value) {
        let on_hand: i64 = self.places.values().map(|p| p.sellable + p.damaged + p.quality_control).sum();
        let stock = &value["stock"];
        let ours = [self.available(), on_hand, self.held, self.committed, 0, self.safety];
        let names = ["available", "onHand", "held", "committed", "allotted", "safety"];
        for (ours, name) in ours.into_iter().zip(names) {
            assert_eq!(number(stock, name), ours, "{subject}: {name} in {value}");
            assert!(ours >= 0 || name == "available", "S1: {subject}: {name} is {ours}");
        }
        let one = std::slice::from_ref(&value["place"]).iter().filter(|place| !place.is_null());
        for told in one.chain(list(value, "places")) {
            let place = self.places.get(text(told, "location")).copied().unwrap_or_default();
            for (ours, name) in
                [(place.sellable, "sellable"), (place.damaged, "damaged"), (place.quality_control, "qualityControl")]
            {
                assert_eq!(number(told, name), ours, "{subject}: {name} in {value}");
                assert!(ours >= 0, "S1: {subject}: {name} is {ours}");
            }
        }
        let active: i64 = self.holds.values().map(|hold| hold.active).sum();
        let ordered: i64 = self.holds.values().map(|hold| hold.committed).sum();
        if !self.digital {
            assert_eq!((self.held, self.committed), (active, ordered), "S3: {subject}: {value}");
        }
        assert_eq!(on_hand, self.moved, "S4: {subject}: {value}");
    }

    pub fn has_effect(&self, name: &str, id: &str) -> bool {
        self.effects.contains(&(name.to_owned(), id.to_owned()))
    }

    pub fn granted(&self, hold: &Value) -> Option<i64> {
        self.holds.get(&hold.to_string()).map(|hold| hold.granted)
    }

    pub fn is_committed(&self, hold: &Value) -> bool {
        self.holds.get(&hold.to_string()).is_some_and(|hold| hold.was_committed)
    }

    /// What its owner must be told at that position.
    pub fn status_at(&self, hold: &Value, seq: u64) -> Option<&'static str> {
        at(&self.holds.get(&hold.to_string())?.statuses, seq)
    }

    /// What is available at that position; a digital item has no number.
    pub fn available_at(&self, seq: u64) -> Option<i64> {
        at(&self.available, seq).filter(|_| !self.digital)
    }

    pub fn is_over(&self, hold: &Value) -> bool {
        self.holds.get(&hold.to_string()).is_some_and(|hold| hold.is_over)
    }

    pub const fn is_digital(&self) -> bool {
        self.digital
    }

    /// Units of orders that have not left.
    pub fn committed_to_orders(&self) -> i64 {
        self.holds.iter().filter(|(id, _)| id.contains("\"kind\":\"order\"")).map(|(_, hold)| hold.committed).sum()
    }

    /// All deadlines are over, and with them all holds.
    pub fn check_at_rest(&self, id: &str) {
        assert_eq!(self.held, 0, "{id}: units are held that nobody will ask for");
        for (hold, state) in &self.holds {
            assert_eq!(state.active, 0, "{id}: {hold} outlives its owner");
        }
    }
}
