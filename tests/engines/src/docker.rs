//! Servers in containers, where Docker runs: its command line, as a crate for it would bring two hundred others.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    EngineError,
    guardian::Guardian,
    kafka::settings,
    net::{cql_answers, free_local_address, kafka_answers, random_hex},
};

const KAFKA: &str = "apache/kafka:4.1.1";
const SCYLLA: &str = "scylladb/scylla:2025.1.0";

/// Long enough for an image to be fetched.
const LIMIT: Duration = Duration::from_secs(600);

/// A container, and the guardian that removes it.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) address: SocketAddr,
    _guardian: Guardian,
}

/// Whether a Docker daemon answers.
pub(crate) fn answers() -> bool {
    let asked = Command::new("docker").arg("info").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// A broker with the settings of the others, and the same port inside as outside, as it also connects to itself.
pub(crate) fn kafka() -> Result<Container, EngineError> {
    let address = free_local_address();
    let port = address.port();
    let listeners = format!("PLAINTEXT://0.0.0.0:{port},CONTROLLER://127.0.0.1:9093");
    let mut text = settings(0, &["127.0.0.1:9093".to_owned()])?;
    writeln!(text, "listeners={listeners}\nadvertised.listeners=PLAINTEXT://{address}")?;
    let mut options = format!("-p {address}:{port}");
    for (key, value) in text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('=')) {
        // The image turns these variables into settings.
        write!(options, " -e 'KAFKA_{}={value}'", key.to_uppercase().replace('.', "_"))?;
    }
    run("kafka", &options, KAFKA, "", address, kafka_answers)
}

/// A ScyllaDB node.
pub(crate) fn scylla() -> Result<Container, EngineError> {
    let address = free_local_address();
    // A driver connects to the address that a node tells of itself; the container's would be that.
    let told = address.ip();
    let arguments =
        format!("--smp 1 --memory 1G --overprovisioned 1 --developer-mode 1 --broadcast-rpc-address {told}");
    run("scylla", &format!("-p {address}:9042"), SCYLLA, &arguments, address, cql_answers)
}

fn run(
    what: &str,
    options: &str,
    image: &str,
    arguments: &str,
    address: SocketAddr,
    answers: fn(SocketAddr) -> bool,
) -> Result<Container, EngineError> {
    let guardian = Guardian::new(what)?;
    let name = format!("stockfold-{what}-{}", random_hex());
    // A killed `docker run` leaves its container, and what removes that must be told to take the image's volumes along.
    // Where there is none, the daemon may be about to make it.
    let remove = format!("docker rm -f -v {name}");
    guardian.at_end(&format!("{remove} | grep -q . || {{ sleep 1; {remove}; }}"))?;
    let script = format!("exec docker run --rm --name {name} {options} {image} {arguments}\n");
    let server = guardian.start(what, &script)?;
    server.wait("", || answers(address), LIMIT)?;
    Ok(Container { address, _guardian: guardian })
}
