//! The shopper: where and how they want to be told of things, and what they were told.
//!
//! Whoever tells them may tell them again, after a crash or beside a twin: here each thing is told once. Its id is
//! remembered for [`TOLD_SECONDS`] after it happened, and what is older than that is not told any more, so nothing
//! is ever told twice.

#[cfg(test)]
mod tests;

use crate::{Answer, Context, Decided, Decision, Policy};
use schemas::{
    Digest, Effect, EffectId, Event, Rejection, ReplyBody, Role, SubjectId, Timestamp,
    shopper::{
        Channels, ForgetShopper, Notification, NotificationKind, NotifyShopper, PutShopper, ShopperCommand,
        ShopperEvent, ShopperFacts, ShopperForgotten, ShopperNotified, ShopperRejection, ShopperReply, ShopperSet,
        TOLD_SECONDS,
    },
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The state of a shopper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shopper {
    shopper: SubjectId,
    /// 0 before they have said anything.
    version: u64,
    /// Of what they say: the sealed e-mail differs each time.
    said: Option<Digest>,
    facts: ShopperFacts,
    /// The request by which they were forgotten last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forgotten: Option<Effect>,
    /// What they were told, by when it happened.
    told: BTreeSet<(Timestamp, EffectId)>,
}

impl Shopper {
    /// A shopper to whom nothing has happened: told of everything, in the app only.
    #[must_use]
    pub fn new(shopper: SubjectId) -> Self {
        let facts = ShopperFacts::default();
        Self { shopper, version: 0, said: None, facts, forgotten: None, told: BTreeSet::new() }
    }

    /// How many entries its state has, about.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.told.len() + self.facts.muted_stores.len()
    }

    /// Always: nothing is ever due for them, and all of it comes back with the snapshot. A million of them need no memory.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        true
    }

    /// How they want to be told of this; none where they do not.
    fn channels_for(&self, notification: &Notification) -> Option<Channels> {
        let settings = &self.facts.notifications;
        let wanted = match notification.kind {
            NotificationKind::DropScheduled
            | NotificationKind::DropChanged
            | NotificationKind::DropCancelled
            | NotificationKind::DropAdmitted => settings.drops,
            NotificationKind::OrderConfirmed
            | NotificationKind::PaymentFailed
            | NotificationKind::OrderShipped
            | NotificationKind::OrderRefunded => settings.orders,
        };
        let is_muted = notification.store.as_ref().is_some_and(|store| self.facts.muted_stores.contains(store));
        let channels = Channels { in_app: wanted.in_app, email: wanted.email && self.facts.email.is_some() };
        Some(channels).filter(|channels| !is_muted && (channels.in_app || channels.email))
    }
}

/// Decides a command.
pub fn decide(shopper: &Shopper, command: &ShopperCommand, cx: Context<'_>) -> Decided {
    match command {
        ShopperCommand::Put(command) => put(shopper, command, cx),
        ShopperCommand::Notify(command) => notify(shopper, command, cx),
        ShopperCommand::Forget(command) => forget(shopper, command, cx),
    }
}

fn put(shopper: &Shopper, command: &PutShopper, cx: Context<'_>) -> Decided {
    let is_own = cx.caller.role == Role::Shopper && cx.caller.subject == shopper.shopper;
    if !is_own {
        return Err(Rejection::Shopper(ShopperRejection::ShopperNotFound));
    }
    // From here it succeeds.
    if shopper.said == Some(command.effect.digest) {
        return Ok(done(shopper, shopper.version, None));
    }
    let version = shopper.version + 1;
    let set = ShopperSet { effect: command.effect.clone(), version, facts: command.facts.clone() };
    Ok(done(shopper, version, Some(set.into())))
}

fn notify(shopper: &Shopper, command: &NotifyShopper, cx: Context<'_>) -> Decided {
    if !matches!(cx.caller.role, Role::Service | Role::Engine) {
        return Err(Rejection::Shopper(ShopperRejection::ShopperNotFound));
    }
    // From here it succeeds.
    let notification = &command.notification;
    let was_told = !planted::bug!("told-twice")
        && shopper.told.contains(&(notification.occurred_at, notification.notification_id.clone()));
    let channels =
        shopper.channels_for(notification).filter(|_| !was_told && !is_old(notification.occurred_at, cx.now));
    let notified = |channels| ShopperNotified { notification: notification.clone(), channels }.into();
    Ok(done(shopper, shopper.version, channels.map(notified)))
}

fn forget(shopper: &Shopper, command: &ForgetShopper, cx: Context<'_>) -> Decided {
    if cx.caller.role != Role::Operator {
        return Err(Rejection::Shopper(ShopperRejection::ShopperNotFound));
    }
    let before = shopper.forgotten.as_ref().filter(|before| before.id == command.effect.id);
    if before.is_some_and(|before| before.digest != command.effect.digest) {
        return Err(Rejection::Shopper(ShopperRejection::IdempotencyKeyReused));
    }
    // From here it succeeds. Each request is on record, also of who has said nothing.
    if before.is_some() {
        return Ok(done(shopper, shopper.version, None));
    }
    let (version, keys_destroyed) = (shopper.version + 1, command.keys_destroyed);
    let forgotten = ShopperForgotten { effect: command.effect.clone(), version, keys_destroyed };
    Ok(done(shopper, version, Some(forgotten.into())))
}

/// Whether it happened so long ago that its id may be forgotten.
fn is_old(occurred_at: Timestamp, now: Timestamp) -> bool {
    occurred_at.plus_seconds(TOLD_SECONDS) <= now
}

fn done(shopper: &Shopper, version: u64, event: Option<ShopperEvent>) -> Decision {
    let reply = ShopperReply { shopper: shopper.shopper.clone(), version, created: version == 1 };
    Decision {
        events: event.map(Event::Shopper).into_iter().collect(),
        sends: Vec::new(),
        answer: Answer::Now(ReplyBody::Shopper(reply)),
    }
}

/// Applies an event that happened at `time`. Never decides.
///
/// # Panics
/// If versions are not dense, or a thing is told twice: that is a bug.
pub fn evolve(shopper: &mut Shopper, event: &ShopperEvent, time: Timestamp, _policy: &Policy) {
    match event {
        ShopperEvent::ShopperSet(event) => {
            assert_eq!(event.version, shopper.version + 1, "versions of a shopper are dense");
            shopper.version = event.version;
            shopper.said = Some(event.effect.digest);
            shopper.facts = event.facts.clone();
        }
        ShopperEvent::ShopperForgotten(event) => {
            assert_eq!(event.version, shopper.version + 1, "versions of a shopper are dense");
            shopper.version = event.version;
            shopper.said = None;
            if !planted::bug!("forgotten-still-mailed") {
                shopper.facts = ShopperFacts::default();
            }
            shopper.forgotten = Some(event.effect.clone());
        }
        ShopperEvent::ShopperNotified(event) => {
            let Notification { occurred_at, notification_id, .. } = &event.notification;
            assert!(event.channels.in_app || event.channels.email, "what is told is told in some way");
            assert!(shopper.told.insert((*occurred_at, notification_id.clone())), "a thing is told once");
        }
    }
    while shopper.told.first().is_some_and(|(occurred_at, _)| is_old(*occurred_at, time)) {
        shopper.told.pop_first();
    }
}
