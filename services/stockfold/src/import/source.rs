//! Reads a file line by line on a thread of its own: plain or gzip, never more of it in memory than a few batches.

use anyhow::{Context as _, Result};
use command_api::import_lines::{Line, Splitter};
use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};
use tokio::sync::mpsc;

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1_024;
/// Batches that wait to be sent.
const BATCHES: usize = 8;

/// What the lines are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A JSON object a line.
    Ndjson,
    /// A head, then a record a line.
    Csv,
}

impl Format {
    /// By the name of a file, `.gz` or not; `None` where it tells nothing.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv",
        }
    }
}

/// A line of the file, with its line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// From 1; the head of CSV is counted.
    pub number: u64,
    /// As it is sent.
    pub bytes: Vec<u8>,
    /// Whether there is nothing in it, so that nothing is answered.
    pub is_blank: bool,
}

/// What comes from the file.
#[derive(Debug)]
pub enum Piece {
    /// The head of CSV, with its line break: before all lines.
    Head(Vec<u8>),
    /// Lines, in order.
    Lines(Vec<Numbered>),
    /// It cannot be read further.
    Failed(io::Error),
}

/// Where lines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

/// How a file looked; another look means that it is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Bytes.
    pub size: u64,
    /// Milliseconds since 1970.
    pub modified_ms: u64,
}

impl Look {
    /// At the file as it is now.
    pub fn at(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        let since = metadata.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Self { size: metadata.len(), modified_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX) })
    }
}

/// The SHA-256 of a file, in hexadecimal.
pub fn digest(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 1 << 20];
    loop {
        match file.read(&mut chunk).with_context(|| format!("cannot read {}", path.display()))? {
            0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            count => hash.update(&chunk[..count]),
        }
    }
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Opens a place: gzip is told by its first bytes.
fn open(place: &Place, count: Arc<AtomicU64>) -> io::Result<Box<dyn Read>> {
    let inner: Box<dyn Read> = match place {
        Place::File(path) => Box::new(File::open(path)?),
        Place::Stdin => Box::new(io::stdin()),
    };
    let mut counted = Counted { inner, count };
    let mut magic = Vec::new();
    (&mut counted).take(2).read_to_end(&mut magic)?;
    let is_gzip = magic == [0x1f, 0x8b];
    let whole = Cursor::new(magic).chain(counted);
    if is_gzip { Ok(Box::new(MultiGzDecoder::new(BufReader::new(whole)))) } else { Ok(Box::new(whole)) }
}

/// Reads the lines behind line `after`; `read` rises with the bytes that are taken from the place.
pub fn read(place: Place, format: Format, after: u64, read: Arc<AtomicU64>) -> mpsc::Receiver<Piece> {
    let (pieces, receiver) = mpsc::channel(BATCHES);
    std::thread::spawn(move || {
        let mut lines = Lines { format, after, number: 0, has_head: format == Format::Ndjson, pieces };
        // CSV's head is line 1 wherever it stands, as the engine counts.
        if format == Format::Csv {
            lines.number = 1;
        }
        if let Err(error) = open(&place, read).and_then(|input| lines.all(input)) {
            // Nobody may be there to hear it.
            let _ = lines.pieces.blocking_send(Piece::Failed(error));
        }
    });
    receiver
}

struct Lines {
    format: Format,
    after: u64,
    number: u64,
    has_head: bool,
    pieces: mpsc::Sender<Piece>,
}

impl Lines {
    fn all(&mut self, mut input: Box<dyn Read>) -> io::Result<()> {
        let mut splitter = Splitter::new(self.format == Format::Csv);
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = match input.read(&mut chunk) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let mut lines = Vec::new();
            if count > 0 {
                splitter.push(&chunk[..count], |line| lines.push(line));
            } else {
                lines.extend(splitter.finish());
            }
            let mut batch = Vec::new();
            for line in lines {
                let is_blank = line.is_blank();
                let bytes = bytes_of(line);
                if !self.has_head && !is_blank {
                    self.has_head = true;
                    if self.pieces.blocking_send(Piece::Head(bytes)).is_err() {
                        return Ok(());
                    }
                    continue;
                }
                self.number += 1;
                if self.number > self.after {
                    batch.push(Numbered { number: self.number, bytes, is_blank });
                }
            }
            let is_gone = !batch.is_empty() && self.pieces.blocking_send(Piece::Lines(batch)).is_err();
            if is_gone || count == 0 {
                return Ok(());
            }
        }
    }
}

/// The line as it is sent. Of one that is too long so much that it is too long there too.
fn bytes_of(line: Line) -> Vec<u8> {
    let mut bytes = match line {
        Line::Whole(bytes) => bytes,
        Line::TooLong { mut beginning, .. } => {
            beginning.push(b'x');
            beginning
        }
    };
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn numbers(file: &Path, format: Format, after: u64) -> (Vec<u64>, Vec<Vec<u8>>, Option<Vec<u8>>) {
        let mut pieces = read(Place::File(file.to_owned()), format, after, Arc::default());
        let (mut numbers, mut lines, mut head) = (Vec::new(), Vec::new(), None);
        while let Some(piece) = pieces.blocking_recv() {
            match piece {
                Piece::Head(bytes) => head = Some(bytes),
                Piece::Lines(batch) => batch.into_iter().for_each(|line| {
                    numbers.push(line.number);
                    lines.push(line.bytes);
                }),
                Piece::Failed(error) => panic!("{error}"),
            }
        }
        (numbers, lines, head)
    }

    #[test]
    fn plain_and_gzip_hold_the_same_lines() {
        let dir = tempfile::tempdir().expect("a directory");
        let text = "{\"a\":1}\n\n{\"b\":2}\r\n{\"c\":3}";
        let (plain, packed) = (dir.path().join("a.ndjson"), dir.path().join("a.ndjson.gz"));
        std::fs::write(&plain, text).expect("written");
        let mut gzip = flate2::write::GzEncoder::new(File::create(&packed).expect("made"), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).expect("written");
        gzip.finish().expect("written");
        let read = numbers(&plain, Format::Ndjson, 0);
        assert_eq!(read, numbers(&packed, Format::Ndjson, 0));
        assert_eq!(read.0, [1, 2, 3, 4]);
        assert_eq!(read.1[2], b"{\"b\":2}\n");
        assert_eq!(numbers(&plain, Format::Ndjson, 3).0, [4]);
    }

    #[test]
    fn the_head_of_csv_is_counted_and_comes_first_of_whatever_part() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("a.csv");
        std::fs::write(&file, "op,itemId\nlist,\"a\nb\"\nlist,c\n").expect("written");
        let (read, lines, head) = numbers(&file, Format::Csv, 2);
        assert_eq!((read, lines, head), (vec![3], vec![b"list,c\n".to_vec()], Some(b"op,itemId\n".to_vec())));
    }

    #[test]
    fn the_format_is_told_by_the_name() {
        let of = |name: &str| Format::of(Path::new(name));
        assert_eq!((of("a.ndjson"), of("b/a.JSONL.gz")), (Some(Format::Ndjson), Some(Format::Ndjson)));
        assert_eq!((of("a.csv.gz"), of("a.csv.part"), of("a.gz"), of("a")), (Some(Format::Csv), None, None, None));
    }
}
