//! Which requests write some rows: bounded ones, each of one partition.

use crate::store::{RowWrite, StoreError};
use std::borrow::Cow;

/// The most bytes of rows in one request, but for a single larger row: below the 50 KiB from which on Cassandra may refuse
/// a batch.
const REQUEST_BYTES: usize = 32 << 10;
/// The most rows in one request.
const REQUEST_ROWS: usize = 128;

/// What a row takes beside its body and keys, about.
const ROW_BYTES: usize = 64;

/// Rows of one partition of one table, in one request.
pub(super) type Request<'r> = Vec<&'r RowWrite>;

/// The requests for rows, in no order that matters. Of several versions of a row only the highest is written.
pub(super) fn requests(rows: &[RowWrite]) -> Vec<Request<'_>> {
    let mut rows: Vec<&RowWrite> = rows.iter().collect();
    rows.sort_by(|a, b| (a.table, &a.key, b.version).cmp(&(b.table, &b.key, a.version)));
    rows.dedup_by(|later, first| later.table == first.table && later.key == first.key);
    let mut requests = Vec::new();
    for partition in rows.chunk_by(|a, b| a.table == b.table && a.key.partition == b.key.partition) {
        let (mut request, mut bytes) = (Request::new(), 0);
        for &row in partition {
            let more = ROW_BYTES + row.key.clustering.len() + row.body.as_ref().map_or(0, Vec::len);
            if !request.is_empty() && (bytes + more > REQUEST_BYTES || request.len() == REQUEST_ROWS) {
                requests.push(std::mem::take(&mut request));
                bytes = 0;
            }
            bytes += more;
            request.push(row);
        }
        requests.push(request);
    }
    requests
}

/// What is bound to write a row: partition, clustering key, version, body and write timestamp.
pub(super) type Bound<'r> = (Cow<'r, str>, &'r str, i64, &'r [u8], i64);

/// Binds a row. A deleted one is a row with an empty body, not a CQL tombstone: a tombstone is forgotten after
/// `gc_grace_seconds`, and the write of an older version by a replay or a zombie would then bring the row back.
pub(super) fn bind(row: &RowWrite) -> Result<Bound<'_>, StoreError> {
    let refused = |what: &str| StoreError::Corrupt(format!("{} {:?}: {what}", row.table.name, row.key));
    let version = i64::try_from(row.version).map_err(|_| refused("its version is no timestamp"))?;
    let body = row.body.as_deref();
    if body.is_some_and(<[u8]>::is_empty) {
        return Err(refused("an empty body means a deleted row"));
    }
    Ok((partition(&row.key.partition), &row.key.clustering, version, body.unwrap_or_default(), version))
}

/// A partition key as it is stored: CQL takes any but an empty one.
pub(super) fn partition(key: &str) -> Cow<'_, str> {
    if key.is_empty() || key.starts_with('\0') { Cow::Owned(format!("\0{key}")) } else { Cow::Borrowed(key) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{RowKey, Table};

    const ONE: Table = Table { name: "one" };
    const TWO: Table = Table { name: "two" };

    fn row(table: Table, partition: &str, clustering: &str, version: u64, bytes: usize) -> RowWrite {
        let key = RowKey { partition: partition.to_owned(), clustering: clustering.to_owned() };
        RowWrite { table, key, version, body: Some(vec![b'x'; bytes]) }
    }

    #[test]
    fn a_request_is_of_one_partition_of_one_table() {
        let rows =
            [row(ONE, "p", "a", 1, 1), row(TWO, "p", "a", 1, 1), row(ONE, "q", "a", 1, 1), row(ONE, "p", "b", 1, 1)];
        let mut keys: Vec<Vec<_>> = Vec::new();
        for request in requests(&rows) {
            keys.push(request.iter().map(|row| (row.table.name, &*row.key.partition, &*row.key.clustering)).collect());
        }
        assert_eq!(
            keys,
            [vec![("one", "p", "a"), ("one", "p", "b")], vec![("one", "q", "a")], vec![("two", "p", "a")]]
        );
    }

    #[test]
    fn a_request_is_bounded_in_bytes_and_rows() {
        let name = |number: usize| format!("{number:04}");
        let small: Vec<_> = (0..300).map(|number| row(ONE, "p", &name(number), 1, 1)).collect();
        assert_eq!(requests(&small).iter().map(Vec::len).collect::<Vec<_>>(), [128, 128, 44]);
        let large: Vec<_> = (0..3).map(|number| row(ONE, "p", &name(number), 1, REQUEST_BYTES * 2)).collect();
        assert_eq!(requests(&large).iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
        let middling: Vec<_> = (0..100).map(|number| row(ONE, "p", &name(number), 1, 1_000)).collect();
        for request in requests(&middling) {
            assert!(request.len() * 1_000 <= REQUEST_BYTES);
        }
    }

    #[test]
    fn of_several_versions_the_highest_is_written() {
        let rows = [row(ONE, "p", "a", 1, 1), row(ONE, "p", "a", 3, 3), row(ONE, "p", "a", 2, 2)];
        let requests = requests(&rows);
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].iter().map(|row| row.version).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn no_two_partitions_are_stored_as_one() {
        let keys = ["", "\0", "\0\0", "\0a", "a", "a\0"];
        let stored: Vec<_> = keys.map(partition).into_iter().collect();
        assert!(stored.iter().all(|key| !key.is_empty()));
        assert_eq!(stored.iter().collect::<std::collections::BTreeSet<_>>().len(), keys.len());
    }

    #[test]
    fn what_would_be_read_as_another_row_is_refused() {
        assert!(matches!(bind(&row(ONE, "p", "a", 1, 0)), Err(StoreError::Corrupt(_))));
        assert!(matches!(bind(&row(ONE, "p", "a", u64::MAX, 1)), Err(StoreError::Corrupt(_))));
    }
}
