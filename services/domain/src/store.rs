//! The store: what a seller says of itself.

use crate::{Answer, Context, Decided, Decision, Policy};
use schemas::{
    Caller, Digest, Event, Rejection, ReplyBody, Role, StoreId,
    store::{PutStore, StoreCommand, StoreEvent, StoreFacts, StoreRejection, StoreReply, StoreSet},
};
use serde::{Deserialize, Serialize};

/// The state of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Store {
    id: StoreId,
    /// 0 before it is made.
    version: u64,
    /// Of what it says: the sealed e-mail differs each time.
    said: Option<Digest>,
    facts: Option<StoreFacts>,
}

impl Store {
    /// A store to which nothing has happened.
    #[must_use]
    pub fn new(id: StoreId) -> Self {
        Self { id, version: 0, said: None, facts: None }
    }

    /// Its own people, and who acts for the shop.
    fn is_open_to(&self, caller: &Caller) -> bool {
        match caller.role {
            Role::Service | Role::Operator | Role::Engine => true,
            Role::Store => caller.store.as_ref() == Some(&self.id),
            Role::Shopper | Role::Supplier | Role::Warehouse | Role::Analyst => false,
        }
    }
}

/// Decides a command.
pub fn decide(store: &Store, command: &StoreCommand, cx: Context<'_>) -> Decided {
    match command {
        StoreCommand::Put(command) => put(store, command, cx),
    }
}

fn put(store: &Store, command: &PutStore, cx: Context<'_>) -> Decided {
    if !store.is_open_to(cx.caller) {
        return Err(Rejection::Store(StoreRejection::StoreNotFound));
    }
    // From here it succeeds.
    let is_same = store.said == Some(command.effect.digest);
    let version = if is_same { store.version } else { store.version + 1 };
    let set = || StoreSet { effect: command.effect.clone(), version, facts: command.facts.clone() };
    let events = if is_same { Vec::new() } else { vec![Event::Store(StoreEvent::from(set()))] };
    let reply = StoreReply { store_id: store.id.clone(), version, created: version == 1 };
    Ok(Decision { events, sends: Vec::new(), answer: Answer::Now(ReplyBody::Store(reply)) })
}

/// Applies an event. Never decides.
///
/// # Panics
/// If versions are not dense: that is a bug.
pub fn evolve(store: &mut Store, event: &StoreEvent, _policy: &Policy) {
    match event {
        StoreEvent::StoreSet(event) => {
            assert_eq!(event.version, store.version + 1, "versions of a store are dense");
            store.version = event.version;
            store.said = Some(event.effect.digest);
            store.facts = Some(event.facts.clone());
        }
    }
}
