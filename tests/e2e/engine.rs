//! A real process of the engine, driven over HTTP, that can be killed and started again.

use super::{
    patience::PATIENCE,
    process::{Process, binary},
    world::Home,
};
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::Value;
use std::{
    collections::HashMap,
    fs::File,
    process::{Command, ExitStatus},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The `code` of a problem.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    /// The position token.
    pub fn position(&self) -> String {
        self.headers.get("stockfold-position").map(|v| v.to_str().expect("text").to_owned()).unwrap_or_default()
    }
}

/// A request under way: pairs of header and value, and a JSON body.
#[derive(Debug, Clone, Default)]
pub struct Ask<'a> {
    pub token: Option<&'a str>,
    pub key: Option<&'a str>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Value>,
}

/// A running process: of all services, or of some.
pub struct Engine {
    process: Process,
    home: Arc<Home>,
    service: &'static str,
    flags: Vec<String>,
    client: reqwest::Client,
    tokens: Mutex<HashMap<String, String>>,
    pub url: String,
}

impl Engine {
    /// Starts a service, `up` for all of them, with these flags besides `--port 0` and those of its home.
    pub fn start(home: Arc<Home>, service: &'static str, flags: &[&str]) -> Self {
        Self::start_with(home, service, flags.iter().map(|flag| (*flag).to_owned()).collect())
    }

    fn start_with(home: Arc<Home>, service: &'static str, flags: Vec<String>) -> Self {
        let mut arguments = Self::arguments(&home, service, &flags);
        arguments.extend(["--rate-limit".to_owned(), "0".to_owned()]);
        let process = Process::start(&arguments);
        Self::around(process, home, service, flags)
    }

    /// As [`start`](Self::start), for who can do without it; its log lines go to a file.
    pub fn start_logged(home: Arc<Home>, service: &'static str, flags: &[String], log: File) -> Result<Self, String> {
        let mut arguments = Self::arguments(&home, service, flags);
        arguments.extend(["--rate-limit".to_owned(), "0".to_owned()]);
        let process = Process::start_logged(&arguments, "info", log)?;
        Ok(Self::around(process, home, service, flags.to_vec()))
    }

    fn around(process: Process, home: Arc<Home>, service: &'static str, flags: Vec<String>) -> Self {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(256)
            .build()
            .expect("a client");
        let url = process.url.clone();
        Self { process, home, service, flags, client, tokens: Mutex::default(), url }
    }

    fn arguments(home: &Home, service: &str, flags: &[String]) -> Vec<String> {
        let data = home.data().to_str().expect("UTF-8");
        let own = [service, "--port", "0", "--data", data].map(str::to_owned);
        own.into_iter().chain(home.flags.iter().cloned()).chain(flags.iter().cloned()).collect()
    }

    /// The same home and flags again; kills the process if it still runs.
    pub fn restart(self) -> Self {
        self.kill();
        Self::start_with(Arc::clone(&self.home), self.service, self.flags.clone())
    }

    /// The same home with these flags besides `--port 0` and its own.
    pub fn restart_with(self, flags: &[&str]) -> Self {
        self.kill();
        Self::start(Arc::clone(&self.home), self.service, flags)
    }

    /// Starts another process in this home, which must end with an error, and returns what it says.
    pub fn fails_to_start(&self, flags: &[&str]) -> String {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let mut up = Command::new(binary());
        up.args(Self::arguments(&self.home, self.service, &flags));
        let output = up.output().expect("stockfold can be started");
        assert!(!output.status.success(), "it started with {flags:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// kill -9.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Sends it SIG`name`.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Its end, if it has come to it.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// SIGTERM, waits for the end and returns whether it was a success.
    pub fn terminate(&self) -> bool {
        self.process.terminate()
    }

    /// Runs the binary with this engine's data directory and returns what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(binary()).args(arguments).arg("--data").arg(self.home.data()).output().expect("runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    }

    /// A token, made once per role and subject by `stockfold token`.
    pub fn token(&self, role: &str, sub: &str) -> String {
        let name = format!("{role}/{sub}");
        if let Some(token) = self.tokens.lock().expect("not poisoned").get(&name) {
            return token.clone();
        }
        let token = self.run(&["token", "--role", role, "--sub", sub]);
        self.tokens.lock().expect("not poisoned").insert(name, token.clone());
        token
    }

    /// Sends a request; an error means that no whole answer came.
    pub async fn try_ask(&self, method: Method, path: &str, ask: Ask<'_>) -> Result<Answer, reqwest::Error> {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(token) = ask.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = ask.key.filter(|key| !key.is_empty()) {
            request = request.header("idempotency-key", key);
        }
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        if let Some(body) = ask.body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = answer.bytes().await?;
        let body =
            serde_json::from_slice(&bytes).unwrap_or(Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Ok(Answer { status, headers, body })
    }

    /// Sends a request that must be answered.
    pub async fn ask(&self, method: Method, path: &str, ask: Ask<'_>) -> Answer {
        self.try_ask(method, path, ask).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// POST with an idempotency key.
    pub async fn post(&self, token: &str, key: &str, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Ask { token: Some(token), key: Some(key), body: Some(body), ..Ask::default() })
            .await
    }

    /// GET that sees at least `position` (empty: whatever there is).
    pub async fn get(&self, token: Option<&str>, path: &str, position: &str) -> Answer {
        let mut headers = Vec::new();
        if !position.is_empty() {
            headers.push(("stockfold-at-least", position.to_owned()));
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let asked = Ask { token, headers: headers.clone(), ..Ask::default() };
            let answer = self.ask(Method::GET, path, asked).await;
            // As the problem says: the view is not there yet, try again.
            if answer.code() != "view_behind" || Instant::now() > until {
                return answer;
            }
        }
    }

    /// Lists a physical item at `price` euro cents and receives `units` of it.
    pub async fn stock(&self, item: &str, price: i64, units: u32) {
        let operator = self.token("operator", "ops");
        let body = serde_json::json!({"name": item, "kind": "physical", "price": {"amount": price, "currency": "EUR"}});
        let listed = self
            .ask(
                Method::PUT,
                &format!("/v1/items/{item}"),
                Ask { token: Some(&operator), body: Some(body), ..Ask::default() },
            )
            .await;
        assert!(listed.status.is_success(), "{listed:?}");
        if units > 0 {
            let body = serde_json::json!({"receiptId": format!("open-{item}"), "location": "main", "quantity": units, "document": "d"});
            let received = self.post(&operator, "", &format!("/v1/items/{item}/receipts"), body).await;
            assert_eq!(received.status, StatusCode::CREATED, "{received:?}");
        }
    }
}
