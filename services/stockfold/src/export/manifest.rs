//! How far an export has come. A part counts once the manifest says so; then it gets its name. So whoever reads the folder never
//! sees an event twice, and a killed export goes on behind the last part.

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
};

const NAME: &str = "manifest.json";
/// What the names of parts end with that do not count yet.
pub const UNFINISHED: &str = ".tmp";

/// What is exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// The topic.
    pub topic: String,
    /// `parquet` or `ndjson`.
    pub format: String,
    /// `--from` as it was given.
    pub from: Option<String>,
    /// `--to` as it was given.
    pub to: Option<String>,
}

/// A part that counts, and may have its old name still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    from: PathBuf,
    to: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    #[serde(flatten)]
    terms: Terms,
    /// By partition: the last event that was looked at.
    after: BTreeMap<u32, u64>,
    /// Events in all parts.
    events: u64,
    parts: u64,
    pending: Option<Pending>,
}

/// The manifest of one topic's folder.
#[derive(Debug)]
pub struct Manifest {
    folder: PathBuf,
    content: Content,
}

impl Manifest {
    /// Opens that of a folder, or begins one; finishes what a killed export left.
    pub fn open(folder: &Path, terms: Terms) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let path = folder.join(NAME);
        let content = match std::fs::read(&path) {
            Ok(bytes) => {
                let content: Content = serde_json::from_slice(&bytes)
                    .with_context(|| format!("{} is no manifest of an export", path.display()))?;
                ensure!(
                    content.terms == terms,
                    "{} holds another export ({}); choose another --out, or the same terms",
                    folder.display(),
                    serde_json::to_string(&content.terms)?
                );
                content
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Content { terms, after: BTreeMap::new(), events: 0, parts: 0, pending: None }
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let manifest = Self { folder: folder.to_owned(), content };
        manifest.finish()?;
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(UNFINISHED) {
                std::fs::remove_file(&path).with_context(|| format!("cannot delete {}", path.display()))?;
            }
        }
        Ok(manifest)
    }

    /// The last event of a partition that was looked at; 0 = none.
    pub fn after(&self, partition: u32) -> u64 {
        self.content.after.get(&partition).copied().unwrap_or_default()
    }

    /// Events in all parts.
    pub fn events(&self) -> u64 {
        self.content.events
    }

    /// How many parts there are.
    pub fn parts(&self) -> u64 {
        self.content.parts
    }

    /// A partition was read up to there; `part` is what was written of it: its present path, the name to give it, and its events.
    pub fn commit(&mut self, partition: u32, after: u64, part: Option<(PathBuf, PathBuf, u64)>) -> Result<()> {
        self.content.after.insert(partition, after);
        self.content.pending = None;
        if let Some((from, to, events)) = part {
            self.content.events += events;
            self.content.parts += 1;
            self.content.pending = Some(Pending { from, to });
        }
        let path = self.folder.join(NAME);
        let written = || -> Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            serde_json::to_writer(&mut file, &self.content)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            File::open(&self.folder)?.sync_all()?;
            Ok(())
        };
        written().with_context(|| format!("cannot write {}", path.display()))?;
        self.finish()
    }

    /// Gives the last part its name, if it has not got it.
    fn finish(&self) -> Result<()> {
        let Some(Pending { from, to }) = &self.content.pending else { return Ok(()) };
        let (from, to) = (self.folder.join(from), self.folder.join(to));
        if !from.exists() {
            return Ok(());
        }
        if let Some(day) = to.parent() {
            std::fs::create_dir_all(day).with_context(|| format!("cannot make {}", day.display()))?;
        }
        std::fs::rename(&from, &to).with_context(|| format!("cannot rename {}", from.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        Terms { topic: "orders.events.v1".to_owned(), format: "ndjson".to_owned(), from: None, to: None }
    }

    #[test]
    fn a_part_counts_from_when_the_manifest_says_so() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut manifest = Manifest::open(dir.path(), terms()).expect("new");
        std::fs::write(dir.path().join("a.tmp"), "1\n").expect("written");
        manifest.commit(0, 7, Some(("a.tmp".into(), "date=2026-01-01/a.ndjson".into(), 1))).expect("committed");
        assert!(dir.path().join("date=2026-01-01/a.ndjson").exists() && !dir.path().join("a.tmp").exists());
        // A part that was never committed is as good as not written, and one that was gets its name.
        std::fs::write(dir.path().join("b.tmp"), "2\n").expect("written");
        std::fs::rename(dir.path().join("date=2026-01-01/a.ndjson"), dir.path().join("a.tmp")).expect("renamed");
        let manifest = Manifest::open(dir.path(), terms()).expect("again");
        assert_eq!((manifest.after(0), manifest.after(1), manifest.events(), manifest.parts()), (7, 0, 1, 1));
        assert!(dir.path().join("date=2026-01-01/a.ndjson").exists() && !dir.path().join("b.tmp").exists());
    }

    #[test]
    fn other_terms_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        Manifest::open(dir.path(), terms()).expect("new").commit(0, 1, None).expect("committed");
        let other = Terms { to: Some("2026-01-01".to_owned()), ..terms() };
        assert!(Manifest::open(dir.path(), other).expect_err("refused").to_string().contains("another export"));
    }
}
