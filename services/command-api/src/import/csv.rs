//! Makes a JSON object of a CSV record, by the names in the head.

use edge::Problem;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Columns that hold whole numbers.
const NUMBERS: [&str; 5] = ["sourceVersion", "quantity", "counted", "expected", "price.amount"];

/// The names of the columns.
#[derive(Debug, Clone)]
pub(super) struct Head(Vec<String>);

fn cells(record: &[u8]) -> Result<Vec<String>, Problem> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(record);
    let mut cells = csv::StringRecord::new();
    match reader.read_record(&mut cells) {
        Ok(_) => Ok(cells.iter().map(|cell| cell.trim().to_owned()).collect()),
        Err(fault) => Err(Problem::bad_request("invalid_csv", format!("the record cannot be read: {fault}"))),
    }
}

impl Head {
    /// Reads the first record.
    pub fn read(record: &[u8]) -> Result<Self, Problem> {
        // Spreadsheets put a byte order mark in front.
        let record = record.strip_prefix(b"\xef\xbb\xbf").unwrap_or(record);
        let names = cells(record)?;
        // A line has room for tens of thousands of names: each is looked for once only.
        let mut known = BTreeSet::new();
        if names.iter().all(|name| !name.is_empty() && known.insert(name)) {
            return Ok(Self(names));
        }
        Err(Problem::bad_request("invalid_csv", "the head must name every column, and each once"))
    }

    /// The record as an object: an empty cell is an absent field, `a.b` is the field `b` of the object `a`.
    pub fn object(&self, record: &[u8]) -> Result<Map<String, Value>, Problem> {
        let cells = cells(record)?;
        if cells.len() > self.0.len() {
            let detail = format!("the record has {} cells, the head {}", cells.len(), self.0.len());
            return Err(Problem::bad_request("invalid_csv", detail));
        }
        let mut object = Map::new();
        for (name, cell) in self.0.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            let value = value(name, cell);
            match name.split_once('.') {
                None => _ = object.insert(name.clone(), value),
                Some((outer, inner)) => {
                    let entry = object.entry(outer).or_insert_with(|| Value::Object(Map::new()));
                    match entry {
                        Value::Object(fields) => _ = fields.insert(inner.to_owned(), value),
                        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                            let detail = format!("the head names both {outer} and {name}");
                            return Err(Problem::bad_request("invalid_csv", detail));
                        }
                    }
                }
            }
        }
        Ok(object)
    }
}

/// A number where the column holds one and the cell is one; `images` is a list, parted by spaces; else text.
fn value(name: &str, cell: String) -> Value {
    if name == "images" {
        return cell.split_whitespace().map(Value::from).collect();
    }
    match cell.parse::<i64>() {
        Ok(number) if NUMBERS.contains(&name) => Value::from(number),
        Ok(_) | Err(_) => Value::from(cell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_becomes_the_object_that_ndjson_would_hold() {
        let head = Head::read(b"\xef\xbb\xbfop,itemId,name,price.amount,price.currency,images,store").expect("a head");
        let object = head.object(b"list,sku-1,\"Tea, green\",250,EUR,https://a/1 https://a/2,").expect("an object");
        let expected = json!({"op": "list", "itemId": "sku-1", "name": "Tea, green",
            "price": {"amount": 250, "currency": "EUR"}, "images": ["https://a/1", "https://a/2"]});
        assert_eq!(Value::Object(object), expected);
    }

    #[test]
    fn a_number_in_a_text_column_stays_text_and_a_bad_number_is_left_to_the_reader() {
        let head = Head::read(b"itemId,quantity").expect("a head");
        let object = head.object(b"84029,1.5").expect("an object");
        assert_eq!(Value::Object(object), json!({"itemId": "84029", "quantity": "1.5"}));
    }

    #[test]
    fn heads_and_records_that_do_not_fit_are_refused() {
        assert!(Head::read(b"a,a").is_err());
        assert!(Head::read(b"a,,b").is_err());
        let head = Head::read(b"price,price.amount").expect("a head");
        assert!(head.object(b"1,2").is_err());
        assert!(head.object(b"1,2,3").is_err());
    }
}
