//! Servers that the environment names.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    time::{Duration, Instant},
};

use crate::EngineError;

const LIMIT: Duration = Duration::from_secs(60);

/// The addresses that a variable names, `host:port` with commas, once all of them answer; nothing if it is not set.
pub(crate) fn servers(
    variable: &'static str,
    default_port: u16,
    answers: fn(SocketAddr) -> bool,
) -> Result<Option<String>, EngineError> {
    match std::env::var(variable) {
        Ok(named) if !named.trim().is_empty() => wait(variable, &named, default_port, answers, LIMIT).map(Some),
        _ => Ok(None),
    }
}

fn wait(
    variable: &'static str,
    named: &str,
    default_port: u16,
    answers: fn(SocketAddr) -> bool,
    limit: Duration,
) -> Result<String, EngineError> {
    let with_port = |name: &str| if name.contains(':') { name.to_owned() } else { format!("{name}:{default_port}") };
    let named: Vec<String> = named.split(',').map(str::trim).filter(|name| !name.is_empty()).map(with_port).collect();
    let begun = Instant::now();
    for address in &named {
        while !address.to_socket_addrs().is_ok_and(|mut found| found.any(answers)) {
            if begun.elapsed() > limit {
                return Err(EngineError::Unreachable { variable, address: address.clone(), waited: limit });
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    Ok(named.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_a_port_gets_the_default_one() {
        let found = wait("V", "127.0.0.1, localhost:7,", 9042, |_| true, Duration::ZERO).expect("found");
        assert_eq!(found, "127.0.0.1:9042,localhost:7");
    }

    #[test]
    fn a_silent_server_is_named_with_its_variable() {
        let answers = |address: SocketAddr| address.port() == 7;
        let error = wait("V", "127.0.0.1:7,127.0.0.1:8", 1, answers, Duration::ZERO).expect_err("one is silent");
        assert!(error.to_string().starts_with("V names 127.0.0.1:8,"), "{error}");
    }
}
