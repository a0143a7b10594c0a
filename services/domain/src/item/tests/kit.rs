//! The given/when/then of items.
//!
//! What is given is a list of commands that took effect, and not of events, since each event carries the levels after
//! it. Every command that a test runs is run twice: the second time it makes no event and is answered the same.

use crate::{
    Answer, Context, Decided, Decision, Policy,
    item::{Item, decide, evolve, on_clock},
};
use schemas::{
    AllotmentId, Caller, CancellationId, ClaimId, Command, CommandId, Currency, Digest, DropId, Effect, EffectId,
    Event, FreeHoldId, ItemId, LocationId, Metadata, Money, OrderId, Quantity, Rejection, ReplyBody, ReturnId, Role,
    StoreId, SubOrderId, SubjectId, Timestamp, item::*, order::OrderCommand,
};

pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub fn caller(role: Role) -> Caller {
    let store = (role == Role::Store).then(|| store("own"));
    Caller { role, subject: SubjectId::parse("shop").expect("id"), store, location: None }
}

/// An item with a history.
#[derive(Clone)]
pub struct Given {
    pub item: Item,
    pub now: Timestamp,
    pub caller: Caller,
    pub policy: Policy,
}

/// An item to which nothing has happened.
pub fn given_nothing() -> Given {
    let item = Item::new(ItemId::parse("sku-1").expect("id"));
    Given { item, now: NOW, caller: caller(Role::Operator), policy: Policy::default() }
}

/// A listed item of 12.95, without stock.
pub fn given() -> Given {
    given_nothing().and(list(catalog(), gbp(1295)))
}

/// The same with units at `main`.
pub fn given_stock(units: u32) -> Given {
    given().and(receive("opening", "main", units))
}

/// A listed ebook.
pub fn given_digital() -> Given {
    given_nothing().and(list(Catalog { kind: ItemKind::Digital, ..catalog() }, gbp(700)))
}

impl Given {
    /// A command that took effect.
    #[track_caller]
    pub fn and(mut self, command: ItemCommand) -> Self {
        let decision = self.decide(&command).unwrap_or_else(|refused| panic!("{command:?} was refused: {refused}"));
        self.apply(&decision);
        self
    }

    pub fn seconds_later(mut self, seconds: u32) -> Self {
        self.now = self.now.plus_seconds(seconds);
        self
    }

    pub fn by(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    pub fn decide(&self, command: &ItemCommand) -> Decided {
        let id = CommandId::parse("c-1").expect("id");
        let cx = Context { now: self.now, command_id: &id, caller: &self.caller, policy: &self.policy };
        decide(&self.item, command, cx)
    }

    pub fn tick(&self) -> Decision {
        let (id, caller) = (CommandId::parse("clock-1").expect("id"), Caller::engine());
        on_clock(&self.item, Context { now: self.now, command_id: &id, caller: &caller, policy: &self.policy })
    }

    pub fn apply(&mut self, decision: &Decision) {
        for event in &decision.events {
            let Event::Item(event) = event else { panic!("an item makes an item's events: {event:?}") };
            evolve(&mut self.item, event, self.now, &self.policy);
        }
    }

    /// What the command decides, and that it decides nothing more the second time.
    #[track_caller]
    pub fn when(self, command: ItemCommand) -> When {
        let decided = self.decide(&command);
        let mut given = self;
        if let Ok(decision) = &decided {
            given.apply(decision);
            let again = given.decide(&command).expect("what took effect is not refused the second time");
            assert_eq!(again.events, [], "again = no event");
            assert_eq!(again.answer, decision.answer, "again = the same answer");
            let answers: Vec<_> = decision.sends.iter().filter(|send| is_answer(send)).cloned().collect();
            assert_eq!(again.sends, answers, "again = the same answers");
        }
        When { given, decided }
    }

    /// What the clock decides, and that it decides nothing more the second time.
    #[track_caller]
    pub fn when_clock(mut self) -> When {
        let decision = self.tick();
        self.apply(&decision);
        assert!(self.item.due().is_none_or(|due| due > self.now), "what was due has happened");
        When { given: self, decided: Ok(decision) }
    }
}

/// Whether a send answers the command of an order or a drop; what was deallocated is told with the events, once.
pub fn is_answer(send: &Command) -> bool {
    match send {
        Command::Order { command, .. } => !matches!(command, OrderCommand::ItemDeallocated(_)),
        Command::Drop { .. } => true,
        other => panic!("an item tells orders and drops: {other:?}"),
    }
}

/// A decision, and the item after it.
pub struct When {
    pub given: Given,
    decided: Decided,
}

impl When {
    #[track_caller]
    pub fn decision(&self) -> &Decision {
        self.decided.as_ref().unwrap_or_else(|refused| panic!("refused: {refused}"))
    }

    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = ItemEvent>) -> Self {
        let expected: Vec<Event> = events.into_iter().map(Event::Item).collect();
        assert_eq!(self.decision().events, expected);
        self
    }

    #[track_caller]
    pub fn then_nothing(self) -> Self {
        self.then([])
    }

    #[track_caller]
    pub fn replies(self, reply: ItemReply) -> Self {
        assert_eq!(self.decision().answer, Answer::Now(ReplyBody::Item(reply)));
        self
    }

    #[track_caller]
    pub fn answers_nobody(self) -> Self {
        assert_eq!(self.decision().answer, Answer::Nobody);
        self
    }

    #[track_caller]
    pub fn sends(self, sends: impl IntoIterator<Item = Command>) -> Self {
        assert_eq!(self.decision().sends, sends.into_iter().collect::<Vec<_>>());
        self
    }

    #[track_caller]
    pub fn refuses(self, rejection: ItemRejection) {
        assert_eq!(self.decided, Err(Rejection::Item(rejection)));
    }

    /// The reply of a free hold.
    #[track_caller]
    pub fn hold_reply(&self) -> &HoldReply {
        match &self.decision().answer {
            Answer::Now(ReplyBody::Item(ItemReply::Hold(reply))) => reply,
            other => panic!("not a hold's reply: {other:?}"),
        }
    }

    /// The types of the events, and the levels after them.
    #[track_caller]
    pub fn leaves(self, types: &[&str], levels: StockLevels) -> Self {
        let kind = |event: &Event| {
            event.event_type().trim_start_matches("stockfold.inventory.").trim_end_matches(".v1").to_owned()
        };
        assert_eq!(self.decision().events.iter().map(kind).collect::<Vec<_>>(), types);
        assert_eq!(self.given.item.levels(), levels);
        self
    }
}

pub fn gbp(minor: i64) -> Money {
    Money::new(minor, Currency::parse("GBP").expect("a currency")).expect("in range")
}

pub fn quantity(units: u32) -> Quantity {
    Quantity::new(units).expect("in range")
}

pub fn store(id: &str) -> StoreId {
    StoreId::parse(id).expect("id")
}

pub fn location(id: &str) -> LocationId {
    LocationId::parse(id).expect("id")
}

pub fn sub_order(id: &str) -> SubOrderId {
    SubOrderId::parse(id).expect("id")
}

pub fn allotment(id: &str) -> AllotmentId {
    AllotmentId::parse(id).expect("id")
}

/// An effect whose content is told by a number.
pub fn effect_of(id: &str, content: u64) -> Effect {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&content.to_be_bytes());
    Effect { id: EffectId::parse(id).expect("id"), digest: Digest::new(bytes) }
}

pub fn catalog() -> Catalog {
    Catalog {
        name: "Teapot".to_owned(),
        description: None,
        category: None,
        store: None,
        kind: ItemKind::Physical,
        attributes: serde_json::Map::new(),
        images: Vec::new(),
        file: None,
        metadata: Metadata::default(),
    }
}

pub fn list(catalog: Catalog, price: Money) -> ItemCommand {
    ItemCommand::List(ListItem { catalog, price, source: None, expected_version: None })
}

pub fn delist() -> ItemCommand {
    ItemCommand::Delist(DelistItem { source: None })
}

pub fn receive(id: &str, at: &str, units: u32) -> ItemCommand {
    ItemCommand::Receive(ReceiveStock {
        effect: effect_of(id, u64::from(units)),
        location: location(at),
        quantity: quantity(units),
        document: "note".to_owned(),
        occurred_at: None,
        metadata: Metadata::default(),
    })
}

pub fn count(id: &str, at: &str, counted: u64) -> ItemCommand {
    ItemCommand::Count(CountStock {
        effect: effect_of(id, counted),
        location: location(at),
        counted,
        expected: None,
        reason: "counted".to_owned(),
    })
}

pub fn move_stock(id: &str, from: Bucket, to: Bucket, units: u32) -> ItemCommand {
    ItemCommand::Move(MoveStock {
        effect: effect_of(id, u64::from(units)),
        location: location("main"),
        from,
        to,
        quantity: quantity(units),
        reason: "moved".to_owned(),
        reference: "ref".to_owned(),
    })
}

pub fn free(id: &str) -> HoldId {
    HoldId::Free { caller: SubjectId::parse("shop").expect("id"), id: FreeHoldId::parse(id).expect("id") }
}

pub fn of_order(id: &str) -> HoldId {
    let order = OrderId::parse(id).expect("id");
    HoldId::Order { order, attempt: 1, item: ItemId::parse("sku-1").expect("id") }
}

pub fn of_claim(id: &str) -> HoldId {
    let drop = DropId::parse("drop-1").expect("id");
    HoldId::Drop { drop, claim: ClaimId::parse(id).expect("id") }
}

/// A place of a free hold for 600 s, or of an order's.
pub fn place(hold: HoldId, units: u32) -> PlaceHold {
    let own = matches!(hold, HoldId::Free { .. });
    PlaceHold {
        hold,
        quantity: quantity(units),
        expected_price: None,
        only_store: None,
        expires_in_seconds: own.then_some(600),
        reference: None,
        metadata: Metadata::default(),
        effect: own.then(|| effect_of("place", u64::from(units))),
    }
}

pub fn hold(hold: HoldId, units: u32) -> ItemCommand {
    ItemCommand::PlaceHold(place(hold, units))
}

pub fn commit(hold: HoldId) -> ItemCommand {
    ItemCommand::CommitHold(CommitHold { hold })
}

pub fn release(hold: HoldId) -> ItemCommand {
    ItemCommand::ReleaseHold(ReleaseHold { hold })
}

pub fn uncommit(id: &str, hold: HoldId, units: u32, from: &[(&str, u32)]) -> Uncommit {
    let from = from
        .iter()
        .map(|(id, units)| SubOrderQuantity { sub_order: sub_order(id), quantity: quantity(*units) })
        .collect();
    let cancellation = CancellationId::parse(id).expect("id");
    Uncommit { cancellation, hold, quantity: quantity(units), from, forwarded: Vec::new(), into: None }
}

pub fn allocate(id: &str, hold: HoldId, at: &str, units: u32) -> ItemCommand {
    ItemCommand::Allocate(Allocate {
        sub_order: sub_order(id),
        hold,
        location: location(at),
        quantity: quantity(units),
    })
}

pub fn ship(id: &str, hold: HoldId, from: Option<&str>, at: &str, units: Option<u32>) -> ItemCommand {
    ItemCommand::Ship(ShipStock {
        effect: effect_of(id, u64::from(units.unwrap_or(0))),
        hold,
        sub_order: from.map(sub_order),
        location: location(at),
        quantity: units.map(quantity),
    })
}

pub fn restock(id: &str, hold: HoldId, condition: Bucket, units: u32) -> ItemCommand {
    ItemCommand::Restock(Restock {
        effect: effect_of(id, u64::from(units)),
        return_id: ReturnId::parse("return-1").expect("id"),
        hold,
        location: location("main"),
        condition,
        quantity: quantity(units),
    })
}

pub fn close(hold: HoldId) -> ItemCommand {
    ItemCommand::CloseHold(CloseHold { hold })
}

pub fn allot(id: &str, units: u32) -> Allot {
    let drop = DropId::parse("drop-1").expect("id");
    Allot { allotment: allotment(id), drop, quantity: quantity(units), store: None, currency: None }
}

pub fn return_allotment(id: &str, of: &str, units: u32) -> ItemCommand {
    let effect = effect_of(id, u64::from(units));
    ItemCommand::ReturnAllotment(ReturnAllotment { effect, allotment: allotment(of), quantity: quantity(units) })
}

pub fn commit_allotted(of: &str, hold: HoldId, units: u32) -> ItemCommand {
    ItemCommand::CommitAllotted(CommitAllotted {
        allotment: allotment(of),
        hold,
        quantity: quantity(units),
        order_id: None,
    })
}

pub fn set_safety(quantity: u32) -> ItemCommand {
    ItemCommand::SetSafety(SetSafety { quantity })
}

/// Levels; the rest is zero.
pub fn levels(available: i64, on_hand: u64) -> StockLevels {
    StockLevels { available, on_hand, ..StockLevels::default() }
}

pub fn at_main(sellable: u64) -> LocationLevels {
    let location = location("main");
    LocationLevels { location, sellable, damaged: 0, quality_control: 0, allocated: 0, incoming: 0, forwarded: 0 }
}

pub fn stock_reply(available: i64, on_hand: u64) -> ItemReply {
    ItemReply::Stock { available, on_hand }
}
