//! Records of a key and a value: internal commands (the JSON of a `CommandEnvelope`) and dead letters of shards.

use super::{Damage, Encoded, Kind, begin, open, put_bytes, seal};

/// Encodes pairs of key and value; at most `u32::MAX` of them, as memory bounds a batch.
pub(in crate::sqlite) fn encode<'a>(records: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Encoded {
    let mut bytes = begin(512);
    let mut count = 0;
    for (key, value) in records {
        put_bytes(&mut bytes, key.as_bytes());
        put_bytes(&mut bytes, value);
        count += 1;
    }
    seal(Kind::Plain, count, bytes)
}

/// Decodes a batch into pairs of key and value.
pub(in crate::sqlite) fn decode(bytes: &[u8]) -> Result<Vec<(&str, &[u8])>, Damage> {
    let (count, mut cursor) = open(Kind::Plain, bytes)?;
    let mut records = Vec::new();
    for _ in 0..count {
        records.push((cursor.text()?, cursor.bytes()?));
    }
    cursor.end()?;
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_was_written() {
        let records: [(&str, &[u8]); 3] = [("a", b"1"), ("", b""), ("long", &[7; 300])];
        let encoded = encode(records);
        assert_eq!(decode(&encoded.bytes), Ok(records.to_vec()));
    }

    #[test]
    fn a_cut_is_damage() {
        let encoded = encode([("a", b"value".as_slice())]);
        assert_eq!(decode(&encoded.bytes[..15]), Err(Damage::Malformed));
        assert_eq!(decode(&encoded.bytes[..3]), Err(Damage::Malformed));
    }
}
