//! An order and its money, reckoned from its events.

use super::{Fact, list, minor, number, text};
use crate::sim::provider::Open;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Only an authorization told of it.
    #[default]
    Unknown,
    Holding,
    AwaitingPayment,
    Reholding,
    Confirmed,
    Rejected,
    Expired,
    Cancelled,
}

#[derive(Debug, Default)]
struct Line {
    id: String,
    item: String,
    quantity: i64,
    /// Its own and its part of the order's adjustments included.
    amount: i64,
    price: i64,
    digital: bool,
    cancelled: i64,
}

#[derive(Debug, Default)]
struct Payment {
    asked: i64,
    authorized: Option<i64>,
    failed: bool,
    capture_due: i64,
    captured: i64,
    capture_failed: bool,
}

/// An order as its events tell it.
#[derive(Debug, Default)]
pub struct Order {
    state: State,
    lines: Vec<Line>,
    /// Signed, with the line that it belongs to; included ones are left out.
    adjustments: Vec<(Option<String>, i64)>,
    total: Option<i64>,
    payments: BTreeMap<String, Payment>,
    /// Minor units, and whether it is settled.
    refunds: BTreeMap<String, (i64, bool)>,
    cancellations: BTreeSet<String>,
    confirmed: bool,
    held_again: bool,
    external: bool,
    causation: String,
    /// What was due back when the rule was last looked at: it never falls.
    promised: i64,
}

impl Order {
    pub fn take(&mut self, fact: &Fact<'_>) {
        // The money rule holds after each decision; its events follow each other.
        if self.causation != fact.causation {
            self.check_money(fact.subject);
            fact.causation.clone_into(&mut self.causation);
        }
        self.apply(fact);
    }

    fn apply(&mut self, fact: &Fact<'_>) {
        let value = fact.value;
        match fact.name {
            "order-placed" => self.place(fact),
            "item-held" | "item-refused" => {
                let asking = matches!(self.state, State::Holding | State::Reholding);
                assert!(asking, "{}: an answer is recorded in {:?}", fact.subject, self.state);
            }
            "holds-granted" => self.granted(fact),
            "order-rejected" => self.turn(fact, &[State::Holding], State::Rejected),
            "order-submitted" | "digital-delivered" => {}
            "order-confirmed" => {
                self.turn(fact, &[State::AwaitingPayment, State::Reholding], State::Confirmed);
                self.confirmed = true;
                let total = self.total.expect("what is confirmed has prices");
                assert!(self.external || self.authorized() - self.due() >= total, "{}: not paid", fact.subject);
            }
            "order-expired" => self.turn(fact, &[State::AwaitingPayment], State::Expired),
            "late-payment" => {
                self.turn(fact, &[State::Expired], State::Reholding);
                self.held_again = true;
            }
            "rehold-failed" => self.turn(fact, &[State::Reholding], State::Expired),
            "order-cancelled" => {
                self.turn(fact, &[State::Holding, State::AwaitingPayment, State::Confirmed], State::Cancelled);
                self.cancellations.extend(value["effect"]["id"].as_str().map(str::to_owned));
            }
            "lines-cancelled" => self.cancel_lines(fact),
            _ => self.money(fact),
        }
        // A rehold that was cancelled names the command too.
        if fact.name == "rehold-failed" {
            self.cancellations.extend(value["effect"]["id"].as_str().map(str::to_owned));
        }
    }

    fn turn(&mut self, fact: &Fact<'_>, from: &[State], to: State) {
        assert!(from.contains(&self.state), "{}: {} in {:?}", fact.subject, fact.name, self.state);
        self.state = to;
    }

    fn place(&mut self, fact: &Fact<'_>) {
        self.turn(fact, &[State::Unknown], State::Holding);
        self.external = text(fact.value, "payment") == "external";
        for line in list(fact.value, "lines") {
            self.lines.push(Line {
                id: text(line, "lineId").to_owned(),
                item: text(line, "itemId").to_owned(),
                quantity: number(line, "quantity"),
                ..Line::default()
            });
        }
        for adjustment in list(fact.value, "adjustments") {
            if adjustment["included"] != Value::Bool(true) {
                let line = adjustment["lineId"].as_str().map(str::to_owned);
                self.adjustments.push((line, minor(adjustment, "amount")));
            }
        }
    }

    fn granted(&mut self, fact: &Fact<'_>) {
        self.turn(fact, &[State::Holding], State::AwaitingPayment);
        let priced = list(fact.value, "lines");
        assert_eq!(priced.len(), self.lines.len());
        for (line, priced) in self.lines.iter_mut().zip(priced) {
            assert_eq!(line.id, text(priced, "lineId"));
            line.price = minor(priced, "unitPrice");
            line.digital = text(priced, "kind") == "digital";
        }
        self.spread();
        let total = self.lines.iter().map(|line| line.amount).sum();
        assert_eq!(minor(fact.value, "total"), total, "{}: the parts sum to the whole", fact.subject);
        self.total = Some(total);
    }

    /// Each line gets its own adjustments and, by value with cumulative rounding, its part of the order's.
    fn spread(&mut self) {
        let whole: i64 = self.adjustments.iter().filter(|(line, _)| line.is_none()).map(|(_, minor)| minor).sum();
        let worth: i64 = self.lines.iter().map(|line| line.price * line.quantity).sum();
        let (mut upto, mut given) = (0, 0);
        for line in &mut self.lines {
            let own: i64 = self.adjustments.iter().filter(|(l, _)| l.as_ref() == Some(&line.id)).map(|(_, m)| m).sum();
            upto += line.price * line.quantity;
            let so_far = (whole * upto).div_euclid(worth);
            line.amount = line.price * line.quantity + own + so_far - given;
            given = so_far;
            assert!(line.amount >= 0, "the adjustments of the simulation are small");
        }
    }

    fn cancel_lines(&mut self, fact: &Fact<'_>) {
        assert_eq!(self.state, State::Confirmed, "{}", fact.subject);
        if let Some(effect) = fact.value["effect"]["id"].as_str() {
            assert!(self.cancellations.insert(effect.to_owned()), "S5: {}: {effect} twice", fact.subject);
        }
        for cancelled in list(fact.value, "lines") {
            let id = text(cancelled, "lineId");
            let line = self.lines.iter_mut().find(|line| line.id == id).expect("a line of the order");
            line.cancelled += number(cancelled, "quantity");
            assert!(line.cancelled <= line.quantity, "{}: more cancelled than ordered", fact.subject);
        }
    }

    fn money(&mut self, fact: &Fact<'_>) {
        let Fact { value, subject, .. } = *fact;
        let payment_of = |value: &Value| text(value, "paymentId").to_owned();
        match fact.name {
            "payment-started" => {
                let asked = minor(value, "amount");
                let before = self.payments.insert(payment_of(value), Payment { asked, ..Payment::default() });
                assert!(before.is_none(), "{subject}: a payment started twice");
            }
            "payment-authorized" => {
                let payment = self.payments.entry(payment_of(value)).or_default();
                assert!(payment.authorized.is_none(), "{subject}: authorized twice");
                payment.authorized = Some(minor(value, "amount"));
            }
            "payment-attempt-failed" => self.payments.entry(payment_of(value)).or_default().failed = true,
            "capture-due" => self.payments.entry(payment_of(value)).or_default().capture_due += minor(value, "amount"),
            "payment-captured" => {
                let payment = self.payments.entry(payment_of(value)).or_default();
                payment.captured += minor(value, "amount");
                assert!(payment.captured <= payment.capture_due, "{subject}: more captured than was due");
            }
            "capture-failed" => self.payments.entry(payment_of(value)).or_default().capture_failed = true,
            "refund-due" => {
                let refund = text(value, "refundId").to_owned();
                let before = self.refunds.insert(refund, (minor(value, "amount"), false));
                assert!(before.is_none(), "{subject}: a refund is due twice");
            }
            "refund-settled" => {
                let refund = self.refunds.get_mut(text(value, "refundId")).expect("a refund that is due");
                assert_eq!(*refund, (minor(value, "amount"), false), "{subject}: settled once, and in full");
                refund.1 = true;
            }
            other => panic!("nothing here makes {other}"),
        }
    }

    fn authorized(&self) -> i64 {
        self.payments.values().filter_map(|payment| payment.authorized).sum()
    }

    fn due(&self) -> i64 {
        self.refunds.values().map(|(minor, _)| minor).sum()
    }

    /// What the shop may keep; `None` while nobody knows the price.
    fn kept(&self) -> Option<i64> {
        match self.state {
            State::Holding => None,
            State::AwaitingPayment | State::Reholding => self.total,
            State::Confirmed => {
                let open = |line: &Line| line.amount - line.amount * line.cancelled / line.quantity;
                Some(self.lines.iter().map(open).sum())
            }
            State::Unknown | State::Rejected | State::Expired | State::Cancelled => Some(0),
        }
    }

    /// Σ RefundDue = max(0, Σ authorized − kept), and what was promised back stays promised.
    fn check_money(&mut self, id: &str) {
        let Some(kept) = self.kept() else { return };
        let expected = self.promised.max(self.authorized() - kept).max(0);
        assert_eq!(self.due(), expected, "the money rule: {id} in {:?}: {self:?}", self.state);
        self.promised = expected;
    }

    /// What the provider owes an answer to, and minor units.
    pub fn open(&self) -> Vec<(Open, i64)> {
        let mut open = Vec::new();
        for (id, payment) in &self.payments {
            if payment.authorized.is_none() && !payment.failed {
                open.push((Open::Payment(id.clone()), payment.asked));
            }
            if payment.capture_due > payment.captured && !payment.capture_failed {
                open.push((Open::Capture(id.clone()), payment.capture_due - payment.captured));
            }
        }
        let refunds = self.refunds.iter().filter(|(_, (_, settled))| !settled);
        open.extend(refunds.map(|(id, (minor, _))| (Open::Refund(id.clone()), *minor)));
        open
    }

    pub fn was_held(&self) -> bool {
        self.total.is_some()
    }

    /// Whether a late payment ever made it hold again.
    pub const fn is_held_again(&self) -> bool {
        self.held_again
    }

    pub const fn was_confirmed(&self) -> bool {
        self.confirmed
    }

    pub fn is_authorized(&self, payment: &str) -> bool {
        self.payments.get(payment).is_some_and(|payment| payment.authorized.is_some())
    }

    pub fn has_cancellation(&self, effect: &str) -> bool {
        self.cancellations.contains(effect)
    }

    pub fn is_cancelled(&self) -> bool {
        self.state == State::Cancelled
    }

    /// Units of an item that are ordered and have not left.
    pub fn open_units(&self, item: &str) -> i64 {
        let confirmed = self.state == State::Confirmed;
        let lines = self.lines.iter().filter(|line| confirmed && line.item == item && !line.digital);
        lines.map(|line| line.quantity - line.cancelled).sum()
    }

    /// Nothing is open, and every authorization has ended in an order or a refund.
    pub fn check_at_rest(&self, id: &str) {
        let ended = matches!(
            self.state,
            State::Unknown | State::Confirmed | State::Rejected | State::Expired | State::Cancelled
        );
        assert!(ended, "{id} is left in {:?}", self.state);
        assert!(self.open().is_empty(), "{id}: money is on its way for ever: {self:?}");
        let kept = self.kept().expect("a state that has ended");
        let expected = self.promised.max(self.authorized() - kept).max(0);
        assert_eq!(self.due(), expected, "the money rule: {id} at rest: {self:?}");
        if self.confirmed && self.state == State::Confirmed && !self.external {
            assert!(self.authorized() - self.due() >= kept, "{id} gave back what it should keep: {self:?}");
        }
    }
}
