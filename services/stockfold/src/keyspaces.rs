//! The ScyllaDB (or Apache Cassandra) cluster that the settings name.

use crate::{credentials, settings::Settings};
use anyhow::{Context as _, Result, bail};
use read_model::scylla::{CqlConfig, Credentials, Keyspace, Tls};
use std::time::Duration;

/// The two keyspaces: of the views, and of the keys, so that the first can be dropped without the second.
#[derive(Debug, Clone)]
pub struct Keyspaces {
    /// Of the views.
    pub views: CqlConfig,
    /// Of the keys of personal data.
    pub keys: CqlConfig,
}

/// Says which setting is wrong, and reads the password's file, but connects to nothing.
pub fn config(settings: &Settings) -> Result<Keyspaces> {
    let nodes = settings.some("scylla").context("no ScyllaDB is named: give --scylla NODES, such as node-1:9042")?;
    let nodes: Vec<_> = nodes.split(',').map(|node| node.trim().to_owned()).collect();
    if let Some(bad) = nodes.iter().find(|node| !is_address(node)) {
        bail!("`scylla` lists nodes as host:port separated by commas, and `{bad}` is none");
    }
    let namespace = settings.text("namespace");
    let of = |name: &str| -> Result<CqlConfig> {
        let keyspace = Keyspace::parse(name).context("the keyspace is the `namespace`")?;
        Ok(CqlConfig {
            credentials: credentials::user(settings, "scylla")?.map(|(user, password)| Credentials { user, password }),
            tls: tls(settings)?,
            request_timeout: Duration::from_millis(settings.number("scylla-timeout-ms", 100, 60_000)?),
            datacenter: settings.some("scylla-datacenter").map(str::to_owned),
            allow_unsafe: settings.switch("allow-unsafe")?,
            ..CqlConfig::new(nodes.clone(), keyspace)
        })
    };
    Ok(Keyspaces { views: of(namespace)?, keys: of(&format!("{namespace}_keys"))? })
}

fn is_address(node: &str) -> bool {
    node.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn tls(settings: &Settings) -> Result<Option<Tls>> {
    let certificate = credentials::pem(settings, "scylla-tls-certificate")?;
    let key = credentials::pem(settings, "scylla-tls-key")?;
    match credentials::pem(settings, "scylla-tls-ca")? {
        Some(ca) => Ok(Some(Tls { ca, certificate, key })),
        None if certificate.is_some() || key.is_some() => bail!("a certificate for ScyllaDB needs `scylla-tls-ca`"),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &[(&'static str, &str)]) -> Result<Keyspaces> {
        let mut settings = Settings::load(&crate::settings::SettingFlags::default()).expect("loads");
        settings.set("scylla", "a:9042, b:9042");
        for (key, value) in set {
            settings.set(key, *value);
        }
        config(&settings)
    }

    #[test]
    fn views_and_keys_stand_in_keyspaces_of_their_own() {
        let found = of(&[("namespace", "shop"), ("scylla-datacenter", "ber")]).expect("good");
        assert_eq!((found.views.keyspace.as_str(), found.keys.keyspace.as_str()), ("shop", "shop_keys"));
        assert_eq!(found.views.nodes, ["a:9042", "b:9042"]);
        assert_eq!(found.keys.datacenter.as_deref(), Some("ber"));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (set, named) in [
            (("scylla", ""), "--scylla"),
            (("scylla", "node-1"), "node-1"),
            (("scylla", "a:9042,:9"), ":9"),
            (("namespace", "Shop"), "namespace"),
            (("scylla-user", "us"), "STOCKFOLD_SCYLLA_PASSWORD"),
            (("scylla-tls-ca", "/nowhere"), "/nowhere"),
            (("scylla-timeout-ms", "1"), "scylla-timeout-ms"),
        ] {
            let text = format!("{:#}", of(&[set]).expect_err("refused"));
            assert!(text.contains(named), "{set:?}: {text}");
        }
    }
}
