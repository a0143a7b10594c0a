//! The core without log, store, time or connections.

use super::{
    core::{Bell, Core, Key, MAX_KEYS, SubscriberId},
    item_now::{ItemNow, Shown},
};
use proptest::{prelude::*, sample::Index};
use read_model::{
    fold::{Fact, View as _},
    views::item::{ItemRow, ItemView},
};
use schemas::{
    CommandId, CorrelationId, Currency, Digest, Effect, EffectId, Envelope, Event, ItemId, Money, Position, Quantity,
    ShardCount, SubjectId, Timestamp, Topic,
    item::{Catalog, ItemKind, ItemListed, LocationLevels, PriceChanged, StockLevels, StockReceived},
    shopper::{Channels, Notification, NotificationKind, ShopperEvent, ShopperNotified},
};
use std::{cell::Cell, collections::BTreeMap, rc::Rc};

#[derive(Clone, Default)]
struct Rings(Rc<Cell<u32>>);

impl Bell for Rings {
    fn ring(&self) {
        self.0.set(self.0.get() + 1);
    }
}

fn shards() -> ShardCount {
    ShardCount::new(4).expect("a count")
}

fn item(n: usize) -> ItemId {
    ItemId::parse(&format!("i{n}")).expect("an id")
}

/// A log of items and inboxes, without a reader.
#[derive(Default)]
struct Log(Vec<(Position, Envelope, Event)>);

impl Log {
    fn append(&mut self, topic: Topic, key: &str, event: Event) -> usize {
        let partition = shards().of_key(key).0;
        let same = |(at, ..): &&(Position, Envelope, Event)| (at.topic, at.partition) == (topic, partition);
        let seq = self.0.iter().filter(same).count() as u64 + 1;
        let envelope = Envelope {
            event_type: event.event_type().into(),
            subject: key.to_owned(),
            time: Timestamp::from_millis(0),
            seq,
            epoch: 1,
            actor: "operator:somebody".to_owned(),
            causation: CommandId::parse("cause").expect("an id"),
            correlation: CorrelationId::parse("request").expect("an id"),
            traceparent: None,
        };
        self.0.push((Position { topic, partition, seq }, envelope, event));
        self.0.len() - 1
    }

    fn levels(&mut self, n: usize, available: i64) -> usize {
        let received = StockReceived {
            effect: Effect { id: EffectId::parse("receipt").expect("an id"), digest: Digest::default() },
            quantity: Quantity::new(1).expect("a quantity"),
            document: "note".to_owned(),
            occurred_at: None,
            metadata: schemas::Metadata::default(),
            feed: None,
            stock: StockLevels { available, ..StockLevels::default() },
            place: LocationLevels {
                location: schemas::LocationId::parse("main").expect("an id"),
                sellable: 0,
                damaged: 0,
                quality_control: 0,
                allocated: 0,
                incoming: 0,
                forwarded: 0,
            },
        };
        self.append(Topic::InventoryEvents, item(n).as_str(), Event::Item(received.into()))
    }

    fn listed(&mut self, n: usize) {
        let catalog = Catalog {
            name: "Tea".to_owned(),
            description: None,
            category: None,
            store: None,
            kind: ItemKind::Physical,
            attributes: serde_json::Map::new(),
            images: Vec::new(),
            file: None,
            metadata: schemas::Metadata::default(),
        };
        let listed = ItemListed {
            catalog,
            catalog_version: 1,
            source: None,
            previous_category: None,
            previous_store: None,
            effect: None,
        };
        self.append(Topic::InventoryEvents, item(n).as_str(), Event::Item(listed.into()));
        let price = Money::new(500, Currency::parse("EUR").expect("a currency")).expect("an amount");
        let priced = PriceChanged { price, previous: None, catalog_version: 2 };
        self.append(Topic::InventoryEvents, item(n).as_str(), Event::Item(priced.into()));
    }

    fn fact(&self, at: usize) -> Fact<'_> {
        let (position, envelope, event) = &self.0[at];
        Fact { position: *position, envelope, event }
    }

    /// The row of an item as the view has it after so many events of the log.
    fn row(&self, n: usize, folded: usize) -> Option<ItemRow> {
        let mut row = None;
        let of_item = (0..folded).map(|at| self.fact(at)).filter(|fact| fact.envelope.subject == item(n).as_str());
        of_item.for_each(|fact| ItemView::fold(&mut row, &fact));
        row
    }
}

fn shown<B: Bell>(core: &Core<B>, n: usize) -> Shown {
    core.item(&item(n)).map_or(Shown::Unknown, ItemNow::shown)
}

#[test]
fn a_subscriber_is_woken_once_and_reads_the_newest() {
    let (mut log, mut core, rings) = (Log::default(), Core::new(shards()), Rings::default());
    log.listed(0);
    let id = core.subscribe(vec![Key::Item(item(0)), Key::Item(item(1))], rings.clone());
    core.begin_item(&item(0), |now| now.begin(log.row(0, 2).as_ref()));
    assert_eq!(core.take(id), [Key::Item(item(0))]);
    for n in 1..=100_000_u32 {
        log.0.truncate(2);
        let at = log.levels(0, n.into());
        log.0[at].0.seq = u64::from(n) + 2;
        core.apply(&log.fact(at));
    }
    assert_eq!(rings.0.get(), 2, "one for the beginning, one for all of the changes");
    assert_eq!((core.take(id), shown(&core, 0)), (vec![Key::Item(item(0))], Shown::Available(Some(100_000))));
    assert_eq!(core.take(id), []);
}

#[test]
fn what_nobody_watches_is_forgotten() {
    let mut core = Core::new(shards());
    let drop = schemas::DropId::parse("d").expect("an id");
    let shopper = SubjectId::parse("ada").expect("an id");
    let keys = vec![
        Key::Item(item(0)),
        Key::Drop(drop.clone()),
        Key::Place(drop.clone(), shopper.clone()),
        Key::Inbox(shopper),
    ];
    let first = core.subscribe(keys.clone(), Rings::default());
    let second = core.subscribe(keys.clone(), Rings::default());
    assert_eq!((core.watched(), core.missing(&keys).len()), (4, 3), "an inbox has no beginning");
    core.unsubscribe(first);
    assert_eq!((core.watched(), core.is_watched(Topic::DropsEvents, "d")), (4, true));
    core.unsubscribe(second);
    assert_eq!((core.watched(), core.missing(&keys).len()), (0, 0));
    assert!(!core.is_watched(Topic::DropsEvents, "d") && !core.is_watched(Topic::InventoryEvents, "i0"));
}

#[test]
fn each_of_two_hundred_keys_has_its_own_bit() {
    let (mut log, mut core) = (Log::default(), Core::new(shards()));
    let id = core.subscribe((0..MAX_KEYS).map(|n| Key::Item(item(n))).collect(), Rings::default());
    (0..MAX_KEYS).for_each(|n| core.begin_item(&item(n), |now| now.begin(None)));
    core.take(id);
    for n in [0, 63, 64, 127, 128, 199] {
        let from = log.0.len();
        log.listed(n);
        (from..log.0.len()).for_each(|at| core.apply(&log.fact(at)));
    }
    assert_eq!(core.take(id), [0, 63, 64, 127, 128, 199].map(|n| Key::Item(item(n))));
}

#[test]
fn of_notifications_who_is_slow_gets_the_newest_and_is_told_that_some_were_missed() {
    let (mut log, mut core) = (Log::default(), Core::new(shards()));
    let shopper = SubjectId::parse("ada").expect("an id");
    let id = core.subscribe(vec![Key::Inbox(shopper.clone())], Rings::default());
    let mut tell = |core: &mut Core<Rings>, n: usize, in_app| {
        let notification = Notification {
            notification_id: EffectId::parse(&format!("n-{n}")).expect("an id"),
            kind: NotificationKind::OrderShipped,
            occurred_at: Timestamp::from_millis(0),
            store: None,
            drop: None,
            order_id: None,
        };
        let told = ShopperNotified { notification, channels: Channels { in_app, email: true } };
        let at = log.append(Topic::ShoppersEvents, "ada", Event::Shopper(ShopperEvent::from(told)));
        core.apply(&log.fact(at));
    };
    tell(&mut core, 0, false);
    assert_eq!(core.take(id), [], "it goes by e-mail only");
    tell(&mut core, 1, true);
    assert_eq!(core.take(id).len(), 1);
    let after = |core: &Core<Rings>, seq| core.inbox(&shopper).expect("watched").after(seq);
    assert_eq!((after(&core, 0).0.len(), after(&core, 0).1, after(&core, 2).0.len()), (1, false, 0));
    (2..1_000).for_each(|n| tell(&mut core, n, true));
    let (kept, missed) = after(&core, 2);
    assert_eq!((kept.len(), missed), (32, true));
    assert_eq!(kept.last().expect("the newest").notification.notification_id.as_str(), "n-999");
}

/// What happens between a log, the views and a core.
#[derive(Debug, Clone)]
enum Step {
    /// An item has other levels.
    Change(usize, i64),
    /// The reader of the node goes on by an event, or the views do.
    Hear,
    Fold,
    /// A client begins to watch some items, or goes away.
    Watch(Vec<usize>),
    Leave(Index),
    /// The row of a key that is missing is read.
    Begin(Index),
    /// A client reads what has changed.
    Read(Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_usize, 0..50_i64).prop_map(|(n, available)| Step::Change(n, available)),
        4 => Just(Step::Hear),
        4 => Just(Step::Fold),
        1 => proptest::collection::btree_set(0..4_usize, 1..4).prop_map(|items| Step::Watch(items.into_iter().collect())),
        1 => any::<Index>().prop_map(Step::Leave),
        3 => any::<Index>().prop_map(Step::Begin),
        3 => any::<Index>().prop_map(Step::Read),
    ]
}

struct Client {
    id: SubscriberId,
    items: Vec<usize>,
    rings: Rings,
    seen: BTreeMap<usize, Shown>,
}

#[derive(Default)]
struct Play {
    log: Log,
    heard: usize,
    folded: usize,
    clients: Vec<Client>,
}

impl Play {
    fn hear(&mut self, core: &mut Core<Rings>) {
        if self.heard < self.log.0.len() {
            let fact = self.log.fact(self.heard);
            if core.is_watched(fact.position.topic, &fact.envelope.subject) {
                core.apply(&fact)
            } else {
                core.pass(fact.position)
            }
            self.heard += 1;
        }
    }

    /// Whether the views have what the reader had heard.
    fn is_covered(&self, heard: &schemas::PositionToken) -> bool {
        let is_folded = |at: Position| self.log.0[..self.folded].iter().any(|(folded, ..)| *folded == at);
        heard.positions().all(is_folded)
    }

    fn begin(&self, core: &mut Core<Rings>, key: &Key) {
        let heard = core.read_of(std::slice::from_ref(key));
        let Key::Item(id) = key else { return };
        if self.is_covered(&heard) {
            let n = (0..4).find(|n| item(*n) == *id).expect("one of them");
            core.begin_item(id, |now| now.begin(self.log.row(n, self.folded).as_ref()));
        }
    }

    fn read(core: &mut Core<Rings>, client: &mut Client) {
        for key in core.take(client.id) {
            let n = client.items.iter().copied().find(|n| Key::Item(item(*n)) == key).expect("one of its own");
            client.seen.insert(n, shown(core, n));
        }
        client.rings.0.set(0);
    }

    fn step(&mut self, core: &mut Core<Rings>, step: Step) {
        match step {
            Step::Change(n, available) => _ = self.log.levels(n, available),
            Step::Hear => self.hear(core),
            Step::Fold => self.folded = (self.folded + 1).min(self.log.0.len()),
            Step::Watch(items) => {
                let rings = Rings::default();
                let id = core.subscribe(items.iter().map(|n| Key::Item(item(*n))).collect(), rings.clone());
                self.clients.push(Client { id, items, rings, seen: BTreeMap::new() });
            }
            Step::Leave(which) if !self.clients.is_empty() => {
                let gone = self.clients.swap_remove(which.index(self.clients.len()));
                core.unsubscribe(gone.id);
            }
            Step::Begin(which) => {
                let missing = core.missing(&(0..4).map(|n| Key::Item(item(n))).collect::<Vec<_>>());
                if !missing.is_empty() {
                    self.begin(core, &missing[which.index(missing.len())]);
                }
            }
            Step::Read(which) if !self.clients.is_empty() => {
                let which = which.index(self.clients.len());
                Self::read(core, &mut self.clients[which]);
            }
            Step::Leave(_) | Step::Read(_) => {}
        }
    }
}

proptest! {
    #[test]
    fn whoever_watches_ends_with_the_newest(steps in proptest::collection::vec(step(), 0..120)) {
        let (mut core, mut play) = (Core::new(shards()), Play::default());
        // Three are listed, one is not.
        (0..3).for_each(|n| play.log.listed(n));
        for step in steps {
            play.step(&mut core, step);
            prop_assert!(core.watched() <= 4);
            // Who has something to read has been woken.
            let is_rung = play.clients.iter().all(|client| client.rings.0.get() <= 1);
            prop_assert!(is_rung, "one ring for all that is unread");
        }
        while play.heard < play.log.0.len() {
            play.hear(&mut core);
        }
        play.folded = play.log.0.len();
        for n in 0..4 {
            play.begin(&mut core, &Key::Item(item(n)));
        }
        for client in &mut play.clients {
            Play::read(&mut core, client);
            for n in &client.items {
                let row = play.log.row(*n, play.log.0.len());
                let mut newest = ItemNow::default();
                newest.begin(row.as_ref());
                prop_assert_eq!(client.seen.get(n), Some(&newest.shown()), "item {}", n);
            }
        }
        for client in play.clients {
            core.unsubscribe(client.id);
        }
        prop_assert_eq!(core.watched(), 0);
    }
}
