//! Entity tags: `"<catalog version>.<row version>"`. An editor compares the first part only, so sales do not disturb it.

use crate::problem::Problem;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use std::fmt;

/// A strong entity tag of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ETag {
    /// Rises with every edit.
    pub catalog: u64,
    /// Rises with every change of the row.
    pub row: u64,
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}.{}\"", self.catalog, self.row)
    }
}

impl ETag {
    /// The value of the `ETag` header.
    ///
    /// # Panics
    /// Never: digits, a point and quotes are a header value.
    #[must_use]
    pub fn header(self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).expect("digits and quotes are a header value")
    }
}

/// Whether `If-None-Match` names this tag, so that a GET answers 304 (weak comparison, RFC 9110 section 13.1.2).
#[must_use]
pub fn not_modified(headers: &HeaderMap, tag: ETag) -> bool {
    let tag = tag.to_string();
    headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|list| {
        list.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
    })
}

/// The catalog version that `If-Match` names; none without the header.
///
/// 412 for a tag that is none of ours (it cannot match), 400 for `*` and for lists, which no editor of one version sends.
pub fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" || text.contains(',') || headers.get_all(header::IF_MATCH).iter().count() > 1 {
        return Err(Problem::bad_request("invalid_if_match", "If-Match takes one tag, as ETag gave it"));
    }
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let version = inner.and_then(|inner| inner.split('.').next()).and_then(|part| part.parse().ok());
    version.map(Some).ok_or_else(|| {
        Problem::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", "If-Match names no version of this item")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().expect("a header value"))])
    }

    #[test]
    fn not_modified_when_any_tag_of_the_list_is_it() {
        let tag = ETag { catalog: 3, row: 17 };
        for list in ["\"3.17\"", "W/\"3.17\"", "\"1.1\", \"3.17\"", "*"] {
            assert!(not_modified(&headers(header::IF_NONE_MATCH, list), tag), "{list}");
        }
        for list in ["\"3.18\"", "3.17", ""] {
            assert!(!not_modified(&headers(header::IF_NONE_MATCH, list), tag), "{list}");
        }
    }

    #[test]
    fn if_match_names_the_catalog_version_alone() {
        let read = |text| if_match(&headers(header::IF_MATCH, text));
        assert_eq!(if_match(&HeaderMap::new()).expect("none"), None);
        assert_eq!(read("\"3.17\"").expect("ours"), Some(3));
        assert_eq!(read("\"3\"").expect("the first part alone"), Some(3));
        for other in ["\"abc\"", "W/\"3.17\"", "3.17"] {
            assert_eq!(read(other).expect_err(other).code(), "precondition_failed", "{other}");
        }
        for list in ["*", "\"3.17\", \"4.1\""] {
            assert_eq!(read(list).expect_err(list).code(), "invalid_if_match", "{list}");
        }
    }
}
