//! The core alone: what it asks for, in which order, and how far it says that all is done.

use crate::{
    call::{Call, Said},
    core::{Core, CoreError, Effect},
    provider::{Authorization, CaptureOutcome, ProviderError},
};
use event_log::Record;
use read_model::{Checkpoint, Checkpoints};
use schemas::{
    Command, CommandId, CorrelationId, Currency, Digest, EffectId, Envelope, Money, PaymentId, RefundId, Timestamp,
    Topic,
    order::{CaptureDue, OrderCommand, OrderEvent, OrderSubmitted, PaymentStarted, RefundDue},
};

const DECLINED: &str = "card_declined";

fn money() -> Money {
    Money::new(1_000, Currency::parse("EUR").expect("a currency")).expect("an amount")
}

fn payment() -> PaymentId {
    PaymentId::parse("pay-1").expect("an id")
}

fn started() -> OrderEvent {
    OrderEvent::PaymentStarted(PaymentStarted {
        effect: schemas::Effect { id: EffectId::parse("pay-1").expect("an id"), digest: Digest::default() },
        payment_id: payment(),
        amount: money(),
        method_token: "tok_authorized".to_owned(),
        shipping_address: None,
    })
}

fn capture_due() -> OrderEvent {
    OrderEvent::CaptureDue(CaptureDue { payment_id: payment(), amount: money() })
}

fn refund_due() -> OrderEvent {
    let refund_id = RefundId::parse("refund-1").expect("an id");
    OrderEvent::RefundDue(RefundDue { refund_id, payment_id: payment(), amount: money() })
}

fn other() -> OrderEvent {
    OrderEvent::OrderSubmitted(OrderSubmitted { effect: None })
}

/// An event of an order as a record; of offsets only every tenth is one.
pub(crate) fn record(order: &str, seq: u64, event: &OrderEvent) -> Record {
    Record {
        topic: Topic::OrdersEvents,
        partition: 0,
        offset: seq * 10,
        key: order.to_owned(),
        headers: Vec::new(),
        envelope: Some(Envelope {
            event_type: event.event_type().into(),
            subject: order.to_owned(),
            time: Timestamp::default(),
            seq,
            epoch: 3,
            actor: "engine:engine".to_owned(),
            causation: CommandId::parse("c").expect("an id"),
            correlation: CorrelationId::parse("r").expect("an id"),
            traceparent: None,
        }),
        value: Some(serde_json::to_vec(event).expect("JSON")),
    }
}

fn core() -> Core {
    Core::new(7, 0..1, &Checkpoints::new())
}

fn done(core: &Core) -> u64 {
    core.done().next().expect("a partition").1.seq
}

fn authorized() -> Result<Said, ProviderError> {
    Ok(Said::Authorization(Authorization::Authorized { reference: "ref".to_owned() }))
}

/// The one call that is to be performed.
fn call(core: &mut Core) -> (u64, Call) {
    match core.take_effects().as_slice() {
        [Effect::Call { job, call }] => (*job, call.clone()),
        effects => panic!("{effects:?}"),
    }
}

/// The one command that is to be submitted, with its id.
fn command(core: &mut Core) -> (String, OrderCommand) {
    match core.take_effects().as_slice() {
        [Effect::Submit { command, .. }] => {
            let Command::Order { command: sent, .. } = &command.command else { panic!("{command:?}") };
            (command.id.to_string(), sent.clone())
        }
        effects => panic!("{effects:?}"),
    }
}

#[test]
fn a_started_payment_is_authorized_and_recorded_once() {
    let mut core = core();
    core.take(&record("o-1", 1, &started())).expect("taken");
    let (job, asked) = call(&mut core);
    assert!(matches!(asked, Call::Authorize(ref asked) if asked.payment == payment()));
    core.said(job, authorized(), 0);
    let (id, sent) = command(&mut core);
    assert_eq!(id, "payments:0:1");
    assert!(matches!(sent, OrderCommand::RecordAuthorization(ref sent) if sent.amount == money()));
    assert_eq!(done(&core), 0, "not done before it is answered");
    assert!(core.replied(job));
    assert!(!core.replied(job), "a late repeat of the reply finds nothing");
    assert_eq!(done(&core), 1);
    assert_eq!(core.next_due_ms(), None);
}

#[test]
fn a_decline_is_recorded() {
    let mut core = core();
    core.take(&record("o-1", 1, &started())).expect("taken");
    let (job, _) = call(&mut core);
    core.said(job, Ok(Said::Authorization(Authorization::Declined { reason: DECLINED.to_owned() })), 0);
    assert!(matches!(command(&mut core).1, OrderCommand::RecordDecline(sent) if sent.reason == DECLINED));
}

#[test]
fn a_payment_that_is_decided_later_is_recorded_as_pending_and_nobody_is_asked_again() {
    let mut core = core();
    core.take(&record("o-1", 1, &started())).expect("taken");
    let (job, _) = call(&mut core);
    core.said(job, Ok(Said::Authorization(Authorization::Pending)), 0);
    assert!(matches!(command(&mut core).1, OrderCommand::RecordPending(sent) if sent.payment_id == payment()));
    core.replied(job);
    assert_eq!((done(&core), core.next_due_ms()), (1, None));
    core.tick(1_000_000);
    assert!(core.take_effects().is_empty());
}

#[test]
fn a_failed_capture_is_recorded() {
    let mut core = core();
    core.take(&record("o-1", 1, &capture_due())).expect("taken");
    let (job, _) = call(&mut core);
    core.said(job, Ok(Said::Capture(CaptureOutcome::Failed { reason: DECLINED.to_owned() })), 0);
    assert!(matches!(command(&mut core).1, OrderCommand::RecordCaptureFailure(sent) if sent.reason == DECLINED));
}

#[test]
fn a_refund_waits_for_the_capture_of_its_payment() {
    let mut core = core();
    core.take(&record("o-1", 1, &capture_due())).expect("taken");
    core.take(&record("o-1", 2, &refund_due())).expect("taken");
    let (capture, asked) = call(&mut core);
    assert!(matches!(asked, Call::Capture(_)));
    core.said(capture, Ok(Said::Capture(CaptureOutcome::Captured)), 0);
    assert!(matches!(command(&mut core).1, OrderCommand::RecordCapture(_)));
    core.replied(capture);
    let (refund, asked) = call(&mut core);
    assert!(matches!(asked, Call::GiveBack(_)));
    core.said(refund, Ok(Said::GivenBack), 0);
    assert!(matches!(command(&mut core).1, OrderCommand::SettleRefund(_)));
}

#[test]
fn payments_of_different_orders_run_side_by_side() {
    let mut core = core();
    for seq in 1..=3 {
        core.take(&record(&format!("o-{seq}"), seq, &started())).expect("taken");
    }
    assert_eq!(core.take_effects().len(), 3);
}

#[test]
fn the_checkpoint_stays_before_the_first_open_job() {
    let mut core = core();
    core.take(&record("o-1", 1, &other())).expect("taken");
    assert_eq!(done(&core), 1);
    core.take(&record("o-2", 2, &started())).expect("taken");
    core.take(&record("o-3", 3, &started())).expect("taken");
    core.take(&record("o-1", 4, &other())).expect("taken");
    core.replied(2);
    assert_eq!(done(&core), 1);
    core.replied(1);
    assert_eq!(done(&core), 4);
    assert_eq!(core.done().next().expect("a partition").1, Checkpoint { seq: 4, offset: 41, epoch: 3 });
}

#[test]
fn a_provider_that_is_away_is_asked_again_later_and_later() {
    let mut core = core();
    core.take(&record("o-1", 1, &started())).expect("taken");
    let (job, asked) = call(&mut core);
    let mut now = 0;
    for expected in [100, 200, 400] {
        core.said(job, Err(ProviderError::Unavailable("away".to_owned())), now);
        assert_eq!(core.next_due_ms(), Some(now + expected));
        core.tick(now + expected - 1);
        assert!(core.take_effects().is_empty());
        now += expected;
        core.tick(now);
        assert_eq!(call(&mut core), (job, asked.clone()));
    }
}

#[test]
fn an_unanswered_command_is_sent_again_under_the_same_id() {
    let mut core = core();
    core.take(&record("o-1", 1, &started())).expect("taken");
    let (job, _) = call(&mut core);
    core.said(job, authorized(), 0);
    let first = command(&mut core);
    core.tick(9_999);
    assert!(core.take_effects().is_empty());
    core.tick(10_000);
    assert_eq!(command(&mut core), first);
    core.submit_failed(job, 10_000);
    core.tick(10_020);
    assert_eq!(command(&mut core), first);
}

#[test]
fn a_repeat_of_an_earlier_owner_is_ignored_and_a_gap_stops() {
    let mut core = core();
    core.take(&record("o-1", 1, &other())).expect("taken");
    let mut zombie = record("o-1", 1, &started());
    zombie.envelope.as_mut().expect("an event").epoch = 2;
    core.take(&zombie).expect("ignored");
    assert!(core.take_effects().is_empty());
    assert!(matches!(core.take(&record("o-1", 1, &other())), Err(CoreError::Frontier(_))));
    assert!(matches!(core.take(&record("o-1", 3, &other())), Err(CoreError::Frontier(_))));
}

#[test]
fn an_event_that_cannot_be_read_stops() {
    let mut core = core();
    let mut broken = record("o-1", 1, &started());
    broken.value = Some(b"{}".to_vec());
    assert!(matches!(core.take(&broken), Err(CoreError::Unreadable { .. })));
}
