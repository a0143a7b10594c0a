//! Whether an OpenAPI document keeps what an older one promised.

use super::schema::{Documents, faults};
use crate::registry::Side;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What can be said of a path that is no call.
const NO_CALLS: [&str; 4] = ["parameters", "summary", "description", "servers"];

/// What the new document breaks of the old one.
pub fn broken(documents: Documents<'_>) -> Vec<String> {
    let (old, new) = (calls(documents.old), calls(documents.new));
    let mut found = Vec::new();
    for (name, was) in old {
        match new.get(&name) {
            Some(is) => found.extend(Call { documents, name: &name }.faults(was, is)),
            None => found.push(format!("{name}: is gone")),
        }
    }
    found
}

/// The calls of a document, by method and path.
fn calls(document: &Value) -> BTreeMap<String, &Value> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let calls = paths.flat_map(|(path, calls)| {
        let calls = calls.as_object().into_iter().flatten();
        let calls = calls.filter(|(method, _)| !NO_CALLS.contains(&method.as_str()));
        calls.map(move |(method, call)| (format!("{} {path}", method.to_uppercase()), call))
    });
    calls.collect()
}

struct Call<'a> {
    documents: Documents<'a>,
    name: &'a str,
}

fn is_required(of: &Value) -> bool {
    of["required"].as_bool().unwrap_or(false)
}

fn object<'v>(of: &'v Value, name: &str) -> &'v Map<String, Value> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    of[name].as_object().unwrap_or(&EMPTY)
}

fn needs_token(call: &Value) -> bool {
    let ways = call["security"].as_array();
    ways.is_some_and(|ways| {
        !ways.is_empty() && ways.iter().all(|way| way.as_object().is_some_and(|way| !way.is_empty()))
    })
}

impl Call<'_> {
    fn faults(&self, was: &Value, is: &Value) -> Vec<String> {
        let name = self.name;
        let mut found = Vec::new();
        if was["operationId"] != is["operationId"] {
            found.push(format!("{name}: was called {}, is {}", was["operationId"], is["operationId"]));
        }
        if needs_token(is) && !needs_token(was) {
            found.push(format!("{name}: needs a token now"));
        }
        found.extend(self.parameters(was, is));
        found.extend(self.body(&was["requestBody"], &is["requestBody"]));
        found.extend(self.responses(object(was, "responses"), object(is, "responses")));
        found
    }

    fn parameters(&self, was: &Value, is: &Value) -> Vec<String> {
        fn by_name(call: &Value) -> BTreeMap<String, &Value> {
            let parameters = call["parameters"].as_array().into_iter().flatten();
            let name =
                |of: &Value| format!("{} {}", of["in"].as_str().unwrap_or(""), of["name"].as_str().unwrap_or(""));
            parameters.map(|parameter| (name(parameter), parameter)).collect()
        }
        let (old, new, mut found) = (by_name(was), by_name(is), Vec::new());
        for (name, parameter) in &new {
            if is_required(parameter) && !old.get(name).is_some_and(|old| is_required(old)) {
                found.push(format!("{} {name}: is required now", self.name));
            }
        }
        for (name, parameter) in old {
            let at = format!("{} {name}", self.name);
            match new.get(&name) {
                Some(now) => {
                    found.extend(faults(self.documents, &parameter["schema"], &now["schema"], Side::Taken, &at));
                }
                None => found.push(format!("{at}: is gone")),
            }
        }
        found
    }

    fn body(&self, was: &Value, is: &Value) -> Vec<String> {
        let at = format!("{} body", self.name);
        let mut found = Vec::new();
        if is_required(is) && !is_required(was) {
            found.push(format!("{at}: is required now"));
        }
        found.extend(self.content(was, is, Side::Taken, &at));
        found
    }

    fn responses(&self, old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<String> {
        let mut found = Vec::new();
        for (status, was) in old {
            let at = format!("{} {status}", self.name);
            let Some(is) = new.get(status) else {
                found.push(format!("{at}: is gone"));
                continue;
            };
            let headers = object(was, "headers").keys().filter(|header| !object(is, "headers").contains_key(*header));
            found.extend(headers.map(|header| format!("{at}: the header {header} is gone")));
            found.extend(self.content(was, is, Side::Told, &at));
        }
        found
    }

    fn content(&self, was: &Value, is: &Value, side: Side, at: &str) -> Vec<String> {
        let mut found = Vec::new();
        let new = object(is, "content");
        for (media, was) in object(was, "content") {
            match new.get(media) {
                Some(is) => found.extend(faults(self.documents, &was["schema"], &is["schema"], side, at)),
                None => found.push(format!("{at}: {media} is gone")),
            }
        }
        found
    }
}
