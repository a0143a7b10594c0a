use super::{jwks::Lookup, verify::Verifier, *};
use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use schemas::Clock;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// 2026-01-01T00:00:00Z.
const NOW_S: u64 = 1_767_225_600;
const KEY: &[u8] = b"a local key of at least thirty-two bytes";

/// A clock that the test moves.
struct Moved(AtomicI64);

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

fn config() -> AuthConfig {
    AuthConfig {
        issuer: "stockfold".to_owned(),
        audience: "stockfold-api".to_owned(),
        local_key: Some(KEY.to_vec()),
        pseudonym_secret: b"a secret of this deployment, 32 bytes".to_vec(),
        jwks_url: None,
    }
}

fn clock() -> Arc<Moved> {
    Arc::new(Moved(AtomicI64::new(i64::try_from(NOW_S).expect("fits") * 1_000)))
}

fn verifier() -> Verifier {
    Verifier::new(&config(), clock()).expect("a verifier")
}

fn claims() -> Value {
    json!({"iss": "stockfold", "aud": "stockfold-api", "sub": "alice", "role": "shopper", "exp": NOW_S + 60})
}

fn changed(change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Value {
    let mut claims = claims();
    change(claims.as_object_mut().expect("an object"));
    claims
}

fn signed(algorithm: Algorithm, key: &[u8], claims: &Value) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key)).expect("signs")
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

async fn identify(verifier: &Verifier, token: &str) -> Identity {
    let value = format!("Bearer {token}").parse().expect("a header value");
    verifier.identify(&HeaderMap::from_iter([(header::AUTHORIZATION, value)])).await
}

async fn refusal(token: &str) -> &'static str {
    match identify(&verifier(), token).await {
        Identity::Refused(why) => why,
        other => panic!("{other:?} for {token}"),
    }
}

#[tokio::test]
async fn a_minted_token_names_role_and_pseudonym() {
    let clock = clock();
    let grant = Grant {
        role: Role::Store,
        sub: "shop-7".to_owned(),
        store: Some(StoreId::parse("s1").expect("an id")),
        location: None,
    };
    let token = mint(&config(), &grant, Duration::from_secs(60), clock.now()).expect("mints");
    let Identity::Known(Session { caller, until }) = identify(&verifier(), &token).await else { panic!("refused") };
    assert_eq!(until, clock.now().plus_seconds(60));
    assert_eq!(caller.role, Role::Store);
    assert_eq!(caller.subject, config().pseudonym("shop-7"));
    assert_eq!(caller.store.expect("its store").as_str(), "s1");
    assert_eq!(caller.subject.as_str().len(), 32);
    assert!(!caller.subject.as_str().contains("shop"));
}

#[tokio::test]
async fn refuses_alg_none_in_every_spelling() {
    for alg in ["none", "None", "NONE", "nOnE"] {
        let head = part(&json!({"alg": alg, "typ": "JWT"}));
        for signature in ["", "AAAA"] {
            refusal(&format!("{head}.{}.{signature}", part(&claims()))).await;
        }
    }
}

#[tokio::test]
async fn refuses_other_algorithms_and_keys() {
    refusal(&signed(Algorithm::HS512, KEY, &claims())).await;
    refusal(&signed(Algorithm::HS384, KEY, &claims())).await;
    assert!(refusal(&signed(Algorithm::HS256, b"another key", &claims())).await.contains("signature"));
    let good = signed(Algorithm::HS256, KEY, &claims());
    let (head, rest) = good.split_once('.').expect("three parts");
    let (_, signature) = rest.split_once('.').expect("three parts");
    let forged = part(&changed(|claims| _ = claims.insert("role".to_owned(), json!("operator"))));
    refusal(&format!("{head}.{forged}.{signature}")).await;
    for garbage in ["", "a", "a.b", "a.b.c", "a.b.c.d", "..", &"x".repeat(10_000)] {
        refusal(garbage).await;
    }
}

#[tokio::test]
async fn refuses_claims_that_are_missing_or_foreign() {
    for name in ["exp", "iss", "aud", "sub", "role"] {
        refusal(&signed(Algorithm::HS256, KEY, &changed(|claims| _ = claims.remove(name)))).await;
    }
    let cases = [
        ("exp", json!(NOW_S)),
        ("exp", json!(NOW_S - 3_600)),
        ("exp", json!("soon")),
        ("exp", json!(-1)),
        ("nbf", json!(NOW_S + 3_600)),
        ("iss", json!("somebody")),
        ("iss", json!(["stockfold", "somebody"])),
        ("aud", json!("another-api")),
        ("aud", json!([])),
        ("sub", json!("")),
        ("sub", json!("a\u{0}b")),
        ("sub", json!("x".repeat(256))),
        ("role", json!("engine")),
        ("role", json!("root")),
        ("role", json!("store")),
        ("role", json!("warehouse")),
        ("store", json!("not an id")),
    ];
    for (name, value) in cases {
        refusal(&signed(Algorithm::HS256, KEY, &changed(|claims| _ = claims.insert(name.to_owned(), value)))).await;
    }
}

#[tokio::test]
async fn an_audience_may_be_one_of_several() {
    let token = signed(
        Algorithm::HS256,
        KEY,
        &changed(|claims| _ = claims.insert("aud".to_owned(), json!(["other", "stockfold-api"]))),
    );
    assert!(matches!(identify(&verifier(), &token).await, Identity::Known(_)));
}

#[tokio::test]
async fn a_token_that_was_verified_expires_all_the_same() {
    let clock = clock();
    let verifier = Verifier::new(&config(), Arc::clone(&clock) as Arc<dyn Clock>).expect("a verifier");
    let token = signed(Algorithm::HS256, KEY, &claims());
    assert!(matches!(identify(&verifier, &token).await, Identity::Known(_)));
    clock.0.fetch_add(59_000, Ordering::SeqCst);
    assert!(matches!(identify(&verifier, &token).await, Identity::Known(_)));
    clock.0.fetch_add(1_000, Ordering::SeqCst);
    assert!(matches!(identify(&verifier, &token).await, Identity::Refused(_)));
}

#[tokio::test]
async fn another_scheme_is_refused_and_none_is_anonymous() {
    let verifier = verifier();
    assert!(matches!(verifier.identify(&HeaderMap::new()).await, Identity::Anonymous));
    let basic = HeaderMap::from_iter([(header::AUTHORIZATION, "Basic YTpi".parse().expect("a header value"))]);
    assert!(matches!(verifier.identify(&basic).await, Identity::Refused(_)));
}

#[tokio::test]
async fn two_tokens_are_none_whatever_the_first_is() {
    let good: header::HeaderValue =
        format!("Bearer {}", signed(Algorithm::HS256, KEY, &claims())).parse().expect("a header value");
    let mut headers = HeaderMap::from_iter([(header::AUTHORIZATION, good.clone())]);
    assert!(matches!(verifier().identify(&headers).await, Identity::Known(_)));
    headers.append(header::AUTHORIZATION, good);
    assert!(matches!(verifier().identify(&headers).await, Identity::Refused(_)));
}

#[test]
fn mints_no_token_that_would_be_refused() {
    let grant = |role| Grant { role, sub: "x".to_owned(), store: None, location: None };
    let now = clock().now();
    for role in [Role::Store, Role::Warehouse, Role::Engine] {
        assert!(matches!(mint(&config(), &grant(role), Duration::from_secs(1), now), Err(MintError::Grant(_))));
    }
    let keyless = AuthConfig { local_key: None, ..config() };
    let minted = mint(&keyless, &grant(Role::Shopper), Duration::from_secs(1), now);
    assert!(matches!(minted, Err(MintError::NoLocalKey)));
}

/// A P-256 key pair that nothing but these tests uses.
const EC_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgs7+SEtDz9tkEIHr7\n\
    m6umnDmOiTld2Z+YxMgwbHlrI8qhRANCAASDqLgdf/O0WjqZLL7XFBA9/Duj5Kba\n\
    OsVE79NQg/2SN5zyOYTAueeXjm6PE4ro4FasmZcZoZivEJ8iBa3pF3Rs\n\
    -----END PRIVATE KEY-----";
const EC_X: &str = "g6i4HX_ztFo6mSy-1xQQPfw7o-Sm2jrFRO_TUIP9kjc";
const EC_Y: &str = "nPI5hMC555eObo8TiujgVqyZlxmhmK8QnyIFrekXdGw";

fn key_set() -> Value {
    json!({"keys": [
        {"kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256", "x": EC_X, "y": EC_Y},
        {"kty": "EC", "crv": "P-256", "kid": "enc", "use": "enc", "x": EC_X, "y": EC_Y},
        {"kty": "oct", "kid": "symmetric", "k": URL_SAFE_NO_PAD.encode(KEY)},
        {"kty": "EC", "crv": "P-256", "x": EC_X, "y": EC_Y},
    ]})
}

fn signed_es256(kid: Option<&str>) -> String {
    let mut head = Header::new(Algorithm::ES256);
    head.kid = kid.map(str::to_owned);
    let key = EncodingKey::from_ec_pem(EC_PRIVATE.as_bytes()).expect("a key");
    jsonwebtoken::encode(&head, &claims(), &key).expect("signs")
}

#[test]
fn takes_only_public_signature_keys_with_an_id() {
    let keys = jwks::parse(key_set().to_string().as_bytes()).expect("a key set");
    assert_eq!(keys.keys().collect::<Vec<_>>(), ["k1"]);
    assert_eq!(keys["k1"].algorithm, Algorithm::ES256);
}

/// Serves a key set on a free port; answers its URL and how often it was asked.
async fn serve_keys() -> (String, Arc<AtomicI64>) {
    let asked = Arc::new(AtomicI64::new(0));
    let counter = Arc::clone(&asked);
    let answer = move || async move {
        counter.fetch_add(1, Ordering::SeqCst);
        axum::Json(key_set())
    };
    let router = axum::Router::new().route("/jwks", axum::routing::get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/jwks", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, asked)
}

#[tokio::test]
async fn verifies_by_key_set_and_asks_for_it_rarely() {
    let (url, asked) = serve_keys().await;
    let config = AuthConfig { jwks_url: Some(url), ..config() };
    let clock = clock();
    let verifier = Verifier::new(&config, Arc::clone(&clock) as Arc<dyn Clock>).expect("a verifier");
    assert!(matches!(identify(&verifier, &signed_es256(Some("k1"))).await, Identity::Known(_)));
    assert!(matches!(identify(&verifier, &signed_es256(None)).await, Identity::Refused(_)));
    for n in 0..20 {
        let unknown = signed_es256(Some(&format!("unknown-{n}")));
        assert!(matches!(identify(&verifier, &unknown).await, Identity::Refused(_)));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    clock.0.fetch_add(20_000, Ordering::SeqCst);
    assert!(matches!(identify(&verifier, &signed_es256(Some("unknown"))).await, Identity::Refused(_)));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_public_key_is_never_a_secret() {
    let (url, _) = serve_keys().await;
    let mut head = Header::new(Algorithm::HS256);
    head.kid = Some("k1".to_owned());
    let public = URL_SAFE_NO_PAD.decode(EC_X).expect("base64url");
    let confused = jsonwebtoken::encode(&head, &claims(), &EncodingKey::from_secret(&public)).expect("signs");
    for local_key in [None, Some(KEY.to_vec())] {
        let config = AuthConfig { jwks_url: Some(url.clone()), local_key, ..config() };
        let verifier = Verifier::new(&config, clock()).expect("a verifier");
        assert!(matches!(identify(&verifier, &signed_es256(Some("k1"))).await, Identity::Known(_)));
        assert!(matches!(identify(&verifier, &confused).await, Identity::Refused(_)));
    }
}

#[tokio::test]
async fn without_its_key_set_it_cannot_say() {
    let jwks = jwks::Jwks::new("http://127.0.0.1:1/jwks".to_owned(), clock()).expect("a client");
    assert!(matches!(jwks.find("k1").await, Lookup::OutOfReach));
}

#[test]
fn a_key_set_is_looked_for_at_a_whole_http_url_only() {
    let made = |url: &str| {
        let auth = AuthConfig { jwks_url: Some(url.to_owned()), ..config() };
        crate::Edge::new(crate::EdgeConfig::new(auth), clock(), clock())
    };
    for url in ["https://id.example/.well-known/jwks.json", "http://127.0.0.1:9000/keys"] {
        assert!(made(url).is_ok(), "{url}");
    }
    for url in
        ["nonsense", "id.example/keys", "localhost:9000/keys", "ftp://id.example/keys", "file:///keys", "https://"]
    {
        let refused = made(url).expect_err("refused").to_string();
        assert!(refused.contains(&format!("`{url}` is no http or https URL")), "{refused}");
    }
}
