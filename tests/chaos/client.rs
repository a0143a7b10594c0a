//! One client: asks, asks again with the same key while nobody knows the outcome, and notes what it was told.

use super::{
    fleet::Fleet,
    history::{Call, End, History, Op},
};
use crate::e2e::engine::{Answer, Ask, Engine};
use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// Within this time somebody must answer, whatever happens meanwhile: no fault lasts longer than a fraction of it.
const ANSWERED_WITHIN: Duration = Duration::from_secs(180);

/// Before it asks again.
const BETWEEN: Duration = Duration::from_millis(200);

/// What a client asks for.
pub struct Wanted<'a> {
    pub op: Op,
    pub id: &'a str,
    pub item: &'a str,
    pub path: String,
    pub body: Value,
    pub token: &'a str,
    /// Whether the client may go away with the outcome unknown.
    pub may_leave: bool,
}

/// A client.
pub struct Client {
    pub number: usize,
    pub fleet: Arc<Fleet>,
    pub history: Arc<History>,
    pub random: StdRng,
    /// The newest position that it was shown of each item.
    pub seen: BTreeMap<String, (String, u64)>,
}

/// What an attempt came to.
enum Told {
    Answer(Answer),
    /// It had no effect, and may be sent again.
    NotTaken(String),
    /// Nobody knows.
    Unknown(String),
}

impl Client {
    /// Asks until it is answered, or goes away.
    pub async fn call(&mut self, wanted: Wanted<'_>) -> Call {
        let (begun, since) = (self.fleet.clock(), Instant::now());
        let leaves = wanted.may_leave && self.random.random_bool(0.1);
        let (mut sent, mut doubtful) = (0, false);
        let mut call = Call {
            client: self.number,
            op: wanted.op,
            id: wanted.id.to_owned(),
            item: wanted.item.to_owned(),
            begun,
            ended: begun,
            sent,
            doubtful,
            process: "nobody",
            end: End::Unknown("nobody listened".to_owned()),
            status: 0,
            body: Value::Null,
            position: String::new(),
        };
        loop {
            if let Some((process, engine)) = self.fleet.apis().choose(&mut self.random) {
                sent += 1;
                call.process = process;
                match self.ask(engine, &wanted).await {
                    Told::Answer(answer) => {
                        call.end = self.judge(&wanted, &answer);
                        call.position = answer.position();
                        (call.status, call.body) = (answer.status.as_u16(), answer.body);
                        break;
                    }
                    Told::NotTaken(why) => call.end = End::Unknown(why),
                    Told::Unknown(why) => {
                        call.end = End::Unknown(why);
                        doubtful = true;
                        if leaves {
                            break;
                        }
                    }
                }
            }
            if since.elapsed() > ANSWERED_WITHIN {
                self.history.wrong(format!("nobody answers {} {}: {:?}", wanted.op.name(), wanted.id, call.end));
                break;
            }
            tokio::time::sleep(BETWEEN).await;
        }
        (call.sent, call.ended, call.doubtful) = (sent, self.fleet.clock(), doubtful);
        self.history.add(call.clone());
        call
    }

    async fn ask(&mut self, engine: &Engine, wanted: &Wanted<'_>) -> Told {
        let patience = Duration::from_millis(self.random.random_range(500..7_000));
        let key = format!("{}-{}", wanted.op.name(), wanted.id);
        let ask = Ask { token: Some(wanted.token), key: Some(&key), body: Some(wanted.body.clone()), ..Ask::default() };
        let answer = match tokio::time::timeout(patience, engine.try_ask(Method::POST, &wanted.path, ask)).await {
            Err(_) => return Told::Unknown("no answer in time".to_owned()),
            Ok(Err(error)) if error.is_connect() => return Told::NotTaken("no connection".to_owned()),
            Ok(Err(_)) => return Told::Unknown("the connection broke".to_owned()),
            Ok(Ok(answer)) => answer,
        };
        let why = || format!("{} {}", answer.status.as_u16(), answer.code());
        match (answer.status, answer.body["outcome"].as_str()) {
            (StatusCode::SERVICE_UNAVAILABLE, Some("refused")) => Told::NotTaken(why()),
            (StatusCode::SERVICE_UNAVAILABLE, _) => Told::Unknown(why()),
            _ => Told::Answer(answer),
        }
    }

    /// Done or refused; nothing else is an answer.
    fn judge(&self, wanted: &Wanted<'_>, answer: &Answer) -> End {
        if answer.status.is_success() {
            return End::Done;
        }
        let is_refusal =
            matches!(answer.status.as_u16(), 402 | 409 | 422) && answer.body["outcome"] == json!("refused");
        // Who does not know what came of the hold's or order's beginning asks of what may not be there.
        if !is_refusal {
            self.history.wrong(format!("{} {} is told {answer:?}", wanted.op.name(), wanted.id));
        }
        End::Refused(answer.code().to_owned())
    }

    /// Looks at a row with a token; `None` where nobody shows it in time.
    pub async fn read(&mut self, path: &str, token: &str, at_least: &str) -> Option<Answer> {
        let (_, engine) = self.fleet.apis().choose(&mut self.random)?.clone();
        let mut headers = Vec::new();
        if !at_least.is_empty() {
            headers.push(("stockfold-at-least", at_least.to_owned()));
        }
        let ask = Ask { token: Some(token), headers, ..Ask::default() };
        let read = tokio::time::timeout(Duration::from_secs(5), engine.try_ask(Method::GET, path, ask)).await;
        let answer = read.ok()?.ok()?;
        // The views may be behind, or their store away.
        let later = [StatusCode::CONFLICT, StatusCode::SERVICE_UNAVAILABLE].contains(&answer.status);
        if later {
            return None;
        }
        self.history.count_read();
        Some(answer)
    }

    /// Reads an item's stock: whoever shows what is never older than what this client saw before.
    pub async fn look_at(&mut self, item: &str, token: &str) {
        let (known, seq) = self.seen.get(item).cloned().unwrap_or_default();
        let Some(answer) = self.read(&format!("/v1/items/{item}/stock"), token, &known).await else { return };
        let position = answer.body["position"].as_str().unwrap_or_default().to_owned();
        let now = position.rsplit_once('@').and_then(|(_, seq)| seq.parse().ok()).unwrap_or(0);
        if answer.status != StatusCode::OK || now < seq || answer.body["available"].as_i64().is_none_or(|n| n < 0) {
            self.history.wrong(format!("client {} saw {item} at {known:?}, and then {answer:?}", self.number));
        }
        self.seen.insert(item.to_owned(), (position, now));
    }

    /// Reads what a call made, with its token: it must be there.
    pub async fn look_back(&mut self, call: &Call, path: &str, token: &str) {
        if !call.is_done() || call.position.is_empty() || !self.random.random_bool(0.2) {
            return;
        }
        let Some(answer) = self.read(path, token, &call.position).await else { return };
        if answer.status != StatusCode::OK {
            self.history.wrong(format!("{} {} was done at {}: {answer:?}", call.op.name(), call.id, call.position));
        }
    }
}
