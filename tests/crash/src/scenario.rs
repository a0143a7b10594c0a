//! What the clients of a run want: small, with everything that writes to a file in it.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use schemas::{
    Caller, Command, CommandEnvelope, CommandId, CorrelationId, Currency, Digest, Effect, EffectId, FreeHoldId, ItemId,
    LineId, LocationId, Metadata, Money, OrderId, PositionToken, Quantity, ReplyAddress, Role, SubjectId, Timestamp,
    item::{Catalog, HoldId, ItemCommand, ItemKind, ListItem, PlaceHold, ReceiveStock},
    order::{OrderCommand, OrderLine, PaymentMode, PlaceOrder, SubmitMode},
};
use std::collections::BTreeMap;

/// There is enough of these: what is asked of them is granted.
pub const AMPLE: [&str; 4] = ["ale", "beer", "cider", "mead"];
/// There is too little of it.
pub const SCARCE: &str = "last";
/// Units of each ample item, and of the scarce one.
pub const UNITS: [u32; 2] = [1_000, 3];
/// What is asked for after a recovery, to see whether the engine goes on.
pub const PROBE: &str = "probe";

/// One effect that a client wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// An item is listed.
    List(&'static str),
    /// An item gets its units.
    Receive(&'static str),
    /// A hold for a minute, by its id.
    Hold {
        /// Of which item.
        item: &'static str,
        /// Its id.
        id: String,
        /// Whose key its metadata names.
        person: Option<String>,
    },
    /// An order over some items, confirmed as soon as all are held.
    Order {
        /// Its id.
        id: String,
        /// One unit of each.
        items: Vec<&'static str>,
    },
}

/// What happens in a run, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// These wishes are sent at once and all answers awaited.
    Ask(std::ops::Range<usize>),
    /// Everything that was begun ends, and the views have folded it.
    Settle,
    /// Pages of the views are copied from their write-ahead log into the file, as SQLite does when it is long.
    CheckpointViews,
    /// Time passes, in seconds.
    Pass(i64),
    /// The keys of a person are destroyed.
    Forget(String),
    /// A clean stop, and the next start.
    Restart,
}

/// A run.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// By number.
    pub wishes: Vec<Wish>,
    /// In order.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// Of this seed, with `rounds` of load in each of two lives.
    #[must_use]
    pub fn new(seed: u64, rounds: u32) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut scenario = Self { wishes: Vec::new(), steps: Vec::new() };
        let all = || AMPLE.into_iter().chain([SCARCE]);
        scenario.ask(all().map(Wish::List));
        scenario.ask(all().map(Wish::Receive));
        for life in 0..2 {
            for round in 0..rounds {
                let load = Self::load(&format!("{life}-{round}"), &mut random);
                scenario.ask(load);
            }
            scenario.steps.extend([Step::Settle, Step::Pass(600)]);
            scenario.ask([Self::hold(AMPLE[0], &format!("{life}-late"), None)]);
            if life == 0 {
                scenario.steps.extend([Step::Forget("0-0".to_owned()), Step::CheckpointViews, Step::Restart]);
            }
        }
        scenario.steps.push(Step::Settle);
        scenario
    }

    fn ask(&mut self, wishes: impl IntoIterator<Item = Wish>) {
        let first = self.wishes.len();
        self.wishes.extend(wishes);
        self.steps.push(Step::Ask(first..self.wishes.len()));
    }

    fn hold(item: &'static str, id: &str, person: Option<String>) -> Wish {
        Wish::Hold { item, id: format!("h-{id}"), person }
    }

    fn load(round: &str, random: &mut StdRng) -> Vec<Wish> {
        let mut load = Vec::new();
        for n in 0..random.random_range(2..4) {
            let item = AMPLE[random.random_range(0..AMPLE.len())];
            load.push(Self::hold(item, &format!("{round}-{n}"), (n == 0).then(|| round.to_owned())));
        }
        for n in 0..2 {
            let first = random.random_range(0..AMPLE.len());
            let items = (0..random.random_range(2..4)).map(|n| AMPLE[(first + n) % AMPLE.len()]).collect();
            load.push(Wish::Order { id: format!("o-{round}-{n}"), items });
        }
        load.extend((0..2).map(|n| Self::hold(SCARCE, &format!("{round}-last-{n}"), None)));
        load
    }
}

/// A system that may do everything that is asked for here.
#[must_use]
pub fn caller() -> Caller {
    Caller { role: Role::Service, subject: subject("shop"), store: None, location: None }
}

/// The pseudonym of a person.
///
/// # Panics
/// If it is no id.
#[must_use]
pub fn subject(name: &str) -> SubjectId {
    SubjectId::parse(name).expect("an id")
}

fn effect(id: &str) -> Effect {
    Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::default() }
}

/// The envelope of a command: request `request` of `node`, of a life with this name.
///
/// # Panics
/// If the name makes no id.
#[must_use]
pub fn envelope(command: Command, life: &str, to: ReplyAddress, now: Timestamp) -> CommandEnvelope {
    let id = format!("{life}-{}", to.request);
    CommandEnvelope {
        id: CommandId::parse(&id).expect("an id"),
        caller: caller(),
        correlation: CorrelationId::parse(&id).expect("an id"),
        reply_to: Some(to),
        positions: PositionToken::default(),
        sent_at: now,
        traceparent: None,
        command,
    }
}

impl Wish {
    /// The person whose key it names.
    #[must_use]
    pub fn person(&self) -> Option<&str> {
        match self {
            Self::Hold { person, .. } => person.as_deref(),
            Self::List(_) | Self::Receive(_) | Self::Order { .. } => None,
        }
    }

    /// The command that asks for it; `key` is the id of its person's key.
    ///
    /// # Panics
    /// Never: its ids are ids.
    #[must_use]
    pub fn command(&self, key: Option<uuid::Uuid>) -> Command {
        let item = |item: &str, command| Command::Item { item: ItemId::parse(item).expect("an id"), command };
        match self {
            Self::List(name) => item(name, ItemCommand::List(listing(name))),
            Self::Receive(name) => {
                let units = UNITS[usize::from(*name == SCARCE)];
                item(
                    name,
                    ItemCommand::Receive(ReceiveStock {
                        effect: effect(&format!("r-{name}")),
                        location: LocationId::parse("main").expect("an id"),
                        quantity: Quantity::new(units).expect("some"),
                        document: "note".to_owned(),
                        occurred_at: None,
                        metadata: Metadata::default(),
                    }),
                )
            }
            Self::Hold { item: name, id, .. } => {
                let pairs = key.map(|key| BTreeMap::from([("key".to_owned(), key.to_string())]));
                item(
                    name,
                    ItemCommand::PlaceHold(PlaceHold {
                        hold: HoldId::Free { caller: caller().subject, id: FreeHoldId::parse(id).expect("an id") },
                        quantity: Quantity::new(1).expect("one"),
                        expected_price: None,
                        only_store: None,
                        expires_in_seconds: Some(60),
                        reference: None,
                        metadata: Metadata::new(pairs.unwrap_or_default()).expect("one pair"),
                        effect: Some(effect(id)),
                    }),
                )
            }
            Self::Order { id, items } => Command::Order {
                order: OrderId::parse(id).expect("an id"),
                command: OrderCommand::Place(order(id, items)),
            },
        }
    }
}

fn listing(name: &str) -> ListItem {
    let catalog = Catalog {
        name: name.to_owned(),
        description: None,
        category: None,
        store: None,
        kind: ItemKind::Physical,
        attributes: serde_json::Map::new(),
        images: Vec::new(),
        file: None,
        metadata: Metadata::default(),
    };
    let price = Money::new(500, Currency::parse("EUR").expect("a currency")).expect("a price");
    ListItem { catalog, price, source: None, expected_version: None }
}

fn order(id: &str, items: &[&str]) -> PlaceOrder {
    let line = |(n, item): (usize, &&str)| OrderLine {
        line_id: LineId::parse(&format!("l{n}")).expect("an id"),
        item_id: ItemId::parse(item).expect("an id"),
        quantity: Quantity::new(1).expect("one"),
        unit_price: None,
        expected_unit_price: None,
        metadata: Metadata::default(),
    };
    PlaceOrder {
        from_cart: false,
        effect: effect(id),
        shopper: None,
        channel: None,
        ordered_at: None,
        lines: items.iter().enumerate().map(line).collect(),
        adjustments: Vec::new(),
        payment: PaymentMode::External,
        submit: SubmitMode::Auto,
        expires_in_seconds: None,
        metadata: Metadata::default(),
    }
}
