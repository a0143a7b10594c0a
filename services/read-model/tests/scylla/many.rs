//! Several processes at once, each with a store of its own.

use super::{Space, row, runtime};
use crate::contract::TABLES;
use read_model::{Checkpoint, Checkpoints, RowKey, RowWrite, Scan, ViewStore, sqlite::SqliteViews};
use schemas::Topic;
use std::time::{Duration, Instant};

const ZERO: (Topic, u32) = (Topic::InventoryEvents, 0);

fn at(seq: u64, offset: u64) -> Checkpoints {
    Checkpoints::from([(ZERO, Checkpoint { seq, offset, epoch: 1 })])
}

fn checkpoints(store: &dyn ViewStore) -> Checkpoints {
    runtime().block_on(store.checkpoints("c")).expect("it reads")
}

fn write(store: &dyn ViewStore, rows: &[RowWrite], at: &Checkpoints) {
    runtime().block_on(store.write("c", rows, at)).expect("it writes");
}

/// Numbers without pattern (xorshift64), the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn shuffle<T>(&mut self, things: &mut [T]) {
        for end in (1..things.len()).rev() {
            things.swap(end, self.below(end as u64 + 1) as usize);
        }
    }
}

/// Versions of rows in few partitions, many of them deleted in between.
fn history(dice: &mut Dice, length: u64) -> Vec<RowWrite> {
    let write = |seq: u64| {
        let (partition, clustering) = (format!("p-{}", dice.below(7)), format!("c-{}", dice.below(23)));
        let body = (dice.below(3) > 0).then(|| format!("{{\"seq\":{seq}}}"));
        row(&partition, &clustering, seq * 16, body.as_deref())
    };
    (1..=length).map(write).collect()
}

fn in_sqlite(history: &[RowWrite]) -> Vec<(String, String, i64, Option<Vec<u8>>)> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("views.sqlite");
    write(&SqliteViews::open(&path, &TABLES).expect("it opens"), history, &Checkpoints::new());
    let file = rusqlite::Connection::open(path).expect("it opens");
    let mut select = file.prepare("SELECT p, c, v, b FROM one_v1 ORDER BY p, c").expect("the table is there");
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).expect("it reads");
    rows.map(|row| row.expect("it reads")).collect()
}

#[test]
fn writers_of_the_same_history_in_any_order_end_with_the_rows_of_one() {
    let space = Space::ready();
    let mut dice = Dice(0x5eed);
    let history = history(&mut dice, 2_000);
    let writers: Vec<_> = (0..3)
        .map(|_| {
            let mut own = history.clone();
            dice.shuffle(&mut own);
            (space.open(), own)
        })
        .collect();
    std::thread::scope(|scope| {
        for (store, own) in &writers {
            scope.spawn(|| own.chunks(37).for_each(|rows| write(store, rows, &Checkpoints::new())));
        }
    });
    assert_eq!(space.dump(), in_sqlite(&history));
}

#[test]
fn of_two_contents_of_one_version_the_same_one_stays_in_any_order() {
    let space = Space::ready();
    let store = space.open();
    let (one, two) = ("{\"a\":1}", "{\"a\":2}");
    write(&store, &[row("p", "1", 16, Some(one))], &Checkpoints::new());
    write(&store, &[row("p", "1", 16, Some(two))], &Checkpoints::new());
    write(&store, &[row("p", "2", 16, Some(two))], &Checkpoints::new());
    write(&store, &[row("p", "2", 16, Some(one))], &Checkpoints::new());
    let stored: Vec<_> = space.dump().into_iter().map(|(.., version, body)| (version, body)).collect();
    assert_eq!(stored, vec![(16, Some(two.as_bytes().to_vec())); 2]);
}

#[test]
fn checkpoints_do_not_go_back_when_a_projector_lags() {
    let space = Space::ready();
    let (newer, older) = (space.open(), space.open());
    write(&newer, &[], &at(10, 30));
    write(&older, &[], &at(5, 15));
    let fresh = space.open();
    for store in [&newer, &older, &fresh] {
        assert_eq!(checkpoints(store), at(10, 30));
    }
    // Records that are passed over move the offset alone.
    write(&newer, &[], &at(10, 33));
    write(&older, &[], &at(10, 30));
    assert_eq!(checkpoints(&space.open()), at(10, 33));
}

#[test]
fn a_wait_ends_soon_after_another_process_has_written() {
    let space = Space::ready();
    let (projector, reader) = (space.open(), space.open());
    for seq in 1..=10 {
        // As a query with a position waits.
        let wait = async {
            loop {
                let changed = reader.changed();
                let known = reader.checkpoints("c").await.expect("it reads");
                if known.get(&ZERO).is_some_and(|at| at.seq >= seq) {
                    return Instant::now();
                }
                changed.await;
            }
        };
        let written = async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            projector.write("c", &[], &at(seq, seq)).await.expect("it writes");
            Instant::now()
        };
        let both = runtime().block_on(async {
            tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(wait, written) }).await
        });
        let (seen, written) = both.expect("it ends");
        eprintln!("seen {:?} after the write", seen.saturating_duration_since(written));
    }
}

#[test]
fn a_scan_fills_its_limit_past_any_number_of_deleted_rows() {
    let space = Space::ready();
    let store = space.open();
    let live = |number: u32| number % 700 == 350;
    let body = |number: u32| live(number).then_some("x");
    let rows: Vec<_> = (0..2_800).map(|number| row("p", &format!("{number:05}"), 16, body(number))).collect();
    write(&store, &rows, &Checkpoints::new());
    let scan = |after: Option<&str>, descending: bool, limit: usize| -> Vec<String> {
        let scan = Scan { table: TABLES[0], partition: "p", after, descending, limit };
        let rows = runtime().block_on(store.scan(scan)).expect("it reads");
        rows.into_iter().map(|row| row.clustering).collect()
    };
    assert_eq!(scan(None, false, 3), ["00350", "01050", "01750"]);
    assert_eq!(scan(None, true, 3), ["02450", "01750", "01050"]);
    assert_eq!(scan(Some("01050"), false, 9), ["01750", "02450"]);
    assert_eq!(scan(Some("01050"), true, 9), ["00350"]);
    assert_eq!(scan(None, false, usize::MAX).len(), 4);
}

#[test]
fn a_deleted_row_leaves_nothing_behind_that_the_cluster_will_forget() {
    let space = Space::ready();
    let store = space.open();
    write(&store, &[row("p", "c", 16, Some("a"))], &Checkpoints::new());
    write(&store, &[row("p", "c", 32, None)], &Checkpoints::new());
    // A cell that still has its write timestamp is data; a tombstone would have none, and its time to live.
    let select = format!("SELECT b, WRITETIME(b), WRITETIME(v) FROM {}.one_v1 WHERE p = 'p'", space.config.keyspace);
    let found = runtime().block_on(space.session().query_unpaged(select, ())).expect("it reads");
    let found = found.into_rows_result().expect("rows").single_row::<(Vec<u8>, i64, i64)>().expect("one");
    assert_eq!(found, (Vec::new(), 32, 32));
    let keys = [RowKey { partition: "p".to_owned(), clustering: "c".to_owned() }];
    assert_eq!(runtime().block_on(store.get(TABLES[0], &keys)).expect("it reads"), [None]);
}
