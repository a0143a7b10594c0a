//! Dead letters: what could not be used, with the reason, where it came from and its bytes. They fit into a record, whatever
//! they are made of: one that did not would stand in the way as its original did.

use crate::{NewDeadLetter, NewRecord, Record};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use schemas::{Timestamp, Topic};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// Of a longer original only the beginning is kept. A byte may take six in JSON: `\u0000`.
const ORIGINAL_BYTES: usize = 512 << 10;
/// The same of its key, and of the reason, which may quote it.
const TEXT_BYTES: usize = 4 << 10;

/// What a dead letter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LetterKind {
    /// A command that could not be read or decided.
    Command,
    /// A deadline that could not be handled.
    Deadline,
    /// A supplier's record that could not be used.
    SupplierRecord,
    /// A line of an import that was refused.
    ImportLine,
    /// An event that the views could not read, or that stands behind such a one.
    Event,
    /// No letter: that one was asked to be redriven, and what came of it.
    Redrive,
}

impl LetterKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Command, Self::Deadline, Self::SupplierRecord, Self::ImportLine, Self::Event, Self::Redrive];

    /// Its word. Renaming one orphans its letters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Deadline => "deadline",
            Self::SupplierRecord => "supplier_record",
            Self::ImportLine => "import_line",
            Self::Event => "event",
            Self::Redrive => "redrive",
        }
    }

    /// The kind of that word, if there is one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A key of an events topic that the views have parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedriveTarget {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: u32,
    /// The subject of its events.
    pub key: String,
}

/// What is told of every letter beside its reason and original.
#[derive(Debug, Clone)]
pub struct About {
    /// What it is about.
    pub kind: LetterKind,
    /// Why, as a word, such as a problem's code.
    pub code: String,
    /// When it failed. Of a repeat of the same thing it may be another time.
    pub at: Timestamp,
    /// Where the original stood: `topic`, `partition` and `offset`, or `import` and `line`. May hold more (`headers`).
    pub from: Map<String, Value>,
}

impl About {
    /// As the fields of a letter; a kind may add its own.
    #[must_use]
    pub fn fields(self) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("kind".to_owned(), self.kind.as_str().into());
        fields.insert("code".to_owned(), self.code.into());
        fields.insert("at".to_owned(), serde_json::to_value(self.at).expect("a time is text"));
        fields.insert("from".to_owned(), self.from.into());
        fields
    }

    /// A place in the log, as `from` tells it.
    #[must_use]
    pub fn place(topic: Topic, partition: u32, offset: u64) -> Map<String, Value> {
        let mut from = Map::new();
        from.insert("topic".to_owned(), topic.name().into());
        from.insert("partition".to_owned(), partition.into());
        from.insert("offset".to_owned(), offset.into());
        from
    }
}

impl NewDeadLetter {
    /// One about `original`, whose bytes are kept as they are: as text (`original`) where they are UTF-8, else in base 64
    /// (`originalBase64`). Of more than 512 KiB it keeps the beginning, and `originalBytes`, the length.
    /// `about` holds what else is to be told, in few bytes: see [`About::fields`].
    #[must_use]
    pub fn new(key: &str, reason: &str, original: &[u8], mut about: Map<String, Value>) -> Self {
        about.insert("reason".to_owned(), text(reason.as_bytes()).into());
        let kept = &original[..original.len().min(ORIGINAL_BYTES)];
        let (name, kept) = match std::str::from_utf8(kept) {
            Ok(kept) => ("original", kept.to_owned()),
            // Only the cut went through a character.
            Err(fault) if fault.error_len().is_none() && kept.len() < original.len() => {
                ("original", String::from_utf8_lossy(&kept[..fault.valid_up_to()]).into_owned())
            }
            Err(_) => ("originalBase64", BASE64_STANDARD.encode(kept)),
        };
        about.insert(name.to_owned(), kept.into());
        if original.len() > ORIGINAL_BYTES {
            about.insert("originalBytes".to_owned(), original.len().into());
        }
        let value = serde_json::to_vec(&about).expect("JSON with text keys");
        Self { key: text(key.as_bytes()), value }
    }

    /// The id that it is going to have: see [`DeadLetter::id`].
    #[must_use]
    pub fn id(&self) -> String {
        let letter = DeadLetter::of(&self.key, &self.value);
        letter.map(|letter| letter.id()).unwrap_or_default()
    }

    /// As a record that is published by itself: see [`crate::EventLog::publish`].
    #[must_use]
    pub fn into_record(self) -> NewRecord {
        NewRecord { topic: Topic::DeadLetters, key: self.key, headers: Vec::new(), value: Some(self.value) }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_BYTES)]).into_owned()
}

/// A dead letter as it was read, of this version or an older one.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// The key that it had.
    pub key: String,
    /// What it is about.
    pub kind: LetterKind,
    /// All that it tells.
    pub fields: Map<String, Value>,
}

impl DeadLetter {
    /// Reads a record of the topic; `None` where it is no letter.
    #[must_use]
    pub fn read(record: &Record) -> Option<Self> {
        Self::of(&record.key, record.value.as_deref()?)
    }

    fn of(key: &str, value: &[u8]) -> Option<Self> {
        let fields: Map<String, Value> = serde_json::from_slice(value).ok()?;
        fields.get("reason")?.as_str()?;
        let told = fields.get("kind").and_then(Value::as_str);
        // Letters without a kind are older: they were written by shards only.
        let kind = match told {
            Some(word) => LetterKind::from_word(word)?,
            None if fields.contains_key("due") => LetterKind::Deadline,
            None => LetterKind::Command,
        };
        Some(Self { key: key.to_owned(), kind, fields })
    }

    /// A field that is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    /// When it failed, where it says so.
    #[must_use]
    pub fn at(&self) -> Option<Timestamp> {
        serde_json::from_value(self.fields.get("at")?.clone()).ok()
    }

    /// The bytes of the original; `None` where they were cut. An older letter may hold a command instead.
    #[must_use]
    pub fn original(&self) -> Option<Vec<u8>> {
        if self.fields.contains_key("originalBytes") {
            return None;
        }
        if let Some(text) = self.text("original") {
            return Some(text.as_bytes().to_vec());
        }
        if let Some(encoded) = self.text("originalBase64") {
            return BASE64_STANDARD.decode(encoded).ok();
        }
        self.fields.get("command").and_then(|command| serde_json::to_vec(command).ok())
    }

    /// What tells it from others: the same thing that fails again is the same letter. Commands are told by who asks for what,
    /// so that one which fails again when it is redriven is no other; all else by where it stood, and its bytes.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        add(self.key.as_bytes());
        match self.asked() {
            Some(asked) => add(asked.as_bytes()),
            None => {
                let from = self.fields.get("from").and_then(Value::as_object);
                // Of the rest (headers, the file's name) nothing tells two letters apart.
                for name in ["topic", "partition", "offset", "import", "line"] {
                    let part = from.and_then(|from| from.get(name)).or_else(|| self.fields.get(name));
                    add(part.map(Value::to_string).unwrap_or_default().as_bytes());
                }
                for name in ["original", "originalBase64", "due", "of", "request"] {
                    add(self.fields.get(name).map(Value::to_string).unwrap_or_default().as_bytes());
                }
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        let digits: String = digest[..12].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{digits}", self.kind.as_str())
    }

    /// Of a command: who asks, and for what.
    fn asked(&self) -> Option<String> {
        if self.kind != LetterKind::Command {
            return None;
        }
        let command: Value = serde_json::from_slice(&self.original()?).ok()?;
        let (caller, command) = (command.get("caller")?, command.get("command")?);
        Some(format!("{caller} {command}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAX_RECORD_BYTES;
    use serde_json::json;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    fn told(letter: &NewDeadLetter) -> Value {
        serde_json::from_slice(&letter.value).expect("JSON")
    }

    fn read(letter: NewDeadLetter) -> DeadLetter {
        let (topic, headers) = (Topic::DeadLetters, Vec::new());
        let NewDeadLetter { key, value } = letter;
        let record = Record { topic, partition: 0, offset: 7, key, envelope: None, headers, value: Some(value) };
        DeadLetter::read(&record).expect("a letter")
    }

    #[test]
    fn what_is_short_is_kept_whole() {
        let letter = NewDeadLetter::new("sku-1", "it is no command", b"{\"a\":1}", object(&json!({"offset": 7})));
        assert_eq!(told(&letter), json!({"reason": "it is no command", "original": "{\"a\":1}", "offset": 7}));
        assert_eq!(letter.key, "sku-1");
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_as_they_are() {
        let original: Vec<u8> = (0..=255).collect();
        let letter = NewDeadLetter::new("sku-1", "it is no text", &original, Map::new());
        assert_eq!(told(&letter)["original"], Value::Null);
        assert_eq!(read(letter).original(), Some(original));
    }

    #[test]
    fn what_is_long_is_cut_and_fits_into_a_record() {
        let long = vec![0; 5_000_000];
        let text = String::from_utf8(long.clone()).expect("zeros are text");
        let cases =
            [long, vec![0xff; 5_000_000], "\"".repeat(5_000_000).into_bytes(), "aé".repeat(400_000).into_bytes()];
        for original in cases {
            let letter = NewDeadLetter::new(&text, &text, &original, Map::new());
            let bytes = letter.value.len() + letter.key.len();
            assert!(bytes + 1_024 < MAX_RECORD_BYTES as usize, "{bytes}");
            assert_eq!(told(&letter)["originalBytes"], original.len());
            assert_eq!(told(&letter)["original"].is_string(), std::str::from_utf8(&original).is_ok());
            assert_eq!(read(letter).original(), None);
        }
    }

    #[test]
    fn the_same_thing_that_fails_again_is_the_same_letter() {
        let about = |offset: u64, at: i64| {
            let from = About::place(Topic::SupplierItems, 3, offset);
            About { kind: LetterKind::SupplierRecord, code: "x".to_owned(), at: Timestamp::from_millis(at), from }
        };
        let id =
            |offset, at, original: &[u8]| read(NewDeadLetter::new("k", "r", original, about(offset, at).fields())).id();
        assert_eq!(id(1, 5, b"a"), id(1, 6, b"a"));
        assert_ne!(id(1, 5, b"a"), id(2, 5, b"a"));
        assert_ne!(id(1, 5, b"a"), id(1, 5, b"b"));
        assert!(id(1, 5, b"a").starts_with("supplier_record-"), "{}", id(1, 5, b"a"));
    }

    #[test]
    fn a_command_is_the_same_letter_under_another_id_and_in_an_older_letter() {
        let command = |id: &str, quantity: u32| json!({"id": id, "caller": "op", "command": {"quantity": quantity}});
        let new = |id: &str, quantity| {
            let about = object(&json!({"kind": "command", "from": {"command": id}}));
            read(NewDeadLetter::new("k", "r", command(id, quantity).to_string().as_bytes(), about)).id()
        };
        let value = json!({"reason": "r", "command": command("c", 1)}).to_string().into_bytes();
        let old = read(NewDeadLetter { key: "k".to_owned(), value });
        assert_eq!((old.kind, old.id()), (LetterKind::Command, new("d", 1)));
        assert_ne!(new("d", 1), new("d", 2));
        let due = json!({"reason": "r", "due": "2026-01-01T00:00:00Z", "key": {"type": "item", "id": "k"}});
        let old = read(NewDeadLetter { key: "k".to_owned(), value: due.to_string().into_bytes() });
        assert_eq!(old.kind, LetterKind::Deadline);
    }
}
