//! The API as several processes: commands and queries apart, and two beside them that serve both.

use super::{
    Parts,
    load::{self, Granted},
    proof,
};
use crate::e2e::engine::{Answer, Ask, Engine};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};
use tokio::task::JoinSet;

/// Holds that are placed over each process at the same time.
const AT_ONCE: usize = 24;

/// Clients of each of the two processes of which one dies.
const CLIENTS: usize = 6;

type Holds = BTreeMap<String, Granted>;

/// The processes that serve HTTP.
struct Apis {
    parts: Parts,
    token: String,
    other: Arc<Engine>,
    commands: Arc<Engine>,
    queries: Engine,
}

#[tokio::test(flavor = "multi_thread")]
async fn several_apis_take_commands_and_show_what_came_of_them_and_one_may_die() {
    let parts = Parts::open().await;
    let _others = [parts.start("processor"), parts.start("projector")];
    let apis = Apis {
        token: parts.api.token("service", "shop"),
        other: Arc::new(parts.start("api")),
        commands: Arc::new(parts.start("command-api")),
        queries: parts.start("query-api"),
        parts,
    };
    let mut holds = Holds::new();
    each_serves_its_own(&apis, &mut holds).await;
    every_answer_comes_to_who_asked(&apis, &mut holds).await;
    one_dies_and_the_other_goes_on(&apis, &mut holds).await;
    proof::holds_add_up(&apis.parts, &holds).await;
}

/// Commands are taken by the one and not by the other, and the same of queries; what the one did the other shows.
async fn each_serves_its_own(apis: &Apis, holds: &mut Holds) {
    for api in [&apis.parts.api, &apis.other, &apis.commands, &apis.queries] {
        let ready = api.get(None, "/readyz", "").await;
        assert_eq!(ready.status, StatusCode::OK, "{ready:?}");
    }
    let placed = ask(apis, &apis.commands, "own", 0).await.expect("an answer");
    assert_eq!(placed.status, StatusCode::CREATED, "{placed:?}");
    is_active(apis, &apis.queries, "own", 0, &placed.position()).await;
    let told = [
        ask(apis, &apis.queries, "not-here", 0).await.expect("an answer"),
        apis.commands.get(Some(&apis.token), &path_of(apis, "own", 0), &placed.position()).await,
    ];
    for answer in &told {
        assert!([404, 405].contains(&answer.status.as_u16()), "{answer:?}");
    }
    note(holds, "own", 0, placed, 1);
}

/// Many at once over three processes: each gets its own answer, and reads what it did over another process.
async fn every_answer_comes_to_who_asked(apis: &Apis, holds: &mut Holds) {
    let writers = [&apis.commands, &apis.parts.api, &apis.other];
    let mut placed = JoinSet::new();
    for n in 0..AT_ONCE * writers.len() {
        let (api, token) = (Arc::clone(writers[n % writers.len()]), apis.token.clone());
        let (item, id) = (item_of(apis, n), format!("at-once-{n}"));
        placed.spawn(async move { (n, place(&api, &token, &item, &id).await) });
    }
    for (n, answer) in placed.join_all().await {
        let (id, answer) = (format!("at-once-{n}"), answer.expect("an answer"));
        assert_eq!((answer.status, &answer.body["holdId"]), (StatusCode::CREATED, &json!(id)), "{answer:?}");
        let reader = [&*apis.other, &apis.queries, &*apis.parts.api][n % writers.len()];
        is_active(apis, reader, &id, n, &answer.position()).await;
        note(holds, &id, n, answer, 1);
    }
    // The same command over two at once takes effect once, and both are told of it.
    let (one, two) = tokio::join!(ask(apis, &apis.parts.api, "twice", 1), ask(apis, &apis.other, "twice", 1));
    let (one, two) = (one.expect("an answer"), two.expect("an answer"));
    assert_eq!((one.status, two.status), (StatusCode::CREATED, StatusCode::CREATED), "{one:?} {two:?}");
    assert_eq!(one.body["expiresAt"], two.body["expiresAt"]);
    note(holds, "twice", 1, one, 2);
}

/// Under load on both. The living one answers everybody, also those of whom nobody knows what the dead one did for them.
async fn one_dies_and_the_other_goes_on(apis: &Apis, holds: &mut Holds) {
    let (stop, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS * 2 {
        let api = Arc::clone(if client < CLIENTS { &apis.parts.api } else { &apis.other });
        let (token, item) = (apis.token.clone(), item_of(apis, client));
        let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
        clients.spawn(async move {
            let mut done = Vec::new();
            for n in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let id = format!("c{client}-{n}");
                match place(&api, &token, &item, &id).await {
                    Ok(answer) => {
                        assert_eq!(answer.status, StatusCode::CREATED, "{id}: {answer:?}");
                        answered.fetch_add(1, Ordering::Relaxed);
                        done.push((client, id, Some(answer)));
                    }
                    // Its process is dead.
                    Err(error) => {
                        assert!(client >= CLIENTS, "{id}: {error}");
                        done.push((client, id, None));
                        break;
                    }
                }
            }
            done
        });
    }
    load::until(|| answered.load(Ordering::Relaxed) > CLIENTS * 20).await;
    apis.other.kill();
    let at_death = answered.load(Ordering::Relaxed);
    load::until(|| answered.load(Ordering::Relaxed) > at_death + CLIENTS * 20).await;
    stop.store(true, Ordering::Relaxed);
    let ended: Vec<_> = clients.join_all().await.into_iter().flatten().collect();
    assert_eq!(ended.iter().filter(|(.., answer)| answer.is_none()).count(), CLIENTS, "not every client lost its API");
    for (client, id, answer) in ended {
        let (answer, sent) = match answer {
            Some(answer) => (answer, 1),
            None => (ask(apis, &apis.parts.api, &id, client).await.expect("an answer"), 2),
        };
        assert_eq!(answer.status, StatusCode::CREATED, "{id}: {answer:?}");
        note(holds, &id, client, answer, sent);
    }
}

fn item_of(apis: &Apis, n: usize) -> String {
    apis.parts.items[n % apis.parts.items.len()].clone()
}

fn path_of(apis: &Apis, id: &str, n: usize) -> String {
    format!("/v1/items/{}/holds/{id}", item_of(apis, n))
}

async fn ask(apis: &Apis, api: &Engine, id: &str, n: usize) -> Result<Answer, reqwest::Error> {
    place(api, &apis.token, &item_of(apis, n), id).await
}

async fn place(api: &Engine, token: &str, item: &str, id: &str) -> Result<Answer, reqwest::Error> {
    let body = json!({"holdId": id, "quantity": 1, "expiresInSeconds": 86_400});
    let ask = Ask { token: Some(token), body: Some(body), ..Ask::default() };
    api.try_ask(Method::POST, &format!("/v1/items/{item}/holds"), ask).await
}

/// That a hold is shown by whom its position token is shown to.
async fn is_active(apis: &Apis, api: &Engine, id: &str, n: usize, position: &str) {
    assert!(!position.is_empty(), "{id} has no position");
    let shown = api.get(Some(&apis.token), &path_of(apis, id, n), position).await;
    assert_eq!((shown.status, &shown.body["status"]), (StatusCode::OK, &json!("active")), "{id}: {shown:?}");
}

fn note(holds: &mut Holds, id: &str, n: usize, answer: Answer, sent: u32) {
    let shard = u32::try_from(n).expect("few") % super::SHARDS;
    holds.insert(id.to_owned(), Granted { shard, answer: answer.body, at: Instant::now(), sent });
}
