//! Between the form in memory and the one in the file: checksum and compression.

use super::{Damage, FORMAT, HEADER, KIND};

/// Added to the kind where the records are compressed.
const COMPRESSED: u8 = 128;
/// Smaller batches stay as they are: they fill a page anyway.
const WORTHWHILE: usize = 2_048;
/// LZ4 cannot make anything smaller than by this factor: a length beyond it is damage, and no reason to ask for memory.
const MAX_RATIO: usize = 256;

/// Puts a batch into `out` as it is stored.
pub(in crate::sqlite) fn pack(bytes: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let (header, records) = bytes.split_at(HEADER);
    out.extend_from_slice(header);
    if records.len() < WORTHWHILE || !compress(records, out) {
        out.extend_from_slice(records);
    }
    let checksum = crc32fast::hash(&out[KIND..]);
    out[1..KIND].copy_from_slice(&checksum.to_le_bytes());
}

/// Appends the records compressed; false, and nothing appended, where that does not make them smaller.
fn compress(records: &[u8], out: &mut Vec<u8>) -> bool {
    let Ok(length) = u32::try_from(records.len()) else { return false };
    let start = HEADER + length.to_le_bytes().len();
    out.resize(start + lz4_flex::block::get_maximum_output_size(records.len()), 0);
    match lz4_flex::block::compress_into(records, &mut out[start..]) {
        Ok(written) if written < records.len() => {
            out.truncate(start + written);
            out[HEADER..start].copy_from_slice(&length.to_le_bytes());
            out[KIND] |= COMPRESSED;
            true
        }
        _ => {
            out.truncate(HEADER);
            false
        }
    }
}

/// Checks stored bytes and gives the batch as it stands in memory; `scratch` holds it where it was compressed.
pub(in crate::sqlite) fn unpack<'a>(bytes: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<&'a [u8], Damage> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or(Damage::Malformed)?;
    let [format, c0, c1, c2, c3, kind, ..] = *header;
    if format != FORMAT {
        return Err(Damage::Format(format));
    }
    if crc32fast::hash(&bytes[KIND..]) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err(Damage::Checksum);
    }
    if kind & COMPRESSED == 0 {
        return Ok(bytes);
    }
    let (length, block) = rest.split_first_chunk().ok_or(Damage::Malformed)?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > block.len().saturating_mul(MAX_RATIO) {
        return Err(Damage::Malformed);
    }
    scratch.clear();
    scratch.extend_from_slice(header);
    scratch[KIND] &= !COMPRESSED;
    scratch.resize(HEADER + length, 0);
    match lz4_flex::block::decompress_into(block, &mut scratch[HEADER..]) {
        Ok(read) if read == length => Ok(scratch),
        _ => Err(Damage::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::plain, *};

    fn round_trip(bytes: &[u8]) -> usize {
        let (mut stored, mut scratch) = (Vec::new(), Vec::new());
        pack(bytes, &mut stored);
        let read = unpack(&stored, &mut scratch).expect("it was not damaged");
        assert_eq!(read[KIND..], bytes[KIND..]);
        stored.len()
    }

    #[test]
    fn small_batches_stay_as_they_are_and_large_ones_shrink() {
        let small = plain::encode([("a", b"value".as_slice())]);
        assert_eq!(round_trip(&small.bytes), small.bytes.len());
        let large = plain::encode((0..100).map(|_| ("sku-1", br#"{"quantity":1,"available":99}"#.as_slice())));
        assert!(round_trip(&large.bytes) < large.bytes.len() / 4);
    }

    #[test]
    fn what_does_not_shrink_is_stored_as_it_is() {
        let mut noise = vec![0_u8; 5_000];
        let mut state = 7_u32;
        for byte in &mut noise {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
        let batch = plain::encode([("a", noise.as_slice())]);
        assert_eq!(round_trip(&batch.bytes), batch.bytes.len());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        for batch in [plain::encode([("a", b"value".as_slice())]), plain::encode([("a", [7; 3_000].as_slice())])] {
            let mut stored = Vec::new();
            pack(&batch.bytes, &mut stored);
            for byte in 0..stored.len() {
                let mut damaged = stored.clone();
                damaged[byte] ^= 0x10;
                assert!(unpack(&damaged, &mut Vec::new()).is_err(), "byte {byte}");
                assert!(unpack(&stored[..byte], &mut Vec::new()).is_err(), "cut at {byte}");
            }
        }
    }

    #[test]
    fn a_newer_format_says_so() {
        let mut stored = Vec::new();
        pack(&plain::encode([("a", b"value".as_slice())]).bytes, &mut stored);
        stored[0] = 9;
        assert_eq!(unpack(&stored, &mut Vec::new()), Err(Damage::Format(9)));
    }

    #[test]
    fn a_length_that_cannot_be_is_damage() {
        let mut stored = Vec::new();
        pack(&plain::encode([("a", [7; 3_000].as_slice())]).bytes, &mut stored);
        stored[HEADER..HEADER + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        let checksum = crc32fast::hash(&stored[KIND..]);
        stored[1..KIND].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(unpack(&stored, &mut Vec::new()), Err(Damage::Malformed));
    }
}
