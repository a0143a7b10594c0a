use crate::contract::block_on;
use read_model::{
    Checkpoints, ViewStore,
    sqlite::SqliteViews,
    views::{
        self,
        dead_letters::{Letter, LetterRow, RedriveRow, Wanted, get, letter_rows, matching, redrive_row},
    },
};
use schemas::Timestamp;
use serde_json::Value;

const DAY_MS: i64 = 86_400_000;
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

struct Office {
    store: SqliteViews,
    _directory: tempfile::TempDir,
    offset: u64,
}

impl Office {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = SqliteViews::open(&directory.path().join("views.sqlite"), &views::tables()).expect("it opens");
        Self { store, _directory: directory, offset: 0 }
    }

    fn next(&mut self) -> u64 {
        self.offset += 1;
        self.offset
    }

    fn letter(&mut self, id: &str, key: &str, kind: &str, at: Option<i64>) {
        let letter = LetterRow {
            id: id.to_owned(),
            partition: 0,
            offset: self.next(),
            key: key.to_owned(),
            kind: kind.to_owned(),
            code: None,
            reason: "why".to_owned(),
            at: at.map(Timestamp::from_millis),
            from: Value::Null,
        };
        self.write(&letter_rows(&letter));
    }

    fn redriven(&mut self, of: &str, at: Timestamp, outcome: &str) {
        let (request, by, outcome) = ("r".to_owned(), "operator:op".to_owned(), outcome.to_owned());
        let redrive = RedriveRow { request, by, at, outcome, detail: None };
        let row = redrive_row(of, &redrive, self.next());
        self.write(&[row]);
    }

    fn write(&self, rows: &[read_model::RowWrite]) {
        block_on(self.store.write("projector", rows, &Checkpoints::new())).expect("it writes");
    }

    /// All that is wanted, in pages of so many.
    fn listed(&self, wanted: Wanted<'_>, limit: usize) -> Vec<String> {
        let (mut ids, mut before) = (Vec::new(), None);
        loop {
            let (page, next) = block_on(matching(&self.store, wanted, NOW, before, limit)).expect("it reads");
            assert!(page.len() <= limit);
            ids.extend(page.into_iter().map(|letter: Letter| letter.row.id));
            match next {
                Some(place) => before = Some(place),
                None => return ids,
            }
        }
    }
}

#[test]
fn letters_are_listed_newest_first_in_pages_of_any_size() {
    let mut office = Office::new();
    let now = NOW.millis();
    // Of one millisecond, of one minute, of other minutes, of other months; and one that does not say when.
    let ages = [0, 0, 1, 30_000, 60_000, 61_000, DAY_MS, 29 * DAY_MS, 31 * DAY_MS, 89 * DAY_MS];
    let mut expected: Vec<String> = Vec::new();
    for (number, age) in ages.iter().enumerate().rev() {
        office.letter(&format!("l-{number}"), if number % 2 == 0 { "even" } else { "odd" }, "command", Some(now - age));
        expected.insert(0, format!("l-{number}"));
    }
    office.letter("old", "odd", "deadline", None);
    expected.push("old".to_owned());
    for limit in [1, 2, 3, 50] {
        assert_eq!(office.listed(Wanted::default(), limit), expected, "{limit}");
    }
    let of_key = Wanted { key: Some("even"), ..Wanted::default() };
    assert_eq!(office.listed(of_key, 2), ["l-0", "l-2", "l-4", "l-6", "l-8"]);
    assert_eq!(office.listed(Wanted { kind: Some("deadline"), ..Wanted::default() }, 1), ["old"]);
    assert!(office.listed(Wanted { key: Some("nobody"), ..Wanted::default() }, 5).is_empty());
}

#[test]
fn what_fails_again_is_listed_once_and_is_open_again() {
    let mut office = Office::new();
    let now = NOW.millis();
    office.letter("a", "k", "import_line", Some(now - DAY_MS));
    office.letter("b", "k", "import_line", Some(now - 1_000));
    office.redriven("a", Timestamp::from_millis(now - 900), "requested");
    let open = Wanted { redriven: Some(false), ..Wanted::default() };
    let redriven = Wanted { redriven: Some(true), ..Wanted::default() };
    assert_eq!(office.listed(open, 1), ["b", "a"], "nothing has come of it yet");
    office.redriven("a", Timestamp::from_millis(now - 900), "done");
    assert_eq!((office.listed(open, 1), office.listed(redriven, 1)), (vec!["b".to_owned()], vec!["a".to_owned()]));
    office.letter("a", "k", "import_line", Some(now - 10));
    assert_eq!(office.listed(open, 1), ["a", "b"]);
    assert!(office.listed(redriven, 1).is_empty());
    let letter = block_on(get(&office.store, "a")).expect("it reads").expect("it is there");
    assert_eq!(letter.redrive.map(|redrive| redrive.outcome).as_deref(), Some("done"));
    assert!(block_on(get(&office.store, "c")).expect("it reads").is_none());
}
