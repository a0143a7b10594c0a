//! `stockfold import`, `tail` and `export` as processes: killed, cut off, resumed, and each thing done once.

mod export;
mod goods;
mod many;
mod relay;
mod resumed;
mod watch;

use super::{
    engine::{Ask, Engine},
    process::binary,
    world::{Home, World},
};
use reqwest::Method;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

/// An engine, and room for files beside it.
struct Shop {
    engine: Engine,
    home: Arc<Home>,
    files: tempfile::TempDir,
}

impl Shop {
    fn open(world: World) -> Self {
        let home = world.home();
        let engine = Engine::start(Arc::clone(&home), "up", &[]);
        Self { engine, home, files: tempfile::tempdir().expect("a directory") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// A call of the binary against the engine at `url`.
    fn command(&self, url: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).args(["--url", url, "--data"]).arg(self.home.data());
        command
    }

    /// Runs it to its end.
    fn run(&self, arguments: &[&str]) -> Output {
        self.command(&self.engine.url, arguments).output().expect("stockfold can be started")
    }

    /// Starts it.
    fn spawn(&self, url: &str, arguments: &[&str]) -> Child {
        let mut command = self.command(url, arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("stockfold can be started")
    }

    /// All that a topic holds, by id; nothing stands there twice.
    async fn log(&self, topic: &str) -> BTreeMap<String, Value> {
        let operator = self.engine.token("operator", "ops");
        let ask = Ask { token: Some(&operator), ..Ask::default() };
        let answer = self.engine.ask(Method::GET, &format!("/v1/log/{topic}?follow=false"), ask).await;
        // One line is JSON, and read as such; more are text.
        let text = answer.body.as_str().map_or_else(|| answer.body.to_string(), str::to_owned);
        let mut events = BTreeMap::new();
        for line in text.lines().filter(|line| *line != "\"\"") {
            let event: Value = serde_json::from_str(line).expect("an event");
            let id = event["id"].as_str().unwrap_or_else(|| panic!("an id: {event}")).to_owned();
            assert!(events.insert(id, event).is_none(), "an event stands there twice");
        }
        events
    }
}

/// What an import says at its end.
fn summary(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stdout);
    let told = said.lines().last().unwrap_or_default();
    serde_json::from_str(told).unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Writes a file of so many lines; answers what was refused of it: line and code.
fn write_goods(path: &Path, count: u64) -> BTreeMap<u64, &'static str> {
    let mut file = BufWriter::new(File::create(path).expect("made"));
    let mut refused = BTreeMap::new();
    for (number, line) in (1_u64..).zip(goods::lines(count)) {
        file.write_all(&line.bytes).and_then(|()| file.write_all(b"\n")).expect("written");
        refused.extend(line.refused.map(|code| (number, code)));
    }
    file.flush().expect("written");
    refused
}

/// The same, packed.
fn gzip(from: &Path, to: &Path) {
    let packed = Command::new("gzip").arg("-c").arg(from).output().expect("gzip");
    assert!(packed.status.success());
    std::fs::write(to, packed.stdout).expect("written");
}

/// Waits for a condition.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(120);
    while !is_so() {
        assert!(Instant::now() < until, "{what}: in vain");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
