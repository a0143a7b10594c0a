//! A mail server as a process of our own: GreenMail, which takes mails by SMTP for everybody and shows them by POP3.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
};

use crate::{
    EngineError,
    java::{JVM, MAIL, java_bin},
    kafka::accepts,
    net::free_local_address,
    nodes::{Nodes, Ready},
};

/// It writes this when it listens.
const STARTED: &str = "Starting GreenMail standalone";

/// A mail server on ports of 127.0.0.1, in memory only. Any address has a mailbox there.
#[derive(Debug)]
pub struct MailServer {
    nodes: Nodes,
    pop3: SocketAddr,
}

/// A mailbox, as it is read.
#[derive(Debug)]
pub struct Mailbox {
    pop3: SocketAddr,
    address: String,
}

impl MailServer {
    /// Starts one and returns once it serves.
    ///
    /// # Panics
    /// Where it cannot be started; the message says why.
    #[must_use]
    pub fn start() -> Self {
        Self::try_start().unwrap_or_else(|error| panic!("no mail server to test with: {error}"))
    }

    /// As [`start`](Self::start), for who wants the error.
    pub fn try_start() -> Result<Self, EngineError> {
        let mut nodes = Nodes::new("mail", Ready { word: STARTED, answers: accepts })?;
        let (smtp, pop3) = (free_local_address(), free_local_address());
        let (java, jars) = (java_bin()?.join("java"), MAIL.folder()?);
        let script = format!(
            "exec '{}' -Xmx192m {JVM} -Dgreenmail.smtp.hostname=127.0.0.1 -Dgreenmail.smtp.port={} \
             -Dgreenmail.pop3.hostname=127.0.0.1 -Dgreenmail.pop3.port={} -Dgreenmail.auth.disabled \
             -cp '{}/*' com.icegreen.greenmail.standalone.GreenMailStandaloneRunner\n",
            java.display(),
            smtp.port(),
            pop3.port(),
            jars.display()
        );
        nodes.launch(smtp, script)?;
        nodes.wait(0)?;
        Ok(Self { nodes, pop3 })
    }

    /// Where it takes mails, `host:port`.
    #[must_use]
    pub fn smtp(&self) -> String {
        self.nodes.addresses()
    }

    /// The mailbox of an address.
    #[must_use]
    pub fn mailbox(&self, address: &str) -> Mailbox {
        Mailbox { pop3: self.pop3, address: address.to_owned() }
    }
}

impl Mailbox {
    /// All messages in it as they were taken, headers and all, the oldest first.
    ///
    /// # Panics
    /// Where the server does not give them.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        self.read().unwrap_or_else(|error| panic!("the mailbox cannot be read: {error}"))
    }

    fn read(&self) -> io::Result<Vec<String>> {
        let stream = TcpStream::connect(self.pop3)?;
        let mut session = Session { lines: BufReader::new(stream.try_clone()?), stream };
        session.line()?;
        session.ask(&format!("USER {}", self.address))?;
        session.ask("PASS any")?;
        let stat = session.ask("STAT")?;
        let count: usize = stat.split(' ').nth(1).and_then(|count| count.parse().ok()).unwrap_or_default();
        (1..=count)
            .map(|number| {
                session.ask(&format!("RETR {number}"))?;
                let mut text = String::new();
                loop {
                    let line = session.line()?;
                    if line == "." {
                        return Ok(text);
                    }
                    text.push_str(line.strip_prefix('.').unwrap_or(&line));
                    text.push('\n');
                }
            })
            .collect()
    }
}

/// A talk with the POP3 server.
struct Session {
    stream: TcpStream,
    lines: BufReader<TcpStream>,
}

impl Session {
    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    fn ask(&mut self, command: &str) -> io::Result<String> {
        self.stream.write_all(format!("{command}\r\n").as_bytes())?;
        let answer = self.line()?;
        if answer.starts_with("+OK") { Ok(answer) } else { Err(io::Error::other(answer)) }
    }
}
