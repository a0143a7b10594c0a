//! Reads the retail file: plain or gzip, bounded, one typed row a line.

use anyhow::{Context, Result, bail, ensure};
use chrono::NaiveDateTime;
use flate2::read::GzDecoder;
use std::{
    fs::File,
    io::{BufReader, Read, Seek},
    path::Path,
};

/// Millionths of a pound in a penny.
const MICROS_PER_PENNY: i64 = 10_000;
/// Decompressed bytes that are read at most: a small file can unpack to a very large one.
const MAX_BYTES: u64 = 1 << 30;
/// Rows that are read at most.
const MAX_ROWS: usize = 5_000_000;
/// The columns, in the order in which [`Row`] wants them.
const COLUMNS: [&str; 8] =
    ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"];

/// One line of the file, as it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place in the file, from 1; the header does not count.
    pub number: u64,
    /// The invoice; a leading `C` makes it a cancellation.
    pub invoice: String,
    /// The stock code.
    pub code: String,
    /// What was written about it; may be empty.
    pub description: String,
    /// Units; negative in cancellations and corrections.
    pub quantity: i64,
    /// When, on a clock in London.
    pub local_time: NaiveDateTime,
    /// Millionths of a pound: the file has prices below a penny.
    pub price_micros: i64,
    /// Who; none = a guest.
    pub customer: Option<String>,
    /// Where the customer lives.
    pub country: String,
}

impl Row {
    /// The price in whole pence; none where it is a fraction of one.
    pub fn pence(&self) -> Option<i64> {
        (self.price_micros % MICROS_PER_PENNY == 0).then_some(self.price_micros / MICROS_PER_PENNY)
    }
}

/// Reads all rows of `path`, which may be gzip (told by its first bytes, not its name).
///
/// Errors name the row: a file that is not this data set is refused, not guessed at.
pub fn read(path: &Path) -> Result<Vec<Row>> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut magic = [0_u8; 2];
    let known = file.read(&mut magic)?;
    file.rewind()?;
    let file = BufReader::new(file);
    let rows = if known == 2 && magic == [0x1f, 0x8b] { parse(GzDecoder::new(file)) } else { parse(file) };
    rows.with_context(|| format!("cannot read {}", path.display()))
}

/// Reads all rows of a CSV text.
pub fn parse(input: impl Read) -> Result<Vec<Row>> {
    // One byte more than allowed, so that a file of exactly the limit is not mistaken for a longer one.
    let mut reader = csv::Reader::from_reader(input.take(MAX_BYTES + 1));
    let columns = columns(&mut reader)?;
    let mut rows = Vec::new();
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        ensure!(reader.position().byte() <= MAX_BYTES, "more than {MAX_BYTES} bytes");
        ensure!(rows.len() < MAX_ROWS, "more than {MAX_ROWS} rows");
        let number = rows.len() as u64 + 1;
        let row = row(number, &record, &columns).with_context(|| format!("row {number}"))?;
        rows.push(row);
    }
    Ok(rows)
}

fn columns(reader: &mut csv::Reader<impl Read>) -> Result<[usize; 8]> {
    let header = reader.byte_headers()?.clone();
    let mut columns = [0; 8];
    for (column, name) in columns.iter_mut().zip(COLUMNS) {
        let found = header.iter().position(|field| field.trim_ascii() == name.as_bytes());
        *column = found.with_context(|| format!("no column {name} in the header"))?;
    }
    Ok(columns)
}

fn row(number: u64, record: &csv::ByteRecord, columns: &[usize; 8]) -> Result<Row> {
    let text = |column: usize| String::from_utf8_lossy(&record[columns[column]]).trim().to_owned();
    let customer = text(6);
    let row = Row {
        number,
        invoice: text(0),
        code: text(1),
        description: text(2),
        quantity: text(3).parse().context("Quantity is not a whole number")?,
        local_time: local_time(&text(4))?,
        price_micros: price_micros(&text(5))?,
        customer: (!customer.is_empty()).then_some(customer),
        country: text(7),
    };
    ensure!(!row.invoice.is_empty(), "InvoiceNo is empty");
    ensure!(!row.code.is_empty(), "StockCode is empty");
    // Far from the ends of i64, so that no product of quantity and price can overflow.
    ensure!(row.quantity.abs() <= 1_000_000_000, "Quantity is out of range");
    Ok(row)
}

fn local_time(text: &str) -> Result<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M"))
        .with_context(|| format!("InvoiceDate {text:?} is not a time"))
}

/// `-2.55` → −2,550,000. Read digit by digit: a float would lose pennies.
fn price_micros(text: &str) -> Result<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (pounds, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if pounds.is_empty() || !plain(pounds) || !plain(fraction) || pounds.len() > 7 || fraction.len() > 6 {
        bail!("UnitPrice {text:?} is not a price");
    }
    let micros: i64 = format!("{pounds}{fraction:0<6}").parse()?;
    Ok(if negative { -micros } else { micros })
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Rows from lines without the header; the form in which all tests of the replay write their data.
    pub fn rows(lines: &str) -> Vec<Row> {
        parse(format!("{}\n{}", COLUMNS.join(","), lines.trim()).as_bytes()).expect("rows")
    }

    #[test]
    fn reads_a_row() {
        let rows = rows("C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,14527,United Kingdom");
        assert_eq!((rows[0].quantity, rows[0].pence()), (-1, Some(2_750)));
        assert_eq!(rows[0].customer.as_deref(), Some("14527"));
    }

    #[test]
    fn has_no_customer_for_a_guest() {
        assert_eq!(rows("1,22423,X,1,2010-12-01 09:41:00,0,,UK")[0].customer, None);
    }

    #[test]
    fn has_no_pence_below_a_penny() {
        let rows = rows("1,PADS,X,1,2010-12-01 09:41:00,0.001,,UK\n1,B,X,1,2010-12-01 09:41:00,-11062.06,,UK");
        assert_eq!((rows[0].pence(), rows[0].price_micros), (None, 1_000));
        assert_eq!(rows[1].pence(), Some(-1_106_206));
    }

    #[test]
    fn refuses_what_is_not_the_data_set() {
        assert!(parse(&b"a,b\n1,2\n"[..]).is_err());
        for broken in
            ["1,X,X,1.5,2010-12-01 09:41,1,,UK", "1,X,X,1,yesterday,1,,UK", "1,X,X,1,2010-12-01 09:41,1e3,,UK"]
        {
            let text = format!("{}\n{broken}", COLUMNS.join(","));
            assert!(format!("{:#}", parse(text.as_bytes()).expect_err("broken")).contains("row 1"), "{broken}");
        }
    }
}
