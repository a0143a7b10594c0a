//! How far an import has come, in a small file beside it: whoever begins again goes on there.

use super::source::Look;
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

/// What is behind the name of a file in its journal's name.
pub const SUFFIX: &str = ".import.json";

/// Lines by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Lines that were answered.
    pub lines: u64,
    /// Those that changed something.
    pub applied: u64,
    /// Those that changed nothing, as all was so already.
    pub already: u64,
    /// Those that were refused for good.
    pub refused: u64,
}

/// An import that is not over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Journal {
    /// The import's id.
    pub import: String,
    /// SHA-256 of the file.
    pub digest: String,
    /// Its bytes.
    pub size: u64,
    /// When it was written, in milliseconds since 1970.
    pub modified_ms: u64,
    /// The last line that was answered.
    pub line: u64,
    /// What became of the lines so far.
    pub tally: Tally,
    /// How long the list of refused lines is, in bytes.
    #[serde(default)]
    pub rejected_bytes: u64,
}

impl Journal {
    /// Where that of `file` is: beside it, or in `state`.
    pub fn path(file: &Path, state: Option<&Path>) -> PathBuf {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(SUFFIX);
        match state {
            Some(state) => state.join(name),
            None => file.with_file_name(name),
        }
    }

    /// Reads it; `None` where there is none.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(bytes) => {
                let read = serde_json::from_slice(&bytes);
                read.map(Some)
                    .with_context(|| format!("{} is no journal of an import; delete it to begin anew", path.display()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes it in whole: a crash leaves the old one or the new one.
    pub fn write(&self, path: &Path) -> Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let written = || -> Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer(&mut file, self)?;
            file.write_all(b"\n")?;
            file.persist(path)?;
            Ok(())
        };
        written().with_context(|| format!("cannot write {}; name a directory for it by --state", path.display()))
    }

    /// Whether it is of the file as it looks now.
    pub fn is_of(&self, look: &Look) -> bool {
        self.size == look.size && self.modified_ms == look.modified_ms
    }

    /// Takes it away.
    pub fn remove(path: &Path) -> Result<()> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot delete {}", path.display()))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_the_file_is_known_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = Journal::path(&dir.path().join("a.ndjson"), None);
        assert_eq!(path, dir.path().join("a.ndjson.import.json"));
        assert_eq!(Journal::read(&path).expect("readable"), None);
        let journal = Journal {
            import: "file-1".to_owned(),
            digest: "00".to_owned(),
            size: 7,
            modified_ms: 8,
            line: 3,
            tally: Tally { lines: 3, applied: 2, already: 0, refused: 1 },
            rejected_bytes: 40,
        };
        journal.write(&path).expect("written");
        assert_eq!(Journal::read(&path).expect("readable"), Some(journal.clone()));
        assert!(journal.is_of(&Look { size: 7, modified_ms: 8 }) && !journal.is_of(&Look { size: 7, modified_ms: 9 }));
        Journal::remove(&path).expect("gone");
        Journal::remove(&path).expect("gone already");
        std::fs::write(&path, "{").expect("written");
        assert!(Journal::read(&path).is_err(), "what cannot be read is not taken for nothing");
    }
}
