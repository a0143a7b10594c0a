//! Something between a store and its node that can hang or be gone.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

/// A way to the node over another port of its address: a driver takes the other nodes' addresses from them, and their port from
/// the first. So there must be one node, and it must be on this machine.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    node: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// So many bytes still pass to the node before the way hangs, in both directions; `None`: all do.
    passing: Option<usize>,
    gone: bool,
    connections: Vec<TcpStream>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }
}

impl Proxy {
    pub fn to(node: &str) -> Self {
        let node: SocketAddr = node.parse().expect("an address");
        let listener = TcpListener::bind((node.ip(), 0)).expect("the node is on this machine");
        let address = listener.local_addr().expect("it listens");
        let state = Mutex::new(State { passing: None, gone: false, connections: Vec::new() });
        let shared = Arc::new(Shared { node, state, changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                accepting.connect(client);
            }
        });
        Self { address, shared }
    }

    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Hangs, once so many more bytes have passed to the node.
    pub fn hang_after(&self, bytes: usize) {
        self.shared.state().passing = Some(bytes);
    }

    /// Breaks all connections and takes no new ones.
    pub fn go(&self) {
        let mut state = self.shared.state();
        state.gone = true;
        for connection in state.connections.drain(..) {
            _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Works again. What was on its way arrives.
    pub fn come_back(&self) {
        let mut state = self.shared.state();
        (state.passing, state.gone) = (None, false);
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn connect(self: &Arc<Self>, client: TcpStream) {
        if self.state().gone {
            return;
        }
        let Ok(node) = TcpStream::connect(self.node) else { return };
        let clone = |stream: &TcpStream| stream.try_clone().expect("a handle");
        self.state().connections.extend([clone(&client), clone(&node)]);
        for (from, to, counts) in [(clone(&client), clone(&node), true), (node, client, false)] {
            let shared = Arc::clone(self);
            std::thread::spawn(move || shared.copy(from, to, counts));
        }
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream, counts: bool) {
        let mut buffer = [0; 4_096];
        loop {
            let read = from.read(&mut buffer).unwrap_or(0);
            if read == 0 {
                _ = to.shutdown(Shutdown::Both);
                return;
            }
            let mut state = self.state();
            while state.passing == Some(0) {
                state = self.changed.wait(state).expect("nobody panics with it");
            }
            if counts && let Some(passing) = &mut state.passing {
                *passing = passing.saturating_sub(read);
            }
            drop(state);
            if to.write_all(&buffer[..read]).is_err() {
                return;
            }
        }
    }
}
