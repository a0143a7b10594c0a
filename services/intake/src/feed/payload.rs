//! The data of a supplier's event, by its type.

use crate::{
    catalog,
    fields::{self, FieldError, Fields, id, price, quantity, text, unsigned},
};
use schemas::{LocationId, item::SupplyFact, supplier::SupplierEventType};
use serde_json::{Map, Value};

/// The most units of a report.
const MOST_REPORTED: u64 = 1_000_000_000;

/// Reads the data; all of its faults are added where it cannot be.
pub(super) fn read(kind: SupplierEventType, data: Option<&Value>, faults: &mut Vec<FieldError>) -> Option<SupplyFact> {
    let nothing = Value::Object(Map::new());
    let data = match (data, kind) {
        (Some(data), _) => data,
        (None, SupplierEventType::ItemDelisted) => &nothing,
        (None, _) => {
            let (pointer, code) = ("/data".to_owned(), "missing".into());
            faults.push(FieldError { pointer, code, detail: "is required with an event of this type".to_owned() });
            return None;
        }
    };
    match fields::read_object(data, |fields| fact(kind, fields)) {
        Ok(fact) => Some(fact),
        Err(found) => {
            let inside = |fault: FieldError| FieldError { pointer: format!("/data{}", fault.pointer), ..fault };
            faults.extend(found.into_iter().map(inside));
            None
        }
    }
}

fn fact(kind: SupplierEventType, fields: &mut Fields<'_>) -> Option<SupplyFact> {
    match kind {
        SupplierEventType::ItemListed => {
            let (catalog, price) = catalog::facts(fields)?;
            Some(SupplyFact::Listed { catalog: Box::new(catalog), price })
        }
        SupplierEventType::PriceChanged => Some(SupplyFact::PriceChanged { price: fields.get("price", price)? }),
        SupplierEventType::ItemDelisted => Some(SupplyFact::Delisted),
        SupplierEventType::StockReported => {
            let location = fields.get("location", id(LocationId::parse));
            let counted = fields.get("quantity", unsigned(0..=MOST_REPORTED));
            Some(SupplyFact::StockReported { location: location?, counted: counted? })
        }
        SupplierEventType::StockReceived => {
            let location = fields.get("location", id(LocationId::parse));
            let quantity = fields.get("quantity", quantity);
            let document = fields.get("document", text(1..=200));
            Some(SupplyFact::StockReceived { location: location?, quantity: quantity?, document: document? })
        }
    }
}
