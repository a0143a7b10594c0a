//! The HTTP server: HTTP/1.1, bounded in connections and in the time that a head may take.

use crate::stall::Stalling;
use anyhow::{Context as _, Result, anyhow};
use axum::{Router, extract::ConnectInfo};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::{JoinHandle, JoinSet},
};
use tower::ServiceExt as _;

/// Connections that may be open at once besides live streams; more wait to be accepted.
const MAX_CONNECTIONS: usize = 8_192;
/// File descriptors for all that is not a connection: the log, the views, a cluster.
const OTHER_FILES: u64 = 1_024;
/// How long a client may take nothing of an answer.
const STALL_LIMIT: Duration = Duration::from_secs(60);
/// How long a client may take to send the head of a request, and an idle connection stays open.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes of a request's head.
const MAX_HEAD: usize = 64 * 1024;

/// How long open requests may take once the engine is told to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// The server, from when it has its port until it has stopped. Must be made and stopped inside of a runtime.
pub struct Server {
    base_url: String,
    routes: watch::Sender<Router>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Takes the port and serves `routes`, until others are shown, with so many live streams besides all else.
    pub async fn listen(address: SocketAddr, routes: Router, streams: usize) -> Result<Self> {
        let connections = MAX_CONNECTIONS + streams;
        raise_file_limit(connections);
        let listener = TcpListener::bind(address).await.map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => {
                anyhow!("port {} is taken: stop what listens there or choose --port", address.port())
            }
            _ => anyhow!(error).context(format!("cannot listen on {address}: choose --bind or --port")),
        })?;
        let base_url = format!("http://{}", listener.local_addr().context("the address listened on")?);
        let (routes, shown) = watch::channel(routes);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(serve(listener, shown, stopped, connections));
        Ok(Self { base_url, routes, stop, task })
    }

    /// Where it listens, `http://address:port`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Turns true when the server is told to stop.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Serves other routes from the next request on, also to those who are connected already.
    pub fn show(&self, routes: Router) {
        drop(self.routes.send_replace(routes));
    }

    /// Takes no more connections, and lets open requests finish for a while.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        if self.task.await.is_err() {
            tracing::warn!("the HTTP server ended with a panic");
        }
    }
}

/// Lets this process have as many files open as connections may come, as far as the system allows.
fn raise_file_limit(connections: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = connections as u64 + OTHER_FILES;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // None is no limit.
    let Some(current) = current.filter(|current| *current < wanted) else { return };
    let possible = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(possible), maximum });
    let now = if raised.is_ok() { possible } else { current };
    if now < wanted {
        tracing::warn!(limit = now, wanted, "fewer files may be open than connections may come: raise `ulimit -n`");
    }
}

/// Serves the routes that are shown until `stop` turns true, then lets open requests finish for a while.
async fn serve(listener: TcpListener, routes: watch::Receiver<Router>, mut stop: watch::Receiver<bool>, most: usize) {
    let permits = Arc::new(Semaphore::new(most));
    let mut connections = JoinSet::new();
    loop {
        // With every connection taken, the end of the engine must be heard all the same.
        let permit = tokio::select! {
            permit = Arc::clone(&permits).acquire_owned() => permit,
            () = told(&mut stop) => break,
        };
        let Ok(permit) = permit else { break };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let (routes, stop) = (routes.clone(), stop.clone());
                    connections.spawn(async move {
                        connection(stream, peer, routes, stop).await;
                        drop(permit);
                    });
                }
                // Out of file descriptors, or a connection that died before it was accepted: the next may do better.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            () = told(&mut stop) => break,
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let finished = tokio::time::timeout(DRAIN_LIMIT, async { while connections.join_next().await.is_some() {} }).await;
    if finished.is_err() {
        tracing::warn!(open = connections.len(), "connections were still open at the end of the drain");
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    routes: watch::Receiver<Router>,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let service = tower::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let routes = routes.borrow().clone();
        routes.oneshot(request)
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(Stalling::new(stream, STALL_LIMIT)), TowerToHyperService::new(service))
        .with_upgrades();
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = told(&mut stop) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Ends when `stop` is true, or nobody can say so any more.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopping| *stopping).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// Asks on an open connection; the text of the whole answer, which has a body of one letter.
    async fn ask(connection: &mut TcpStream) -> String {
        connection.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
        let mut answer = Vec::new();
        while !answer.windows(5).any(|tail| tail.starts_with(b"\r\n\r\n")) {
            assert!(connection.read_buf(&mut answer).await.expect("an answer") > 0, "the connection stays open");
        }
        String::from_utf8(answer).expect("text")
    }

    #[tokio::test]
    async fn who_is_connected_already_is_served_what_is_shown_later() {
        let one = |letter: &'static str| Router::new().route("/", get(move || async move { letter }));
        let server = Server::listen(([127, 0, 0, 1], 0).into(), one("a"), 0).await.expect("a free port");
        let address = server.base_url().trim_start_matches("http://").to_owned();
        let mut connection = TcpStream::connect(&address).await.expect("connected");
        assert!(ask(&mut connection).await.ends_with("\r\n\r\na"));
        server.show(one("b"));
        assert!(ask(&mut connection).await.ends_with("\r\n\r\nb"));
        server.stop().await;
        assert!(TcpStream::connect(&address).await.is_err());
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = taken.local_addr().expect("bound");
        let refused = Server::listen(address, Router::new(), 0).await.err().expect("refused").to_string();
        assert_eq!(refused, format!("port {} is taken: stop what listens there or choose --port", address.port()));
    }
}
