//! A directory that is watched.

use super::{Shop, World, until};
use serde_json::{Value, json};
use std::{os::unix::process::ExitStatusExt as _, process::Command};

fn list(item: &str, quantity: Value) -> String {
    let list = json!({"op": "list", "itemId": item, "name": item, "kind": "physical",
        "price": {"amount": 1, "currency": "EUR"}});
    let receive = json!({"op": "receive", "itemId": item, "receiptId": "r", "location": "main", "quantity": quantity,
        "document": "d"});
    format!("{list}\n{receive}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_is_imported_in_order_and_moved_away() {
    let shop = Shop::open(World::Embedded);
    let inbox = shop.path("inbox");
    std::fs::create_dir(&inbox).expect("made");
    let put = |name: &str, text: &str| {
        let unfinished = shop.path("unfinished");
        std::fs::write(&unfinished, text).expect("written");
        std::fs::rename(&unfinished, inbox.join(name)).expect("renamed");
    };
    put("1.ndjson", &list("mug", json!(3)));
    put("2.ndjson", &list("cup", json!(-3)));
    put("3.csv", "this,,is no head\n1,2,3\n");
    put("notes.txt", "nothing to import");
    let mut watch =
        shop.spawn(&shop.engine.url, &["import", "--watch", inbox.to_str().expect("UTF-8"), "--settle", "0", "--json"]);
    until("the first are through", || {
        inbox.join("failed/3.csv.rejected.ndjson").exists() && inbox.join("failed/3.csv").exists()
    })
    .await;
    assert!(
        inbox.join("done/1.ndjson").exists()
            && inbox.join("failed/2.ndjson").exists()
            && inbox.join("notes.txt").exists()
    );
    let bad = std::fs::read_to_string(inbox.join("failed/2.ndjson.rejected.ndjson")).expect("listed");
    let bad: Value = serde_json::from_str(&bad).expect("one line");
    assert_eq!((&bad["line"], &bad["code"]), (&json!(2), &json!("invalid_body")));
    // It goes on watching; a name that is taken is kept.
    put("1.ndjson", &list("pot", json!(5)));
    until("the next is through", || inbox.join("done/1.ndjson.1").exists()).await;
    let told = Command::new("kill").args(["-TERM", &watch.id().to_string()]).status().expect("kill");
    assert!(told.success());
    let end = tokio::task::spawn_blocking(move || watch.wait()).await.expect("waited").expect("ended");
    assert!(end.success() && end.signal().is_none(), "SIGTERM is its end: {end:?}");
    for item in ["mug", "cup", "pot"] {
        let shown = shop.engine.get(None, &format!("/v1/items/{item}"), "").await;
        assert!(shown.status.is_success(), "{item}: {shown:?}");
    }
}
