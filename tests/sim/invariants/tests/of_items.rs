//! Items are changed: what a bug in the stock would have written.

use super::{Tampering, answer, event, remove};
use crate::sim::checker::evidence::{Event, number, text};
use serde_json::json;

fn is_free(event: &Event) -> bool {
    text(&event.value["hold"], "kind") == "free"
}

fn says(event: &Event, fact: &str) -> bool {
    event.name == "supply-recorded" && text(&event.value["said"], "fact") == fact
}

/// Digital items have no stock.
fn has_stock(event: &Event) -> bool {
    event.subject != "ebook"
}

pub const ALL: [Tampering; 20] = [
    // Sold what is not there.
    ("never-oversold", |e| {
        let event = event(e, "hold-granted", has_stock)?;
        event.value["quantity"] = json!(900_000_000);
        Some(())
    }),
    // Sold twice: a hold is granted from what another one has.
    ("never-oversold", |e| {
        let grant = e.events.iter().position(|event| event.name == "hold-granted" && has_stock(event))?;
        let left = number(&e.events[grant].value["stock"], "available");
        let mut again = e.events[grant].clone();
        again.value["hold"]["id"] = json!("a-second-buyer");
        again.value["quantity"] = json!(left + 1);
        again.seq += 1;
        e.events.insert(grant + 1, again);
        Some(())
    }),
    ("never-negative", |e| event(e, "stock-counted", |_| true).map(|event| event.value["delta"] = json!(-9_000_000))),
    ("conservation", |e| {
        let event = event(e, "stock-received", |_| true)?;
        event.value["stock"]["onHand"] = json!(number(&event.value["stock"], "onHand") + 1);
        Some(())
    }),
    // Units move to another place than the log says.
    ("conservation", |e| {
        event(e, "stock-received", |_| true).map(|event| event.value["place"]["sellable"] = json!(77))
    }),
    ("conservation", |e| {
        let event = event(e, "hold-released", |event| number(&event.value, "held") > 0)?;
        event.value["held"] = json!(number(&event.value, "held") - 1);
        Some(())
    }),
    ("conservation", |e| {
        let ordered = |event: &Event| number(&event.value, "committed") > 0;
        event(e, "stock-shipped", ordered).map(|event| event.value["committed"] = json!(0))
    }),
    // A report that is believed says something else than the item has.
    ("supply-converges", |e| {
        let of_feed = |event: &Event| event.name == "stock-counted" && !event.value["feed"].is_null();
        let at = (1..e.events.len()).find(|at| of_feed(&e.events[*at]) && says(&e.events[at - 1], "stock_reported"))?;
        let said = &mut e.events[at - 1].value["said"];
        said["counted"] = json!(number(said, "counted") + 1_000);
        Some(())
    }),
    // Units come in under a supplier's name, and it never said so.
    ("supply-conserves", |e| remove(e, "supply-recorded", |event| says(event, "stock_received")).map(drop)),
    ("shortfall-on-record", |e| remove(e, "shortfall-detected", |_| true).map(drop)),
    ("events-equal-model", |e| {
        let event = event(e, "price-changed", |_| true)?;
        event.value["price"]["amount"] = json!(number(&event.value["price"], "amount") + 1);
        Some(())
    }),
    // The caller may not touch the stock.
    ("refused-is-refused", |e| {
        let cause = event(e, "stock-received", |_| true)?.causation.clone();
        let call = e.calls.iter_mut().find(|call| call.id == cause)?;
        call.caller["role"] = json!("shopper");
        Some(())
    }),
    // The hold is another caller's.
    ("refused-is-refused", |e| {
        let cause = event(e, "hold-committed", is_free)?.causation.clone();
        let call = e.calls.iter_mut().find(|call| call.id == cause)?;
        call.caller["subject"] = json!("somebody-else");
        Some(())
    }),
    ("kind-immutable", |e| {
        let first = event(e, "item-listed", |_| true)?.clone();
        let again = event(e, "item-listed", |event| event.subject == first.subject && event.seq > first.seq)?;
        again.value["catalog"]["kind"] = json!("a-service");
        Some(())
    }),
    ("versions-are-dense", |e| {
        let event = event(e, "price-changed", |_| true)?;
        event.value["catalogVersion"] = json!(number(&event.value, "catalogVersion") + 7);
        Some(())
    }),
    ("sources-rise", |e| {
        let first = event(e, "item-listed", |_| true)?;
        first.value["source"] = json!({"source": "feed", "version": 5});
        let first = first.clone();
        let again = event(e, "item-listed", |event| event.subject == first.subject && event.seq > first.seq)?;
        again.value["source"] = json!({"source": "feed", "version": 4});
        Some(())
    }),
    // Expired from another clock than the log's.
    ("no-early-expiry", |e| {
        let hold = event(e, "hold-expired", |_| true)?.value["hold"].clone();
        let grant = event(e, "hold-granted", |event| event.value["hold"] == hold)?;
        grant.value["expiresAt"] = json!("2040-01-01T00:00:00.000Z");
        Some(())
    }),
    // An item is never told that an order takes no more returns; or is told while it takes some.
    ("every-hold-ends", |e| remove(e, "hold-closed", |_| true).map(drop)),
    ("no-early-expiry", |e| {
        let order = text(&event(e, "hold-closed", |_| true)?.value["hold"], "order").to_owned();
        remove(e, "return-window-closed", |event| event.subject == order).map(drop)
    }),
    // A command that stood in the log long before the deadline is told that it came too late.
    ("no-early-expiry", |e| {
        let (call, _) = answer(e, |_, answer| text(&answer.body, "code") == "hold_expired")?;
        e.calls.iter_mut().find(|other| other.id == call.id)?.arrived = 0;
        Some(())
    }),
];
