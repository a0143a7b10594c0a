//! A part: the events of one partition and one day, in a file that has no name to be read by yet.

use super::{FormatArg, manifest::UNFINISHED, parquet::ParquetPart};
use crate::remote_log::Line;
use anyhow::{Context as _, Result};
use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

/// A part has so many events at most.
const EVENTS: u64 = 500_000;

enum Writer {
    Parquet(Box<ParquetPart>),
    Ndjson(BufWriter<File>),
}

/// A part that is being written.
pub struct Part {
    writer: Writer,
    /// Of the events in it, `2026-01-31`.
    pub day: String,
    unfinished: PathBuf,
    name: PathBuf,
    events: u64,
}

/// The day of an event, in UTC; what has no time is under `unknown`.
pub fn day<'l>(line: &'l Line<'_>) -> &'l str {
    line.time.as_deref().and_then(|time| time.get(..10)).unwrap_or("unknown")
}

impl Part {
    /// One that begins with this event. Its name is its first event's, so that no two have the same.
    pub fn new(folder: &Path, format: FormatArg, line: &Line<'_>) -> Result<Self> {
        let day = day(line).to_owned();
        let stem = format!("part-{:04}-{:020}", line.id.partition, line.id.seq);
        let unfinished = PathBuf::from(format!("{stem}{UNFINISHED}"));
        let name = PathBuf::from(format!("date={day}")).join(format!("{stem}.{}", format.name()));
        let path = folder.join(&unfinished);
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let writer = match format {
            FormatArg::Parquet => Writer::Parquet(Box::new(ParquetPart::new(file)?)),
            FormatArg::Ndjson => Writer::Ndjson(BufWriter::new(file)),
        };
        Ok(Self { writer, day, unfinished, name, events: 0 })
    }

    /// Adds an event, and its line as it came.
    pub fn add(&mut self, text: &[u8], line: &Line<'_>) -> Result<()> {
        self.events += 1;
        match &mut self.writer {
            Writer::Parquet(part) => part.add(line),
            Writer::Ndjson(file) => Ok(file.write_all(text).and_then(|()| file.write_all(b"\n"))?),
        }
    }

    /// Whether there is no more room in it.
    pub fn is_full(&self) -> bool {
        self.events >= EVENTS
    }

    /// Makes it durable; answers its path, the name to give it, and its events.
    pub fn close(self) -> Result<(PathBuf, PathBuf, u64)> {
        let file = match self.writer {
            Writer::Parquet(part) => part.close()?,
            Writer::Ndjson(file) => file.into_inner().map_err(|fault| fault.into_error())?,
        };
        file.sync_all()?;
        Ok((self.unfinished, self.name, self.events))
    }
}
