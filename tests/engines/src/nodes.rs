//! The processes of one cluster, and what may happen to them.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    EngineError,
    guardian::{Guardian, Server},
};

/// Long enough for a cold start on a busy machine.
const LIMIT: Duration = Duration::from_secs(180);

/// How a kind of server tells that it serves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    /// What its log then contains.
    pub(crate) word: &'static str,
    /// And its address does.
    pub(crate) answers: fn(SocketAddr) -> bool,
}

/// The processes of one cluster, counted from 0. They end with this value or with the process that owns it.
#[derive(Debug)]
pub struct Nodes {
    nodes: Vec<Node>,
    ready: Ready,
    guardian: Guardian,
}

#[derive(Debug)]
struct Node {
    address: SocketAddr,
    script: String,
    server: Mutex<Server>,
}

impl Nodes {
    pub(crate) fn new(what: &str, ready: Ready) -> Result<Self, EngineError> {
        Ok(Self { nodes: Vec::new(), ready, guardian: Guardian::new(what)? })
    }

    /// The folder of a node to come: of its settings and its data.
    pub(crate) fn new_folder(&self, at: usize) -> Result<PathBuf, EngineError> {
        let folder = self.folder().join(format!("node-{at}"));
        std::fs::create_dir(&folder)?;
        Ok(folder)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.guardian.folder()
    }

    /// Starts the next node by a script whose last command is `exec`.
    pub(crate) fn launch(&mut self, address: SocketAddr, script: String) -> Result<(), EngineError> {
        let server = self.guardian.start(&format!("node-{}", self.nodes.len()), &script)?;
        self.nodes.push(Node { address, script, server: Mutex::new(server) });
        Ok(())
    }

    /// Waits until a node serves.
    pub(crate) fn wait(&self, at: usize) -> Result<(), EngineError> {
        self.wait_for(at, self.ready.word)
    }

    /// Waits until a node answers and has logged a word.
    pub(crate) fn wait_for(&self, at: usize, word: &str) -> Result<(), EngineError> {
        let address = self.nodes[at].address;
        self.server(at).wait(word, || (self.ready.answers)(address), LIMIT)
    }

    /// The addresses of all nodes, `host:port` with commas.
    #[must_use]
    pub fn addresses(&self) -> String {
        self.nodes.iter().map(|node| node.address.to_string()).collect::<Vec<_>>().join(",")
    }

    /// The address of one node.
    #[must_use]
    pub fn address(&self, at: usize) -> SocketAddr {
        self.nodes[at].address
    }

    /// Whether the process of every node is alive.
    #[must_use]
    pub fn are_alive(&self) -> bool {
        (0..self.nodes.len()).all(|at| !self.server(at).has_died())
    }

    /// Kills a node as kill -9 does; returns once it is gone.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn kill(&self, at: usize) {
        self.signal(at, "KILL");
    }

    /// Stops a node as a frozen machine stops: its connections stay open and nothing answers on them.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn pause(&self, at: usize) {
        self.signal(at, "STOP");
    }

    /// Lets a paused node go on.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn resume(&self, at: usize) {
        self.signal(at, "CONT");
    }

    /// Fills a node's disk: from now on it can write to no file, and no file grows. Each write fails as a whole, with `EFBIG`
    /// where a file system says `ENOSPC`; what is mapped into memory can still be written, as blocks that a file has already.
    /// The next start finds room again. Linux only.
    ///
    /// # Panics
    /// Where that cannot be set.
    pub fn fill_disk(&self, at: usize) {
        self.server(at).fill_disk().unwrap_or_else(|error| panic!("node {at}: {error}"));
    }

    /// Whether a node is there and answers.
    #[must_use]
    pub fn serves(&self, at: usize) -> bool {
        !self.server(at).has_died() && (self.ready.answers)(self.nodes[at].address)
    }

    /// Starts a node again on its address and its data, killing it first if it runs; returns once it serves.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn restart(&self, at: usize) {
        self.kill(at);
        let started = self.guardian.start(&format!("node-{at}"), &self.nodes[at].script).and_then(|server| {
            *self.nodes[at].server.lock().unwrap_or_else(PoisonError::into_inner) = server;
            self.wait(at)
        });
        started.unwrap_or_else(|error| panic!("node {at} does not come up again: {error}"));
    }

    fn signal(&self, at: usize, name: &str) {
        self.server(at).signal(name).unwrap_or_else(|error| panic!("node {at}: {error}"));
    }

    fn server(&self, at: usize) -> Server {
        self.nodes[at].server.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
