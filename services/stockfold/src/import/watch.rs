//! `stockfold import --watch`: imports what comes into a directory.

use super::{
    file::Importer,
    journal::{Journal, SUFFIX},
    send::Denied,
    source::{Format, Look, Place},
    stopped, tell,
};
use anyhow::{Context as _, Result};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often the directory is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Imports files in the order of their names, until the process is told to end; a file is then gone on with at the next start.
pub async fn run(importer: &Importer<'_>, dir: &Path, settle: Duration, json: bool) -> Result<()> {
    for name in ["done", "failed"] {
        let folder = dir.join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut seen = Seen::default();
    tokio::select! {
        ended = async {
            loop {
                match seen.next(dir, settle)? {
                    Some(path) => one(importer, dir, &path, json).await?,
                    None => tokio::time::sleep(LOOK).await,
                }
            }
        } => ended,
        () = stopped() => Ok(()),
    }
}

/// How files looked, and since when.
#[derive(Default)]
struct Seen(BTreeMap<PathBuf, (Look, Instant)>);

impl Seen {
    /// The first file, by name, that has not changed for so long. A file before it that still grows is not waited for.
    fn next(&mut self, dir: &Path, settle: Duration) -> Result<Option<PathBuf>> {
        let mut now = BTreeMap::new();
        for entry in std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let is_ours = name.starts_with('.') || name.ends_with(SUFFIX) || name.ends_with(".rejected.ndjson");
            if is_ours || Format::of(&path).is_none() || !path.is_file() {
                continue;
            }
            // It may be gone since.
            let Ok(look) = Look::at(&path) else { continue };
            let since = match self.0.get(&path) {
                Some((known, since)) if *known == look => *since,
                Some(_) | None => Instant::now(),
            };
            now.insert(path, (look, since));
        }
        self.0 = now;
        Ok(self.0.iter().find(|(_, (_, since))| since.elapsed() >= settle).map(|(path, _)| path.clone()))
    }
}

async fn one(importer: &Importer<'_>, dir: &Path, path: &Path, json: bool) -> Result<()> {
    let format = Format::of(path).context("a name that was looked at")?;
    let name = path.file_name().unwrap_or_default();
    let mut list = name.to_owned();
    list.push(".rejected.ndjson");
    let list = dir.join(list);
    let place = Place::File(path.to_owned());
    let is_well = match importer.import(place, format, None, Some(&list)).await {
        Ok(summary) => {
            tell(&summary, json)?;
            summary.tally.refused == 0
        }
        Err(error) if error.is::<Denied>() => return Err(error),
        Err(error) => {
            eprintln!("{}: {error:#}", path.display());
            let entry = serde_json::json!({"detail": format!("{error:#}")});
            std::fs::write(&list, format!("{entry}\n")).with_context(|| format!("cannot write {}", list.display()))?;
            Journal::remove(&Journal::path(path, importer.state.as_deref()))?;
            false
        }
    };
    let folder = dir.join(if is_well { "done" } else { "failed" });
    if list.exists() {
        let to = free(&folder, list.file_name().unwrap_or_default().as_ref());
        std::fs::rename(&list, &to).with_context(|| format!("cannot move {}", list.display()))?;
    }
    std::fs::rename(path, free(&folder, name.as_ref())).with_context(|| format!("cannot move {}", path.display()))
}

/// The path of that name in the folder; with a number where it is taken.
fn free(folder: &Path, name: &Path) -> PathBuf {
    let first = folder.join(name);
    let others = (1_u32..).map(|number| folder.join(format!("{}.{number}", name.display())));
    std::iter::once(first).chain(others).find(|path| !path.exists()).unwrap_or_else(|| folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_by_name_once_they_stay_as_they_are() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["b.ndjson", "a.csv", ".hidden.ndjson", "c.txt", "a.csv.import.json", "a.csv.rejected.ndjson"] {
            std::fs::write(dir.path().join(name), "x").expect("written");
        }
        let mut seen = Seen::default();
        assert_eq!(seen.next(dir.path(), Duration::from_secs(3_600)).expect("listed"), None);
        assert_eq!(seen.next(dir.path(), Duration::ZERO).expect("listed"), Some(dir.path().join("a.csv")));
        std::fs::remove_file(dir.path().join("a.csv")).expect("gone");
        assert_eq!(seen.next(dir.path(), Duration::ZERO).expect("listed"), Some(dir.path().join("b.ndjson")));
    }

    #[test]
    fn what_is_moved_overwrites_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let name = Path::new("a.csv");
        assert_eq!(free(dir.path(), name), dir.path().join("a.csv"));
        std::fs::write(dir.path().join("a.csv"), "x").expect("written");
        assert_eq!(free(dir.path(), name), dir.path().join("a.csv.1"));
    }
}
