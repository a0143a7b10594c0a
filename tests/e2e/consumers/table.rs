//! A state topic as a table of somebody else's.

use super::documented::{Running, pasted, python, query, until};
use crate::e2e::{cluster::items_of, engine::Engine, world::World};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Rows of the table, by key.
fn rows(database: &std::path::Path) -> BTreeMap<String, Value> {
    if query(database, "select 1 from sqlite_master where name = 'state'").is_empty() {
        return BTreeMap::new();
    }
    let rows = query(database, "select id, row from state where row is not null");
    let row = |row: &Vec<Value>| {
        let (id, row) = (row[0].as_str().expect("text"), row[1].as_str().expect("text"));
        (id.to_owned(), serde_json::from_str(row).expect("JSON"))
    };
    rows.iter().map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_a_state_topic_shows_what_the_api_shows() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = World::Cluster.home();
    let topic = format!("{}.stock.state.v1", home.namespace);
    let engine = Engine::start(home, "up", &[]);
    let items: Vec<String> = (0..4).flat_map(|shard| items_of(shard).take(2)).collect();
    for (item, units) in items.iter().zip(5..) {
        engine.stock(item, 100, units).await;
    }
    let (program, database) = (pasted("table.py", folder.path()), folder.path().join("table.sqlite"));
    let start = || {
        Running::start(&mut python(
            &program,
            &[engines::kafka().bootstrap(), &topic, database.to_str().expect("UTF-8")],
        ))
    };
    let first = start();
    until("the rows do not come", || rows(&database).len() == items.len());
    drop(first);
    let (token, holder) = (engine.token("operator", "ops"), engine.token("service", "shop"));
    for item in &items {
        let hold = json!({"holdId": format!("h-{item}"), "quantity": 2, "expiresInSeconds": 3_600});
        let held = engine.post(&holder, "", &format!("/v1/items/{item}/holds"), hold).await;
        assert!(held.status.is_success(), "{held:?}");
    }
    // It goes on where it was.
    let _second = start();
    for item in &items {
        let shown = engine.get(Some(&token), &format!("/v1/items/{item}/stock"), "").await.body;
        let same = |row: &Value| {
            let fields = ["itemId", "available", "onHand", "held", "committed", "allotted", "safety"];
            fields.iter().all(|field| row[field] == shown[field]) && row["held"] == json!(2)
        };
        until(&format!("{item} is not as it is shown: {shown}"), || rows(&database).get(item).is_some_and(same));
    }
}
