//! What an order must say to a command: the checks of the design, in the order in which it lists the refusals.

use super::{Order, Phase, by_item, text_of};
use crate::sim::{
    checker::evidence::{list, number, text},
    model::{Ask, Must, Said, Verdict, Wait},
};
use serde_json::{Value, json};

/// The most payments that may be started.
const MOST_PAYMENTS: usize = 50;
/// The most units of one item.
const MOST_UNITS: i64 = 1_000_000;

pub fn refuse(code: &str) -> Value {
    json!({ "code": code })
}

fn fresh(said: Said) -> Result<Verdict, Value> {
    Ok(Verdict { fresh: true, events: Must::Fit, said })
}

/// This must happen, and what follows from it.
pub fn begins(name: &'static str, fields: Value) -> Result<Verdict, Value> {
    Ok(Verdict { fresh: true, events: Must::Begin(vec![(name, fields)]), said: Said::Shown })
}

impl Order {
    pub fn verdict(&self, ask: Ask<'_>) -> Result<Verdict, Value> {
        let trusted = matches!(text(ask.caller, "role"), "service" | "operator" | "engine");
        match text(ask.asked, "op") {
            // From another aggregate: nobody is told.
            "item_answered" => fresh(Said::Shown),
            "allocation_answered" | "item_deallocated" | "supersede" => self.told(ask.asked),
            "plan_shipments" | "ship" | "receive_shipment" | "deliver" | "request_return" | "receive_return" => {
                self.fulfil(ask)
            }
            // From a drop, in the decision that grants the claim; and from an item, once its units are ordered.
            "open" if self.phase == Phase::New => fresh(Said::Shown),
            "open" => Ok(Verdict::already(Said::Shown)),
            "drop_units_committed" if self.phase == Phase::Confirmed && self.awaits_units() => {
                begins("drop-units-ordered", json!({"itemId": ask.asked["itemId"]}))
            }
            "drop_units_committed" => Ok(Verdict::already(Said::Shown)),
            "place" => self.place(ask),
            "start_payment" => self.owned(ask.caller).and_then(|()| self.start_payment(ask.asked)),
            "submit" => self.owned(ask.caller).and_then(|()| self.submit(ask.asked)),
            "cancel" => {
                let seller = self.seller(ask.caller);
                self.owned(ask.caller).or_else(|refusal| seller.map(|_| ()).ok_or(refusal))?;
                self.cancel(ask.asked, seller)
            }
            _ if !trusted => Err(refuse("order_not_found")),
            "refund_by_operator" => self.owned(ask.caller).and_then(|()| self.refund(ask.asked)),
            "settle_refund" => self.settle(ask.asked),
            _ => self.money_came(ask.asked),
        }
    }

    fn is_open_to(&self, caller: &Value) -> bool {
        let owner = &self.terms["owner"];
        match text(caller, "role") {
            "service" | "operator" | "engine" => true,
            "shopper" => !owner["shopper"].is_null() && owner["shopper"] == caller["subject"],
            "store" => {
                let placed_by = &owner["placedBy"];
                text(placed_by, "role") == "store"
                    && !caller["store"].is_null()
                    && placed_by["store"] == caller["store"]
            }
            _ => false,
        }
    }

    pub fn owned(&self, caller: &Value) -> Result<(), Value> {
        let known = self.phase != Phase::New && self.is_open_to(caller);
        if known { Ok(()) } else { Err(refuse("order_not_found")) }
    }

    fn place(&self, ask: Ask<'_>) -> Result<Verdict, Value> {
        let c = ask.asked;
        if self.phase != Phase::New {
            if !self.is_open_to(ask.caller) {
                return Err(refuse("order_not_found"));
            }
            if self.terms["effect"]["digest"] != c["effect"]["digest"] {
                return Err(refuse("exists_with_different_content"));
            }
            return Ok(Verdict::already(Said::Later(Wait::Placed)));
        }
        let for_other = !c["shopper"].is_null() && c["shopper"] != ask.caller["subject"];
        match text(ask.caller, "role") {
            "service" | "operator" | "engine" => {}
            "shopper" if !for_other => {}
            "store" if !ask.caller["store"].is_null() => {}
            _ => return Err(refuse("order_not_found")),
        }
        let mut expected = std::collections::BTreeMap::new();
        for line in list(c, "lines").iter().filter(|line| line["unitPrice"].is_null()) {
            let price = &line["expectedUnitPrice"];
            if !price.is_null() && *expected.entry(text(line, "itemId")).or_insert(price) != price {
                return Err(json!({"code": "expected_prices_differ", "itemId": line["itemId"]}));
            }
        }
        if let Some((item, _)) = by_item(list(c, "lines")).into_iter().find(|(_, units)| *units > MOST_UNITS) {
            return Err(json!({"code": "item_quantity_too_large", "itemId": item}));
        }
        let known = |id: &Value| list(c, "lines").iter().any(|line| line["lineId"] == *id);
        let named = list(c, "adjustments").iter().map(|a| &a["lineId"]).filter(|id| !id.is_null());
        if let Some(line) = named.into_iter().find(|id| !known(id)) {
            return Err(json!({"code": "line_not_found", "lineId": line}));
        }
        fresh(Said::Later(Wait::Placed))
    }

    /// Why it takes neither money nor a last word; `None` where it does, or is confirmed.
    pub fn ended(&self) -> Option<Value> {
        match self.phase {
            Phase::New => Some(refuse("order_not_found")),
            Phase::Rejected => Some(json!({"code": "order_rejected", "refusals": self.refusals})),
            Phase::Holding | Phase::Reholding => Some(json!({"code": "order_not_ready", "status": self.status()})),
            Phase::Expired => Some(refuse("checkout_expired")),
            Phase::Cancelled => Some(refuse("order_cancelled")),
            Phase::AwaitingPayment | Phase::Confirmed => None,
        }
    }

    fn start_payment(&self, c: &Value) -> Result<Verdict, Value> {
        let wait = || Said::Later(Wait::Payment(text(c, "paymentId").to_owned()));
        if let Some(payment) = self.payment(text(c, "paymentId")) {
            let same = payment.digest.as_ref().is_none_or(|digest| *digest == c["effect"]["digest"]);
            return if same { Ok(Verdict::already(wait())) } else { Err(refuse("idempotency_key_reused")) };
        }
        if let Some(refusal) = self.ended() {
            return Err(refusal);
        }
        if self.is_external() {
            return Err(refuse("payment_external"));
        }
        if self.phase == Phase::Confirmed || self.is_paid() {
            return Err(refuse("already_paid"));
        }
        if self.payments.len() >= MOST_PAYMENTS {
            return Err(json!({"code": "too_many_payments", "limit": MOST_PAYMENTS}));
        }
        fresh(wait())
    }

    /// Why an order without a pending payment is not paid.
    fn unpaid(&self) -> Value {
        match self.payments.last() {
            Some(payment) if payment.status == "declined" => {
                json!({"code": "payment_declined", "reason": payment.reason.clone().unwrap_or_default()})
            }
            Some(_) | None => refuse("payment_required"),
        }
    }

    fn is_pending(&self) -> bool {
        self.payments.iter().any(|payment| payment.status == "pending")
    }

    fn submit(&self, c: &Value) -> Result<Verdict, Value> {
        if let Some(effect) = &self.submitted {
            let known = effect["id"] == c["effect"]["id"];
            if known && effect["digest"] != c["effect"]["digest"] {
                return Err(refuse("idempotency_key_reused"));
            }
            return Ok(Verdict::already(Said::Later(Wait::Submitted)));
        }
        if let Some(refusal) = self.ended() {
            return Err(refusal);
        }
        if !self.is_paid() && !self.is_pending() {
            return Err(self.unpaid());
        }
        fresh(Said::Later(Wait::Submitted))
    }

    /// By a store that sells lines of it, or by whose it is.
    fn cancel(&self, c: &Value, seller: Option<&Value>) -> Result<Verdict, Value> {
        if let Some(effect) = self.cancellations.iter().find(|effect| effect["id"] == c["effect"]["id"]) {
            let same = effect["digest"] == c["effect"]["digest"];
            return if same { Ok(Verdict::already(Said::Shown)) } else { Err(refuse("idempotency_key_reused")) };
        }
        let whole = c["lines"].is_null();
        match self.phase {
            Phase::Cancelled if whole => return Ok(Verdict::already(Said::Shown)),
            Phase::New | Phase::Rejected | Phase::Expired | Phase::Cancelled => {
                return Err(self.ended().unwrap_or_else(|| refuse("order_not_found")));
            }
            Phase::Holding | Phase::AwaitingPayment | Phase::Reholding | Phase::Confirmed => {}
        }
        if let Some(refusal) = seller.and_then(|store| self.refuses_seller(store, c)) {
            return Err(refusal);
        }
        if self.nothing_open() {
            return Err(refuse("already_shipped"));
        }
        let mut wanted = std::collections::BTreeMap::<usize, i64>::new();
        for line in list(c, "lines") {
            let Some(index) = self.lines.iter().position(|l| l.id == text(line, "lineId")) else {
                return Err(json!({"code": "line_not_found", "lineId": line["lineId"]}));
            };
            *wanted.entry(index).or_default() += number(line, "quantity");
        }
        for (index, units) in &wanted {
            let (line, open) = (&self.lines[*index], Self::open(&self.lines[*index]));
            if *units > open {
                return Err(json!({"code": "not_that_many_open", "lineId": line.id, "open": open}));
            }
        }
        if self.phase != Phase::Confirmed && !whole {
            return Err(refuse("cancel_as_a_whole"));
        }
        if self.phase != Phase::Confirmed {
            return fresh(Said::Shown);
        }
        let own = |index: &usize| seller.is_none_or(|store| self.lines[*index].store == *store);
        let all = || (0..self.lines.len()).filter(own).map(|index| (index, Self::open(&self.lines[index])));
        let lines = if whole { self.quantities(all()) } else { self.quantities(wanted) };
        begins("lines-cancelled", json!({"effect": c["effect"], "lines": lines}))
    }

    fn refund(&self, c: &Value) -> Result<Verdict, Value> {
        if let Some(effect) = self.operator_refunds.iter().find(|effect| effect["id"] == c["effect"]["id"]) {
            let same = effect["digest"] == c["effect"]["digest"];
            return if same { Ok(Verdict::already(Said::Shown)) } else { Err(refuse("idempotency_key_reused")) };
        }
        let currency = self.currency().unwrap_or(&c["amount"]["currency"]);
        if *currency != c["amount"]["currency"] {
            return Err(refuse("wrong_currency"));
        }
        let most = self.refundable(currency);
        if !(1..=number(&most, "amount")).contains(&number(&c["amount"], "amount")) {
            return Err(json!({"code": "refund_too_large", "refundable": most}));
        }
        fresh(Said::Shown)
    }

    fn settle(&self, c: &Value) -> Result<Verdict, Value> {
        match self.refunds.iter().find(|refund| refund.id == text(c, "refundId")) {
            None => Err(refuse("payment_not_found")),
            Some(refund) if refund.settled => Ok(Verdict::already(Said::Shown)),
            Some(_) => fresh(Said::Shown),
        }
    }

    /// What the provider says of a payment.
    fn money_came(&self, c: &Value) -> Result<Verdict, Value> {
        let payment = self.payment(text(c, "paymentId"));
        let other_currency = payment.is_some_and(|p| p.amount["currency"] != c["amount"]["currency"]);
        let already = Ok(Verdict::already(Said::Shown));
        match (text(c, "op"), payment) {
            ("record_authorization", Some(payment)) if payment.status == "authorized" => {
                let same = payment.reference.as_ref() == Some(&c["providerReference"])
                    && payment.authorized == number(&c["amount"], "amount")
                    && !other_currency;
                if same { already } else { Err(refuse("idempotency_key_reused")) }
            }
            ("record_authorization", Some(payment)) if payment.captured > 0 && other_currency => {
                Err(refuse("wrong_currency"))
            }
            ("record_authorization", _) => fresh(Said::Shown),
            (_, None) => Err(refuse("payment_not_found")),
            ("record_pending", Some(payment)) if payment.status != "pending" || payment.deferred => already,
            ("record_decline", Some(payment)) if payment.status != "pending" => already,
            ("record_capture", Some(payment)) if payment.captured > 0 || number(&c["amount"], "amount") <= 0 => already,
            ("record_capture", Some(_)) if other_currency => Err(refuse("wrong_currency")),
            ("record_capture_failure", Some(payment)) if payment.capture_failed || payment.captured > 0 => already,
            (_, Some(_)) => fresh(Said::Shown),
        }
    }

    pub fn placed(&self) -> Option<Result<Value, Value>> {
        match self.phase {
            Phase::New => Some(Err(refuse("order_not_found"))),
            Phase::Holding => None,
            Phase::Rejected => Some(Err(json!({"code": "order_rejected", "refusals": self.refusals}))),
            Phase::Cancelled if self.total.is_none() => Some(Err(refuse("order_cancelled"))),
            _ => Some(Ok(self.reply(true, None))),
        }
    }

    pub fn paid_with(&self, id: &str) -> Option<Result<Value, Value>> {
        let Some(payment) = self.payment(id) else { return Some(Err(refuse("payment_not_found"))) };
        match payment.status {
            "pending" if !payment.deferred => None,
            "pending" | "authorized" => Some(Ok(self.reply(false, Some(id)))),
            _ => Some(Err(json!({"code": "payment_declined", "reason": payment.reason.clone().unwrap_or_default()}))),
        }
    }

    pub fn bought(&self) -> Option<Result<Value, Value>> {
        if self.confirmed {
            return Some(Ok(self.reply(false, None)));
        }
        if self.is_asking() {
            return None;
        }
        if let Some(refusal) = self.ended() {
            return Some(Err(refusal));
        }
        if self.payments.iter().any(|payment| payment.status == "pending" && !payment.deferred) {
            return None;
        }
        // What the provider decides later confirms it then: until that, this is how it stands.
        if self.is_pending() { Some(Ok(self.reply(false, None))) } else { Some(Err(self.unpaid())) }
    }

    /// The order as a reply shows it.
    pub fn reply(&self, created: bool, payment: Option<&str>) -> Value {
        let terms = &self.terms;
        let lines: Vec<_> = self.lines.iter().map(super::Line::shown).collect();
        let payments: Vec<_> = self.payments.iter().map(super::Payment::shown).collect();
        let ordered_at = if terms["orderedAt"].is_null() { json!(self.since) } else { terms["orderedAt"].clone() };
        let or = |value: &Value, other: Value| if value.is_null() { other } else { value.clone() };
        json!({
            "orderId": self.id, "status": self.status(),
            "orderedAt": ordered_at, "lines": lines, "adjustments": or(&terms["adjustments"], json!([])),
            "total": self.total, "expiresAt": self.expires_at, "payments": payments, "paymentId": payment,
            "created": created, "metadata": or(&terms["metadata"], json!({})),
        })
    }
}

impl super::Payment {
    pub fn shown(&self) -> Value {
        let mut shown = json!({
            "paymentId": self.id, "status": self.status, "amount": self.amount, "authorized": self.authorized,
            "captured": self.captured, "refundDue": self.refund_due, "refunded": self.refunded,
        });
        if let Some(reason) = &self.reason {
            shown["reason"] = json!(reason);
        }
        shown
    }
}

impl super::Line {
    pub fn shown(&self) -> Value {
        let price = self.price.clone().or_else(|| self.ordered.get("unitPrice").cloned());
        let mut shown = json!({
            "lineId": self.id, "itemId": self.item, "quantity": self.quantity, "unitPrice": price,
            "kind": self.kind, "cancelled": self.cancelled, "shipped": self.shipped, "returned": self.returned,
        });
        if !self.store.is_null() {
            shown["store"] = self.store.clone();
        }
        if !text_of(&self.ordered["metadata"]).is_empty() || self.ordered["metadata"].is_object() {
            shown["metadata"] = self.ordered["metadata"].clone();
        }
        shown
    }
}
