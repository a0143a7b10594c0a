//! A server ends with the process that started it.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

#[test]
fn servers_and_their_files_go_when_their_owner_is_killed() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("owner-{}", std::process::id()));
    fs::create_dir_all(&scratch).expect("a folder");
    let mut owner = Command::new(env!("CARGO_BIN_EXE_engines"))
        .arg("--kafka-only")
        .env("TMPDIR", &scratch)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the engines binary");
    let mut line = String::new();
    BufReader::new(owner.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
    let address = line.trim().strip_prefix("export KAFKA_BROKERS=").expect("the brokers").parse().expect("an address");
    assert!(engines::kafka_answers(address));
    assert_eq!(fs::read_dir(&scratch).expect("a folder").count(), 1);

    owner.kill().expect("SIGKILL");
    owner.wait().expect("its end");
    let begun = Instant::now();
    while engines::kafka_answers(address) || fs::read_dir(&scratch).expect("a folder").count() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "a broker or its files outlive their owner");
    }
    fs::remove_dir(&scratch).expect("an empty folder");
}
