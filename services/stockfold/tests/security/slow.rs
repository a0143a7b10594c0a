//! Clients that send a byte now and then, to keep a connection for ever.

use super::engine::{Engine, engine, token};
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// How often a byte is sent.
const EVERY: Duration = Duration::from_millis(500);

/// Bytes that are sent before the server is said to wait for ever: five times as long as its limits.
const PATIENCE: usize = 400;

/// Sends `head`, then `drip` again and again until the server ends the connection; what it said before.
fn trickle(engine: &Engine, head: &str, drip: &[u8]) -> String {
    let address = engine.url.strip_prefix("http://").expect("a URL");
    let mut connection = TcpStream::connect(address).expect("a connection");
    connection.set_read_timeout(Some(EVERY)).expect("a limit");
    connection.write_all(head.as_bytes()).expect("sent");
    let (mut said, mut chunk) = (Vec::new(), [0; 4_096]);
    for _ in 0..PATIENCE {
        match connection.read(&mut chunk) {
            Ok(0) => return String::from_utf8_lossy(&said).into_owned(),
            Ok(read) => said.extend_from_slice(&chunk[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return String::from_utf8_lossy(&said).into_owned(),
        }
        // A failure shows at the next read.
        let _ = connection.write_all(drip);
    }
    panic!("after {PATIENCE} bytes the connection is still open; it said {}", String::from_utf8_lossy(&said));
}

#[test]
fn who_never_ends_a_request_loses_the_connection() {
    let (engine, operator) = (engine(), token("operator", "operator"));
    let head = "GET /livez HTTP/1.1\r\nHost: a\r\nx: ";
    let body = format!(
        "PUT /v1/items/slow HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {operator}\r\nContent-Type: application/json\r\n\
         Content-Length: 100000\r\n\r\n{{"
    );
    let lines = format!(
        "POST /v1/items:import HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {operator}\r\n\
         Content-Type: application/x-ndjson\r\nContent-Length: 100000\r\n\r\n{{}}\n{{"
    );
    std::thread::scope(|scope| {
        let heads = scope.spawn(|| trickle(&engine, head, b"y"));
        let bodies = scope.spawn(|| trickle(&engine, &body, b" "));
        let imports = scope.spawn(|| trickle(&engine, &lines, b" "));
        let said = heads.join().expect("the connection of the head ends");
        assert!(!said.contains("alive"), "{said}");
        let said = bodies.join().expect("the connection of the body ends");
        assert!(said.starts_with("HTTP/1.1 503") && said.contains("\"code\":\"outcome_unknown\""), "{said}");
        let said = imports.join().expect("the connection of the import ends");
        // The line that was whole has been answered before.
        assert!(said.contains("\"line\":1") && said.contains("\"code\":\"line_too_slow\""), "{said}");
    });
    engine.assert_unharmed();
}
