//! The test binaries, built once with planted bugs switched on.

use planted::{ALL, Bug, Catcher};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The crate and the tests that are the simulation.
pub const SIMULATION: (&str, &str) = ("tests", "sim::nothing_is");

/// A test binary.
pub struct Executable {
    pub path: PathBuf,
    /// Where its tests expect to run.
    pub folder: PathBuf,
    package: String,
    /// The names of its tests.
    tests: BTreeSet<String>,
}

/// The test binaries of all checks.
pub struct Executables(Vec<Executable>);

impl Executables {
    /// Builds what the checks of all bugs are in: always the same, so that cargo builds it once.
    pub fn build() -> Result<Self, String> {
        let package = |bug: &Bug| match bug.catcher {
            Catcher::Simulation => SIMULATION.0,
            Catcher::Test { package, .. } => package,
        };
        let packages: BTreeSet<&str> = ALL.iter().map(package).collect();
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut command = Command::new(cargo);
        command.args(["test", "--no-run", "--locked", "--message-format=json-render-diagnostics"]);
        command.args(["--features", "planted/on", "-p", "planted"]);
        packages.iter().for_each(|package| _ = command.args(["-p", package]));
        let built = command.stderr(Stdio::inherit()).output().map_err(|error| format!("cargo: {error}"))?;
        if !built.status.success() {
            return Err("the tests cannot be built".to_owned());
        }
        let text = String::from_utf8_lossy(&built.stdout).into_owned();
        let artifacts = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let found: Result<Vec<_>, String> =
            artifacts.filter_map(|artifact| test_binary(&artifact)).map(listed).collect();
        Ok(Self(found?))
    }

    /// The binary of a crate that has a test of that name, or tests whose names begin so.
    pub fn with(&self, package: &str, is_wanted: impl Fn(&str) -> bool) -> Option<&Executable> {
        self.0.iter().find(|binary| binary.package == package && binary.tests.iter().any(|test| is_wanted(test)))
    }
}

/// A binary of tests, by what cargo says of what it has built: its path, and the folder of its crate.
fn test_binary(artifact: &Value) -> Option<(PathBuf, PathBuf)> {
    let is_test = artifact["reason"] == "compiler-artifact" && artifact["profile"]["test"] == true;
    let folder = Path::new(artifact["manifest_path"].as_str()?).parent()?;
    is_test.then(|| artifact["executable"].as_str().map(|path| (PathBuf::from(path), folder.to_owned())))?
}

fn listed((path, folder): (PathBuf, PathBuf)) -> Result<Executable, String> {
    let listed = Command::new(&path).args(["--list", "--format=terse"]).current_dir(&folder).output();
    let listed = listed.map_err(|error| format!("{}: {error}", path.display()))?;
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let tests = text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect();
    // A crate is called as its folder is.
    let package = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Executable { path, folder, package, tests })
}
