//! An item to which all kinds of things happen.

use domain::{
    Context, Policy,
    item::{Item, decide, evolve, on_clock},
};
use rand::{RngExt as _, rngs::StdRng};
use schemas::{
    AllotmentId, Caller, CancellationId, ClaimId, CommandId, Currency, Digest, DropId, Effect, EffectId, Event,
    FreeHoldId, ItemId, LocationId, Metadata, Money, OrderId, Quantity, ReturnId, SubOrderId, Timestamp, item::*,
};

/// When it begins.
pub const BEGIN: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// An item, and what happened to it.
pub struct Life {
    id: ItemId,
    item: Item,
    now: Timestamp,
    policy: Policy,
    pub events: Vec<(Timestamp, ItemEvent)>,
}

impl Life {
    /// A life of 250 commands.
    pub fn lived(random: &mut StdRng, number: u64, kind: ItemKind) -> Self {
        let id = ItemId::parse(&format!("sku-{number}")).expect("an id");
        let (item, policy) = (Item::new(id.clone()), Policy::default());
        let mut life = Self { id, item, now: BEGIN, policy, events: Vec::new() };
        life.ask(&list(kind));
        for place in ["main", "shop"] {
            life.ask(&receive(&format!("first-{place}"), place, random.random_range(5..30)));
        }
        for _ in 0..250 {
            let command = any(random, &life.id);
            if !life.no_order_asks(&command) {
                life.ask(&command);
            }
            if random.random_range(0..8) == 0 {
                life.now = life.now.plus_seconds(random.random_range(1..200));
                life.tick();
            }
        }
        life
    }

    pub const fn id(&self) -> &ItemId {
        &self.id
    }

    /// An order commits what it holds, gives ordered units back by a cancellation, and closes what is gone.
    fn no_order_asks(&self, command: &ItemCommand) -> bool {
        let status = |hold: &HoldId| self.item.hold_status(hold);
        match command {
            ItemCommand::CommitHold(CommitHold { hold: hold @ HoldId::Order { .. } }) => {
                status(hold) != Some(HoldStatus::Active)
            }
            ItemCommand::ReleaseHold(ReleaseHold { hold: hold @ HoldId::Order { .. } }) => {
                !matches!(status(hold), None | Some(HoldStatus::Active))
            }
            ItemCommand::CloseHold(CloseHold { hold }) => {
                matches!(status(hold), Some(HoldStatus::Active | HoldStatus::Committed))
            }
            _ => false,
        }
    }

    fn ask(&mut self, command: &ItemCommand) {
        let (id, caller) = (CommandId::parse("c-1").expect("an id"), Caller::engine());
        let cx = Context { now: self.now, command_id: &id, caller: &caller, policy: &self.policy };
        if let Ok(decision) = decide(&self.item, command, cx) {
            self.happen(decision.events);
        }
    }

    fn tick(&mut self) {
        let (id, caller) = (CommandId::parse("clock").expect("an id"), Caller::engine());
        while self.item.due().is_some_and(|due| due <= self.now) {
            let cx = Context { now: self.now, command_id: &id, caller: &caller, policy: &self.policy };
            let decision = on_clock(&self.item, cx);
            self.happen(decision.events);
        }
    }

    fn happen(&mut self, events: Vec<Event>) {
        for event in events {
            let Event::Item(event) = event else { panic!("an item's event: {event:?}") };
            evolve(&mut self.item, &event, self.now, &self.policy);
            self.events.push((self.now, event));
        }
    }
}

fn quantity(units: u32) -> Quantity {
    Quantity::new(units).expect("a quantity")
}

fn effect(id: &str, units: u32) -> Effect {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&units.to_be_bytes());
    Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::new(bytes) }
}

fn location(id: &str) -> LocationId {
    LocationId::parse(id).expect("an id")
}

fn list(kind: ItemKind) -> ItemCommand {
    let catalog = Catalog {
        name: "A thing".to_owned(),
        description: None,
        category: None,
        store: None,
        kind,
        attributes: serde_json::Map::new(),
        images: Vec::new(),
        file: None,
        metadata: Metadata::default(),
    };
    let price = Money::new(100, Currency::parse("EUR").expect("a currency")).expect("an amount");
    ItemCommand::List(ListItem { catalog, price, source: None, expected_version: None })
}

fn receive(id: &str, place: &str, units: u32) -> ItemCommand {
    ItemCommand::Receive(ReceiveStock {
        effect: effect(id, units),
        location: location(place),
        quantity: quantity(units),
        document: "note".to_owned(),
        occurred_at: None,
        metadata: Metadata::default(),
    })
}

/// One of a few ids, so that they meet.
fn id(random: &mut StdRng, prefix: &str, many: u32) -> String {
    format!("{prefix}{}", random.random_range(0..many))
}

fn place(random: &mut StdRng) -> LocationId {
    location(["main", "shop", "main", "shop", "depot"][random.random_range(0..5)])
}

fn bucket(random: &mut StdRng) -> Bucket {
    [Bucket::Sellable, Bucket::Damaged, Bucket::QualityControl][random.random_range(0..3)]
}

fn hold(random: &mut StdRng, item: &ItemId) -> HoldId {
    let number = random.random_range(0..12);
    match random.random_range(0..7) {
        0 | 1 => {
            let id = FreeHoldId::parse(&format!("h{number}")).expect("an id");
            HoldId::Free { caller: Caller::engine().subject, id }
        }
        2 => {
            let claim = ClaimId::parse(&format!("d{number}")).expect("an id");
            HoldId::Drop { drop: DropId::parse("drop-1").expect("an id"), claim }
        }
        _ => {
            let order = OrderId::parse(&format!("o{number}")).expect("an id");
            HoldId::Order { order, attempt: 1, item: item.clone() }
        }
    }
}

fn sub_order(random: &mut StdRng) -> SubOrderId {
    SubOrderId::parse(&id(random, "s", 4)).expect("an id")
}

fn allotment(random: &mut StdRng) -> AllotmentId {
    AllotmentId::parse(&id(random, "a", 3)).expect("an id")
}

fn any(random: &mut StdRng, item: &ItemId) -> ItemCommand {
    let units = random.random_range(1..7);
    let (reason, reference) = ("reason".to_owned(), "reference".to_owned());
    match random.random_range(0..48) {
        44.. => ItemCommand::Supply(said(random, units)),
        0..4 => receive(&id(random, "r", 900), place(random).as_str(), units * 2),
        4 => ItemCommand::Count(CountStock {
            effect: effect(&id(random, "c", 900), units),
            location: place(random),
            counted: u64::from(units) * 2,
            expected: None,
            reason,
        }),
        5 | 6 => ItemCommand::Move(MoveStock {
            effect: effect(&id(random, "m", 900), units),
            location: place(random),
            from: bucket(random),
            to: bucket(random),
            quantity: quantity(units),
            reason,
            reference,
        }),
        7..10 => ItemCommand::Transfer(TransferStock {
            effect: effect(&id(random, "t", 30), units),
            location: place(random),
            to_location: place(random),
            quantity: quantity(units),
            reason,
            reference,
        }),
        10..13 => ItemCommand::ReceiveTransfer(ReceiveTransfer {
            effect: effect(&id(random, "q", 900), units),
            transfer: EffectId::parse(&id(random, "t", 30)).expect("an id"),
            quantity: Some(random.random_range(0..4)).filter(|units| *units < 3),
            lost: random.random_range(0..2),
        }),
        13 => ItemCommand::SetSafety(SetSafety { quantity: units - 1 }),
        14 => ItemCommand::Allot(Allot {
            allotment: allotment(random),
            drop: DropId::parse("drop-1").expect("an id"),
            quantity: quantity(units),
            store: None,
            currency: None,
        }),
        15 => ItemCommand::ReturnAllotment(ReturnAllotment {
            effect: effect(&id(random, "b", 900), 1),
            allotment: allotment(random),
            quantity: quantity(1),
        }),
        16 | 17 => {
            let (allotment, hold) = (allotment(random), hold(random, item));
            ItemCommand::CommitAllotted(CommitAllotted { allotment, hold, quantity: quantity(1), order_id: None })
        }
        _ => any_of_a_hold(random, item, units),
    }
}

/// What one of two suppliers says, as of any time of the life so far.
fn said(random: &mut StdRng, units: u32) -> Supply {
    let source = FeedSource::parse(if random.random_bool(0.5) { "//a" } else { "//b" }).expect("a source");
    let at = BEGIN.plus_seconds(random.random_range(0..100));
    let said = if random.random_bool(0.5) {
        SupplyFact::StockReported { location: place(random), counted: u64::from(units) * 3 }
    } else {
        SupplyFact::StockReceived { location: place(random), quantity: quantity(units), document: "note".to_owned() }
    };
    Supply::new(source, random.random_range(0..900), at, said)
}

fn any_of_a_hold(random: &mut StdRng, item: &ItemId, units: u32) -> ItemCommand {
    let hold = hold(random, item);
    let is_free = matches!(hold, HoldId::Free { .. });
    match random.random_range(0..27) {
        0..6 => ItemCommand::PlaceHold(PlaceHold {
            hold,
            quantity: quantity(units),
            expected_price: None,
            only_store: None,
            expires_in_seconds: is_free.then_some(100),
            reference: None,
            metadata: Metadata::default(),
            effect: is_free.then(|| effect("place", units)),
        }),
        6..12 => ItemCommand::CommitHold(CommitHold { hold }),
        12 => ItemCommand::ReleaseHold(ReleaseHold { hold }),
        13 | 14 => ItemCommand::Uncommit(Uncommit {
            cancellation: CancellationId::parse(&id(random, "x", 900)).expect("an id"),
            hold,
            quantity: quantity(units),
            from: vec![SubOrderQuantity { sub_order: sub_order(random), quantity: quantity(1) }],
            forwarded: Vec::new(),
            into: Some(allotment(random)).filter(|_| units > 3),
        }),
        15..19 => {
            let (sub_order, location) = (sub_order(random), place(random));
            ItemCommand::Allocate(Allocate { sub_order, hold, location, quantity: quantity(units) })
        }
        19 | 20 => ItemCommand::Ship(ShipStock {
            effect: effect(&id(random, "p", 900), units),
            hold,
            sub_order: Some(sub_order(random)).filter(|_| units > 2),
            location: place(random),
            quantity: Some(quantity(units)).filter(|_| units > 1),
        }),
        21 | 22 => ItemCommand::Forward(Forward {
            effect: effect(&id(random, "f", 20), units),
            hold,
            sub_order: sub_order(random),
            to_sub_order: sub_order(random),
            location: place(random),
            to_location: place(random),
            quantity: quantity(units),
        }),
        23 | 24 => ItemCommand::ReceiveForward(ReceiveForward {
            effect: effect("arrival", 0),
            hold,
            shipment: EffectId::parse(&id(random, "f", 20)).expect("an id"),
        }),
        25 => ItemCommand::CloseHold(CloseHold { hold }),
        _ => ItemCommand::Restock(Restock {
            effect: effect(&id(random, "k", 900), 1),
            return_id: ReturnId::parse("return-1").expect("an id"),
            hold,
            location: place(random),
            condition: bucket(random),
            quantity: quantity(1),
        }),
    }
}
