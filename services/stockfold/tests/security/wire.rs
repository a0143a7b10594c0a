//! Bytes on the connection that are no request, or one that two readers may understand differently.

use super::engine::{Ask, Engine, engine, token};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// Sends bytes on a connection of their own; whatever came back until the server closed it.
fn exchange(engine: &Engine, bytes: &[u8]) -> String {
    let address = engine.url.strip_prefix("http://").expect("a URL");
    let mut connection = TcpStream::connect(address).expect("a connection");
    connection.set_read_timeout(Some(Duration::from_secs(120))).expect("a limit");
    // It may be closed before all was sent, and what was unread resets it.
    let _ = connection.write_all(bytes);
    let (mut answer, mut chunk) = (Vec::new(), [0; 4_096]);
    loop {
        match connection.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("the connection was not closed: {error}; {}", String::from_utf8_lossy(&answer)),
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The statuses of all answers in what came back.
fn statuses(answer: &str) -> Vec<u16> {
    let starts = answer.match_indices("HTTP/1.").filter_map(|(at, _)| answer.get(at + 9..at + 12)?.parse().ok());
    starts.collect()
}

/// What each of these is answered: one refusal, and the connection is closed.
fn refused(engine: &Engine, what: &str, bytes: &[u8], status: u16) {
    let answer = exchange(engine, bytes);
    assert_eq!(statuses(&answer), [status], "{what}: {answer}");
    assert!(answer.to_lowercase().contains("connection: close") || status == 401, "{what}: {answer}");
}

#[test]
fn what_is_no_request_is_refused_and_the_connection_closed() {
    let engine = engine();
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    let large = "y".repeat(130_000);
    let get = |rest: &str| format!("GET /livez HTTP/1.1\r\nHost: a\r\n{rest}\r\n").into_bytes();
    let cases: [(&str, Vec<u8>, u16); 11] = [
        ("many headers", get(&many), 431),
        ("a large head", get(&format!("x: {large}\r\n")), 431),
        ("no version", b"GET /livez\r\n\r\n".to_vec(), 400),
        ("an unknown version", b"GET /livez HTTP/3.7\r\nHost: a\r\n\r\n".to_vec(), 400),
        ("a space before the colon", b"GET /livez HTTP/1.1\r\nHost : a\r\n\r\n".to_vec(), 400),
        ("a folded header", get(" folded: x\r\n"), 400),
        ("NUL in a header", get("x: a\0b\r\n"), 400),
        ("a line break in a header", get("x: a\rb\r\n"), 400),
        ("lines that end with CR alone", b"GET /livez HTTP/1.1\rHost: a\r\r\n\r\n".to_vec(), 400),
        ("TLS", [&[22, 3, 1, 0, 165, 1, 0, 0, 161, 3, 3][..], &[0; 160]].concat(), 400),
        ("noise", [&[255; 300][..], b"\r\n\r\n"].concat(), 400),
    ];
    for (what, bytes, status) in cases {
        refused(&engine, what, &bytes, status);
    }
    // Either limit, of the path or of the head, may be met first.
    let long = exchange(&engine, format!("GET /{large} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
    assert!(matches!(statuses(&long)[..], [414] | [431]), "{long}");
    assert_eq!(statuses(&exchange(&engine, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")), Vec::<u16>::new());
    engine.assert_unharmed();
}

#[test]
fn no_request_is_smuggled_in_the_body_of_another() {
    let engine = engine();
    let cases = [
        ("two lengths", "Content-Length: 0\r\nContent-Length: 6\r\n"),
        ("a list of lengths", "Content-Length: 0, 6\r\n"),
        ("a length with a sign", "Content-Length: +5\r\n"),
        ("a length below zero", "Content-Length: -1\r\n"),
        ("an unknown coding", "Transfer-Encoding: xchunked\r\n"),
        ("chunked, and not last", "Transfer-Encoding: chunked, identity\r\n"),
    ];
    let second = "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for (what, framing) in cases {
        let bytes = format!("POST /v1/orders HTTP/1.1\r\nHost: a\r\n{framing}\r\n0\r\n\r\n{second}");
        refused(&engine, what, bytes.as_bytes(), 400);
    }
    let old = format!("POST /v1/orders HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{second}");
    refused(&engine, "chunked in HTTP/1.0", old.as_bytes(), 400);
    // One reader takes the length, another the chunks: after such a request nothing more is read.
    let both = "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n";
    let bytes = format!("POST /v1/orders HTTP/1.1\r\nHost: a\r\n{both}\r\n0\r\n\r\n{second}");
    refused(&engine, "a length and chunks", bytes.as_bytes(), 401);
    engine.assert_unharmed();
}

#[test]
fn requests_of_other_shapes_are_served_or_refused_as_any_other() {
    let engine = engine();
    let close = "Host: a\r\nConnection: close\r\n\r\n";
    let status = |line: &str| statuses(&exchange(&engine, format!("{line}\r\n{close}").as_bytes()));
    assert_eq!(statuses(&exchange(&engine, b"GET /livez HTTP/1.0\r\n\r\n")), [200]);
    assert_eq!(statuses(&exchange(&engine, b"GET /v1/orders HTTP/1.0\r\n\r\n")), [401]);
    // Whatever host it names, it is asked of this one: nothing is fetched from elsewhere.
    assert_eq!(status("GET http://evil.example/livez HTTP/1.1"), [200]);
    assert_eq!(status("GET http://evil.example/v1/orders HTTP/1.1"), [401]);
    assert_eq!(status("GET http://a:b@evil.example/v1/nowhere HTTP/1.1"), [404]);
    assert_eq!(status("CONNECT evil.example:443 HTTP/1.1"), [404]);
    assert_eq!(status("OPTIONS * HTTP/1.1"), [404]);
    assert_eq!(status("TRACE /v1/items HTTP/1.1"), [405]);
    let garbage = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n\0\x01\x02 garbage\r\n\r\nGET /livez HTTP/1.1\r\n\r\n";
    let answer = exchange(&engine, garbage);
    assert!(matches!(statuses(&answer)[..], [200] | [200, 400]), "{answer}");
    engine.assert_unharmed();
}

#[test]
fn a_body_that_is_too_large_or_too_deep_is_refused() {
    let (engine, operator) = (engine(), token("operator", "operator"));
    let put =
        |body: Vec<u8>| engine.send(&Ask::new("PUT", "/v1/items/big").by(&operator).body("application/json", body));
    let deep = ["[".repeat(100_000), "{\"a\":".repeat(100_000), format!("{{\"name\":{}", "[{\"a\":".repeat(50_000))];
    for body in deep {
        let answer = put(body.into_bytes());
        assert_eq!((answer.status, answer.code()), (400, "invalid_json"), "{answer:?}");
    }
    let answer = put(format!("{{\"name\":\"{}\"}}", "x".repeat(2 << 20)).into_bytes());
    assert_eq!((answer.status, answer.code()), (413, "body_too_large"), "{answer:?}");
    // Without a length the bytes are counted as they come.
    let (head, size) =
        (format!("PUT /v1/items/big HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {operator}\r\n"), 1 << 16);
    let chunk = format!("{size:x}\r\n{}\r\n", " ".repeat(size));
    let kind = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let answer = exchange(&engine, format!("{head}{kind}{}0\r\n\r\n", chunk.repeat(32)).as_bytes());
    assert_eq!(statuses(&answer), [413], "{answer}");
    engine.assert_unharmed();
}

/// A client that reads only when it has sent everything, as most do. A reset would take the answer from it.
#[test]
fn who_sends_more_than_is_wanted_sees_why_it_is_refused() {
    let (engine, operator) = (engine(), token("operator", "operator"));
    let size = 3 << 20;
    let cases = [
        ("too large", format!("Authorization: Bearer {operator}\r\n"), 413),
        ("without a token", String::new(), 401),
        ("with a wrong token", "Authorization: Bearer x.y.z\r\n".to_owned(), 401),
    ];
    for (what, authorization, status) in cases {
        let head =
            format!("PUT /v1/items/big HTTP/1.1\r\nHost: a\r\n{authorization}Content-Type: application/json\r\n");
        let mut connection = TcpStream::connect(engine.url.strip_prefix("http://").expect("a URL")).expect("connects");
        connection.set_read_timeout(Some(Duration::from_secs(120))).expect("a limit");
        let head = format!("{head}Content-Length: {size}\r\nConnection: close\r\n\r\n");
        connection.write_all(head.as_bytes()).expect("the head is taken");
        for _ in 0..48 {
            connection.write_all(&vec![b' '; size / 48]).unwrap_or_else(|error| panic!("{what}: {error}"));
            std::thread::sleep(Duration::from_millis(2));
        }
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(statuses(&answer), [status], "{what}: {answer}");
    }
    engine.assert_unharmed();
}

#[test]
fn a_compressed_body_is_not_unpacked() {
    let (engine, operator) = (engine(), token("operator", "operator"));
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    (0..64).for_each(|_| packer.write_all(&[b'['; 1 << 20]).expect("memory takes it"));
    let bomb = packer.finish().expect("packed");
    assert!(bomb.len() < 1 << 17, "{} bytes that are 64 MiB", bomb.len());
    let ask = |method: &str, path: &str| {
        Ask::new(method, path).by(&operator).header("content-encoding", "gzip").header("idempotency-key", "bomb")
    };
    let answer = engine.send(&ask("PUT", "/v1/items/big").body("application/json", bomb.clone()));
    assert_eq!((answer.status, answer.fault()), (400, None), "{answer:?}");
    let answer = engine.send(&ask("POST", "/v1/items:import").body("application/x-ndjson", bomb));
    let lines: Vec<serde_json::Value> = match answer.body.as_str() {
        Some(text) => text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect(),
        None => vec![answer.body.clone()],
    };
    assert!(!lines.is_empty() && lines.iter().all(|line| line["status"] == 400), "{lines:?}");
    engine.assert_unharmed();
}
