//! `scripts/setup`, on machines that have this and lack that.

#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

/// A machine: the programs that it has, each noting how it is called.
struct Machine(tempfile::TempDir);

/// How a setup went.
struct Done {
    success: bool,
    said: String,
    calls: String,
}

impl Machine {
    /// With what every system has.
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().expect("a directory"));
        for tool in ["sed", "sort", "cut", "dirname", "cat", "chmod", "env"] {
            let found =
                ["/usr/bin", "/bin"].map(|dir| PathBuf::from(dir).join(tool)).into_iter().find(|at| at.exists());
            symlink(found.expect("every system has it"), machine.0.path().join(tool)).expect("linked");
        }
        machine.with("id", "echo 0")
    }

    /// With a program that does this.
    fn with(self, name: &str, does: &str) -> Self {
        self.write(name, does);
        self
    }

    /// With cargo of that version.
    fn with_cargo(self, version: &str) -> Self {
        self.with("cargo", &format!("echo 'cargo {version} (0000 2026-01-01)'"))
    }

    /// With a C compiler and cmake.
    fn with_compilers(self) -> Self {
        self.with("cc", "").with("cmake", "")
    }

    fn write(&self, name: &str, does: &str) {
        let path = self.0.path().join(name);
        fs::write(&path, format!("#!/bin/bash\necho \"{name} $*\" >> {}\n{does}\n", self.calls().display()))
            .expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("changed");
    }

    fn calls(&self) -> PathBuf {
        self.0.path().join("calls")
    }

    /// What makes a program, as a line of a script.
    fn makes(&self, name: &str, says: &str) -> String {
        let path = self.0.path().join(name);
        format!("printf '#!/bin/bash\\necho \"{says}\"\\n' > {0}; chmod +x {0}", path.display())
    }

    fn setup(&self) -> Done {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/setup");
        let mut command = Command::new("/bin/bash");
        command.arg(script).env_clear().env("PATH", self.0.path()).env("HOME", self.0.path());
        let output = command.output().expect("bash runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Done { success: output.status.success(), said, calls: fs::read_to_string(self.calls()).unwrap_or_default() }
    }
}

#[test]
fn takes_what_is_there() {
    let done = Machine::new().with_compilers().with_cargo("1.95.0").with("rustup", "").with("apt-get", "").setup();
    assert!(done.success, "{}", done.said);
    assert!(!done.calls.contains("rustup") && !done.calls.contains("apt-get"), "{}", done.calls);
    assert!(Machine::new().with_compilers().with_cargo("1.101.2-nightly").setup().success);
}

#[test]
fn refuses_a_systems_cargo_that_is_too_old_and_leaves_it_alone() {
    let done = Machine::new().with_compilers().with_cargo("1.75.0").with("apt-get", "").with("curl", "").setup();
    assert!(!done.success);
    assert!(["1.95", "1.75.0", "https://rustup.rs"].iter().all(|word| done.said.contains(word)), "{}", done.said);
    assert!(!done.calls.contains("apt-get") && !done.calls.contains("curl"), "{}", done.calls);
}

#[test]
fn brings_rustups_stable_up_to_date() {
    let machine = Machine::new().with_compilers().with_cargo("1.80.1");
    let updates = machine.makes("cargo", "cargo 1.96.0 (0000 2026-01-01)");
    let done = machine.with("rustup", &format!("case $1 in toolchain) {updates};; esac")).setup();
    assert!(done.success, "{}", done.said);
    assert!(!done.calls.contains("rustup default"), "a default that there is, is not changed: {}", done.calls);
}

#[test]
fn says_what_to_do_where_an_old_toolchain_is_the_default() {
    let done = Machine::new().with_compilers().with_cargo("1.80.1").with("rustup", "").setup();
    assert!(!done.success);
    assert!(done.said.contains("1.80.1") && done.said.contains("rustup default stable"), "{}", done.said);
}

#[test]
fn installs_all_that_a_fresh_machine_lacks() {
    let machine = Machine::new().with("apt-cache", "");
    let cargo = machine.makes("cargo", "cargo 1.95.0 (0000 2026-01-01)");
    // Without a default toolchain, as the package leaves it.
    machine.write(
        "later-rustup",
        &format!("case \"$1 $2\" in 'show active-toolchain') exit 1;; 'default stable') {cargo};; esac"),
    );
    let rustup = format!("cat {0}/later-rustup > {0}/rustup; chmod +x {0}/rustup", machine.0.path().display());
    let done = machine.with("apt-get", &format!("case \"$*\" in *rustup*) {rustup};; esac")).setup();
    assert!(done.success, "{}\n{}", done.said, done.calls);
    assert!(done.calls.contains("build-essential cmake") && done.calls.contains("rustup"), "{}", done.calls);
}

#[test]
fn says_what_is_missing_where_it_cannot_install() {
    let done = Machine::new().with_cargo("1.95.0").setup();
    assert!(!done.success && done.said.contains("build-essential cmake"), "{}", done.said);
    let done = Machine::new().with_compilers().setup();
    assert!(!done.success && done.said.contains("https://rustup.rs"), "{}", done.said);
}
