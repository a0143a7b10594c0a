//! A store: a seller that owns items.

use crate::{effect::Effect, envelope::events, ids::StoreId, personal::Personal, tagged::tagged};
use serde::{Deserialize, Serialize};
use thiserror::Error;

tagged! {
    "op", rename_all = "snake_case";
    /// What can be asked of a store. Renaming a variant changes stored bytes.
    #[derive(Debug, Clone, PartialEq, Eq, schemars::JsonSchema)]
    #[expect(missing_docs, reason = "each variant is documented at its struct")]
    pub enum StoreCommand {
        Put(PutStore),
    }
}

/// What a store says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreFacts {
    /// 1–200 characters.
    pub name: String,
    /// Where the store is told of its drops and orders. Never public.
    pub email: Personal<EmailAddress>,
    /// A text, at most 10,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// At most five URLs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
}

/// An e-mail address. Personal data: only ever stored sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct EmailAddress(pub String);

/// Makes the store, or replaces what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PutStore {
    /// Its digest says what "same content" means: the sealed e-mail differs each time.
    pub effect: Effect,
    /// What it says.
    pub facts: StoreFacts,
}

events! {
    /// What happened to a store.
    StoreEvent {
        StoreSet = "stockfold.stores.store-set.v1",
    }
}

/// A store is as it stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreSet {
    /// Of the request.
    pub effect: Effect,
    /// From 1, dense.
    pub version: u64,
    /// What it says of itself.
    pub facts: StoreFacts,
}

/// A refusal of a store, in the order of its checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error, schemars::JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum StoreRejection {
    /// No such store, or not the caller's.
    #[error("no such store")]
    StoreNotFound,
}

/// A store after a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreReply {
    /// The store.
    pub store_id: StoreId,
    /// Its version.
    pub version: u64,
    /// Whether the command made it.
    pub created: bool,
}
