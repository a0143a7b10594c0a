//! What the views file holds, and how it is told from other files.

use super::{error, pool};
use crate::store::{StoreError, Table};
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

/// Marks the file: "SFvw".
const APPLICATION: i32 = 0x5346_7677;
/// The format of the file: an older one is made anew, a newer one refused.
const FORMAT: i32 = 1;

/// Opens the file, ready to be written: with no row and no checkpoint where it was made for other tables.
pub(super) fn open(path: &Path, tables: &[Table]) -> Result<Connection, StoreError> {
    let mut writer = pool::connect(path)?;
    let shown = path.display();
    match identify(&writer).map_err(|e| error(&e))? {
        Found::Empty => {}
        Found::Foreign => return Err(StoreError::Corrupt(format!("{shown} is a database, but not of views"))),
        Found::Views { format, .. } if format > FORMAT => {
            return Err(StoreError::Corrupt(format!(
                "{shown} is of format {format}, which a newer Stockfold wrote (this one knows {FORMAT}): upgrade, or \
                 delete it and the views are built again"
            )));
        }
        Found::Views { format, tables: found } if format == FORMAT && found == names(tables) => {
            pool::configure(&writer).map_err(|e| error(&e))?;
            return Ok(writer);
        }
        Found::Views { format, .. } => {
            tracing::warn!(path = %shown, format, "the views were made by another version; they are built again");
            drop(writer);
            remove(path)?;
            writer = pool::connect(path)?;
        }
    }
    pool::configure(&writer).map_err(|e| error(&e))?;
    create(&mut writer, tables).map_err(|e| error(&e))?;
    Ok(writer)
}

/// Deletes the file and what SQLite keeps beside it.
fn remove(path: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        match std::fs::remove_file(&file) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::Unavailable(format!("{}: {error}", file.display()))),
        }
    }
    Ok(())
}

enum Found {
    Empty,
    Foreign,
    Views { format: i32, tables: String },
}

fn identify(connection: &Connection) -> rusqlite::Result<Found> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let format: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if application == APPLICATION {
        // A newer format may have no such table; that is told by its number.
        let select = "SELECT value FROM meta WHERE key = 'tables'";
        let tables = connection.query_row(select, [], |row| row.get(0)).optional().unwrap_or_default();
        return Ok(Found::Views { format, tables: tables.unwrap_or_default() });
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(if tables == 0 && application == 0 { Found::Empty } else { Found::Foreign })
}

/// Makes the tables, in one transaction.
fn create(connection: &mut Connection, tables: &[Table]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
         CREATE TABLE checkpoints (consumer TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL,
             seq INTEGER NOT NULL, offset INTEGER NOT NULL, epoch INTEGER NOT NULL,
             PRIMARY KEY (consumer, topic, partition)) WITHOUT ROWID;",
    )?;
    for table in tables {
        // p: partition, c: clustering key, v: version, b: body, NULL for a tombstone.
        transaction.execute_batch(&format!(
            "CREATE TABLE \"{}\" (p TEXT NOT NULL, c TEXT NOT NULL, v INTEGER NOT NULL, b BLOB,
             PRIMARY KEY (p, c)) WITHOUT ROWID",
            table.name
        ))?;
    }
    transaction.execute("INSERT INTO meta (key, value) VALUES ('tables', ?1)", [names(tables)])?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}

fn names(tables: &[Table]) -> String {
    let mut names: Vec<_> = tables.iter().map(|table| table.name).collect();
    names.sort_unstable();
    names.join(" ")
}
