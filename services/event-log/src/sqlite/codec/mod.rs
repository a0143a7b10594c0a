//! The stored form of a batch of records: format 1.
//!
//! ```text
//! byte  0      format, 1
//! bytes 1..5   CRC-32 (IEEE) of everything after it, little-endian
//! byte  5      kind: 1 events, 2 plain records (key and value), 3 published ones (with headers); plus 128 where the records are compressed
//! bytes 6..10  number of records, little-endian
//! then         the records, see [`events`], [`plain`] and [`published`]; compressed: their length (4 bytes, little-endian), an LZ4 block
//! ```
//!
//! Numbers are LEB128 varints, texts and values a length and their bytes. The offset of the first record is the row's key.
//! In memory a batch stands without its checksum and not compressed: [`stored`] is between the two.

pub(super) mod events;
pub(super) mod plain;
pub(super) mod published;
pub(super) mod stored;

use thiserror::Error;

/// The format that is written.
const FORMAT: u8 = 1;
/// Where the checksummed part begins.
const KIND: usize = 5;
/// The bytes before the records.
const HEADER: usize = 10;

/// Why stored bytes are not a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Damage {
    #[error("a newer version of Stockfold wrote it (record format {0})")]
    Format(u8),
    #[error("its checksum is wrong")]
    Checksum,
    #[error("it is not a batch of records")]
    Malformed,
}

/// What a batch is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Events = 1,
    Plain = 2,
    Published = 3,
}

/// Records of one topic and partition, encoded.
#[derive(Debug)]
pub(super) struct Encoded {
    /// How many.
    pub(super) count: u32,
    /// Their stored form.
    pub(super) bytes: Vec<u8>,
}

/// Starts a batch; [`seal`] fills in the header.
fn begin(capacity: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(capacity + HEADER);
    bytes.resize(HEADER, 0);
    bytes
}

fn seal(kind: Kind, count: u32, mut bytes: Vec<u8>) -> Encoded {
    bytes[0] = FORMAT;
    bytes[KIND] = kind as u8;
    bytes[KIND + 1..HEADER].copy_from_slice(&count.to_le_bytes());
    Encoded { count, bytes }
}

/// Gives the number of records and where they begin.
fn open(kind: Kind, bytes: &[u8]) -> Result<(u32, Cursor<'_>), Damage> {
    let header = bytes.first_chunk::<HEADER>().ok_or(Damage::Malformed)?;
    if header[KIND] != kind as u8 {
        return Err(Damage::Malformed);
    }
    let [.., n0, n1, n2, n3] = *header;
    Ok((u32::from_le_bytes([n0, n1, n2, n3]), Cursor { rest: &bytes[HEADER..] }))
}

fn put_number(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push((number as u8) | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

fn put_bytes(into: &mut Vec<u8>, bytes: &[u8]) {
    put_number(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

/// Reads what the `put` functions wrote. Never panics, whatever the bytes are.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> Result<u8, Damage> {
        let (byte, rest) = self.rest.split_first().ok_or(Damage::Malformed)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn number(&mut self) -> Result<u64, Damage> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damage::Malformed)
    }

    fn bytes(&mut self) -> Result<&'a [u8], Damage> {
        let length = usize::try_from(self.number()?).map_err(|_| Damage::Malformed)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Damage::Malformed)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<&'a str, Damage> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Damage::Malformed)
    }

    fn end(&self) -> Result<(), Damage> {
        if self.rest.is_empty() { Ok(()) } else { Err(Damage::Malformed) }
    }
}
