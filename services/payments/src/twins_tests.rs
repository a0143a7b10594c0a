//! Two processes at once: each asks the provider for everything, under the same keys, in whatever order.

use crate::{
    call::{Call, Said},
    core::{Core, Effect},
    core_tests::record,
    provider::{GiveBack, Provider as _, VoidOutcome},
    sandbox::Sandbox,
};
use event_log::Record;
use read_model::{Checkpoint, Checkpoints};
use schemas::{
    CommandEnvelope, CommandId, Currency, Digest, EffectId, Money, PaymentId, RefundId, Topic,
    order::{CaptureDue, OrderEvent, PaymentStarted, RefundDue},
};
use std::collections::BTreeMap;

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").expect("a currency")).expect("an amount")
}

fn payment(id: &str) -> PaymentId {
    PaymentId::parse(id).expect("an id")
}

fn started(id: &str) -> OrderEvent {
    OrderEvent::PaymentStarted(PaymentStarted {
        effect: schemas::Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::default() },
        payment_id: payment(id),
        amount: eur(1_000),
        method_token: "tok_authorized".to_owned(),
        shipping_address: None,
    })
}

fn capture(id: &str, minor: i64) -> OrderEvent {
    OrderEvent::CaptureDue(CaptureDue { payment_id: payment(id), amount: eur(minor) })
}

fn refund(refund: &str, id: &str, minor: i64) -> OrderEvent {
    let refund_id = RefundId::parse(refund).expect("an id");
    OrderEvent::RefundDue(RefundDue { refund_id, payment_id: payment(id), amount: eur(minor) })
}

/// One payment of which a part is released, the rest taken, and some of that given back; one that is released whole; and
/// one that is taken whole and given back whole.
fn records() -> Vec<Record> {
    let events = [
        ("o-1", started("p1")),
        ("o-2", started("p2")),
        ("o-1", refund("r1", "p1", 300)),
        ("o-1", capture("p1", 700)),
        ("o-3", started("p3")),
        ("o-2", refund("r2", "p2", 1_000)),
        ("o-3", capture("p3", 1_000)),
        ("o-1", refund("r3", "p1", 200)),
        ("o-3", refund("r4", "p3", 1_000)),
    ];
    events
        .iter()
        .zip(1..)
        .map(|((order, event), seq)| Record { offset: seq - 1, ..record(order, seq, event) })
        .collect()
}

/// Something on its way between a process and somebody else.
enum Under {
    Call(u64, Call),
    /// The reserved money was not there any more.
    Refund(u64, GiveBack),
    Reply(u64),
}

/// A process, how far it has read, and what it waits for.
struct Process {
    core: Core,
    next: usize,
    under: Vec<Under>,
}

impl Process {
    fn at(checkpoint: Checkpoint) -> Self {
        let checkpoints = Checkpoints::from([((Topic::OrdersEvents, 0), checkpoint)]);
        let next = usize::try_from(checkpoint.offset).expect("small");
        Self { core: Core::new(7, 0..1, &checkpoints), next, under: Vec::new() }
    }

    fn checkpoint(&self) -> Checkpoint {
        self.core.done().next().expect("a partition").1
    }

    fn has_work(&self, records: &[Record]) -> bool {
        self.next < records.len() || !self.under.is_empty()
    }

    /// One thing happens: a record is read, or something that is on its way arrives.
    async fn step(&mut self, records: &[Record], pick: usize, world: &mut World) {
        let reads = usize::from(self.next < records.len());
        let at = pick % (reads + self.under.len());
        if at < reads {
            self.core.take(&records[self.next]).expect("it is taken");
            self.next += 1;
        } else {
            match self.under.swap_remove(at - reads) {
                Under::Call(job, call) => {
                    if let Some(said) = world.ask(&call).await {
                        self.core.said(job, Ok(said), 0);
                    } else if let Call::GiveBack(give_back) = call {
                        self.under.push(Under::Refund(job, give_back));
                    }
                }
                Under::Refund(job, give_back) => {
                    world.sandbox.refund(give_back).await.expect("an answer");
                    self.core.said(job, Ok(Said::GivenBack), 0);
                }
                Under::Reply(job) => assert!(self.core.replied(job)),
            }
        }
        for effect in self.core.take_effects() {
            match effect {
                Effect::Call { job, call } => self.under.push(Under::Call(job, call)),
                Effect::Submit { job, command } => {
                    world.submit(*command);
                    self.under.push(Under::Reply(job));
                }
            }
        }
    }
}

/// What the processes share.
#[derive(Default)]
struct World {
    sandbox: Sandbox,
    commands: BTreeMap<CommandId, schemas::Command>,
}

impl World {
    /// The first answer; `None` where a refund is to be asked for next.
    async fn ask(&self, call: &Call) -> Option<Said> {
        match call.clone() {
            Call::Authorize(asked) => {
                Some(Said::Authorization(self.sandbox.authorize(asked).await.expect("an answer")))
            }
            Call::Capture(asked) => Some(Said::Capture(self.sandbox.capture(asked).await.expect("an answer"))),
            Call::GiveBack(asked) => {
                let voided = self.sandbox.void(asked).await.expect("an answer");
                (voided == VoidOutcome::Voided).then_some(Said::GivenBack)
            }
        }
    }

    /// What is sent under one id says one thing: whichever comes first, the order is told the same.
    fn submit(&mut self, command: CommandEnvelope) {
        let first = self.commands.entry(command.id.clone()).or_insert_with(|| command.command.clone());
        assert_eq!(*first, command.command, "{:?}", command.id);
    }

    /// Of a payment: reserved, taken, released, given back.
    fn sums(&self, id: &str) -> (Option<i64>, i64, i64, i64) {
        let account = self.sandbox.account(&payment(id)).expect("an account");
        (account.authorized, account.captured, account.voided, account.refunded)
    }
}

#[tokio::test]
async fn money_is_moved_once_however_two_processes_take_turns() {
    let records = records();
    for seed in 1..=2_000_u64 {
        let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut roll = move || {
            // Numbers without pattern (xorshift64), the same for the same seed.
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            usize::try_from(dice >> 33).expect("31 bits")
        };
        let mut world = World::default();
        let mut processes = [Process::at(Checkpoint::default()), Process::at(Checkpoint::default())];
        while processes.iter().any(|process| process.has_work(&records)) {
            let who = roll() % 2;
            if roll() % 40 == 0 {
                // It dies, and starts again where it, or the other one, has written that all is done.
                processes[who] = Process::at(processes[roll() % 2].checkpoint());
            } else if processes[who].has_work(&records) {
                processes[who].step(&records, roll(), &mut world).await;
            }
        }
        assert_eq!(world.sums("p1"), (Some(1_000), 700, 300, 200), "seed {seed}");
        assert_eq!(world.sums("p2"), (Some(1_000), 0, 1_000, 0), "seed {seed}");
        assert_eq!(world.sums("p3"), (Some(1_000), 1_000, 0, 1_000), "seed {seed}");
        assert_eq!(world.commands.len(), records.len(), "seed {seed}");
    }
}
