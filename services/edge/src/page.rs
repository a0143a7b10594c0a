//! Pages of lists: a limit, and a cursor that only this deployment can make and that fits one list only.

use crate::{
    mac::{MacKey, same},
    problem::Problem,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

/// `limit` and `cursor` as they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// At most so many entries.
    pub limit: usize,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

impl Page {
    /// The most entries of a page.
    pub const MAX: usize = 200;
    /// The entries of a page where no limit is asked for.
    pub const DEFAULT: usize = 50;
}

/// The first byte of a cursor: another format gets another number.
const VERSION: u8 = 1;
/// The longest cursor that is read.
const MAX_TEXT: usize = 1_024;
const TAG: usize = 16;

/// Makes and opens cursors: base64url of version, tag and JSON.
#[derive(Clone)]
pub struct Cursors(MacKey);

impl Cursors {
    pub(crate) const fn new(key: MacKey) -> Self {
        Self(key)
    }

    /// A cursor of the list that `list` names: its path, its filters, and whose it is.
    #[must_use]
    pub fn seal(&self, list: &str, place: &impl Serialize) -> String {
        let place = serde_json::to_vec(place).expect("a place is plain data");
        let tag = self.0.digest16(&[&[VERSION], list.as_bytes(), &place]);
        let mut bytes = Vec::with_capacity(1 + TAG + place.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&tag);
        bytes.extend_from_slice(&place);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place that a cursor of that list names; 400 `invalid_cursor` for any other text.
    pub fn open<T: DeserializeOwned>(&self, list: &str, cursor: &str) -> Result<T, Problem> {
        let invalid =
            || Problem::bad_request("invalid_cursor", "this is no cursor of this list; leave it out to begin anew");
        if cursor.len() > MAX_TEXT {
            return Err(invalid());
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
        let (version, rest) = bytes.split_first().ok_or_else(invalid)?;
        let (tag, place) = rest.split_at_checked(TAG).ok_or_else(invalid)?;
        let tag_holds = same(tag, &self.0.digest16(&[&[VERSION], list.as_bytes(), place]));
        if *version != VERSION || !(tag_holds || planted::bug!("cursor-unauthenticated")) {
            return Err(invalid());
        }
        serde_json::from_slice(place).map_err(|_| invalid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursors(secret: &[u8]) -> Cursors {
        Cursors::new(MacKey::new(secret))
    }

    #[test]
    fn opens_what_it_sealed() {
        let ours = cursors(b"secret");
        let cursor = ours.seal("orders/alice", &("2026", 7));
        assert_eq!(ours.open::<(String, u32)>("orders/alice", &cursor).expect("its own"), ("2026".to_owned(), 7));
    }

    #[test]
    fn refuses_forged_foreign_and_mixed_cursors() {
        let ours = cursors(b"secret");
        let cursor = ours.seal("orders/alice", &"place");
        let mut forged = URL_SAFE_NO_PAD.decode(&cursor).expect("base64url");
        forged.pop();
        forged.extend_from_slice(b"!\"");
        let texts = [
            ("another list", "orders/bob", cursor.clone()),
            ("another deployment", "orders/alice", cursors(b"other").seal("orders/alice", &"place")),
            ("forged", "orders/alice", URL_SAFE_NO_PAD.encode(forged)),
            ("not base64url", "orders/alice", "!!".to_owned()),
            ("empty", "orders/alice", String::new()),
            ("short", "orders/alice", "AQ".to_owned()),
            ("long", "orders/alice", "A".repeat(5_000)),
        ];
        for (what, list, text) in texts {
            let problem = ours.open::<String>(list, &text).expect_err(what);
            assert_eq!(problem.code(), "invalid_cursor", "{what}");
        }
    }
}
