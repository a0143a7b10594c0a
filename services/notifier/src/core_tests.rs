//! The core alone: whom it tells, in which order, and how far it says that all is done.

use crate::core::{Core, CoreError, Effect, Page, Setup};
use event_log::Record;
use read_model::{Checkpoints, views::fan_outs::Cursor};
use schemas::{
    Command, CommandEnvelope, CommandId, CorrelationId, Digest, DropId, EffectId, Envelope, Event, OrderId, ShardCount,
    StoreId, SubjectId, Timestamp, Topic,
    drop::{DropCancelled, DropEvent, DropTerms, QueueLevels, ShoppersAdmitted},
    order::{OrderConfirmed, OrderEvent, OrderSubmitted},
    shopper::{Notification, NotificationKind, ShopperCommand, TOLD_SECONDS},
};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub(crate) fn subject(id: &str) -> SubjectId {
    SubjectId::parse(id).expect("an id")
}

pub(crate) fn cancelled() -> DropEvent {
    let terms = DropTerms {
        title: None,
        items: Vec::new(),
        starts_at: NOW,
        ends_at: NOW,
        limit_per_shopper: schemas::Quantity::new(1).expect("a quantity"),
        queue_opens_at: None,
        admit_at_once: None,
    };
    let effect = schemas::Effect { id: EffectId::parse("c").expect("an id"), digest: Digest::default() };
    let store = StoreId::parse("acme").expect("an id");
    DropCancelled { effect, store, terms, reason: None, pools: Vec::new() }.into()
}

pub(crate) fn record_at(subject: &str, seq: u64, event: &Event, time: Timestamp) -> Record {
    let value = serde_json::to_vec(event).expect("JSON");
    let envelope = Envelope {
        event_type: event.event_type().into(),
        subject: subject.to_owned(),
        time,
        seq,
        epoch: 1,
        actor: "engine:engine".to_owned(),
        causation: CommandId::parse("c").expect("an id"),
        correlation: CorrelationId::parse("request").expect("an id"),
        traceparent: None,
    };
    Record {
        topic: event.topic(),
        partition: 0,
        // Offsets are not dense: markers of transactions stand between.
        offset: seq * 10,
        key: subject.to_owned(),
        envelope: Some(envelope),
        headers: Vec::new(),
        value: Some(value),
    }
}

pub(crate) fn record(subject: &str, seq: u64, event: Event) -> Record {
    record_at(subject, seq, &event, NOW)
}

fn core(per_second: u32) -> Core {
    Core::new(Setup { node: 4, shards: ShardCount::new(2).expect("a count"), per_second }, &Checkpoints::new())
}

fn admitted(shoppers: &[&str]) -> Event {
    let shoppers = shoppers.iter().map(|id| subject(id)).collect();
    let queue = QueueLevels::default();
    Event::Drop(ShoppersAdmitted { shoppers, until: NOW, queue, stood_still_ms: 0 }.into())
}

fn confirmed() -> Event {
    Event::Order(OrderEvent::from(OrderConfirmed { attempt: 1 }))
}

/// Who is told by a command, and of what.
pub(crate) fn told(command: &CommandEnvelope) -> (SubjectId, Notification) {
    match &command.command {
        Command::Shopper { shopper, command: ShopperCommand::Notify(notify) } => {
            (shopper.clone(), notify.notification.clone())
        }
        other => panic!("no notification: {other:?}"),
    }
}

fn submitted(effects: &[Effect]) -> Vec<(u64, SubjectId, Notification)> {
    let submits = effects.iter().filter_map(|effect| match effect {
        Effect::Submit { tell, command } => Some((*tell, told(command))),
        _ => None,
    });
    submits.map(|(tell, (shopper, notification))| (tell, shopper, notification)).collect()
}

fn offset(core: &Core, topic: Topic) -> u64 {
    core.done().find(|(place, _)| *place == (topic, 0)).map_or(0, |(_, checkpoint)| checkpoint.offset)
}

#[test]
fn who_is_admitted_is_told_at_once_and_the_event_is_done_when_all_were() {
    let mut core = core(1);
    core.take(&record("d-1", 1, admitted(&["alice", "bob"])), NOW, 0).expect("taken");
    let effects = core.take_effects();
    let tells = submitted(&effects);
    assert_eq!(tells.len(), 2, "no pace holds them up");
    let kinds: Vec<_> = tells.iter().map(|(_, _, notification)| notification.kind).collect();
    assert_eq!(kinds, [NotificationKind::DropAdmitted; 2]);
    assert_eq!(tells[0].2.drop, DropId::parse("d-1").ok());
    assert!(core.replied(tells[0].0));
    assert_eq!(offset(&core, Topic::DropsEvents), 0);
    assert!(core.replied(tells[1].0) && !core.replied(tells[1].0));
    assert_eq!(offset(&core, Topic::DropsEvents), 11);
}

#[test]
fn the_shopper_of_an_order_is_looked_up_on_views_that_show_the_event() {
    let mut core = core(1);
    let submitted_first = Event::Order(OrderEvent::from(OrderSubmitted { effect: None }));
    core.take(&record("o-1", 1, submitted_first), NOW, 0).expect("taken");
    core.take(&record("o-1", 2, confirmed()), NOW, 0).expect("taken");
    core.take(&record("o-2", 3, confirmed()), NOW, 0).expect("taken");
    let effects = core.take_effects();
    let [Effect::Buyers { floor, wanted }] = &effects[..] else { panic!("{effects:?}") };
    let mut expected = crate::look::Floor::default();
    expected.raise(Topic::OrdersEvents, 0, 31);
    assert_eq!(floor, &expected);
    core.found(vec![(wanted[0].0, Some(subject("alice"))), (wanted[1].0, None)], 0);
    let tells = submitted(&core.take_effects());
    assert_eq!((tells.len(), tells[0].1.as_str()), (1, "alice"));
    assert_eq!(tells[0].2.order_id, OrderId::parse("o-1").ok());
    assert_eq!(offset(&core, Topic::OrdersEvents), 11, "what concerns nobody is passed");
    core.replied(tells[0].0);
    assert_eq!(offset(&core, Topic::OrdersEvents), 31);
}

#[test]
fn a_command_that_is_not_taken_or_not_answered_is_sent_again_as_it_was() {
    let mut core = core(1);
    core.take(&record("d-1", 1, admitted(&["alice"])), NOW, 0).expect("taken");
    let first = core.take_effects();
    core.submit_failed(submitted(&first)[0].0, 5);
    assert_eq!(core.next_due_ms(), Some(25));
    core.tick(25);
    assert_eq!(core.take_effects(), first);
    core.tick(20_000);
    assert_eq!(core.take_effects(), first);
}

#[test]
fn what_is_old_is_passed() {
    let mut core = core(1);
    let late = Timestamp::from_millis(NOW.millis()).plus_seconds(TOLD_SECONDS);
    core.take(&record("d-1", 1, Event::Drop(cancelled())), late, 0).expect("taken");
    assert_eq!((core.take_effects(), offset(&core, Topic::DropsEvents)), (Vec::new(), 11));
}

#[test]
fn an_event_that_cannot_be_read_stops_it_and_so_does_a_gap() {
    let mut broken = record("d-1", 1, Event::Drop(cancelled()));
    broken.value = Some(b"{}".to_vec());
    assert!(matches!(core(1).take(&broken, NOW, 0), Err(CoreError::Unreadable { .. })));
    let gap = core(1).take(&record("d-1", 2, Event::Drop(cancelled())), NOW, 0);
    assert!(matches!(gap, Err(CoreError::Frontier(_))));
    let mut no_event = record("d-1", 1, Event::Drop(cancelled()));
    no_event.envelope = None;
    assert!(matches!(core(1).take(&no_event, NOW, 0), Err(CoreError::NoEvent { .. })));
}

fn page(ids: std::ops::Range<u32>, next: Option<Cursor>) -> Page {
    Page { followers: ids.map(|id| subject(&format!("s-{id}"))).collect(), next }
}

#[test]
fn followers_are_told_at_the_pace_that_is_set_chunk_by_chunk() {
    let mut core = core(100);
    core.take(&record("d-1", 1, Event::Drop(cancelled())), NOW, 0).expect("taken");
    let effects = core.take_effects();
    let [Effect::Page { job, from: None, .. }] = &effects[..] else { panic!("{effects:?}") };
    let job = *job;
    let cursor = Cursor { partition: 1, after: None, chunks: 1 };
    core.paged(job, page(0..30, Some(cursor.clone())), 0);
    let (mut now_ms, mut sent, mut after) = (0, 0, Vec::new());
    while sent < 30 {
        let effects = core.take_effects();
        let tells = submitted(&effects);
        sent += tells.len();
        tells.iter().for_each(|(tell, ..)| assert!(core.replied(*tell)));
        after = core.take_effects();
        now_ms = core.next_due_ms().unwrap_or(now_ms).max(now_ms);
        core.tick(now_ms);
    }
    assert!((280..=300).contains(&now_ms), "30 of 100 a second were told within {now_ms} ms");
    let event = schemas::Position { topic: Topic::DropsEvents, partition: 0, seq: 1 };
    let store = StoreId::parse("acme").expect("an id");
    let noted = Effect::Keep { event, cursor: cursor.clone() };
    assert_eq!(after, [noted, Effect::Page { job, event, store, from: Some(cursor) }]);
    core.paged(job, page(0..0, None), now_ms);
    let end = Cursor { partition: 2, after: None, chunks: 2 };
    assert_eq!(core.take_effects(), [Effect::Keep { event, cursor: end }]);
    assert_eq!((core.open(), offset(&core, Topic::DropsEvents)), ((0, 0), 11));
}

#[test]
fn news_of_one_drop_wait_for_each_other_and_those_of_others_do_not() {
    let mut core = core(1_000);
    for (drop, seq) in [("d-1", 1), ("d-1", 2), ("d-2", 3)] {
        core.take(&record(drop, seq, Event::Drop(cancelled())), NOW, 0).expect("taken");
    }
    let begun = |effects: &[Effect]| -> Vec<(u64, u64)> {
        let pages = effects.iter().filter_map(|effect| match effect {
            Effect::Page { job, event, .. } => Some((*job, event.seq)),
            _ => None,
        });
        pages.collect()
    };
    let first = begun(&core.take_effects());
    assert_eq!(first.iter().map(|(_, seq)| *seq).collect::<Vec<_>>(), [1, 3]);
    core.paged(first[0].0, page(0..0, None), 0);
    assert_eq!(begun(&core.take_effects()).iter().map(|(_, seq)| *seq).collect::<Vec<_>>(), [2]);
}
