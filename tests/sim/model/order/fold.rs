//! The fold of an order, and what no event of it may do.

use super::{Line, Order, Payment, Phase, Refund, by_item, text_of};
use crate::sim::{
    checker::evidence::{Event, list, millis, minor, number, text},
    model::Violations,
};
use serde_json::{Value, json};

impl Order {
    pub fn fold(&mut self, event: &Event, found: &mut Violations) {
        if self.decision != event.causation {
            self.decision.clone_from(&event.causation);
            self.late = false;
            self.shipping.begin();
            self.payments.iter_mut().for_each(|payment| payment.promised = payment.refund_due);
        }
        self.since.get_or_insert_with(|| event.time.clone());
        self.newest = Some(event.position());
        self.apply(event, found);
        self.tell(event);
    }

    fn apply(&mut self, event: &Event, found: &mut Violations) {
        let value = &event.value;
        match event.name.as_str() {
            "order-placed" => self.place_lines(event, found),
            "item-held" | "item-refused" => self.item_said(event, found),
            "holds-granted" => self.granted(event, found),
            "order-rejected" => self.rejected(event, found),
            "order-submitted" => {
                found.must(self.submitted.is_none(), "one-decision-per-id", || format!("{} submitted twice", self.id));
                self.submitted = Some(value["effect"].clone());
            }
            "order-confirmed" => self.confirm(event, found),
            "digital-delivered" => {
                let named = list(value, "lineIds");
                for line in self.lines.iter_mut().filter(|line| named.contains(&json!(line.id))) {
                    found.must(text_of(&line.kind) == "digital", "conservation", || format!("{line:?} is delivered"));
                    line.shipped += Self::open(line);
                }
            }
            "order-expired" => {
                self.turn(event, &[Phase::AwaitingPayment], Phase::Expired, found);
                let due = self.ends_for_good_at;
                found.must(event.millis() >= due, "no-early-expiry", || format!("{} before {due}", self.id));
            }
            "late-payment" => {
                self.turn(event, &[Phase::Expired], Phase::Reholding, found);
                found.must(self.late, "money-adds-up", || format!("{} is not paid in full and held again", self.id));
                found.must(number(value, "attempt") == self.attempt + 1, "versions-are-dense", || value.to_string());
                (self.attempt, self.late) = (number(value, "attempt"), false);
                self.answers_due_at = millis(text(value, "answersDueAt"));
                self.answers.iter_mut().for_each(|(_, answer)| *answer = None);
            }
            "rehold-failed" => self.rehold_failed(event, found),
            "order-cancelled" => {
                let from = [Phase::Holding, Phase::AwaitingPayment, Phase::Confirmed];
                self.turn(event, &from, Phase::Cancelled, found);
                self.cancelled_by(value, found, true);
            }
            "lines-cancelled" => self.cancel_lines(event, found),
            "drop-units-ordered" => {
                let fits = self.awaits_units() && self.phase == Phase::Confirmed;
                found.must(fits, "one-decision-per-id", || format!("{}: ordered in {:?}", self.id, self.phase));
                self.units_ordered = true;
            }
            _ if self.ship(event, found) => {}
            _ => self.money(event, found),
        }
    }

    fn turn(&mut self, event: &Event, from: &[Phase], to: Phase, found: &mut Violations) {
        let phase = self.phase;
        found.must(from.contains(&phase), "orders-take-steps", || format!("{}: {} in {phase:?}", self.id, event.name));
        self.phase = to;
    }

    fn place_lines(&mut self, event: &Event, found: &mut Violations) {
        self.turn(event, &[Phase::New], Phase::Holding, found);
        let value = &event.value;
        self.terms = value.clone();
        self.placed_at.clone_from(&event.time);
        (self.attempt, self.answers_due_at) = (1, millis(text(value, "answersDueAt")));
        self.answers = by_item(list(value, "lines")).into_iter().map(|(item, _)| (item, None)).collect();
        let line = |line: &Value| Line {
            id: text(line, "lineId").to_owned(),
            item: text(line, "itemId").to_owned(),
            quantity: number(line, "quantity"),
            ordered: line.clone(),
            price: None,
            kind: Value::Null,
            store: Value::Null,
            amount: 0,
            cancelled: 0,
            shipped: 0,
            requested: 0,
            returned: 0,
        };
        self.lines = list(value, "lines").iter().map(line).collect();
        if !value["drop"].is_null() {
            // Its drop holds all of it.
            self.answers.iter_mut().for_each(|(_, answer)| *answer = Some(json!({"kind": "physical"})));
        }
        self.shipping.due = vec![0; self.lines.len()];
    }

    fn item_said(&mut self, event: &Event, found: &mut Violations) {
        let value = &event.value;
        let counts = self.is_asking() && number(value, "attempt") == self.attempt;
        let answer = self.answers.iter_mut().find(|(item, _)| item == text(value, "itemId"));
        let waits = answer.as_ref().is_some_and(|(_, answer)| answer.is_none());
        found.must(counts && waits, "one-decision-per-id", || format!("{}: {value} in {:?}", self.id, self.phase));
        if let Some((item, answer)) = answer {
            *answer = Some(value.clone());
            if !value["file"].is_null() {
                self.files.insert(item.clone(), value["file"].clone());
            }
        }
    }

    /// The price of each line: its own, or else its item's.
    fn prices(&self) -> Vec<Value> {
        let said = |line: &Line| {
            let answer = self.answers.iter().find(|(item, _)| *item == line.item).and_then(|(_, said)| said.as_ref());
            answer.map_or(Value::Null, |answer| answer["unitPrice"].clone())
        };
        let own = |line: &Line| line.ordered.get("unitPrice").cloned().unwrap_or_else(|| said(line));
        self.lines.iter().map(own).collect()
    }

    fn granted(&mut self, event: &Event, found: &mut Violations) {
        self.turn(event, &[Phase::Holding], Phase::AwaitingPayment, found);
        let value = &event.value;
        let refused = self.refused();
        found.must(refused.is_empty(), "never-oversold", || format!("{} goes on without {refused:?}", self.id));
        let (prices, told) = (self.prices(), list(value, "lines"));
        let same =
            told.len() == prices.len() && told.iter().zip(&prices).all(|(line, price)| line["unitPrice"] == *price);
        found.must(same, "money-adds-up", || format!("{}: {prices:?} and not {value}", self.id));
        if !same {
            return;
        }
        for (line, told) in self.lines.iter_mut().zip(told) {
            (line.price, line.kind) = (Some(told["unitPrice"].clone()), told["kind"].clone());
            line.store = told["store"].clone();
            let said = self.answers.iter().find(|(item, _)| *item == line.item).and_then(|(_, said)| said.as_ref());
            let of_drop = !self.terms["drop"].is_null();
            let same = of_drop || said.is_some_and(|said| said["store"] == line.store);
            found.must(same, "events-equal-model", || format!("{}: {said:?} sells {line:?}", self.id));
        }
        let same = value["orderedAt"] == self.terms["orderedAt"];
        found.must(same, "events-equal-model", || format!("{} was ordered at another time: {value}", self.id));
        match self.amounts(&prices) {
            Ok(amounts) => {
                self.lines.iter_mut().zip(&amounts).for_each(|(line, amount)| line.amount = *amount);
                let total: i64 = amounts.iter().sum();
                found.must(total == minor(value, "total"), "money-adds-up", || {
                    format!("{}: the parts sum to {total}: {value}", self.id)
                });
            }
            Err(why) => found.must(false, "money-adds-up", || format!("{}: {why}: {value}", self.id)),
        }
        self.total = Some(value["total"].clone());
        self.expires_at = value["expiresAt"].clone();
        self.ends_for_good_at = millis(text(value, "expiresForGoodAt"));
        let grace = self.ends_for_good_at - millis(text(value, "expiresAt"));
        let life = number(&self.terms, "expiresInSeconds") * 1_000;
        let lives = millis(text(value, "expiresAt")) == event.millis() + life && grace == super::super::item::GRACE_MS;
        found.must(lives, "no-early-expiry", || format!("{} does not live {life} ms: {value}", self.id));
    }

    /// What is refused must be what the items refused, or did not say in time, or what no total comes of.
    fn check_refusals(&self, told: &[Value], event: &Event, found: &mut Violations) {
        let mut expected = self.refused();
        let silent: Vec<_> = self.answers.iter().filter(|(_, said)| said.is_none()).map(|(item, _)| item).collect();
        if event.causation.starts_with("clock-") {
            expected.push(json!({"cause": "items_unanswered", "itemIds": silent}));
            let due = self.answers_due_at;
            found.must(event.millis() >= due, "no-early-expiry", || format!("{} gave up before {due}", self.id));
        } else if expected.is_empty() && silent.is_empty() {
            expected.extend(self.amounts(&self.prices()).err().map(|why| json!({"cause": why})));
        }
        found.must(told == expected.as_slice(), "reply-equals-model", || {
            format!("{}: {expected:?} was refused, and not {told:?}", self.id)
        });
    }

    fn rejected(&mut self, event: &Event, found: &mut Violations) {
        self.turn(event, &[Phase::Holding], Phase::Rejected, found);
        self.refusals = list(&event.value, "refusals").to_vec();
        self.check_refusals(&self.refusals, event, found);
    }

    fn rehold_failed(&mut self, event: &Event, found: &mut Violations) {
        self.turn(event, &[Phase::Reholding], Phase::Expired, found);
        if event.value["effect"].is_null() {
            self.check_refusals(list(&event.value, "refusals"), event, found);
        } else {
            self.withdrawn = true;
            self.cancelled_by(&event.value, found, false);
        }
    }

    fn confirm(&mut self, event: &Event, found: &mut Violations) {
        self.turn(event, &[Phase::AwaitingPayment, Phase::Reholding], Phase::Confirmed, found);
        self.confirmed = true;
        self.confirmed_by.clone_from(&event.causation);
        let (submitted, paid) = (self.submitted.is_some(), self.is_paid());
        found.must(submitted && paid, "money-adds-up", || format!("{} confirmed: paid {paid}", self.id));
        let refused = self.refused();
        let all = self.answers.iter().all(|(_, said)| said.is_some()) && refused.is_empty();
        found.must(all, "never-oversold", || format!("{} is confirmed without {:?}", self.id, self.answers));
    }

    /// Remembers the cancellation; a whole one may follow the lines of the same.
    fn cancelled_by(&mut self, value: &Value, found: &mut Violations, may_repeat: bool) {
        if value["effect"].is_null() {
            return;
        }
        let known = self.cancellations.contains(&value["effect"]);
        found.must(!known || may_repeat, "one-decision-per-id", || format!("{}: twice: {value}", self.id));
        if !known {
            self.cancellations.push(value["effect"].clone());
        }
    }

    fn cancel_lines(&mut self, event: &Event, found: &mut Violations) {
        let confirmed = self.phase == Phase::Confirmed;
        found.must(confirmed, "orders-take-steps", || format!("{}: lines cancelled in {:?}", self.id, self.phase));
        self.cancelled_by(&event.value, found, false);
        self.leave_sub_orders(&event.value, found);
        for cancelled in list(&event.value, "lines") {
            let Some(line) = self.lines.iter_mut().find(|line| line.id == text(cancelled, "lineId")) else {
                found.must(false, "conservation", || format!("no such line: {cancelled}"));
                continue;
            };
            line.cancelled += number(cancelled, "quantity");
            found.must(Self::open(line) >= 0, "conservation", || format!("more cancelled than ordered: {line:?}"));
        }
    }

    fn money(&mut self, event: &Event, found: &mut Violations) {
        let (value, id) = (&event.value, self.id.clone());
        let payment_id = text(value, "paymentId");
        let known = self.payments.iter().position(|payment| payment.id == payment_id);
        let amount = minor(value, "amount");
        let wrong = || format!("{id}: {} does not fit: {value}", event.name);
        match event.name.as_str() {
            "payment-started" => {
                found.must(known.is_none() && self.phase == Phase::AwaitingPayment, "one-decision-per-id", wrong);
                let left = self.total.as_ref().map(|total| i128::from(number(total, "amount")) - self.unrefunded());
                found.must(left == Some(i128::from(amount)), "money-adds-up", wrong);
                self.payments.push(Payment::new(value, Some(value["effect"]["digest"].clone())));
                if !value["shippingAddress"].is_null() {
                    self.address = value["shippingAddress"].clone();
                }
                return;
            }
            "refund-settled" => {
                let refund = self.refunds.iter_mut().find(|refund| refund.id == text(value, "refundId"));
                let open = refund.as_ref().is_some_and(|r| !r.settled && r.amount == value["amount"]);
                found.must(open && known.is_some(), "one-decision-per-id", wrong);
                refund.into_iter().for_each(|refund| refund.settled = true);
            }
            "operator-refunded" => {
                let twice = self.operator_refunds.iter().any(|effect| effect["id"] == value["effect"]["id"]);
                found.must(!twice, "one-decision-per-id", wrong);
                self.operator_refunds.push(value["effect"].clone());
                self.operator_refunded += amount;
                return;
            }
            "refund-due" => {
                let refund =
                    Refund { id: text(value, "refundId").to_owned(), amount: value["amount"].clone(), settled: false };
                let twice = self.refunds.iter().any(|other| other.id == refund.id);
                found.must(!twice && amount > 0, "one-decision-per-id", wrong);
                found.must(!self.late, "money-adds-up", || format!("{id} is paid after all and gives back: {value}"));
                self.refunds.push(refund);
            }
            _ => {}
        }
        let authorizes = event.name == "payment-authorized";
        let at = known.unwrap_or_else(|| {
            found.must(authorizes, "money-adds-up", wrong);
            self.payments.push(Payment::new(value, None));
            self.payments.len() - 1
        });
        self.payments[at].take(event, found);
        if authorizes || event.name == "payment-captured" {
            let wanted =
                self.phase == Phase::Expired && self.submitted.is_some() && !self.withdrawn && self.claim().is_none();
            // What a drop held went to the next in line.
            self.late = wanted && !self.is_external() && self.is_paid();
        }
    }
}

impl Payment {
    fn take(&mut self, event: &Event, found: &mut Violations) {
        let (value, amount) = (&event.value, minor(&event.value, "amount"));
        match event.name.as_str() {
            "payment-authorized" => {
                found.must(self.status != "authorized", "one-decision-per-id", || format!("{} twice", self.id));
                if self.amount["currency"] != value["amount"]["currency"] {
                    self.amount = value["amount"].clone();
                }
                (self.status, self.authorized, self.reason) = ("authorized", amount, None);
                self.reference = Some(value["providerReference"].clone());
            }
            "payment-pending" => {
                let news = self.status == "pending" && !self.deferred;
                found.must(news, "one-decision-per-id", || format!("{} is no news", self.id));
                self.deferred = true;
            }
            "payment-attempt-failed" => {
                self.status = "declined";
                self.reason = Some(text(value, "reason").to_owned());
            }
            "capture-due" => (self.capture_due, self.capture_failed) = (self.capture_due + amount, false),
            "payment-captured" => self.captured += amount,
            "capture-failed" => {
                self.capture_failed = true;
                self.reason = Some(text(value, "reason").to_owned());
            }
            "refund-due" => self.refund_due += amount,
            "refund-settled" => self.refunded += amount,
            other => found.must(false, "known-events", || format!("the model knows no `{other}`")),
        }
    }
}
