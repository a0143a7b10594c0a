//! Where the cluster is, and how to talk to it.

use crate::CqlError;
use schemas::Password;
use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

/// A cluster, and a keyspace in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CqlConfig {
    /// Where to find the first nodes, `host:port`; the others tell of themselves.
    pub nodes: Vec<String>,
    /// The keyspace.
    pub keyspace: Keyspace,
    /// Who we are, where the cluster asks.
    pub credentials: Option<Credentials>,
    /// Encryption; plain text where it is `None`.
    pub tls: Option<Tls>,
    /// After how long a statement without an answer has failed.
    pub request_timeout: Duration,
    /// The data centre whose nodes are asked. It must be named where there is more than one: `LOCAL_QUORUM` is a quorum
    /// of the data centre of whichever node was asked.
    pub datacenter: Option<String>,
    /// Whether a keyspace is taken that may lose what it acknowledged.
    pub allow_unsafe: bool,
}

/// A user of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password. It is sent as it is: only with TLS.
    pub password: Password,
}

/// Encryption, in PEM files. A node's certificate must name its IP address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Who vouches for the nodes.
    pub ca: PathBuf,
    /// Our certificate, where nodes ask for one. Needs `key`.
    pub certificate: Option<PathBuf>,
    /// The key of our certificate.
    pub key: Option<PathBuf>,
}

impl CqlConfig {
    /// A plain-text connection to these nodes, with 3 s for a statement.
    #[must_use]
    pub fn new(nodes: impl IntoIterator<Item = impl Into<String>>, keyspace: Keyspace) -> Self {
        Self {
            nodes: nodes.into_iter().map(Into::into).collect(),
            keyspace,
            credentials: None,
            tls: None,
            request_timeout: Duration::from_secs(3),
            datacenter: None,
            allow_unsafe: false,
        }
    }
}

/// The name of a keyspace: a lower-case letter, then lower-case letters, digits and underscores; 48 at most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Keyspace(String);

impl Keyspace {
    /// The most characters that CQL allows.
    const LONGEST: usize = 48;

    /// Checks a name; [`CqlError::Unusable`] where CQL, unquoted, would not take it.
    pub fn parse(name: &str) -> Result<Self, CqlError> {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let letter_first = name.starts_with(|c: char| c.is_ascii_lowercase());
        if letter_first && name.len() <= Self::LONGEST && name.chars().all(word) {
            return Ok(Self(name.to_owned()));
        }
        Err(CqlError::Unusable(format!(
            "`{name}` cannot name a keyspace: a lower-case letter first, then a-z, 0-9 and _, {} characters at most",
            Self::LONGEST
        )))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Keyspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many copies of each row a new keyspace keeps (`NetworkTopologyStrategy`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replication {
    /// So many in every data centre that there is.
    Everywhere(u32),
    /// So many in each of these data centres.
    Datacenters(BTreeMap<String, u32>),
}

impl Default for Replication {
    fn default() -> Self {
        Self::Everywhere(Self::SAFE)
    }
}

impl Replication {
    /// The fewest copies with which a quorum outlives the loss of a node.
    pub const SAFE: u32 = 3;

    /// The fewest copies in any data centre.
    #[must_use]
    pub fn fewest(&self) -> u32 {
        match self {
            Self::Everywhere(copies) => *copies,
            Self::Datacenters(copies) => copies.values().copied().min().unwrap_or(0),
        }
    }

    /// As `CREATE KEYSPACE` takes it.
    pub(crate) fn cql(&self) -> String {
        let quote = |name: &str| format!("'{}'", name.replace('\'', "''"));
        let options = match self {
            Self::Everywhere(copies) => format!(", 'replication_factor': {copies}"),
            Self::Datacenters(copies) => copies.iter().map(|(name, n)| format!(", {}: {n}", quote(name))).collect(),
        };
        format!("{{'class': 'NetworkTopologyStrategy'{options}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyspace_is_a_plain_word() {
        for good in ["stockfold", "s", "shop_2", &"a".repeat(48)] {
            assert_eq!(Keyspace::parse(good).expect("a name").as_str(), good);
        }
        for bad in ["", "Shop", "2shop", "_shop", "a-b", "a.b", "a\"b", "a b", "ä", &"a".repeat(49)] {
            assert!(matches!(Keyspace::parse(bad), Err(CqlError::Unusable(_))), "{bad}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let mut config = CqlConfig::new(["n:1"], Keyspace::parse("shop").expect("a name"));
        let password = Password::new("hunter2".to_owned());
        config.credentials = Some(Credentials { user: "us".to_owned(), password });
        let shown = format!("{config:?}");
        assert!(shown.contains("us") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_data_centres_name_cannot_leave_its_quotes() {
        let copies = BTreeMap::from([("a', 'b".to_owned(), 3), ("c".to_owned(), 2)]);
        let replication = Replication::Datacenters(copies);
        assert_eq!(replication.cql(), "{'class': 'NetworkTopologyStrategy', 'a'', ''b': 3, 'c': 2}");
        assert_eq!((replication.fewest(), Replication::default().fewest()), (2, 3));
    }
}
