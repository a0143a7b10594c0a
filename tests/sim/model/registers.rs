//! Stores and warehouses: each is what it was last said to be, under dense versions.

use super::{Ask, Model, Must, Said, Shown, Verdict, Violations};
use crate::sim::checker::evidence::{Event, number, text};
use serde_json::{Value, json};

/// A store or a warehouse as its events tell it.
#[derive(Debug)]
pub struct Register {
    /// `store` or `warehouse`.
    kind: &'static str,
    id: String,
    version: i64,
    effect: Value,
    facts: Value,
    newest: Option<u64>,
}

impl Register {
    pub fn new(kind: &'static str, id: &str) -> Self {
        Self { kind, id: id.to_owned(), version: 0, effect: Value::Null, facts: Value::Null, newest: None }
    }

    /// The field of commands and replies that names it.
    fn named(&self) -> &'static str {
        if self.kind == "store" { "storeId" } else { "location" }
    }

    fn verdict(&self, ask: Ask<'_>) -> Result<Verdict, Value> {
        let (c, role) = (ask.asked, text(ask.caller, "role"));
        let own = |of: &str| role == self.kind && ask.caller[of] == self.id.as_str();
        let may = matches!(role, "service" | "operator" | "engine")
            || own(if self.kind == "store" { "store" } else { "location" });
        if !may {
            return Err(json!({"code": format!("{}_not_found", self.kind)}));
        }
        let same = match self.kind {
            "store" => self.version > 0 && self.effect["digest"] == c["effect"]["digest"],
            _ => self.version > 0 && self.facts == c["facts"],
        };
        let version = self.version + i64::from(!same);
        let set = if self.kind == "store" { "store-set" } else { "warehouse-set" };
        let event = json!({"effect": c["effect"], "version": version, "facts": c["facts"]});
        let said = Said::Done(json!({self.named(): self.id, "version": version, "created": version == 1}));
        if same {
            return Ok(Verdict::already(said));
        }
        Ok(Verdict { fresh: true, events: Must::Be(vec![(set, event)]), said })
    }
}

impl Model for Register {
    fn decide(&self, ask: Ask<'_>, _now: i64) -> Verdict {
        self.verdict(ask).unwrap_or_else(Verdict::refused)
    }

    fn take(&mut self, event: &Event, found: &mut Violations) {
        let version = number(&event.value, "version");
        found.must(version == self.version + 1, "versions-are-dense", || {
            format!("{} {}: version {version} follows {}", self.kind, self.id, self.version)
        });
        let known = matches!(event.name.as_str(), "store-set" | "warehouse-set");
        found.must(known, "known-events", || format!("the model knows no `{}`", event.name));
        self.version = version;
        self.effect = event.value["effect"].clone();
        self.facts = event.value["facts"].clone();
        self.newest = Some(event.seq);
    }

    fn settled(&self, _found: &mut Violations) {}

    fn rested(&self, _found: &mut Violations) {}

    /// Warehouses stand in one list, which is made of their events.
    fn rows(&self) -> Vec<Shown> {
        let Some(seq) = self.newest.filter(|_| self.kind == "store") else { return Vec::new() };
        vec![("store_v1", self.id.clone(), json!({"seq": seq, "version": self.version, "facts": self.facts}))]
    }
}
