use super::*;
use proptest::prelude::*;
use schemas::{Caller, CommandId, DropId, Effect, Personal, StoreId, shopper::NotificationSettings};

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const BOTH: Channels = Channels { in_app: true, email: true };
const APP: Channels = Channels { in_app: true, email: false };
const MAIL: Channels = Channels { in_app: false, email: true };
const NEITHER: Channels = Channels { in_app: false, email: false };

fn subject(id: &str) -> SubjectId {
    SubjectId::parse(id).expect("an id")
}

fn facts() -> ShopperFacts {
    let key_id = "67e55044-10b1-426f-9247-bb680e5fe0c8".parse().expect("a UUID");
    let email = Personal::from_sealed(subject("alice"), key_id, "c2VhbGVk".to_owned());
    ShopperFacts { email: Some(email), ..ShopperFacts::default() }
}

fn put_of(content: u8, facts: ShopperFacts) -> ShopperCommand {
    let effect = Effect { id: EffectId::parse("put").expect("an id"), digest: Digest::new([content; 16]) };
    ShopperCommand::Put(PutShopper { effect, facts })
}

fn told_of(id: &str, kind: NotificationKind, occurred_at: Timestamp) -> ShopperCommand {
    let notification = Notification {
        notification_id: EffectId::parse(id).expect("an id"),
        kind,
        occurred_at,
        store: Some(StoreId::parse("acme").expect("an id")),
        drop: Some(DropId::parse("d-1").expect("an id")),
        order_id: None,
    };
    ShopperCommand::Notify(NotifyShopper { notification })
}

struct World {
    shopper: Shopper,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        Self { shopper: Shopper::new(subject("alice")), now: START }
    }

    fn with(facts: ShopperFacts) -> Self {
        let mut world = Self::new();
        world.ask(Role::Shopper, &put_of(1, facts)).expect("done");
        world
    }

    fn decide(&self, role: Role, who: &str, command: &ShopperCommand) -> Decided {
        let caller = Caller { role, subject: subject(who), store: None, location: None };
        let (command_id, policy) = (CommandId::parse("c").expect("an id"), Policy::default());
        let cx = Context { now: self.now, command_id: &command_id, caller: &caller, policy: &policy };
        decide(&self.shopper, command, cx)
    }

    /// Decides and applies. What is decided again makes no event and is answered the same.
    #[track_caller]
    fn ask(&mut self, role: Role, command: &ShopperCommand) -> Result<(Vec<Event>, ShopperReply), Rejection> {
        let decision = self.decide(role, "alice", command)?;
        for event in &decision.events {
            let Event::Shopper(event) = event else { panic!("{event:?}") };
            evolve(&mut self.shopper, event, self.now, &Policy::default());
        }
        let stored = serde_json::to_vec(&self.shopper).expect("a shopper is JSON");
        assert_eq!(serde_json::from_slice::<Shopper>(&stored).expect("as it was stored"), self.shopper);
        let again = self.decide(role, "alice", command).expect("what took effect is not refused again");
        assert_eq!((again.events.len(), &again.answer), (0, &decision.answer));
        let Answer::Now(ReplyBody::Shopper(reply)) = decision.answer else { panic!("an answer at once") };
        Ok((decision.events, reply))
    }

    /// Tells them; by which ways.
    #[track_caller]
    fn tell(&mut self, id: &str, kind: NotificationKind, occurred_at: Timestamp) -> Option<Channels> {
        let (events, _) = self.ask(Role::Engine, &told_of(id, kind, occurred_at)).expect("never refused");
        assert!(events.len() <= 1);
        events.into_iter().next().map(|event| match event {
            Event::Shopper(ShopperEvent::ShopperNotified(event)) => event.channels,
            other => panic!("{other:?}"),
        })
    }
}

#[test]
fn put_makes_them_replaces_them_and_leaves_what_is_the_same() {
    let mut world = World::new();
    let mut put = |content| {
        let (events, reply) = world.ask(Role::Shopper, &put_of(content, facts())).expect("done");
        (reply.version, reply.created, events.len())
    };
    assert_eq!(put(1), (1, true, 1));
    assert_eq!(put(1), (1, true, 0));
    assert_eq!(put(2), (2, false, 1));
    assert_eq!(put(1), (3, false, 1));
}

#[test]
fn put_is_for_the_shopper_and_notify_for_services() {
    let world = World::new();
    let not_found = Err(Rejection::Shopper(ShopperRejection::ShopperNotFound));
    for (role, who) in [(Role::Shopper, "bob"), (Role::Operator, "alice"), (Role::Engine, "alice")] {
        assert_eq!(world.decide(role, who, &put_of(1, facts())), not_found, "{role:?} {who}");
    }
    let tell = told_of("n", NotificationKind::DropScheduled, START);
    for role in [Role::Shopper, Role::Store, Role::Supplier, Role::Warehouse, Role::Analyst, Role::Operator] {
        assert_eq!(world.decide(role, "alice", &tell), not_found, "{role:?}");
    }
    assert!(world.decide(Role::Service, "erp", &tell).is_ok());
}

#[test]
fn a_thing_is_told_once_and_another_beside_it() {
    let mut world = World::with(facts());
    assert_eq!(world.tell("n-1", NotificationKind::DropScheduled, START), Some(BOTH));
    assert_eq!(world.tell("n-1", NotificationKind::DropScheduled, START), None);
    assert_eq!(world.tell("n-2", NotificationKind::DropScheduled, START), Some(BOTH));
}

#[test]
fn without_an_address_there_is_no_e_mail() {
    let mut world = World::new();
    assert_eq!(world.tell("n-1", NotificationKind::DropScheduled, START), Some(APP));
    world.ask(Role::Shopper, &put_of(1, facts())).expect("done");
    assert_eq!(world.tell("n-2", NotificationKind::DropScheduled, START), Some(BOTH));
}

#[test]
fn drops_and_orders_have_settings_of_their_own() {
    for kind in NotificationKind::ALL {
        let is_order = matches!(
            kind,
            NotificationKind::OrderConfirmed
                | NotificationKind::PaymentFailed
                | NotificationKind::OrderShipped
                | NotificationKind::OrderRefunded
        );
        for wanted in [BOTH, APP, MAIL, NEITHER] {
            let other = if wanted == NEITHER { BOTH } else { NEITHER };
            let (drops, orders) = if is_order { (other, wanted) } else { (wanted, other) };
            let notifications = NotificationSettings { drops, orders };
            let mut world = World::with(ShopperFacts { notifications, ..facts() });
            let expected = Some(wanted).filter(|wanted| *wanted != NEITHER);
            assert_eq!(world.tell("n", kind, START), expected, "{kind:?} {wanted:?}");
        }
    }
}

#[test]
fn nothing_is_told_of_a_muted_store() {
    let muted_stores = BTreeSet::from([StoreId::parse("acme").expect("an id")]);
    let mut world = World::with(ShopperFacts { muted_stores, ..facts() });
    for kind in [NotificationKind::DropScheduled, NotificationKind::DropChanged, NotificationKind::DropCancelled] {
        assert_eq!(world.tell("n", kind, START), None);
    }
    world.ask(Role::Shopper, &put_of(2, facts())).expect("done");
    assert_eq!(world.tell("n", NotificationKind::DropChanged, START), Some(BOTH));
}

#[test]
fn what_is_old_is_not_told_and_its_id_leaves() {
    let mut world = World::new();
    assert_eq!(world.tell("n-1", NotificationKind::OrderShipped, START), Some(APP));
    world.now = START.plus_seconds(TOLD_SECONDS - 1);
    assert_eq!(world.tell("n-1", NotificationKind::OrderShipped, START), None, "still known");
    assert_eq!(world.tell("n-2", NotificationKind::OrderShipped, START), Some(APP), "late, but news");
    world.now = START.plus_seconds(TOLD_SECONDS);
    assert_eq!(world.tell("n-3", NotificationKind::OrderShipped, START), None);
    assert_eq!(world.tell("n-4", NotificationKind::OrderShipped, world.now), Some(APP));
    assert_eq!(world.shopper.told.len(), 1);
}

proptest! {
    /// Whatever is told again, and whenever, nobody is told a thing twice.
    #[test]
    fn nobody_is_told_twice(told in prop::collection::vec((0_u32..20, 0_u32..40_000), 1..100)) {
        let mut world = World::new();
        let mut before = BTreeSet::new();
        for (thing, pause) in told {
            world.now = world.now.plus_seconds(pause);
            let occurred_at = START.plus_seconds(thing * 30_000);
            let was_told = world.tell(&format!("n-{thing}"), NotificationKind::OrderShipped, occurred_at).is_some();
            let is_news = !before.contains(&thing) && world.now < occurred_at.plus_seconds(TOLD_SECONDS);
            prop_assert_eq!(was_told, is_news);
            if was_told {
                before.insert(thing);
            }
            prop_assert!(world.shopper.told.len() <= before.len());
        }
    }
}

fn forget_of(id: &str, content: u8) -> ShopperCommand {
    let effect = Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::new([content; 16]) };
    ShopperCommand::Forget(ForgetShopper { effect, keys_destroyed: 2 })
}

#[test]
fn who_is_forgotten_is_as_before_they_had_said_anything() {
    let mut world = World::with(ShopperFacts {
        notifications: NotificationSettings { drops: NEITHER, orders: NEITHER },
        locale: Some("de-CH".to_owned()),
        ..facts()
    });
    let (events, reply) = world.ask(Role::Operator, &forget_of("f-1", 1)).expect("done");
    let [Event::Shopper(ShopperEvent::ShopperForgotten(event))] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.version, event.keys_destroyed, reply.version), (2, 2, 2));
    assert_eq!(world.tell("n-1", NotificationKind::OrderShipped, START), Some(APP), "without an address");
    // What was said before can be said again.
    let (events, reply) = world.ask(Role::Shopper, &put_of(1, facts())).expect("done");
    assert_eq!((events.len(), reply.version), (1, 3));
}

#[test]
fn each_request_to_forget_is_on_record_once() {
    let mut world = World::new();
    assert_eq!(world.ask(Role::Operator, &forget_of("f-1", 1)).expect("done").0.len(), 1);
    assert_eq!(world.ask(Role::Operator, &forget_of("f-1", 1)).expect("done").0.len(), 0);
    let reused = Err(Rejection::Shopper(ShopperRejection::IdempotencyKeyReused));
    assert_eq!(world.decide(Role::Operator, "ops", &forget_of("f-1", 2)), reused);
    assert_eq!(world.ask(Role::Operator, &forget_of("f-2", 1)).expect("done").0.len(), 1);
}

#[test]
fn only_operators_forget() {
    let world = World::new();
    let not_found = Err(Rejection::Shopper(ShopperRejection::ShopperNotFound));
    for role in [Role::Shopper, Role::Store, Role::Supplier, Role::Warehouse, Role::Analyst, Role::Service] {
        assert_eq!(world.decide(role, "alice", &forget_of("f", 1)), not_found, "{role:?}");
    }
}
