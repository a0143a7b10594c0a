//! What a hold shows, and what its commands must be told.

use super::{Hold, Item, Phase, hold_key};
use crate::sim::{
    checker::evidence::{number, rfc3339, text},
    model::{Ask, Must, Said, Verdict},
};
use serde_json::{Map, Value, json};

/// The most units that one command may name.
const MOST_UNITS: i64 = 1_000_000;

impl Hold {
    pub fn status(&self) -> &'static str {
        match self.phase {
            Phase::Active => "active",
            Phase::Committed if self.open() > 0 => "committed",
            Phase::Committed if self.shipped > 0 => "shipped",
            Phase::Committed | Phase::Released => "released",
            Phase::Expired => "expired",
        }
    }

    fn reply(&self, status: &str, shipped: i64, available: &Value) -> Value {
        json!({
            "kind": "hold", "holdId": self.id["id"], "status": status, "quantity": self.granted,
            "unitPrice": self.price, "expiresAt": self.expires_at, "available": available, "shipped": shipped,
            "reference": self.reference, "metadata": self.metadata,
        })
    }

    /// As its view shows it.
    pub fn row(&self) -> Value {
        let mut row = Map::new();
        row.insert("i".to_owned(), self.id["id"].clone());
        row.insert("n".to_owned(), json!(self.seq));
        row.insert("s".to_owned(), json!(self.status()));
        row.insert("q".to_owned(), json!(self.granted));
        row.insert("p".to_owned(), self.price.clone());
        row.insert("v".to_owned(), json!(self.available));
        row.insert("o".to_owned(), json!(self.shipped));
        let some = [("e", &self.expires_at), ("r", &self.reference)];
        row.extend(some.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.to_owned(), v.clone())));
        if self.metadata.as_object().is_some_and(|pairs| !pairs.is_empty()) {
            row.insert("m".to_owned(), self.metadata.clone());
        }
        Value::Object(row)
    }
}

fn refuse(code: &str) -> Value {
    json!({ "code": code })
}

/// The refusal of an id that exists with something else.
pub fn differs(recorded: i64, asked: i64) -> Value {
    if recorded != asked && u32::try_from(recorded).is_ok() {
        json!({"code": "exists_with_different_quantity", "quantity": recorded})
    } else {
        refuse("exists_with_different_content")
    }
}

impl Item {
    /// What is available, as the owner of a hold is told: of a digital item nothing.
    fn told(&self, available: i64) -> Value {
        if self.is_digital() { Value::Null } else { json!(available) }
    }

    fn as_it_is(&self, hold: &Hold) -> Said {
        Said::Done(hold.reply(hold.status(), hold.shipped, &self.told(self.available())))
    }

    /// Commands of holds: an order's come from the order, and need no leave.
    pub fn of_hold(&self, ask: Ask<'_>, now: i64) -> Result<Verdict, Value> {
        let c = ask.asked;
        if matches!(text(c, "op"), "allot" | "return_allotment" | "commit_allotted") {
            return self.of_drop(c);
        }
        if matches!(text(&c["hold"], "kind"), "order" | "drop") {
            return self.of_order(c);
        }
        if text(&c["hold"], "caller") != text(ask.caller, "subject") {
            return Err(refuse("hold_not_found"));
        }
        self.may_touch_stock(ask.caller)?;
        match text(c, "op") {
            "place_hold" => self.place_hold(c, now),
            "commit_hold" => self.commit_hold(c),
            "release_hold" => self.release_hold(c),
            _ => self.ship(c),
        }
    }

    fn place_hold(&self, c: &Value, now: i64) -> Result<Verdict, Value> {
        let asked = number(c, "quantity");
        if let Some(hold) = self.holds.get(&hold_key(&c["hold"])) {
            if hold.digest != c["effect"]["digest"] || hold.granted != asked {
                return Err(differs(hold.granted, asked));
            }
            return Ok(Verdict::already(self.as_it_is(hold)));
        }
        let price = self.check_hold(c)?;
        let expires_at = c["expiresInSeconds"].as_i64().map(|seconds| json!(rfc3339(now + seconds * 1_000)));
        let expires_at = expires_at.unwrap_or_default();
        let available = self.told(self.available() - self.counted(asked));
        let metadata = if c["metadata"].is_null() { json!({}) } else { c["metadata"].clone() };
        let reply = json!({
            "kind": "hold", "holdId": c["hold"]["id"], "status": "active", "quantity": asked, "unitPrice": price,
            "expiresAt": expires_at, "available": available, "shipped": 0, "reference": c["reference"],
            "metadata": metadata,
        });
        let event = json!({"hold": c["hold"], "quantity": asked, "unitPrice": price, "expiresAt": expires_at});
        Ok(Verdict { fresh: true, events: Must::Be(vec![("hold-granted", event)]), said: Said::Done(reply) })
    }

    /// The hold that a command names.
    fn find(&self, c: &Value) -> Result<&Hold, Value> {
        if self.catalog.is_none() {
            return Err(refuse("item_not_found"));
        }
        self.holds.get(&hold_key(&c["hold"])).ok_or_else(|| refuse("hold_not_found"))
    }

    fn commit_hold(&self, c: &Value) -> Result<Verdict, Value> {
        let hold = self.find(c)?;
        match hold.phase {
            Phase::Committed => return Ok(Verdict::already(self.as_it_is(hold))),
            Phase::Released => return Err(refuse("hold_released")),
            Phase::Expired => return Err(refuse("hold_expired")),
            Phase::Active => {}
        }
        let event = json!({"hold": c["hold"], "quantity": hold.granted});
        let reply = hold.reply("committed", 0, &self.told(self.available()));
        Ok(Verdict { fresh: true, events: Must::Be(vec![("hold-committed", event)]), said: Said::Done(reply) })
    }

    fn release_hold(&self, c: &Value) -> Result<Verdict, Value> {
        let hold = self.find(c)?;
        let (held, committed) = match hold.phase {
            Phase::Released | Phase::Expired => return Ok(Verdict::already(self.as_it_is(hold))),
            Phase::Committed if hold.open() == 0 => return Err(refuse("already_shipped")),
            Phase::Committed => (0, hold.open()),
            Phase::Active => (hold.granted, 0),
        };
        let available = self.told(self.available() + self.counted(held + committed));
        let event = json!({"hold": c["hold"], "held": held, "committed": committed});
        let reply = hold.reply("released", hold.shipped, &available);
        Ok(Verdict { fresh: true, events: Must::Be(vec![("hold-released", event)]), said: Said::Done(reply) })
    }

    fn ship(&self, c: &Value) -> Result<Verdict, Value> {
        let asked = c["quantity"].as_i64();
        if let Some(done) = self.effects.get(&format!("ship/{}/{}", hold_key(&c["hold"]), c["effect"]["id"])) {
            if done.digest != c["effect"]["digest"] {
                return Err(differs(done.quantity, asked.unwrap_or(done.quantity)));
            }
            return Ok(Verdict::already(self.as_it_is(self.find(c)?)));
        }
        self.must_be_stocked()?;
        let hold = self.find(c)?;
        match hold.phase {
            Phase::Released => return Err(refuse("hold_released")),
            Phase::Expired => return Err(refuse("hold_expired")),
            Phase::Active => return Err(refuse("hold_not_committed")),
            Phase::Committed if hold.open() == 0 && hold.shipped > 0 => return Err(refuse("already_shipped")),
            Phase::Committed => {}
        }
        let units = asked.unwrap_or(hold.open());
        if units > hold.open() || !(1..=MOST_UNITS).contains(&units) {
            return Err(json!({"code": "not_that_many_open", "open": hold.open()}));
        }
        let location = text(c, "location");
        let Some(place) = self.places.get(location) else {
            return Err(json!({"code": "location_not_found", "location": location}));
        };
        let available = place.unallocated();
        if available < units {
            return Err(json!({
                "code": "insufficient_at_location", "location": location, "asked": units, "available": available,
            }));
        }
        let status = if hold.open() > units { "committed" } else { "shipped" };
        let reply = hold.reply(status, hold.shipped + units, &self.told(self.available()));
        let event =
            json!({"hold": c["hold"], "effect": c["effect"], "quantity": units, "committed": units, "at": location});
        Ok(Verdict { fresh: true, events: Must::Be(vec![("stock-shipped", event)]), said: Said::Done(reply) })
    }
}
