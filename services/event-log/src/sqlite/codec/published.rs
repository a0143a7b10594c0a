//! Records that were published by themselves: a key, the headers, and a value or none.

use super::{Cursor, Damage, Encoded, KIND, Kind, begin, open, put_bytes, put_number, seal};
use crate::{Headers, NewRecord};

/// A record as it stands in a batch.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sqlite) struct Published {
    pub(in crate::sqlite) key: String,
    pub(in crate::sqlite) headers: Headers,
    pub(in crate::sqlite) value: Option<Vec<u8>>,
}

/// Encodes records; at most `u32::MAX` of them, as memory bounds a batch.
pub(in crate::sqlite) fn encode<'a>(records: impl IntoIterator<Item = &'a NewRecord>) -> Encoded {
    let mut bytes = begin(512);
    let mut count = 0;
    for NewRecord { key, headers, value, .. } in records {
        put_bytes(&mut bytes, key.as_bytes());
        put_number(&mut bytes, headers.len() as u64);
        for (name, value) in headers {
            put_bytes(&mut bytes, name.as_bytes());
            put_bytes(&mut bytes, value);
        }
        bytes.push(u8::from(value.is_some()));
        if let Some(value) = value {
            put_bytes(&mut bytes, value);
        }
        count += 1;
    }
    seal(Kind::Published, count, bytes)
}

/// Whether a batch is one of these: dead letters come in two forms.
pub(in crate::sqlite) fn is_it(bytes: &[u8]) -> bool {
    bytes.get(KIND) == Some(&(Kind::Published as u8))
}

/// Decodes a batch.
pub(in crate::sqlite) fn decode(bytes: &[u8]) -> Result<Vec<Published>, Damage> {
    let (count, mut cursor) = open(Kind::Published, bytes)?;
    let mut records = Vec::new();
    for _ in 0..count {
        records.push(take(&mut cursor)?);
    }
    cursor.end()?;
    Ok(records)
}

fn take(cursor: &mut Cursor<'_>) -> Result<Published, Damage> {
    let key = cursor.text()?.to_owned();
    let mut headers = Vec::new();
    for _ in 0..cursor.number()? {
        headers.push((cursor.text()?.to_owned(), cursor.bytes()?.to_vec()));
    }
    let value = match cursor.byte()? {
        0 => None,
        1 => Some(cursor.bytes()?.to_vec()),
        _ => return Err(Damage::Malformed),
    };
    Ok(Published { key, headers, value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Topic;

    fn records() -> Vec<NewRecord> {
        let record = |key: &str, headers: &[(&str, &[u8])], value: Option<&[u8]>| NewRecord {
            topic: Topic::SupplierItems,
            key: key.to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect(),
            value: value.map(<[u8]>::to_vec),
        };
        vec![
            record("a", &[("ce_id", b"1"), ("ce_id", b""), ("", &[0xff, 0])], Some(b"{}")),
            record("", &[], None),
            record("long", &[], Some(&[7; 300])),
            record("empty", &[], Some(b"")),
        ]
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let encoded = encode(&records());
        assert!(is_it(&encoded.bytes));
        let written =
            records().into_iter().map(|NewRecord { key, headers, value, .. }| Published { key, headers, value });
        assert_eq!(decode(&encoded.bytes), Ok(written.collect()));
    }

    #[test]
    fn no_bytes_make_it_panic_and_every_cut_is_damage() {
        let encoded = encode(&records());
        for byte in 0..encoded.bytes.len() {
            for flip in [0x01, 0x10, 0x80, 0xff] {
                let mut damaged = encoded.bytes.clone();
                damaged[byte] ^= flip;
                let _ = decode(&damaged);
            }
            assert!(decode(&encoded.bytes[..byte]).is_err());
        }
    }
}
