//! Ports, random names, and the question whether a server answers.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// An `ApiVersions` request, version 0, without a client id: any broker answers it, before authentication too.
const API_VERSIONS: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];

/// An `OPTIONS` request of CQL's protocol version 4: any node answers it, before authentication too.
const OPTIONS: [u8; 9] = [4, 0, 0, 0, 5, 0, 0, 0, 0];

/// Random enough for names and ports of tests.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Sixteen hexadecimal digits that nobody else draws.
pub(crate) fn random_hex() -> String {
    format!("{:016x}", random())
}

/// A port that is free on all of these addresses.
///
/// It lies below the ephemeral range: a client that keeps connecting to a stopped server there may be given the very
/// port it dials as its own, connect to itself and so keep the server from starting again.
pub(crate) fn free_port(addresses: &[IpAddr]) -> u16 {
    // Counted on, not drawn anew: nobody listens yet on those that were just given out.
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(random() % 20_000));
    loop {
        let port = 12_000 + u16::try_from(NEXT.fetch_add(1, Ordering::Relaxed) % 20_000).unwrap_or_default();
        if addresses.iter().all(|address| TcpListener::bind((*address, port)).is_ok()) {
            return port;
        }
    }
}

/// A free port of 127.0.0.1.
pub(crate) fn free_local_address() -> SocketAddr {
    let local = Ipv4Addr::LOCALHOST;
    SocketAddr::from((local, free_port(&[local.into()])))
}

/// Whether a Kafka broker with a listener without TLS answers at this address within a second.
#[must_use]
pub fn kafka_answers(address: SocketAddr) -> bool {
    asked(address, &API_VERSIONS) == Some(0)
}

/// Whether a CQL node without TLS answers at this address within a second.
#[must_use]
pub fn cql_answers(address: SocketAddr) -> bool {
    asked(address, &OPTIONS) == Some(0x84)
}

/// The first byte of the answer to a request.
fn asked(address: SocketAddr, request: &[u8]) -> Option<u8> {
    let second = Some(Duration::from_secs(1));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(second).ok()?;
    stream.set_write_timeout(second).ok()?;
    stream.write_all(request).ok()?;
    let mut first = [0];
    stream.read_exact(&mut first).ok()?;
    Some(first[0])
}
