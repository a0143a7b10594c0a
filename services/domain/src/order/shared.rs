//! The stored form of terms that the working copy of a decision shares with the state.

use schemas::order::OrderPlaced;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

pub(super) fn serialize<S: Serializer>(terms: &Option<Arc<OrderPlaced>>, serializer: S) -> Result<S::Ok, S::Error> {
    terms.as_deref().serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<OrderPlaced>>, D::Error> {
    Ok(Option::<OrderPlaced>::deserialize(deserializer)?.map(Arc::new))
}
