//! The facts of an item, as every way in has them: `PUT /items/{itemId}`, a line of an import, a supplier's event.

use crate::fields::{Fields, Node, Read as _, free_object, id, list, long_text, metadata, price, text, url, word};
use schemas::{
    Money, ParseError, StoreId,
    item::{Catalog, ItemKind},
    text::is_id,
};

/// The most bytes of attributes.
pub const MAX_ATTRIBUTES: usize = 16 * 1_024;

/// A category: a word that follows the rule of ids.
pub fn category(node: &Node<'_>) -> Option<String> {
    id(|text| if is_id(text) { Ok(text.to_owned()) } else { Err(ParseError::Id) }).read(node)
}

/// The URL of a file; only over TLS, as it is not public.
pub fn file(node: &Node<'_>) -> Option<String> {
    let text = text(1..=2_048).read(node)?;
    let is_url = text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'`'));
    if is_url { Some(text) } else { node.fault("invalid_url", "must be an absolute https URL") }
}

/// All facts of an item and its price; other fields of the object are left to the caller.
pub fn facts(fields: &mut Fields<'_>) -> Option<(Catalog, Money)> {
    let name = fields.get("name", text(1..=200));
    let description = fields.opt("description", long_text(0..=10_000));
    let category = fields.opt("category", category);
    let store = fields.opt("store", id(StoreId::parse));
    let kind = fields.get("kind", word::<ItemKind>());
    let price = fields.get("price", price);
    let attributes = fields.opt("attributes", free_object(MAX_ATTRIBUTES)).unwrap_or_default();
    let images = fields.opt("images", list(0..=5, url)).unwrap_or_default();
    let file = fields.opt("file", file);
    if file.is_some() && kind == Some(ItemKind::Physical) {
        fields.fault::<()>("file", "invalid_value", "only a digital item has a file");
    }
    let metadata = fields.opt("metadata", metadata).unwrap_or_default();
    let catalog =
        Catalog { name: name?, description, category, store, kind: kind?, attributes, images, file, metadata };
    Some((catalog, price?))
}
