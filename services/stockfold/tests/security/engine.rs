//! The one engine of these tests: the real binary, its keys, and a client.

use super::answer::Answer;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Method, header::HeaderValue};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The key of the engine's own tokens.
pub const KEY: &str = "the key of these tests, longer than 32 bytes";

/// The secret of the payment provider's webhooks.
pub const WEBHOOK_SECRET: &str = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// The public key that the identity provider of these tests shows. Nobody here has the private one.
pub const PUBLIC_X: &str = "g6i4HX_ztFo6mSy-1xQQPfw7o-Sm2jrFRO_TUIP9kjc";
const PUBLIC_Y: &str = "nPI5hMC555eObo8TiujgVqyZlxmhmK8QnyIFrekXdGw";

/// The name of that key.
pub const KEY_ID: &str = "k1";

/// The key set that is shown.
pub fn key_set() -> String {
    let key = json!({"kty": "EC", "crv": "P-256", "kid": KEY_ID, "use": "sig", "alg": "ES256", "x": PUBLIC_X,
        "y": PUBLIC_Y});
    json!({ "keys": [key] }).to_string()
}

/// A request.
#[derive(Debug, Clone)]
pub struct Ask {
    pub method: Method,
    pub path: String,
    pub token: Option<String>,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Ask {
    pub fn new(method: &str, path: impl Into<String>) -> Self {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        Self { method, path: path.into(), token: None, headers: Vec::new(), body: Vec::new() }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    pub fn by(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }
}

/// A running engine. It ends with this value.
pub struct Engine {
    child: Child,
    home: TempDir,
    runtime: Runtime,
    client: reqwest::Client,
    pub url: String,
}

/// The engine that is running, or a new one.
pub fn engine() -> Arc<Engine> {
    static RUNNING: Mutex<Weak<Engine>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.upgrade().unwrap_or_else(|| {
        let engine = Arc::new(Engine::start());
        *running = Arc::downgrade(&engine);
        engine
    })
}

impl Engine {
    fn start() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let said = File::create(home.path().join("stderr")).expect("a file");
        let mut child = Command::new(env!("CARGO_BIN_EXE_stockfold"))
            .args(["up", "--port", "0", "--rate-limit", "0", "--disk-reserve-mib", "0", "--test-clock"])
            .args(["--jwks-url", &serve_keys()])
            .arg("--data")
            .arg(home.path().join("data"))
            .envs([("STOCKFOLD_JWT_KEY", KEY), ("STOCKFOLD_PAYMENT_WEBHOOK_SECRETS", WEBHOOK_SECRET)])
            .env("STOCKFOLD_LOG", "warn")
            .stdout(Stdio::piped())
            .stderr(said)
            .spawn()
            .expect("the binary can be started");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines().map_while(Result::ok);
        let url = lines.find_map(|line| Some(line.split_once("listens on ")?.1.trim().to_owned()));
        // Whatever it prints later is read and dropped, or its pipe would fill up.
        std::thread::spawn(move || lines.for_each(drop));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(120)).build().expect("a client");
        let runtime = runtime.expect("a runtime");
        let mut engine = Self { child, home, runtime, client, url: String::new() };
        engine.url = url.unwrap_or_else(|| panic!("it ended before it listened: {}", engine.said()));
        engine
    }

    /// What it wrote on stderr.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.home.path().join("stderr")).unwrap_or_default()
    }

    /// Sends a request; what went wrong where no whole answer came.
    pub fn try_send(&self, ask: &Ask) -> Result<Answer, String> {
        let mut request = self.client.request(ask.method.clone(), format!("{}{}", self.url, ask.path));
        if let Some(token) = &ask.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in &ask.headers {
            request = request.header(name, HeaderValue::from_bytes(value).map_err(|error| error.to_string())?);
        }
        let request = request.body(ask.body.clone());
        self.runtime.block_on(async {
            let answer = request.send().await.map_err(|error| format!("{error:?}"))?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let bytes = answer.bytes().await.map_err(|error| format!("{error:?}"))?;
            Ok(Answer::new(status, &headers, &bytes))
        })
    }

    /// Sends a request that must be answered.
    pub fn send(&self, ask: &Ask) -> Answer {
        self.try_send(ask).unwrap_or_else(|error| panic!("{ask:?}: {error}\n{}", self.said()))
    }

    /// Sends a request that must succeed.
    pub fn done(&self, ask: &Ask) -> Answer {
        let answer = self.send(ask);
        assert!(answer.is_success(), "{ask:?}: {answer:?}");
        answer
    }

    /// Panics where the engine said that something of it panicked.
    pub fn assert_unharmed(&self) {
        let said = self.said();
        assert!(!said.contains("panicked"), "{said}");
        assert!(self.send(&Ask::get("/readyz")).is_success(), "{said}");
    }

    /// The directory that it keeps its data in.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Claims of a token that holds for an hour.
pub fn claims(role: &str, sub: &str) -> Value {
    let exp = jsonwebtoken::get_current_timestamp() + 3_600;
    json!({"iss": "stockfold", "aud": "stockfold", "sub": sub, "role": role, "exp": exp})
}

/// An HS256 token of these claims.
pub fn signed(claims: &Value) -> String {
    let key = EncodingKey::from_secret(KEY.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).expect("signs")
}

/// A token of that role.
pub fn token(role: &str, sub: &str) -> String {
    signed(&claims(role, sub))
}

/// Shows the key set to whoever asks, for as long as the tests run; answers its URL.
fn serve_keys() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/keys", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for mut connection in listener.incoming().map_while(Result::ok) {
            let _ = connection.read(&mut [0; 4_096]);
            let keys = key_set();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
            let _ = write!(connection, "{head}Content-Length: {}\r\n\r\n{keys}", keys.len());
        }
    });
    url
}
