//! What an order keeps, what is due back, and what a line counts in the total.

use super::{Line, Order, Payment, Phase, adjusted, list, number, text};
use crate::sim::model::Violations;
use serde_json::{Value, json};

/// The largest number that every JSON reader keeps.
const MOST: i128 = 9_007_199_254_740_991;

/// Splits an amount by weight so that the parts sum to it: each is what is due so far, rounded down, less what was given.
fn split(whole: i128, weights: &[i128], units: &[i128]) -> Vec<i128> {
    let weights = if weights.iter().sum::<i128>() == 0 { units } else { weights };
    let all: i128 = weights.iter().sum();
    let (mut upto, mut given) = (0, 0);
    let mut parts = Vec::new();
    for weight in weights {
        upto += weight;
        let so_far = (whole * upto).div_euclid(all.max(1));
        parts.push(so_far - given);
        given = so_far;
    }
    parts
}

impl Order {
    /// What each line counts in the total, or why there is no total, from the prices that the items told.
    pub fn amounts(&self, prices: &[Value]) -> Result<Vec<i64>, &'static str> {
        let currency = &prices[0]["currency"];
        let adjustments = list(&self.terms, "adjustments").iter().map(|a| &a["amount"]["currency"]);
        if prices.iter().map(|price| &price["currency"]).chain(adjustments).any(|other| other != currency) {
            return Err("mixed_currencies");
        }
        let worth = |(line, price): (&Line, &Value)| i128::from(number(price, "amount")) * i128::from(line.quantity);
        let values: Vec<i128> = self.lines.iter().zip(prices).map(worth).collect();
        if prices.iter().any(|price| number(price, "amount") < 0) {
            return Err("total_negative");
        }
        let units: Vec<i128> = self.lines.iter().map(|line| i128::from(line.quantity)).collect();
        let own: Vec<i128> = self.lines.iter().map(|line| adjusted(&self.terms, Some(&line.id))).collect();
        let whole = adjusted(&self.terms, None);
        let (gross, total) = (values.iter().sum::<i128>(), values.iter().chain(&own).sum::<i128>() + whole);
        if total < 0 {
            return Err("total_negative");
        }
        if gross.max(total) > MOST {
            return Err("total_too_large");
        }
        let with_own: Vec<i128> = values.iter().zip(&own).map(|(value, own)| value + own).collect();
        let mut amounts: Vec<i128> =
            with_own.iter().zip(split(whole, &values, &units)).map(|(line, part)| line + part).collect();
        if amounts.iter().any(|amount| *amount < 0) {
            let left: Vec<i128> = with_own.iter().map(|line| (*line).max(0)).collect();
            amounts = split(total, &left, &units);
        }
        Ok(amounts.into_iter().map(|amount| i64::try_from(amount).unwrap_or(i64::MAX)).collect())
    }

    pub fn currency(&self) -> Option<&Value> {
        self.total.as_ref().map(|total| &total["currency"])
    }

    fn is_own(&self, payment: &Payment) -> bool {
        self.currency() == Some(&payment.amount["currency"])
    }

    /// What came in, in the order's currency, and is not due back.
    pub fn unrefunded(&self) -> i128 {
        let own = self.payments.iter().filter(|payment| self.is_own(payment));
        own.map(|payment| i128::from(payment.received() - payment.refund_due)).sum()
    }

    pub fn is_paid(&self) -> bool {
        let total = self.total.as_ref().map(|total| i128::from(number(total, "amount")));
        self.is_external() || total.is_some_and(|total| self.unrefunded() >= total)
    }

    /// What the shop may keep; `None` while nobody knows the price.
    pub fn kept(&self) -> Option<i64> {
        if self.is_external() {
            return Some(0);
        }
        match self.phase {
            Phase::Holding | Phase::AwaitingPayment | Phase::Reholding => {
                self.total.as_ref().map(|total| number(total, "amount"))
            }
            Phase::Confirmed => {
                let part = |line: &Line| {
                    let gone = i128::from(line.amount) * i128::from(line.cancelled + line.returned)
                        / i128::from(line.quantity);
                    line.amount - i64::try_from(gone).unwrap_or(i64::MAX)
                };
                let share: i64 = self.lines.iter().map(part).sum();
                Some((share - self.operator_refunded).max(0))
            }
            Phase::New | Phase::Rejected | Phase::Expired | Phase::Cancelled => Some(0),
        }
    }

    /// Σ refunds due = max(0, Σ authorized − kept), and what was promised back stays promised.
    pub fn check_money(&self, found: &mut Violations) {
        for payment in &self.payments {
            let fits = payment.refund_due <= payment.received() && payment.refunded <= payment.refund_due;
            found.must(fits, "money-adds-up", || format!("{}: {payment:?}", self.id));
        }
        let Some(kept) = self.kept() else { return };
        let own = || self.payments.iter().filter(|payment| self.is_own(payment));
        let received: i64 = own().map(Payment::received).sum();
        let promised: i64 = own().map(|payment| payment.promised).sum();
        let due: i64 = own().map(|payment| payment.refund_due).sum();
        let expected = promised.max(received - kept).max(0);
        found.must(due == expected, "money-adds-up", || {
            format!("{}: {due} due back, not {expected}, in {:?}: {:?}", self.id, self.phase, self.payments)
        });
        let foreign = self.payments.iter().find(|p| !self.is_own(p) && p.received() != p.refund_due);
        found.must(foreign.is_none(), "money-adds-up", || format!("{}: {foreign:?} is not due back", self.id));
        if self.phase == Phase::Confirmed && !self.is_external() {
            found.must(received - due == kept, "money-adds-up", || {
                format!("{} keeps {received} - {due}, not {kept}: {:?}", self.id, self.payments)
            });
        }
    }

    /// The provider was asked to take money and has not said how that went.
    pub fn owes_capture(&self, payment: &Payment) -> bool {
        payment.capture_due > 0
            && payment.captured == 0
            && !payment.capture_failed
            && payment.received() > payment.refund_due
    }

    /// At confirmation all that came in and is not due back is to be taken.
    pub fn check_captures(&self, found: &mut Violations) {
        let open = |p: &&Payment| p.captured == 0 && p.capture_due != p.received() - p.refund_due;
        let wrong = self.payments.iter().find(|p| !self.is_external() && self.is_own(p) && open(p));
        found.must(wrong.is_none(), "money-adds-up", || format!("{}: {wrong:?} is not captured", self.id));
    }

    /// What an operator may give back, as its refusal says it.
    pub fn refundable(&self, currency: &Value) -> Value {
        let most = if self.phase == Phase::Confirmed { self.kept().unwrap_or(0) } else { 0 };
        json!({"amount": most, "currency": currency})
    }
}

impl Payment {
    pub fn new(value: &Value, digest: Option<Value>) -> Self {
        Self {
            id: text(value, "paymentId").to_owned(),
            status: "pending",
            amount: value["amount"].clone(),
            authorized: 0,
            captured: 0,
            refund_due: 0,
            promised: 0,
            refunded: 0,
            reason: None,
            digest,
            reference: None,
            capture_due: 0,
            capture_failed: false,
            deferred: false,
        }
    }

    pub fn received(&self) -> i64 {
        self.authorized.max(self.captured)
    }
}
