//! What holds for the lines of every order, however it is placed.

use edge::Fields;
use schemas::LineId;
use std::collections::BTreeSet;

/// The most lines of an order.
pub(crate) const MAX_LINES: usize = 1_000;

/// A fault for each line id that occurs twice.
pub(crate) fn check_lines<'l>(fields: &Fields<'_>, name: &str, line_ids: impl Iterator<Item = &'l LineId>) {
    let mut seen = BTreeSet::new();
    for id in line_ids {
        if !seen.insert(id) {
            fields.fault::<()>(name, "duplicate_line_id", format!("has the line id {id} twice"));
        }
    }
}
