//! What stands in a record of `dead-letters.v1`, as others read it.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What could not be used, with the reason and the original; or (`kind` is `redrive`) what an operator did about one.
///
/// A kind may tell more than stands here. Letters of 0.1.0 have no `kind`, `code`, `at` and `from`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterData {
    /// `command`, `deadline`, `supplier_record`, `import_line`, `event` or `redrive`; others may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Why, as a word, such as a problem's `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Where the original stood: `topic`, `partition` and `offset`, or `import` and `line`; with a record's `headers`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub from: Map<String, Value>,
    /// The original as it was, where it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
    /// The original as it was, in base 64, where it is no UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_base64: Option<String>,
    /// The length of an original of which only the beginning is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_bytes: Option<u64>,
    /// Of a redrive: the letter that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Of a redrive: the request of the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Of a redrive: who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Of a redrive: what came of it, as a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Of a redrive: the same in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}
