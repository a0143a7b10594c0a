//! The item: catalog facts, price and stock; the last unit is sold once.
//!
//! State first, then [`decide`] with one file per command, [`evolve`] and the clock. A command of a client is looked
//! at in this order: may the caller touch the item at all, did it take effect before, and then the checks in the order
//! of [`ItemRejection`]. A digital item has no stock: its holds are granted and change no number.

mod access;
mod allocate;
mod allot;
mod allotted;
mod by_id;
mod clock;
mod close_hold;
mod commit_hold;
mod count;
mod effects;
mod evolve;
mod evolve_holds;
mod evolve_stock;
mod evolve_supply;
mod evolve_transfers;
mod feeds;
mod forward;
mod holds;
mod list;
mod move_stock;
mod patch;
mod place_hold;
mod receive;
mod receive_transfer;
mod release_hold;
mod restock;
mod safety;
mod ship;
mod short;
mod sorted;
mod supply;
mod taking;
mod tally;
mod trail;
mod transfer;
mod transfers;
mod uncommit;

#[cfg(test)]
mod tests;

pub use clock::on_clock;
pub use evolve::evolve;
pub(crate) use patch::merge;

use crate::{Answer, Context, Decided, Decision};
use effects::{EffectKey, Effects, Outcome};
use feeds::Feeds;
use holds::Holds;
use schemas::{
    AllotmentId, Command, DropId, Effect, Event, FreeHoldId, ItemId, LocationId, Money, OrderId, Quantity, Rejection,
    ReplyBody, SourceId, SubOrderId, Timestamp,
    item::{Catalog, HoldId, HoldStatus, ItemCommand, ItemEvent, ItemKind, ItemRejection, ItemReply, StockLevels},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tally::{Buckets, Tally, Turnover};
use trail::Trail;
use transfers::{Transfer, TransferKey};

/// The state of an item. What it stores in a snapshot is its serde form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    id: ItemId,
    /// `None` until it is listed for the first time.
    catalog: Option<Catalog>,
    price: Option<Money>,
    listed: bool,
    /// Rises with every change of facts, price or listing; zero until it is listed.
    version: u64,
    /// The newest version known of each source.
    sources: BTreeMap<SourceId, u64>,
    /// What suppliers' systems say.
    #[serde(default, skip_serializing_if = "Feeds::is_empty")]
    feeds: Feeds,
    tally: Tally,
    turnover: Turnover,
    places: BTreeMap<LocationId, Place>,
    /// Units between locations.
    #[serde(with = "sorted")]
    transfers: HashMap<TransferKey, Transfer>,
    /// Allocations so far: their number says which is the newest.
    allocations: u64,
    allotments: BTreeMap<AllotmentId, Allotment>,
    /// Asked back before they were lent: they never are.
    #[serde(default)]
    voided: BTreeSet<AllotmentId>,
    holds: Holds,
    effects: Effects,
}

/// What an item has at one location.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    buckets: Buckets,
    /// The allocations that are open here, by number.
    allocations: BTreeMap<u64, Slot>,
    /// Its sellable units by time.
    #[serde(default)]
    trail: Trail,
}

/// The open part of an allocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    hold: HoldId,
    sub_order: SubOrderId,
    units: u32,
}

/// Units lent to a drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Allotment {
    drop: DropId,
    /// Lent at first.
    quantity: u32,
    /// Lent now.
    units: u64,
}

impl Item {
    /// An item to which nothing has happened.
    #[must_use]
    pub fn new(id: ItemId) -> Self {
        Self {
            id,
            catalog: None,
            price: None,
            listed: false,
            version: 0,
            sources: BTreeMap::new(),
            feeds: Feeds::default(),
            tally: Tally::default(),
            turnover: Turnover::default(),
            places: BTreeMap::new(),
            transfers: HashMap::new(),
            allocations: 0,
            allotments: BTreeMap::new(),
            voided: BTreeSet::new(),
            holds: Holds::default(),
            effects: Effects::default(),
        }
    }

    /// How many holds, effects and transfers it remembers, about.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.holds.len() + self.effects.len() + self.transfers.len()
    }

    /// The earliest time at which the clock has something to say: a free hold's deadline and grace.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        self.holds.due()
    }

    /// The stock over all locations.
    #[must_use]
    pub fn levels(&self) -> StockLevels {
        self.tally.levels()
    }

    /// The catalog facts; `None` until it is listed for the first time.
    #[must_use]
    pub const fn catalog(&self) -> Option<&Catalog> {
        self.catalog.as_ref()
    }

    /// The state of a hold; `None` where there was none, or it is long over.
    #[must_use]
    pub fn hold_status(&self, id: &HoldId) -> Option<HoldStatus> {
        self.holds.get(id).map(holds::Hold::status)
    }

    /// The order that a hold is for; none of a foreign system's own.
    fn order_of(&self, hold: &HoldId) -> Option<OrderId> {
        match hold {
            HoldId::Order { order, .. } => Some(order.clone()),
            HoldId::Drop { .. } => self.holds.get(hold)?.details.as_ref()?.order.clone(),
            HoldId::Free { .. } => None,
        }
    }

    /// What is available, as the owner of a hold is told: of a digital item nothing.
    fn shown(&self, available: i64) -> Option<i64> {
        (!self.is_digital()).then_some(available)
    }

    /// The answer to a free hold's owner, as hold and item are now.
    fn hold_now(&self, id: &FreeHoldId, hold: &holds::Hold) -> ItemReply {
        hold.reply(id, hold.status(), hold.shipped, self.shown(self.tally.available()))
    }

    fn is_digital(&self) -> bool {
        self.catalog.as_ref().is_some_and(|catalog| catalog.kind == ItemKind::Digital)
    }

    /// Whether the item may be of a kind: that never changes, and what has stock is physical.
    fn may_be(&self, kind: ItemKind) -> bool {
        let fixed = self.catalog.as_ref().map(|catalog| catalog.kind);
        let fixed = fixed.or((!self.places.is_empty()).then_some(ItemKind::Physical));
        fixed.is_none_or(|fixed| fixed == kind)
    }

    /// Units as they count in the totals: a digital item has none.
    fn counted(&self, units: u32) -> u64 {
        if self.is_digital() { 0 } else { u64::from(units) }
    }

    /// What lies at a location; nothing where nothing ever lay.
    fn buckets(&self, location: &LocationId) -> Buckets {
        self.places.get(location).map(|place| place.buckets).unwrap_or_default()
    }

    /// That the item was listed once and has stock, which is where a stock command's checks begin.
    fn check_stocked(&self) -> Result<(), ItemRejection> {
        if self.catalog.is_none() {
            return Err(ItemRejection::ItemNotFound);
        }
        if self.is_digital() {
            return Err(ItemRejection::DigitalHasNoStock);
        }
        Ok(())
    }

    /// That one more location fits, if it is a new one.
    fn check_location(&self, location: &LocationId) -> Result<(), ItemRejection> {
        if self.places.len() >= tally::MAX_LOCATIONS && !self.places.contains_key(location) {
            return Err(ItemRejection::TooManyLocations);
        }
        Ok(())
    }

    /// That a location has this many sellable units that no sub-order has; what lies there.
    fn check_location_has(&self, location: &LocationId, quantity: Quantity) -> Result<Buckets, ItemRejection> {
        let Some(Place { buckets, .. }) = self.places.get(location) else {
            return Err(ItemRejection::LocationNotFound { location: location.clone() });
        };
        let available = buckets.unallocated();
        if available < quantity.units() {
            let asked = quantity.get();
            return Err(ItemRejection::InsufficientAtLocation { location: location.clone(), asked, available });
        }
        Ok(*buckets)
    }

    /// The outcome of a move that took effect before, within a location or to another; a refusal where it said something else.
    fn moved_before(&self, effect: &Effect, quantity: Quantity) -> Result<Option<Outcome>, ItemRejection> {
        let sent = || self.transfers.get(&TransferKey::of_move(&effect.id)).map(|transfer| &transfer.recorded);
        let moved = self.effects.get(&EffectKey::Move(effect.id.clone())).or_else(sent);
        moved.map(|recorded| recorded.again(effect, quantity.units())).transpose()
    }

    /// That this many units are available to sell.
    fn check_available(&self, units: u32) -> Result<(), ItemRejection> {
        let left = self.tally.sellable_now();
        let available = if planted::bug!("undecremented-stock") { self.tally.sellable } else { left };
        if self.counted(units) > available {
            return Err(ItemRejection::InsufficientStock { asked: units, available });
        }
        Ok(())
    }
}

/// What a command of an item decides.
type ItemDecided = Result<Decision, ItemRejection>;

/// Decides a command.
///
/// # Errors
/// The refusal, as [`Rejection::Item`]. An order's hold is never refused this way: the order is sent the answer.
pub fn decide(item: &Item, command: &ItemCommand, cx: Context<'_>) -> Decided {
    let decided = match command {
        ItemCommand::List(c) => list::list(item, c, cx),
        ItemCommand::Patch(c) => patch::patch(item, c, cx),
        ItemCommand::Delist(c) => list::delist(item, c, cx),
        ItemCommand::Receive(c) => receive::receive(item, c, cx),
        ItemCommand::Count(c) => count::count(item, c, cx),
        ItemCommand::Move(c) => move_stock::move_stock(item, c, cx),
        ItemCommand::Transfer(c) => transfer::transfer(item, c, cx),
        ItemCommand::ReceiveTransfer(c) => receive_transfer::receive_transfer(item, c, cx),
        ItemCommand::PlaceHold(c) => place_hold::place_hold(item, c, cx),
        ItemCommand::CommitHold(c) => commit_hold::commit_hold(item, c, cx),
        ItemCommand::ReleaseHold(c) => release_hold::release_hold(item, c, cx),
        ItemCommand::Uncommit(c) => Ok(uncommit::uncommit(item, c)),
        ItemCommand::Allocate(c) => allocate::allocate(item, c),
        ItemCommand::Ship(c) => ship::ship(item, c, cx),
        ItemCommand::Forward(c) => Ok(forward::forward(item, c)),
        ItemCommand::ReceiveForward(c) => Ok(forward::receive_forward(item, c, cx)),
        ItemCommand::Restock(c) => restock::restock(item, c),
        ItemCommand::CloseHold(c) => Ok(close_hold::close_hold(item, c)),
        ItemCommand::Allot(c) => allot::allot(item, c),
        ItemCommand::ReturnAllotment(c) => allot::return_allotment(item, c),
        ItemCommand::CommitAllotted(c) => allotted::commit_allotted(item, c),
        ItemCommand::SetSafety(c) => safety::set_safety(item, c, cx),
        ItemCommand::Supply(c) => supply::supply(item, c, cx),
    };
    let tell = |mut decision: Decision| {
        short::tell_orders(item, &mut decision, cx);
        decision
    };
    decided.map(tell).map_err(Rejection::Item)
}

/// An event of an item, as a decision carries it.
fn event(event: impl Into<ItemEvent>) -> Event {
    Event::Item(event.into())
}

/// These events, and this answer.
fn told(events: Vec<Event>, reply: ItemReply) -> Decision {
    Decision { events, sends: Vec::new(), answer: Answer::Now(ReplyBody::Item(reply)) }
}

/// Nothing new, and the answer that was given before.
fn already(reply: ItemReply) -> Decision {
    told(Vec::new(), reply)
}

/// These events, these commands to others, and nobody waits.
fn untold(events: Vec<Event>, sends: Vec<Command>) -> Decision {
    Decision { events, sends, answer: Answer::Nobody }
}
