//! Java, and the jars that it runs: fetched once from Maven Central into `target/engines`.

use std::{
    fs::{self, File},
    io::{self, Write},
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use crate::EngineError;

/// The jars of one server: the folder's name under `target/engines`, and the pom that names them.
pub(crate) struct Jars {
    pub(crate) name: &'static str,
    pub(crate) source: &'static str,
    pub(crate) pom: &'static str,
}

pub(crate) const KAFKA: Jars = Jars { name: "kafka-4.1.1", source: "kafka", pom: include_str!("../kafka/pom.xml") };
pub(crate) const CASSANDRA: Jars =
    Jars { name: "cassandra-5.0.6", source: "cassandra", pom: include_str!("../cassandra/pom.xml") };

pub(crate) const MAIL: Jars = Jars { name: "greenmail-2.1.7", source: "mail", pom: include_str!("../mail/pom.xml") };

/// What Maven is asked to do with the dependencies of a pom.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// What Java is told when it runs a tool for a moment.
pub(crate) const QUICK: &str = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1";
/// What it is told when it runs a server, in a shell's words. Java's second compiler is left out unless `ENGINES_JVM` says
/// otherwise: servers of tests do not live long enough to earn what it costs their start, half of the time. Those that stay
/// (`make engines`) do.
pub(crate) const JVM: &str = "-XX:+UseSerialGC ${ENGINES_JVM--XX:TieredStopAtLevel=1}";

/// Where this crate's files stand: the poms and settings of the servers.
pub(crate) fn sources() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Jars {
    /// The folder with the jars, fetched now if it is not there yet.
    pub(crate) fn folder(&self) -> Result<PathBuf, EngineError> {
        let engines = sources().join("../../target/engines");
        fs::create_dir_all(&engines)?;
        let engines = engines.canonicalize()?;
        let folder = engines.join(self.name);
        // Two test processes must not fetch at once: the second waits here and then finds the folder.
        let lock = File::create(engines.join(format!("{}.lock", self.name)))?;
        lock.lock()?;
        // The pom beside its jars says which they are: after an edit they are fetched anew.
        if fs::read_to_string(folder.join("pom.xml")).is_ok_and(|pom| pom == self.pom) {
            return Ok(folder);
        }
        // Not eprintln!, which a test run swallows: this may take a minute.
        writeln!(io::stderr(), "engines: fetching {} from Maven Central, once", self.name)?;
        let part = engines.join(format!("{}.part", self.name));
        for stale in [&part, &folder] {
            if stale.exists() {
                fs::remove_dir_all(stale)?;
            }
        }
        self.fetch(&part)?;
        fs::write(part.join("pom.xml"), self.pom)?;
        fs::rename(&part, &folder)?;
        Ok(folder)
    }

    fn fetch(&self, part: &Path) -> Result<(), EngineError> {
        let fetched = Command::new("mvn")
            .args(["-q", "-B", "-Dstyle.color=never", COPY, "-DincludeScope=runtime"])
            .arg(format!("-DoutputDirectory={}", part.display()))
            .arg("-f")
            .arg(sources().join(self.source).join("pom.xml"))
            .stdin(Stdio::null())
            .output();
        match fetched {
            Err(_) => Err(EngineError::Missing { what: "Maven (the command mvn)", package: "maven" }),
            Ok(output) if !output.status.success() => {
                let said = [output.stdout, output.stderr].concat();
                Err(EngineError::Fetch { name: self.name, said: String::from_utf8_lossy(&said).trim().to_owned() })
            }
            Ok(_) => Ok(()),
        }
    }
}

/// The folder of a Java that runs both servers: 17, which Cassandra 5.0 is made for, else one below 24, which has the
/// security manager no more.
pub(crate) fn java_bin() -> Result<&'static Path, EngineError> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let places = places();
        let of = |versions: Range<u32>| places.iter().find(|bin| version(bin).is_some_and(|it| versions.contains(&it)));
        of(17..18).or_else(|| of(18..24)).cloned()
    });
    found.as_deref().ok_or(EngineError::Missing { what: "Java 17 to 23", package: "openjdk-17-jre-headless" })
}

/// The folder of a Java, 17 or newer, that has its compiler and so runs sources.
pub(crate) fn java_compiler_bin() -> Result<PathBuf, EngineError> {
    let runs_sources = |bin: &PathBuf| bin.join("javac").is_file() && version(bin).is_some_and(|version| version >= 17);
    let found = places().into_iter().find(runs_sources);
    found.ok_or(EngineError::Missing { what: "Java 17 or newer with its compiler", package: "openjdk-17-jdk-headless" })
}

/// The folders where a Java may be.
fn places() -> Vec<PathBuf> {
    let home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten();
    let mut installed: Vec<PathBuf> = installed.map(|entry| entry.path().join("bin")).collect();
    installed.sort();
    home.into_iter().chain(std::env::split_paths(&path)).chain(installed).collect()
}

/// The first number of the version of the Java in a folder.
fn version(bin: &Path) -> Option<u32> {
    let java = bin.join("java");
    let output = java.is_file().then(|| Command::new(java).arg("-version").output())?.ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.split('"').nth(1)?.split('.').next()?.parse().ok()
}

/// Runs one of Kafka's own command line tools by the name of its class, feeds it `input`, and waits for its end.
pub(crate) fn kafka_tool(class: &str, args: &[&str], input: &[u8]) -> Result<Output, EngineError> {
    let mut java = Command::new(java_bin()?.join("java"));
    java.arg("-Xmx256m").args(QUICK.split(' '));
    java.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=error");
    java.arg("-cp").arg(KAFKA.folder()?.join("*")).arg(class).args(args);
    let mut tool = java.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut stdin = tool.stdin.take();
    std::thread::scope(|scope| {
        // A tool that reads nothing, or ends early, closes the pipe.
        scope.spawn(move || stdin.as_mut().map(|stdin| stdin.write_all(input)));
        Ok(tool.wait_with_output()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_bear_the_version_that_the_pom_names() {
        for jars in [KAFKA, CASSANDRA, MAIL] {
            let version = jars.name.rsplit('-').next().expect("a version");
            assert!(jars.pom.contains(&format!("<version>{version}</version>")), "{}", jars.name);
        }
    }
}
