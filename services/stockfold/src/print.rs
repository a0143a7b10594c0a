//! What goes to stdout.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

/// Prints a line. A reader that has seen enough (`| head`) is no error.
pub fn line(text: impl Display) -> io::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
