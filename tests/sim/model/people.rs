//! What a shopper follows, and what they say of themselves and are told.

use super::{Ask, Model, Must, Said, Shown, Verdict, Violations};
use crate::sim::checker::evidence::{Event, list, millis, number, text};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How long what a shopper was told is remembered; what is older is not told any more.
const TOLD_MS: i64 = 3 * 24 * 3_600_000;

fn refuse(code: &str) -> Verdict {
    Verdict::refused(json!({ "code": code }))
}

/// Whether the caller is the shopper.
fn is_own(ask: Ask<'_>, shopper: &str) -> bool {
    text(ask.caller, "role") == "shopper" && text(ask.caller, "subject") == shopper
}

/// These events, and that reply.
fn makes(events: Vec<super::Fact>, reply: Value) -> Verdict {
    Verdict { fresh: !events.is_empty(), events: Must::Be(events), said: Said::Done(reply) }
}

/// The stores that a shopper follows.
#[derive(Debug)]
pub struct Follows {
    shopper: String,
    stores: BTreeSet<String>,
    known: BTreeMap<String, Value>,
}

impl Follows {
    pub fn new(shopper: &str) -> Self {
        Self { shopper: shopper.to_owned(), stores: BTreeSet::new(), known: BTreeMap::new() }
    }
}

impl Model for Follows {
    fn decide(&self, ask: Ask<'_>, _now: i64) -> Verdict {
        let (c, follows) = (ask.asked, text(ask.asked, "op") == "follow");
        if !is_own(ask, &self.shopper) {
            return refuse("follows_not_found");
        }
        let before = self.known.get(text(&c["effect"], "id"));
        if before.is_some_and(|digest| *digest != c["effect"]["digest"]) {
            return refuse("idempotency_key_reused");
        }
        let same = before.is_some() || self.stores.contains(text(c, "store")) == follows;
        let event = json!({"effect": c["effect"], "store": c["store"]});
        let event = (if follows { "store-followed" } else { "store-unfollowed" }, event);
        let reply = json!({"shopper": self.shopper, "store": c["store"], "following": follows});
        makes(if same { Vec::new() } else { vec![event] }, reply)
    }

    fn take(&mut self, event: &Event, found: &mut Violations) {
        let (store, effect) = (text(&event.value, "store").to_owned(), &event.value["effect"]);
        let news = match event.name.as_str() {
            "store-followed" => self.stores.insert(store),
            "store-unfollowed" => self.stores.remove(&store),
            other => return found.must(false, "known-events", || format!("the model knows no `{other}`")),
        };
        let before = self.known.insert(text(effect, "id").to_owned(), effect["digest"].clone());
        found.must(news && before.is_none(), "one-decision-per-id", || format!("{}: {}", self.shopper, event.value));
    }

    fn settled(&self, _found: &mut Violations) {}

    fn rested(&self, _found: &mut Violations) {}

    /// Follows and followers stand in lists, which are made of their events.
    fn rows(&self) -> Vec<Shown> {
        Vec::new()
    }
}

/// A shopper's settings, and what they were told.
#[derive(Debug)]
pub struct Shopper {
    shopper: String,
    version: i64,
    said: Value,
    facts: Value,
    /// The request by which they were forgotten last.
    forgotten: Value,
    told: BTreeSet<String>,
}

impl Shopper {
    pub fn new(shopper: &str) -> Self {
        let (said, facts, forgotten) = (Value::Null, Value::Null, Value::Null);
        Self { shopper: shopper.to_owned(), version: 0, said, facts, forgotten, told: BTreeSet::new() }
    }

    /// Only operators forget, and each request is on record once.
    fn forget(&self, ask: Ask<'_>) -> Verdict {
        let (effect, is_same) = (&ask.asked["effect"], ask.asked["effect"]["id"] == self.forgotten["id"]);
        if text(ask.caller, "role") != "operator" {
            return refuse("shopper_not_found");
        }
        if is_same && effect["digest"] != self.forgotten["digest"] {
            return refuse("idempotency_key_reused");
        }
        if is_same {
            return makes(Vec::new(), self.reply(self.version));
        }
        let version = self.version + 1;
        let event = json!({"effect": effect, "version": version, "keysDestroyed": ask.asked["keysDestroyed"]});
        makes(vec![("shopper-forgotten", event)], self.reply(version))
    }

    fn reply(&self, version: i64) -> Value {
        json!({"shopper": self.shopper, "version": version, "created": version == 1})
    }

    /// How they are told of something; none where they are not.
    fn channels(&self, notification: &Value) -> Option<Value> {
        let kind = text(notification, "kind");
        let group = if kind.starts_with("drop_") { "drops" } else { "orders" };
        let wanted = &self.facts["notifications"][group];
        let wants = |name: &str| wanted[name].as_bool().unwrap_or(true);
        let muted = list(&self.facts, "mutedStores").iter().any(|store| *store == notification["store"]);
        let (in_app, email) = (wants("inApp"), wants("email") && !self.facts["email"].is_null());
        (!muted && (in_app || email)).then(|| json!({"inApp": in_app, "email": email}))
    }
}

impl Model for Shopper {
    fn decide(&self, ask: Ask<'_>, now: i64) -> Verdict {
        let c = ask.asked;
        if text(c, "op") == "put" {
            if !is_own(ask, &self.shopper) {
                return refuse("shopper_not_found");
            }
            if self.said == c["effect"]["digest"] && self.version > 0 {
                return makes(Vec::new(), self.reply(self.version));
            }
            let version = self.version + 1;
            let event = json!({"effect": c["effect"], "version": version, "facts": c["facts"]});
            return makes(vec![("shopper-set", event)], self.reply(version));
        }
        if text(c, "op") == "forget" {
            return self.forget(ask);
        }
        if !matches!(text(ask.caller, "role"), "service" | "engine") {
            return refuse("shopper_not_found");
        }
        let notification = &c["notification"];
        let old = millis(text(notification, "occurredAt")) + TOLD_MS <= now;
        let told = self.told.contains(text(notification, "notificationId"));
        let channels = self.channels(notification).filter(|_| !told && !old);
        let event = |channels| ("shopper-notified", json!({"notification": notification, "channels": channels}));
        makes(channels.map(event).into_iter().collect(), self.reply(self.version))
    }

    fn take(&mut self, event: &Event, found: &mut Violations) {
        let value = &event.value;
        if event.name == "shopper-set" {
            let version = number(value, "version");
            found.must(version == self.version + 1, "versions-are-dense", || format!("{}: {value}", self.shopper));
            (self.version, self.said) = (version, value["effect"]["digest"].clone());
            self.facts = value["facts"].clone();
            return;
        }
        if event.name == "shopper-forgotten" {
            let version = number(value, "version");
            found.must(version == self.version + 1, "versions-are-dense", || format!("{}: {value}", self.shopper));
            (self.version, self.said, self.forgotten) = (version, Value::Null, value["effect"].clone());
            // As they were before they had said anything.
            let both = json!({"inApp": true, "email": true});
            self.facts = json!({"notifications": {"drops": both, "orders": both}});
            return;
        }
        let known = event.name == "shopper-notified";
        found.must(known, "known-events", || format!("the model knows no `{}`", event.name));
        let news = self.told.insert(text(&value["notification"], "notificationId").to_owned());
        found.must(news, "one-decision-per-id", || format!("{} is told twice: {value}", self.shopper));
    }

    fn settled(&self, _found: &mut Violations) {}

    fn rested(&self, _found: &mut Violations) {}

    /// The inbox is a list, which is made of its events.
    fn rows(&self) -> Vec<Shown> {
        if self.version == 0 {
            return Vec::new();
        }
        vec![("shopper_v1", self.shopper.clone(), json!({"version": self.version, "facts": self.facts}))]
    }
}
