//! The real binary, and a process of it that serves HTTP.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, OnceLock},
};

/// The binary, built once with the profile of the tests.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let tests = std::env::current_exe().expect("the test's own path");
        let folder = tests.parent().and_then(Path::parent).expect("target/<profile>");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "--workspace", "--bin", "stockfold"]);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo can be run");
        assert!(built.success(), "stockfold does not build");
        folder.join("stockfold")
    })
}

/// A process that listens; it ends with this value.
pub struct Process {
    child: Mutex<Child>,
    /// Where it listens.
    pub url: String,
}

impl Process {
    /// Starts the binary with these arguments, and returns once it says that it listens.
    pub fn start(arguments: &[String]) -> Self {
        Self::try_start(arguments, "warn", Stdio::inherit()).unwrap_or_else(|end| panic!("{end}"))
    }

    /// The same for who can do without it. Its lines of this level go to a file.
    pub fn start_logged(arguments: &[String], level: &str, log: File) -> Result<Self, String> {
        Self::try_start(arguments, level, log.into())
    }

    fn try_start(arguments: &[String], level: &str, log: Stdio) -> Result<Self, String> {
        let mut child = Command::new(binary())
            .args(arguments)
            .env("STOCKFOLD_LOG", level)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("stockfold can be started");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        let mut listens = lines
            .by_ref()
            .map_while(Result::ok)
            .filter_map(|line| Some(line.split_once("listens on ")?.1.trim().to_owned()));
        let Some(url) = listens.next() else {
            return Err(format!("stockfold ended before it listened: {:?}", child.wait()));
        };
        // Whatever it prints later is read and dropped, or its pipe would fill up.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child: Mutex::new(child), url })
    }

    /// Its end, if it has come to it by itself or by a signal.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.child.lock().expect("not poisoned").try_wait().expect("a child of ours")
    }

    /// kill -9; returns once it is gone.
    pub fn kill(&self) {
        let mut child = self.child.lock().expect("not poisoned");
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Sends it SIG`name`.
    pub fn signal(&self, name: &str) {
        let id = self.child.lock().expect("not poisoned").id().to_string();
        let told = Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill");
        assert!(told.success(), "the process was gone");
    }

    /// SIGTERM, waits for the end and returns whether it was a success.
    pub fn terminate(&self) -> bool {
        self.signal("TERM");
        self.child.lock().expect("not poisoned").wait().expect("ends").success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
