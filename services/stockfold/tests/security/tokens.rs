//! Tokens that do not hold, and other ways to pass for somebody.

use super::{
    asks::ask,
    engine::{Ask, KEY, KEY_ID, PUBLIC_X, claims, engine, key_set, signed, token},
    targets::{Kind, Maker, number},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn changed(name: &str, value: Value) -> String {
    let mut claims = claims("operator", "mallory");
    claims[name] = value;
    signed(&claims)
}

fn without(name: &str) -> String {
    let mut claims = claims("operator", "mallory");
    claims.as_object_mut().expect("claims").remove(name);
    signed(&claims)
}

/// A token under a head of one's own, signed with HS256 and some key.
fn headed(head: &Value, key: &[u8]) -> String {
    let claims = claims("operator", "mallory");
    let signing = format!("{}.{}", part(head), part(&claims));
    let signature = jsonwebtoken::crypto::sign(signing.as_bytes(), &EncodingKey::from_secret(key), Algorithm::HS256);
    format!("{signing}.{}", signature.expect("signs"))
}

/// Tokens that nobody signed, or not with a key of ours, with what is wrong with each.
fn forged() -> Vec<(&'static str, String)> {
    let good = token("operator", "mallory");
    let (unsigned, signature) = good.rsplit_once('.').expect("three parts");
    let (head, _) = unsigned.split_once('.').expect("three parts");
    let none = |alg: &str| format!("{}.{}.", part(&json!({"alg": alg, "typ": "JWT"})), part(&claims("operator", "m")));
    let shopper = token("shopper", "mallory");
    let stolen = shopper.rsplit_once('.').expect("three parts").1;
    let by = |algorithm| {
        let key = EncodingKey::from_secret(KEY.as_bytes());
        jsonwebtoken::encode(&Header::new(algorithm), &claims("operator", "m"), &key).expect("signs")
    };
    let public = URL_SAFE_NO_PAD.decode(PUBLIC_X).expect("base64url");
    let named = |kid: &str| json!({"alg": "HS256", "typ": "JWT", "kid": kid});
    let es = |kid: &str| json!({"alg": "ES256", "typ": "JWT", "kid": kid});
    let own_key = json!({"alg": "HS256", "jwk": {"kty": "oct", "k": URL_SAFE_NO_PAD.encode("mine")}});
    vec![
        ("alg none", none("none")),
        ("alg None", none("None")),
        ("alg NONE", none("NONE")),
        ("alg none with a signature", format!("{}{signature}", none("nOnE"))),
        ("no signature", format!("{unsigned}.")),
        ("two parts", unsigned.to_owned()),
        ("another's signature", format!("{unsigned}.{stolen}")),
        ("other claims", format!("{head}.{}.{signature}", part(&claims("operator", "eve")))),
        ("another key", headed(&json!({"alg": "HS256"}), b"another key that is long enough, surely")),
        ("an empty key", headed(&json!({"alg": "HS256"}), b"")),
        ("HS384", by(Algorithm::HS384)),
        ("HS512", by(Algorithm::HS512)),
        ("the public key as secret", headed(&named(KEY_ID), &public)),
        ("its text as secret", headed(&named(KEY_ID), PUBLIC_X.as_bytes())),
        ("the key set as secret", headed(&named(KEY_ID), key_set().as_bytes())),
        ("HMAC that says ES256", headed(&es(KEY_ID), KEY.as_bytes())),
        ("a kid that is a path", headed(&es("../../../../dev/null"), b"")),
        ("a kid that is a file", headed(&es("secrets.json"), b"")),
        ("a kid that is SQL", headed(&es("k1' UNION SELECT 'a"), b"a")),
        ("a kid that is no text", headed(&json!({"alg": "ES256", "kid": {"a": 1}}), KEY.as_bytes())),
        ("its own key", headed(&own_key, b"mine")),
        ("a key set elsewhere", headed(&json!({"alg": "ES256", "jku": "http://evil.example/keys"}), b"mine")),
        ("critical extensions", headed(&json!({"alg": "HS256", "crit": ["exp"]}), KEY.as_bytes())),
        ("a huge token", "x".repeat(40_000)),
        ("nothing but points", ".".repeat(1_000)),
        ("deep claims", format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode("[".repeat(4_000)))),
    ]
}

/// Tokens that are signed with our key and say what none of ours would, with what that is.
fn unfit() -> Vec<(&'static str, String)> {
    let now = jsonwebtoken::get_current_timestamp();
    vec![
        ("no exp", without("exp")),
        ("expired", changed("exp", json!(now - 1))),
        ("exp of 1970", changed("exp", json!(0))),
        ("exp below zero", changed("exp", json!(-1))),
        ("exp as text", changed("exp", json!("9999999999"))),
        ("exp with a fraction", changed("exp", json!(9_999_999_999.5))),
        ("exp beyond all numbers", changed("exp", json!(1e300))),
        ("exp null", changed("exp", Value::Null)),
        ("not yet valid", changed("nbf", json!(now + 3_600))),
        ("nbf as text", changed("nbf", json!("now"))),
        ("no issuer", without("iss")),
        ("another issuer", changed("iss", json!("evil"))),
        ("issuers", changed("iss", json!(["stockfold", "evil"]))),
        ("no audience", without("aud")),
        ("another audience", changed("aud", json!("evil"))),
        ("an audience with more behind it", changed("aud", json!("stockfold.evil"))),
        ("no role", without("role")),
        ("role as list", changed("role", json!(["operator"]))),
        ("role as object", changed("role", json!({"operator": true}))),
        ("role as number", changed("role", json!(1))),
        ("role null", changed("role", Value::Null)),
        ("role in capitals", changed("role", json!("Operator"))),
        ("role of the engine", changed("role", json!("engine"))),
        ("a store's without a store", changed("role", json!("store"))),
        ("no sub", without("sub")),
        ("an empty sub", changed("sub", json!(""))),
        ("a sub with NUL", changed("sub", json!("a\u{0}b"))),
        ("a sub as number", changed("sub", json!(1))),
        ("a huge sub", changed("sub", json!("x".repeat(20_000)))),
    ]
}

#[test]
fn nobody_passes_by_a_token_that_does_not_hold() {
    let engine = engine();
    assert!(engine.send(&Ask::get("/v1/status").by(&token("operator", "mallory"))).is_success());
    for (what, token) in forged().into_iter().chain(unfit()) {
        // Also where no token is needed: who shows a bad one is told so.
        for path in ["/v1/status", "/v1/items", "/v1/orders"] {
            let answer = engine.send(&Ask::get(path).by(&token));
            assert_eq!((answer.status, answer.code()), (401, "unauthenticated"), "{what}: {path}: {answer:?}");
            assert!(answer.header("www-authenticate").contains("invalid_token"), "{what}: {answer:?}");
        }
    }
    engine.assert_unharmed();
}

#[test]
fn a_token_is_taken_from_one_header_only() {
    let (engine, operator) = (engine(), token("operator", "mallory"));
    for path in ["token", "access_token", "authorization", "jwt", "ticket"] {
        let answer = engine.send(&Ask::get(format!("/v1/status?{path}={operator}")));
        assert_eq!(answer.status, 401, "{path}: {answer:?}");
    }
    for name in ["cookie", "x-authorization", "proxy-authorization", "x-forwarded-user", "x-original-url"] {
        let answer = engine.send(&Ask::get("/v1/status").header(name, format!("Bearer {operator}")));
        assert_eq!(answer.status, 401, "{name}: {answer:?}");
    }
    for value in [operator.clone(), format!("Basic {operator}"), format!("Bearer{operator}"), "Bearer".to_owned()] {
        let answer = engine.send(&Ask::get("/v1/status").header("authorization", &value));
        assert_eq!(answer.status, 401, "{value}: {answer:?}");
    }
}

#[test]
fn two_tokens_are_none() {
    let engine = engine();
    let [operator, shopper] = ["operator", "shopper"].map(|role| format!("Bearer {}", token(role, "mallory")));
    for [first, second] in [[&operator, &shopper], [&shopper, &operator], [&operator, &operator]] {
        let ask = Ask::get("/v1/status").header("authorization", first).header("authorization", second);
        let answer = engine.send(&ask);
        assert_eq!((answer.status, answer.code()), (401, "unauthenticated"), "{answer:?}");
    }
    let answer = engine.send(&Ask::get("/v1/status").header("authorization", format!("{shopper}, {operator}")));
    assert_eq!(answer.status, 401, "{answer:?}");
}

#[test]
fn who_somebody_is_stands_in_the_token_alone() {
    let (engine, alice) = (engine(), token("shopper", "alice"));
    let order = format!("own-{:08}", number());
    let line = json!({"lineId": "1", "itemId": "nil", "quantity": 1});
    let body = json!({"orderId": order, "shopper": "bob", "lines": [line], "payment": "external"});
    let answer = engine.send(&Ask::new("POST", "/v1/orders").by(&alice).json(&body));
    assert_eq!((answer.status, answer.code()), (403, "forbidden"), "{answer:?}");
    // A shopper's token with a store in it is no store's.
    let mut claims = claims("shopper", "alice");
    claims["store"] = json!("acme");
    claims["location"] = json!("main");
    let answer = engine.send(&Ask::new("DELETE", "/v1/items/nil").by(&signed(&claims)).json(&json!({})));
    assert_eq!((answer.status, answer.code()), (403, "forbidden"), "{answer:?}");
}

#[test]
fn an_idempotency_key_is_the_callers_own() {
    let engine = engine();
    let target = Maker::new(&engine).make(Kind::Item);
    let begin = |sub: &str| {
        let mut ask = ask("POST /v1/checkout?op=BEGIN", &target, 0).by(&token("shopper", sub));
        ask.headers.retain(|(name, _)| name != "idempotency-key");
        engine.done(&ask.header("idempotency-key", format!("shared-{}", target.item))).body
    };
    let (alices, bobs) = (begin("alice"), begin("bob"));
    assert_ne!(alices["orderId"], bobs["orderId"]);
    assert_eq!(begin("alice")["orderId"], alices["orderId"]);
}

#[test]
fn secrets_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let path = engine().data().join("secrets.json");
    let mode = std::fs::metadata(&path).expect("secrets").permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}
