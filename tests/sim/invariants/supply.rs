//! What suppliers were told was done shows, whatever else was said before or after, and in whatever order it came.

use crate::sim::{
    checker::{
        Key,
        evidence::{Call, Evidence, ITEMS, text},
    },
    model::{Model, Violations, item::Statement},
};
use std::collections::BTreeMap;

pub fn check(evidence: &Evidence, models: &BTreeMap<Key, Box<dyn Model>>, found: &mut Violations) {
    let calls: BTreeMap<u64, &Call> = evidence.calls.iter().map(|call| (call.request, call)).collect();
    let done = evidence.answers.iter().filter(|answer| answer.done);
    let mut said: BTreeMap<&str, Vec<Statement>> = BTreeMap::new();
    for call in done.filter_map(|answer| calls.get(&answer.request)) {
        if text(call.asked(), "op") == "supply" {
            said.entry(call.aggregate().1).or_default().push(Statement::of(call.asked()));
        }
    }
    for (item, said) in said {
        let model = models.get(&(ITEMS.to_owned(), item.to_owned())).and_then(|model| model.as_item());
        if let Some(item) = model {
            item.converges(&said, found);
        }
    }
}
