//! Dead letters fit into a record, whatever they are made of: one that did not would stand in the way as its original did.

use crate::NewDeadLetter;
use serde_json::{Map, Value};

/// Of a longer original only the beginning is kept. A byte may take six in JSON: `\u0000`.
const ORIGINAL_BYTES: usize = 512 << 10;
/// The same of its key, and of the reason, which may quote it.
const TEXT_BYTES: usize = 4 << 10;

impl NewDeadLetter {
    /// One about `original`, which is kept as text: of more than 512 KiB the beginning, and `originalBytes`, its length.
    /// `about` holds what else is to be told, in few bytes.
    #[must_use]
    pub fn new(key: &str, reason: &str, original: &[u8], mut about: Map<String, Value>) -> Self {
        about.insert("reason".to_owned(), beginning(reason.as_bytes(), TEXT_BYTES).into());
        about.insert("original".to_owned(), beginning(original, ORIGINAL_BYTES).into());
        if original.len() > ORIGINAL_BYTES {
            about.insert("originalBytes".to_owned(), original.len().into());
        }
        let value = serde_json::to_vec(&about).expect("JSON with text keys");
        Self { key: beginning(key.as_bytes(), TEXT_BYTES), value }
    }
}

fn beginning(bytes: &[u8], most: usize) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(most)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAX_RECORD_BYTES;
    use serde_json::json;

    #[test]
    fn what_is_short_is_kept_whole() {
        let about = json!({"offset": 7}).as_object().expect("an object").clone();
        let letter = NewDeadLetter::new("sku-1", "it is no command", b"{\"a\":1}", about);
        let told: Value = serde_json::from_slice(&letter.value).expect("JSON");
        assert_eq!(told, json!({"reason": "it is no command", "original": "{\"a\":1}", "offset": 7}));
        assert_eq!(letter.key, "sku-1");
    }

    #[test]
    fn what_is_long_is_cut_and_fits_into_a_record() {
        let long = vec![0; 5_000_000];
        let text = String::from_utf8(long.clone()).expect("zeros are text");
        for original in [long, vec![0xff; 5_000_000], "\"".repeat(5_000_000).into_bytes()] {
            let letter = NewDeadLetter::new(&text, &text, &original, Map::new());
            let bytes = letter.value.len() + letter.key.len();
            assert!(bytes + 1_024 < MAX_RECORD_BYTES as usize, "{bytes}");
            let told: Value = serde_json::from_slice(&letter.value).expect("JSON");
            assert_eq!(told["originalBytes"], 5_000_000);
        }
    }
}
