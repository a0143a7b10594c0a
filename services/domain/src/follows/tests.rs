use super::*;
use proptest::prelude::*;
use schemas::{Caller, CommandId, Digest, EffectId};

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const DAY_SECONDS: u32 = 24 * 3_600;

fn subject(id: &str) -> SubjectId {
    SubjectId::parse(id).expect("an id")
}

fn store(id: &str) -> StoreId {
    StoreId::parse(id).expect("an id")
}

fn effect(id: &str, content: u8) -> Effect {
    Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::new([content; 16]) }
}

fn follow_of(id: &str, of: &str) -> FollowsCommand {
    FollowsCommand::Follow(FollowStore { effect: effect(id, 1), store: store(of) })
}

fn unfollow_of(id: &str, of: &str) -> FollowsCommand {
    FollowsCommand::Unfollow(UnfollowStore { effect: effect(id, 1), store: store(of) })
}

struct World {
    follows: Follows,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        Self { follows: Follows::new(subject("alice")), now: START }
    }

    fn decide(&self, role: Role, who: &str, command: &FollowsCommand) -> Decided {
        let caller = Caller { role, subject: subject(who), store: None, location: None };
        let (command_id, policy) = (CommandId::parse("c").expect("an id"), Policy::default());
        let cx = Context { now: self.now, command_id: &command_id, caller: &caller, policy: &policy };
        decide(&self.follows, command, cx)
    }

    /// Decides as Alice and applies; tells whether she follows the store then, and the number of events. What is decided
    /// again makes no event and is answered the same.
    #[track_caller]
    fn ask(&mut self, command: &FollowsCommand) -> Result<(bool, usize), Rejection> {
        let decision = self.decide(Role::Shopper, "alice", command)?;
        for event in &decision.events {
            let Event::Follows(event) = event else { panic!("{event:?}") };
            evolve(&mut self.follows, event, self.now, &Policy::default());
        }
        let stored = serde_json::to_vec(&self.follows).expect("follows are JSON");
        assert_eq!(serde_json::from_slice::<Follows>(&stored).expect("as it was stored"), self.follows);
        let again = self.decide(Role::Shopper, "alice", command).expect("what took effect is not refused again");
        assert_eq!((again.events.len(), &again.answer), (0, &decision.answer));
        let Answer::Now(ReplyBody::Follows(reply)) = decision.answer else { panic!("an answer at once") };
        Ok((reply.following, decision.events.len()))
    }

    fn stores(&self) -> Vec<&str> {
        self.follows.stores.iter().map(StoreId::as_str).collect()
    }
}

#[test]
fn a_store_is_followed_and_left_and_what_is_so_already_makes_no_event() {
    let mut world = World::new();
    assert_eq!(world.ask(&follow_of("a", "acme")), Ok((true, 1)));
    assert_eq!(world.ask(&follow_of("b", "acme")), Ok((true, 0)));
    assert_eq!(world.ask(&unfollow_of("c", "acme")), Ok((false, 1)));
    assert_eq!(world.ask(&unfollow_of("d", "acme")), Ok((false, 0)));
    assert_eq!(world.ask(&follow_of("e", "acme")), Ok((true, 1)));
}

#[test]
fn the_same_request_again_undoes_nothing_that_came_after_it() {
    let mut world = World::new();
    world.ask(&follow_of("a", "acme")).expect("done");
    world.ask(&unfollow_of("b", "acme")).expect("done");
    assert_eq!(world.ask(&follow_of("a", "acme")), Ok((true, 0)), "its own answer, and no more");
    assert_eq!(world.stores(), [""; 0]);
}

#[test]
fn a_request_is_known_for_a_day_and_leaves_after_that() {
    let mut world = World::new();
    world.ask(&follow_of("a", "acme")).expect("done");
    world.now = START.plus_seconds(DAY_SECONDS);
    world.ask(&unfollow_of("b", "acme")).expect("done");
    assert_eq!(world.follows.known.len(), 1);
    assert_eq!(world.ask(&follow_of("a", "acme")), Ok((true, 1)));
}

#[test]
fn refuses_who_is_not_the_shopper() {
    let world = World::new();
    let refused = [(Role::Shopper, "bob"), (Role::Operator, "alice"), (Role::Store, "alice"), (Role::Service, "alice")];
    for (role, who) in refused {
        let decided = world.decide(role, who, &follow_of("a", "acme"));
        assert_eq!(decided, Err(Rejection::Follows(FollowsRejection::FollowsNotFound)), "{role:?} {who}");
    }
}

#[test]
fn refuses_a_key_that_came_with_another_body() {
    let mut world = World::new();
    world.ask(&follow_of("a", "acme")).expect("done");
    let other = FollowsCommand::Follow(FollowStore { effect: effect("a", 2), store: store("globex") });
    assert_eq!(world.ask(&other), Err(Rejection::Follows(FollowsRejection::IdempotencyKeyReused)));
}

#[test]
fn refuses_more_stores_than_a_shopper_may_follow_and_takes_one_again_after_one_was_left() {
    let mut world = World::new();
    for number in 0..MOST_STORES {
        let event = StoreFollowed { effect: effect(&format!("e-{number}"), 1), store: store(&format!("s-{number}")) };
        evolve(&mut world.follows, &event.into(), START, &Policy::default());
    }
    let refused = Err(Rejection::Follows(FollowsRejection::TooManyFollows { limit: MOST_STORES }));
    assert_eq!(world.ask(&follow_of("a", "acme")), refused);
    assert_eq!(world.ask(&follow_of("b", "s-7")), Ok((true, 0)), "one of them is no more than before");
    world.ask(&unfollow_of("c", "s-7")).expect("done");
    assert_eq!(world.ask(&follow_of("a", "acme")), Ok((true, 1)));
}

proptest! {
    /// What is followed is what was said last, whatever comes again within a day of it.
    #[test]
    fn follows_are_what_was_said_last(asked in prop::collection::vec((any::<bool>(), 0_u8..4, 0_u32..30_000, any::<u8>()), 1..80)) {
        let mut world = World::new();
        let mut model = BTreeSet::new();
        let mut done: Vec<(FollowsCommand, Timestamp)> = Vec::new();
        for (number, (is_follow, of, pause, again)) in asked.into_iter().enumerate() {
            world.now = world.now.plus_seconds(pause);
            let (id, name) = (format!("e-{number}"), format!("s-{of}"));
            let command = if is_follow { follow_of(&id, &name) } else { unfollow_of(&id, &name) };
            let (following, events) = world.ask(&command).expect("nothing is refused");
            let is_news = if is_follow { model.insert(store(&name)) } else { model.remove(&store(&name)) };
            prop_assert_eq!((following, events), (is_follow, usize::from(is_news)));
            if is_news {
                done.push((command, world.now));
            }
            let repeat = done.get(usize::from(again) % done.len().max(1));
            if let Some((command, _)) = repeat.filter(|(_, at)| world.now < at.plus_seconds(DAY_SECONDS)) {
                prop_assert_eq!(world.ask(command).expect("nothing is refused").1, 0);
            }
            prop_assert_eq!(&world.follows.stores, &model);
        }
    }
}
