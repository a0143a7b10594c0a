//! A door to an engine that keeps its address when the engine gets another one, and that can be shut in the middle of a request.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Notify,
};

/// What happens in the middle of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// All of it passes.
    Never,
    /// It is cut once so many bytes of answers have passed.
    Cut(u64),
    /// After so many bytes of requests no more of them pass, until another rule is set.
    Hold(u64),
}

struct Shared {
    to: Mutex<String>,
    after: Mutex<After>,
    changed: Notify,
    connections: AtomicU64,
}

/// The door.
#[derive(Clone)]
pub struct Relay {
    shared: Arc<Shared>,
    /// Where it is, `http://…`.
    pub url: String,
}

impl Relay {
    /// To the engine at that URL.
    pub async fn open(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let shared = Arc::new(Shared {
            to: Mutex::new(to.to_owned()),
            after: Mutex::new(After::Never),
            changed: Notify::new(),
            connections: AtomicU64::new(0),
        });
        let door = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                door.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(pass(Arc::clone(&door), client));
            }
        });
        Self { shared, url }
    }

    /// To another engine from the next connection on.
    pub fn lead_to(&self, to: &str) {
        to.clone_into(&mut self.shared.to.lock().expect("not poisoned"));
    }

    /// Sets the rule, for open connections too.
    pub fn set(&self, after: After) {
        *self.shared.after.lock().expect("not poisoned") = after;
        self.shared.changed.notify_waiters();
    }

    /// How many connections there were.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

async fn pass(shared: Arc<Shared>, client: TcpStream) {
    let to = shared.to.lock().expect("not poisoned").trim_start_matches("http://").to_owned();
    let Ok(engine) = TcpStream::connect(to).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_engine, mut to_engine) = engine.into_split();
    let upwards = async {
        let is_shut = |rule: After, passed: u64| matches!(rule, After::Hold(most) if passed >= most);
        copy(&shared, &mut from_client, &mut to_engine, is_shut, |_, _| false).await;
        // The client has said all: what the engine answers still passes.
        std::future::pending().await
    };
    let is_cut = |rule: After, passed: u64| matches!(rule, After::Cut(most) if passed >= most);
    let downwards = copy(&shared, &mut from_engine, &mut to_client, |_, _| false, is_cut);
    tokio::select! {
        () = upwards => {}
        () = downwards => {}
    }
}

/// Copies until an end, or until it is cut; not while it is shut.
async fn copy(
    shared: &Shared,
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    is_shut: impl Fn(After, u64) -> bool,
    is_cut: impl Fn(After, u64) -> bool,
) {
    let (mut passed, mut bytes) = (0, vec![0; 4_096]);
    loop {
        let changed = shared.changed.notified();
        let rule = *shared.after.lock().expect("not poisoned");
        if is_cut(rule, passed) {
            return;
        }
        tokio::select! {
            read = from.read(&mut bytes), if !is_shut(rule, passed) => {
                let Ok(count @ 1..) = read else { return };
                passed += count as u64;
                if to.write_all(&bytes[..count]).await.is_err() {
                    return;
                }
            }
            () = changed => {}
        }
    }
}
