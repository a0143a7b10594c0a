//! The rows of the views: as they stand in the file, and as a fresh fold of the log makes them.

use crate::{engine::shards, history::History};
use projector::Fold;
use read_model::{Checkpoints, views};
use rusqlite::{Connection, OpenFlags};
use std::{collections::BTreeMap, path::Path};

/// Version and body of each row, tombstones too, by table, partition and clustering key.
pub type Rows = BTreeMap<(String, String, String), (u64, Option<String>)>;

/// What stands in the file.
pub fn stored(dir: &Path) -> Result<Rows, String> {
    read(&dir.join("views.sqlite")).map_err(|error| format!("views: {error}"))
}

fn read(path: &Path) -> rusqlite::Result<Rows> {
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut rows = Rows::new();
    for table in views::tables() {
        let mut select = file.prepare(&format!("SELECT p, c, v, b FROM \"{}\"", table.name))?;
        let mut found = select.query([])?;
        while let Some(row) = found.next()? {
            let body: Option<Vec<u8>> = row.get(3)?;
            let body = body.map(|body| String::from_utf8_lossy(&body).into_owned());
            let version: i64 = row.get(2)?;
            rows.insert((table.name.to_owned(), row.get(0)?, row.get(1)?), (version.cast_unsigned(), body));
        }
    }
    Ok(rows)
}

/// What a fold of the whole log makes, from nothing.
pub fn folded(history: &History) -> Result<Rows, String> {
    let failed = |error: read_model::StoreError| format!("views: a fresh fold fails: {error}");
    let mut fold = Fold::new(views::all(), shards(), &Checkpoints::new());
    let batch = fold.read(history.events().cloned().collect());
    for needs in [Fold::needs, Fold::needs_more] {
        for needed in needs(&mut fold, &batch) {
            let none = needed.keys.iter().map(|_| None).collect();
            fold.load(needed, none).map_err(failed)?;
        }
    }
    let (written, _) = fold.fold(batch).map_err(failed)?;
    if let Some(stopped) = fold.stopped().next() {
        return Err(format!("views: a fresh fold stops: {stopped}"));
    }
    let mut rows = Rows::new();
    for row in written {
        let body = row.body.map(|body| String::from_utf8_lossy(&body).into_owned());
        let entry = rows.entry((row.table.name.to_owned(), row.key.partition, row.key.clustering)).or_default();
        if row.version >= entry.0 {
            *entry = (row.version, body);
        }
    }
    Ok(rows)
}

/// That the views show what the log says.
pub fn check(dir: &Path, history: &History) -> Result<(), String> {
    let (stored, folded) = (stored(dir)?, folded(history)?);
    let differs = |key: &&(String, String, String)| stored.get(*key) != folded.get(*key);
    match stored.keys().chain(folded.keys()).find(differs) {
        Some(key) => Err(format!("views: {key:?} is {:?}, a fresh fold makes {:?}", stored.get(key), folded.get(key))),
        None => Ok(()),
    }
}
