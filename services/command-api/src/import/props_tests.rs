//! Lines and records of whatever bytes, in whatever pieces they come.

use super::{
    csv::Head,
    line::ImportLine,
    lines::{Line, MAX_LINE, Splitter},
};
use crate::mutate::{mutated, odd};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::json;

/// The lines of bytes that come in pieces of these lengths, over and over.
fn split(quoted: bool, bytes: &[u8], lengths: &[usize]) -> Vec<Line> {
    let (mut splitter, mut lines, mut rest) = (Splitter::new(quoted), Vec::new(), bytes);
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, later) = rest.split_at((*length).clamp(1, rest.len()));
        splitter.push(piece, |line| lines.push(line));
        rest = later;
    }
    lines.extend(splitter.finish());
    lines
}

/// Bytes that mean something to a splitter, some of them very often in a row.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let many = select(vec![1, 1, 1, 1, 2, 3, MAX_LINE - 1, MAX_LINE, MAX_LINE + 1]);
    vec((select(b"\"\",,\n\n\r abc\xff".to_vec()), many), 0..40)
        .prop_map(|runs| runs.into_iter().flat_map(|(byte, count)| std::iter::repeat_n(byte, count)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_are_the_same_in_whatever_pieces_they_come(bytes in bytes(), lengths in vec(1_usize..70_000, 1..6), quoted in any::<bool>()) {
        let lines = split(quoted, &bytes, &lengths);
        prop_assert_eq!(&lines, &split(quoted, &bytes, &[bytes.len().max(1)]));
        for line in lines {
            if let Line::Whole(line) = line {
                prop_assert!(line.len() <= MAX_LINE);
            }
        }
    }

    #[test]
    fn lines_of_ndjson_are_what_stands_between_line_breaks(bytes in vec(select(b"a{}\"\n\r".to_vec()), 0..200)) {
        let text = String::from_utf8(bytes.clone()).expect("ASCII");
        let expected: Vec<Line> = text
            .split_inclusive('\n')
            .map(|line| line.strip_suffix('\n').unwrap_or(line))
            .map(|line| Line::Whole(line.strip_suffix('\r').unwrap_or(line).as_bytes().to_vec()))
            .collect();
        prop_assert_eq!(split(false, &bytes, &[7, 1, 3]), expected);
    }

    #[test]
    fn cells_of_csv_are_read_as_they_were_written(rows in vec(vec("[a-z\",\n ]{1,9}", 3), 1..6)) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        rows.iter().for_each(|row| writer.write_record(row).expect("memory takes it"));
        let bytes = writer.into_inner().expect("memory takes it");
        let head = Head::read(b"a,b,c").expect("a head");
        let read: Vec<_> = split(true, &bytes, &[2, 5])
            .into_iter()
            .map(|line| match line {
                Line::Whole(record) => head.object(&record).expect("a record"),
                Line::TooLong { .. } => panic!("it is short"),
            })
            .collect();
        let expected: Vec<_> = rows
            .iter()
            .map(|row| {
                let cells = ["a", "b", "c"].into_iter().zip(row).map(|(name, cell)| (name.to_owned(), cell.trim().to_owned()));
                cells.filter(|(_, cell)| !cell.is_empty()).map(|(name, cell)| (name, json!(cell))).collect::<serde_json::Map<_, _>>()
            })
            .collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn whatever_the_head_and_the_record_they_are_read_or_refused(head in vec(any::<u8>(), 0..60), names in "[a-c.,\"]{0,20}", record in vec(any::<u8>(), 0..60)) {
        for head in [&head[..], names.as_bytes()] {
            match Head::read(head) {
                Ok(head) => match head.object(&record) {
                    Ok(object) => prop_assert!(object.len() <= record.len() + 1),
                    Err(problem) => prop_assert_eq!(problem.code(), "invalid_csv"),
                },
                Err(problem) => prop_assert_eq!(problem.code(), "invalid_csv"),
            }
        }
    }

    #[test]
    fn a_line_is_a_command_or_refused(
        line in mutated(json!({"op": "list", "itemId": "a", "name": "Tea", "kind": "physical", "images": ["https://a/1"],
            "price": {"amount": 1, "currency": "EUR"}, "source": "erp", "sourceVersion": 3, "metadata": {"a": "b"}})),
        name in select(vec!["list", "delist", "receive", "count", "move", "safety"]),
        quantity in odd(),
    ) {
        let other = json!({"op": name, "itemId": "a", "location": "main", "quantity": quantity}).to_string().into_bytes();
        for line in [line, other] {
            if let Err(problem) = edge::body::read::<ImportLine>(&line) {
                prop_assert!(["invalid_json", "invalid_body"].contains(&problem.code()), "{:?}", problem);
            }
        }
    }
}
