//! Catalog facts and prices: PUT, PATCH and DELETE of an item.

use crate::{
    CommandState,
    answer::{self, ItemAnswer},
    asker::Asker,
    docs::ItemKindDoc,
    roles,
};
use axum::{Json, extract::State, http::HeaderMap, response::Response};
use edge::openapi::{IdSchema, MoneySchema};
use edge::{
    Fields, FromFields, JsonBody, OptionalBody, PathIds, Problem, ProblemDocument,
    fields::{currency, free_object, id, integer, list, long_text, object, text, unsigned, url, word},
    if_match,
};
use intake::catalog::{MAX_ATTRIBUTES, category, facts, file};
use schemas::{
    Caller, Command, ItemId, Metadata, Money, SourceId, StoreId,
    item::{Catalog, DelistItem, ItemCommand, ItemKind, ListItem, PatchItem, SourceVersion},
    money::MAX_EXACT,
};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// All facts of an item and its price.
#[derive(Debug, ToSchema)]
#[schema(as = ItemFacts, rename_all = "camelCase")]
pub(crate) struct ItemBody {
    /// 1–200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// At most 10,000 characters.
    #[schema(max_length = 10_000)]
    pub description: Option<String>,
    /// A word that follows the rule of ids.
    pub category: Option<String>,
    /// The store that owns it; a store's own without it.
    #[schema(value_type = Option<IdSchema>)]
    pub store: Option<StoreId>,
    /// `physical` or `digital`; cannot change.
    #[schema(value_type = ItemKindDoc)]
    pub kind: ItemKind,
    /// Zero or more.
    #[schema(value_type = MoneySchema)]
    pub price: Money,
    /// Free JSON, at most 16 KiB.
    #[schema(value_type = Option<Object>)]
    pub attributes: Map<String, Value>,
    /// At most five, http or https.
    #[schema(value_type = Option<Vec<String>>)]
    pub images: Vec<String>,
    /// Where the file of a digital item is, https: for who buys it, and not public.
    #[schema(max_length = 2_048)]
    pub file: Option<String>,
    /// The system that publishes it; with `sourceVersion`.
    #[schema(value_type = Option<IdSchema>)]
    pub source: Option<SourceId>,
    /// Rises with every change there: an older one changes nothing.
    pub source_version: Option<u64>,
    /// The caller's own pairs.
    #[schema(value_type = Option<Object>)]
    pub metadata: Metadata,
}

/// `source` and `sourceVersion`: both or neither.
pub(crate) fn read_source(fields: &mut Fields<'_>) -> Option<(Option<SourceId>, Option<u64>)> {
    let source = fields.opt("source", id(SourceId::parse));
    let version = fields.opt("sourceVersion", unsigned(0..=MAX_EXACT.unsigned_abs()));
    match (fields.has("source"), fields.has("sourceVersion")) {
        (true, false) => fields.fault("sourceVersion", "missing", "is required with source"),
        (false, true) => fields.fault("source", "missing", "is required with sourceVersion"),
        (true, true) | (false, false) => Some((source, version)),
    }
}

fn source_version(source: Option<SourceId>, version: Option<u64>) -> Option<SourceVersion> {
    Some(SourceVersion { source: source?, version: version? })
}

impl FromFields for ItemBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let facts = facts(fields);
        let source = read_source(fields);
        let (catalog, price) = facts?;
        let (source, source_version) = source?;
        let Catalog { name, description, category, store, kind, attributes, images, file, metadata } = catalog;
        Some(Self {
            name,
            description,
            category,
            store,
            kind,
            price,
            attributes,
            images,
            file,
            source,
            source_version,
            metadata,
        })
    }
}

impl ItemBody {
    /// The command that lists the item with these facts.
    pub fn command(self, caller: &Caller, expected_version: Option<u64>) -> Result<ItemCommand, Problem> {
        roles::catalog(caller)?;
        let catalog = Catalog {
            name: self.name,
            description: self.description,
            category: self.category,
            store: roles::listed_store(caller, self.store)?,
            kind: self.kind,
            attributes: self.attributes,
            images: self.images,
            file: self.file,
            metadata: self.metadata,
        };
        let source = source_version(self.source, self.source_version);
        Ok(ItemCommand::List(ListItem { catalog, price: self.price, source, expected_version }))
    }
}

/// Lists an item, or replaces its facts and price.
///
/// Without `source` it always applies. `If-Match` compares the first part of the ETag, so sales do not disturb an editor.
#[utoipa::path(put, path = "/v1/items/{itemId}", tag = "Items", operation_id = "putItem", request_body = ItemBody,
    params(("itemId" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 201, body = ItemAnswer, description = "Listed for the first time"),
        (status = 200, body = ItemAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn put_item(
    State(state): State<CommandState>,
    PathIds(item): PathIds<ItemId>,
    asker: Asker,
    headers: HeaderMap,
    body: JsonBody<ItemBody>,
) -> Result<Response, Problem> {
    let command = body.content.command(&asker.caller, if_match(&headers)?)?;
    answered(&state, asker, item, command).await
}

async fn answered(state: &CommandState, asker: Asker, item: ItemId, command: ItemCommand) -> Result<Response, Problem> {
    let target = item.clone();
    let command = Command::Item { item: item.clone(), command };
    let render = |reply| answer::item(item, reply).map(|(status, body)| (status, Json(body)));
    state.answer(asker, command, || answer::item_url(&target), render).await
}

/// A JSON merge patch of facts and price: null takes a field away.
#[derive(Debug)]
pub(crate) struct PatchBody {
    patch: Map<String, Value>,
    store: Option<StoreId>,
}

impl FromFields for PatchBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        const KNOWN: [&str; 10] =
            ["name", "description", "category", "store", "kind", "price", "attributes", "images", "file", "metadata"];
        // The patch is merged where it is decided; what it sets is checked here like the facts of a PUT.
        let patch = fields.whole().clone();
        for unknown in patch.keys().filter(|name| !KNOWN.contains(&name.as_str())) {
            fields.fault::<()>(unknown, "unknown_field", "is not a field of this object");
        }
        for needed in ["name", "kind", "price"].into_iter().filter(|name| patch.get(*name) == Some(&Value::Null)) {
            fields.fault::<()>(needed, "missing", "cannot be taken away");
        }
        fields.opt("name", text(1..=200));
        fields.opt("description", long_text(0..=10_000));
        fields.opt("category", category);
        let store = fields.opt("store", id(StoreId::parse));
        fields.opt("kind", word::<ItemKind>());
        fields.opt(
            "price",
            object(|fields| {
                fields.opt("amount", integer(0..=MAX_EXACT));
                fields.opt("currency", currency);
                Some(())
            }),
        );
        fields.opt("attributes", free_object(MAX_ATTRIBUTES));
        fields.opt("images", list(0..=5, url));
        fields.opt("file", file);
        fields.opt("metadata", free_object(MAX_ATTRIBUTES));
        Some(Self { patch, store })
    }
}

/// Changes some facts or the price (JSON merge patch, RFC 7396).
#[utoipa::path(patch, path = "/v1/items/{itemId}", tag = "Items", operation_id = "patchItem",
    request_body(content = Object, description = "Some fields of ItemFacts; null takes one away",
        content_type = "application/merge-patch+json"),
    params(("itemId" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = ItemAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn patch_item(
    State(state): State<CommandState>,
    PathIds(item): PathIds<ItemId>,
    mut asker: Asker,
    headers: HeaderMap,
    body: JsonBody<PatchBody>,
) -> Result<Response, Problem> {
    roles::catalog(&asker.caller)?;
    let effect = match asker.key.0 {
        Some(_) => Some(asker.effect(&state, None, &format!("patch {item}"), &body)?),
        None => None,
    };
    let PatchBody { patch, store } = body.content;
    if store.is_some() {
        roles::listed_store(&asker.caller, store)?;
    }
    let command = ItemCommand::Patch(PatchItem { patch, effect, expected_version: if_match(&headers)? });
    answered(&state, asker, item, command).await
}

/// Whose word it is that an item is delisted.
#[derive(Debug, ToSchema)]
#[schema(as = Delisting, rename_all = "camelCase")]
pub(crate) struct DelistBody {
    /// The system that publishes the item; with `sourceVersion`.
    #[schema(value_type = Option<IdSchema>)]
    source: Option<SourceId>,
    /// Rises with every change there: an older one changes nothing.
    source_version: Option<u64>,
}

impl FromFields for DelistBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let (source, source_version) = read_source(fields)?;
        Some(Self { source, source_version })
    }
}

impl DelistBody {
    /// The command that takes an item out of sale.
    pub fn command(self, caller: &Caller) -> Result<ItemCommand, Problem> {
        roles::catalog(caller)?;
        Ok(ItemCommand::Delist(DelistItem { source: source_version(self.source, self.source_version) }))
    }
}

/// Takes an item out of sale; its stock stays. Without `source` it always applies.
#[utoipa::path(delete, path = "/v1/items/{itemId}", tag = "Items", operation_id = "delistItem",
    request_body = Option<DelistBody>, params(("itemId" = String, Path)),
    responses((status = 200, body = ItemAnswer), (status = "default", body = ProblemDocument)))]
pub(crate) async fn delete_item(
    State(state): State<CommandState>,
    PathIds(item): PathIds<ItemId>,
    asker: Asker,
    OptionalBody(body): OptionalBody<DelistBody>,
) -> Result<Response, Problem> {
    let command = body.content.command(&asker.caller)?;
    answered(&state, asker, item, command).await
}
