//! A payment provider: it hears of payments, captures and refunds from the log and answers when it likes.

use super::{
    checker::evidence::{Event, ORDERS, minor, text},
    generators::{self, amount},
    random::Random,
};
use schemas::{
    Command, OrderId, PaymentId, RefundId,
    order::{
        OrderCommand, RecordAuthorization, RecordCapture, RecordCaptureFailure, RecordDecline, RecordPending,
        SettleRefund,
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// Something of one order that the provider owes an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Open {
    /// A payment that was started.
    Payment(String),
    /// Money to be taken of a payment.
    Capture(String),
    /// Money to be given back.
    Refund(String),
}

/// What it has read of the log, and what it owes: minor units and currency.
#[derive(Default)]
pub struct Provider {
    read: usize,
    open: BTreeMap<(String, Open), (i64, String)>,
    /// Payments of which it has said that it decides later.
    later: BTreeSet<String>,
    /// Payments that it decides when it is told to, and not before.
    pub undecided: BTreeSet<String>,
}

/// What it decides of a payment, from 0 to 99: always the same.
pub fn decides(payment: &str, quirks: u64) -> u64 {
    Random::new(payment.bytes().map(u64::from).sum::<u64>() * 31 + quirks).below(100)
}

impl Provider {
    /// Reads on.
    pub fn read(&mut self, events: &[Event]) {
        for event in &events[self.read..] {
            if event.topic == ORDERS {
                self.take(event);
            }
        }
        self.read = events.len();
    }

    fn take(&mut self, event: &Event) {
        let value = &event.value;
        let payment = || text(value, "paymentId").to_owned();
        let refund = || text(value, "refundId").to_owned();
        let (opens, what) = match event.name.as_str() {
            "payment-pending" => {
                self.later.insert(payment());
                return;
            }
            "payment-started" => (true, Open::Payment(payment())),
            "payment-authorized" | "payment-attempt-failed" => (false, Open::Payment(payment())),
            "capture-due" => (true, Open::Capture(payment())),
            "payment-captured" | "capture-failed" => (false, Open::Capture(payment())),
            "refund-due" => (true, Open::Refund(refund())),
            "refund-settled" => (false, Open::Refund(refund())),
            _ => return,
        };
        let key = (event.subject.clone(), what);
        if opens {
            self.open.insert(key, (minor(value, "amount"), text(&value["amount"], "currency").to_owned()));
        } else {
            self.open.remove(&key);
        }
    }

    pub fn owes(&self) -> usize {
        self.open.keys().filter(|(_, open)| self.answers(open)).count()
    }

    /// Whether it has anything to say of it now.
    fn answers(&self, open: &Open) -> bool {
        !matches!(open, Open::Payment(payment) if self.later.contains(payment) && self.undecided.contains(payment))
    }

    /// An answer to something that is open; `None` where nothing is. What it decides of a payment never changes.
    pub fn answer(&self, random: &mut Random, quirks: u64) -> Option<Command> {
        let open: Vec<_> = self.open.iter().filter(|((_, open), _)| self.answers(open)).collect();
        let ((order, open), (minor, currency)) = random.pick(&open)?;
        let money = |minor: i64| amount(minor, currency);
        let id = |text: &str| PaymentId::parse(text).expect("an id of the log");
        let decides = |payment: &str| decides(payment, quirks);
        let command = match open {
            Open::Payment(payment) if decides(payment) % 5 == 3 && !self.later.contains(payment) => {
                OrderCommand::RecordPending(RecordPending { payment_id: id(payment) })
            }
            Open::Payment(payment) => match decides(payment) {
                n if n < 15 + quirks / 4 => OrderCommand::RecordDecline(RecordDecline {
                    payment_id: id(payment),
                    reason: "no funds".to_owned(),
                }),
                n => OrderCommand::RecordAuthorization(RecordAuthorization {
                    payment_id: id(payment),
                    amount: if n >= 100 - quirks { generators::quirky(*minor, currency, n) } else { money(*minor) },
                    provider_reference: format!("ref-{payment}"),
                }),
            },
            Open::Capture(payment) if decides(payment) % 10 == 9 => {
                let reason = "account closed".to_owned();
                OrderCommand::RecordCaptureFailure(RecordCaptureFailure { payment_id: id(payment), reason })
            }
            Open::Capture(payment) => {
                OrderCommand::RecordCapture(RecordCapture { payment_id: id(payment), amount: money(*minor) })
            }
            Open::Refund(refund) => OrderCommand::SettleRefund(SettleRefund {
                refund_id: RefundId::parse(refund).expect("an id of the log"),
            }),
        };
        Some(Command::Order { order: OrderId::parse(order).expect("an id of the log"), command })
    }
}
