//! Servers that end with the process that started them, however that one ends.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::EngineError;

/// Starts what each line of its stdin names, answers the process id, and at the end of its stdin kills all of them
/// and removes the folder. A kill -9 of the owner closes the pipe too, which is why no destructor is trusted with this.
/// It must outlive the owner: signals to their terminal, and an answer that nobody reads any more, leave it alone.
const SCRIPT: &str = r#"
trap '' HUP INT TERM PIPE
pids=
while read -r script; do
  sh "$script" </dev/null >"$script.log" 2>&1 &
  pids="$pids $!"
  echo "$!"
done
for pid in $pids; do kill -9 "$pid"; done
wait
[ ! -f "$1/at-end.sh" ] || sh "$1/at-end.sh"
rm -rf "$1"
"#;

/// A scratch folder and the servers that run in it.
#[derive(Debug)]
pub(crate) struct Guardian {
    folder: PathBuf,
    shell: Mutex<Shell>,
}

#[derive(Debug)]
struct Shell {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    started: usize,
}

/// One server process under a guardian.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pid: u32,
    log: PathBuf,
}

impl Guardian {
    /// A new scratch folder for `what`, and the shell that watches over it.
    pub(crate) fn new(what: &str) -> Result<Self, EngineError> {
        let folder = std::env::temp_dir().join(format!("stockfold-{what}-{}", &crate::net::random_hex()[..12]));
        fs::create_dir_all(&folder)?;
        // In a process group of its own: Ctrl-C and a kill of the test's group must not take the guardian first.
        let mut child = Command::new("sh")
            .args(["-c", SCRIPT, "guardian"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().ok_or(EngineError::GuardianLost)?);
        Ok(Self { folder, shell: Mutex::new(Shell { child, commands, answers, started: 0 }) })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the guardian shall run at the end, when it has killed its processes.
    pub(crate) fn at_end(&self, script: &str) -> Result<(), EngineError> {
        Ok(fs::write(self.folder.join("at-end.sh"), script)?)
    }

    /// Runs a shell script in the background; it should `exec` its last command, whose process id is then the server's.
    pub(crate) fn start(&self, name: &str, script: &str) -> Result<Server, EngineError> {
        let mut shell = self.shell.lock().map_err(|_| EngineError::GuardianLost)?;
        shell.started += 1;
        let path = self.folder.join(format!("{name}-{}.sh", shell.started));
        fs::write(&path, script)?;
        let commands = shell.commands.as_mut().ok_or(EngineError::GuardianLost)?;
        writeln!(commands, "{}", path.display())?;
        let mut line = String::new();
        shell.answers.read_line(&mut line)?;
        let pid = line.trim().parse().map_err(|_| EngineError::GuardianLost)?;
        Ok(Server { pid, log: path.with_extension("sh.log") })
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        if let Ok(shell) = self.shell.get_mut() {
            shell.commands.take();
            let _ = shell.child.wait();
        }
    }
}

impl Server {
    /// Waits until its log contains `word` and it answers.
    pub(crate) fn wait(&self, word: &str, answers: impl Fn() -> bool, limit: Duration) -> Result<(), EngineError> {
        let begun = Instant::now();
        loop {
            let log = String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned();
            if log.contains(word) && answers() {
                return Ok(());
            }
            if self.has_died() || begun.elapsed() > limit {
                return Err(EngineError::NotReady { waited: begun.elapsed(), said: told(&log) });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sends a signal by its name, `KILL`, `STOP` or `CONT`; returns once a killed server is gone.
    pub(crate) fn signal(&self, name: &str) -> Result<(), EngineError> {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.pid)]).output()?;
        if !sent.status.success() && !self.has_died() {
            return Err(EngineError::Signal { pid: self.pid, name: name.to_owned() });
        }
        while name == "KILL" && !self.has_died() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Lets the process write to no file any more: the most bytes that a file of it may have become none. Java takes that
    /// for a write that fails, not for a signal to die.
    pub(crate) fn fill_disk(&self) -> Result<(), EngineError> {
        let limit = Command::new("prlimit").args(["--pid", &self.pid.to_string(), "--fsize=0:"]).output();
        let limit = limit.map_err(|_| EngineError::Missing { what: "the command prlimit", package: "util-linux" })?;
        if limit.status.success() || self.has_died() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&limit.stderr).into_owned();
        Err(EngineError::Command { command: "prlimit --fsize=0:".to_owned(), said })
    }

    /// Whether the process is gone, or a zombie that its guardian has not collected.
    pub(crate) fn has_died(&self) -> bool {
        let state = match fs::read_to_string(format!("/proc/{}/stat", self.pid)) {
            // The name in parentheses may hold anything: the state follows the last one.
            Ok(stat) => stat.rsplit(") ").next().unwrap_or_default().to_owned(),
            Err(_) if Path::new("/proc/self/stat").exists() => String::new(),
            Err(_) => {
                let ps = Command::new("ps").args(["-o", "stat=", "-p", &self.pid.to_string()]).output();
                ps.map(|ps| String::from_utf8_lossy(&ps.stdout).into_owned()).unwrap_or_default()
            }
        };
        let state = state.trim_start();
        state.is_empty() || state.starts_with(['Z', 'X'])
    }
}

/// What a log tells of its end: its first errors, as a shutdown may write much after them, and its last lines.
fn told(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let (before, last) = lines.split_at(lines.len().saturating_sub(20));
    let errors = before.iter().filter(|line| line.contains("ERROR") || line.contains("Exception")).take(10);
    errors.chain(last).copied().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_tells_its_errors_and_its_last_lines() {
        let log: Vec<String> = (1..=100).map(|n| format!("{n} {}", if n == 7 { "ERROR" } else { "INFO" })).collect();
        let told = told(&log.join("\n"));
        assert!(told.starts_with("7 ERROR\n81 INFO") && told.ends_with("100 INFO"), "{told}");
    }
}
