//! Signatures: the example of the specification, and that nothing but the exact bytes of the right sender counts.

use crate::{
    provider::{WebhookError, WebhookMessage},
    signature::{NoSecret, WebhookSecret, verify},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use schemas::Timestamp;

// The example that the specification's own libraries are tested with.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SECONDS: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn secret(byte: u8) -> WebhookSecret {
    WebhookSecret::parse(&format!("whsec_{}", STANDARD.encode([byte; 32]))).expect("a secret")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn checked(id: &str, timestamp: &str, signatures: &str, body: &[u8]) -> Result<(), WebhookError> {
    let secrets = [WebhookSecret::parse(SECRET).expect("a secret")];
    verify(&secrets, WebhookMessage { id, timestamp, signatures, body }, at(SECONDS))
}

#[test]
fn the_published_example_verifies() {
    assert_eq!(WebhookSecret::parse(SECRET).expect("a secret").sign(ID, SECONDS, BODY), SIGNATURE);
    assert_eq!(checked(ID, "1614265330", SIGNATURE, BODY), Ok(()));
    // The same meaning, and other bytes.
    assert_eq!(checked(ID, "1614265330", SIGNATURE, br#"{"test":2432232314}"#), Err(WebhookError::Forged));
}

#[test]
fn one_of_several_signatures_is_enough_and_other_kinds_are_passed_over() {
    let wrong = secret(1).sign(ID, SECONDS, BODY);
    for signatures in [
        format!("{wrong} {SIGNATURE}"),
        format!("{SIGNATURE} {wrong}"),
        format!("v1a,{} v2,x  {SIGNATURE}", "A".repeat(88)),
    ] {
        assert_eq!(checked(ID, "1614265330", &signatures, BODY), Ok(()), "{signatures}");
    }
    // More than anybody sends are not looked at.
    let many = format!("{}{SIGNATURE}", format!("{wrong} ").repeat(16));
    assert_eq!(checked(ID, "1614265330", &many, BODY), Err(WebhookError::Forged));
}

#[test]
fn what_is_no_signature_of_these_bytes_is_refused() {
    let bare = &SIGNATURE[3..];
    let cases: [(&str, &str, String, WebhookError); 23] = [
        ("", "1614265330", SIGNATURE.to_owned(), WebhookError::Unsigned),
        (ID, "", SIGNATURE.to_owned(), WebhookError::Unsigned),
        (ID, "1614265330", String::new(), WebhookError::Unsigned),
        ("a.b", "1614265330", SIGNATURE.to_owned(), WebhookError::Unsigned),
        ("a b", "1614265330", SIGNATURE.to_owned(), WebhookError::Unsigned),
        ("ä", "1614265330", SIGNATURE.to_owned(), WebhookError::Unsigned),
        (ID, "+1614265330", SIGNATURE.to_owned(), WebhookError::Unsigned),
        (ID, "-1614265330", SIGNATURE.to_owned(), WebhookError::Unsigned),
        (ID, "1614265330.0", SIGNATURE.to_owned(), WebhookError::Unsigned),
        (ID, " 1614265330", SIGNATURE.to_owned(), WebhookError::Unsigned),
        (ID, "0x6037b8b2", SIGNATURE.to_owned(), WebhookError::Unsigned),
        (ID, "16142653300000000", SIGNATURE.to_owned(), WebhookError::Unsigned),
        // Milliseconds.
        (ID, "161426533000", SIGNATURE.to_owned(), WebhookError::Stale),
        (ID, "01614265330", SIGNATURE.to_owned(), WebhookError::Forged),
        (ID, "1614265331", SIGNATURE.to_owned(), WebhookError::Forged),
        ("msg_other", "1614265330", SIGNATURE.to_owned(), WebhookError::Forged),
        (ID, "1614265330", bare.to_owned(), WebhookError::Forged),
        (ID, "1614265330", format!("V1,{bare}"), WebhookError::Forged),
        (ID, "1614265330", format!("v1={bare}"), WebhookError::Forged),
        (ID, "1614265330", format!("v1,{}", &bare[..bare.len() - 1]), WebhookError::Forged),
        (ID, "1614265330", format!("v1,{}", bare.to_lowercase()), WebhookError::Forged),
        (ID, "1614265330", "v1,".to_owned(), WebhookError::Forged),
        (ID, "1614265330", format!("{SIGNATURE},{SIGNATURE}"), WebhookError::Forged),
    ];
    for (id, timestamp, signatures, expected) in cases {
        assert_eq!(checked(id, timestamp, &signatures, BODY), Err(expected), "{id:?} {timestamp:?} {signatures:?}");
    }
    assert_eq!(checked(&"x".repeat(256), "1614265330", SIGNATURE, BODY), Err(WebhookError::Unsigned));
}

#[test]
fn a_message_counts_within_five_minutes_both_ways() {
    let secrets = [secret(7)];
    let sent = |now: i64| {
        let (timestamp, signatures) = (SECONDS.to_string(), secrets[0].sign(ID, SECONDS, BODY));
        verify(&secrets, WebhookMessage { id: ID, timestamp: &timestamp, signatures: &signatures, body: BODY }, at(now))
    };
    for near in [-300, -1, 0, 1, 300] {
        assert_eq!(sent(SECONDS + near), Ok(()), "{near}");
    }
    for far in [-86_400, -301, 301, 86_400] {
        assert_eq!(sent(SECONDS + far), Err(WebhookError::Stale), "{far}");
    }
}

#[test]
fn either_of_two_secrets_counts_and_no_third() {
    let (new, old, other) = (secret(1), secret(2), secret(3));
    let secrets = [new.clone(), old.clone()];
    let by = |secret: &WebhookSecret| {
        let (timestamp, signatures) = (SECONDS.to_string(), secret.sign(ID, SECONDS, BODY));
        let message = WebhookMessage { id: ID, timestamp: &timestamp, signatures: &signatures, body: BODY };
        verify(&secrets, message, at(SECONDS))
    };
    assert_eq!([by(&new), by(&old), by(&other)], [Ok(()), Ok(()), Err(WebhookError::Forged)]);
}

#[test]
fn a_secret_is_24_to_64_bytes_behind_its_prefix_and_is_never_shown() {
    for length in [24, 32, 64] {
        let text = format!("whsec_{}", STANDARD.encode(vec![9; length]));
        let secret = WebhookSecret::parse(&text).expect("a secret");
        assert_eq!(format!("{secret:?}"), "WebhookSecret(masked)");
    }
    let encoded = |length: usize| STANDARD.encode(vec![9; length]);
    for bad in [
        String::new(),
        "whsec_".to_owned(),
        encoded(32),
        format!("WHSEC_{}", encoded(32)),
        format!("whsec_{}", encoded(23)),
        format!("whsec_{}", encoded(65)),
        format!("whsec_{} ", encoded(32)),
        format!("whsec_{}", encoded(32).trim_end_matches('=')),
        "whsec_not base64 at all, whatever it is".to_owned(),
    ] {
        assert_eq!(WebhookSecret::parse(&bad).err(), Some(NoSecret), "{bad:?}");
        assert!(!NoSecret.to_string().contains(&encoded(32)));
    }
}

#[test]
fn a_derived_secret_is_the_deployments_own() {
    let sign = |deployment: &[u8]| WebhookSecret::derived(deployment).sign(ID, SECONDS, BODY);
    assert_eq!(sign(b"one"), sign(b"one"));
    assert_ne!(sign(b"one"), sign(b"two"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_but_the_exact_bytes_verifies(
        body in proptest::collection::vec(any::<u8>(), 1..200),
        place in any::<prop::sample::Index>(),
        bit in 0_u8..8,
        cut in any::<bool>(),
    ) {
        let signatures = WebhookSecret::parse(SECRET).expect("a secret").sign(ID, SECONDS, &body);
        prop_assert_eq!(checked(ID, "1614265330", &signatures, &body), Ok(()));
        let mut other = body.clone();
        let at = place.index(body.len());
        if cut {
            other.remove(at);
        } else {
            other[at] ^= 1 << bit;
        }
        prop_assert_eq!(checked(ID, "1614265330", &signatures, &other), Err(WebhookError::Forged));
        let mut longer = body.clone();
        longer.insert(at, b' ');
        prop_assert_eq!(checked(ID, "1614265330", &signatures, &longer), Err(WebhookError::Forged));
    }

    #[test]
    fn nothing_but_the_exact_signature_verifies(place in any::<prop::sample::Index>(), letter in "[ -~]") {
        let at = place.index(SIGNATURE.len());
        let other = format!("{}{letter}{}", &SIGNATURE[..at], &SIGNATURE[at + 1..]);
        prop_assume!(other != SIGNATURE);
        prop_assert_eq!(checked(ID, "1614265330", &other, BODY), Err(WebhookError::Forged));
    }
}
