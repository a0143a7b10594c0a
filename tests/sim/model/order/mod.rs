//! An order and its money, reckoned from its events.

mod decide;
mod due;
mod fold;
mod fulfil;
mod money;
mod rows;
mod seller;
mod shipping;

pub use shipping::RETURNS_MS;

use super::{Ask, Model, Shown, Verdict, Violations, Wait};
use crate::sim::checker::evidence::{Event, list, minor, number, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not placed: at most an authorization told of it.
    #[default]
    New,
    Holding,
    AwaitingPayment,
    Reholding,
    Confirmed,
    Rejected,
    Expired,
    Cancelled,
}

#[derive(Debug, Clone)]
pub struct Line {
    id: String,
    item: String,
    quantity: i64,
    /// As it was ordered.
    ordered: Value,
    /// Known from the grant on.
    price: Option<Value>,
    kind: Value,
    /// Who sells it, as its item said at the grant.
    store: Value,
    /// What it counts in the total, with its part of the adjustments.
    amount: i64,
    cancelled: i64,
    /// Digital units leave when the order is confirmed.
    shipped: i64,
    /// Announced to come back.
    requested: i64,
    returned: i64,
}

#[derive(Debug, Clone)]
pub struct Payment {
    pub id: String,
    status: &'static str,
    amount: Value,
    authorized: i64,
    captured: i64,
    refund_due: i64,
    /// What was due back when the last decision began.
    promised: i64,
    refunded: i64,
    reason: Option<String>,
    digest: Option<Value>,
    reference: Option<Value>,
    capture_due: i64,
    capture_failed: bool,
    /// The provider has said that it decides later.
    deferred: bool,
}

#[derive(Debug, Clone)]
struct Refund {
    id: String,
    amount: Value,
    settled: bool,
}

/// An order as its events tell it.
#[derive(Debug, Clone, Default)]
pub struct Order {
    pub id: String,
    since: Option<String>,
    pub phase: Phase,
    /// What was placed.
    terms: Value,
    lines: Vec<Line>,
    /// By item, in their order: what the item said in this attempt.
    answers: Vec<(String, Option<Value>)>,
    pub attempt: i64,
    answers_due_at: i64,
    pub total: Option<Value>,
    expires_at: Value,
    ends_for_good_at: i64,
    submitted: Option<Value>,
    confirmed: bool,
    withdrawn: bool,
    refusals: Vec<Value>,
    payments: Vec<Payment>,
    refunds: Vec<Refund>,
    cancellations: Vec<Value>,
    operator_refunds: Vec<Value>,
    operator_refunded: i64,
    /// Of a drop's order: its item has ordered the units.
    units_ordered: bool,
    shipping: shipping::Shipping,
    /// Sealed.
    address: Value,
    /// Of digital items, as they told at the grant.
    files: BTreeMap<String, Value>,
    /// The last decision, and whether an expired order was paid in full by it.
    decision: String,
    late: bool,
    confirmed_by: String,
    /// What has happened, as the view keeps it.
    history: Vec<Value>,
    newest: Option<String>,
    placed_at: String,
    view_refusals: Vec<Value>,
}

impl Order {
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), ..Self::default() }
    }

    /// The drop and the claim that it is of.
    pub fn claim(&self) -> Option<&Value> {
        Some(&self.terms["drop"]).filter(|claim| !claim.is_null())
    }

    /// Whether its units are still lent to its drop.
    fn awaits_units(&self) -> bool {
        self.claim().is_some() && !self.units_ordered
    }

    /// Whether it is of that claim, of so many units at that price, and of its shopper.
    pub fn is_of(&self, drop: &str, id: &str, claim: &super::drop::Claim) -> bool {
        let [line] = &self.lines[..] else { return false };
        let same = self.terms["drop"] == json!({"drop": drop, "claim": id});
        let sold = (line.quantity, &line.ordered["unitPrice"]) == (claim.quantity, &claim.price);
        same && sold && self.terms["owner"]["shopper"] == claim.shopper.as_str()
    }

    /// What whoever claims is told.
    pub fn answer_claim(&self, command: &Value) -> Option<Result<Value, Value>> {
        let c = &command["command"];
        let same = self.terms["drop"] == json!({"drop": command["drop"], "claim": c["claim"]})
            && self.terms["effect"]["digest"] == c["effect"]["digest"];
        if same { self.placed() } else { Some(Err(decide::refuse("exists_with_different_content"))) }
    }

    fn is_asking(&self) -> bool {
        matches!(self.phase, Phase::Holding | Phase::Reholding)
    }

    pub fn is_external(&self) -> bool {
        text(&self.terms, "payment") == "external"
    }

    fn payment(&self, id: &str) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.id == id)
    }

    pub fn open(line: &Line) -> i64 {
        line.quantity - line.cancelled - line.shipped
    }

    fn nothing_open(&self) -> bool {
        self.lines.iter().all(|line| Self::open(line) == 0)
    }

    /// Units of an item that are ordered and have not left.
    pub fn open_units(&self, item: &str) -> i64 {
        let lines = self.lines.iter().filter(|line| line.item == item && text_of(&line.kind) == "physical");
        if self.phase == Phase::Confirmed { lines.map(Self::open).sum() } else { 0 }
    }

    /// The units that it asks of an item.
    pub fn asked_of(&self, item: &str) -> i64 {
        self.lines.iter().filter(|line| line.item == item).map(|line| line.quantity).sum()
    }

    /// Whether the payment is in the log.
    pub fn has_payment(&self, id: &str) -> bool {
        self.payment(id).is_some()
    }

    /// Units by sub-order and item that the order knows as allocated.
    pub fn allocated(&self) -> BTreeMap<(String, String), i64> {
        let mut allocated = BTreeMap::new();
        for sub_order in &self.shipping.sub_orders {
            for part in sub_order.parts.iter().filter(|part| part.allocated > 0) {
                let key = (sub_order.id.clone(), self.lines[part.line].item.clone());
                *allocated.entry(key).or_default() += part.allocated;
            }
        }
        allocated
    }

    /// Units by item that wait for stock.
    pub fn backordered(&self) -> BTreeMap<&str, i64> {
        let mut waiting = BTreeMap::new();
        if self.shipping.backordered {
            for (line, units) in self.lines.iter().zip(&self.shipping.due).filter(|(_, units)| **units > 0) {
                *waiting.entry(line.item.as_str()).or_default() += units;
            }
        }
        waiting
    }

    /// Units that came back.
    pub fn returned(&self) -> i64 {
        self.lines.iter().map(|line| line.returned).sum()
    }

    pub fn has_shipment(&self, id: &Value) -> bool {
        self.shipping.shipments.iter().any(|shipment| *id == shipment.id.as_str())
    }

    pub fn has_return(&self, id: &Value) -> bool {
        self.shipping.returns.iter().any(|announced| *id == announced.id.as_str())
    }

    pub fn has_receipt(&self, id: &Value) -> bool {
        self.shipping.receipts.iter().any(|effect| effect["id"] == *id)
    }

    /// Whether it has ended in a way that its cart may have been told of.
    pub fn has_ended(&self, outcome: &str) -> bool {
        match outcome {
            "confirmed" => self.confirmed,
            "rejected" => self.phase == Phase::Rejected,
            // A late payment may have brought it back since.
            "expired" => self.total.is_some() && self.phase != Phase::AwaitingPayment,
            _ => self.phase == Phase::Cancelled && !self.confirmed,
        }
    }

    pub fn is_placed(&self) -> bool {
        self.phase != Phase::New
    }

    pub fn is_submitted(&self) -> bool {
        self.submitted.is_some()
    }

    /// The status that it shows.
    pub fn status(&self) -> &'static str {
        let money_back = |ended: &'static str| {
            if self.refunds.is_empty() {
                ended
            } else if self.refunds.iter().all(|refund| refund.settled) {
                "refunded"
            } else {
                "refunding"
            }
        };
        match self.phase {
            Phase::New | Phase::Expired => money_back("expired"),
            Phase::Holding | Phase::Reholding => "holding",
            Phase::AwaitingPayment => "awaiting_payment",
            Phase::Confirmed if !self.nothing_open() => "confirmed",
            Phase::Confirmed if self.shipping.is_on_its_way() => "shipped",
            Phase::Confirmed => "delivered",
            Phase::Rejected => money_back("rejected"),
            Phase::Cancelled => money_back("cancelled"),
        }
    }

    /// Everything that the items refused, by item.
    fn refused(&self) -> Vec<Value> {
        let refused = self.answers.iter().filter_map(|(item, answer)| {
            let refusal = &answer.as_ref()?["refusal"];
            (!refusal.is_null()).then(|| json!({"cause": "item", "itemId": item, "refusal": refusal}))
        });
        refused.collect()
    }
}

/// A JSON text.
fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

impl Model for Order {
    fn decide(&self, ask: Ask<'_>, _now: i64) -> Verdict {
        self.verdict(ask).unwrap_or_else(Verdict::refused)
    }

    fn answer(&self, wait: &Wait) -> Option<Result<Value, Value>> {
        match wait {
            Wait::Placed => self.placed(),
            Wait::Payment(id) => self.paid_with(id),
            Wait::Submitted => self.bought(),
            Wait::Scheduled => None,
        }
    }

    fn shown(&self, caller: &Value) -> Value {
        self.shown_to(caller)
    }

    fn take(&mut self, event: &Event, found: &mut Violations) {
        self.fold(event, found);
    }

    fn settled(&self, found: &mut Violations) {
        self.check_money(found);
        if self.confirmed_by == self.decision {
            self.check_captures(found);
        }
        let id = &self.id;
        let all_said = self.answers.iter().all(|(_, answer)| answer.is_some());
        found
            .must(!(self.is_asking() && all_said), "nothing-is-forgotten", || format!("{id}: all items have answered"));
        let paid = self.phase == Phase::AwaitingPayment && self.submitted.is_some() && self.is_paid();
        found.must(!paid, "nothing-is-forgotten", || format!("{id} is paid and submitted, and not confirmed"));
        let undelivered = |line: &&Line| text_of(&line.kind) == "digital" && Self::open(line) > 0;
        let waits = self.phase == Phase::Confirmed && self.lines.iter().any(|line| undelivered(&line));
        found.must(!waits, "nothing-is-forgotten", || format!("{id}: a digital line is not delivered"));
        let gone =
            self.phase == Phase::Confirmed && self.nothing_open() && self.lines.iter().all(|line| line.shipped == 0);
        found.must(!gone, "nothing-is-forgotten", || format!("{id}: all is cancelled, and the order is not"));
        self.check_units(found);
    }

    fn rested(&self, found: &mut Violations) {
        let passing = matches!(self.phase, Phase::Holding | Phase::AwaitingPayment | Phase::Reholding);
        found.must(!passing, "every-order-ends", || format!("{} is left in {:?}", self.id, self.phase));
        let pending = self.payments.iter().find(|payment| payment.status == "pending" || self.owes_capture(payment));
        found.must(pending.is_none(), "money-adds-up", || format!("{}: {pending:?} is never decided", self.id));
        let refund = self.refunds.iter().find(|refund| !refund.settled);
        found.must(refund.is_none(), "money-adds-up", || format!("{}: {refund:?} is never given back", self.id));
        self.check_rest(found);
    }

    fn rows(&self) -> Vec<Shown> {
        self.row().map(|row| ("order_v1", self.id.clone(), row)).into_iter().collect()
    }

    fn as_order(&self) -> Option<&Order> {
        Some(self)
    }
}

/// The lines of an order in the order of their items: what each item is asked for.
fn by_item(lines: &[Value]) -> Vec<(String, i64)> {
    let mut items = BTreeMap::<String, i64>::new();
    for line in lines {
        *items.entry(text(line, "itemId").to_owned()).or_default() += number(line, "quantity");
    }
    items.into_iter().collect()
}

/// Signed minor units of the adjustments that count: of one line, or (`None`) of the order as a whole.
fn adjusted(terms: &Value, line: Option<&str>) -> i128 {
    let counts = |a: &&Value| a["included"] != Value::Bool(true) && a["lineId"].as_str() == line;
    list(terms, "adjustments").iter().filter(counts).map(|a| i128::from(minor(a, "amount"))).sum()
}
