//! Given events, when a command, then events: by outcome, in the order of design 5.2's table.

mod allocation;
mod answers;
mod cancel;
mod cancel_shipped;
mod capture;
mod cart;
mod clock;
mod deliver;
mod forward;
mod from_cart;
mod from_drop;
mod fulfilment;
mod late_payment;
mod money;
mod ownership;
mod payment;
mod pending;
mod place;
mod plan_shipments;
mod random;
mod random_fulfilment;
mod reckoning;
mod reckoning_fulfilment;
mod refund;
mod returns;
mod scenarios;
mod seller;
mod ship;
mod submit;

use super::{Order, OrderWait, answer, decide, evolve, on_clock};
use crate::{Answer, Context, Decided, Decision, Policy, Wait};
use schemas::{
    Caller, Command, CommandId, Currency, Digest, Effect, EffectId, Event, ItemId, LineId, Money, OrderId, PaymentId,
    Quantity, Rejection, ReplyBody, Role, SubjectId, Timestamp,
    item::{ItemCommand, ItemKind},
    order::*,
};

pub(super) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(super) fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").expect("a currency")).expect("in range")
}

pub(super) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::parse("USD").expect("a currency")).expect("in range")
}

pub(super) fn item(id: &str) -> ItemId {
    ItemId::parse(id).expect("an id")
}

pub(super) fn line_id(id: &str) -> LineId {
    LineId::parse(id).expect("an id")
}

pub(super) fn payment_id(id: &str) -> PaymentId {
    PaymentId::parse(id).expect("an id")
}

/// An effect whose digest says `content`.
pub(super) fn effect(id: &str, content: u8) -> Effect {
    Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::new([content; 16]) }
}

pub(super) fn caller(role: Role, subject: &str) -> Caller {
    Caller { role, subject: SubjectId::parse(subject).expect("an id"), store: None, location: None }
}

pub(super) fn alice() -> Caller {
    caller(Role::Shopper, "alice")
}

pub(super) fn line(id: &str, of: &str, quantity: u32) -> OrderLine {
    OrderLine {
        line_id: line_id(id),
        item_id: item(of),
        quantity: Quantity::new(quantity).expect("in range"),
        unit_price: None,
        expected_unit_price: None,
        metadata: schemas::Metadata::default(),
    }
}

pub(super) fn adjustment(id: &str, of: Option<&str>, amount: i64) -> Adjustment {
    Adjustment {
        adjustment_id: schemas::AdjustmentId::parse(id).expect("an id"),
        kind: if amount < 0 { AdjustmentKind::Discount } else { AdjustmentKind::Shipping },
        line_id: of.map(line_id),
        amount: eur(amount),
        included: false,
        label: "a label".to_owned(),
    }
}

pub(super) fn place(lines: Vec<OrderLine>) -> PlaceOrder {
    PlaceOrder {
        from_cart: false,
        effect: effect("place", 1),
        shopper: None,
        channel: None,
        ordered_at: None,
        lines,
        adjustments: Vec::new(),
        payment: PaymentMode::Provider,
        submit: SubmitMode::Explicit,
        expires_in_seconds: None,
        metadata: schemas::Metadata::default(),
    }
}

/// An order, the time, and all that was decided so far.
pub(super) struct World {
    pub order: Order,
    pub now: Timestamp,
    pub events: Vec<OrderEvent>,
    pub sends: Vec<Command>,
}

impl World {
    pub fn new() -> Self {
        let id = OrderId::parse("o-1").expect("an id");
        Self { order: Order::new(id), now: START, events: Vec::new(), sends: Vec::new() }
    }

    /// Alice's order of these lines, not answered yet.
    pub fn placed(lines: Vec<OrderLine>) -> Self {
        Self::of(place(lines))
    }

    pub fn of(command: PlaceOrder) -> Self {
        let mut world = Self::new();
        let by = if command.payment == PaymentMode::External { caller(Role::Service, "shop") } else { alice() };
        world.by(&by, OrderCommand::Place(command)).expect("it is placed");
        world
    }

    /// All items grant at 10.00 a unit.
    pub fn granted(mut self) -> Self {
        let items: Vec<ItemId> = self.order.holds.iter().map(|hold| hold.item.clone()).collect();
        for item in items {
            self.grant(item.as_str(), 1_000, ItemKind::Physical);
        }
        self
    }

    /// Two units of tea for 20.00, held.
    pub fn tea() -> Self {
        Self::placed(vec![line("l1", "tea", 2)]).granted()
    }

    /// The same, paid and submitted.
    pub fn confirmed() -> Self {
        let mut world = Self::tea();
        world.pay("p1", 2_000);
        world.submit("s1").expect("it is paid");
        world
    }

    /// Decides and applies; what is new is returned.
    pub fn by(&mut self, caller: &Caller, command: OrderCommand) -> Decided {
        let (policy, command_id) = (Policy::default(), CommandId::parse("c-1").expect("an id"));
        let cx = Context { now: self.now, command_id: &command_id, caller, policy: &policy };
        let decided = decide(&self.order, &command, cx);
        if let Ok(decision) = &decided {
            self.apply(decision);
        }
        decided
    }

    fn apply(&mut self, decision: &Decision) {
        for event in &decision.events {
            let Event::Order(event) = event else { panic!("an order decides orders' events") };
            evolve(&mut self.order, event, self.now, &Policy::default());
            self.events.push(event.clone());
        }
        self.sends.extend(decision.sends.iter().cloned());
    }

    pub fn answered(&mut self, item_id: &str, attempt: u32, answer: HoldAnswer) -> Decision {
        let command = ItemAnswered { attempt, item_id: item(item_id), answer };
        self.by(&alice(), OrderCommand::ItemAnswered(command)).expect("an answer is never refused")
    }

    pub fn grant(&mut self, item_id: &str, price: i64, kind: ItemKind) -> Decision {
        let attempt = self.order.attempt;
        self.answered(item_id, attempt, HoldAnswer::Granted { unit_price: eur(price), kind, file: None, store: None })
    }

    pub fn short(&mut self, item_id: &str) -> Decision {
        let attempt = self.order.attempt;
        self.answered(item_id, attempt, HoldAnswer::Refused { refusal: short() })
    }

    pub fn start(&mut self, id: &str) -> Decided {
        let command = StartPayment {
            effect: effect(id, 1),
            payment_id: payment_id(id),
            method_token: "tok".to_owned(),
            shipping_address: None,
        };
        self.by(&alice(), OrderCommand::StartPayment(command))
    }

    pub fn authorize(&mut self, id: &str, amount: Money) -> Decided {
        let provider_reference = format!("ref-{id}");
        let command = RecordAuthorization { payment_id: payment_id(id), amount, provider_reference };
        self.by(&Caller::engine(), OrderCommand::RecordAuthorization(command))
    }

    pub fn pay(&mut self, id: &str, minor: i64) {
        self.start(id).expect("it can be paid");
        self.authorize(id, eur(minor)).expect("it is recorded");
    }

    pub fn decline(&mut self, id: &str) -> Decided {
        let command = RecordDecline { payment_id: payment_id(id), reason: "no_funds".to_owned() };
        self.by(&Caller::engine(), OrderCommand::RecordDecline(command))
    }

    pub fn submit(&mut self, id: &str) -> Decided {
        self.by(&alice(), OrderCommand::Submit(SubmitOrder { effect: effect(id, 1) }))
    }

    pub fn cancel(&mut self, id: &str, lines: Option<&[(&str, u32)]>) -> Decided {
        let lines = lines.map(|lines| lines.iter().map(|(id, units)| line_quantity(id, *units)).collect());
        let command = CancelOrder { effect: effect(id, 1), lines, reason: None };
        self.by(&alice(), OrderCommand::Cancel(command))
    }

    pub fn capture(&mut self, id: &str, amount: Money) -> Decided {
        let command = RecordCapture { payment_id: payment_id(id), amount };
        self.by(&Caller::engine(), OrderCommand::RecordCapture(command))
    }

    pub fn fail_capture(&mut self, id: &str) -> Decided {
        let command = RecordCaptureFailure { payment_id: payment_id(id), reason: "closed".to_owned() };
        self.by(&Caller::engine(), OrderCommand::RecordCaptureFailure(command))
    }

    pub fn settle(&mut self, id: &str) -> Decided {
        let refund_id = schemas::RefundId::parse(id).expect("an id");
        self.by(&Caller::engine(), OrderCommand::SettleRefund(SettleRefund { refund_id }))
    }

    pub fn refund(&mut self, id: &str, amount: Money) -> Decided {
        let command = RefundByOperator { effect: effect(id, 1), amount, reason: "goodwill".to_owned() };
        self.by(&caller(Role::Operator, "olga"), OrderCommand::RefundByOperator(command))
    }

    /// Lets `seconds` pass.
    pub fn pass(&mut self, seconds: u32) -> Decision {
        self.now = self.now.plus_seconds(seconds);
        let (policy, command_id) = (Policy::default(), CommandId::parse("clock").expect("an id"));
        let engine = Caller::engine();
        let cx = Context { now: self.now, command_id: &command_id, caller: &engine, policy: &policy };
        let decision = on_clock(&self.order, cx);
        self.apply(&decision);
        decision
    }

    /// What a caller that was told `decided` hears in the end, if anything yet.
    pub fn told(&self, decided: &Decided) -> Option<Result<ReplyBody, Rejection>> {
        match decided {
            Err(rejection) => Some(Err(rejection.clone())),
            Ok(Decision { answer: Answer::Now(body), .. }) => Some(Ok(body.clone())),
            Ok(Decision { answer: Answer::Later(Wait::Order(wait)), .. }) => answer(&self.order, wait),
            Ok(Decision { answer: Answer::Nobody | Answer::Later(Wait::Cart(_) | Wait::Drop(_)), .. }) => None,
        }
    }

    /// The order that the caller hears of.
    pub fn reply(&self, decided: &Decided) -> OrderReply {
        match self.told(decided) {
            Some(Ok(ReplyBody::Order(reply))) => *reply,
            other => panic!("no order was answered: {other:?}"),
        }
    }

    pub fn status(&self) -> OrderStatus {
        super::status(&self.order)
    }
}

pub(super) fn short() -> HoldRefusal {
    HoldRefusal::InsufficientStock { asked: 2, available: 1 }
}

pub(super) fn line_quantity(id: &str, units: u32) -> LineQuantity {
    LineQuantity { line_id: line_id(id), quantity: Quantity::new(units).expect("in range") }
}

/// The short names of the events of a decision.
pub(super) fn names(decision: &Decision) -> Vec<&'static str> {
    let name = |event: &Event| event.event_type().split('.').nth(2).expect("a stored type has four parts");
    decision.events.iter().map(name).collect()
}

/// What the items are asked, as `verb item`.
pub(super) fn asked(decision: &Decision) -> Vec<String> {
    let text = |command: &Command| match command {
        Command::Item { item, command: ItemCommand::PlaceHold(c) } => format!("hold {item} {}", c.quantity),
        Command::Item { item, command: ItemCommand::CommitHold(_) } => format!("commit {item}"),
        Command::Item { item, command: ItemCommand::ReleaseHold(_) } => format!("release {item}"),
        Command::Item { item, command: ItemCommand::Uncommit(c) } => format!("uncommit {item} {}", c.quantity),
        other => fulfilment::in_words(other),
    };
    decision.sends.iter().map(text).collect()
}

/// The refusal of a decision.
pub(super) fn refusal(decided: &Decided) -> OrderRejection {
    match decided {
        Err(Rejection::Order(rejection)) => rejection.clone(),
        other => panic!("it was not refused: {other:?}"),
    }
}

/// The refunds that a decision makes due, as (payment, minor units).
pub(super) fn due(decision: &Decision) -> Vec<(String, i64)> {
    let refunds = decision.events.iter().filter_map(|event| {
        let Event::Order(OrderEvent::RefundDue(event)) = event else { return None };
        Some((event.payment_id.as_str().to_owned(), event.amount.minor()))
    });
    refunds.collect()
}
