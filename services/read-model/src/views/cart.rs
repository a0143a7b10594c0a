//! Carts, by shopper: what stands in them, what was wrong with it at the last checkout, and which checkouts are open.

use crate::{
    fold::{Fact, Touch, View},
    store::{StoreError, Table, ViewStore},
    views::{
        item::{self, ItemRow},
        row,
    },
};
use schemas::{
    Event, ItemId, Money, OrderId, Quantity, SubjectId,
    cart::{CartEvent, CartLine, CartOutcome, CartReply},
    item::ItemKind,
    order::{HoldRefusal, OrderLine, OrderRefusal},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A cart. One that is empty, with no checkout open, has no row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartRow {
    /// The seq of the newest event in it.
    pub seq: u64,
    /// Ordered by item.
    pub lines: Vec<CartRowLine>,
    /// The order whose checkout locks the lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_by: Option<OrderId>,
    /// Open checkouts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checkouts: Vec<OpenCheckout>,
}

/// A line, with what was wrong with it when the cart was last checked out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartRowLine {
    /// The line.
    #[serde(flatten)]
    pub line: CartLine,
    /// None once the line was changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<CartFlag>,
}

/// What was wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum CartFlag {
    /// There were too few units.
    InsufficientStock {
        /// How many there were.
        available: u64,
    },
    /// The price was another than the shopper saw.
    PriceChanged {
        /// What it was.
        price: Money,
    },
    /// The item was not in sale.
    ItemUnavailable,
    /// The checkout was not paid and submitted in time.
    CheckoutExpired,
}

/// An open checkout: what it holds, or is about to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenCheckout {
    /// Its order.
    pub order_id: OrderId,
    /// Units by item.
    pub units: BTreeMap<ItemId, u64>,
}

/// A cart as its shopper sees it: the lines with what the items say now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownCart {
    /// Ordered by item.
    pub lines: Vec<ShownLine>,
    /// What the lines cost now; none where a price is not known, or prices are in more than one currency.
    pub total: Option<Money>,
    /// The order whose checkout locks the lines.
    pub locked_by: Option<OrderId>,
}

/// A line of a [`ShownCart`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownLine {
    /// What.
    pub item_id: ItemId,
    /// What it is called.
    pub name: Option<String>,
    /// How many.
    pub quantity: Quantity,
    /// The price of one unit now.
    pub price: Option<Money>,
    /// The price that the shopper saw: a checkout is refused if it is another then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_unit_price: Option<Money>,
    /// Units that this shopper can have, with those that their own open checkouts hold; none of a digital item.
    pub available: Option<u64>,
    /// What was wrong at the last checkout, or is now.
    pub flags: Vec<CartFlag>,
}

impl CartRow {
    /// Units of an item that open checkouts of this shopper hold.
    #[must_use]
    pub fn own_units(&self, item: &ItemId) -> u64 {
        self.checkouts.iter().filter_map(|checkout| checkout.units.get(item)).sum()
    }

    /// With the lines that the cart itself told, which may be newer: flags stay with lines that are the same.
    #[must_use]
    pub fn told(self, reply: &CartReply) -> Self {
        let flags = |line: &CartLine| {
            let known = self.lines.iter().find(|known| known.line == *line);
            known.map(|known| known.flags.clone()).unwrap_or_default()
        };
        let lines = reply.lines.iter().map(|line| CartRowLine { line: line.clone(), flags: flags(line) }).collect();
        Self { lines, locked_by: reply.locked_by.clone(), ..self }
    }
}

/// Units of an item that anybody can buy; none of a digital one.
#[must_use]
pub fn buyable(item: &ItemRow) -> Option<u64> {
    let is_digital = item.catalog.as_ref().is_some_and(|catalog| catalog.kind == ItemKind::Digital);
    match (item.listed, is_digital) {
        (false, _) => Some(0),
        (true, true) => None,
        (true, false) => Some(u64::try_from(item.available).unwrap_or(0)),
    }
}

/// The table.
pub const TABLE: Table = Table { name: "cart_v1" };

/// A cart; an empty one where there is no row.
pub async fn get(store: &dyn ViewStore, shopper: &SubjectId) -> Result<CartRow, StoreError> {
    Ok(row(store, TABLE, shopper.as_str()).await?.unwrap_or_default())
}

/// A cart with what its items say now.
pub async fn shown(store: &dyn ViewStore, cart: CartRow) -> Result<ShownCart, StoreError> {
    let ids: Vec<ItemId> = cart.lines.iter().map(|line| line.line.item_id.clone()).collect();
    let items = item::get_many(store, &ids).await?;
    let lines: Vec<ShownLine> =
        cart.lines.iter().zip(&items).map(|(line, item)| shown_line(&cart, line, item.as_ref())).collect();
    Ok(ShownCart { total: total(&lines), lines, locked_by: cart.locked_by })
}

fn shown_line(cart: &CartRow, CartRowLine { line, flags }: &CartRowLine, item: Option<&ItemRow>) -> ShownLine {
    let published = item.and_then(ItemRow::published);
    let mut flags = flags.clone();
    let is_gone = item.is_none_or(|item| !item.listed);
    if is_gone && !flags.contains(&CartFlag::ItemUnavailable) {
        flags.push(CartFlag::ItemUnavailable);
    }
    let buyable = item.map_or(Some(0), buyable);
    ShownLine {
        item_id: line.item_id.clone(),
        name: published.map(|(catalog, _)| catalog.name.clone()),
        quantity: line.quantity,
        price: published.map(|(_, price)| price),
        expected_unit_price: line.expected_unit_price,
        available: buyable.map(|units| units.saturating_add(cart.own_units(&line.item_id))),
        flags,
    }
}

fn total(lines: &[ShownLine]) -> Option<Money> {
    let mut costs = lines.iter().map(|line| line.price?.times(line.quantity.get()).ok());
    let first = costs.next()??;
    costs.try_fold(first, |sum, cost| sum.plus(cost?).ok())
}

/// The fold.
pub struct CartView;

impl View for CartView {
    type Row = CartRow;
    const TABLE: Table = TABLE;

    fn touch(fact: &Fact<'_>, key: &mut String) -> Touch {
        match fact.event {
            Event::Cart(_) => {
                key.push_str(&fact.envelope.subject);
                Touch::Row
            }
            Event::Item(_)
            | Event::Order(_)
            | Event::Store(_)
            | Event::Warehouse(_)
            | Event::Drop(_)
            | Event::Follows(_)
            | Event::Shopper(_) => Touch::None,
        }
    }

    fn fold(row: &mut Option<CartRow>, fact: &Fact<'_>) {
        let Event::Cart(event) = fact.event else { return };
        let mut cart = row.take().unwrap_or_default();
        cart.seq = fact.position.seq;
        apply(&mut cart, event);
        let is_empty = cart.lines.is_empty() && cart.checkouts.is_empty();
        *row = (!is_empty).then_some(cart);
    }
}

fn apply(cart: &mut CartRow, event: &CartEvent) {
    match event {
        CartEvent::CartLineSet(e) => {
            let line = CartRowLine { line: e.line.clone(), flags: Vec::new() };
            match cart.lines.binary_search_by(|known| known.line.item_id.cmp(&e.line.item_id)) {
                Ok(at) => cart.lines[at] = line,
                Err(at) => cart.lines.insert(at, line),
            }
        }
        CartEvent::CartLineRemoved(e) => cart.lines.retain(|known| known.line.item_id != e.item_id),
        CartEvent::CheckoutBegun(e) => {
            if e.of_cart {
                cart.locked_by = Some(e.order_id.clone());
                cart.lines.iter_mut().for_each(|line| line.flags.clear());
            }
            cart.checkouts.retain(|checkout| checkout.order_id != e.order_id);
            cart.checkouts.push(OpenCheckout { order_id: e.order_id.clone(), units: units(&e.lines) });
        }
        CartEvent::CheckoutEnded(e) => {
            let was_locked = cart.locked_by.take_if(|order_id| *order_id == e.order_id).is_some();
            cart.checkouts.retain(|checkout| checkout.order_id != e.order_id);
            set_lines(cart, &e.lines);
            if was_locked {
                flag(cart, &e.outcome);
            }
        }
        CartEvent::CartHandedOver(e) => {
            if !e.lines.is_empty() {
                cart.lines.clear();
            }
        }
        CartEvent::CartMerged(e) => set_lines(cart, &e.lines),
        CartEvent::CheckoutJoined(_) | CartEvent::CheckoutPlaced(_) | CartEvent::MergeBegun(_) => {}
    }
}

fn units(lines: &[OrderLine]) -> BTreeMap<ItemId, u64> {
    let mut units = BTreeMap::new();
    for line in lines {
        *units.entry(line.item_id.clone()).or_default() += line.quantity.units();
    }
    units
}

/// The lines that the cart has now; flags stay with those that are the same.
fn set_lines(cart: &mut CartRow, lines: &[CartLine]) {
    let before = std::mem::take(&mut cart.lines);
    let flags = |line: &CartLine| {
        let known = before.iter().find(|known| known.line == *line);
        known.map(|known| known.flags.clone()).unwrap_or_default()
    };
    cart.lines = lines.iter().map(|line| CartRowLine { line: line.clone(), flags: flags(line) }).collect();
}

/// Marks the lines with why their checkout came to nothing.
fn flag(cart: &mut CartRow, outcome: &CartOutcome) {
    match outcome {
        CartOutcome::Confirmed | CartOutcome::Cancelled => {}
        CartOutcome::Expired => {
            cart.lines.iter_mut().for_each(|line| line.flags = vec![CartFlag::CheckoutExpired]);
        }
        CartOutcome::Rejected { refusals } => {
            for refusal in refusals {
                let OrderRefusal::Item { item_id, refusal } = refusal else { continue };
                let line = cart.lines.iter_mut().find(|line| line.line.item_id == *item_id);
                if let (Some(line), Some(flag)) = (line, refused(refusal)) {
                    line.flags.push(flag);
                }
            }
        }
    }
}

fn refused(refusal: &HoldRefusal) -> Option<CartFlag> {
    match refusal {
        HoldRefusal::InsufficientStock { available, .. } => Some(CartFlag::InsufficientStock { available: *available }),
        HoldRefusal::PriceChanged { price } => Some(CartFlag::PriceChanged { price: *price }),
        HoldRefusal::ItemUnavailable => Some(CartFlag::ItemUnavailable),
        // A matter of the moment, and not of the line.
        HoldRefusal::Released => None,
    }
}
