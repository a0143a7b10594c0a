//! A disk that forgets: from a tape, what a crash after any of its entries may leave in the directory.
//!
//! The model is that of a disk behind a page cache. A sector that is not synced holds what it held after some of the
//! changes to it, the first so many: none, all, or any number between, each sector for itself. The size of a file goes the
//! same way. Names are kept by a journal, so their changes are lost from the newest back. A sync makes all earlier changes of
//! its file durable, one of the directory those of its names. Bytes that were not written do not change (SQLite asks this of
//! a disk too, as `powersafe overwrite`).

use crate::{splitmix, tape::Op};
use std::{collections::BTreeMap, fs, io, path::Path};

/// Files by name.
pub type Image = BTreeMap<String, Vec<u8>>;

/// What a crash takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The process only: everything that it wrote is there.
    Nothing,
    /// Everything that was not synced.
    Unsynced,
    /// Some of what was not synced, by this seed.
    Torn(u64),
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("killed"),
            Self::Unsynced => f.write_str("unsynced"),
            Self::Torn(seed) => write!(f, "torn:{seed}"),
        }
    }
}

impl Loss {
    /// Reads what `Display` writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "killed" => Some(Self::Nothing),
            "unsynced" => Some(Self::Unsynced),
            _ => text.strip_prefix("torn:")?.parse().ok().map(Self::Torn),
        }
    }
}

/// A directory on that disk.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    files: BTreeMap<u32, Content>,
    names: BTreeMap<String, u32>,
    /// Changes of names that are not durable: made (with the file), or removed.
    renamed: Vec<(String, Option<u32>)>,
    /// How many changes of names there were.
    renames: u64,
}

#[derive(Debug, Clone, Default)]
struct Content {
    durable: Vec<u8>,
    pending: Vec<Pending>,
    /// How many changes there were.
    changes: u64,
}

#[derive(Debug, Clone)]
enum Pending {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { length: usize },
}

impl Disk {
    /// Takes the next entry of a tape.
    ///
    /// # Panics
    /// If the tape names a file that it never opened.
    pub fn apply(&mut self, op: &Op) {
        match op {
            // An empty file was made by the engine just before, without a sync of its name.
            Op::Open { file, name, content } if content.as_ref().is_none_or(Vec::is_empty) => {
                self.files.insert(*file, Content::default());
                self.rename(name, Some(*file));
            }
            Op::Open { file, name, content } => {
                let durable = content.clone().unwrap_or_default();
                self.files.insert(*file, Content { durable, ..Content::default() });
                self.names.insert(name.clone(), *file);
            }
            Op::Write { file, at, bytes } => {
                let at = usize::try_from(*at).expect("a small file");
                self.file(*file).pending.push(Pending::Write { at, bytes: bytes.clone() });
            }
            Op::Truncate { file, length } => {
                let length = usize::try_from(*length).expect("a small file");
                self.file(*file).pending.push(Pending::Truncate { length });
            }
            Op::Sync { file } => {
                let file = self.file(*file);
                file.durable = file.after(|_| usize::MAX, usize::MAX, SECTOR);
                file.pending.clear();
            }
            Op::Delete { name } => self.rename(name, None),
            Op::SyncNames => {
                self.names = self.names_after(self.renamed.len());
                self.renamed.clear();
            }
            Op::Mark(_) => {}
        }
    }

    fn file(&mut self, file: u32) -> &mut Content {
        let content = self.files.get_mut(&file).expect("a tape opens a file before it changes it");
        content.changes += 1;
        content
    }

    fn rename(&mut self, name: &str, to: Option<u32>) {
        self.renamed.push((name.to_owned(), to));
        self.renames += 1;
    }

    fn names_after(&self, changes: usize) -> BTreeMap<String, u32> {
        let mut names = self.names.clone();
        for (name, file) in &self.renamed[..changes] {
            match file {
                Some(file) => names.insert(name.clone(), *file),
                None => names.remove(name),
            };
        }
        names
    }

    /// What a crash now may leave. What is torn of a file depends on the seed and its own changes, not on those of others.
    #[must_use]
    pub fn image(&self, loss: Loss) -> Image {
        let renamed = self.renamed.len();
        let (names, seed) = match loss {
            Loss::Nothing => (self.names_after(renamed), None),
            Loss::Unsynced => (self.names.clone(), None),
            Loss::Torn(seed) => (self.names_after(chosen(splitmix(seed ^ self.renames), renamed)), Some(seed)),
        };
        let content = |file: u32| {
            let content = &self.files[&file];
            match seed {
                None if loss == Loss::Unsynced => content.durable.clone(),
                None => content.after(|_| usize::MAX, usize::MAX, SECTOR),
                Some(seed) => {
                    let seed = splitmix(splitmix(seed ^ (u64::from(file) << 32)) ^ content.changes);
                    let pending = content.pending.len();
                    // Disks write sectors, caches pages: either may be what a write is torn into.
                    let sector = if seed.is_multiple_of(2) { SECTOR } else { PAGE };
                    let cut = |sector: usize| chosen(splitmix(seed ^ sector as u64), pending);
                    content.after(cut, chosen(splitmix(!seed), pending), sector)
                }
            }
        };
        names.into_iter().map(|(name, file)| (name, content(file))).collect()
    }
}

/// Bytes of a sector of a disk.
const SECTOR: usize = 512;
/// Bytes of a page of the cache before it.
const PAGE: usize = 4_096;

/// How many of `changes` are kept: often none or all.
fn chosen(random: u64, changes: usize) -> usize {
    match random % 3 {
        0 => 0,
        1 => changes,
        _ => usize::try_from((random >> 8) % (changes as u64 + 1)).expect("no more than there are"),
    }
}

impl Content {
    /// What the file holds after the first `cut(sector)` changes of each sector, and the first `cut_size` of its size.
    fn after(&self, cut: impl Fn(usize) -> usize, cut_size: usize, sector: usize) -> Vec<u8> {
        let mut content = self.durable.clone();
        for (number, change) in self.pending.iter().enumerate() {
            match change {
                Pending::Truncate { length } if number < cut_size => content.resize(*length, 0),
                Pending::Truncate { .. } => {}
                Pending::Write { at, bytes } => {
                    let (mut from, end) = (*at, at + bytes.len());
                    while from < end {
                        let to = end.min((from / sector + 1) * sector);
                        if number < cut(from / sector) {
                            if content.len() < to {
                                content.resize(to, 0);
                            }
                            content[from..to].copy_from_slice(&bytes[from - at..to - at]);
                        }
                        from = to;
                    }
                }
            }
        }
        content
    }
}

/// A directory for one state; in memory where this machine has a file system there, as many are made and none is kept.
///
/// # Panics
/// If no directory can be made.
#[must_use]
pub fn scratch() -> tempfile::TempDir {
    let memory = tempfile::Builder::new().prefix("crash-").tempdir_in("/dev/shm");
    memory.or_else(|_| tempfile::tempdir()).expect("a directory")
}

/// Puts an image into a directory.
pub fn put(image: &Image, dir: &Path) -> io::Result<()> {
    image.iter().try_for_each(|(name, bytes)| fs::write(dir.join(name), bytes))
}

/// Where the files of a directory are not those of an image; shared memory and lock files are not looked at.
pub fn differs(image: &Image, dir: &Path) -> io::Result<Option<String>> {
    let mut real = Image::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with("-shm") && !name.ends_with(".lock") {
            real.insert(name, fs::read(entry.path())?);
        }
    }
    // The engine makes an empty file of keys itself.
    real.retain(|name, bytes| !bytes.is_empty() || image.contains_key(name));
    let names = real.keys().chain(image.keys());
    Ok(names.into_iter().find(|name| real.get(*name) != image.get(*name)).cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(ops: &[Op]) -> Disk {
        let mut disk = Disk::default();
        ops.iter().for_each(|op| disk.apply(op));
        disk
    }

    fn made(name: &str) -> Vec<Op> {
        vec![Op::Open { file: 0, name: name.to_owned(), content: None }, Op::SyncNames]
    }

    fn write(at: u64, byte: u8, length: usize) -> Op {
        Op::Write { file: 0, at, bytes: vec![byte; length] }
    }

    #[test]
    fn what_was_not_synced_may_be_lost_and_what_was_may_not() {
        let mut ops = made("a");
        ops.extend([write(0, 1, 1_024), Op::Sync { file: 0 }, write(0, 2, 1_024)]);
        let disk = disk(&ops);
        assert_eq!(disk.image(Loss::Nothing)["a"], vec![2; 1_024]);
        assert_eq!(disk.image(Loss::Unsynced)["a"], vec![1; 1_024]);
        let torn: std::collections::BTreeSet<_> =
            (0..64).map(|seed| disk.image(Loss::Torn(seed))["a"].clone()).collect();
        assert!(torn.iter().all(|image| image.len() == 1_024 && image.iter().all(|byte| [1, 2].contains(byte))));
        assert!(torn.iter().any(|image| image[0] != image[512]), "sectors are lost each for itself");
    }

    #[test]
    fn a_sector_is_as_it_was_after_its_first_changes_and_never_mixed() {
        let mut ops = made("a");
        // Two writes of one sector: the second cannot be there without the first.
        ops.extend([write(0, 1, 100), write(100, 2, 100)]);
        let disk = disk(&ops);
        for seed in 0..200 {
            let image = &disk.image(Loss::Torn(seed))["a"];
            assert!(image.is_empty() || image[0] == 1, "{seed}: {image:?}");
        }
    }

    #[test]
    fn a_name_that_was_not_synced_may_be_gone_and_a_removed_one_back() {
        let mut ops =
            vec![Op::Open { file: 0, name: "a".to_owned(), content: None }, write(0, 1, 9), Op::Sync { file: 0 }];
        assert!(disk(&ops).image(Loss::Unsynced).is_empty());
        ops.extend([Op::SyncNames, Op::Delete { name: "a".to_owned() }]);
        assert_eq!(disk(&ops).image(Loss::Unsynced)["a"], vec![1; 9]);
        assert!(disk(&ops).image(Loss::Nothing).is_empty());
        ops.push(Op::SyncNames);
        assert!(disk(&ops).image(Loss::Unsynced).is_empty());
    }
}
