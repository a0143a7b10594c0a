//! Settings: flag over `STOCKFOLD_*` over `stockfold.toml` over default, each with where it came from.

use anyhow::{Context as _, Result, bail};
use clap::{Arg, ArgMatches, FromArgMatches};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, SocketAddr},
    path::Path,
};

/// One setting: the single place that names it, for flags, environment, file and `config show`.
struct Spec {
    key: &'static str,
    default: &'static str,
    secret: bool,
    help: &'static str,
}

const fn spec(key: &'static str, default: &'static str, help: &'static str) -> Spec {
    Spec { key, default, secret: false, help }
}

const SPECS: &[Spec] = &[
    spec("data", "data", "Directory of the embedded log, views and keys"),
    spec("bind", "127.0.0.1", "Address to listen on"),
    spec("port", "8080", "Port to listen on; 0 takes a free one"),
    spec("namespace", "stockfold", "Prefix of topics, part of every event's ce_source"),
    spec("shards", "16", "Number of shards; fixed when the data directory or cluster is created"),
    spec("checkout-seconds", "300", "How long a checkout is held for its payment"),
    spec("grace-seconds", "60", "How much longer than told a checkout or a hold really lives"),
    spec("return-days", "30", "How long after the last shipment or delivery returns may be announced"),
    spec("answer-timeout-seconds", "30", "How long the items of an order or a drop may take to answer"),
    spec("admission-seconds", "120", "How long who is admitted from a drop's waiting room may claim"),
    spec("inbox-capacity", "10000", "Client commands that may wait in memory per shard; more are answered 503"),
    spec("disk-reserve-mib", "256", "Free disk, in MiB, below which commands are refused and reads go on"),
    spec("jwt-issuer", "stockfold", "The `iss` that tokens must carry"),
    spec("jwt-audience", "stockfold", "The `aud` that tokens must carry"),
    Spec {
        key: "jwt-key",
        default: "",
        secret: true,
        help: "Key of HS256 tokens, at least 32 characters; made in the data directory if empty",
    },
    spec("jwks-url", "", "URL of a JWK set, for tokens of an identity provider (RS256, ES256)"),
    spec("cors-origins", "", "Origins that browsers may call from, separated by commas"),
    spec(
        "rate-limit",
        "200",
        "Requests a second of one shopper or address; trusted roles have 100 times as many; 0 = off",
    ),
    spec("live-streams", "20000", "Live streams and WebSockets that may be open at once"),
    spec("live-streams-per-caller", "50", "Those of one caller; 0 = as many as in all"),
    spec("live-streams-per-address", "1000", "Those of one address without a token; 0 = as many as in all"),
    Spec {
        key: "payment-webhook-secrets",
        default: "",
        secret: true,
        help: "Secrets of payment webhooks, `whsec_…`: the newest, and the one before while it is changed; made from the \
               deployment's own if empty",
    },
    spec("payment-webhook-secrets-file", "", "File that holds these secrets instead, a line each"),
    spec(
        "payment-webhook-url",
        "",
        "Where the sandbox provider sends its webhooks: the whole URL; to itself if empty, where one process is all",
    ),
    spec("sandbox-delay-ms", "1000", "How long the sandbox provider takes over cards that it decides later"),
    spec("state-topics", "true", "Write the newest rows of items, stock and orders to the state topics"),
    spec("consolidate", "false", "Join several parcels of an order at one warehouse, which ships on"),
    spec("notify-per-second", "2000", "Followers of stores that are told of a drop in a second, all stores together"),
    Spec {
        key: "smtp-url",
        default: "",
        secret: true,
        help: "Server that mails are given to, `smtps://user:password@host:465`; people are told in the app only if empty",
    },
    spec("smtp-url-file", "", "File that holds this URL instead"),
    spec("mail-from", "", "Whom mails are from, such as `Shop <shop@example.com>`; needed where there is a server"),
    spec(
        "mail-unsubscribe-url",
        "",
        "Page where people set what they are told, for `List-Unsubscribe`; a mail to us if empty",
    ),
    spec("mail-at-once", "8", "Mails that are sent at once"),
    spec("kafka", "", "Kafka brokers, host:port separated by commas"),
    spec("kafka-tls", "false", "Encrypt connections to Kafka; also on where one of the files below is named"),
    spec("kafka-tls-ca", "", "PEM file of who vouches for the brokers; the system's authorities if empty"),
    spec("kafka-tls-certificate", "", "PEM file of our certificate, where brokers ask for one"),
    spec("kafka-tls-key", "", "PEM file of that certificate's key"),
    spec("kafka-sasl-mechanism", "SCRAM-SHA-512", "How Kafka's user is known: SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN"),
    spec("kafka-user", "", "User of Kafka"),
    Spec { key: "kafka-password", default: "", secret: true, help: "Password of that user" },
    spec("kafka-password-file", "", "File that holds the password instead"),
    spec("kafka-instance", "", "Name of this process that stays over restarts: a quick one keeps its shards"),
    spec(
        "scylla",
        "",
        "ScyllaDB nodes, host:port separated by commas, for the views and keys of a Kafka cluster's log",
    ),
    spec("scylla-datacenter", "", "The data centre whose nodes are asked; named where there is more than one"),
    spec("scylla-timeout-ms", "3000", "After how long a statement without an answer has failed"),
    spec("scylla-tls-ca", "", "PEM file of who vouches for the nodes; encrypts connections to them"),
    spec("scylla-tls-certificate", "", "PEM file of our certificate, where nodes ask for one"),
    spec("scylla-tls-key", "", "PEM file of that certificate's key"),
    spec("scylla-user", "", "User of ScyllaDB"),
    Spec { key: "scylla-password", default: "", secret: true, help: "Password of that user" },
    spec("scylla-password-file", "", "File that holds the password instead"),
    spec("allow-unsafe", "false", "Start on a cluster that may lose what it acknowledged: for trials"),
    spec("log", "info", "What is logged, as a tracing filter: `info`, `processor=debug,info`"),
];

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Nobody set it.
    Default,
    /// `stockfold.toml`, or the file that `--config` names.
    File,
    /// A `STOCKFOLD_*` variable.
    Environment,
    /// A flag.
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        })
    }
}

/// A value as `config show` prints it.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// The key.
    pub key: &'static str,
    /// The value; of a secret only whether there is one.
    pub value: String,
    /// Where it came from.
    pub source: Source,
    /// What it is for.
    pub help: &'static str,
}

/// The flags of all settings, as clap parsed them.
#[derive(Debug, Clone, Default)]
pub struct SettingFlags {
    given: BTreeMap<&'static str, String>,
    config: Option<String>,
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.config = matches.get_one::<String>("config").cloned();
        for spec in SPECS.iter().filter(|spec| !spec.secret) {
            if let Some(value) = matches.get_one::<String>(spec.key) {
                self.given.insert(spec.key, value.clone());
            }
        }
        Ok(())
    }
}

impl clap::Args for SettingFlags {
    fn augment_args(command: clap::Command) -> clap::Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .help("Settings file [default: stockfold.toml, if it exists]");
        // A secret has no flag: what stands in a command line, every user of the machine can read.
        SPECS.iter().filter(|spec| !spec.secret).fold(command.arg(config), |command, spec| {
            let shown = if spec.default.is_empty() { String::new() } else { format!(" [default: {}]", spec.default) };
            let arg = Arg::new(spec.key)
                .long(spec.key)
                .value_name(spec.key.to_uppercase().replace('-', "_"))
                .help(format!("{}{shown}", spec.help))
                .help_heading("Settings (also STOCKFOLD_<NAME>, or a key of stockfold.toml)");
            // A switch alone turns it on; `--switch=false` overrules what the file says.
            let is_switch = spec.default == "false";
            command.arg(if is_switch {
                arg.value_name("true|false").num_args(0..=1).require_equals(true).default_missing_value("true")
            } else {
                arg
            })
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// All settings, each with its source.
#[derive(Clone)]
pub struct Settings(BTreeMap<&'static str, (String, Source)>);

impl Settings {
    /// Reads file and environment under the given flags. An unknown key anywhere is an error.
    pub fn load(flags: &SettingFlags) -> Result<Self> {
        let environment = std::env::vars_os().filter_map(|(key, value)| {
            let key = key.into_string().ok()?.strip_prefix("STOCKFOLD_")?.to_lowercase().replace('_', "-");
            Some((key, value.to_string_lossy().into_owned()))
        });
        let path = Path::new(flags.config.as_deref().unwrap_or("stockfold.toml"));
        let file = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && flags.config.is_none() => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read settings from {}", path.display())),
        };
        Self::layered(&file, environment, &flags.given)
    }

    fn layered(
        file: &str,
        environment: impl Iterator<Item = (String, String)>,
        flags: &BTreeMap<&'static str, String>,
    ) -> Result<Self> {
        let mut values: BTreeMap<_, _> =
            SPECS.iter().map(|spec| (spec.key, (spec.default.to_owned(), Source::Default))).collect();
        let mut set = |key: &str, value: String, source| match values.get_mut(key.replace('_', "-").as_str()) {
            Some(slot) => {
                *slot = (value, source);
                Ok(())
            }
            None => bail!("unknown setting `{key}` in the {source}; `stockfold config show` lists all"),
        };
        for (key, value) in file.parse::<toml::Table>().context("the settings file is not TOML")? {
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Boolean(yes) => yes.to_string(),
                toml::Value::Array(values) => {
                    let texts: Option<Vec<_>> = values.iter().map(toml::Value::as_str).collect();
                    texts.with_context(|| format!("`{key}` is a list of texts"))?.join(",")
                }
                _ => bail!("`{key}` in the file is a text, a whole number, true or false, or a list of texts"),
            };
            set(&key, text, Source::File)?;
        }
        for (key, value) in environment {
            set(&key, value, Source::Environment)?;
        }
        for (key, value) in flags {
            set(key, value.clone(), Source::Flag)?;
        }
        Ok(Self(values))
    }

    /// Overrides a value, as a flag would.
    pub fn set(&mut self, key: &'static str, value: impl Into<String>) {
        debug_assert!(self.0.contains_key(key), "{key} is not a setting");
        self.0.insert(key, (value.into(), Source::Flag));
    }

    /// The text of a setting.
    pub fn text(&self, key: &str) -> &str {
        debug_assert!(self.0.contains_key(key), "{key} is not a setting");
        self.0.get(key).map_or("", |(value, _)| value)
    }

    /// The text of a setting, unless it is empty.
    pub fn some(&self, key: &str) -> Option<&str> {
        Some(self.text(key)).filter(|text| !text.is_empty())
    }

    /// Whether it was set for this run alone.
    pub fn is_flag(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|(_, source)| *source == Source::Flag)
    }

    /// The number of a setting, within `min..=max`.
    pub fn number(&self, key: &str, min: u64, max: u64) -> Result<u64> {
        let (value, source) = self.0.get(key).with_context(|| format!("{key} is not a setting"))?;
        match value.parse() {
            Ok(number) if (min..=max).contains(&number) => Ok(number),
            _ => bail!("`{key}` is a whole number from {min} to {max}, not `{value}` (from the {source})"),
        }
    }

    /// Whether a setting is on.
    pub fn switch(&self, key: &str) -> Result<bool> {
        let (value, source) = self.0.get(key).with_context(|| format!("{key} is not a setting"))?;
        value.parse().ok().with_context(|| format!("`{key}` is true or false, not `{value}` (from the {source})"))
    }

    /// Where the engine listens: `bind` and `port`. Its text form has an IPv6 address in brackets, as a URL wants it.
    pub fn address(&self) -> Result<SocketAddr> {
        let (value, source) = self.0.get("bind").context("bind is not a setting")?;
        let bare = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(value);
        let Ok(bind) = bare.parse::<IpAddr>() else {
            bail!("`bind` is an IP address, such as 127.0.0.1 or ::1, not `{value}` (from the {source})")
        };
        Ok(SocketAddr::new(bind, u16::try_from(self.number("port", 0, 65_535)?)?))
    }

    /// All of them, secrets masked.
    pub fn shown(&self) -> Vec<Shown> {
        SPECS
            .iter()
            .map(|spec| {
                let (value, source) = &self.0[spec.key];
                let value = if spec.secret && !value.is_empty() { "********".to_owned() } else { value.clone() };
                Shown { key: spec.key, value, source: *source, help: spec.help }
            })
            .collect()
    }
}

// A secret never reaches a log line by way of Debug.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.shown()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Result<Settings> {
        let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Settings::layered(file, environment, &flags.iter().map(|(k, v)| (*k, (*v).to_owned())).collect())
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_file() {
        let settings = load("port = 1\nshards = 2\nbind = '::1'", &[("port", "3"), ("shards", "4")], &[("port", "5")])
            .expect("loads");
        assert_eq!((settings.text("port"), settings.text("shards"), settings.text("bind")), ("5", "4", "::1"));
        let sources: Vec<_> = settings.shown().into_iter().map(|shown| (shown.key, shown.source)).collect();
        assert!(sources.contains(&("port", Source::Flag)));
        assert!(sources.contains(&("shards", Source::Environment)));
        assert!(sources.contains(&("bind", Source::File)));
        assert!(sources.contains(&("namespace", Source::Default)));
    }

    #[test]
    fn an_unknown_key_is_refused_wherever_it_stands() {
        assert!(load("prot = 1", &[], &[]).expect_err("refused").to_string().contains("`prot` in the file"));
        assert!(load("", &[("prot", "1")], &[]).expect_err("refused").to_string().contains("environment"));
    }

    #[test]
    fn a_number_out_of_range_names_its_source() {
        let settings = load("", &[("port", "70000")], &[]).expect("loads");
        assert!(settings.number("port", 0, 65_535).expect_err("refused").to_string().contains("environment"));
    }

    #[test]
    fn an_ipv6_address_stands_in_brackets_before_the_port() {
        for (bind, expected) in [("::1", "[::1]:9"), ("[::1]", "[::1]:9"), ("127.0.0.1", "127.0.0.1:9")] {
            let settings = load("port = 9", &[("bind", bind)], &[]).expect("loads");
            assert_eq!(settings.address().expect("an address").to_string(), expected);
        }
        let settings = load("", &[("bind", "localhost")], &[]).expect("loads");
        assert!(settings.address().expect_err("refused").to_string().contains("environment"));
    }

    #[test]
    fn a_secret_is_never_shown() {
        let settings = load("jwt-key = 'correct horse'", &[], &[]).expect("loads");
        assert!(!format!("{settings:?}").contains("horse"));
    }
}
