//! The list of refused lines: NDJSON, each with its number, the reason and the line itself.

use super::{send::LineResult, source::Numbered};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

/// A list that is being written.
pub struct Rejected {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    bytes: u64,
}

impl Rejected {
    /// One that has so many bytes already; what an earlier run wrote behind them is written again.
    pub fn after(path: &Path, bytes: u64) -> Self {
        Self { path: path.to_owned(), file: None, bytes }
    }

    /// Adds a line.
    pub fn add(&mut self, line: &Numbered, result: &LineResult) -> Result<()> {
        let problem = result.problem.clone().unwrap_or_default();
        let original = String::from_utf8_lossy(line.bytes.strip_suffix(b"\n").unwrap_or(&line.bytes)).into_owned();
        let mut entry = json!({"line": line.number, "status": result.status, "code": problem["code"],
            "detail": problem["detail"], "original": original});
        if problem["errors"].is_array() {
            entry["errors"] = problem["errors"].clone();
        }
        let text = format!("{entry}\n");
        let file = self.open()?;
        file.write_all(text.as_bytes())?;
        self.bytes += text.len() as u64;
        Ok(())
    }

    fn open(&mut self) -> Result<&mut BufWriter<File>> {
        if self.file.is_none() {
            let open = || -> std::io::Result<File> {
                let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&self.path)?;
                file.set_len(self.bytes)?;
                file.seek(SeekFrom::End(0))?;
                Ok(file)
            };
            let file = open().with_context(|| format!("cannot write {}", self.path.display()))?;
            self.file = Some(BufWriter::new(file));
        }
        self.file.as_mut().context("it was opened")
    }

    /// Writes what waits; answers how many bytes there are.
    pub fn flush(&mut self) -> Result<u64> {
        if let Some(file) = &mut self.file {
            file.flush().with_context(|| format!("cannot write {}", self.path.display()))?;
        }
        Ok(self.bytes)
    }
}
