//! A small shop: events go in, are folded one by one and written, and the views are asked.

use crate::contract::block_on;
use read_model::{
    Checkpoints, ViewStore,
    fold::{Fact, ViewFold},
    sqlite::SqliteViews,
    views,
};
use schemas::{
    Caller, CommandId, CorrelationId, Currency, Digest, Effect, EffectId, Envelope, Event, ItemId, LocationId,
    Metadata, Money, Position, Quantity, Role, StoreId, SubjectId, Timestamp, Topic,
    item::{Catalog, HoldId, ItemEvent, ItemKind, ItemListed, LocationLevels, StockLevels},
    order::OrderEvent,
    warehouse::WarehouseEvent,
};

/// The time of the first event, in milliseconds; each later one comes a second after the one before.
pub const BEGIN_MS: i64 = 1_800_000_000_000;

pub struct Shop {
    pub store: SqliteViews,
    folds: Vec<Box<dyn ViewFold>>,
    seqs: [u64; 2],
    time: Timestamp,
    history: Vec<(Position, Envelope, Event)>,
    directory: tempfile::TempDir,
}

impl Shop {
    pub fn open() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = SqliteViews::open(&directory.path().join("views.sqlite"), &views::tables()).expect("it opens");
        let time = Timestamp::from_millis(BEGIN_MS - 1_000);
        Self { store, folds: views::all(), seqs: [0; 2], time, history: Vec::new(), directory }
    }

    pub fn item(&mut self, item: &str, event: impl Into<ItemEvent>) -> Position {
        self.happens(item, &Event::Item(event.into()))
    }

    pub fn order(&mut self, order: &str, event: impl Into<OrderEvent>) -> Position {
        self.happens(order, &Event::Order(event.into()))
    }

    pub fn cart(&mut self, shopper: &str, event: impl Into<schemas::cart::CartEvent>) -> Position {
        self.happens(shopper, &Event::Cart(event.into()))
    }

    pub fn seller(&mut self, store: &str, event: impl Into<schemas::store::StoreEvent>) -> Position {
        self.happens(store, &Event::Store(event.into()))
    }

    pub fn follows(&mut self, shopper: &str, event: impl Into<schemas::follows::FollowsEvent>) -> Position {
        self.happens(shopper, &Event::Follows(event.into()))
    }

    pub fn shopper(&mut self, shopper: &str, event: impl Into<schemas::shopper::ShopperEvent>) -> Position {
        self.happens(shopper, &Event::Shopper(event.into()))
    }

    pub fn drop(&mut self, drop: &str, event: impl Into<schemas::drop::DropEvent>) -> Position {
        self.happens(drop, &Event::Drop(event.into()))
    }

    pub fn warehouse(&mut self, location: &str, event: WarehouseEvent) -> Position {
        self.happens(location, &Event::Warehouse(event))
    }

    fn happens(&mut self, subject: &str, event: &Event) -> Position {
        let topic = event.topic();
        let seq = &mut self.seqs[usize::from(topic == Topic::OrdersEvents)];
        *seq += 1;
        let position = Position { topic, partition: 0, seq: *seq };
        self.time = self.time.plus_seconds(1);
        let envelope = Envelope {
            event_type: event.event_type().into(),
            subject: subject.to_owned(),
            time: self.time,
            seq: *seq,
            epoch: 1,
            actor: "operator:op".to_owned(),
            causation: CommandId::parse(&format!("cmd-{seq}")).expect("an id"),
            correlation: CorrelationId::parse("request").expect("an id"),
            traceparent: None,
        };
        self.history.push((position, envelope, event.clone()));
        self.fold(self.history.len() - 1, 1);
        position
    }

    /// Nothing happens for a while.
    pub fn wait(&mut self, seconds: u32) {
        self.time = self.time.plus_seconds(seconds);
    }

    /// When the newest event happened.
    pub fn now(&self) -> Timestamp {
        self.time
    }

    /// Folds some of the history as one batch.
    fn fold(&mut self, first: usize, count: usize) {
        let mut rows = Vec::new();
        let batch = self.history[first..].iter().take(count);
        let facts: Vec<_> =
            batch.map(|(position, envelope, event)| Fact { position: *position, envelope, event }).collect();
        for fold in &mut self.folds {
            let keys = fold.needs(&facts);
            let found = block_on(self.store.get(fold.table(), &keys)).expect("it reads");
            fold.load(keys, found).expect("the rows are readable");
            for (table, keys) in fold.needs_more(&facts) {
                let found = block_on(self.store.get(table, &keys)).expect("it reads");
                fold.load_more(table, keys, found).expect("the rows are readable");
            }
            facts.iter().for_each(|fact| fold.fold(fact));
            fold.drain(&mut rows).expect("the rows are JSON");
        }
        block_on(self.store.write("c", &rows, &Checkpoints::new())).expect("it writes");
    }

    /// Folds all that happened once more into a store with nothing in it, so many events at a time; then again over what
    /// is there.
    pub fn replay(&mut self, batch: usize) {
        let path = self.directory.path().join(format!("replay-{batch}.sqlite"));
        self.store = SqliteViews::open(&path, &views::tables()).expect("it opens");
        for _ in 0..2 {
            self.restart();
            (0..self.history.len()).step_by(batch).for_each(|first| self.fold(first, batch));
        }
    }

    /// Forgets the rows in memory, as a restart does.
    pub fn restart(&mut self) {
        self.folds = views::all();
    }
}

pub fn item_id(id: &str) -> ItemId {
    ItemId::parse(id).expect("an id")
}

pub fn subject(id: &str) -> SubjectId {
    SubjectId::parse(id).expect("an id")
}

pub fn caller(id: &str) -> Caller {
    Caller { role: Role::Shopper, subject: subject(id), store: None, location: None }
}

pub fn quantity(units: u32) -> Quantity {
    Quantity::new(units).expect("a quantity")
}

pub fn euros(cents: i64) -> Money {
    Money::new(cents, Currency::parse("EUR").expect("a currency")).expect("an amount")
}

pub fn effect(id: &str) -> Effect {
    Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::new([1; 16]) }
}

pub fn free_hold(caller: &str, id: &str) -> HoldId {
    HoldId::Free { caller: subject(caller), id: schemas::FreeHoldId::parse(id).expect("an id") }
}

pub fn levels(available: i64, on_hand: u64, held: u64) -> StockLevels {
    StockLevels { available, on_hand, held, ..StockLevels::default() }
}

pub fn place(location: &str, sellable: u64) -> LocationLevels {
    LocationLevels {
        location: LocationId::parse(location).expect("an id"),
        sellable,
        damaged: 0,
        quality_control: 0,
        allocated: 0,
        incoming: 0,
        forwarded: 0,
    }
}

pub fn listed(version: u64, category: Option<&str>, store: Option<&str>, before: Option<&ItemListed>) -> ItemListed {
    let store = store.map(|store| StoreId::parse(store).expect("an id"));
    ItemListed {
        catalog: Catalog {
            name: "a thing".to_owned(),
            description: None,
            category: category.map(str::to_owned),
            store,
            kind: ItemKind::Physical,
            attributes: serde_json::Map::new(),
            images: Vec::new(),
            file: None,
            metadata: Metadata::default(),
        },
        catalog_version: version,
        source: None,
        previous_category: before.and_then(|before| before.catalog.category.clone()),
        previous_store: before.and_then(|before| before.catalog.store.clone()),
        effect: None,
    }
}
