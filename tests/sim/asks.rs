//! What clients ask for: random commands over few items, so that they get in each other's way.

use super::random::Random;
use schemas::{
    Caller, Command, Digest, Effect, EffectId, FreeHoldId, ItemId, LineId, LocationId, Metadata, Money, OrderId,
    PaymentId, Quantity, Role, SubjectId,
    item::{
        Bucket, Catalog, CommitHold, CountStock, DelistItem, HoldId, ItemCommand, ItemKind, ListItem, MoveStock,
        PlaceHold, ReceiveStock, ReleaseHold, SetSafety, ShipStock,
    },
    order::{
        Adjustment, AdjustmentKind, CancelOrder, LineQuantity, OrderCommand, OrderLine, PaymentMode, PlaceOrder,
        StartPayment, SubmitMode, SubmitOrder,
    },
};

/// The items; the last one is digital.
pub const ITEMS: [&str; 4] = ["sku-a", "sku-b", "sku-c", "ebook"];

/// Everything that was made so far, as far as a later command may name it.
#[derive(Debug, Default)]
pub struct Made {
    count: u64,
    holds: Vec<(ItemId, HoldId)>,
    orders: Vec<(OrderId, Caller, usize)>,
}

pub fn euros(minor: i64) -> Money {
    Money::new(minor, schemas::Currency::parse("EUR").expect("a currency")).expect("a small amount")
}

pub fn service() -> Caller {
    Caller { role: Role::Service, subject: SubjectId::parse("shop").expect("an id"), store: None, location: None }
}

fn shopper(random: &mut Random) -> Caller {
    let subject = SubjectId::parse(&format!("shopper-{}", random.below(3))).expect("an id");
    Caller { role: Role::Shopper, subject, store: None, location: None }
}

fn units(random: &mut Random, most: u32) -> Quantity {
    Quantity::new(random.between(1, most)).expect("above zero")
}

impl Made {
    fn effect(&mut self, what: &str) -> Effect {
        self.count += 1;
        let mut digest = [0; 16];
        digest[..8].copy_from_slice(&self.count.to_be_bytes());
        let id = EffectId::parse(&format!("{what}-{}", self.count)).expect("an id");
        Effect { id, digest: Digest::new(digest) }
    }

    /// New commands, and who sends each.
    pub fn ask(&mut self, random: &mut Random) -> Vec<(Caller, Command)> {
        match random.below(100) {
            0..30 => vec![(service(), self.of_stock(random))],
            30..52 => self.of_holds(random).into_iter().map(|command| (service(), command)).collect(),
            52..72 => vec![self.place(random)],
            _ => self.of_order(random).unwrap_or_else(|| vec![self.place(random)]),
        }
    }

    /// What opens the shop: every item is listed and has a few units, one of them at the kiosk.
    pub fn opening(&mut self, random: &mut Random) -> Vec<Command> {
        let mut commands: Vec<_> = (0..ITEMS.len()).map(|index| list(index, random)).collect();
        for index in 0..ITEMS.len() - 1 {
            commands.push(self.receive(index, random));
            commands.push(self.count(index, "kiosk", 1, None));
        }
        commands
    }

    fn receive(&mut self, index: usize, random: &mut Random) -> Command {
        let receive = ReceiveStock {
            effect: self.effect("receipt"),
            location: location(random),
            quantity: units(random, 20),
            document: "note".to_owned(),
            occurred_at: None,
            metadata: Metadata::default(),
        };
        item(index, ItemCommand::Receive(receive))
    }

    fn count(&mut self, index: usize, place: &str, counted: u64, expected: Option<u64>) -> Command {
        let count = CountStock {
            effect: self.effect("count"),
            location: LocationId::parse(place).expect("an id"),
            counted,
            expected,
            reason: "stocktaking".to_owned(),
        };
        item(index, ItemCommand::Count(count))
    }

    fn of_stock(&mut self, random: &mut Random) -> Command {
        let index = usize::try_from(random.below(ITEMS.len() as u64)).expect("small");
        match random.below(12) {
            0 => list(index, random),
            1 => item(index, ItemCommand::Delist(DelistItem { source: None })),
            2..7 => self.receive(index, random),
            7 | 8 => {
                let (place, counted) = (place(random), random.below(25));
                self.count(index, place, counted, random.chance(30).then(|| random.below(10)))
            }
            9 | 10 => {
                let there = random.chance(50);
                let (from, to) =
                    if there { (Bucket::Sellable, Bucket::Damaged) } else { (Bucket::Damaged, Bucket::Sellable) };
                let moved = MoveStock {
                    effect: self.effect("move"),
                    location: location(random),
                    from,
                    to,
                    quantity: units(random, 4),
                    reason: "fell".to_owned(),
                    reference: "r".to_owned(),
                };
                item(index, ItemCommand::Move(moved))
            }
            _ => item(index, ItemCommand::SetSafety(SetSafety { quantity: random.between(0, 3) })),
        }
    }

    fn of_holds(&mut self, random: &mut Random) -> Vec<Command> {
        // Mostly of the newest: the others are over.
        let recent = if random.chance(85) { self.holds.len().saturating_sub(3) } else { 0 };
        let known = random.pick(&self.holds[recent..]).cloned();
        let Some((item, hold)) = known.filter(|_| random.chance(60)) else { return vec![self.hold(random)] };
        let commit = || ItemCommand::CommitHold(CommitHold { hold: hold.clone() });
        let commands = match random.below(6) {
            0 => vec![ItemCommand::ReleaseHold(ReleaseHold { hold })],
            1 | 2 => vec![commit()],
            3 => vec![self.ship(hold, random)],
            _ => vec![commit(), self.ship(hold, random)],
        };
        commands.into_iter().map(|command| Command::Item { item: item.clone(), command }).collect()
    }

    /// From where units are, from the kiosk, which has too few, or from where nothing ever was.
    fn ship(&mut self, hold: HoldId, random: &mut Random) -> ItemCommand {
        let place = match random.below(10) {
            0 => "moon",
            1 | 2 => "kiosk",
            _ => place(random),
        };
        ItemCommand::Ship(ShipStock {
            effect: self.effect("shipment"),
            hold,
            sub_order: None,
            location: LocationId::parse(place).expect("an id"),
            quantity: random.chance(50).then(|| units(random, 2)),
        })
    }

    fn hold(&mut self, random: &mut Random) -> Command {
        let index = usize::try_from(random.below(ITEMS.len() as u64)).expect("small");
        let effect = self.effect("hold");
        let id = FreeHoldId::parse(effect.id.as_str()).expect("an id");
        let hold = HoldId::Free { caller: service().subject, id };
        self.holds.push((item_id(index), hold.clone()));
        let place = PlaceHold {
            hold,
            quantity: units(random, 4),
            expected_price: random.chance(10).then(|| price(random)),
            only_store: None,
            expires_in_seconds: Some(random.between(5, 200)),
            reference: None,
            metadata: Metadata::default(),
            effect: Some(effect),
        };
        item(index, ItemCommand::PlaceHold(place))
    }

    fn place(&mut self, random: &mut Random) -> (Caller, Command) {
        let own = random.chance(60);
        let caller = if own { shopper(random) } else { service() };
        let effect = self.effect("order");
        let order = OrderId::parse(effect.id.as_str()).expect("an id");
        let count = usize::try_from(random.between(1, 4)).expect("small");
        let line = |n: usize, random: &mut Random| OrderLine {
            line_id: LineId::parse(&format!("l{n}")).expect("an id"),
            item_id: item_id(usize::try_from(random.below(ITEMS.len() as u64)).expect("small")),
            quantity: units(random, 3),
            unit_price: (!own && random.chance(40)).then(|| price(random)),
            expected_unit_price: None,
            metadata: Metadata::default(),
        };
        let lines: Vec<_> = (0..count).map(|n| line(n, random)).collect();
        let adjustments = if own { Vec::new() } else { adjustments(random, count) };
        self.orders.push((order.clone(), caller.clone(), count));
        let place = PlaceOrder {
            effect,
            shopper: None,
            channel: None,
            ordered_at: None,
            lines,
            adjustments,
            payment: if own { PaymentMode::Provider } else { PaymentMode::External },
            submit: if random.chance(30) { SubmitMode::Auto } else { SubmitMode::Explicit },
            expires_in_seconds: random.chance(50).then(|| random.between(10, 100)),
            metadata: Metadata::default(),
        };
        (caller, Command::Order { order, command: OrderCommand::Place(place) })
    }

    fn of_order(&mut self, random: &mut Random) -> Option<Vec<(Caller, Command)>> {
        // Mostly of the newest: the others have ended.
        let recent = if random.chance(85) { self.orders.len().saturating_sub(4) } else { 0 };
        let (order, caller, lines) = random.pick(&self.orders[recent..])?.clone();
        let command = match random.below(10) {
            0..5 => {
                let effect = self.effect("payment");
                let payment_id = PaymentId::parse(effect.id.as_str()).expect("an id");
                let method_token = "tok".to_owned();
                OrderCommand::StartPayment(StartPayment { effect, payment_id, method_token, shipping_address: None })
            }
            5..8 => OrderCommand::Submit(SubmitOrder { effect: self.effect("submit") }),
            _ => {
                let some = random.chance(60).then(|| {
                    let line_id = LineId::parse(&format!("l{}", random.below(lines as u64))).expect("an id");
                    vec![LineQuantity { line_id, quantity: units(random, 2) }]
                });
                OrderCommand::Cancel(CancelOrder { effect: self.effect("cancel"), lines: some, reason: None })
            }
        };
        // Who pays means to buy.
        let submits = matches!(command, OrderCommand::StartPayment(_)) && random.chance(60);
        let mut commands = vec![(caller.clone(), Command::Order { order: order.clone(), command })];
        if submits {
            let command = OrderCommand::Submit(SubmitOrder { effect: self.effect("submit") });
            commands.push((caller, Command::Order { order, command }));
        }
        Some(commands)
    }
}

fn adjustments(random: &mut Random, lines: usize) -> Vec<Adjustment> {
    let adjustment = |n: usize, random: &mut Random| Adjustment {
        adjustment_id: schemas::AdjustmentId::parse(&format!("a{n}")).expect("an id"),
        kind: AdjustmentKind::Fee,
        line_id: random.chance(40).then(|| LineId::parse(&format!("l{}", random.below(lines as u64))).expect("an id")),
        // Never more than a line is worth: what is spread otherwise is a matter of the unit tests of the domain.
        amount: euros(i64::from(random.between(0, 140)) - 40),
        included: random.chance(20),
        label: "fee".to_owned(),
    };
    (0..usize::try_from(random.below(3)).expect("small")).map(|n| adjustment(n, random)).collect()
}

fn item_id(index: usize) -> ItemId {
    ItemId::parse(ITEMS[index]).expect("an id")
}

fn item(index: usize, command: ItemCommand) -> Command {
    Command::Item { item: item_id(index), command }
}

const fn place(random: &mut Random) -> &'static str {
    if random.chance(70) { "berlin" } else { "leeds" }
}

fn location(random: &mut Random) -> LocationId {
    LocationId::parse(place(random)).expect("an id")
}

fn price(random: &mut Random) -> Money {
    euros(100 * i64::from(random.between(1, 5)))
}

fn list(index: usize, random: &mut Random) -> Command {
    let catalog = Catalog {
        name: ITEMS[index].to_owned(),
        description: None,
        category: random.chance(50).then(|| "things".to_owned()),
        store: None,
        kind: if index == ITEMS.len() - 1 { ItemKind::Digital } else { ItemKind::Physical },
        attributes: serde_json::Map::new(),
        images: Vec::new(),
        metadata: Metadata::default(),
    };
    let price = price(random);
    item(index, ItemCommand::List(ListItem { catalog, price, source: None, expected_version: None }))
}
