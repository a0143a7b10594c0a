//! Patch: a JSON merge patch (RFC 7396), merged here and not where somebody read an older state.

use super::{
    Item, ItemDecided, access, already,
    effects::{EffectKey, Outcome},
    list::{changes, check_version},
    told,
};
use crate::Context;
use schemas::{
    Role,
    item::{Catalog, ItemKind, ItemRejection, ItemReply, PatchDocument, PatchItem},
};
use serde_json::{Map, Value};

const fn reply(version: u64) -> ItemReply {
    ItemReply::Catalog { created: false, catalog_version: version, stale: false }
}

/// Merges a patch into facts and price.
pub(super) fn patch(item: &Item, c: &PatchItem, cx: Context<'_>) -> ItemDecided {
    access::catalog(item, cx.caller)?;
    if let Some(effect) = &c.effect
        && let Some(recorded) = item.effects.get(&EffectKey::Patch(effect.id.clone()))
    {
        return match recorded.again(effect, 0)? {
            Outcome::Catalog(version) => Ok(already(reply(version))),
            Outcome::Stock(..) | Outcome::Done => Ok(already(reply(item.version))),
        };
    }
    let (Some(catalog), Some(price)) = (&item.catalog, item.price) else { return Err(ItemRejection::ItemNotFound) };
    let before = PatchDocument { catalog: catalog.clone(), price };
    let mut document = serde_json::to_value(&before).map_err(invalid)?;
    check_store(&c.patch, cx)?;
    check_version(item, c.expected_version)?;
    if c.patch.get("kind").is_some_and(|kind| Some(kind) != document.get("kind")) {
        return Err(ItemRejection::KindImmutable);
    }
    if let Some(field) = c.patch.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        return Err(ItemRejection::InvalidPatch { reason: format!("unknown field `{field}`") });
    }
    if let Value::Object(fields) = &mut document {
        merge(fields, &c.patch);
    }
    let after: PatchDocument = serde_json::from_value(document).map_err(invalid)?;
    check_facts(&after).map_err(|reason| ItemRejection::InvalidPatch { reason: reason.to_owned() })?;
    if !item.listed {
        return Err(ItemRejection::ItemNotListed);
    }
    if after == before {
        return Ok(already(reply(item.version)));
    }
    // From here it succeeds.
    let (events, version) = changes(item, &after.catalog, after.price, None, c.effect.as_ref());
    Ok(told(events, reply(version)))
}

/// The members of a [`PatchDocument`].
const FIELDS: [&str; 10] =
    ["name", "description", "category", "store", "kind", "attributes", "images", "file", "metadata", "price"];

fn invalid(error: impl std::fmt::Display) -> ItemRejection {
    ItemRejection::InvalidPatch { reason: error.to_string() }
}

/// A store cannot give its item away.
fn check_store(patch: &Map<String, Value>, cx: Context<'_>) -> Result<(), ItemRejection> {
    let Some(store) = patch.get("store") else { return Ok(()) };
    let own = cx.caller.store.as_ref().map(|store| store.as_str());
    if cx.caller.role == Role::Store && store.as_str() != own {
        return Err(ItemRejection::ItemOfAnotherStore);
    }
    Ok(())
}

/// RFC 7396, section 2. No deeper than the JSON reader lets a body nest.
pub(crate) fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (field, value) in patch {
        match value {
            Value::Null => {
                target.remove(field);
            }
            Value::Object(patch) => {
                let nested = target.entry(field.clone()).or_insert(Value::Null);
                if !nested.is_object() {
                    *nested = Value::Object(Map::new());
                }
                if let Value::Object(nested) = nested {
                    merge(nested, patch);
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                target.insert(field.clone(), value.clone());
            }
        }
    }
}

/// The bounds of [`Catalog`] and the price, which a whole body is held to where it comes in.
fn check_facts(document: &PatchDocument) -> Result<(), &'static str> {
    let Catalog { name, description, category, kind, images, file, attributes, .. } = &document.catalog;
    let plain = |text: &str| !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
    if !matches!(name.chars().count(), 1..=200) || name.chars().any(char::is_control) {
        return Err("`name` has 1 to 200 characters and no control characters");
    }
    if description.as_ref().is_some_and(|text| text.chars().count() > 10_000 || !plain(text)) {
        return Err("`description` has at most 10,000 characters and no control characters");
    }
    if category.as_ref().is_some_and(|category| !schemas::text::is_id(category)) {
        return Err("`category` is 1 to 64 characters of A-Z a-z 0-9 _ . : - and begins with a letter or digit");
    }
    if images.len() > 5 || images.iter().any(|url| !is_url(url)) {
        return Err("`images` are at most five http or https URLs of at most 2,048 characters");
    }
    if file.as_ref().is_some_and(|file| *kind != ItemKind::Digital || !file.starts_with("https://") || !is_url(file)) {
        return Err("`file` is an https URL of at most 2,048 characters, of a digital item only");
    }
    if serde_json::to_vec(attributes).map_or(usize::MAX, |json| json.len()) > 16 * 1_024 {
        return Err("`attributes` are at most 16 KiB");
    }
    if document.price.minor() < 0 {
        return Err("`price` is zero or more");
    }
    Ok(())
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text.len() <= 2_048
        && rest.is_some_and(|rest| !rest.is_empty())
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}
