//! Splits a stream of bytes into lines. Sans-IO; what sends a file uses it too, so that both count alike.

/// The most bytes of a line.
pub const MAX_LINE: usize = 64 * 1_024;

/// A line, or the part of one that is too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Its bytes, without the end of line.
    Whole(Vec<u8>),
    /// It has more than [`MAX_LINE`] bytes.
    TooLong {
        /// Its first [`MAX_LINE`] bytes.
        beginning: Vec<u8>,
        /// How many bytes it has.
        bytes: u64,
    },
}

impl Line {
    /// Whether there is nothing in it: it is counted, and nothing else.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.iter().all(u8::is_ascii_whitespace),
            Self::TooLong { .. } => false,
        }
    }
}

/// Collects bytes until they are a line.
///
/// In CSV a line break inside of quotes does not end a record: a record is whole when its quotes are paired.
#[derive(Debug)]
pub struct Splitter {
    quoted: bool,
    /// The first bytes of the line.
    buffer: Vec<u8>,
    /// All of its bytes so far.
    bytes: u64,
    place: Place,
}

/// Where in a CSV record the next byte stands. A quote opens a cell only at its beginning: in `19" rack` it is a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    CellStart,
    Bare,
    Quoted,
    /// Behind a quote in a quoted cell: the next byte tells whether it closed the cell.
    Closing,
}

impl Place {
    const fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::CellStart | Self::Closing, b'"') => Self::Quoted,
            (Self::Quoted, b'"') => Self::Closing,
            (Self::Quoted, _) => Self::Quoted,
            (Self::CellStart | Self::Bare | Self::Closing, b',' | b'\n') => Self::CellStart,
            (Self::CellStart | Self::Bare | Self::Closing, _) => Self::Bare,
        }
    }
}

impl Splitter {
    /// Of NDJSON, or of CSV with its quotes.
    #[must_use]
    pub fn new(quoted: bool) -> Self {
        Self { quoted, buffer: Vec::new(), bytes: 0, place: Place::CellStart }
    }

    /// Takes bytes; gives the lines that they complete to `each`.
    pub fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(Line)) {
        while let Some(end) = self.next_end(bytes) {
            self.keep(&bytes[..end]);
            bytes = &bytes[end + 1..];
            each(self.take());
        }
        self.keep(bytes);
    }

    /// The last line, where the stream did not end with a line break.
    pub fn finish(&mut self) -> Option<Line> {
        if self.bytes == 0 { None } else { Some(self.take()) }
    }

    /// Where the line ends in `bytes`; follows the quotes up to there.
    fn next_end(&mut self, bytes: &[u8]) -> Option<usize> {
        if !self.quoted {
            return bytes.iter().position(|byte| *byte == b'\n');
        }
        for (i, byte) in bytes.iter().enumerate() {
            // A quote that is never closed takes one record with it, not the rest of the file.
            let endless = self.bytes + i as u64 > MAX_LINE as u64;
            if *byte == b'\n' && (self.place != Place::Quoted || endless) {
                self.place = Place::CellStart;
                return Some(i);
            }
            self.place = self.place.after(*byte);
        }
        None
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_LINE - self.buffer.len();
        self.buffer.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.bytes += bytes.len() as u64;
    }

    fn take(&mut self) -> Line {
        let mut line = std::mem::take(&mut self.buffer);
        let bytes = std::mem::take(&mut self.bytes);
        if bytes > line.len() as u64 {
            return Line::TooLong { beginning: line, bytes };
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Line::Whole(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(quoted: bool, chunks: &[&[u8]]) -> Vec<Line> {
        let mut splitter = Splitter::new(quoted);
        let mut lines = Vec::new();
        for chunk in chunks {
            splitter.push(chunk, |line| lines.push(line));
        }
        lines.extend(splitter.finish());
        lines
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_are_put_together_over_chunks() {
        let lines = split(false, &[b"{\"a\"", b":1}\r\n{\"b\":2}\n", b"{\"c\":3}"]);
        assert_eq!(lines, [whole("{\"a\":1}"), whole("{\"b\":2}"), whole("{\"c\":3}")]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_alone() {
        let long = vec![b'x'; MAX_LINE];
        let lines = split(false, &[b"a\n", &long, b"x\nb\n"]);
        let too_long = Line::TooLong { beginning: long.clone(), bytes: MAX_LINE as u64 + 1 };
        assert_eq!(lines, [whole("a"), too_long, whole("b")]);
        assert_eq!(split(false, &[&long]), [Line::Whole(long.clone())]);
    }

    #[test]
    fn a_line_break_in_quotes_does_not_end_a_csv_record() {
        let lines = split(true, &[b"a,\"one\nt", b"wo\"\nb,\"say \"\"hi\"\"\"\n"]);
        assert_eq!(lines, [whole("a,\"one\ntwo\""), whole("b,\"say \"\"hi\"\"\"")]);
    }

    #[test]
    fn a_quote_inside_of_a_csv_cell_is_a_letter() {
        let lines = split(true, &[b"a,19\" rack\nb,\"x\"\" ,\n\"\nc\n"]);
        assert_eq!(lines, [whole("a,19\" rack"), whole("b,\"x\"\" ,\n\""), whole("c")]);
    }

    #[test]
    fn a_quote_that_is_never_closed_takes_one_csv_record_with_it() {
        let long = b"x,y\n".repeat(MAX_LINE / 4);
        let lines = split(true, &[b"a,\"open\n", &long, b"more\nb,c\n"]);
        assert!(matches!(lines[0], Line::TooLong { .. }), "{:?}", lines[0]);
        assert_eq!(lines.last(), Some(&whole("b,c")));
    }
}
