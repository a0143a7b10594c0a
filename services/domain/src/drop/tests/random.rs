//! Whatever comes in whatever order: the books agree, nothing happens twice, nothing panics.

use super::{random_check::Books, *};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Answer { item: usize, lends: bool },
    Join { who: usize, key: u8 },
    Claim { who: usize, key: u8, item: usize, units: u32 },
    Commit(u8),
    Release(u8),
    Uncommit { key: u8, cancellation: u8, units: u32 },
    Pause(u8),
    Resume(u8),
    Change { key: u8, limit: u32 },
    Cancel,
    Pass(u32),
}

const SHOPPERS: usize = 6;
const ITEMS: [&str; 2] = ["s", "m"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (0..2usize, any::<bool>()).prop_map(|(item, lends)| Step::Answer { item, lends }),
        8 => (0..SHOPPERS, 0..20u8).prop_map(|(who, key)| Step::Join { who, key }),
        12 => (0..SHOPPERS, 0..20u8, 0..2usize, 1..4u32)
            .prop_map(|(who, key, item, units)| Step::Claim { who, key, item, units }),
        5 => (0..20u8).prop_map(Step::Commit),
        5 => (0..20u8).prop_map(Step::Release),
        4 => (0..20u8, 0..3u8, 1..3u32).prop_map(|(key, cancellation, units)| Step::Uncommit { key, cancellation, units }),
        1 => (0..4u8).prop_map(Step::Pause),
        2 => (0..4u8).prop_map(Step::Resume),
        1 => (0..4u8, 1..4u32).prop_map(|(key, limit)| Step::Change { key, limit }),
        1 => prop_oneof![9 => Just(Step::Pass(1)), 1 => Just(Step::Cancel)],
        5 => prop_oneof![6 => Just(1), 6 => Just(30), 6 => Just(121), 3 => Just(600), 1 => Just(3_600), 1 => Just(90_000)]
            .prop_map(Step::Pass),
    ]
}

fn terms() -> impl Strategy<Value = DropTerms> {
    let units = (1..6u32, 1..4u32);
    (units, any::<bool>(), 1..4u32, proptest::option::weighted(0.4, 1..4u32)).prop_map(
        |((s, m), waits, limit, once)| {
            let items = vec![offered("s", s), offered("m", m)];
            let terms = if waits { queued(items) } else { plain(items) };
            let admit_at_once = once.filter(|_| waits);
            DropTerms { limit_per_shopper: quantity(limit), admit_at_once, ..terms }
        },
    )
}

fn who(number: usize) -> String {
    format!("shopper-{number}")
}

fn command(world: &World, step: &Step) -> Option<(Caller, DropCommand)> {
    let engine = Caller::engine();
    let of_claim = |key: &u8| claim_id(&format!("c{key}"));
    Some(match step {
        Step::Answer { item: at, lends } => {
            let refusal = (!lends).then_some(AllotRefusal::ItemUnavailable);
            let allotment = allotment_of(&drop_id(), *at);
            let answered = AllotAnswered { item_id: item(ITEMS[*at]), allotment, refusal };
            (engine, DropCommand::AllotAnswered(answered))
        }
        Step::Join { who: number, key } => {
            let effect = effect(&format!("join-{number}-{key}"), 1);
            (shopper(&who(*number)), DropCommand::Join(JoinQueue { effect }))
        }
        Step::Claim { who: number, key, item, units } => {
            // A key is its caller's, and says the same each time but now and then.
            let mut claim = claim(&format!("c{key}"), Some(ITEMS[*item]), *units);
            claim.effect.digest =
                Digest::new([u8::try_from(number * 10 + item * 5).expect("small") + units.to_le_bytes()[0]; 16]);
            (shopper(&who(*number)), DropCommand::Claim(claim))
        }
        Step::Commit(key) => {
            // An order commits what it holds, or has committed.
            let held = world.drop.claims.get(&of_claim(key))?;
            if matches!(held.stage, super::super::claims::Stage::Released(_)) {
                return None;
            }
            (engine, DropCommand::CommitClaim(CommitClaim { claim: of_claim(key) }))
        }
        Step::Release(key) => (engine, DropCommand::ReleaseClaim(ReleaseClaim { claim: of_claim(key) })),
        Step::Uncommit { key, cancellation, units } => {
            (engine, uncommit(&format!("x{cancellation}"), &format!("c{key}"), *units))
        }
        Step::Pause(key) => {
            (sam(), DropCommand::Pause(PauseDrop { effect: effect(&format!("p{key}"), 1), reason: None }))
        }
        Step::Resume(key) => (sam(), DropCommand::Resume(ResumeDrop { effect: effect(&format!("r{key}"), 1) })),
        Step::Change { key, limit } => {
            let patch = serde_json::json!({ "limitPerShopper": limit });
            let serde_json::Value::Object(patch) = patch else { unreachable!("it is an object") };
            (sam(), DropCommand::Change(ChangeDrop { effect: effect(&format!("h{key}"), 1), patch }))
        }
        Step::Cancel => (sam(), DropCommand::Cancel(CancelDrop { effect: effect("cancel", 1), reason: None })),
        Step::Pass(_) => return None,
    })
}

/// Notes what is new, and that the same command again changes nothing more.
fn run(world: &mut World, books: &mut Books, step: &Step) {
    let known = world.events.len();
    match (step, command(world, step)) {
        (Step::Pass(seconds), _) => {
            world.pass(*seconds);
        }
        (_, Some((caller, command))) => {
            let first = world.by(&caller, command.clone());
            note(world, books, known);
            let (events, sends) = (world.events.len(), world.sends.len());
            let again = world.by(&caller, command.clone());
            assert_eq!(first.is_ok(), again.is_ok(), "a repeat is told the same: {command:?}");
            assert_eq!(world.events.len(), events, "a repeat changes nothing: {command:?}");
            // A claim asks its order again, and nobody else.
            let is_open = |send: &Command| matches!(send, Command::Order { command: OrderCommand::Open(_), .. });
            assert!(world.sends[sends..].iter().all(is_open));
            return;
        }
        (_, None) => {}
    }
    note(world, books, known);
}

fn note(world: &World, books: &mut Books, known: usize) {
    for event in &world.events[known..] {
        let terms = world.drop.terms().clone();
        books.note(&terms, event);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_books_agree_whatever_happens(
        terms in terms(),
        far in 0..4usize,
        early in 0..SHOPPERS,
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        let mut world = World::drafted(terms);
        let mut books = Books::default();
        note(&world, &mut books, 0);
        let mut all = Vec::new();
        if far > 0 {
            all.extend([Step::Answer { item: 0, lends: true }, Step::Answer { item: 1, lends: true }]);
        }
        if far > 1 {
            all.push(Step::Pass(OPENS));
            all.extend((0..early).map(|who| Step::Join { who, key: 0 }));
        }
        if far > 2 {
            all.push(Step::Pass(STARTS - OPENS));
        }
        all.extend(steps);
        // Everything has an end: what is held is given back, and the drop is closed.
        all.push(Step::Pass(ENDS));
        all.extend((0..20).map(Step::Release));
        for step in &all {
            run(&mut world, &mut books, step);
            let stored = serde_json::to_string(&world.drop).expect("state is plain data");
            let restored: Drop = serde_json::from_str(&stored).expect("it was just written");
            prop_assert_eq!(&restored, &world.drop, "a snapshot is the whole state");
        }
        run(&mut world, &mut books, &Step::Pass(25 * 3_600));
        prop_assert!(world.drop.is_finished(), "{:?}", world.drop);
        prop_assert_eq!(world.drop.due(), None);
        let terms = world.drop.terms().clone();
        books.close(&world.sends, &terms);
    }
}
