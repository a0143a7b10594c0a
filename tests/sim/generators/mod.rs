//! What clients ask for: random commands over few things, so that they get in each other's way.
//!
//! One file an aggregate or a kind of request; a new one stands in [`ALL`].

mod carts;
mod drops;
pub mod floor;
mod holds;
mod items;
mod orders;
mod people;
mod registers;
pub mod supply;
mod twist;

use super::{random::Random, swarm::Swarm};
use schemas::{
    Caller, Command, Currency, Digest, Effect, EffectId, ItemId, LocationId, Money, OrderId, Quantity, Role, StoreId,
    SubjectId,
    item::{HoldId, ItemCommand},
    money::MAX_EXACT,
    shopper::Notification,
};

pub use items::opening;
pub use twist::twist;

/// New commands, and who sends each.
pub type Asks = Vec<(Caller, Command)>;

/// Makes commands of one kind.
type Generator = fn(&mut Made, &mut Random, &Swarm) -> Asks;

/// Every generator, with how often it is asked: for anything, in a shop, and where drops are sold.
const ALL: [([u64; 3], Generator); 9] = [
    ([24, 20, 14], items::ask),
    ([18, 3, 3], holds::ask),
    ([14, 16, 3], orders::place),
    ([28, 16, 26], orders::ask),
    ([12, 14, 2], carts::ask),
    ([10, 56, 14], floor::ask),
    ([2, 1, 1], registers::ask),
    ([0, 0, 90], drops::ask),
    ([0, 0, 6], people::ask),
];

/// Everything that was made so far, as far as a later command may name it.
#[derive(Debug, Default)]
pub struct Made {
    count: u64,
    holds: Vec<(Caller, ItemId, HoldId)>,
    orders: Vec<MadeOrder>,
    payments: Vec<(OrderId, String)>,
    transfers: Vec<(ItemId, EffectId)>,
    drops: Vec<drops::MadeDrop>,
    told: Vec<Notification>,
    /// What the clients' clocks show, in milliseconds since 1970.
    pub now: i64,
    /// What the shoppers of drops have read.
    pub crowd: drops::Crowd,
    /// What suppliers said.
    feeds: supply::Feeds,
    /// What the warehouses and the planner have read.
    pub floor: floor::Floor,
}

/// An order that was asked for.
#[derive(Debug, Clone)]
struct MadeOrder {
    id: OrderId,
    owner: Caller,
    lines: u64,
    /// A cart numbers its lines from one, and so does a drop.
    of_cart: bool,
}

impl Made {
    /// New commands.
    pub fn ask(&mut self, random: &mut Random, swarm: &Swarm) -> Asks {
        if swarm.feeds && random.chance(20) {
            return supply::ask(self, random, swarm);
        }
        let kind = if swarm.drops { 2 } else { usize::from(swarm.shop) };
        let all: u64 = ALL.iter().map(|(weights, _)| weights[kind]).sum();
        let mut at = random.below(all);
        for (weight, generator) in ALL.iter().map(|(weights, generator)| (weights[kind], generator)) {
            if at < weight {
                return generator(self, random, swarm);
            }
            at -= weight;
        }
        Vec::new()
    }

    /// An effect that nobody asked for before.
    fn effect(&mut self, what: &str) -> Effect {
        self.count += 1;
        Effect { id: EffectId::parse(&format!("{what}-{}", self.count)).expect("an id"), digest: digest(self.count) }
    }

    /// An order to read, and a hold.
    pub fn orders(&self) -> impl Iterator<Item = &OrderId> {
        self.orders.iter().map(|order| &order.id)
    }

    /// The drops that were asked for.
    pub fn drops(&self) -> impl Iterator<Item = String> {
        self.drops.iter().map(drops::MadeDrop::id)
    }

    /// Who may have a cart: whoever checked one out.
    pub fn carts(&self) -> impl Iterator<Item = String> {
        let carts = self.orders.iter().filter(|order| order.of_cart);
        carts.map(|order| order.owner.subject.to_string())
    }

    /// The free holds, with the items that they are of.
    pub fn holds(&self) -> impl Iterator<Item = (&ItemId, &HoldId)> {
        self.holds.iter().map(|(_, item, hold)| (item, hold))
    }
}

fn digest(of: u64) -> Digest {
    let mut digest = [0; 16];
    digest[..8].copy_from_slice(&of.to_be_bytes());
    Digest::new(digest)
}

/// A system that the shop trusts.
pub fn service() -> Caller {
    caller(Role::Service, "shop", None)
}

fn caller(role: Role, subject: &str, store: Option<&str>) -> Caller {
    let subject = SubjectId::parse(subject).expect("an id");
    Caller { role, subject, store: store.map(|id| StoreId::parse(id).expect("an id")), location: None }
}

/// Who asks for stock or holds: mostly the shop, now and then somebody who may not.
fn anyone(random: &mut Random) -> Caller {
    match random.below(40) {
        0 => caller(Role::Shopper, "shopper-0", None),
        1 => caller(Role::Analyst, "reader", None),
        2 | 3 => caller(Role::Store, "seller-a", Some("store-a")),
        4 => caller(Role::Store, "seller-b", Some("store-b")),
        5 => warehouse("berlin"),
        6 | 7 => caller(Role::Service, "till", None),
        _ => service(),
    }
}

/// The people of a warehouse.
fn warehouse(location: &str) -> Caller {
    let location = Some(LocationId::parse(location).expect("an id"));
    Caller { location, ..caller(Role::Warehouse, "hall", None) }
}

fn shopper(random: &mut Random, swarm: &Swarm) -> Caller {
    caller(Role::Shopper, &format!("shopper-{}", random.below(swarm.shoppers)), None)
}

/// An amount of money.
pub fn amount(minor: i64, currency: &str) -> Money {
    Money::new(minor, Currency::parse(currency).expect("a currency")).expect("an amount")
}

fn euros(minor: i64) -> Money {
    amount(minor, "EUR")
}

/// What a provider authorizes that is not what it was asked for.
pub fn quirky(minor: i64, currency: &str, n: u64) -> Money {
    match n % 4 {
        0 => amount(minor / 2, currency),
        1 => amount((minor + 17).min(MAX_EXACT), currency),
        2 => amount(minor, if currency == "EUR" { "GBP" } else { "EUR" }),
        _ => amount(minor, currency),
    }
}

/// The ids of the items: the physical ones, then the digital one.
pub fn item_ids(swarm: &Swarm) -> Vec<ItemId> {
    let physical = (0..swarm.items).map(|n| format!("sku-{n}"));
    physical.chain(["ebook".to_owned()]).map(|id| ItemId::parse(&id).expect("an id")).collect()
}

/// One of them; the first one where it is hot, and now and then one that was never listed.
fn some_item(random: &mut Random, swarm: &Swarm) -> ItemId {
    let ids = item_ids(swarm);
    if swarm.feeds && random.chance(8) {
        return supply::fed();
    }
    if random.chance(swarm.hot) {
        return ids[0].clone();
    }
    if random.per_mille(8) {
        return ItemId::parse("nowhere").expect("an id");
    }
    random.pick(&ids).expect("there is one").clone()
}

/// As [`some_item`], and seldom the digital one, which has no stock.
fn some_stock(random: &mut Random, swarm: &Swarm) -> ItemId {
    let item = some_item(random, swarm);
    if item.as_str() == "ebook" && random.chance(80) { item_ids(swarm).swap_remove(0) } else { item }
}

fn of_item(item: ItemId, command: ItemCommand) -> Command {
    Command::Item { item, command }
}

/// The locations of a swarm.
fn locations(swarm: &Swarm) -> impl Iterator<Item = LocationId> {
    ["berlin", "leeds", "kiosk"].into_iter().take(swarm.locations).map(|id| LocationId::parse(id).expect("an id"))
}

fn location(random: &mut Random, swarm: &Swarm) -> LocationId {
    let all: Vec<_> = locations(swarm).collect();
    random.pick(&all).expect("there is one").clone()
}

/// Up to so many units, or the most there may be.
fn units(random: &mut Random, swarm: &Swarm, most: u32) -> Quantity {
    let units = if random.chance(swarm.extremes) { Quantity::MAX } else { random.between(1, most) };
    Quantity::new(units).expect("above zero")
}

/// A price, or nothing, or the most that a number holds.
fn price(random: &mut Random, swarm: &Swarm) -> Money {
    if random.chance(swarm.extremes) {
        return [euros(0), euros(MAX_EXACT), amount(700, "GBP"), euros(1)][random.below(4) as usize];
    }
    euros(100 * i64::from(random.between(1, 5)) + i64::from(random.between(0, 3)))
}
