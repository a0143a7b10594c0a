//! The command line as a person meets it.

use crate::{stockfold, text};
use std::{net::TcpListener, path::Path, process::Command};

/// What a call that must fail says.
fn refused(arguments: &[&str]) -> String {
    let output = stockfold(arguments, &[]);
    let said = text(&output.stderr);
    assert!(!output.status.success(), "{arguments:?} was taken, and said {said}");
    said
}

/// A path as an argument.
fn argument(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn help_names_every_command_and_where_to_start() {
    let help = text(&stockfold(&["--help"], &[]).stdout);
    for word in ["up", "token", "status", "config", "replay", "bench", "stockfold up --seed demo"] {
        assert!(help.contains(word), "`{word}` is not in\n{help}");
    }
}

#[test]
fn config_show_tells_value_and_source_and_masks_secrets() {
    let key = "a key that nobody may read on a screen";
    let shown = stockfold(&["config", "show", "--json", "--port", "9"], &[("STOCKFOLD_JWT_KEY", key)]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    let of =
        |key: &str| shown.as_array().expect("a list").iter().find(|row| row["key"] == key).expect("listed").clone();
    assert_eq!((&of("port")["value"], &of("port")["source"]), (&"9".into(), &"flag".into()));
    assert_eq!(of("jwt-key")["source"], "environment");
    assert!(!shown.to_string().contains(key));
}

#[test]
fn config_show_shows_all_and_refuses_what_up_would_refuse() {
    let cases = [
        ("--port", "99999", "`port` is a whole number from 0 to 65535, not `99999`"),
        ("--bind", "localhost", "`bind` is an IP address"),
        ("--shards", "0", "`shards`"),
        ("--inbox-capacity", "none", "`inbox-capacity`"),
        ("--disk-reserve-mib", "-1", "`disk-reserve-mib`"),
        ("--checkout-seconds", "0", "`checkout-seconds`"),
        ("--rate-limit", "fast", "`rate-limit`"),
        ("--cors-origins", "shop.example", "`shop.example`"),
        ("--jwks-url", "id.example/keys", "`id.example/keys`"),
        ("--log", "stockfold=shout", "`log`"),
    ];
    for (flag, value, reason) in cases {
        let flag = format!("{flag}={value}");
        for json in [&[][..], &["--json"]] {
            let output = stockfold(&[&["config", "show", &flag][..], json].concat(), &[]);
            let said = text(&output.stderr);
            assert!(!output.status.success() && said.contains(reason), "{flag}: {said}");
            assert!(text(&output.stdout).contains(value), "what is wrong is shown too, with its source");
        }
    }
    let short = stockfold(&["config", "show"], &[("STOCKFOLD_JWT_KEY", "short")]);
    assert!(!short.status.success());
    let said = text(&short.stderr);
    assert!(said.contains("32 bytes") && !said.contains("short"), "{said}");
}

#[test]
fn an_unknown_setting_is_an_error_that_names_it() {
    let output = stockfold(&["config", "show"], &[("STOCKFOLD_PROT", "9")]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("`prot`"), "{}", text(&output.stderr));
}

#[test]
fn a_start_that_is_refused_leaves_no_mark() {
    let home = tempfile::tempdir().expect("a directory");
    let data = home.path().join("new");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let cases = [
        (["--port", &port], format!("port {port} is taken: stop what listens there or choose --port")),
        (["--bind", "192.0.2.1"], "192.0.2.1".to_owned()),
        (["--jwks-url", "nonsense"], "`nonsense` is no http or https URL".to_owned()),
        (["--jwks-url", "ftp://id.example/keys"], "`ftp://id.example/keys` is no http or https URL".to_owned()),
        (["--cors-origins", "shop.example"], "`shop.example` is not an origin".to_owned()),
        (["--rate-limit", "fast"], "`rate-limit`".to_owned()),
    ];
    for (wrong, reason) in cases {
        let said = refused(&[&["up", "--data", argument(&data)], &wrong[..]].concat());
        assert!(said.contains(&reason), "{wrong:?}: {said}");
        assert!(!data.exists(), "{wrong:?} made something");
    }
}

#[test]
fn status_asks_an_ipv6_address_in_brackets() {
    let home = tempfile::tempdir().expect("a directory");
    keys::Secrets::load_or_create(home.path()).expect("made");
    let said = refused(&["status", "--data", argument(home.path()), "--bind", "::1", "--port", "1"]);
    assert!(said.contains("no engine answers at http://[::1]:1/v1/status"), "{said}");
}

#[test]
fn status_without_an_engine_says_what_to_do() {
    let empty = tempfile::tempdir().expect("a directory");
    let folder = argument(empty.path());
    let said = refused(&["status", "--data", folder]);
    assert!(said.contains("--data"), "{said}");
    keys::Secrets::load_or_create(empty.path()).expect("made");
    let said = refused(&["status", "--data", folder, "--port", "1"]);
    assert!(said.contains("stockfold up"), "{said}");
}

#[test]
fn a_token_is_made_where_an_engine_has_been_and_nowhere_else() {
    let home = tempfile::tempdir().expect("a directory");
    let token = |data: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stockfold"));
        command.current_dir(home.path()).args(["token", "--role", "operator", "--sub", "me", "--data"]).arg(data);
        command.output().expect("the binary runs")
    };
    let nowhere = token(Path::new("data"));
    let said = text(&nowhere.stderr);
    let advice = "start `stockfold up` first or give --data DIR";
    assert!(!nowhere.status.success() && said.contains(&format!("no data directory at ./data: {advice}")), "{said}");
    let elsewhere = token(home.path());
    let said = text(&elsewhere.stderr);
    assert!(!elsewhere.status.success() && said.contains("secrets.json") && said.contains(advice), "{said}");
    assert_eq!(std::fs::read_dir(home.path()).expect("listed").count(), 0, "nothing is made");
    keys::Secrets::load_or_create(home.path()).expect("made");
    let made = token(home.path());
    assert!(made.status.success() && text(&made.stdout).starts_with("eyJ"), "{}", text(&made.stderr));
}

#[test]
fn a_token_lives_a_second_at_least_and_a_year_at_most() {
    let home = tempfile::tempdir().expect("a directory");
    keys::Secrets::load_or_create(home.path()).expect("made");
    let token = ["token", "--role", "operator", "--sub", "me", "--data", argument(home.path()), "--ttl"];
    for ttl in ["0", "31536001", "4294967295"] {
        let said = refused(&[&token[..], &[ttl]].concat());
        assert!(said.contains("1..=31536000"), "{ttl}: {said}");
    }
    for ttl in ["1", "31536000"] {
        assert!(stockfold(&[&token[..], &[ttl]].concat(), &[]).status.success(), "{ttl}");
    }
}
