//! The books of sub-orders, shipments and returns, kept naively from the events and what the items are told.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// What the events of one order say of its parcels. Lines, items and sub-orders by their ids.
#[derive(Default)]
pub(super) struct Parcels {
    revision: u32,
    /// What is due, and not planned since.
    said: BTreeMap<String, u32>,
    /// What sub-orders have, also on its way to their parent.
    held: BTreeMap<(String, String), u32>,
    /// Which item has not answered for which sub-order.
    asked: BTreeSet<(String, String)>,
    parents: BTreeMap<String, String>,
    on_the_way: BTreeMap<String, String>,
    shipped: BTreeMap<String, u32>,
    announced: BTreeMap<String, u32>,
    returned: BTreeMap<String, u32>,
    undelivered: BTreeSet<String>,
    /// What the items were told, by item.
    left: BTreeMap<String, u32>,
    restocked: BTreeMap<String, u32>,
    closed: BTreeSet<String>,
    window_closed: bool,
    allocate: BTreeMap<(String, String), u32>,
}

impl Parcels {
    pub fn enter(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::ShipmentsDue(event) => self.say(event.revision, &event.lines),
            OrderEvent::ShipmentsBackordered(event) => self.say(event.revision, &event.lines),
            OrderEvent::SubOrdersPlanned(event) => self.planned(event),
            OrderEvent::SubOrderAllocated(event) => self.answered(&event.sub_order, &event.item_id),
            OrderEvent::AllocationRefused(event) => {
                self.answered(&event.sub_order, &event.item_id);
                self.lose(event.sub_order.as_str(), &event.lines);
            }
            OrderEvent::SubOrderDeallocated(event) => self.lose(event.sub_order.as_str(), &event.lines),
            OrderEvent::ShipmentShipped(event) => {
                self.lose(event.sub_order.as_str(), &event.lines);
                add(&mut self.shipped, &event.lines);
                assert!(self.undelivered.insert(event.effect.id.to_string()), "a shipment leaves once");
            }
            OrderEvent::ShipmentForwarded(event) => {
                assert_eq!(self.parents[event.sub_order.as_str()], event.parent.as_str());
                self.on_the_way.insert(event.effect.id.to_string(), event.sub_order.to_string());
            }
            OrderEvent::ForwardReceived(event) => {
                let from = self.on_the_way.remove(event.shipment.as_str()).expect("it was on the way");
                self.lose(&from, &event.lines);
                let parent = self.parents[&from].clone();
                self.gain(&parent, &event.lines);
            }
            OrderEvent::ShipmentsDelivered(event) => {
                assert!(event.shipments.iter().all(|id| self.undelivered.remove(id.as_str())), "delivered once");
            }
            OrderEvent::ReturnRequested(event) => add(&mut self.announced, &event.lines),
            OrderEvent::ReturnReceived(event) => add(&mut self.returned, &event.lines),
            OrderEvent::ReturnWindowClosed(_) => {
                assert!(self.held.values().all(|units| *units == 0), "nothing is open");
                self.window_closed = true;
            }
            other => panic!("{other:?} is not of parcels"),
        }
    }

    fn say(&mut self, revision: u32, lines: &[DueLine]) {
        assert_eq!(revision, self.revision + 1, "revisions are dense");
        self.revision = revision;
        self.said = lines.iter().map(|line| (line.line_id.to_string(), line.quantity.get())).collect();
    }

    fn planned(&mut self, event: &SubOrdersPlanned) {
        assert_eq!(event.revision, self.revision, "a plan is of what is due");
        self.said.clear();
        for sub_order in &event.sub_orders {
            self.gain(sub_order.sub_order_id.as_str(), &sub_order.lines);
            if let Some(parent) = &sub_order.parent {
                self.parents.insert(sub_order.sub_order_id.to_string(), parent.to_string());
            }
        }
    }

    fn answered(&mut self, sub_order: &schemas::SubOrderId, item: &ItemId) {
        assert!(self.asked.remove(&(sub_order.to_string(), item.to_string())), "an item answers what it was asked");
    }

    fn gain(&mut self, sub_order: &str, lines: &[LineQuantity]) {
        for line in lines {
            *self.held.entry((sub_order.to_owned(), line.line_id.to_string())).or_default() += line.quantity.get();
        }
    }

    fn lose(&mut self, sub_order: &str, lines: &[LineQuantity]) {
        for line in lines {
            let held = self.held.get_mut(&(sub_order.to_owned(), line.line_id.to_string())).expect("it has the line");
            *held = held.checked_sub(line.quantity.get()).expect("a sub-order loses what it has");
        }
    }

    pub fn cancelled(&mut self, event: &LinesCancelled) {
        for taken in &event.sub_orders {
            let line = LineQuantity { line_id: taken.line_id.clone(), quantity: taken.quantity };
            self.lose(taken.sub_order.as_str(), &[line]);
        }
    }

    /// What an item is told of parcels; the events of the same decision were entered before.
    pub fn sent(&mut self, item: &ItemId, command: &ItemCommand) {
        let mut left = |units: u32| *self.left.entry(item.to_string()).or_default() += units;
        match command {
            ItemCommand::Allocate(c) => {
                let key = (c.sub_order.to_string(), item.to_string());
                let before = self.allocate.insert(key.clone(), c.quantity.get());
                assert_eq!(before, None, "an item is asked once for a sub-order");
                self.asked.insert(key);
            }
            ItemCommand::Ship(c) => left(c.quantity.expect("an order says how many").get()),
            ItemCommand::Forward(_) | ItemCommand::ReceiveForward(_) => {}
            ItemCommand::Restock(c) => *self.restocked.entry(item.to_string()).or_default() += c.quantity.get(),
            other => panic!("an order does not ask for {other:?}"),
        }
    }

    /// An item is told that it need not know the hold any longer.
    pub fn closed(&mut self, item: &ItemId) {
        assert!(self.window_closed, "what may still be announced keeps its hold");
        self.closed.insert(item.to_string());
    }

    /// Of each line the id, the item, and what is ordered and neither cancelled nor delivered digitally.
    pub fn check(&self, lines: &[(String, String, u32)]) {
        let (mut left, mut restocked) = (BTreeMap::<&str, u32>::new(), BTreeMap::<&str, u32>::new());
        for (line, item, open) in lines {
            let of = |units: &BTreeMap<String, u32>| units.get(line).copied().unwrap_or(0);
            let held: u32 = self.held.iter().filter(|((_, of), _)| of == line).map(|(_, units)| units).sum();
            let free = open.checked_sub(of(&self.shipped) + held).expect("no unit is in two places");
            assert!(of(&self.said) <= free, "what is due has no sub-order");
            if self.asked.is_empty() {
                assert_eq!(of(&self.said), free, "all without a sub-order is due");
            }
            assert!(of(&self.announced) <= of(&self.shipped), "what was shipped comes back");
            assert!(of(&self.returned) <= of(&self.announced), "what was announced comes back");
            *left.entry(item).or_default() += of(&self.shipped);
            *restocked.entry(item).or_default() += of(&self.returned);
        }
        if self.window_closed {
            // What comes back from then on changes that for none.
            let with_the_buyer = left.iter().filter(|(item, units)| **units > restocked[*item]);
            let mut items = with_the_buyer.map(|(item, _)| *item);
            assert!(items.all(|item| self.closed.contains(item)), "no hold outlives the return window");
        }
        for (of_events, told) in [(left, &self.left), (restocked, &self.restocked)] {
            let of_events: BTreeMap<&str, u32> = of_events.into_iter().filter(|(_, units)| *units > 0).collect();
            let told: BTreeMap<&str, u32> = told.iter().map(|(item, units)| (item.as_str(), *units)).collect();
            assert_eq!(of_events, told, "each item is told what left and what came back");
        }
    }

    pub fn returned(&self, line: &str) -> u32 {
        self.returned.get(line).copied().unwrap_or(0)
    }
}

fn add(to: &mut BTreeMap<String, u32>, lines: &[LineQuantity]) {
    for line in lines {
        *to.entry(line.line_id.to_string()).or_default() += line.quantity.get();
    }
}
