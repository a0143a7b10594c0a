//! What a shopper follows: one aggregate per shopper, so that nobody waits for a store with millions of followers.

use crate::{
    effect::Effect,
    envelope::events,
    ids::{StoreId, SubjectId},
    tagged::tagged,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

tagged! {
    "op", rename_all = "snake_case";
    /// What can be asked of a shopper's follows. Renaming a variant changes stored bytes.
    #[derive(Debug, Clone, PartialEq, Eq, schemars::JsonSchema)]
    #[expect(missing_docs, reason = "each variant is documented at its struct")]
    pub enum FollowsCommand {
        Follow(FollowStore),
        Unfollow(UnfollowStore),
    }
}

/// Follows a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FollowStore {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Which.
    pub store: StoreId,
}

/// Follows a store no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnfollowStore {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Which.
    pub store: StoreId,
}

events! {
    /// What happened to a shopper's follows.
    FollowsEvent {
        StoreFollowed = "stockfold.follows.store-followed.v1",
        StoreUnfollowed = "stockfold.follows.store-unfollowed.v1",
    }
}

/// The shopper follows a store, and did not before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreFollowed {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Which.
    pub store: StoreId,
}

/// The shopper followed a store, and does no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreUnfollowed {
    /// Deduplicates the request.
    pub effect: Effect,
    /// Which.
    pub store: StoreId,
}

/// A refusal of a shopper's follows, in the order of its checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error, schemars::JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum FollowsRejection {
    /// Only a shopper follows, and only for themselves.
    #[error("only shoppers follow stores, each for themselves")]
    FollowsNotFound,
    /// The same key came before with another body.
    #[error("this idempotency key was used before with another body")]
    IdempotencyKeyReused,
    /// As many stores are followed as one shopper may follow.
    #[error("a shopper follows at most {limit} stores")]
    TooManyFollows {
        /// The most.
        limit: u32,
    },
}

/// A shopper's follow of one store after a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FollowsReply {
    /// Whose.
    pub shopper: SubjectId,
    /// Which store.
    pub store: StoreId,
    /// Whether it is followed.
    pub following: bool,
}
