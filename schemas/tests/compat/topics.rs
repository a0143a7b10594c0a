//! Whether an AsyncAPI document keeps what an older one promised. Payloads are held against each other by themselves.

use super::schema::{Documents, faults};
use crate::registry::Side;
use serde_json::{Map, Value};

/// What the new document breaks of the old one.
pub fn broken(documents: Documents<'_>) -> Vec<String> {
    let Documents { old, new } = documents;
    let mut found = Vec::new();
    for (name, was) in fields(&old["channels"]) {
        let is = &new["channels"][name];
        if is.is_null() {
            found.push(format!("{name}: is gone"));
            continue;
        }
        let kafka = "/bindings/kafka/topicConfiguration";
        for (what, pointer) in [
            ("address", "/address".to_owned()),
            ("cleanup", format!("{kafka}/cleanup.policy")),
            ("key", "/x-key".to_owned()),
        ] {
            if was.pointer(&pointer) != is.pointer(&pointer) {
                found.push(format!("{name}: another {what}"));
            }
        }
        let gone =
            fields(&was["messages"]).map(|(message, _)| message).filter(|message| is["messages"][*message].is_null());
        found.extend(gone.map(|message| format!("{name}: {message} is gone")));
    }
    for (name, was) in fields(&old["components"]["messages"]) {
        let is = &new["components"]["messages"][name];
        if is["contentType"] != was["contentType"] {
            found.push(format!("{name}: another content type"));
        }
        let side = if name.starts_with("stockfold.supplier.") { Side::Taken } else { Side::Stored };
        if !was["headers"].is_null() {
            found.extend(faults(documents, &was["headers"], &is["headers"], side, &format!("{name} headers")));
        }
    }
    found
}

fn fields(of: &Value) -> impl Iterator<Item = (&String, &Value)> {
    of.as_object().into_iter().flat_map(Map::iter)
}
