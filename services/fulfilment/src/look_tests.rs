//! What is read from real views, and when.

use crate::{
    core_tests::{effect, item, location, order_id, received, record},
    look::{Floor, Sources},
};
use event_log::sqlite::{SqliteLog, SqliteOptions};
use keys::{KeyStore, SqliteKeyStore};
use parking_lot::Mutex;
use read_model::{
    Checkpoint, Checkpoints, Row, RowKey, RowWrite, Scan, StoreFuture, Table, ViewStore, fold::Fact,
    sqlite::SqliteViews, views,
};
use schemas::{
    Currency, Event, Money, PaymentId, Position, SubjectId, Topic,
    order::{Address, PaymentStarted},
    warehouse::Coordinates,
};
use std::{pin::Pin, sync::Arc};

/// An engine's stores, with nothing in them.
struct Shop {
    sources: Sources,
    _dir: tempfile::TempDir,
}

impl Shop {
    fn open() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let options = SqliteOptions { disk_reserve_bytes: 0, ..SqliteOptions::new(dir.path()) };
        let log = SqliteLog::open(options).expect("a log");
        let views = Arc::new(SqliteViews::open(&dir.path().join("views.sqlite"), &views::tables()).expect("views"));
        let keys = Arc::new(SqliteKeyStore::open(&dir.path().join("keys.sqlite")).expect("keys"));
        Self { sources: Sources { log, views, keys }, _dir: dir }
    }

    /// Folds an event, the first of its topic's first partition, and writes what comes of it.
    async fn fold(&self, subject: &str, event: Event) {
        let (rows, checkpoints) = self.folded(subject, event).await;
        self.sources.views.write(views::CONSUMER, &rows, &checkpoints).await.expect("written");
    }

    async fn folded(&self, subject: &str, event: Event) -> (Vec<RowWrite>, Checkpoints) {
        let record = record(subject, 1, event.clone());
        let envelope = record.envelope.expect("an event");
        let fact = Fact {
            position: Position { topic: event.topic(), partition: 0, seq: 1 },
            envelope: &envelope,
            event: &event,
        };
        let store = &self.sources.views;
        let mut rows = Vec::new();
        for mut view in views::all() {
            let keys = view.needs(&[fact]);
            let found = store.get(view.table(), &keys).await.expect("rows");
            view.load(keys, found).expect("rows");
            view.fold(&fact);
            view.drain(&mut rows).expect("rows");
        }
        let checkpoint = Checkpoint { seq: 1, offset: 11, epoch: 3 };
        (rows, Checkpoints::from([((event.topic(), 0), checkpoint)]))
    }
}

fn cups() -> Event {
    Event::Item(received("ber", 5))
}

fn address() -> Address {
    Address {
        name: "Ada".to_owned(),
        lines: vec!["1 Road".to_owned()],
        city: "Leeds".to_owned(),
        postal_code: None,
        region: None,
        country: "GB".to_owned(),
        phone: None,
        coordinates: Some(Coordinates { latitude_micro: 53_800_000, longitude_micro: -1_550_000 }),
    }
}

/// Views to which nothing is written before somebody waits for it.
struct Lagging {
    views: Arc<dyn ViewStore>,
    later: Mutex<Option<(Vec<RowWrite>, Checkpoints)>>,
}

impl ViewStore for Lagging {
    fn write<'a>(&'a self, consumer: &'a str, rows: &'a [RowWrite], at: &'a Checkpoints) -> StoreFuture<'a, ()> {
        self.views.write(consumer, rows, at)
    }

    fn get<'a>(&'a self, table: Table, keys: &'a [RowKey]) -> StoreFuture<'a, Vec<Option<Row>>> {
        self.views.get(table, keys)
    }

    fn scan<'a>(&'a self, scan: Scan<'a>) -> StoreFuture<'a, Vec<Row>> {
        self.views.scan(scan)
    }

    fn checkpoints<'a>(&'a self, consumer: &'a str) -> StoreFuture<'a, Checkpoints> {
        self.views.checkpoints(consumer)
    }

    fn changed<'a>(&'a self) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async {
            let later = self.later.lock().take();
            let (rows, checkpoints) = later.expect("it is waited for once");
            self.views.write(views::CONSUMER, &rows, &checkpoints).await.expect("written");
        })
    }
}

#[tokio::test]
async fn views_are_read_once_they_have_passed_the_floor() {
    let mut shop = Shop::open();
    let later = Mutex::new(Some(shop.folded("cup", cups()).await));
    shop.sources.views = Arc::new(Lagging { views: Arc::clone(&shop.sources.views), later });
    let mut floor = Floor::default();
    floor.raise(Topic::InventoryEvents, 0, 11);
    let known = shop.sources.look(floor, &[item("cup"), item("pot")], &[]).await.expect("they are readable");
    assert_eq!(known.stock.keys().collect::<Vec<_>>(), [&item("cup")]);
    assert_eq!(known.stock[&item("cup")], [(location("ber"), 5)].into());
}

#[tokio::test]
async fn an_order_whose_address_cannot_be_opened_is_planned_without_it() {
    let shop = Shop::open();
    let keys: &dyn KeyStore = &*shop.sources.keys;
    let ada = SubjectId::parse("ada").expect("an id");
    let sealed = keys::seal(keys, &ada, &address()).await.expect("sealed");
    let started = PaymentStarted {
        effect: effect("pay-1"),
        payment_id: PaymentId::parse("pay-1").expect("an id"),
        amount: Money::new(100, Currency::parse("EUR").expect("a currency")).expect("an amount"),
        method_token: "tok".to_owned(),
        shipping_address: Some(sealed),
    };
    shop.fold("o-1", Event::Order(started.into())).await;
    shop.fold("cup", cups()).await;
    let look = || async {
        let known = shop.sources.look(Floor::default(), &[item("cup")], &[order_id("o-1"), order_id("o-2")]).await;
        known.expect("they are readable")
    };
    assert_eq!(look().await.addresses, [(order_id("o-1"), address())].into());
    keys.destroy(&ada).await.expect("forgotten");
    let known = look().await;
    assert_eq!((known.addresses.len(), known.stock.len()), (0, 1));
}
