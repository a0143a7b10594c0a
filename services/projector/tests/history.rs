//! Histories to fold: small events of a few items and orders, as records of a log.

use event_log::Record;
use projector::Fold;
use read_model::views::{self, CONSUMER};
use read_model::{Checkpoints, RowWrite, ViewStore, sqlite::SqliteViews};
use schemas::{
    Caller, CommandId, CorrelationId, Currency, Digest, Effect, EffectId, Envelope, Event, FreeHoldId, ItemId, LineId,
    LocationId, Metadata, Money, PaymentId, Quantity, Role, ShardCount, StoreId, SubjectId, Timestamp, Topic,
    follows::{FollowsEvent, StoreFollowed, StoreUnfollowed},
    item::{
        Catalog, HoldCommitted, HoldGranted, HoldId, HoldReleased, ItemDelisted, ItemEvent, ItemKind, ItemListed,
        LocationLevels, PriceChanged, StockLevels, StockReceived,
    },
    order::{
        OrderCancelled, OrderConfirmed, OrderEvent, OrderLine, OrderOwner, OrderPlaced, PaymentAuthorized, PaymentMode,
        SubmitMode,
    },
};
use std::{collections::BTreeMap, future::Future, path::Path};

/// Partitions of each topic.
pub const SHARDS: u32 = 2;

pub fn shards() -> ShardCount {
    ShardCount::new(SHARDS).expect("a number of shards")
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
}

pub fn euros(cents: i64) -> Money {
    Money::new(cents, Currency::parse("EUR").expect("a currency")).expect("an amount")
}

fn store_id(number: u8) -> StoreId {
    StoreId::parse(&format!("store-{number}")).expect("an id")
}

fn effect(id: &str) -> Effect {
    Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::new([1; 16]) }
}

fn quantity(units: u32) -> Quantity {
    Quantity::new(units).expect("a quantity")
}

/// What may happen, of one item or order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    List(u8),
    Delist,
    Price(u8),
    Receive(u8),
    Grant(u8),
    Commit(u8),
    Release(u8),
    Place,
    Authorize,
    Confirm,
    Cancel,
    Follow(u8),
    Unfollow(u8),
}

/// Writes a history, and knows what keys its lists.
#[derive(Default)]
pub struct History {
    pub records: Vec<Record>,
    newest: BTreeMap<(Topic, u32), u64>,
    categories: BTreeMap<String, String>,
    version: u64,
}

impl History {
    /// Lets a step happen to the aggregate of that number.
    pub fn step(&mut self, number: u8, step: Step) {
        self.version += 1;
        let (item, order) = (format!("item-{number}"), format!("order-{number}"));
        let version = self.version;
        let levels = StockLevels { available: i64::from(number), on_hand: version, ..StockLevels::default() };
        match step {
            Step::List(category) => {
                let category = format!("category-{category}");
                let before = self.categories.insert(item.clone(), category.clone());
                self.item(&item, listed(category, before, version));
            }
            Step::Delist => {
                let category = self.categories.remove(&item);
                self.item(&item, ItemDelisted { catalog_version: version, source: None, category, store: None });
            }
            Step::Price(cents) => {
                let price = euros(cents.into());
                self.item(&item, PriceChanged { price, previous: None, catalog_version: version });
            }
            Step::Receive(location) => self.item(&item, received(location, levels)),
            Step::Grant(id) => self.item(&item, granted(id, levels)),
            Step::Commit(id) => {
                self.item(&item, HoldCommitted { hold: hold(id), quantity: quantity(1), stock: levels })
            }
            Step::Release(id) => {
                self.item(&item, HoldReleased { hold: hold(id), held: 1, committed: 0, stock: levels })
            }
            Step::Place => self.order(&order, placed(version)),
            Step::Authorize => self.order(&order, authorized(version)),
            Step::Confirm => self.order(&order, OrderConfirmed { attempt: 1 }),
            Step::Follow(store) => {
                self.follows(number, StoreFollowed { effect: effect("f"), store: store_id(store) });
            }
            Step::Unfollow(store) => {
                self.follows(number, StoreUnfollowed { effect: effect("f"), store: store_id(store) });
            }
            Step::Cancel => self.order(&order, OrderCancelled { effect: None, reason: None }),
        }
    }

    fn item(&mut self, item: &str, event: impl Into<ItemEvent>) {
        self.happens(item, &Event::Item(event.into()));
    }

    fn order(&mut self, order: &str, event: impl Into<OrderEvent>) {
        self.happens(order, &Event::Order(event.into()));
    }

    fn follows(&mut self, number: u8, event: impl Into<FollowsEvent>) {
        self.happens(&format!("shopper-{number}"), &Event::Follows(event.into()));
    }

    /// An event of a type that nobody knows.
    pub fn foreign(&mut self, topic: Topic, partition: u32, subject: &str) {
        let seq = self.newest.entry((topic, partition)).or_default();
        *seq += 1;
        let mut record =
            record(topic, partition, *seq, 1, subject, &Event::Order(OrderConfirmed { attempt: 1 }.into()));
        record.envelope.as_mut().expect("an event has one").event_type = "foreign.v1".into();
        self.records.push(record);
    }

    fn happens(&mut self, subject: &str, event: &Event) {
        let (topic, partition) = (event.topic(), shards().of_key(subject).0);
        let seq = self.newest.entry((topic, partition)).or_default();
        *seq += 1;
        self.records.push(record(topic, partition, *seq, 1, subject, event));
    }
}

/// A record whose offset leaves holes, as Kafka's do.
pub fn record(topic: Topic, partition: u32, seq: u64, epoch: u64, subject: &str, event: &Event) -> Record {
    let envelope = Envelope {
        event_type: event.event_type().into(),
        subject: subject.to_owned(),
        time: Timestamp::from_millis(1_000_000 + seq.cast_signed()),
        seq,
        epoch,
        actor: "operator:op".to_owned(),
        causation: CommandId::parse(&format!("cmd-{seq}")).expect("an id"),
        correlation: CorrelationId::parse("request").expect("an id"),
        traceparent: None,
    };
    let value = serde_json::to_vec(event).expect("events are JSON");
    Record {
        topic,
        partition,
        offset: seq * 3,
        key: subject.to_owned(),
        envelope: Some(envelope),
        headers: Vec::new(),
        value: Some(value),
    }
}

pub fn hold(id: u8) -> HoldId {
    let caller = SubjectId::parse("erp").expect("an id");
    HoldId::Free { caller, id: FreeHoldId::parse(&format!("hold-{id}")).expect("an id") }
}

pub fn granted(id: u8, stock: StockLevels) -> HoldGranted {
    HoldGranted {
        hold: hold(id),
        quantity: quantity(1),
        unit_price: euros(1),
        expires_at: None,
        reference: None,
        metadata: Metadata::default(),
        effect: None,
        stock,
    }
}

fn listed(category: String, before: Option<String>, catalog_version: u64) -> ItemListed {
    ItemListed {
        catalog: Catalog {
            name: "a thing".to_owned(),
            description: None,
            category: Some(category),
            store: None,
            kind: ItemKind::Physical,
            attributes: serde_json::Map::new(),
            images: Vec::new(),
            file: None,
            metadata: Metadata::default(),
        },
        catalog_version,
        source: None,
        previous_category: before,
        previous_store: None,
        effect: None,
    }
}

fn received(location: u8, stock: StockLevels) -> StockReceived {
    let place = LocationLevels {
        location: LocationId::parse(&format!("location-{location}")).expect("an id"),
        sellable: stock.on_hand,
        damaged: 0,
        quality_control: 0,
        allocated: 0,
        incoming: 0,
        forwarded: 0,
    };
    let (document, metadata) = ("note".to_owned(), Metadata::default());
    StockReceived {
        effect: effect("r"),
        quantity: quantity(1),
        document,
        occurred_at: None,
        metadata,
        feed: None,
        stock,
        place,
    }
}

fn placed(ordered_at: u64) -> OrderPlaced {
    let shopper = SubjectId::parse("alice").expect("an id");
    let placed_by = Caller { role: Role::Shopper, subject: shopper.clone(), store: None, location: None };
    OrderPlaced {
        from_cart: false,
        drop: None,
        effect: effect("place"),
        owner: OrderOwner { shopper: Some(shopper), placed_by },
        channel: None,
        ordered_at: Timestamp::from_millis(ordered_at.cast_signed()),
        lines: vec![OrderLine {
            line_id: LineId::parse("l").expect("an id"),
            item_id: ItemId::parse("item-1").expect("an id"),
            quantity: quantity(1),
            unit_price: None,
            expected_unit_price: None,
            metadata: Metadata::default(),
        }],
        adjustments: Vec::new(),
        payment: PaymentMode::Provider,
        submit: SubmitMode::Explicit,
        expires_in_seconds: 300,
        answers_due_at: Timestamp::from_millis(30_000),
        metadata: Metadata::default(),
    }
}

fn authorized(version: u64) -> PaymentAuthorized {
    let payment_id = PaymentId::parse(&format!("pay-{version}")).expect("an id");
    PaymentAuthorized { payment_id, amount: euros(100), provider_reference: "ref".to_owned() }
}

pub fn open(directory: &Path) -> SqliteViews {
    SqliteViews::open(&directory.join("views.sqlite"), &views::tables()).expect("it opens")
}

/// A fold that begins where these checkpoints are, with nothing in memory.
pub fn fold_at(checkpoints: &Checkpoints) -> Fold {
    Fold::new(views::all(), shards(), checkpoints)
}

/// Folds a batch and writes what follows.
pub fn fold_batch(fold: &mut Fold, store: &dyn ViewStore, records: Vec<Record>) {
    let (rows, checkpoints) = fold_only(fold, store, records);
    block_on(store.write(CONSUMER, &rows, &checkpoints)).expect("it writes");
}

/// Folds a batch; what is to be written.
pub fn fold_only(fold: &mut Fold, store: &dyn ViewStore, records: Vec<Record>) -> (Vec<RowWrite>, Checkpoints) {
    let batch = fold.read(records);
    for needs in [Fold::needs, Fold::needs_more] {
        for needed in needs(fold, &batch) {
            let rows = block_on(store.get(needed.table, &needed.keys)).expect("it reads");
            fold.load(needed, rows).expect("the rows are readable");
        }
    }
    fold.fold(batch).expect("the rows are JSON")
}

/// A row of any table, tombstones too.
pub type Dumped = (String, String, String, i64, Option<Vec<u8>>);

/// All rows of all tables.
pub fn dump(directory: &Path) -> Vec<Dumped> {
    let file = rusqlite::Connection::open(directory.join("views.sqlite")).expect("it opens");
    let mut rows = Vec::new();
    for table in views::tables() {
        let mut select = file
            .prepare(&format!("SELECT p, c, v, b FROM \"{}\" ORDER BY p, c", table.name))
            .expect("the table is there");
        let read =
            select.query_map([], |row| Ok((table.name.to_owned(), row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
        rows.extend(read.expect("it reads").map(|row| row.expect("it reads")));
    }
    rows
}
