//! A real `stockfold up` in a directory of its own, that can be killed and started again.

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::Value;
use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

/// The binary, built once with the profile of the tests.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let tests = std::env::current_exe().expect("the test's own path");
        let folder = tests.parent().and_then(Path::parent).expect("target/<profile>");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "--workspace", "--bin", "stockfold"]);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo can be run");
        assert!(built.success(), "stockfold does not build");
        folder.join("stockfold")
    })
}

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

/// A running process and its data directory.
pub struct Engine {
    child: Mutex<Child>,
    data: Arc<tempfile::TempDir>,
    flags: Vec<String>,
    client: reqwest::Client,
    tokens: Mutex<HashMap<String, String>>,
    pub url: String,
}

impl Engine {
    /// Starts in a fresh directory with these flags besides `--data` and `--port 0`.
    pub fn start(flags: &[&str]) -> Self {
        let data = Arc::new(tempfile::tempdir().expect("a scratch directory"));
        Self::start_in(data, flags.iter().map(|flag| (*flag).to_owned()).collect())
    }

    fn start_in(data: Arc<tempfile::TempDir>, flags: Vec<String>) -> Self {
        let mut child = Command::new(binary())
            .arg("up")
            .args(["--port", "0", "--rate-limit", "0", "--data"])
            .arg(data.path())
            .args(&flags)
            .env("STOCKFOLD_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .expect("stockfold can be started");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        let url = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("listens on ")?.1.trim().to_owned()))
            .unwrap_or_else(|| panic!("stockfold ended before it listened: {:?}", child.wait()));
        // Whatever it prints later is read and dropped, or its pipe would fill up.
        std::thread::spawn(move || lines.for_each(drop));
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(256)
            .build()
            .expect("a client");
        Self { child: Mutex::new(child), data, flags, client, tokens: Mutex::default(), url }
    }

    /// The same directory and flags again; kills the process if it still runs.
    pub fn restart(self) -> Self {
        self.kill();
        Self::start_in(Arc::clone(&self.data), self.flags.clone())
    }

    /// The same directory with these flags besides `--data` and `--port 0`.
    pub fn restart_with(self, flags: &[&str]) -> Self {
        self.kill();
        Self::start_in(Arc::clone(&self.data), flags.iter().map(|flag| (*flag).to_owned()).collect())
    }

    /// Starts another process in this directory, which must end with an error, and returns what it says.
    pub fn fails_to_start(&self, flags: &[&str]) -> String {
        let mut up = Command::new(binary());
        up.args(["up", "--port", "0", "--data"]).arg(self.data.path()).args(flags);
        let output = up.output().expect("stockfold can be started");
        assert!(!output.status.success(), "it started with {flags:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// kill -9.
    pub fn kill(&self) {
        let mut child = self.child.lock().expect("not poisoned");
        let _ = child.kill();
        let _ = child.wait();
    }

    /// SIGTERM, waits for the end and returns whether it was a success.
    pub fn terminate(&self) -> bool {
        let mut child = self.child.lock().expect("not poisoned");
        let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill");
        assert!(told.success(), "the process was gone");
        child.wait().expect("ends").success()
    }

    /// Runs the binary with this engine's data directory and returns what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(binary()).args(arguments).arg("--data").arg(self.data.path()).output().expect("runs");
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
        self.ask(Method::GET, path, Ask { token, headers, ..Ask::default() }).await
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

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}
