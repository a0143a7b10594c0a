//! Other people's clients: Java and Python, as the documentation shows them.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    EngineError,
    java::{KAFKA, QUICK, java_compiler_bin, sources},
};

/// What Python needs besides itself, each with its version.
const REQUIREMENTS: &str = include_str!("../python/requirements.txt");
/// The folder under `target/engines` that has it.
const FOLDER: &str = "python";

/// A Java source of one file, to be compiled and run with Kafka's client beside it.
pub(crate) fn java_program(source: &Path) -> Result<Command, EngineError> {
    let mut java = Command::new(java_compiler_bin()?.join("java"));
    java.arg("-Xmx256m").args(QUICK.split(' ')).arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=error");
    java.arg("-cp").arg(KAFKA.folder()?.join("*")).arg(source);
    Ok(java)
}

/// The Python of an environment that has Kafka's client, fetched now if it is not there yet.
pub(crate) fn python() -> Result<PathBuf, EngineError> {
    let engines = sources().join("../../target/engines");
    fs::create_dir_all(&engines)?;
    let folder = engines.canonicalize()?.join(FOLDER);
    // As with jars: two test processes must not fetch at once.
    let lock = File::create(engines.join(format!("{FOLDER}.lock")))?;
    lock.lock()?;
    let (python, listed) = (folder.join("bin/python3"), folder.join("requirements.txt"));
    let is_whole = fs::read_to_string(&listed).is_ok_and(|text| text == REQUIREMENTS);
    // Also where the Python that it was made with is gone.
    if is_whole && Command::new(&python).arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Ok(python);
    }
    writeln!(io::stderr(), "engines: fetching Python's packages from PyPI, once")?;
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    make(&folder)?;
    // Written last: without it the environment is half made.
    fs::write(listed, REQUIREMENTS)?;
    Ok(python)
}

fn make(folder: &Path) -> Result<(), EngineError> {
    let made = Command::new("python3").args(["-m", "venv"]).arg(folder).stdin(Stdio::null()).output();
    if !made.is_ok_and(|output| output.status.success()) {
        return Err(EngineError::Missing { what: "Python 3 with venv", package: "python3-venv" });
    }
    let mut pip = Command::new(folder.join("bin/python3"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "-r"]);
    let output = pip.arg(sources().join("python/requirements.txt")).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned();
    Err(EngineError::Install { said })
}
