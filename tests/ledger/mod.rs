//! The ledger explains every unit: whoever adds up its entries, and knows nothing else, comes after each of them to the
//! levels that it tells, and at the end to those of the stock view.

mod reckoning;
mod steps;

use rand::{SeedableRng as _, rngs::StdRng};
use read_model::{
    Checkpoints, ViewStore as _,
    fold::Fact,
    sqlite::SqliteViews,
    views::{self, ledger, stock},
};
use reckoning::Reckoning;
use schemas::{
    CommandId, CorrelationId, Envelope, Event, ItemId, Position, Timestamp, Topic,
    item::{ItemEvent, ItemKind},
};
use std::{collections::BTreeSet, future::Future};
use steps::{BEGIN, Life};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// Views over the lives of some items, with what happened in the order in which it did.
struct Shop {
    store: SqliteViews,
    _directory: tempfile::TempDir,
    events: Vec<(ItemId, Timestamp, ItemEvent)>,
}

impl Shop {
    fn open() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = SqliteViews::open(&directory.path().join("views.sqlite"), &views::tables()).expect("it opens");
        Self { store, _directory: directory, events: Vec::new() }
    }

    fn live(&mut self, life: Life) -> ItemId {
        let id = life.id().clone();
        self.events.extend(life.events.into_iter().map(|(time, event)| (id.clone(), time, event)));
        id
    }

    fn fold(&self) {
        let envelope = |n: usize| {
            let (item, time, event) = &self.events[n];
            let event = Event::Item(event.clone());
            let seq = n as u64 + 1;
            let envelope = Envelope {
                event_type: event.event_type().into(),
                subject: item.to_string(),
                time: *time,
                seq,
                epoch: 1,
                actor: "operator:op".to_owned(),
                causation: CommandId::parse(&format!("c-{seq}")).expect("an id"),
                correlation: CorrelationId::parse("request").expect("an id"),
                traceparent: None,
            };
            (Position { topic: Topic::InventoryEvents, partition: 0, seq }, envelope, event)
        };
        let records: Vec<_> = (0..self.events.len()).map(envelope).collect();
        for mut view in views::all() {
            for batch in records.chunks(97) {
                let mut facts = Vec::with_capacity(batch.len());
                for (position, envelope, event) in batch {
                    facts.push(Fact { position: *position, envelope, event });
                }
                let keys = view.needs(&facts);
                let found = block_on(self.store.get(view.table(), &keys)).expect("it reads");
                view.load(keys, found).expect("the rows are readable");
                facts.iter().for_each(|fact| view.fold(fact));
                let mut rows = Vec::new();
                view.drain(&mut rows).expect("the rows are JSON");
                block_on(self.store.write("c", &rows, &Checkpoints::new())).expect("it writes");
            }
        }
    }

    /// Holds the ledger of an item against its events and the stock view; the kinds that it tells of.
    fn check(&self, item: &ItemId, kind: ItemKind) -> BTreeSet<String> {
        let mut entries = block_on(ledger::page(&self.store, item, None, 10_000)).expect("it reads");
        entries.reverse();
        let touch = |(_, (of, _, event)): &(usize, &(ItemId, Timestamp, ItemEvent))| {
            of == item && stock::levels(event).is_some()
        };
        let told: Vec<u64> = self.events.iter().enumerate().filter(touch).map(|(n, _)| n as u64 + 1).collect();
        let seqs: Vec<u64> = entries.iter().map(|entry| entry.position.seq).collect();
        assert_eq!(seqs, told, "every event that touches stock stands in the ledger");
        let mut reckoning = Reckoning::new(kind);
        for entry in &entries {
            reckoning.add(entry);
        }
        let Some(newest) = entries.last() else { return BTreeSet::new() };
        let shown = block_on(stock::get(&self.store, item)).expect("it reads").expect("it has stock");
        assert_eq!((shown.position, shown.levels), (newest.position, newest.levels));
        assert_eq!(shown.locations, reckoning.places);
        entries.iter().map(|entry| format!("{:?}", entry.kind)).collect()
    }
}

#[test]
fn its_entries_add_up_to_the_stock_that_is_shown() {
    let mut shop = Shop::open();
    let mut items = Vec::new();
    for seed in 0..60 {
        let kind = if seed % 6 == 5 { ItemKind::Digital } else { ItemKind::Physical };
        items.push((shop.live(Life::lived(&mut StdRng::seed_from_u64(seed), seed, kind)), kind));
    }
    assert!(shop.events.iter().all(|(_, time, _)| *time >= BEGIN));
    shop.fold();
    let kinds: BTreeSet<String> = items.iter().flat_map(|(item, kind)| shop.check(item, *kind)).collect();
    assert_eq!(kinds.len(), 20, "every kind is tried: {kinds:?}");
}
