//! Personal data: opened for who may see it.

use crate::QueryState;
use edge::Problem;
use keys::KeyError;
use schemas::Personal;
use serde::de::DeserializeOwned;

/// What was sealed; none where the person was forgotten.
pub(crate) async fn opened<T: DeserializeOwned>(
    state: &QueryState,
    sealed: &Personal<T>,
) -> Result<Option<T>, Problem> {
    match keys::open(&*state.keys, sealed).await {
        Ok(value) => Ok(Some(value)),
        Err(KeyError::Destroyed) => Ok(None),
        Err(fault @ KeyError::Unavailable(_)) => {
            tracing::warn!(cause = %fault, "the key store is not available");
            Err(Problem::unavailable("keys_unavailable", "the keys cannot be read at the moment"))
        }
        Err(fault @ (KeyError::Unknown | KeyError::Damaged | KeyError::Shape | KeyError::Corrupt(_))) => {
            Err(Problem::internal(&fault))
        }
    }
}
