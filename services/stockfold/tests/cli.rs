//! The command line as a person meets it.

use std::process::{Command, Output};

fn stockfold(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stockfold"));
    command.args(arguments).envs(environment.iter().copied());
    command.output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
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
fn an_unknown_setting_is_an_error_that_names_it() {
    let output = stockfold(&["config", "show"], &[("STOCKFOLD_PROT", "9")]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("`prot`"), "{}", text(&output.stderr));
}

#[test]
fn status_without_an_engine_says_what_to_do() {
    let empty = tempfile::tempdir().expect("a directory");
    let folder = empty.path().to_str().expect("UTF-8");
    let output = stockfold(&["status", "--data", folder], &[]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("--data"), "{}", text(&output.stderr));
    assert!(stockfold(&["token", "--role", "operator", "--sub", "x", "--data", folder], &[]).status.success());
    let output = stockfold(&["status", "--data", folder, "--port", "1"], &[]);
    assert!(text(&output.stderr).contains("stockfold up"), "{}", text(&output.stderr));
}
