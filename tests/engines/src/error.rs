//! Why there is no server to test against.

use std::{io, time::Duration};

/// Why there is no server to test against.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A program is not installed.
    #[error(
        "tests against real servers need {what}: run scripts/setup test, or apt-get install {package}; \
         or start Docker, or name running servers in KAFKA_BROKERS and SCYLLA_NODES"
    )]
    Missing {
        /// The program.
        what: &'static str,
        /// Debian's package of it.
        package: &'static str,
    },
    /// Maven could not fetch the jars of a server.
    #[error("Maven could not fetch {name} (is Maven Central reachable?):\n{said}")]
    Fetch {
        /// The server.
        name: &'static str,
        /// What Maven printed.
        said: String,
    },
    /// pip could not install packages.
    #[error("pip could not install what Python needs (is PyPI reachable?):\n{said}")]
    Install {
        /// What pip printed.
        said: String,
    },
    /// A server did not come up.
    #[error("no server after {waited:?}; from its log:\n{said}")]
    NotReady {
        /// How long it was waited for.
        waited: Duration,
        /// Lines of its log: errors, and the last ones.
        said: String,
    },
    /// The servers that an environment variable names cannot be reached.
    #[error("{variable} names {address}, where no such server answered within {waited:?}")]
    Unreachable {
        /// `KAFKA_BROKERS` or `SCYLLA_NODES`.
        variable: &'static str,
        /// The address that was tried last.
        address: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// A signal could not be sent.
    #[error("cannot send SIG{name} to process {pid}")]
    Signal {
        /// The server's process id.
        pid: u32,
        /// The signal.
        name: String,
    },
    /// A command of Docker or of Java's tools failed.
    #[error("`{command}` failed:\n{said}")]
    Command {
        /// What was run.
        command: String,
        /// What it printed.
        said: String,
    },
    /// The shell that watches over the servers is gone.
    #[error("the shell that watches over the servers is gone")]
    GuardianLost,
    /// Files and pipes.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Settings could not be written.
    #[error(transparent)]
    Settings(#[from] std::fmt::Error),
}
