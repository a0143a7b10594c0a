//! Drops are changed: what a bug in the waiting room, or in what is lent and claimed, would have written.

use super::{Tampering, event, remove};
use crate::sim::checker::evidence::{list, number, text};
use serde_json::json;

pub const ALL: [Tampering; 13] = [
    // It ends before it opens.
    ("drops-take-steps", |e| remove(e, "drop-scheduled", |_| true).map(drop)),
    ("drops-end", |e| remove(e, "drop-ended", |_| true).map(drop)),
    // More is left than there is.
    ("drop-pool-adds-up", |e| {
        let levels = &mut event(e, "claim-granted", |_| true)?.value["pool"]["levels"];
        levels["remaining"] = json!(number(levels, "remaining") + 1);
        Some(())
    }),
    // The item never gets its units back; or the drop sells what the item does not know of.
    ("drop-units-agree", |e| remove(e, "allotment-returned", |_| true).map(drop)),
    ("drop-units-agree", |e| remove(e, "allotted-committed", |_| true).map(drop)),
    ("limit-per-shopper", |e| {
        event(e, "claim-granted", |_| true)?.value["quantity"] = json!(1_000);
        Some(())
    }),
    // The draw was turned round; or the second in line was first; or who was not admitted claims.
    ("admitted-in-order", |e| {
        let drawn = event(e, "places-drawn", |event| list(&event.value, "shoppers").len() > 1)?;
        drawn.value["shoppers"].as_array_mut()?.reverse();
        Some(())
    }),
    ("admitted-in-order", |e| {
        let admitted = event(e, "shoppers-admitted", |event| list(&event.value, "shoppers").len() > 1)?;
        admitted.value["shoppers"].as_array_mut()?.reverse();
        Some(())
    }),
    ("never-more-admitted-than-free", |e| {
        let admitted = event(e, "shoppers-admitted", |_| true)?;
        let shoppers = admitted.value["shoppers"].as_array_mut()?;
        shoppers.extend((0..50).map(|n| json!(format!("fan-{n}"))));
        Some(())
    }),
    // The seed is another one than was promised; or it was known before.
    ("seed-is-secret", |e| {
        event(e, "drop-opened", |_| true)?.value["seed"] = json!("00".repeat(32));
        Some(())
    }),
    ("seed-is-secret", |e| {
        let opened = event(e, "drop-opened", |_| true)?;
        let (drop, seed) = (opened.subject.clone(), opened.value["seed"].clone());
        event(e, "drop-scheduled", |event| event.subject == drop)?.value["seedHash"] = seed;
        Some(())
    }),
    // A claim that opens no order; or one that is bought while its order is not.
    ("claims-have-orders", |e| {
        let at = e.internal.iter().position(|sent| text(&sent["command"]["command"], "op") == "open")?;
        e.internal.remove(at);
        Some(())
    }),
    ("claims-have-orders", |e| {
        let granted = event(e, "claim-granted", |_| true)?;
        granted.value["orderId"] = json!("another");
        Some(())
    }),
];
