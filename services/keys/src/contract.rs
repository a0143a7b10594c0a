//! What every key store must do, run against each of them.

use crate::{KeyError, KeyState, KeyStore, open, seal};
use schemas::{Personal, SubjectId, order::Address};
use uuid::Uuid;

fn subject(name: &str) -> SubjectId {
    SubjectId::parse(name).expect("an id")
}

fn address() -> Address {
    Address {
        coordinates: None,
        name: "Ada Lovelace".to_owned(),
        lines: vec!["12 St James's Square".to_owned()],
        city: "London".to_owned(),
        postal_code: Some("SW1Y 4JH".to_owned()),
        region: None,
        country: "GB".to_owned(),
        phone: None,
    }
}

/// Runs the contract; `reopen` gives a store over the same keys, as a restart would.
pub async fn all(reopen: &dyn Fn() -> Box<dyn KeyStore>) {
    what_was_sealed_opens_also_after_a_restart(reopen).await;
    calls_for_one_subject_get_the_same_key(reopen).await;
    a_ciphertext_of_another_subject_does_not_open(reopen).await;
    a_changed_ciphertext_does_not_open(reopen).await;
    a_key_that_never_was_is_unknown(reopen).await;
    what_was_sealed_is_gone_after_destroy(reopen).await;
    keys_are_listed_also_when_they_are_destroyed(reopen).await;
}

async fn what_was_sealed_opens_also_after_a_restart(reopen: &dyn Fn() -> Box<dyn KeyStore>) {
    let store = reopen();
    let sealed = seal(&*store, &subject("ada"), &address()).await.expect("sealed");
    assert_eq!(open(&*store, &sealed).await.expect("opened"), address());
    drop(store);
    assert_eq!(open(&*reopen(), &sealed).await.expect("opened"), address());
    let text = serde_json::to_string(&sealed).expect("JSON");
    assert!(!text.contains("Lovelace"));
    let again = seal(&*reopen(), &subject("ada"), &address()).await.expect("sealed");
    assert_eq!(again.key_id, sealed.key_id, "one key per subject");
    assert_ne!(again.sealed, sealed.sealed, "a nonce of its own");
}

async fn calls_for_one_subject_get_the_same_key(reopen: &dyn Fn() -> Box<dyn KeyStore>) {
    let store = reopen();
    let subject = subject("grace");
    let (one, two, three) = tokio::join!(store.key_for(&subject), store.key_for(&subject), store.key_for(&subject));
    let id = one.expect("a key").id();
    assert_eq!(two.expect("a key").id(), id);
    assert_eq!(three.expect("a key").id(), id);
}

async fn a_ciphertext_of_another_subject_does_not_open(reopen: &dyn Fn() -> Box<dyn KeyStore>) {
    let store = reopen();
    let sealed = seal(&*store, &subject("ada"), &address()).await.expect("sealed");
    let key = store.key_for(&subject("ada")).await.expect("a key");
    let moved = Personal::<Address>::from_sealed(subject("eve"), sealed.key_id, sealed.sealed);
    assert_eq!(open(&*store, &moved).await, Err(KeyError::Unknown));
    assert_eq!(key.open(&moved), Err(KeyError::Damaged), "the subject is associated data");
}

async fn a_changed_ciphertext_does_not_open(reopen: &dyn Fn() -> Box<dyn KeyStore>) {
    let store = reopen();
    let sealed = seal(&*store, &subject("ada"), &address()).await.expect("sealed");
    for text in ["", "short", "not base64!", &sealed.sealed[1..]] {
        let changed = Personal::<Address>::from_sealed(subject("ada"), sealed.key_id, text.to_owned());
        assert_eq!(open(&*store, &changed).await, Err(KeyError::Damaged), "{text}");
    }
}

async fn a_key_that_never_was_is_unknown(reopen: &dyn Fn() -> Box<dyn KeyStore>) {
    let result = reopen().key(&subject("ada"), Uuid::nil()).await;
    assert_eq!(result.map(|key| key.id()), Err(KeyError::Unknown));
}

async fn keys_are_listed_also_when_they_are_destroyed(reopen: &dyn Fn() -> Box<dyn KeyStore>) {
    let (store, who) = (reopen(), subject("dana"));
    assert_eq!(store.list(&who).await, Ok(Vec::new()));
    let first = store.key_for(&who).await.expect("a key").id();
    assert_eq!(store.list(&who).await, Ok(vec![KeyState { id: first, is_destroyed: false }]));
    store.destroy(&who).await.expect("destroyed");
    let second = store.key_for(&who).await.expect("a key").id();
    let mut states = vec![KeyState { id: first, is_destroyed: true }, KeyState { id: second, is_destroyed: false }];
    states.sort_unstable();
    assert_eq!(reopen().list(&who).await, Ok(states));
}

async fn what_was_sealed_is_gone_after_destroy(reopen: &dyn Fn() -> Box<dyn KeyStore>) {
    let store = reopen();
    let sealed = seal(&*store, &subject("alan"), &address()).await.expect("sealed");
    store.destroy(&subject("alan")).await.expect("destroyed");
    assert_eq!(open(&*store, &sealed).await, Err(KeyError::Destroyed));
    store.destroy(&subject("alan")).await.expect("destroyed twice");
    let fresh = seal(&*store, &subject("alan"), &address()).await.expect("sealed anew");
    assert_ne!(fresh.key_id, sealed.key_id);
    assert_eq!(open(&*reopen(), &fresh).await.expect("opened"), address());
    assert_eq!(open(&*reopen(), &sealed).await, Err(KeyError::Destroyed));
}
