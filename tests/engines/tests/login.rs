//! Servers that let in only who logs in.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
};

use engines::{CqlCluster, KafkaCluster, kafka_answers, kafka_tool};

fn topics_as(kafka: &KafkaCluster, password: &str) -> bool {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let settings = folder.join(format!("client-{}-{password}.properties", std::process::id()));
    let login = "org.apache.kafka.common.security.scram.ScramLoginModule";
    let text = format!(
        "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-256\nssl.truststore.type=PEM\n\
         ssl.truststore.location={}\nsasl.jaas.config={login} required username=\"ada\" password=\"{password}\";\n",
        kafka.ca_pem().expect("a certificate").display()
    );
    fs::write(&settings, text).expect("settings");
    let (bootstrap, settings) = (kafka.bootstrap(), settings.display().to_string());
    let args = ["--bootstrap-server", &bootstrap, "--command-config", &settings, "--list"];
    let output = kafka_tool("org.apache.kafka.tools.TopicCommand", &args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() || said.contains("SaslAuthenticationException"), "{said}");
    output.status.success()
}

#[test]
fn kafka_lets_in_by_tls_and_password_only() {
    let kafka = KafkaCluster::with_scram("ada", "lovelace");
    assert!(topics_as(&kafka, "lovelace"));
    assert!(!topics_as(&kafka, "byron"));
    assert!(!kafka_answers(kafka.address(0)), "it answers without TLS");
}

/// One request of CQL's protocol version 4, and the opcode of its answer.
fn ask(stream: &mut TcpStream, opcode: u8, body: &[u8]) -> u8 {
    let length = u32::try_from(body.len()).expect("short");
    let request = [&[4, 0, 0, 0, opcode], &length.to_be_bytes()[..], body].concat();
    stream.write_all(&request).expect("a request");
    let mut header = [0; 9];
    stream.read_exact(&mut header).expect("an answer");
    let length = u32::from_be_bytes(header[5..].try_into().expect("four bytes"));
    let mut body = vec![0; length as usize];
    stream.read_exact(&mut body).expect("its body");
    header[4]
}

fn logs_in(address: SocketAddr, password: &str) -> bool {
    const AUTHENTICATE: u8 = 0x03;
    const AUTH_SUCCESS: u8 = 0x10;
    let mut stream = TcpStream::connect(address).expect("a connection");
    let startup = [&[0, 1, 0, 11], &b"CQL_VERSION"[..], &[0, 5], b"3.0.0"].concat();
    assert_eq!(ask(&mut stream, 0x01, &startup), AUTHENTICATE, "it asks for no password");
    let plain = format!("\0cassandra\0{password}");
    let length = u32::try_from(plain.len()).expect("short");
    ask(&mut stream, 0x0f, &[&length.to_be_bytes()[..], plain.as_bytes()].concat()) == AUTH_SUCCESS
}

#[test]
fn cassandra_lets_in_by_password_only() {
    let cql = CqlCluster::with_passwords();
    assert!(logs_in(cql.address(0), "cassandra"));
    assert!(!logs_in(cql.address(0), "byron"));
    cql.restart(0);
    assert!(logs_in(cql.address(0), "cassandra"));
}
