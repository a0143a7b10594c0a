//! The main job: real retail data through the public API, reconciled against an independent computation.

use super::{
    process::binary,
    world::{World, in_both_worlds},
};
use serde_json::{Value, json};
use std::process::Command;

in_both_worlds!(
    with_ample_stock_every_order_is_granted_and_every_penny_agrees,
    with_tight_stock_orders_are_refused_and_nothing_is_oversold,
);

fn replay(world: World, stock: &str) -> Value {
    let scratch = tempfile::tempdir().expect("a scratch directory");
    let excerpt = concat!(env!("CARGO_MANIFEST_DIR"), "/data/online-retail-excerpt.csv");
    let mut replay = Command::new(binary());
    replay.args(["replay", excerpt, "--stock", stock, "--json"]).args(&world.home().flags).current_dir(scratch.path());
    let output = replay.output().expect("stockfold runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a JSON report");
    assert_eq!(report["ok"], json!(true), "{report}");
    for check in report["checks"].as_array().expect("checks") {
        assert_eq!(check["ok"], json!(true), "{check}");
    }
    report
}

fn sum(report: &Value, list: &str, field: &str) -> u64 {
    report[list].as_array().expect("a list").iter().filter_map(|row| row[field].as_u64()).sum()
}

async fn with_ample_stock_every_order_is_granted_and_every_penny_agrees(world: World) {
    let report = replay(world, "ample");
    assert_eq!(sum(&report, "fates", "rows"), report["rows"].as_u64().expect("a number"), "a row is unaccounted for");
    assert!(sum(&report, "orders", "asked") > 150, "{}", report["orders"]);
    assert_eq!(sum(&report, "orders", "asked"), sum(&report, "orders", "confirmed"));
    assert!(report["units"]["cancelled"].as_i64() > Some(0), "the excerpt has cancellations: {}", report["units"]);
    assert!(report["turnoverPence"].as_i64() > Some(0));
}

async fn with_tight_stock_orders_are_refused_and_nothing_is_oversold(world: World) {
    let report = replay(world, "tight");
    assert!(sum(&report, "orders", "refused") > 20, "{}", report["orders"]);
    assert!(sum(&report, "orders", "confirmed") > 20, "{}", report["orders"]);
}
