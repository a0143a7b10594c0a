//! Shoppers: what they follow, what they say of themselves, and what they are told.

use super::{Asks, Made, anyone, caller, service};
use crate::sim::{random::Random, swarm::Swarm};
use schemas::{
    Command, EffectId, Role, StoreId, SubjectId, Timestamp,
    follows::{FollowStore, FollowsCommand, UnfollowStore},
    shopper::{ForgetShopper, Notification, NotificationKind, NotifyShopper, PutShopper, ShopperCommand, ShopperFacts},
};
use serde_json::json;

/// Something of a shopper, mostly by who they are.
pub fn ask(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Asks {
    let own = caller(Role::Shopper, &format!("fan-{}", random.below(swarm.crowd.min(4))), None);
    let shopper = own.subject.clone();
    let who = if random.chance(6) { anyone(random) } else { own };
    match random.below(10) {
        0..5 => vec![(who, Command::Follows { command: follow(made, random), shopper })],
        5..7 if random.chance(15) => {
            let who = if random.chance(90) { caller(Role::Operator, "ops", None) } else { who };
            let effect = made.effect("forget");
            let keys_destroyed = u32::try_from(random.below(3)).expect("a few");
            let command = ShopperCommand::Forget(ForgetShopper { effect, keys_destroyed });
            vec![(who, Command::Shopper { command, shopper })]
        }
        5..7 => vec![(who, Command::Shopper { command: put(made, random, &shopper), shopper })],
        _ => {
            let who = if random.chance(95) { service() } else { who };
            vec![(who, Command::Shopper { command: notify(made, random), shopper })]
        }
    }
}

fn store(random: &mut Random) -> StoreId {
    StoreId::parse(["store-a", "store-b", "store-c"][random.below(3) as usize]).expect("an id")
}

fn follow(made: &mut Made, random: &mut Random) -> FollowsCommand {
    let (effect, store) = (made.effect("follow"), store(random));
    if random.chance(65) {
        FollowsCommand::Follow(FollowStore { effect, store })
    } else {
        FollowsCommand::Unfollow(UnfollowStore { effect, store })
    }
}

fn put(made: &mut Made, random: &mut Random, shopper: &SubjectId) -> ShopperCommand {
    let mut effect = made.effect("settings");
    // The digest is that of what is said: of a few things.
    let says = random.below(8);
    effect.digest = super::digest(3_000_000 + says);
    let sealed = json!({
        "subject": shopper, "keyId": "00000000-0000-4000-8000-000000000000", "sealed": format!("sealed-{}", made.count),
    });
    let on = |bit: u64| says & bit == 0;
    let facts: ShopperFacts = serde_json::from_value(json!({
        "email": if on(1) { sealed } else { serde_json::Value::Null },
        "notifications": {"drops": {"inApp": on(2), "email": on(4)}, "orders": {"inApp": on(4), "email": true}},
        "mutedStores": if says == 3 { vec!["store-a"] } else { Vec::new() },
    }))
    .expect("as it is stored");
    ShopperCommand::Put(PutShopper { effect, facts })
}

/// What somebody tells them, now and then once more.
fn notify(made: &mut Made, random: &mut Random) -> ShopperCommand {
    let again = random.pick(&made.told).cloned().filter(|_| random.chance(35));
    let notification = again.unwrap_or_else(|| Notification {
        notification_id: EffectId::parse(made.effect("news").id.as_str()).expect("an id"),
        kind: NotificationKind::ALL[random.below(8) as usize],
        occurred_at: Timestamp::from_millis(made.now),
        store: random.chance(60).then(|| store(random)),
        drop: None,
        order_id: None,
    });
    made.told.push(notification.clone());
    ShopperCommand::Notify(NotifyShopper { notification })
}
