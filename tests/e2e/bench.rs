//! The benchmark runs on every composition, proves what it counted, and says beside what.

use super::{process::binary, world::World};
use serde_json::Value;
use std::process::Command;

fn bench(flags: &[String]) -> Value {
    let scratch = tempfile::tempdir().expect("a scratch directory");
    let mut bench = Command::new(binary());
    bench.args(["bench", "hot", "--seconds", "1", "--json"]).args(flags).current_dir(scratch.path());
    let output = bench.output().expect("stockfold runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a JSON report");
    let figures = report["figures"].as_array().expect("figures");
    assert_eq!(figures.len(), 4, "{report}");
    for figure in figures {
        assert!(figure["holdsInLog"].as_u64() >= figure["holds"].as_u64(), "{figure}");
        assert!(figure["timesAlone"].as_f64() > Some(0.0), "{figure}");
    }
    assert_eq!(report["soldOut"]["granted"], report["soldOut"]["units"], "{report}");
    report
}

#[test]
fn embedded_beside_the_disk() {
    let report = bench(&World::Embedded.home().flags);
    assert!(report["alone"].as_str().expect("a name").contains("fdatasync"), "{report}");
}

#[test]
fn on_a_cluster_beside_its_brokers_and_on_brokers_alone() {
    let home = World::Cluster.home();
    let report = bench(&home.flags);
    assert!(report["alone"].as_str().expect("a name").contains("producer"), "{report}");
    assert!(report["figures"][0]["viewsCatchUpMs"].is_u64(), "{report}");
    // Without a store nothing is folded.
    let at = home.flags.iter().position(|flag| flag == "--scylla").expect("a cluster has one");
    let report = bench(&[&home.flags[..at], &home.flags[at + 2..]].concat());
    assert!(report["figures"][0]["viewsCatchUpMs"].is_null(), "{report}");
}
