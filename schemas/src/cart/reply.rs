//! What a cart answers.

use super::CartLine;
use crate::ids::{OrderId, SubjectId};
use serde::{Deserialize, Serialize};

/// A cart after a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartReply {
    /// Whose.
    pub shopper: SubjectId,
    /// The lines, ordered by item.
    pub lines: Vec<CartLine>,
    /// The order whose checkout locks it.
    pub locked_by: Option<OrderId>,
}
