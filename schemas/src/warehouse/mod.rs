//! A warehouse: a location that ships.

use crate::{effect::Effect, envelope::events, ids::LocationId, tagged::tagged};
use serde::{Deserialize, Serialize};
use thiserror::Error;

tagged! {
    "op", rename_all = "snake_case";
    /// What can be asked of a warehouse. Renaming a variant changes stored bytes.
    #[derive(Debug, Clone, PartialEq, Eq, schemars::JsonSchema)]
    #[expect(missing_docs, reason = "each variant is documented at its struct")]
    pub enum WarehouseCommand {
        Put(PutWarehouse),
    }
}

/// A place on the globe, in millionths of a degree (WGS 84): integers, so that equal places are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Coordinates {
    /// North is positive; −90,000,000 to 90,000,000.
    pub latitude_micro: i32,
    /// East is positive; −180,000,000 to 180,000,000.
    pub longitude_micro: i32,
}

/// What is known of a warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WarehouseFacts {
    /// 1–200 characters.
    pub name: String,
    /// Where it stands; a business address.
    pub address: crate::order::Address,
    /// Where it stands on the globe.
    pub coordinates: Coordinates,
    /// Lower ships first.
    pub priority: u32,
}

/// Makes the warehouse, or replaces what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PutWarehouse {
    /// Of the request.
    pub effect: Effect,
    /// What is known.
    pub facts: WarehouseFacts,
}

events! {
    /// What happened to a warehouse.
    WarehouseEvent {
        WarehouseSet = "stockfold.warehouses.warehouse-set.v1",
    }
}

/// A warehouse is as it stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WarehouseSet {
    /// Of the request.
    pub effect: Effect,
    /// From 1, dense.
    pub version: u64,
    /// What is known of it.
    pub facts: WarehouseFacts,
}

/// A refusal of a warehouse, in the order of its checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error, schemars::JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum WarehouseRejection {
    /// No such warehouse, or not the caller's.
    #[error("no such warehouse")]
    WarehouseNotFound,
}

/// A warehouse after a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WarehouseReply {
    /// The location.
    pub location: LocationId,
    /// Its version.
    pub version: u64,
    /// Whether the command made it.
    pub created: bool,
}
