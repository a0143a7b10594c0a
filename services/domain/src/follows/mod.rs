//! What a shopper follows: one aggregate per shopper, so that nobody waits for a store with millions of followers.

#[cfg(test)]
mod tests;

use crate::{Answer, Context, Decided, Decision, Policy, known::Known};
use schemas::{
    Effect, Event, Rejection, ReplyBody, Role, StoreId, SubjectId, Timestamp,
    follows::{
        FollowStore, FollowsCommand, FollowsEvent, FollowsRejection, FollowsReply, StoreFollowed, StoreUnfollowed,
        UnfollowStore,
    },
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most stores that one shopper follows.
pub const MOST_STORES: u32 = 1_000;

/// The state of a shopper's follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Follows {
    shopper: SubjectId,
    stores: BTreeSet<StoreId>,
    known: Known,
}

impl Follows {
    /// Of a shopper who follows nobody.
    #[must_use]
    pub fn new(shopper: SubjectId) -> Self {
        Self { shopper, stores: BTreeSet::new(), known: Known::default() }
    }

    /// How many entries its state has, about.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.stores.len() + self.known.len()
    }

    /// Always: nothing is ever due for it, and all of it comes back with its snapshot. A million of them need no memory.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        true
    }
}

/// Decides a command.
pub fn decide(follows: &Follows, command: &FollowsCommand, cx: Context<'_>) -> Decided {
    let is_own = cx.caller.role == Role::Shopper && cx.caller.subject == follows.shopper;
    if !is_own {
        return refuse(FollowsRejection::FollowsNotFound);
    }
    match command {
        FollowsCommand::Follow(command) => follow(follows, command),
        FollowsCommand::Unfollow(command) => unfollow(follows, command),
    }
}

fn follow(follows: &Follows, command: &FollowStore) -> Decided {
    let FollowStore { effect, store } = command;
    let follows_it = follows.stores.contains(store) && !planted::bug!("followed-twice");
    if was_before(follows, effect)? || follows_it {
        return Ok(done(follows, store, true, None));
    }
    if follows.stores.len() >= MOST_STORES as usize {
        return refuse(FollowsRejection::TooManyFollows { limit: MOST_STORES });
    }
    // From here it succeeds.
    let followed = StoreFollowed { effect: effect.clone(), store: store.clone() };
    Ok(done(follows, store, true, Some(followed.into())))
}

fn unfollow(follows: &Follows, command: &UnfollowStore) -> Decided {
    let UnfollowStore { effect, store } = command;
    if was_before(follows, effect)? || !follows.stores.contains(store) {
        return Ok(done(follows, store, false, None));
    }
    // From here it succeeds.
    let unfollowed = StoreUnfollowed { effect: effect.clone(), store: store.clone() };
    Ok(done(follows, store, false, Some(unfollowed.into())))
}

fn was_before(follows: &Follows, effect: &Effect) -> Result<bool, Rejection> {
    let known = follows.known.again(effect);
    known.map(|was| was.is_some()).map_err(|_| Rejection::Follows(FollowsRejection::IdempotencyKeyReused))
}

fn done(follows: &Follows, store: &StoreId, following: bool, event: Option<FollowsEvent>) -> Decision {
    let reply = FollowsReply { shopper: follows.shopper.clone(), store: store.clone(), following };
    Decision {
        events: event.map(Event::Follows).into_iter().collect(),
        sends: Vec::new(),
        answer: Answer::Now(ReplyBody::Follows(reply)),
    }
}

fn refuse(rejection: FollowsRejection) -> Decided {
    Err(Rejection::Follows(rejection))
}

/// Applies an event that happened at `time`. Never decides.
///
/// # Panics
/// If a store is followed or left twice: that is a bug.
pub fn evolve(follows: &mut Follows, event: &FollowsEvent, time: Timestamp, policy: &Policy) {
    let effect = match event {
        FollowsEvent::StoreFollowed(event) => {
            assert!(follows.stores.insert(event.store.clone()), "a store is followed once");
            assert!(follows.stores.len() <= MOST_STORES as usize, "nobody follows more stores than they may");
            &event.effect
        }
        FollowsEvent::StoreUnfollowed(event) => {
            assert!(follows.stores.remove(&event.store), "only what is followed is left");
            &event.effect
        }
    };
    let none = follows.known.insert(effect, None, time);
    debug_assert!(none.is_none(), "no effect of follows names an order");
    follows.known.forget(time.plus_millis(-i64::from(policy.retention_seconds) * 1_000));
}
