//! What both APIs show at the end, row by row, against the fold.

use super::fleet::Fleet;
use crate::{
    e2e::engine::{Ask, Engine},
    sim::{
        checker::{Key, evidence::text},
        model::Model,
    },
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::task::JoinSet;

/// Rows that are read at once.
const AT_ONCE: usize = 16;

/// Fields of an order that are shown as the row has them, and those of its lines and payments.
const ORDER: [&str; 6] = ["orderId", "position", "status", "total", "submitted", "placedAt"];
const LINE: [&str; 5] = ["lineId", "itemId", "quantity", "unitPrice", "cancelled"];
const PAYMENT: [&str; 6] = ["paymentId", "status", "amount", "authorized", "captured", "refunded"];

/// A row that must be shown: where, to whom, and how.
struct Row {
    path: String,
    token: String,
    expected: Value,
}

/// Reads every item, hold and order over each of the APIs; how many rows, and which are not as the fold has them.
pub async fn check(
    fleet: &Fleet,
    models: &BTreeMap<Key, Box<dyn Model>>,
    service: &str,
    operator: &str,
) -> (usize, Vec<String>) {
    let apis = fleet.apis();
    let mut rows = Vec::new();
    for (table, key, row) in models.values().flat_map(|model| model.rows()) {
        rows.extend(expected(table, &key, &row, service, operator));
    }
    let count = rows.len() * apis.len();
    let work: Vec<_> =
        apis.iter().flat_map(|(name, api)| rows.iter().map(move |row| (*name, Arc::clone(api), row.to()))).collect();
    let (work, wrong) = (Arc::new(Mutex::new(work)), Arc::<Mutex<Vec<String>>>::default());
    let mut readers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (work, wrong) = (Arc::clone(&work), Arc::clone(&wrong));
        readers.spawn(async move {
            loop {
                let next = work.lock().expect("not poisoned").pop();
                let Some((name, api, row)) = next else { return };
                if let Err(what) = row.is_shown(&api).await {
                    wrong.lock().expect("not poisoned").push(format!("views: {name}: {}: {what}", row.path));
                }
            }
        });
    }
    readers.join_all().await;
    let wrong = std::mem::take(&mut *wrong.lock().expect("not poisoned"));
    (count, wrong)
}

/// What must be shown of a row of a view.
fn expected(table: &str, key: &str, row: &Value, service: &str, operator: &str) -> Option<Row> {
    let (path, token, expected) = match table {
        "stock_v1" => {
            let mut shown = row["levels"].clone();
            shown["position"] = row["position"].clone();
            (format!("/v1/items/{key}/stock"), operator, shown)
        }
        "item_v1" => (format!("/v1/items/{key}"), operator, json!({"itemId": key, "available": row["available"]})),
        "hold_v1" => {
            let item = key.split('/').next().unwrap_or_default();
            let shown = json!({"status": row["s"], "quantity": row["q"], "unitPrice": row["p"], "shipped": row["o"]});
            (format!("/v1/items/{item}/holds/{}", text(row, "i")), service, shown)
        }
        "order_v1" => {
            let mut shown = only(row, &ORDER);
            for (list, fields) in [("lines", LINE.as_slice()), ("payments", &PAYMENT)] {
                shown[list] = row[list].as_array().into_iter().flatten().map(|one| only(one, fields)).collect();
            }
            (format!("/v1/orders/{key}"), operator, shown)
        }
        _ => return None,
    };
    Some(Row { path, token: token.to_owned(), expected })
}

/// These fields of an object; null where it has none.
fn only(row: &Value, fields: &[&str]) -> Value {
    fields.iter().map(|field| ((*field).to_owned(), row[*field].clone())).collect::<serde_json::Map<_, _>>().into()
}

impl Row {
    fn to(&self) -> Self {
        Self { path: self.path.clone(), token: self.token.clone(), expected: self.expected.clone() }
    }

    async fn is_shown(&self, api: &Engine) -> Result<(), String> {
        let ask = Ask { token: Some(&self.token), ..Ask::default() };
        let shown = api.try_ask(Method::GET, &self.path, ask).await.map_err(|error| error.to_string())?;
        if shown.status != StatusCode::OK {
            return Err(format!("{} instead of {}", shown.body, self.expected));
        }
        let is_in = has(&shown.body, &self.expected);
        if is_in { Ok(()) } else { Err(format!("{} instead of {}", shown.body, self.expected)) }
    }
}

/// Whether all that is expected is shown; there may be more.
fn has(shown: &Value, expected: &Value) -> bool {
    match (shown, expected) {
        (Value::Object(shown), Value::Object(expected)) => {
            expected.iter().all(|(name, value)| has(shown.get(name).unwrap_or(&Value::Null), value))
        }
        (Value::Array(shown), Value::Array(expected)) => {
            shown.len() == expected.len() && shown.iter().zip(expected).all(|(shown, expected)| has(shown, expected))
        }
        (shown, expected) => shown == expected,
    }
}
