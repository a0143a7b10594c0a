//! What suppliers say of an item: every statement and every booking is kept, and walked in time whenever somebody asks.

use super::{
    Item,
    allocations::Taken,
    decide::{MOST_AT_LOCATION, refuse, shortfall},
};
use crate::sim::{
    checker::evidence::{Event, millis, number, rfc3339, text},
    model::{Ask, Fact, Must, Said, Verdict, Violations},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const AHEAD_MS: i64 = 300_000;
const DAY_MS: i64 = 24 * 3_600_000;
/// Bookings of a location that are told apart.
const MOST_BOOKED: usize = 500;

/// What a supplier said, as a command or an event has it.
#[derive(Debug, Clone)]
pub struct Statement {
    source: String,
    sequence: i64,
    at: i64,
    digest: Value,
    said: Value,
}

impl Statement {
    pub fn of(value: &Value) -> Self {
        Self {
            source: text(value, "source").to_owned(),
            sequence: number(value, "sequence"),
            at: millis(text(value, "at")),
            digest: value["effect"]["digest"].clone(),
            said: value["said"].clone(),
        }
    }

    pub fn same_number(&self, other: &Self) -> bool {
        (&self.source, self.sequence) == (&other.source, other.sequence)
    }

    fn fact(&self) -> &str {
        text(&self.said, "fact")
    }

    /// The value that it gives to one thing, if it speaks of it.
    fn value(&self, of: &str) -> Option<Value> {
        match (of, self.fact()) {
            ("catalog", "listed") => Some(self.said["catalog"].clone()),
            ("price", "listed" | "price_changed") => Some(self.said["price"].clone()),
            ("listed", "listed") => Some(json!(true)),
            ("listed", "delisted") => Some(json!(false)),
            (location, "stock_reported") if self.is_at(location) => Some(self.said["counted"].clone()),
            _ => None,
        }
    }

    fn is_at(&self, location: &str) -> bool {
        self.said["location"] == *location
    }
}

/// What was booked at a location by the engine's own people.
#[derive(Debug, Clone, Copy)]
enum Booked {
    Units(i64),
    Found(i64),
}

/// All that was said of an item, and booked for it.
#[derive(Debug, Default)]
pub struct Supplied {
    pub statements: Vec<Statement>,
    /// By location, in order, with the times that count.
    booked: BTreeMap<String, Vec<(i64, Booked)>>,
    /// By location: the bookings that are told apart, and the time of the newest that is not.
    apart: BTreeMap<String, (Vec<i64>, i64)>,
    /// Somebody changed the catalog after a supplier had said something of it.
    by_hand: bool,
    /// The decision in which a statement was heard: its command, the statement's effect and source, and what was promised.
    heard: Option<(String, Value, String, i64)>,
}

/// The statement that is believed on one thing: the newest of each source, and the latest of those.
fn believed<'a>(statements: &[&'a Statement], of: &str) -> Option<&'a Statement> {
    let about: Vec<_> = statements.iter().filter(|said| said.value(of).is_some()).collect();
    let is_newest =
        |said: &&&&Statement| !about.iter().any(|other| other.source == said.source && other.sequence > said.sequence);
    about.iter().filter(is_newest).max_by_key(|said| (said.at, said.source.clone())).copied().copied()
}

impl Supplied {
    fn said(&self) -> Vec<&Statement> {
        self.statements.iter().collect()
    }

    /// The sellable units of a location, walked in time.
    fn walk(&self, statements: &[&Statement], location: &str) -> i64 {
        let report = believed(statements, location);
        let mut facts: Vec<(i64, u8, Booked)> = Vec::new();
        facts.extend(report.map(|said| (said.at, 1, Booked::Found(number(&said.said, "counted")))));
        for said in statements.iter().filter(|said| said.fact() == "stock_received" && said.is_at(location)) {
            facts.push((said.at, 0, Booked::Units(number(&said.said, "quantity"))));
        }
        facts.extend(self.booked.get(location).into_iter().flatten().map(|(at, booked)| (*at, 2, *booked)));
        facts.sort_by_key(|(at, rank, _)| (*at, *rank));
        facts.iter().fold(0, |units, (_, _, fact)| match fact {
            Booked::Units(change) => (units + change).max(0),
            Booked::Found(found) => *found,
        })
    }

    fn book(&mut self, location: &str, now: i64, booked: Booked) {
        // Whoever was heard before was before this, whatever its clock shows.
        let stock = self.statements.iter().filter(|said| said.is_at(location));
        let said = stock.filter(|said| said.fact() == "stock_received" || self.is_newest_report(said, location));
        let now_or_said = said.map(|said| said.at).fold(now, i64::max);
        let all = self.booked.entry(location.to_owned()).or_default();
        let at = all.last().map_or(now_or_said, |(at, _)| now_or_said.max(*at));
        all.push((at, booked));
        let (apart, settled) = self.apart.entry(location.to_owned()).or_insert((Vec::new(), i64::MIN));
        if matches!(booked, Booked::Found(_)) {
            apart.clear();
        }
        apart.push(at);
        let old = apart.iter().copied().filter(|at| *at < now - DAY_MS).max();
        let most = (apart.len() > MOST_BOOKED).then(|| apart[0]);
        *settled = old.into_iter().chain(most).fold(*settled, i64::max);
        let settled = *settled;
        apart.retain(|at| *at > settled);
    }

    fn is_newest_report(&self, said: &Statement, location: &str) -> bool {
        let newer = |other: &Statement| other.source == said.source && other.sequence > said.sequence;
        !self.statements.iter().any(|other| other.value(location).is_some() && newer(other))
    }

    /// Whether a statement says something that is not known, and no newer one of its source has said.
    fn is_news(&self, c: &Statement) -> bool {
        let known = |of: &str| {
            let same = |said: &&Statement| said.source == c.source && said.sequence >= c.sequence;
            self.statements.iter().filter(same).any(|said| said.value(of).is_some())
        };
        let location = text(&c.said, "location");
        let things = ["catalog", "price", "listed", location];
        c.fact() == "stock_received" || things.iter().any(|of| c.value(of).is_some() && !known(of))
    }
}

impl Item {
    pub fn supply(&self, ask: Ask<'_>, now: i64) -> Result<Verdict, Value> {
        let (asked, c) = (ask.asked, Statement::of(ask.asked));
        let on_stock = c.fact().starts_with("stock_");
        if on_stock {
            self.may_touch_stock(ask.caller)?
        } else {
            self.may_touch_catalog(ask.caller)?
        }
        let listing = c.fact() == "listed" && text(ask.caller, "role") == "store";
        if listing && c.said["catalog"]["store"] != ask.caller["store"] {
            return Err(refuse("item_of_another_store"));
        }
        let done = Said::Done(json!({"kind": "done"}));
        if let Some(known) = self.supplied.statements.iter().find(|known| known.same_number(&c)) {
            let same = known.digest == c.digest;
            return if same { Ok(Verdict::already(done)) } else { Err(refuse("exists_with_different_content")) };
        }
        if on_stock && self.is_digital() {
            return Err(refuse("digital_has_no_stock"));
        }
        if !self.supplied.is_news(&c) {
            return Ok(Verdict::already(done));
        }
        // The time of a refusal is not known.
        if now > 0 && c.at > now + AHEAD_MS {
            return Err(refuse("time_in_future"));
        }
        let changes = if on_stock { self.supply_stock(&c)? } else { self.supply_facts(&c)? };
        let recorded = json!({
            "effect": asked["effect"], "source": asked["source"], "sequence": asked["sequence"],
            "said": asked["said"],
        });
        let events = std::iter::once(("supply-recorded", recorded)).chain(changes).collect();
        Ok(Verdict { fresh: true, events: Must::Be(events), said: done })
    }

    fn supply_stock(&self, c: &Statement) -> Result<Vec<Fact>, Value> {
        let location = text(&c.said, "location");
        let settled = self.supplied.apart.get(location).map_or(i64::MIN, |(_, settled)| *settled);
        if c.at <= settled {
            return Err(json!({"code": "report_too_old", "location": location, "oldest": rfc3339(settled + 1)}));
        }
        let said: Vec<_> = self.supplied.statements.iter().chain([c]).collect();
        let units = self.supplied.walk(&said, location);
        let place = self.place(location);
        let others = place.on_hand() - place.sellable;
        let (counted, came) = (number(&c.said, "counted"), number(&c.said, "quantity"));
        let most = units.max(counted).max(if came > 0 { place.sellable + came } else { 0 });
        if counted > MOST_AT_LOCATION || most + others > MOST_AT_LOCATION {
            return Err(refuse("stock_too_large"));
        }
        let mut events = Vec::new();
        if c.fact() == "stock_received" {
            events.push(("stock-received", json!({"quantity": came, "feed": c.source, "at": location})));
            if units != place.sellable + came {
                let delta = units - place.sellable - came;
                events.push(("stock-counted", json!({"delta": delta, "feed": c.source, "at": location})));
                events.extend(shortfall(self.available() + came + delta));
            }
        } else if units != place.sellable || !self.places.contains_key(location) {
            let delta = units - place.sellable;
            events.push(("stock-counted", json!({"delta": delta, "feed": c.source, "at": location})));
            events.extend(self.given_up(location, units, &Taken::default()));
            events.extend(shortfall(self.available() + delta));
        }
        Ok(events)
    }

    /// An item has a kind once it is listed; one with stock is physical.
    pub fn may_be(&self, kind: &Value) -> bool {
        let physical = json!("physical");
        let fixed = self.catalog.as_ref().map(|catalog| &catalog["kind"]);
        let fixed = fixed.or((!self.places.is_empty()).then_some(&physical));
        fixed.is_none_or(|fixed| fixed == kind)
    }

    fn supply_facts(&self, c: &Statement) -> Result<Vec<Fact>, Value> {
        if c.fact() == "listed" && !self.may_be(&c.said["catalog"]["kind"]) {
            return Err(refuse("kind_immutable"));
        }
        let before = self.supplied.said();
        let after: Vec<_> = self.supplied.statements.iter().chain([c]).collect();
        let first = self.catalog.is_none();
        // What is believed now and was not before; of an item that was never listed all that is believed.
        let new = |of: &str| {
            let now = believed(&after, of)?;
            let same = believed(&before, of).is_some_and(|before| before.same_number(now));
            if same && !first { None } else { now.value(of) }
        };
        let Some(catalog) = new("catalog").or_else(|| self.catalog.clone()) else { return Ok(Vec::new()) };
        let listed = new("listed").map_or(self.listed, |listed| listed == json!(true));
        let price = new("price").or_else(|| self.price.clone());
        let facts = self.catalog.as_ref() != Some(&catalog) || (listed && !self.listed);
        let priced = price != self.price;
        let out = !listed && (self.listed || facts);
        let version = self.version + i64::from(facts || priced || out);
        let mut events = Vec::new();
        if facts {
            events.push(("item-listed", json!({"catalog": catalog, "catalogVersion": version, "source": null})));
        }
        if priced {
            events.push(("price-changed", json!({"price": price, "catalogVersion": version})));
        }
        if out {
            events.push(("item-delisted", json!({"catalogVersion": version, "source": null})));
        }
        Ok(events)
    }

    /// Keeps what an event says or books. The item has taken it already.
    pub fn keep(&mut self, event: &Event, found: &mut Violations) {
        let (value, units, at) = (&event.value, number(&event.value, "quantity"), event.millis());
        let place = if value["place"].is_null() { &value["places"][0] } else { &value["place"] };
        let here = text(place, "location");
        let supplied = &mut self.supplied;
        let own = supplied.heard.as_ref().filter(|(cause, ..)| *cause == event.causation);
        match event.name.as_str() {
            "supply-recorded" => {
                let source = text(value, "source").to_owned();
                supplied.statements.push(Statement::of(value));
                let heard = (event.causation.clone(), value["effect"]["id"].clone(), source, self.promised());
                self.supplied.heard = Some(heard);
            }
            "stock-received" | "stock-counted" if !value["feed"].is_null() => {
                let its = |heard: &(String, Value, String, i64)| {
                    heard.1 == value["effect"]["id"] && value["feed"] == *heard.2
                };
                found.must(own.is_some_and(its), "supply-conserves", || {
                    format!("{}: no statement on record says so: {value}", self.id)
                });
            }
            "stock-counted" if !value["shipmentOf"].is_null() => {}
            "stock-counted" => supplied.book(here, at, Booked::Found(number(place, "sellable"))),
            "stock-received" | "transfer-received" => supplied.book(here, at, Booked::Units(units)),
            "stock-shipped" | "stock-dispatched" => supplied.book(here, at, Booked::Units(-units)),
            "stock-restocked" if value["condition"] == "sellable" => supplied.book(here, at, Booked::Units(units)),
            "stock-moved" if value["to"] == "sellable" => supplied.book(here, at, Booked::Units(units)),
            "stock-moved" if value["from"] == "sellable" => supplied.book(here, at, Booked::Units(-units)),
            "item-listed" | "price-changed" | "item-delisted" if own.is_none() => {
                supplied.by_hand |= supplied.statements.iter().any(|said| !said.fact().starts_with("stock_"));
            }
            _ => {}
        }
    }

    /// What is held, ordered or lent.
    fn promised(&self) -> i64 {
        let forwarded: i64 = self.places.values().map(|place| place.forwarded).sum();
        self.held + self.committed + self.allocated() + forwarded + self.allotted()
    }

    /// That a statement took nothing of what is promised, and that the item is what all statements and bookings make of it.
    pub fn is_supplied(&self, found: &mut Violations) {
        if let Some((_, _, source, promised)) = self.supplied.heard.as_ref().filter(|heard| heard.0 == self.before.0) {
            found.must(*promised == self.promised(), "supply-conserves", || {
                format!("{}: {promised} were promised, and {} are after what {source} said", self.id, self.promised())
            });
        }
        self.converges(&[], found);
    }

    /// As [`Self::is_supplied`], with statements that were heard and are not on record.
    pub fn converges(&self, more: &[Statement], found: &mut Violations) {
        let known = |c: &&Statement| self.supplied.statements.iter().any(|known| known.same_number(c));
        let said = self.supplied.statements.iter().chain(more.iter().filter(|c| !known(c)));
        let said: Vec<_> = said.collect();
        if said.is_empty() || self.is_digital() {
            return;
        }
        for (location, place) in &self.places {
            let units = self.supplied.walk(&said, location);
            found.must(units == place.sellable, "supply-converges", || {
                format!("{}: {} lie at {location}, and what was said and booked makes {units}", self.id, place.sellable)
            });
        }
        let Some(catalog) = self.catalog.as_ref().filter(|_| !self.supplied.by_hand) else { return };
        let ours = [("catalog", catalog.clone()), ("price", json!(self.price)), ("listed", json!(self.listed))];
        for (of, ours) in ours {
            let theirs = believed(&said, of).and_then(|said| said.value(of));
            found.must(theirs.as_ref().is_none_or(|theirs| *theirs == ours), "supply-converges", || {
                format!("{}: its {of} is {ours}, and what was said makes it {theirs:?}", self.id)
            });
        }
    }
}
