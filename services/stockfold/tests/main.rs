//! The binary, and the script that prepares a machine for it, as a person meets them.

mod cli;
mod guarded;
mod security;
mod setup;
mod topics;

use std::process::{Command, Output};

fn stockfold(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stockfold"));
    command.args(arguments).envs(environment.iter().copied());
    command.output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}
