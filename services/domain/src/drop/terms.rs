//! What terms must be, beside what their types say.

use schemas::{
    Money, Quantity, Timestamp,
    drop::{DropRejection, DropTerms},
    money::MAX_EXACT,
};
use std::collections::BTreeSet;

/// The most items of a drop.
const MOST_ITEMS: usize = 20;
/// How long a drop may last.
const LONGEST_MS: i64 = 30 * 24 * 3_600 * 1_000;

/// The terms of a drop that was not drafted.
pub(super) fn none() -> DropTerms {
    DropTerms {
        title: None,
        items: Vec::new(),
        starts_at: Timestamp::default(),
        ends_at: Timestamp::default(),
        limit_per_shopper: Quantity::new(1).expect("one is a quantity"),
        queue_opens_at: None,
        admit_at_once: None,
    }
}

/// Whether they fit together, as of `now`; `before` is what they were.
pub(super) fn check(terms: &DropTerms, before: Option<&DropTerms>, now: Timestamp) -> Result<(), DropRejection> {
    let wrong = |pointer: &str, detail: &str| {
        Err(DropRejection::TermsInvalid { pointer: pointer.to_owned(), detail: detail.to_owned() })
    };
    let is_title = |title: &str| matches!(title.chars().count(), 1..=200) && !title.chars().any(char::is_control);
    if terms.title.as_ref().is_some_and(|title| !is_title(title)) {
        return wrong("/title", "a title has 1 to 200 characters and no control characters");
    }
    if !(1..=MOST_ITEMS).contains(&terms.items.len()) {
        return wrong("/items", "a drop has 1 to 20 items");
    }
    let mut known = BTreeSet::new();
    let currency = terms.items[0].price.currency();
    for (index, item) in terms.items.iter().enumerate() {
        if !known.insert(&item.item_id) {
            return wrong(&format!("/items/{index}/itemId"), "an item stands in a drop once");
        }
        let minor = i128::from(item.price.minor());
        let most = minor * i128::from(terms.limit_per_shopper.get());
        if minor < 0 || most > i128::from(MAX_EXACT) {
            return wrong(
                &format!("/items/{index}/price"),
                "a price is zero or more, and its total a number below 2^53",
            );
        }
        if item.price.currency() != currency {
            return wrong(&format!("/items/{index}/price"), "all prices of a drop are in one currency");
        }
    }
    if terms.starts_at < now && before.is_none_or(|before| before.starts_at != terms.starts_at) {
        return wrong("/startsAt", "a drop starts in the future");
    }
    if terms.ends_at <= terms.starts_at || terms.ends_at <= now {
        return wrong("/endsAt", "a drop ends after it starts, and in the future");
    }
    if terms.ends_at.millis() - terms.starts_at.millis() > LONGEST_MS {
        return wrong("/endsAt", "a drop lasts at most 30 days");
    }
    if terms.queue_opens_at.is_some_and(|opens| opens > terms.starts_at) {
        return wrong("/queueOpensAt", "the waiting room opens no later than the drop");
    }
    if terms.admit_at_once == Some(0) {
        return wrong("/admitAtOnce", "somebody must be admitted");
    }
    if terms.admit_at_once.is_some() && terms.queue_opens_at.is_none() {
        return wrong("/admitAtOnce", "only a drop with a waiting room admits");
    }
    Ok(())
}

/// Whether the items, their quantities and their currency are the same.
pub(super) fn same_items(before: &DropTerms, after: &DropTerms) -> bool {
    let key = |terms: &DropTerms| -> Vec<_> {
        let items = terms.items.iter();
        items.map(|item| (item.item_id.clone(), item.quantity, Money::currency(item.price))).collect()
    };
    key(before) == key(after)
}
