//! What is watched, by whom, and the newest of it. Sans-IO: whoever drives it reads the log and waits.
//!
//! Nothing is queued for a subscriber but which of its keys have changed, a bit each: however slow it is and however often
//! a key changes, it reads the newest value once.

use super::{
    drop_now::DropNow,
    inbox_now::InboxNow,
    item_now::ItemNow,
    place_now::{self, PlaceNow},
};
use read_model::fold::Fact;
use schemas::{DropId, Event, ItemId, Position, PositionToken, ShardCount, SubjectId, Topic, shopper::ShopperEvent};
use std::collections::HashMap;

/// The most keys of one subscriber.
pub(super) const MAX_KEYS: usize = 200;

/// Something that can be watched.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// What is available of an item.
    Item(ItemId),
    /// A drop.
    Drop(DropId),
    /// A shopper's place in its waiting room; who watches it watches the drop too.
    Place(DropId, SubjectId),
    /// What a shopper is told.
    Inbox(SubjectId),
}

impl Key {
    /// The topic of its events, and what they are keyed by.
    fn source(&self) -> (Topic, &str) {
        match self {
            Self::Item(item) => (Topic::InventoryEvents, item.as_str()),
            Self::Drop(drop) | Self::Place(drop, _) => (Topic::DropsEvents, drop.as_str()),
            Self::Inbox(shopper) => (Topic::ShoppersEvents, shopper.as_str()),
        }
    }
}

/// How a subscriber is woken. Ringing twice is ringing once.
pub(super) trait Bell {
    /// Wakes it.
    fn ring(&self);
}

/// A subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SubscriberId(u64);

struct Subscriber<B> {
    keys: Vec<Key>,
    /// A bit for each key.
    changed: [u64; MAX_KEYS.div_ceil(64)],
    bell: B,
}

/// A key's newest value, and the place of the key among those of each subscriber.
struct Watched<N> {
    now: N,
    by: HashMap<SubscriberId, u8>,
}

impl<N: Default> Default for Watched<N> {
    fn default() -> Self {
        Self { now: N::default(), by: HashMap::new() }
    }
}

#[derive(Default)]
struct WatchedDrop {
    drop: Watched<DropNow>,
    places: HashMap<SubjectId, Watched<PlaceNow>>,
}

/// See the module.
pub(super) struct Core<B> {
    shards: ShardCount,
    items: HashMap<ItemId, Watched<ItemNow>>,
    drops: HashMap<DropId, WatchedDrop>,
    inboxes: HashMap<SubjectId, Watched<InboxNow>>,
    subscribers: HashMap<SubscriberId, Subscriber<B>>,
    next: u64,
    /// How far each partition has been read.
    read: HashMap<(Topic, u32), u64>,
}

impl<B: Bell> Core<B> {
    pub fn new(shards: ShardCount) -> Self {
        Self {
            shards,
            items: HashMap::new(),
            drops: HashMap::new(),
            inboxes: HashMap::new(),
            subscribers: HashMap::new(),
            next: 0,
            read: HashMap::new(),
        }
    }

    /// Watches some keys, [`MAX_KEYS`] at most, each once.
    pub fn subscribe(&mut self, keys: Vec<Key>, bell: B) -> SubscriberId {
        assert!(keys.len() <= MAX_KEYS, "a subscriber has a bit for each key");
        let id = SubscriberId(self.next);
        self.next += 1;
        for (slot, key) in (0_u8..).zip(&keys) {
            let by = match key {
                Key::Item(item) => &mut self.items.entry(item.clone()).or_default().by,
                Key::Drop(drop) => &mut self.drops.entry(drop.clone()).or_default().drop.by,
                Key::Place(drop, shopper) => {
                    &mut self.drops.entry(drop.clone()).or_default().places.entry(shopper.clone()).or_default().by
                }
                Key::Inbox(shopper) => &mut self.inboxes.entry(shopper.clone()).or_default().by,
            };
            by.insert(id, slot);
        }
        self.subscribers.insert(id, Subscriber { keys, changed: Default::default(), bell });
        id
    }

    /// Ends a subscription; what nobody else watches is forgotten.
    pub fn unsubscribe(&mut self, id: SubscriberId) {
        let Some(gone) = self.subscribers.remove(&id) else { return };
        for key in &gone.keys {
            match key {
                Key::Item(item) => leave(&mut self.items, item, id),
                Key::Inbox(shopper) => leave(&mut self.inboxes, shopper, id),
                Key::Drop(drop) => {
                    if let Some(watched) = self.drops.get_mut(drop) {
                        watched.drop.by.remove(&id);
                    }
                }
                Key::Place(drop, shopper) => {
                    if let Some(watched) = self.drops.get_mut(drop) {
                        leave(&mut watched.places, shopper, id);
                    }
                }
            }
            if let Key::Drop(drop) | Key::Place(drop, _) = key
                && self.drops.get(drop).is_some_and(|watched| watched.drop.by.is_empty() && watched.places.is_empty())
            {
                self.drops.remove(drop);
            }
        }
    }

    /// Whether anybody watches what an event with that key is about.
    pub fn is_watched(&self, topic: Topic, key: &str) -> bool {
        match topic {
            Topic::InventoryEvents => ItemId::parse(key).is_ok_and(|item| self.items.contains_key(&item)),
            Topic::DropsEvents => DropId::parse(key).is_ok_and(|drop| self.drops.contains_key(&drop)),
            Topic::ShoppersEvents => SubjectId::parse(key).is_ok_and(|shopper| self.inboxes.contains_key(&shopper)),
            _ => false,
        }
    }

    /// Notes that an event has been read which nobody watches.
    pub fn pass(&mut self, position: Position) {
        let seq = self.read.entry((position.topic, position.partition)).or_default();
        *seq = position.seq.max(*seq);
    }

    /// Takes an event.
    pub fn apply(&mut self, fact: &Fact<'_>) {
        self.pass(fact.position);
        let subscribers = &mut self.subscribers;
        match fact.event {
            Event::Item(event) => {
                if let Some(watched) = self.items.get_mut(&fact.item_id())
                    && watched.now.apply(fact.position.seq, event)
                {
                    mark(subscribers, &watched.by);
                }
            }
            Event::Drop(event) => {
                let drop = DropId::parse(&fact.envelope.subject).ok();
                let Some(watched) = drop.and_then(|drop| self.drops.get_mut(&drop)) else { return };
                if watched.drop.now.apply(fact) {
                    mark(subscribers, &watched.drop.by);
                }
                place_now::changes(event, fact.envelope.time, |shopper, change| {
                    if let Some(place) = watched.places.get_mut(shopper)
                        && place.now.apply(fact.position.seq, change)
                    {
                        mark(subscribers, &place.by);
                    }
                });
            }
            Event::Shopper(ShopperEvent::ShopperNotified(event)) => {
                let shopper = SubjectId::parse(&fact.envelope.subject).ok();
                if let Some(watched) = shopper.and_then(|shopper| self.inboxes.get_mut(&shopper))
                    && watched.now.apply(fact.position.seq, fact.envelope.time, event)
                {
                    mark(subscribers, &watched.by);
                }
            }
            Event::Shopper(ShopperEvent::ShopperSet(_) | ShopperEvent::ShopperForgotten(_))
            | Event::Order(_)
            | Event::Cart(_)
            | Event::Store(_)
            | Event::Warehouse(_)
            | Event::Follows(_) => {}
        }
    }

    /// Which of its keys have changed since the last call, in the order in which it named them.
    pub fn take(&mut self, id: SubscriberId) -> Vec<Key> {
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return Vec::new() };
        let changed = std::mem::take(&mut subscriber.changed);
        let is_changed = |slot: usize| changed[slot / 64] & (1 << (slot % 64)) != 0;
        let keys = subscriber.keys.iter().enumerate().filter(|(slot, _)| is_changed(*slot));
        keys.map(|(_, key)| key.clone()).collect()
    }

    /// The keys of which the beginning is not known yet: it must be read where [`Self::read_of`] is covered.
    pub fn missing(&self, keys: &[Key]) -> Vec<Key> {
        let is_missing = |key: &&Key| match key {
            Key::Item(item) => self.items.get(item).is_some_and(|watched| !watched.now.is_known()),
            Key::Drop(drop) => self.drops.get(drop).is_some_and(|watched| !watched.drop.now.is_known()),
            Key::Place(drop, shopper) => self.place(drop, shopper).is_some_and(|place| !place.is_known()),
            Key::Inbox(_) => false,
        };
        keys.iter().filter(is_missing).cloned().collect()
    }

    /// How far the log has been read of what these keys hear of.
    pub fn read_of(&self, keys: &[Key]) -> PositionToken {
        let mut token = PositionToken::default();
        for key in keys {
            let (topic, key) = key.source();
            let partition = self.shards.of_key(key).0;
            if let Some(&seq) = self.read.get(&(topic, partition)) {
                token.add(Position { topic, partition, seq });
            }
        }
        token
    }

    /// Brings the beginning of a watched item, as `with` tells it; wakes who watches it.
    pub fn begin_item(&mut self, item: &ItemId, with: impl FnOnce(&mut ItemNow)) {
        if let Some(watched) = self.items.get_mut(item) {
            with(&mut watched.now);
            mark(&mut self.subscribers, &watched.by);
        }
    }

    /// The same of a drop.
    pub fn begin_drop(&mut self, drop: &DropId, with: impl FnOnce(&mut DropNow)) {
        if let Some(watched) = self.drops.get_mut(drop) {
            with(&mut watched.drop.now);
            mark(&mut self.subscribers, &watched.drop.by);
        }
    }

    /// The same of a place.
    pub fn begin_place(&mut self, drop: &DropId, shopper: &SubjectId, with: impl FnOnce(&mut PlaceNow)) {
        let watched = self.drops.get_mut(drop).and_then(|watched| watched.places.get_mut(shopper));
        if let Some(watched) = watched {
            with(&mut watched.now);
            mark(&mut self.subscribers, &watched.by);
        }
    }

    /// A watched item.
    pub fn item(&self, item: &ItemId) -> Option<&ItemNow> {
        self.items.get(item).map(|watched| &watched.now)
    }

    /// A watched drop.
    pub fn drop_mut(&mut self, drop: &DropId) -> Option<&mut DropNow> {
        self.drops.get_mut(drop).map(|watched| &mut watched.drop.now)
    }

    /// A watched place.
    pub fn place(&self, drop: &DropId, shopper: &SubjectId) -> Option<&PlaceNow> {
        Some(&self.drops.get(drop)?.places.get(shopper)?.now)
    }

    /// A watched inbox.
    pub fn inbox(&self, shopper: &SubjectId) -> Option<&InboxNow> {
        self.inboxes.get(shopper).map(|watched| &watched.now)
    }

    /// The shards of the log.
    pub const fn shards(&self) -> ShardCount {
        self.shards
    }

    /// Keys that are watched.
    pub fn watched(&self) -> usize {
        let places: usize = self.drops.values().map(|watched| watched.places.len()).sum();
        self.items.len() + self.drops.len() + places + self.inboxes.len()
    }
}

fn leave<K: std::hash::Hash + Eq, N>(all: &mut HashMap<K, Watched<N>>, key: &K, id: SubscriberId) {
    if let Some(watched) = all.get_mut(key) {
        watched.by.remove(&id);
        if watched.by.is_empty() {
            all.remove(key);
        }
    }
}

/// Notes a change for those who watch, and wakes who has not been told of one already.
fn mark<B: Bell>(subscribers: &mut HashMap<SubscriberId, Subscriber<B>>, by: &HashMap<SubscriberId, u8>) {
    for (id, &slot) in by {
        let Some(subscriber) = subscribers.get_mut(id) else { continue };
        let is_first = subscriber.changed.iter().all(|bits| *bits == 0);
        subscriber.changed[usize::from(slot) / 64] |= 1 << (slot % 64);
        if is_first {
            subscriber.bell.ring();
        }
    }
}
