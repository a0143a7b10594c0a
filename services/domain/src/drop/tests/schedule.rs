//! Schedule, and what the items say.

use super::*;

fn two() -> DropTerms {
    plain(vec![offered("s", 10), offered("m", 5)])
}

#[test]
fn asks_every_item_to_lend() {
    let mut world = World::new();
    let decision = world.by(&sam(), DropCommand::Schedule(schedule(two()))).expect("it is taken");
    assert_eq!(names(&decision), ["drop-drafted"]);
    assert_eq!(asked(&decision), ["allot s 10", "allot m 5"]);
    for (index, send) in decision.sends.iter().enumerate() {
        let Command::Item { command: ItemCommand::Allot(allot), .. } = send else { panic!("{send:?}") };
        assert_eq!(allot.allotment, allotment_of(&drop_id(), index));
        assert_eq!((allot.store.clone(), allot.currency), (Some(store("own")), Some(eur(1).currency())));
    }
    assert_eq!(world.told(&Ok(decision)), None, "its items have not answered");
}

#[test]
fn is_scheduled_when_all_lend_with_the_hash_of_its_seed() {
    let mut world = World::drafted(two());
    assert_eq!(names(&world.answered(0, None)), ["units-lent"]);
    let last = world.answered(1, None);
    assert_eq!(names(&last), ["units-lent", "drop-scheduled"]);
    let Event::Drop(DropEvent::DropScheduled(scheduled)) = &last.events[1] else { panic!("{last:?}") };
    let seed = super::super::draw::seed_of(&world.policy.draw_secret, &drop_id());
    assert_eq!(scheduled.seed_hash, super::super::draw::hash_of(&seed));
    assert_eq!((world.status(), world.levels(0), world.levels(1)), (DropStatus::Scheduled, [10, 0, 0], [5, 0, 0]));
}

#[test]
fn is_rejected_by_the_last_answer_and_asks_everything_back() {
    let mut world = World::drafted(two());
    assert_eq!(names(&world.answered(0, Some(AllotRefusal::ItemUnavailable))), ["loan-refused"]);
    let last = world.answered(1, None);
    assert_eq!(names(&last), ["units-lent", "drop-rejected"]);
    assert_eq!(asked(&last), ["return s 10", "return m 5"], "also of the item that refused");
    let refusals = vec![LoanRefused { item_id: item("s"), refusal: AllotRefusal::ItemUnavailable }];
    let again = world.by(&sam(), DropCommand::Schedule(schedule(two())));
    assert_eq!(refusal(&again), DropRejection::DropRejected { refusals });
    assert!(world.drop.is_finished());
}

#[test]
fn is_rejected_when_items_do_not_answer_in_time() {
    let mut world = World::drafted(two());
    world.answered(1, None);
    assert_eq!(world.drop.due(), Some(NOW.plus_seconds(30)));
    world.now = NOW.plus_seconds(30);
    let decision = world.tick();
    assert_eq!(names(&decision), ["drop-rejected"]);
    assert_eq!(asked(&decision), ["return s 10", "return m 5"]);
    let Event::Drop(DropEvent::DropRejected(rejected)) = &decision.events[0] else { panic!("{decision:?}") };
    let unanswered = LoanRefused { item_id: item("s"), refusal: AllotRefusal::Unanswered };
    assert_eq!(rejected.refusals, [unanswered]);
    assert_eq!(world.answered(0, None).events, [], "too late");
}

#[test]
fn an_answer_counts_once() {
    let mut world = World::drafted(two());
    world.answered(0, None);
    assert_eq!(world.answered(0, Some(AllotRefusal::ItemUnavailable)).events, []);
    let stranger = AllotAnswered { item_id: item("s"), allotment: allotment_of(&drop_id(), 1), refusal: None };
    assert_eq!(world.internal(DropCommand::AllotAnswered(stranger)).events, []);
}

#[test]
fn the_same_request_joins_the_wait_and_hears_the_drop() {
    let mut world = World::drafted(two());
    let again = world.by(&sam(), DropCommand::Schedule(schedule(two())));
    assert_eq!(again.as_ref().map(|decision| decision.events.len()), Ok(0));
    assert_eq!(world.told(&again), None);
    world.answered(0, None);
    world.answered(1, None);
    let Some(Ok(ReplyBody::Drop(DropReply::Drop(told)))) = world.told(&again) else { panic!("it is told the drop") };
    assert!(told.created);
    assert_eq!(told.status, DropStatus::Scheduled);
    assert_eq!(state(&world.by(&sam(), DropCommand::Schedule(schedule(two())))), *told);
}

#[test]
fn refuses_the_same_key_with_other_content() {
    let mut world = World::drafted(two());
    let other = ScheduleDrop { effect: effect("drop", 2), ..schedule(two()) };
    assert_eq!(refusal(&world.by(&sam(), DropCommand::Schedule(other))), DropRejection::IdempotencyKeyReused);
}

#[test]
fn refuses_an_id_that_exists_with_other_content() {
    let mut world = World::drafted(two());
    let other = ScheduleDrop { effect: effect("other", 2), ..schedule(two()) };
    assert_eq!(refusal(&world.by(&sam(), DropCommand::Schedule(other))), DropRejection::ExistsWithDifferentContent);
}

#[test]
fn refuses_terms_that_do_not_fit_together() {
    let refused = |terms: DropTerms| match refusal(&World::new().by(&sam(), DropCommand::Schedule(schedule(terms)))) {
        DropRejection::TermsInvalid { pointer, .. } => pointer,
        other => panic!("{other:?}"),
    };
    let price = |minor| DropItem { price: eur(minor), ..offered("m", 1) };
    let usd = Money::new(1, Currency::parse("USD").expect("a currency")).expect("in range");
    let at = |seconds: i64| NOW.plus_millis(seconds * 1_000);
    assert_eq!(refused(DropTerms { title: Some(String::new()), ..two() }), "/title");
    assert_eq!(refused(plain(Vec::new())), "/items");
    assert_eq!(refused(plain((0..21).map(|n| offered(&format!("i{n}"), 1)).collect())), "/items");
    assert_eq!(refused(plain(vec![offered("s", 1), offered("s", 2)])), "/items/1/itemId");
    assert_eq!(refused(plain(vec![offered("s", 1), price(-1)])), "/items/1/price");
    assert_eq!(refused(plain(vec![price(schemas::money::MAX_EXACT)])), "/items/0/price", "two of them are too much");
    assert_eq!(refused(plain(vec![offered("s", 1), DropItem { price: usd, ..offered("m", 1) }])), "/items/1/price");
    assert_eq!(refused(DropTerms { starts_at: at(-1), ..two() }), "/startsAt");
    assert_eq!(refused(DropTerms { ends_at: at(i64::from(STARTS)), ..two() }), "/endsAt");
    assert_eq!(refused(DropTerms { ends_at: at(31 * 24 * 3_600), ..two() }), "/endsAt");
    assert_eq!(refused(DropTerms { queue_opens_at: Some(at(i64::from(STARTS) + 1)), ..two() }), "/queueOpensAt");
    assert_eq!(refused(DropTerms { admit_at_once: Some(0), ..queued(vec![offered("s", 1)]) }), "/admitAtOnce");
    assert_eq!(refused(DropTerms { admit_at_once: Some(1), ..two() }), "/admitAtOnce");
}
