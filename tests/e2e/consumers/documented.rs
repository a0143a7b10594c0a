//! The documentation's programs, cut out of it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

/// How long something may take that takes seconds.
pub const LIMIT: Duration = Duration::from_secs(180);

/// The code blocks of the page for integrators: what stands behind the three quotes, and the code.
pub fn blocks() -> Vec<(String, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/integrators.md");
    let text = fs::read_to_string(page).expect("the page is there");
    let mut parts = text.split("\n```");
    parts.next();
    // What is between two fences is code, then text, then code.
    let blocks = parts.step_by(2).filter_map(|block| block.split_once('\n'));
    blocks.map(|(language, code)| (language.to_owned(), format!("{code}\n"))).collect()
}

/// Writes the program of that name, which its first line tells, into a folder.
pub fn pasted(name: &str, folder: &Path) -> PathBuf {
    let names = |code: &str| code.lines().next().is_some_and(|line| line.contains(&format!(" {name}: ")));
    let mut found = blocks().into_iter().filter(|(_, code)| names(code));
    let (_, code) = found.next().unwrap_or_else(|| panic!("docs/integrators.md has no {name}"));
    assert!(found.next().is_none(), "docs/integrators.md has two {name}");
    let path = folder.join(name);
    fs::write(&path, code).expect("it can be written");
    path
}

/// A Python program with these arguments.
pub fn python(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(engines::python());
    command.arg(program).args(arguments);
    command
}

/// A program that runs, and tells lines; it is killed with this value.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it can be started");
        let out = BufReader::new(child.stdout.take().expect("stdout"));
        let (sink, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sink.send(line)));
        Self { child, lines }
    }

    /// Waits for the next line; `None` where none came in that time.
    pub fn line(&mut self, within: Duration) -> Option<String> {
        match self.lines.recv_timeout(within) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("it ended: {:?}", self.child.wait()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // On Unix that is SIGKILL.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What Python's own SQLite answers to a query: each row's columns.
pub fn query(database: &Path, sql: &str) -> Vec<Vec<serde_json::Value>> {
    let program = "import json, sqlite3, sys\n\
                   rows = sqlite3.connect(sys.argv[1], timeout=60).execute(sys.argv[2]).fetchall()\n\
                   print(json.dumps(rows))";
    let output = Command::new("python3").args(["-c", program]).arg(database).arg(sql).output().expect("python3");
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Asks until it is so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < LIMIT, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn every_program_of_the_page_is_run_by_a_test() {
    let programs = |language: &str| ["python", "java"].contains(&language);
    let named: Vec<String> = blocks()
        .into_iter()
        .filter(|(language, _)| programs(language))
        .filter_map(|(_, code)| {
            let (name, _) = code.lines().next()?.split_once(": ")?;
            Some(name.trim_start_matches(['#', '/', ' ']).to_owned())
        })
        .filter(|name| name.ends_with(".py") || name.ends_with(".java"))
        .collect();
    assert_eq!(named, ["supply.py", "consume.py", "Consume.java", "follow.py", "table.py", "personal.py"]);
}
